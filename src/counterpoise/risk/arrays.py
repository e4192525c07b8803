"""What every instrument would gain or lose per lot: one pricing pass for all accounts."""

from typing import Any

import numpy as np

from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]


@frozen
class RiskArrays:
    """Value and P&L per lot of every instrument of a catalogue.

    value       [instrument] unshocked model value per lot, in the numeraire of `scenarios`
    pnl         [instrument, scenario] value in the scenario minus `value`, gain > 0; column 0 is 0
    delta       [instrument] transaction delta per lot in units of underlying: Black delta, less
                the premium in coin for inverse options; futures +1 per coin
    black_delta [instrument] the same without the premium: Black delta for options
    failed      [instrument] True where a needed number is missing: the row is NaN
    sequence    of the snapshot that was priced
    """

    scenarios: ScenarioSet
    sequence: int
    value: Floats
    pnl: Floats
    delta: Floats
    black_delta: Floats
    failed: np.ndarray[Any, np.dtype[np.bool_]]
