"""Who is beyond which limit of exposure, by how much, under the limits that act and under others?

    beyond = max(0, used - most)

Used is what the engine holds against each limit (`collateral.limits`, `margin.exposure`):

    gross           gross notional of a party, orders on their worse side, USD
    eligible        what an account holds of assets that do not count; most is zero
    NAME            what the assets behind a counterparty count in an account, before the limit
    NAME held       what a party holds of them, at the market, without haircut
    platform CODE   what all accounts of all segments hold of the asset, in its own units

Values are in the currency that the segment's margin is compared in.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import added, prices_in
from counterpoise.collateral.limits import INFINITE, ExposureLimits
from counterpoise.engine.exposure import counts_under
from counterpoise.engine.state import State
from counterpoise.engine.ties import party_of
from counterpoise.margin.compute import owned_in_all
from counterpoise.margin.exposure import gross_notional
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.requirement import Floats
from counterpoise.margin.scheduled import OwnTerms, with_terms
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import power_of_ten

PLATFORM: Final = -1
"""Stands for all accounts together."""
NO_LIMITS: Final = ExposureLimits()
Ints = np.ndarray[Any, np.dtype[np.int64]]
Used = tuple[Ints, Floats, Floats | float]


@frozen
class LimitUse:
    """One limit before and after a change, a row for every account or party that it looks at.

    account       [row] number of the account, of a party that which stands for it, or `PLATFORM`
    used_before, used_after   [row] in `unit`; NaN where a price is missing
    most_before, most_after   [row] the limit; infinite where there is none
    """

    limit: str
    unit: str
    account: Ints
    used_before: Floats
    used_after: Floats
    most_before: Floats
    most_after: Floats


def beyond(used: Floats, most: Floats) -> Floats:
    """Return by how much each row is beyond its limit, 0 within it, NaN where unknown, [row]."""
    return np.where(most < INFINITE, np.maximum(used - most, 0.0), 0.0)


def limit_uses(state: State, segment: int, book: Book, terms: OwnTerms,
               limits: tuple[ExposureLimits | None, ExposureLimits],
               pledged: dict[str, int]) -> tuple[LimitUse, ...]:
    """Return how the accounts of a segment use its limits before and after a change of them.

    `book` holds them as they are margined, `terms` stand beside their parameters; `pledged` is what
    all accounts hold of assets with a cap, smallest units.
    """
    sides = [dict(_uses(state, segment, book, (terms, one or NO_LIMITS, pledged)))
             for one in limits]
    unit = _unit(state, segment)
    out = []
    for name in sorted({*sides[0], *sides[1]}):
        before, after = (side.get(name) for side in sides)
        rows, used, _ = before or after or _NOBODY
        ends = [(used, INFINITE) if one is None else one[1:] for one in (before, after)]
        (used_before, most_before), (used_after, most_after) = (
            (np.asarray(u, np.float64), np.broadcast_to(np.float64(m), len(rows)))
            for u, m in ends)
        out.append(LimitUse(
            limit=name, account=rows, used_before=used_before, used_after=used_after,
            most_before=most_before, most_after=most_after,
            unit="USD" if name == "gross" else name.removeprefix("platform ")
            if name.startswith("platform ") else unit))
    return tuple(out)


_NOBODY: Final[Used] = (np.zeros(0, np.int64), np.zeros(0), INFINITE)


def _unit(state: State, segment: int) -> str:
    held = state.segments[segment]
    assert held.version is not None
    rule = state.equipment.models[held.model].equity(held.version.parameters)
    return rule.numeraire if isinstance(rule, CrossEquity) else "USD"


def _uses(state: State, segment: int, book: Book,
          asked: tuple[OwnTerms, ExposureLimits, dict[str, int]]) -> Iterator[tuple[str, Used]]:
    terms, limits, pledged = asked
    market, held = state.market, state.segments[segment]
    assert market is not None and held.version is not None
    party = np.array([party_of(state.ties, n) for n in book.accounts.tolist()], np.int64)
    if limits.gross_max < INFINITE:
        yield "gross", (*_by_party(party, gross_notional(book, market)), limits.gross_max)
    codes = tuple(a.code for a in book.assets)
    # What is not held needs no price.
    worth = np.where(book.balances > 0, book.balances * _unit_prices(state, segment, book), 0.0)
    if limits.eligible is not None:
        left_out = [k for k, code in enumerate(codes) if code not in limits.eligible]
        yield "eligible", (book.accounts, _summed(worth[:, left_out]), 0.0)
    for code, cap in sorted(limits.platform.items()):
        unit = next(power_of_ten(-a.decimals) for a in state.assets if a.code == code)
        yield f"platform {code}", (np.array([PLATFORM]), np.array([pledged[code] * unit]), cap)
    if not limits.counterparties:
        return
    own = replaced(terms, counts=counts_under(state, segment, limits, pledged))
    rule = with_terms(state.equipment.models[held.model], own).equity(held.version.parameters)
    assert isinstance(rule, CrossEquity)
    found = owned_in_all(book, market, rule, np.arange(len(book), dtype=np.int32),
                         threads=state.equipment.threads)
    for name, one in sorted(limits.counterparties.items()):
        yield name, (book.accounts, *found.leaning[name])
        mine = [k for k, code in enumerate(codes) if code in one.assets]
        if one.value_max < INFINITE:
            yield f"{name} held", (*_by_party(party, _summed(worth[:, mine])), one.value_max)


def _unit_prices(state: State, segment: int, book: Book) -> Floats:
    """Return the worth of a smallest unit of each asset, [asset]; NaN without a price."""
    assert state.market is not None
    prices = prices_in(state.market, tuple(a.code for a in book.assets), _unit(state, segment))
    return np.asarray(prices * np.array([power_of_ten(-a.decimals) for a in book.assets]))


def _summed(worth: Floats) -> Floats:
    """Return the sum over assets, in their order, [account]."""
    return added(tuple(worth.T), len(worth))


def _by_party(party: Ints, used: Floats) -> tuple[Ints, Floats]:
    numbers, at = np.unique(party, return_inverse=True)
    out = np.zeros(len(numbers))
    np.add.at(out, at, used)
    return numbers, out
