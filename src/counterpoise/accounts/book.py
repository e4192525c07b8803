"""Who holds what: positions, open orders and balances of many accounts as columns.

A `Book` is compressed by rows: the positions of account `a` are the entries
`row_pointer[a]:row_pointer[a+1]` of `instrument`, `lots` and `entry_cost`, sorted by catalogue
column and netted, so that the same holdings are the same arrays whatever order they were added
in. A book of one row is an account. Quantities are integer lots and money is integers of the
asset's smallest unit, hence netting, splitting and merging are exact.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from counterpoise.instruments.catalogue import Catalogue
from counterpoise.values.assets import Asset
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import LOTS_MAX, UNKNOWN

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Columns = np.ndarray[Any, np.dtype[np.int32]]
GIVEN_NAMES: Final = ("mmp_margin", "open_orders_margin", "spot_margin", "equity", "loan",
                      "open_loss")
"""Amounts that only the venue knows and an account may state, by asset."""


@frozen
class Book:
    """Positions, orders and balances of accounts; build it with `book_of` or an adapter.

    accounts            ids, [account], any NumPy string or integer array, unique
    row_pointer         [account + 1]; entries of the position columns by account
    instrument          catalogue column, [position], increasing within an account
    lots                signed integer lots, long > 0, never 0, [position]
    entry_cost          integer of the settlement asset's smallest unit: quantity x contract value
                        at entry (see `instruments.contracts`), UNKNOWN where nobody stated it
    order_pointer       [account + 1]; entries of the order columns by account
    order_instrument    catalogue column, [order]
    order_lots          signed integer lots still open, buy > 0, [order]
    assets              columns of `balances`, sorted by code
    balances            integer of the asset's smallest unit, [account, asset]
    given               venue-known amounts {name: float64 [account, asset]}, NaN where not given
    """

    catalogue: Catalogue
    accounts: np.ndarray[Any, Any]
    row_pointer: Ints
    instrument: Columns
    lots: Ints
    entry_cost: Ints
    order_pointer: Ints
    order_instrument: Columns
    order_lots: Ints
    assets: tuple[Asset, ...]
    balances: Ints
    given: dict[str, Floats]

    def __post_init__(self) -> None:
        """Check that the columns fit together; a mistake here is the programmer's."""
        n, positions, orders = len(self.accounts), len(self.instrument), len(self.order_instrument)
        assert self.row_pointer.shape == self.order_pointer.shape == (n + 1,)
        assert self.row_pointer[0] == 0 and self.row_pointer[-1] == positions
        assert self.order_pointer[0] == 0 and self.order_pointer[-1] == orders
        assert self.lots.shape == self.entry_cost.shape == (positions,)
        assert self.order_lots.shape == (orders,)
        assert self.balances.shape == (n, len(self.assets))
        assert all(g.shape == self.balances.shape for g in self.given.values())
        assert self.instrument.dtype == self.order_instrument.dtype == np.int32

    def __len__(self) -> int:
        """Return the number of accounts."""
        return len(self.accounts)


def book_of(*, catalogue: Catalogue, accounts: np.ndarray[Any, Any],
            positions: "Entries", orders: "Entries | None" = None,
            balances: "tuple[tuple[Asset, ...], Ints] | None" = None,
            given: dict[str, Floats] | None = None) -> Book:
    """Return the book of unordered rows: positions are sorted and netted, orders only sorted.

    `balances` is (assets sorted by code, integers [account, asset]).

    Raises
    ------
    BadInput
        If a netted position exceeds the largest size, with its account and instrument.
    """
    row_pointer, instrument, lots, cost = _net(positions, len(accounts), accounts, catalogue)
    order_pointer, order_instrument, order_lots = _sorted(orders or NO_ENTRIES, len(accounts))
    assets, amounts = balances or ((), np.zeros((len(accounts), 0), np.int64))
    return Book(catalogue=catalogue, accounts=accounts, row_pointer=row_pointer,
                instrument=instrument, lots=lots, entry_cost=cost, order_pointer=order_pointer,
                order_instrument=order_instrument, order_lots=order_lots, assets=assets,
                balances=amounts, given=given or {})


@frozen
class Entries:
    """Unordered rows of positions or orders: `account` and `instrument` are indices, [row].

    `entry_cost` as in `Book`; UNKNOWN where nobody stated it.
    """

    account: Ints
    instrument: Columns
    lots: Ints
    entry_cost: Ints


NO_ENTRIES: Final = Entries(account=np.zeros(0, np.int64), instrument=np.zeros(0, np.int32),
                            lots=np.zeros(0, np.int64), entry_cost=np.zeros(0, np.int64))


def _net(rows: Entries, n: int, accounts: np.ndarray[Any, Any], catalogue: Catalogue,
         ) -> tuple[Ints, Columns, Ints, Ints]:
    key = rows.account * max(len(catalogue), 1) + rows.instrument
    if len(key) and not bool(np.all(key[1:] > key[:-1])):
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
        _refuse_overflow(rows.lots[order], first, accounts, rows.account[order])
        account, instrument = rows.account[order][first], rows.instrument[order][first]
        lots = np.add.reduceat(rows.lots[order], first)
        cost = _net_cost(rows.entry_cost[order], first)
    else:
        account, instrument, lots, cost = (rows.account, rows.instrument, rows.lots,
                                           rows.entry_cost)
    keep = lots != 0
    # A flat position with a remaining cost is realised P&L: the ledger's business, not the book's.
    pointer = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(account[keep], minlength=n), out=pointer[1:])
    return pointer, instrument[keep], lots[keep], cost[keep]


def _net_cost(cost: Ints, first: Ints) -> Ints:
    unknown = np.logical_or.reduceat(cost == UNKNOWN, first)
    return np.where(unknown, UNKNOWN, np.add.reduceat(np.where(cost == UNKNOWN, 0, cost), first))


def _refuse_overflow(lots: Ints, first: Ints, accounts: np.ndarray[Any, Any],
                     account: Ints) -> None:
    gross = np.add.reduceat(np.abs(lots).astype(np.float64), first)
    wrong = np.flatnonzero(gross > LOTS_MAX)
    if len(wrong):
        raise bad_input(Reason.ABSURD_QUANTITY, str(accounts[account[first[wrong[0]]]]),
                        f"a position adds up to more than {LOTS_MAX} lots; check the unit")


def _sorted(rows: Entries, n: int) -> tuple[Ints, Columns, Ints]:
    order = np.lexsort((rows.lots, rows.instrument, rows.account))
    pointer = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(rows.account, minlength=n), out=pointer[1:])
    return pointer, rows.instrument[order], rows.lots[order]


def entries_of(pointer: Ints, instrument: Columns, lots: Ints,
               entry_cost: Ints | None = None) -> Entries:
    """Return compressed columns as unordered rows again."""
    account = np.repeat(np.arange(len(pointer) - 1), np.diff(pointer))
    cost = np.full(len(lots), UNKNOWN, np.int64) if entry_cost is None else entry_cost
    return Entries(account=account, instrument=instrument, lots=lots, entry_cost=cost)


def rows_of(book: Book, start: int, stop: int) -> Book:
    """Return the accounts `start:stop` as a book of their own, a shard; columns are views."""
    p, q = book.row_pointer[start], book.row_pointer[stop]
    r, s = book.order_pointer[start], book.order_pointer[stop]
    return Book(catalogue=book.catalogue, accounts=book.accounts[start:stop],
                row_pointer=book.row_pointer[start:stop + 1] - p, instrument=book.instrument[p:q],
                lots=book.lots[p:q], entry_cost=book.entry_cost[p:q],
                order_pointer=book.order_pointer[start:stop + 1] - r,
                order_instrument=book.order_instrument[r:s], order_lots=book.order_lots[r:s],
                assets=book.assets, balances=book.balances[start:stop],
                given={k: v[start:stop] for k, v in book.given.items()})


def concatenated(shards: Sequence[Book]) -> Book:
    """Return the accounts of all shards, in order, as one book; inverse of cutting with `rows_of`.

    The shards share one catalogue, one tuple of assets and the same given names.
    """
    first = shards[0]
    assert all(s.catalogue is first.catalogue and s.assets == first.assets for s in shards)
    return Book(catalogue=first.catalogue, accounts=np.concatenate([s.accounts for s in shards]),
                row_pointer=_joined([s.row_pointer for s in shards]),
                instrument=np.concatenate([s.instrument for s in shards]),
                lots=np.concatenate([s.lots for s in shards]),
                entry_cost=np.concatenate([s.entry_cost for s in shards]),
                order_pointer=_joined([s.order_pointer for s in shards]),
                order_instrument=np.concatenate([s.order_instrument for s in shards]),
                order_lots=np.concatenate([s.order_lots for s in shards]), assets=first.assets,
                balances=np.concatenate([s.balances for s in shards]),
                given={k: np.concatenate([s.given[k] for s in shards]) for k in first.given})


def _joined(pointers: list[Ints]) -> Ints:
    sizes = np.concatenate([np.diff(p) for p in pointers])
    return np.concatenate(([0], np.cumsum(sizes)))
