"""Which rows a book has: what depends on the positions alone, made once and used at every price.

A *unit row* is what nets: the positions of one account in one risk unit. Unit rows stand in
*blocks*, one per underlying, so that a move of one underlying touches one block. A *requirement
row* is an (account, pool); its members are unit rows of any block, in the order of their units.

    book -> unit rows in blocks -> requirement rows
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.pools import PoolRows, settlement_pools
from counterpoise.margin.requirement import Indices
from counterpoise.risk.aggregation import Rows, grouped
from counterpoise.values.frozen import frozen

Ints = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class Block:
    """The unit rows of one underlying, sorted by (account, unit).

    `rows.instrument` counts from `start`; the underlying's instruments are the catalogue columns
    `start:stop`. `at` [unit row] is the requirement row of each, increasing.
    """

    start: int
    stop: int
    rows: Rows
    at: Indices


@frozen
class Layout:
    """A book laid out for a model whose risk units do not cross underlyings.

    pools                       the requirement rows
    blocks                      [underlying]
    members                     [requirement row + 1] entries of the member columns
    member_block, member_row    [member] the unit row: its block and its place there
    member_unit                 [member] its risk unit
    """

    book: Book
    pools: PoolRows
    blocks: tuple[Block, ...]
    members: Ints
    member_block: Indices
    member_row: Indices
    member_unit: Indices


def layout_of(book: Book, *, unit: Indices, pool: Indices) -> Layout:
    """Return the layout of a book under `unit` [instrument], whose settlement is `pool` [unit].

    `pool` indexes the settlements of the catalogue. Units must not cross underlyings and must
    increase with them.
    """
    terms = book.catalogue
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=unit)
    underlying = np.zeros(len(pool), np.int32)
    underlying[unit] = terms.underlying
    assert bool(np.all(underlying[unit] == terms.underlying))
    pools = settlement_pools(book, positions=(rows.account, pool[rows.key]))
    place = np.array([pools.pools.index(s) for s in terms.settlements], np.int32)
    row = pools.row_of[rows.account, place[pool[rows.key]]]
    of = underlying[rows.key]
    blocks = tuple(_block(book, rows, np.flatnonzero(of == u), row, u)
                   for u in range(len(terms.underlyings)))
    return _with_members(book, pools, blocks)


def _block(book: Book, rows: Rows, mine: Ints, row: Indices, underlying: int) -> Block:
    first, last = np.searchsorted(book.catalogue.underlying, (underlying, underlying + 1))
    start, size = rows.pointer[mine], np.diff(rows.pointer)[mine]
    pointer = np.zeros(len(mine) + 1, np.int64)
    np.cumsum(size, out=pointer[1:])
    position = np.repeat(start - pointer[:-1], size) + np.arange(pointer[-1])
    own = Rows(pointer=pointer, account=rows.account[mine], key=rows.key[mine],
               instrument=rows.instrument[position] - np.int32(first), lots=rows.lots[position])
    return Block(start=int(first), stop=int(last), rows=own, at=row[mine])


def _with_members(book: Book, pools: PoolRows, blocks: tuple[Block, ...]) -> Layout:
    members = np.zeros(len(pools) + 1, np.int64)
    for block in blocks:
        members[1:] += np.bincount(block.at, minlength=len(pools))
    np.cumsum(members, out=members)
    free = members[:-1].copy()
    count = int(members[-1])
    of_block, of_row, unit = (np.empty(count, np.int32) for _ in range(3))
    for k, block in enumerate(blocks):
        # Rows of one block stand in different requirement rows unless two units share a pool.
        for part in _distinct(block.at):
            here = free[block.at[part]]
            of_block[here] = k
            of_row[here] = np.arange(len(block.at), dtype=np.int32)[part]
            unit[here] = block.rows.key[part]
            free[block.at[part]] += 1
    return Layout(book=book, pools=pools, blocks=blocks, members=members, member_block=of_block,
                  member_row=of_row, member_unit=unit)


def _distinct(at: Indices) -> list[Any]:
    """Return selections of `at` without repetition that together are all of it, in order."""
    if bool(np.all(at[1:] > at[:-1])):
        return [slice(None)]
    rank = np.arange(len(at)) - np.searchsorted(at, at, side="left")
    return [np.flatnonzero(rank == k) for k in range(int(rank.max()) + 1)]


def chosen(pools: PoolRows, rows: Ints | None) -> PoolRows:
    """Return the requirement rows asked for, all where None; `row_of` keeps counting all."""
    if rows is None:
        return pools
    return PoolRows(pools=pools.pools, account=pools.account[rows], pool=pools.pool[rows],
                    row_of=pools.row_of)
