"""What open orders add: the worst side they could leave the account on.

No venue in scope with scenario margin publishes its rule in full; the common shape is the largest
requirement over {positions, positions + orders that add delta, positions + orders that take delta
away} (Gate states these three combinations; Paradex states worst side per market, `worse_side`).
*Our reading* wherever the venue is silent.
"""

from collections.abc import Callable

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of, entries_of
from counterpoise.margin.pools import PoolRows, pool_of_instrument, position_accounts, summed
from counterpoise.margin.requirement import Floats, Indices


def accounts_with_orders(book: Book) -> Indices:
    """Return the accounts that have an open order, increasing."""
    return np.flatnonzero(np.diff(book.order_pointer)).astype(np.int32)


def filled(book: Book, accounts: Indices, direction: Floats) -> Book:
    """Return `accounts` as a book in which every order with lots x direction > 0 is filled.

    `direction` [instrument] is the delta per lot for long-delta orders, its negative for
    short-delta orders, or +-1 for buys or sells. Balances and given amounts stay behind: the
    result is for requirements of positions only.
    """
    positions = _of(accounts, entries_of(book.row_pointer, book.instrument, book.lots))
    orders = _of(accounts, entries_of(book.order_pointer, book.order_instrument, book.order_lots))
    on_side = orders.lots * direction[orders.instrument] > 0
    both = Entries(
        account=np.concatenate((positions.account, orders.account[on_side])),
        instrument=np.concatenate((positions.instrument, orders.instrument[on_side])),
        lots=np.concatenate((positions.lots, orders.lots[on_side])),
        entry_cost=np.concatenate((positions.entry_cost, orders.entry_cost[on_side])))
    return book_of(catalogue=book.catalogue, accounts=book.accounts[accounts], positions=both)


def worse_side(book: Book, rows: PoolRows, margin_of: Callable[[Book], Floats]) -> Floats:
    """Return, instrument by instrument, how much the larger filled side adds to a margin, [row].

    `margin_of` returns the margin of every position of a book by itself, [position], in the
    currency of its row. Zero where no side of an instrument's orders needs more than its position.
    """
    extra = np.zeros(len(rows))
    accounts = accounts_with_orders(book)
    if not len(accounts):
        return extra
    width = len(book.catalogue)
    sides = [filled(book, accounts, direction) for direction in
             (np.zeros(width), np.ones(width), -np.ones(width))]
    cells = [position_accounts(s.row_pointer).astype(np.int64) * width + s.instrument
             for s in sides]
    every = np.unique(np.concatenate(cells))
    needs = [np.bincount(np.searchsorted(every, cell), weights=margin_of(side),
                         minlength=len(every)) for cell, side in zip(cells, sides, strict=True)]
    worse = np.maximum(np.maximum(needs[1], needs[2]) - needs[0], 0)
    account, instrument = accounts[every // width], every % width
    row = rows.row_of[account, pool_of_instrument(book, rows.pools)[instrument]]
    return summed(row, worse, len(rows))


def _of(accounts: Indices, rows: Entries) -> Entries:
    place = np.searchsorted(accounts, rows.account)
    mine = accounts[np.minimum(place, len(accounts) - 1)] == rows.account
    return Entries(account=place[mine], instrument=rows.instrument[mine], lots=rows.lots[mine],
                   entry_cost=rows.entry_cost[mine])
