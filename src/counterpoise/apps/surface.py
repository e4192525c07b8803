"""What would a unit gain or lose over price and volatility, beyond the cells that the model counts?

The same kernel on a finer grid: price moves across, volatility shifts (at 30 days, scaled by tenor
with the model's own rule) down. Plain P&L, before the model's weights and offsets.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.apps.answer import Answer, PoolMargin
from counterpoise.apps.legs import name_of
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.worst import WorstScenario
from counterpoise.risk.arrays import risk_arrays
from counterpoise.scenarios.scenario_set import Columns, ScenarioSet, factors_of
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced

Floats = np.ndarray[Any, np.dtype[np.float64]]
MOVES: Final = 81
SHIFTS: Final = 41
NEAR: Final = 0.3
"""Moves smaller than this are shown even if the worst is among them."""
UNITS_MAX: Final = 4
CURVES_MAX: Final = 7


@frozen
class Surface:
    """P&L of one account's unit in pool currency, gain > 0.

    move      [move] fractional price move           shift   [shift] volatility shift at 30 days
    pnl       [shift, move] of all positions         curves  {position: [move]} at unchanged vol
    counted   (moves, shifts) of the model's cells   worst   the cell behind the requirement
    """

    unit: str
    currency: str
    move: Floats
    shift: Floats
    pnl: Floats
    curves: dict[str, Floats]
    counted: tuple[Floats, Floats]
    worst: WorstScenario | None
    relative: bool


def surfaces(answer: Answer) -> tuple[Surface, ...]:
    """Return the surfaces of the units of one account, the largest loss first.

    Raises
    ------
    BadInput
        If the model looks at no scenarios, or nothing that is held can be priced.
    """
    if not answer.arrays:
        raise bad_input(Reason.NOT_APPLICABLE, "--plot", f"{answer.model.name} looks at no "
                        "scenarios; draw a scenario model, like --model deribit_spm")
    if isinstance(answer.margins.equity_rule, CrossEquity):
        raise bad_input(Reason.NOT_APPLICABLE, "--plot", f"{answer.model.name} puts all assets of "
                        "an account into one pool, and its collateral moves with the price; draw "
                        "one of segregated pools, like --model deribit_spm")
    cells = [(pool, cell) for pool in answer.pools for cell in pool.worst]
    cells.sort(key=lambda pair: -pair[1].loss)
    if not cells:
        raise bad_input(Reason.NOT_APPLICABLE, "--plot", "nothing is at risk, or it cannot be "
                        "priced: there is nothing to draw")
    return tuple(_surface(answer, pool, cell) for pool, cell in cells[:UNITS_MAX])


def _surface(answer: Answer, pool: PoolMargin, cell: WorstScenario) -> Surface:
    portfolio, base = answer.portfolio, answer.arrays[0].scenarios
    underlying = cell.unit.split("_")[0].upper()
    columns = factors_of(base, underlying)
    counted = base.move[1:, columns[0]], base.vol_shift[1:, columns[0]]
    move, shift = _axes(counted, cell)
    pnl = risk_arrays(portfolio.market, _fine(base, columns, move, shift)).pnl[:, 1:]
    held = _of_unit(portfolio.book, underlying, pool.currency)
    own = portfolio.book.lots[held, None] * pnl[portfolio.book.instrument[held]]
    own = own.reshape(len(held), len(shift), len(move))
    return Surface(unit=cell.unit, currency=pool.currency, move=move, shift=shift,
                   pnl=own.sum(axis=0), curves=_curves(portfolio, held, own[:, _unmoved(shift)]),
                   counted=counted, worst=cell, relative=base.vol_rules[columns[0]].relative)


def _axes(counted: tuple[Floats, Floats], cell: WorstScenario) -> tuple[Floats, Floats]:
    """Return moves a little beyond the standard table, or as far as the worst cell, and shifts."""
    moves, shifts = counted
    standard = moves[np.abs(moves) < NEAR]
    reach = 1.25 * float(np.abs(standard).max(initial=0.05))
    low = max(min(-reach, 1.1 * cell.price_move), -0.95)
    high = max(reach, 1.1 * cell.price_move)
    spread = np.linspace(1.2 * shifts.min(initial=-0.1), 1.2 * shifts.max(initial=0.1), SHIFTS)
    return np.linspace(low, high, MOVES), np.union1d(spread, [0.0])


def _fine(base: ScenarioSet, columns: Columns, move: Floats, shift: Floats) -> ScenarioSet:
    cells = 1 + len(move) * len(shift)
    moves, shifts = (np.zeros((cells, len(base.factors))) for _ in range(2))
    moves[1:, columns] = np.tile(move, len(shift))[:, None]
    shifts[1:, columns] = np.repeat(shift, len(move))[:, None]
    return replaced(base, labels=tuple(str(k) for k in range(cells)), move=moves,
                    vol_shift=shifts, time_shift_days=np.zeros(cells),
                    weight=np.concatenate(([0.0], np.ones(cells - 1))))


def _of_unit(book: Book, underlying: str, settlement: str) -> np.ndarray[Any, Any]:
    terms = book.catalogue
    u, s = terms.underlyings.index(underlying), terms.settlements.index(settlement)
    return np.flatnonzero((terms.underlying[book.instrument] == u)
                          & (terms.settlement[book.instrument] == s))


def _unmoved(shift: Floats) -> int:
    return int(np.argmin(np.abs(shift)))


def _curves(portfolio: Portfolio, held: np.ndarray[Any, Any], own: Floats) -> dict[str, Floats]:
    """Return the curves of the positions that move most, and of the others together."""
    book = portfolio.book
    order = np.argsort(-np.abs(own).max(axis=1), kind="stable")
    names = [name_of(book.catalogue.instruments[book.instrument[held[k]]], portfolio.symbols)
             for k in order]
    curves = {name: own[k] for name, k in zip(names[:CURVES_MAX], order[:CURVES_MAX],
                                              strict=True)}
    rest = order[CURVES_MAX:]
    return curves | ({f"{len(rest)} others": own[rest].sum(axis=0)} if len(rest) else {})
