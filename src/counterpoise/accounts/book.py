"""Who holds what: positions, open orders and balances of many accounts as columns.

A `Book` is compressed by rows: the positions of account `a` are the entries
`row_pointer[a]:row_pointer[a+1]` of `instrument`, `lots` and `entry_cost`, sorted by catalogue
column and netted, so that the same holdings are the same arrays whatever order they were added
in. A book of one row is an account. Quantities are integer lots and money is integers of the
asset's smallest unit, hence netting, splitting and merging are exact.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from counterpoise.accounts.given import BY_ASSET, BY_POSITION
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.values.assets import Asset
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import LOTS_MAX, UNKNOWN

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Columns = np.ndarray[Any, np.dtype[np.int32]]
Codes = np.ndarray[Any, np.dtype[np.uint8]]
ROLES: Final = ("collateral", "none", "hedge")
"""What an account uses an asset for: collateral; nothing; collateral that also offsets risk."""
ORDER_GIVEN: Final = ("price",)
"""What an order may state: its limit price, in the instrument's quote."""


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
    balances            integer of the asset's smallest unit, [account, asset]: what is owned over
                        all wallets less what is borrowed
    given               amounts that only the venue knows, {name: float64 [account, asset]}, NaN
                        where not given; names and units in `accounts.given.BY_ASSET`
    position_given      {name: float64 [position]}, NaN where not given; names and units in
                        `accounts.given.BY_POSITION`
    order_given         {name: float64 [order]}, NaN where not given; `ORDER_GIVEN`
    wallets             {name: [account, asset]} parts of the balances that lie in named wallets
    loans               [account, asset] what is borrowed, >= 0, taken off the balances already;
                        None where nobody states a loan
    roles               [account, asset] index into `ROLES`; None where all are collateral
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
    position_given: dict[str, Floats] = {}
    order_given: dict[str, Floats] = {}
    wallets: dict[str, Ints] = {}
    loans: Ints | None = None
    roles: Codes | None = None

    def __post_init__(self) -> None:
        """Check that the columns fit together; a mistake here is the programmer's."""
        n, positions, orders = len(self.accounts), len(self.instrument), len(self.order_instrument)
        assert self.row_pointer.shape == self.order_pointer.shape == (n + 1,)
        assert self.row_pointer[0] == 0 and self.row_pointer[-1] == positions
        assert self.order_pointer[0] == 0 and self.order_pointer[-1] == orders
        assert self.lots.shape == self.entry_cost.shape == (positions,)
        assert self.order_lots.shape == (orders,)
        assert self.balances.shape == (n, len(self.assets))
        tables = [*self.given.values(), *self.wallets.values(),
                  *(t for t in (self.loans, self.roles) if t is not None)]
        assert all(t.shape == self.balances.shape for t in tables)
        assert all(g.shape == (positions,) for g in self.position_given.values())
        assert all(g.shape == (orders,) for g in self.order_given.values())
        assert self.given.keys() <= BY_ASSET.keys()
        assert self.position_given.keys() <= BY_POSITION.keys()
        assert self.instrument.dtype == self.order_instrument.dtype == np.int32

    def __len__(self) -> int:
        """Return the number of accounts."""
        return len(self.accounts)


def book_of(*, catalogue: Catalogue, accounts: np.ndarray[Any, Any],
            positions: "Entries", orders: "Entries | None" = None,
            balances: "tuple[tuple[Asset, ...], Ints] | None" = None,
            given: dict[str, Floats] | None = None) -> Book:
    """Return the book of unordered rows: positions are sorted and netted, orders only sorted.

    `balances` is (assets sorted by code, integers [account, asset]). Wallets, loans and roles are
    put in with `values.frozen.replaced`.

    Raises
    ------
    BadInput
        If a netted position exceeds the largest size, with its account and instrument.
    """
    row_pointer, net = _net(positions, len(accounts), accounts, catalogue)
    order_pointer, ordered = _sorted(orders or NO_ENTRIES, len(accounts))
    assets, amounts = balances or ((), np.zeros((len(accounts), 0), np.int64))
    return Book(catalogue=catalogue, accounts=accounts, row_pointer=row_pointer,
                instrument=net.instrument, lots=net.lots, entry_cost=net.entry_cost,
                order_pointer=order_pointer, order_instrument=ordered.instrument,
                order_lots=ordered.lots, assets=assets, balances=amounts, given=given or {},
                position_given=net.given, order_given=ordered.given)


@frozen
class Entries:
    """Unordered rows of positions or orders: `account` and `instrument` are indices, [row].

    `entry_cost` as in `Book`; UNKNOWN where nobody stated it. `given` {name: [row]} is what rows
    state besides, `position_given` or `order_given` of a Book.
    """

    account: Ints
    instrument: Columns
    lots: Ints
    entry_cost: Ints
    given: dict[str, Floats] = {}


NO_ENTRIES: Final = Entries(account=np.zeros(0, np.int64), instrument=np.zeros(0, np.int32),
                            lots=np.zeros(0, np.int64), entry_cost=np.zeros(0, np.int64))


def _net(rows: Entries, n: int, accounts: np.ndarray[Any, Any],
         catalogue: Catalogue) -> tuple[Ints, Entries]:
    key = rows.account * max(len(catalogue), 1) + rows.instrument
    if len(key) and (rows.lots.max() > LOTS_MAX or rows.lots.min() < -LOTS_MAX):
        _refuse_overflow(rows.lots, np.arange(len(key)), accounts, rows.account)
    if len(key) and not bool(np.all(key[1:] > key[:-1])):
        order = np.argsort(key, kind="stable")
        key = key[order]
        rows = rows_at(rows, order)
    if len(key) and not bool(np.all(key[1:] > key[:-1])):
        first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
        _refuse_overflow(rows.lots, first, accounts, rows.account)
        rows = Entries(account=rows.account[first], instrument=rows.instrument[first],
                       lots=np.add.reduceat(rows.lots, first),
                       entry_cost=_net_cost(rows.entry_cost, first),
                       given={name: _net_given(name, g, first) for name, g in rows.given.items()})
    # A flat position with a remaining cost is realised P&L: the ledger's business, not the book's.
    if not bool(np.all(rows.lots)):
        rows = rows_at(rows, np.flatnonzero(rows.lots))
    return _pointer(rows, n), rows


def rows_at(rows: Entries, at: Any) -> Entries:
    """Return the rows at the places `at`, in that order."""
    return Entries(account=rows.account[at], instrument=rows.instrument[at], lots=rows.lots[at],
                   entry_cost=rows.entry_cost[at],
                   given={name: g[at] for name, g in rows.given.items()})


def joined(*parts: Entries) -> Entries:
    """Return the rows of all parts, in order; they state amounts of the same names."""
    names = ("account", "instrument", "lots", "entry_cost", "given")
    return Entries(**{name: _stacked([getattr(part, name) for part in parts])
                      for name in names})


def _pointer(rows: Entries, n: int) -> Ints:
    pointer = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(rows.account, minlength=n), out=pointer[1:])
    return pointer


def _net_given(name: str, column: Floats, first: Ints) -> Floats:
    """Add up amounts; of what does not add up keep what all rows agree on, else nothing."""
    if BY_POSITION[name].adds:
        return np.add.reduceat(column, first)
    low, high = np.minimum.reduceat(column, first), np.maximum.reduceat(column, first)
    return np.where(low == high, low, np.nan)


def _net_cost(cost: Ints, first: Ints) -> Ints:
    unknown = np.logical_or.reduceat(cost == UNKNOWN, first)
    return np.where(unknown, UNKNOWN, np.add.reduceat(np.where(cost == UNKNOWN, 0, cost), first))


def _refuse_overflow(lots: Ints, first: Ints, accounts: np.ndarray[Any, Any],
                     account: Ints) -> None:
    gross = np.add.reduceat(np.abs(lots.astype(np.float64)), first)
    wrong = np.flatnonzero(gross > LOTS_MAX)
    if len(wrong):
        raise bad_input(Reason.ABSURD_QUANTITY, str(accounts[account[first[wrong[0]]]]),
                        f"a position adds up to more than {LOTS_MAX} lots; check the unit")


def _sorted(rows: Entries, n: int) -> tuple[Ints, Entries]:
    keys: list[Any] = [rows.given[name] for name in sorted(rows.given)]
    order = np.lexsort([*keys, rows.lots, rows.instrument, rows.account])
    return _pointer(rows, n), rows_at(rows, order)


def positions_of(book: Book) -> Entries:
    """Return the positions of a book as unordered rows again."""
    return Entries(account=_accounts(book.row_pointer), instrument=book.instrument, lots=book.lots,
                   entry_cost=book.entry_cost, given=book.position_given)


def orders_of(book: Book) -> Entries:
    """Return the open orders of a book as unordered rows again."""
    return replaced(entries_of(book.order_pointer, book.order_instrument, book.order_lots),
                    given=book.order_given)


def _accounts(pointer: Ints) -> Ints:
    return np.repeat(np.arange(len(pointer) - 1), np.diff(pointer))


def entries_of(pointer: Ints, instrument: Columns, lots: Ints,
               entry_cost: Ints | None = None) -> Entries:
    """Return compressed columns as unordered rows again."""
    cost = np.full(len(lots), UNKNOWN, np.int64) if entry_cost is None else entry_cost
    return Entries(account=_accounts(pointer), instrument=instrument, lots=lots, entry_cost=cost)


def rows_of(book: Book, start: int, stop: int) -> Book:
    """Return the accounts `start:stop` as a book of their own, a shard; columns are views."""
    p, q = book.row_pointer[start], book.row_pointer[stop]
    r, s = book.order_pointer[start], book.order_pointer[stop]
    return Book(catalogue=book.catalogue, accounts=book.accounts[start:stop],
                row_pointer=book.row_pointer[start:stop + 1] - p, instrument=book.instrument[p:q],
                lots=book.lots[p:q], entry_cost=book.entry_cost[p:q],
                order_pointer=book.order_pointer[start:stop + 1] - r,
                order_instrument=book.order_instrument[r:s], order_lots=book.order_lots[r:s],
                assets=book.assets, position_given={k: v[p:q] for k, v
                                                    in book.position_given.items()},
                order_given={k: v[r:s] for k, v in book.order_given.items()},
                **tables_of(book, lambda table: table[start:stop]))


def tables_of(book: Book, part: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the fields of a book that are tables [account, asset], `part` of each."""
    return {"balances": part(book.balances),
            "given": {name: part(table) for name, table in book.given.items()},
            "wallets": {name: part(table) for name, table in book.wallets.items()},
            "loans": None if book.loans is None else part(book.loans),
            "roles": None if book.roles is None else part(book.roles)}


def accounts_of(book: Book, accounts: Columns | Ints) -> Book:
    """Return the accounts of those numbers, increasing, as a book of their own."""
    at, pointer = places_of(book.row_pointer, accounts)
    orders, order_pointer = places_of(book.order_pointer, accounts)
    return Book(
        catalogue=book.catalogue, accounts=book.accounts[accounts], row_pointer=pointer,
        instrument=book.instrument[at], lots=book.lots[at], entry_cost=book.entry_cost[at],
        order_pointer=order_pointer, order_instrument=book.order_instrument[orders],
        order_lots=book.order_lots[orders], assets=book.assets,
        position_given={k: v[at] for k, v in book.position_given.items()},
        order_given={k: v[orders] for k, v in book.order_given.items()},
        **tables_of(book, lambda table: table[accounts]))


def places_of(pointer: Ints, accounts: Columns | Ints) -> tuple[Ints, Ints]:
    """Return where the entries of some accounts stand, in order, and the pointer among them."""
    size = np.diff(pointer)[accounts]
    short = np.concatenate(([0], np.cumsum(size)))
    return np.repeat(pointer[accounts] - short[:-1], size) + np.arange(short[-1]), short


def concatenated(shards: Sequence[Book]) -> Book:
    """Return the accounts of all shards, in order, as one book; inverse of cutting with `rows_of`.

    The shards share one catalogue, one tuple of assets and the same names of tables.
    """
    first = shards[0]
    assert all(s.catalogue is first.catalogue and s.assets == first.assets for s in shards)
    tables = [tables_of(s, lambda table: table) for s in shards]
    return Book(catalogue=first.catalogue, accounts=np.concatenate([s.accounts for s in shards]),
                row_pointer=_joined([s.row_pointer for s in shards]),
                instrument=np.concatenate([s.instrument for s in shards]),
                lots=np.concatenate([s.lots for s in shards]),
                entry_cost=np.concatenate([s.entry_cost for s in shards]),
                order_pointer=_joined([s.order_pointer for s in shards]),
                order_instrument=np.concatenate([s.order_instrument for s in shards]),
                order_lots=np.concatenate([s.order_lots for s in shards]), assets=first.assets,
                position_given=_stacked([s.position_given for s in shards]),
                order_given=_stacked([s.order_given for s in shards]),
                **{name: _stacked([t[name] for t in tables]) for name in tables[0]})


def _stacked(parts: list[Any]) -> Any:
    """Concatenate arrays, tables of arrays by name, or nothing."""
    if isinstance(parts[0], dict):
        return {name: _stacked([part[name] for part in parts]) for name in parts[0]}
    return None if parts[0] is None else np.concatenate(parts)


def _joined(pointers: list[Ints]) -> Ints:
    sizes = np.concatenate([np.diff(p) for p in pointers])
    return np.concatenate(([0], np.cumsum(sizes)))
