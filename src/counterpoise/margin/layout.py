"""Which rows a book has: what depends on the positions alone, made once and used at every price.

A *unit row* is what nets: the positions of one account in one risk unit. Unit rows stand in
*blocks*, one per underlying, so that a move of one underlying touches one block. A *requirement
row* is an (account, pool); its members are unit rows of any block, in the order of their units.

    book -> unit rows in blocks -> requirement rows
"""

from typing import Any

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.collateral.valuation import Cash, Owners, cash_of
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.margin.pools import PoolRows, held_otherwise, pool_codes
from counterpoise.margin.requirement import Indices
from counterpoise.risk.aggregation import Rows
from counterpoise.values.frozen import frozen
from counterpoise.values.latest import of_latest

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

    pools      the requirement rows
    cash       what each owns beside the value of its positions
    blocks     [underlying]
    members    [requirement row + 1] entries of `member`
    member     [member, 4] block and place of the unit row, its risk unit, its requirement row
    """

    book: Book
    pools: PoolRows
    cash: Cash
    blocks: tuple[Block, ...]
    members: Ints
    member: Indices


def layout_of(book: Book, *, unit: Indices, pool: Indices, threads: int = 1) -> Layout:
    """Return the layout of a book under `unit` [instrument], whose settlement is `pool` [unit].

    `pool` indexes the settlements of the catalogue. There is one unit per underlying and pool, and
    units increase with underlyings.
    """
    codes = pool_codes(book)
    of_units = _of_units(book.catalogue, unit, pool, codes)
    start = of_units.start
    account, pools, row_of, members, member, parts = _core.layout(
        row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots, unit=unit,
        block=of_units.underlying, pool=of_units.pool, start=of_units.begin,
        held=held_otherwise(book, codes).view(np.uint8), threads=threads)
    rows = PoolRows(pools=codes, account=account, pool=pools, row_of=row_of)
    blocks = tuple(Block(start=start[k], stop=start[k + 1], at=at,
                         rows=Rows(pointer=pointer, account=owner, key=unit_of, instrument=held,
                                   lots=lots))
                   for k, (pointer, owner, unit_of, at, held, lots) in enumerate(parts))
    cash = cash_of(book, Owners(assets=codes, account=account, asset=pools), threads=threads)
    return Layout(book=book, pools=rows, cash=cash, blocks=blocks, members=members,
                  member=member)


@frozen
class _OfUnits:
    """What units have in common for all books: underlying and pool of each, [unit].

    The catalogue columns of underlying k are `start[k]` to `start[k + 1]`; `begin` are the first.
    """

    underlying: Indices
    pool: Indices
    start: list[int]
    begin: Indices


@of_latest
def _of_units(terms: Catalogue, unit: Indices, pool: Indices, codes: tuple[str, ...]) -> _OfUnits:
    underlying = np.zeros(len(pool), np.int32)
    underlying[unit] = terms.underlying
    assert bool(np.all(underlying[unit] == terms.underlying))
    assert len(set(zip(underlying.tolist(), pool.tolist(), strict=True))) == len(pool)
    start = np.searchsorted(terms.underlying, np.arange(len(terms.underlyings) + 1))
    place = np.array([codes.index(s) for s in terms.settlements], np.int32)
    return _OfUnits(underlying=underlying, pool=np.take(place, pool), start=start.tolist(),
                    begin=start[:-1].astype(np.int32))


def chosen(pools: PoolRows, rows: Ints | None) -> PoolRows:
    """Return the requirement rows asked for, all where None; `row_of` keeps counting all."""
    if rows is None:
        return pools
    return PoolRows(pools=pools.pools, account=np.take(pools.account, rows),
                    pool=np.take(pools.pool, rows), row_of=pools.row_of)
