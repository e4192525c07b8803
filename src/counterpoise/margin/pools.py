"""Which requirement rows a book has: one per account and pool in which it holds anything.

A pool is a settlement currency (`settlement_pools`: margin is segregated) or the one currency that
a whole account is valued in (`cross_pools`). Everything here works on rows of either kind.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.assets import Asset
from counterpoise.values.failure import Failure
from counterpoise.values.frozen import frozen
from counterpoise.values.latest import of_latest

NO_FAILURE: Final = 2**31
"""No instrument: larger than every catalogue column."""

Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


@frozen
class PoolRows:
    """Rows sorted by (account, pool); `row_of` [account, pool] is the row, -1 where none is."""

    pools: tuple[str, ...]
    account: Indices
    pool: Indices
    row_of: Indices

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.account)


def settlement_pools(book: Book) -> PoolRows:
    """Return one row per account and settlement currency with a position, order, balance or given.

    Pools are those of `pool_codes`.
    """
    pools = pool_codes(book)
    return _rows_held(pools, _held(book, pools))


def cross_pools(book: Book, numeraire: str) -> PoolRows:
    """Return one row per account with a position, order, balance or given; the pool is its all."""
    held = _held(book, pool_codes(book))
    return _rows_held((numeraire,), np.any(held, axis=1, keepdims=True))


def pool_codes(book: Book) -> tuple[str, ...]:
    """Return the settlement assets of the catalogue and the assets of the balances, sorted."""
    return _pool_codes(book.assets, book.catalogue)


@of_latest
def _pool_codes(assets: tuple[Asset, ...], terms: Catalogue) -> tuple[str, ...]:
    return tuple(sorted({a.code for a in assets} | set(terms.settlements)))


def _held(book: Book, pools: tuple[str, ...]) -> Bools:
    held = held_otherwise(book, pools)
    place = pool_of_instrument(book, pools)
    held[position_accounts(book.row_pointer), place[book.instrument]] = True
    return held


def held_otherwise(book: Book, pools: tuple[str, ...]) -> Bools:
    """Return where an account has an order, a balance or a given amount, [account, pool]."""
    held = np.zeros((len(book), len(pools)), bool)
    place = pool_of_instrument(book, pools)
    held[position_accounts(book.order_pointer), place[book.order_instrument]] = True
    for k, a in enumerate(book.assets):
        column = held[:, pools.index(a.code)]
        column |= book.balances[:, k] != 0
        for amounts in book.given.values():
            column |= np.isfinite(amounts[:, k])
    return held


def _rows_held(pools: tuple[str, ...], held: Bools) -> PoolRows:
    account, pool = np.nonzero(held)
    row_of = np.full(held.shape, -1, np.int32)
    row_of[account, pool] = np.arange(len(account))
    return PoolRows(pools=pools, account=account.astype(np.int32), pool=pool.astype(np.int32),
                    row_of=row_of)


def pool_of_instrument(book: Book, pools: tuple[str, ...]) -> Indices:
    """Return the pool of every instrument, [instrument]: that of its settlement asset.

    A book with one pool holds everything in it, whatever its currency.
    """
    if len(pools) == 1:
        return np.zeros(len(book.catalogue), np.int32)
    return _pool_of(book.catalogue, pools)


@of_latest
def _pool_of(terms: Catalogue, pools: tuple[str, ...]) -> Indices:
    place = np.array([pools.index(s) for s in terms.settlements], np.int32)
    pool = np.asarray(place[terms.settlement])
    pool.flags.writeable = False
    return pool


def position_accounts(pointer: np.ndarray[Any, np.dtype[np.int64]]) -> Indices:
    """Return the account of every entry of compressed columns, [entry]."""
    return np.repeat(np.arange(len(pointer) - 1, dtype=np.int32), np.diff(pointer))


def summed(row: Indices, column: Floats, count: int) -> Floats:
    """Add up `column` by `row`, in order, into `count` rows."""
    return np.asarray(np.bincount(row, weights=column, minlength=count), np.float64)


def given_amount(book: Book, rows: PoolRows, name: str) -> Floats:
    """Return what accounts state for `name` by row, NaN where they state nothing."""
    out = np.full(len(rows), np.nan)
    stated = book.given.get(name)
    if stated is not None:
        for k, a in enumerate(book.assets):
            mine = rows.pool == rows.pools.index(a.code)
            out[mine] = stated[rows.account[mine], k]
    return out


def given_in_numeraire(book: Book, rows: PoolRows, name: str, price: Floats) -> Floats:
    """Return what accounts state for `name` over all assets by row, NaN where they state nothing.

    `price` is of `book.assets` in the currency of the one pool, [asset]; an amount of an asset
    without a price makes the sum NaN.
    """
    out = np.full(len(rows), np.nan)
    stated = book.given.get(name)
    if stated is not None:
        mine = stated[rows.account]
        known = np.isfinite(mine)
        parts = np.where(known & (mine != 0), mine * price, 0.0)
        total = np.zeros(len(rows))
        for column in parts.T:
            total = total + column
        out = np.where(known.any(axis=1), total, np.nan)
    return out


def failing_rows(book: Book, rows: PoolRows, failed: Bools, market: MarketSnapshot,
                 why: dict[int, Failure]) -> tuple[Indices, tuple[Failure, ...]]:
    """Return which rows hold or order a failed instrument, and the failures.

    `failed` is [instrument]; `why` {column: Failure} overrides the reason that the snapshot's
    quality gives. The result is (index into the failures or -1, [row]; failures).
    """
    if not failed.any():
        return np.full(len(rows), -1, np.int32), ()
    worst = np.full(len(rows), NO_FAILURE, np.int64)
    for pointer, instrument in ((book.row_pointer, book.instrument),
                                (book.order_pointer, book.order_instrument)):
        row, column = failing_entries(book, rows, failed, (pointer, instrument))
        np.minimum.at(worst, row, column)
    return named_failures(worst, market, why)


def either_failing(first: tuple[Indices, tuple[Failure, ...]],
                   second: tuple[Indices, tuple[Failure, ...]],
                   ) -> tuple[Indices, tuple[Failure, ...]]:
    """Return the rows that fail by one or the other, by the first where by both."""
    (failure, failures), (other, others) = first, second
    later = np.where(other >= 0, other + len(failures), -1)
    return np.where(failure >= 0, failure, later).astype(np.int32), (*failures, *others)


def failing_entries(book: Book, rows: PoolRows, failed: Bools,
                    entries: tuple[Ints, Indices]) -> tuple[Indices, Indices]:
    """Return the row and the instrument of the entries (pointer, instrument) that failed."""
    pointer, instrument = entries
    at = np.flatnonzero(failed[instrument])
    account = np.searchsorted(pointer, at, side="right") - 1
    column = instrument[at]
    return rows.row_of[account, pool_of_instrument(book, rows.pools)[column]], column


def named_failures(worst: Ints, market: MarketSnapshot,
                   why: dict[int, Failure]) -> tuple[Indices, tuple[Failure, ...]]:
    """Return the failures of rows whose first failed instrument is `worst`, NO_FAILURE for none."""
    from counterpoise.market.quality import instrument_failure  # words are needed only here

    bad = worst < NO_FAILURE
    columns, index = np.unique(worst[bad], return_inverse=True)
    failure = np.full(len(worst), -1, np.int32)
    failure[bad] = index
    return failure, tuple(why.get(int(c)) or instrument_failure(market, int(c)) for c in columns)
