"""What open orders add: the worst side they could leave the account on.

No venue in scope with scenario margin publishes its rule in full; the common shape is the largest
requirement over {positions, positions + orders that add delta, positions + orders that take delta
away} (Gate states these three combinations; Paradex states worst side per market, `worse_side`).
*Our reading* wherever the venue is silent.
"""

from collections.abc import Callable

import numpy as np

from counterpoise.accounts.book import (
    Book,
    Entries,
    Ints,
    book_of,
    entries_of,
    joined,
    rows_at,
)
from counterpoise.margin.pools import (
    Bools,
    PoolRows,
    pool_of_instrument,
    position_accounts,
    summed,
)
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.values.frozen import replaced


def accounts_with_orders(book: Book) -> Indices:
    """Return the accounts that have an open order, increasing."""
    if not len(book.order_lots):
        return np.zeros(0, np.int32)
    return np.flatnonzero(np.diff(book.order_pointer)).astype(np.int32)


def filled(book: Book, accounts: Indices, direction: Floats) -> Book:
    """Return `accounts` as a book in which every order with lots x direction > 0 is filled.

    `direction` [instrument] is the delta per lot for long-delta orders, its negative for
    short-delta orders, or +-1 for buys or sells. Balances and given amounts stay behind: the
    result is for requirements of positions only.
    """
    positions = _of(accounts, entries_of(book.row_pointer, book.instrument, book.lots))
    orders = _of(accounts, entries_of(book.order_pointer, book.order_instrument, book.order_lots))
    on_side = np.flatnonzero(orders.lots * direction[orders.instrument] > 0)
    both = joined(positions, rows_at(orders, on_side))
    return book_of(catalogue=book.catalogue, accounts=book.accounts[accounts], positions=both)


def filled_sides(book: Book, accounts: Indices, delta: Floats,
                 pools: tuple[str, ...]) -> tuple[Book, Bools]:
    """Return `accounts` twice as one book of positions: one pass measures both sides.

    First with their long-delta orders filled, then with their short-delta ones; `delta`
    [instrument] is the delta per lot. Its accounts are 0, 1, 2 and so on. Positions stay behind
    where no order of their pool is filled; where one is, [account, pool], is returned too.
    """
    count, pool = len(accounts), pool_of_instrument(book, pools)
    held = _of(accounts, entries_of(book.row_pointer, book.instrument, book.lots))
    orders = _of(accounts, entries_of(book.order_pointer, book.order_instrument, book.order_lots))
    sign = orders.lots * delta[orders.instrument]
    moves, parts = np.zeros((2, count, len(pools)), bool), list[Entries]()
    for k, side in enumerate((sign > 0, sign < 0)):
        filled = rows_at(orders, np.flatnonzero(side))
        moves[k, filled.account, pool[filled.instrument]] = True
        here = rows_at(held, np.flatnonzero(moves[k, held.account, pool[held.instrument]]))
        parts += [replaced(part, account=part.account + k * count) for part in (here, filled)]
    both = book_of(catalogue=book.catalogue, accounts=np.arange(2 * count),
                   positions=joined(*parts))
    return both, moves.reshape(2 * count, len(pools))


def worse_side(book: Book, rows: PoolRows, margin_of: Callable[[Book], Floats]) -> Floats:
    """Return, instrument by instrument, how much the larger filled side adds to a margin, [row].

    `margin_of` returns the margin of every position of a book by itself, [position], in the
    currency of its row, and zero for no lots. Zero where no side of an instrument's orders needs
    more than its position.
    """
    if not len(book.order_lots):
        return np.zeros(len(rows))
    width = len(book.catalogue)
    cell, first = np.unique(_cells(book.order_pointer, book.order_instrument, width),
                            return_index=True)
    held = _lots_at(cell, book, width)
    sides = (held, held + np.add.reduceat(np.maximum(book.order_lots, 0), first),
             held + np.add.reduceat(np.minimum(book.order_lots, 0), first))
    account, instrument = cell // width, (cell % width).astype(np.int32)
    pointer = np.searchsorted(account, np.arange(len(book) + 1))
    alone = replaced(book, row_pointer=pointer, instrument=instrument, lots=held,
                     entry_cost=np.zeros(len(cell), np.int64), position_given={})
    needs = [margin_of(replaced(alone, lots=side)) for side in sides]
    worse = np.maximum(np.maximum(needs[1], needs[2]) - needs[0], 0)
    row = rows.row_of[account, pool_of_instrument(book, rows.pools)[instrument]]
    return summed(row, worse, len(rows))


def order_excess(book: Book, rows: PoolRows, *, delta: Floats,
                 needs: Callable[[Book], Floats]) -> Floats:
    """Return what open orders add to the requirement of positions, [row], at least 0.

    `delta` [instrument] tells orders that add it from those that take it away; `needs` returns the
    requirement of the positions of a book, [account, pool] with the pools of `rows`.
    """
    extra = np.zeros(len(rows))
    accounts = accounts_with_orders(book)
    if not len(accounts):
        return extra
    direction = np.nan_to_num(delta)
    alone, longer, shorter = (needs(filled(book, accounts, sign * direction))
                              for sign in (0.0, 1.0, -1.0))
    worse = np.maximum(np.maximum(longer, shorter) - alone, 0)
    place = np.minimum(np.searchsorted(accounts, rows.account), len(accounts) - 1)
    mine = accounts[place] == rows.account
    extra[mine] = worse[place[mine], rows.pool[mine]]
    return extra


def _cells(pointer: Ints, instrument: Indices, width: int) -> Ints:
    """Return account x width + instrument of every entry of compressed columns, increasing."""
    return position_accounts(pointer).astype(np.int64) * width + instrument


def _lots_at(cell: Ints, book: Book, width: int) -> Ints:
    """Return the lots held in each (account, instrument) cell, 0 where none are."""
    own = np.append(_cells(book.row_pointer, book.instrument, width), np.iinfo(np.int64).max)
    place = np.searchsorted(own, cell)
    return np.where(own[place] == cell, np.append(book.lots, 0)[place], 0)


def _of(accounts: Indices, rows: Entries) -> Entries:
    place = np.full(int(max(accounts[-1:].max(initial=-1), rows.account.max(initial=-1))) + 1, -1)
    place[accounts] = np.arange(len(accounts))
    own = place[rows.account]
    return rows_at(replaced(rows, account=own), np.flatnonzero(own >= 0))
