"""In which scenario does each risk unit lose most? The cell of the model's grid, in words.

A cell is named as Deribit names it: source (standard or extended table), bucket and side of the
price move, and its place in the table, all counted from 1 at the lowest price.
"""

from typing import Final

import numpy as np

from counterpoise.margin.requirement import Requirements
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet, factors_of
from counterpoise.values.frozen import frozen

WHOLE: Final = "account"
"""The unit of a model that nets a whole account: its scenarios move everything at once."""


@frozen
class WorstScenario:
    """The cell behind a unit's worst loss.

    `price_move` is a fraction, NaN where all prices move, each by its own; `vol_state` up, same,
    down or joint; `index` and `bucket` count from 1 inside the `table`; `side` of the price move is
    left, centre, right or joint; `loss` is positive, in pool currency, after the model's weights
    and offsets. `scenario` indexes the scenario set.
    """

    unit: str
    label: str
    price_move: float
    vol_state: str
    table: str
    index: int
    bucket: int
    side: str
    loss: float
    scenario: int


def worst_scenarios(required: Requirements, arrays: tuple[RiskArrays, ...],
                    ) -> dict[int, tuple[WorstScenario, ...]]:
    """Return the worst scenarios of every requirement row that loses anything, largest first."""
    worst = required.worst
    found: dict[int, list[WorstScenario]] = {}
    for k in np.flatnonzero(worst.loss > 0).tolist():
        cell = _cell(arrays[0].scenarios, int(worst.scenario[k]),
                     unit=worst.units[worst.unit[k]], loss=float(worst.loss[k]))
        found.setdefault(int(worst.row[k]), []).append(cell)
    return {row: tuple(sorted(cells, key=lambda c: -c.loss)) for row, cells in found.items()}


def in_words(cell: WorstScenario) -> str:
    """Return the move as a trader says it: `-16 %, vol up`, or what else than these it is."""
    if cell.unit == WHOLE or cell.label.startswith(("smile", "basis")):
        return cell.label
    move = f"{100 * cell.price_move:+.6g} %" if cell.price_move else "price unchanged"
    return f"{move}, vol {'unchanged' if cell.vol_state == 'same' else cell.vol_state}"


def _cell(scenarios: ScenarioSet, scenario: int, *, unit: str, loss: float) -> WorstScenario:
    if unit == WHOLE:
        return WorstScenario(unit=unit, label=scenarios.labels[scenario], price_move=float("nan"),
                             vol_state="joint", table="joint", index=scenario, bucket=0,
                             side="joint", loss=loss, scenario=scenario)
    underlying = unit.split("_")[0].upper()
    own = factors_of(scenarios, underlying)
    column = int(own[0]) if len(own) else 0
    moves, shift = scenarios.move[:, column], float(scenarios.vol_shift[scenario, column])
    extended = np.array([label.startswith("extended") for label in scenarios.labels])
    table = np.flatnonzero(extended == extended[scenario])
    table = table[table > 0]
    buckets = sorted(set(moves[table].tolist()))
    move = float(moves[scenario])
    return WorstScenario(
        unit=unit, label=scenarios.labels[scenario], price_move=move,
        vol_state="up" if shift > 0 else "down" if shift < 0 else "same",
        table="extended" if extended[scenario] else "standard",
        index=int(np.searchsorted(table, scenario)) + 1,
        bucket=buckets.index(move) + 1,
        side="left" if move < 0 else "right" if move > 0 else "centre", loss=loss,
        scenario=scenario)
