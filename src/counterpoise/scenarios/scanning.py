"""Which sixteen scenarios SPAN scans: thirds of a price scan range, volatility up and down.

    1, 2  price unchanged     3, 4  +1/3     5, 6  -1/3     7, 8  +2/3     9, 10  -2/3
    11, 12  +1     13, 14  -1     each with volatility up, then down
    15, 16  + and - an extreme multiple of the range, volatility unchanged

The part of an extreme loss that counts is a weight of the requirement, not of the scenario. Source:
CME Group public SPAN pages; NSE Clearing, NSCCL-SPAN page.
"""

from typing import Final

import numpy as np

from counterpoise.scenarios.scenario_set import Columns, Floats, ScenarioSet, VolRule
from counterpoise.values.frozen import frozen

THIRDS: Final = (0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3)
"""Price moves of scenarios 1 to 14 in thirds of the scan range."""
EXTREMES: Final = (15, 16)
PAIRED: Final = np.array([0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 15, 16], np.int32)
"""The scenario of the same price move and the other volatility move; the rest are their own."""
_NAMES: Final = {0: "unchanged", 1: "+1/3", -1: "-1/3", 2: "+2/3", -2: "-2/3", 3: "+3/3",
                 -3: "-3/3"}


@frozen
class ScanRange:
    """How far price (fraction) and volatility of every factor are scanned, [factor].

    `factor_of` [instrument] is the factor each follows.
    """

    factors: tuple[str, ...]
    factor_of: Columns
    price: Floats
    volatility: Floats


def scanning_scenarios(ranges: ScanRange, *, extreme_multiplier: float, lookahead_days: float,
                       volatility_relative: bool) -> ScenarioSet:
    """Return scenario 0 and the sixteen; prices move off their own forward, P&L in settlement.

    `lookahead_days` pass in all sixteen. `volatility_relative` ranges are fractions of the
    volatility, others points; they do not depend on tenor.
    """
    count = len(ranges.factors)
    thirds = np.array([0, *THIRDS, 3 * extreme_multiplier, -3 * extreme_multiplier]) / 3
    states = np.array([0.0, *[1.0, -1.0] * 7, 0.0, 0.0])
    passing = np.full(17, lookahead_days)
    passing[0] = 0.0
    rule = VolRule(relative=volatility_relative, power_short=0.0, power_long=0.0,
                   switch_days=30.0, days_floor=1.0, whole_days=False, floor_up=0.0)
    return ScenarioSet(
        labels=scanning_labels(), factors=ranges.factors, factor_of=ranges.factor_of,
        move=thirds[:, None] * ranges.price, vol_shift=states[:, None] * ranges.volatility,
        vol_rules=(rule,) * count, time_shift_days=passing,
        weight=np.array([0.0, *[1.0] * 16]), base_spot="mark", base_delta_one="mark",
        base_option="forward", numeraire="settlement")


def scanning_labels() -> tuple[str, ...]:
    """Return the names of scenario 0 and the sixteen."""
    inner = [f"{k + 1}: price {_NAMES[third]}, vol {'down' if k % 2 else 'up'}"
             for k, third in enumerate(THIRDS)]
    return ("unshocked", *inner, "15: extended move up", "16: extended move down")


def covered(fraction: float) -> Floats:
    """Return the part of each scenario's P&L that counts, [scenario]."""
    weight = np.ones(17)
    weight[list(EXTREMES)] = fraction
    return weight
