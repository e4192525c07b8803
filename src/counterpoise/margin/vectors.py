"""What a book gains or loses in every scenario, as the model counts it: for people and pictures."""

import numpy as np

from counterpoise.margin.requirement import Floats, Indices
from counterpoise.risk.aggregation import Rows, UnitTransform, loss_vectors
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen


@frozen
class RiskVectors:
    """Gains (> 0) and losses of a book by scenario of one set, pool currency.

    units          names of the risk units
    account, unit  [row] of the summed vectors
    by_position    [position, scenario] in book order, scenario weights applied
    summed         [row, scenario] sum of the positions, weights applied
    counted        [row, scenario] after gain offsets and dampeners: its minimum is the worst case
    """

    scenarios: ScenarioSet
    units: tuple[str, ...]
    account: Indices
    unit: Indices
    by_position: Floats
    summed: Floats
    counted: Floats


def risk_vectors(arrays: RiskArrays, rows: Rows, transform: UnitTransform, weight: Floats,
                 units: tuple[str, ...]) -> RiskVectors:
    """Return the vectors behind `worst_loss` of the same rows; meant for few accounts.

    `weight` [unit, scenario] is the transform's.
    """
    raw, counted = loss_vectors(rows, arrays.pnl, transform)
    key = rows.key[np.repeat(np.arange(len(rows.key)), np.diff(rows.pointer))]
    own = rows.lots[:, None] * arrays.pnl[rows.instrument] * weight[key]
    if rows.order is not None:
        back = np.empty_like(own)
        back[rows.order] = own
        own = back
    return RiskVectors(scenarios=arrays.scenarios, units=units, account=rows.account,
                       unit=rows.key, by_position=own,
                       summed=raw * weight[rows.key], counted=counted)
