"""What do linked accounts hold as one? Positions netted, orders side by side, balances added.

A group is margined in the row of its head; its other accounts have empty rows there. Where lots of
two accounts cancel, what their entries differ by is a gain or loss that no price moves any more: it
counts as cash of the contract's settlement asset.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of, orders_of, positions_of
from counterpoise.engine.draft import Draft
from counterpoise.engine.money import POSITION_MAX, lots_ordered, total_of
from counterpoise.engine.shards import grown
from counterpoise.engine.state import NEVER, Held, Order, Row
from counterpoise.engine.ties import GROUP_MAX, Ties, group_of
from counterpoise.instruments.catalogue import OPTION
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import INT64_MAX

Ints = np.ndarray[Any, np.dtype[np.int64]]


def margined_with(draft: Draft, number: int, row: Row) -> Row:
    """Return what is margined with an account were it to hold `row`: itself, or its whole group."""
    ties = draft.state.ties
    if number not in ties.head and number not in ties.members:
        return row
    return together(draft, [row if n == number else draft.read(n) for n in group_of(ties, number)])


def together(draft: Draft, rows: list[Row]) -> Row:
    """Return what some accounts hold as one."""
    positions: dict[int, Held] = {}
    orders: dict[str, Order] = {}
    balances = [*map(total_of, zip(*(row.balances for row in rows), strict=True))]
    for k, row in enumerate(rows):
        orders |= {f"{k}/{name}": order for name, order in row.orders.items()}
        for column, (lots, cost) in row.positions.items():
            old = positions.get(column, (0, 0))
            positions[column] = (old[0] + lots, old[1] + cost)
    for column, (lots, cost) in list(positions.items()):
        if not lots:
            del positions[column]
            worth = draft.worth(draft.state.catalogue.instruments[column].id)
            assert worth is not None
            balances[worth.asset] -= 0 if worth.premium else cost
    return Row(positions, orders, balances)


def with_partners(ties: Ties, accounts: Ints, rows: Ints) -> Ints:
    """Return rows of a segment, increasing, and those of accounts in a group with one of them.

    `accounts` are the numbers of the segment's accounts, increasing, [row].
    """
    if not len(ties.linked) or len(rows) == len(accounts):
        return rows
    stand = _stand(ties, accounts)
    return np.flatnonzero(np.isin(stand, stand[rows]))


def _stand(ties: Ties, accounts: Ints) -> Ints:
    """Return the row in which each account of a segment is margined, [row]."""
    stand = np.arange(len(accounts))
    if len(accounts):
        at = np.minimum(np.searchsorted(accounts, ties.linked), len(accounts) - 1)
        here = accounts[at] == ties.linked
        stand[at[here]] = np.searchsorted(accounts, ties.heads[here])
    return stand


def as_groups(ties: Ties, book: Book) -> Book:
    """Return a book in which heads hold what their whole group holds, and its members nothing.

    A group is in the book whole or not at all; accounts are numbered increasingly.
    """
    stand = _stand(ties, book.accounts)
    moved = np.flatnonzero(stand != np.arange(len(book)))
    if not len(moved):
        return book
    positions, orders, balances = positions_of(book), orders_of(book), book.balances.copy()
    np.add.at(balances, stand[moved], book.balances[moved])
    balances[moved] = 0
    netted, flat = _netted(replaced(positions, account=stand[positions.account]), book)
    owed = flat.entry_cost * (book.catalogue.kind[flat.instrument] != OPTION)
    codes = [a.code for a in book.assets]
    paid = np.array([codes.index(s) for s in book.catalogue.settlements], np.int64)
    asset = paid[book.catalogue.settlement[flat.instrument]]
    np.subtract.at(balances, (flat.account, asset), owed)
    return book_of(catalogue=book.catalogue, accounts=book.accounts, positions=netted,
                   orders=replaced(orders, account=stand[orders.account]),
                   balances=(book.assets, balances))


def _netted(rows: Entries, book: Book) -> tuple[Entries, Entries]:
    """Return positions added up by account and instrument: those with lots, those without."""
    key = rows.account * len(book.catalogue) + rows.instrument
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.concatenate((np.ones(min(len(key), 1), bool), key[1:] != key[:-1])))
    lots, cost = (np.add.reduceat(c[order], first) if len(first) else c[:0]
                  for c in (rows.lots, rows.entry_cost))

    def at(kept: Any) -> Entries:
        places = order[first[kept]]
        return Entries(account=rows.account[places], instrument=rows.instrument[places],
                       lots=lots[kept], entry_cost=cost[kept])

    return at(lots != 0), at(lots == 0)


def room_of(ties: Ties, number: int) -> int:
    """Return by how much less than 64 bits an account may hold, so that its group can be added."""
    return GROUP_MAX if number in ties.head or number in ties.members else 1


def check_room(draft: Draft, numbers: Iterable[int]) -> None:
    """Refuse accounts whose holdings are too large to be added up with those of a group.

    Raises
    ------
    BadInput
        If one is.
    """
    for number in numbers:
        row = draft.read(number)
        lots = max((abs(lots) for lots, _ in row.positions.values()), default=0)
        lots = max([lots, *(lots_ordered(row.orders, order[0]) for order in row.orders.values())])
        money = [abs(b) for b in row.balances] + [abs(c) for _, c in row.positions.values()]
        if lots > POSITION_MAX // GROUP_MAX or max(money, default=0) > INT64_MAX // GROUP_MAX:
            name = draft.state.directory.names[number]
            raise bad_input(Reason.ABSURD_QUANTITY, name, "holds too much to be added up with a "
                            f"group of {GROUP_MAX}; check the unit")


def to_be_margined(draft: Draft, numbers: Iterable[int]) -> None:
    """Note that where some accounts stand is no more what they were margined at."""
    for number in numbers:
        k, row = draft.state.directory.places[number]
        standing = grown(draft.shards[k].standing, draft.shards[k].size)
        snapshot = standing.snapshot.copy()
        snapshot[row] = NEVER
        draft.shards[k] = replaced(draft.shards[k], standing=replaced(standing, snapshot=snapshot))
