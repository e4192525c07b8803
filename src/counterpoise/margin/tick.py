"""What changes when the market moves: only what moved is priced, measured and added up again.

    touched underlyings -> their instruments -> their unit rows -> the requirement rows they are in

Every touched row is recomputed in canonical order and nothing is added to or subtracted from an old
figure, so that the result has the bits of a full computation in the new market. Nothing is stored
between calls but the value that is returned. When the instant of the snapshot moves, every
maturity does and everything is touched: keep `as_of` between full passes, and let quotes move.
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book, Columns, accounts_of
from counterpoise.collateral.cross import prices_in
from counterpoise.margin.compute import AccountMargin, compute_margin, margins_of, priced
from counterpoise.margin.layout import Ints, Layout
from counterpoise.margin.model import CrossEquity, MarginModel, PricedMarket, is_unit_model
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.pools import pool_of_instrument
from counterpoise.market.conditions import column_of
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays, repriced
from counterpoise.values.frozen import frozen, replaced

Bools = np.ndarray[Any, np.dtype[np.bool_]]
_QUOTES = ("mark", "forward", "forward_fixed", "volatility", "rate", "quality")


@frozen
class Margined:
    """A book that has been margined in a market, ready for the next one.

    held       the book, or its layout where the model has one
    results    of the unit rows, by block; empty where the model has no layout
    """

    held: Book | Layout
    market: MarketSnapshot
    model: MarginModel
    version: ParameterVersion
    arrays: tuple[RiskArrays, ...]
    results: tuple[Any, ...]


@frozen
class Moved:
    """The rows that a move touched, with their margins; all other rows stand as they were.

    `account` and `pool` of `margins.requirements` name the rows; they are sorted.
    """

    now: Margined
    margins: AccountMargin


def margined(held: Book | Layout, market: MarketSnapshot, *, model: MarginModel,
             version: ParameterVersion, threads: int = 1) -> Moved:
    """Return the margins of all rows of a book or its layout (`compute.laid_out`)."""
    arrays = priced(market, model=model, version=version, threads=threads)
    before = Margined(held=held, market=market, model=model, version=version, arrays=arrays,
                      results=())
    return _all_again(before, threads)


def moved(before: Margined, market: MarketSnapshot, *, threads: int = 1) -> Moved:
    """Return the margins of the rows that differ in what they depend on between two markets.

    The underlyings that moved are found by comparing the snapshots bit by bit. Catalogue, model and
    parameters are those of `before`.
    """
    touched = moved_underlyings(before.market, market)
    arrays = _arrays(before, market, touched, threads)
    now = replaced(before, market=market, arrays=arrays)
    if bool(touched.all()):
        return _all_again(now, threads)
    owners = _repriced_owners(before, market)
    if isinstance(now.held, Layout):
        return _units_again(now, touched, owners, threads)
    return _accounts_again(now, now.held, (touched, owners), threads)


def moved_underlyings(before: MarketSnapshot, after: MarketSnapshot) -> Bools:
    """Return which underlyings a margin can see differently, [underlying]."""
    terms = after.catalogue
    assert before.catalogue is terms and before.assets == after.assets
    differs = np.zeros(len(terms), bool)
    for name in _QUOTES:
        differs |= _differs(getattr(before, name), getattr(after, name))
    price = dict(zip(after.assets, _differs(before.price, after.price), strict=True))
    settled = np.array([price.get(s, False) for s in terms.settlements], bool)
    differs |= np.take(settled, terms.settlement)
    differs |= _other_columns(before, after)
    touched = _differs(before.index, after.index)
    touched[terms.underlying[differs]] = True
    return touched | (before.as_of != after.as_of) | _other_conditions(before, after)


def _other_columns(before: MarketSnapshot, after: MarketSnapshot) -> Bools:
    out, (there, here) = np.zeros(len(after.catalogue), bool), (before.conditions, after.conditions)
    for name in {*there.columns, *here.columns}:
        out |= _differs(column_of(there, name, after.catalogue),
                        column_of(here, name, after.catalogue))
    return out


def _other_conditions(before: MarketSnapshot, after: MarketSnapshot) -> bool:
    names = ("confidences", "borrow_rates", "smiles")
    return any(getattr(before.conditions, n) != getattr(after.conditions, n) for n in names)


def _repriced_owners(before: Margined, market: MarketSnapshot) -> Bools:
    """Return which accounts own an asset that counts at another price now, [account].

    Where pools are of one asset each its price does not matter to what it covers.
    """
    book = before.held.book if isinstance(before.held, Layout) else before.held
    rule = before.model.equity(before.version.parameters)
    if not isinstance(rule, CrossEquity):
        return np.zeros(len(book), bool)
    codes = tuple(a.code for a in book.assets)
    there, here = (prices_in(m, codes, rule.numeraire) for m in (before.market, market))
    owned = book.balances != 0
    if "equity" in book.given:
        owned = owned | np.isfinite(book.given["equity"])
    return np.asarray((owned & _differs(there, here)).any(axis=1))


def _differs(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> Bools:
    same = (a == b) & (np.signbit(a) == np.signbit(b)) if a.dtype.kind == "f" else a == b
    return np.asarray(~(same | ((a != a) & (b != b))))


def _arrays(before: Margined, market: MarketSnapshot, touched: Bools,
            threads: int) -> tuple[RiskArrays, ...]:
    sets = before.model.scenarios(market, before.version.parameters)
    if sets != tuple(a.scenarios for a in before.arrays):
        return priced(market, model=before.model, version=before.version, threads=threads)
    return tuple(repriced(a, market, touched, threads=threads) for a in before.arrays)


def _all_again(now: Margined, threads: int) -> Moved:
    if not isinstance(now.held, Layout):
        margins = compute_margin(now.held, now.market, model=now.model, version=now.version,
                                 arrays=now.arrays, threads=threads)
        return Moved(now=now, margins=margins)
    return _measured(now, tuple(range(len(now.held.blocks))), None, threads)


def _units_again(now: Margined, touched: Bools, owners: Bools, threads: int) -> Moved:
    layout = now.held
    assert isinstance(layout, Layout)
    blocks = tuple(np.flatnonzero(touched).tolist())
    ordered = _rows_with_orders(layout, touched)
    if len(blocks) == 1 and not len(ordered) and not owners.any():
        # One unit per underlying and pool: the rows of a block differ and increase.
        return _measured(now, blocks, layout.blocks[blocks[0]].at.astype(np.int64), threads)
    hit = np.zeros(len(layout.pools), bool)
    for k in blocks:
        hit[layout.blocks[k].at] = True
    hit[ordered] = True
    hit |= owners[layout.pools.account]
    return _measured(now, blocks, np.flatnonzero(hit), threads)


def _rows_with_orders(layout: Layout, touched: Bools) -> Columns:
    book = layout.book
    terms = book.catalogue
    if not len(book.order_instrument):
        return np.zeros(0, np.int32)
    at = np.flatnonzero(touched[terms.underlying[book.order_instrument]])
    account = np.searchsorted(book.order_pointer, at, side="right") - 1
    pool = pool_of_instrument(book, layout.pools.pools)[book.order_instrument[at]]
    return np.asarray(layout.pools.row_of[account, pool])


def _measured(now: Margined, blocks: tuple[int, ...], rows: Ints | None, threads: int) -> Moved:
    layout, model = now.held, now.model
    assert isinstance(layout, Layout) and is_unit_model(model)
    market = model.with_terms(PricedMarket(market=now.market, arrays=now.arrays,
                                           parameters=now.version.parameters))
    fresh = dict(zip(blocks, model.measured(layout, market, blocks, threads), strict=True))
    results = tuple(fresh[k] if k in fresh else now.results[k] for k in range(len(layout.blocks)))
    margins = margins_of(layout, results, market, model, rows=rows, threads=threads)
    return Moved(now=replaced(now, results=results), margins=margins)


def _accounts_again(now: Margined, book: Book, moved_parts: tuple[Bools, Bools],
                    threads: int) -> Moved:
    """Recompute whole accounts: for models whose scenarios or sums join underlyings.

    `moved_parts` are the underlyings that moved and the owners of assets that did.
    """
    touched, owners = moved_parts
    near, hit = touched[book.catalogue.underlying], owners.copy()
    for pointer, instrument in ((book.row_pointer, book.instrument),
                                (book.order_pointer, book.order_instrument)):
        at = np.flatnonzero(near[instrument])
        hit[np.searchsorted(pointer, at, side="right") - 1] = True
    accounts = np.flatnonzero(hit)
    margins = compute_margin(accounts_of(book, accounts), now.market, model=now.model,
                             version=now.version, arrays=now.arrays, threads=threads)
    needs = replaced(margins.requirements,
                     account=accounts[margins.requirements.account].astype(np.int32))
    return Moved(now=now, margins=replaced(margins, requirements=needs))


def rows_that_moved(layout: Layout, margins: AccountMargin) -> Ints:
    """Return where the rows of `margins` stand among all requirement rows of a layout."""
    needs = margins.requirements
    return np.asarray(layout.pools.row_of[needs.account, needs.pool], np.int64)


def all_rows(now: Margined, *, threads: int = 1) -> AccountMargin:
    """Return the margins of every row as they stand, added up from the stored unit results."""
    layout, model = now.held, now.model
    if not (isinstance(layout, Layout) and is_unit_model(model)):
        return _all_again(now, threads).margins
    market = PricedMarket(market=now.market, arrays=now.arrays, parameters=now.version.parameters)
    return margins_of(layout, now.results, market, model, threads=threads)
