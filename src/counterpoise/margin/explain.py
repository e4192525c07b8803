"""Why the requirement is what it is: which position, which scenario, which reading.

Three views of one account: Euler contributions (they sum to the requirement), what closing each leg
would change (a recomputation of the book without it), and how far the requirement moves over the
readings that the venue leaves open. All of them are margins from `margin.compute`.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import (
    Book,
    book_of,
    orders_of,
    positions_of,
    rows_at,
    tables_of,
)
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.pools import pool_of_instrument
from counterpoise.margin.requirement import Floats, Requirements
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen, replaced

PART_ROWS_MAX: Final = 200_000
"""Positions and orders of all accounts of a run: closing each of n positions makes n of them."""


@frozen
class Explanation:
    """One account explained; position axes are the book's position columns.

    contributions          by component, see `margin.contributions`
    closing_initial        [position] change of the initial margin of the position's pool if it
    closing_maintenance    were closed at no cost, negative = closing frees collateral
    """

    contributions: Contributions
    closing_initial: Floats
    closing_maintenance: Floats


def explain(book: Book, market: MarketSnapshot, *, model: MarginModel,
            version: ParameterVersion) -> Explanation:
    """Explain an account, a book of one row."""
    assert len(book) == 1
    arrays = priced(market, model=model, version=version)
    closing = np.concatenate([np.zeros((0, 2)), *(
        closing_each(book, market, model=model, version=version, arrays=arrays, part=part)
        for part in parts(book))])
    return Explanation(
        contributions=model.contributions(book, arrays, market, version.parameters),
        closing_initial=closing[:, 0], closing_maintenance=closing[:, 1])


def parts(book: Book) -> tuple[slice, ...]:
    """Return the positions of an account in runs: the work on one run fits in bounded memory."""
    n = len(book.instrument)
    step = max(1, PART_ROWS_MAX // max(n + len(book.order_lots), 1))
    return tuple(slice(k, min(k + step, n)) for k in range(0, n, step))


def closing_each(book: Book, market: MarketSnapshot, *, model: MarginModel,
                 version: ParameterVersion, arrays: tuple[RiskArrays, ...],
                 part: slice) -> Floats:
    """Return the change of (initial, maintenance) by closing each position of a run, [run, 2].

    `book` is one account, `arrays` are priced from this very market; see `Explanation`.
    """
    whole, less = (compute_margin(b, market, model=model, version=version, arrays=arrays
                                  ).requirements for b in (book, without_each(book, part)))
    return _closing(book, whole, less, part)


def without_each(book: Book, part: slice = slice(None)) -> Book:
    """Return one account per position of a run: the account without that position."""
    run = np.arange(len(book.instrument))[part]
    n = len(run)
    account, place = np.nonzero(run[:, None] != np.arange(len(book.instrument)))
    rows = replaced(rows_at(positions_of(book), place), account=account)
    orders = orders_of(book)
    copies = replaced(rows_at(orders, np.tile(np.arange(len(orders.lots)), n)),
                      account=np.repeat(np.arange(n), len(orders.lots)))
    made = book_of(catalogue=book.catalogue, accounts=np.arange(n), positions=rows, orders=copies)
    return replaced(made, assets=book.assets,
                    **tables_of(book, lambda table: np.repeat(table, n, axis=0)))


def _closing(book: Book, whole: Requirements, less: Requirements, part: slice) -> Floats:
    own = {p: (i, m) for p, i, m in zip(whole.pool, whole.initial, whole.maintenance, strict=True)}
    left = {(a, p): (i, m) for a, p, i, m in zip(less.account, less.pool, less.initial,
                                                 less.maintenance, strict=True)}
    pool_of = pool_of_instrument(book, whole.pools)[book.instrument[part]].tolist()
    return np.array([np.subtract(left.get((k, p), (0.0, 0.0)), own[p])
                     for k, p in enumerate(pool_of)]).reshape(-1, 2)


@frozen
class ReadingRange:
    """The smallest and largest requirement over the readings, by requirement row, with labels."""

    initial_low: Floats
    initial_high: Floats
    maintenance_low: Floats
    maintenance_high: Floats
    label_low: tuple[str, ...]
    label_high: tuple[str, ...]
    readings: int


def over_readings(book: Book, market: MarketSnapshot, *, model: MarginModel,
                  version: ParameterVersion) -> ReadingRange:
    """Return how far the requirement moves over every combination of the switchable readings.

    Combinations of groups that add are not computed one by one (`MarginModel.reading_variants`).
    """
    groups = model.reading_variants(book, version.parameters)
    known: list[tuple[tuple[ScenarioSet, ...], tuple[RiskArrays, ...]]] = []

    def needed(parameters: Any) -> Floats:
        arrays = _priced_once(market, model, replaced(version, parameters=parameters), known)
        required = model.requirement(book, arrays, market, parameters, 1)
        return np.stack([required.initial, required.maintenance])

    base = needed(version.parameters)
    low = high = base
    names_low = names_high = [""] * base.shape[1]
    for group in groups:
        moved = np.stack([needed(p) if p != version.parameters else base for _, p in group]) - base
        low, high = low + moved.min(axis=0), high + moved.max(axis=0)
        labels = [label for label, _ in group]
        names_low = _joined(names_low, labels, moved[:, 0].argmin(axis=0))
        names_high = _joined(names_high, labels, moved[:, 0].argmax(axis=0))
    return ReadingRange(
        initial_low=low[0], initial_high=high[0], maintenance_low=low[1], maintenance_high=high[1],
        label_low=tuple(names_low), label_high=tuple(names_high), readings=_combinations(groups))


def _combinations(groups: tuple[tuple[tuple[str, Any], ...], ...]) -> int:
    count = 1
    for group in groups:
        count *= len(group)
    return count


def _joined(names: list[str], labels: list[str], chosen: Floats) -> list[str]:
    return [", ".join(filter(None, (name, labels[int(k)])))
            for name, k in zip(names, chosen, strict=True)]


def _priced_once(market: MarketSnapshot, model: MarginModel, version: ParameterVersion,
                 known: list[tuple[tuple[ScenarioSet, ...], tuple[RiskArrays, ...]]],
                 ) -> tuple[RiskArrays, ...]:
    """Price the scenario sets of a variant unless an equal tuple of sets was priced already."""
    sets = model.scenarios(market, version.parameters)
    for seen, arrays in known:
        if seen == sets:
            return arrays
    arrays = priced(market, model=model, version=version)
    known.append((sets, arrays))
    return arrays
