"""What is required: one row per account and pool, with the parts it is made of.

A pool is a settlement currency (segregated margin) or the account's numeraire (cross margin);
amounts are in that currency, positive = collateral needed.
"""

from typing import Any

import numpy as np

from counterpoise.values.failure import Failure
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Indices = np.ndarray[Any, np.dtype[np.int32]]


@frozen
class WorstScenarios:
    """The scenario behind each risk unit's worst loss, one entry per (requirement row, unit).

    row         index of the requirement row, [entry]
    unit        index into `units`, [entry]
    scenario    index into the labels of the model's scenario set `scenario_set`, [entry]
    loss        loss in that scenario after transforms, positive, pool currency, [entry]
    """

    units: tuple[str, ...]
    row: Indices
    unit: Indices
    scenario: Indices
    loss: Floats


@frozen
class Requirements:
    """Requirements of a book in rows sorted by (account, pool).

    account, pool             [row]; `pool` indexes `pools`
    initial, maintenance      [row]; NaN in the rows that `failures` explains
    initial_components        {name: [row]} addends that sum to `initial`, rounding among them
    maintenance_components    {name: [row]} addends that sum to `maintenance`
    candidates                {name: [row]} what lost a max, for information
    failure                   [row] index into `failures`, -1 where the numbers stand
    failures                  what is missing, one per instrument or unit concerned
    """

    pools: tuple[str, ...]
    account: Indices
    pool: Indices
    initial: Floats
    maintenance: Floats
    initial_components: dict[str, Floats]
    maintenance_components: dict[str, Floats]
    candidates: dict[str, Floats]
    worst: WorstScenarios
    failure: Indices
    failures: tuple[Failure, ...]

    def __len__(self) -> int:
        """Return the number of (account, pool) rows."""
        return len(self.account)
