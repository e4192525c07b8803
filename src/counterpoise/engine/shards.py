"""How is a shard read, and how does what changed become columns again?

`row_of` draws one account into the open; `compacted` puts every overlay of some shards into new
columns, in one pass over all of them. Both say the same thing: a compacted shard holds what it
held before, and the state's bytes do not show when it was done.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import (
    Book,
    Entries,
    book_of,
    joined,
    orders_of,
    positions_of,
    rows_at,
    rows_of,
)
from counterpoise.engine.money import EXPONENT_MAX
from counterpoise.engine.state import FLOWS, NEVER, Row, Shard, Standing
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import power_of_ten

Ints = np.ndarray[Any, np.dtype[np.int64]]


def row_of(shard: Shard, row: int) -> Row:
    """Return what an account holds; not to be changed."""
    held = shard.overlay.get(row)
    return held if held is not None else drawn(shard, row, None)


def drawn(shard: Shard, row: int, by: object) -> Row:
    """Return a new row that `by` may write, of what the account holds."""
    held = shard.overlay.get(row)
    if held is not None:
        return Row(dict(held.positions), dict(held.orders), list(held.balances), by,
                   list(held.flows))
    book = shard.book
    if row >= len(book):
        width = len(book.assets)
        return Row({}, {}, [0] * width, by, [0] * (width * len(FLOWS)))
    low, high = book.row_pointer[row:row + 2].tolist()
    held_lots = zip(book.lots[low:high].tolist(), book.entry_cost[low:high].tolist(), strict=True)
    positions = dict(zip(book.instrument[low:high].tolist(), held_lots, strict=True))
    return Row(positions, dict(shard.orders.get(row, ())), book.balances[row].tolist(), by,
               shard.flows[row].tolist())


def compacted(shards: Sequence[Shard]) -> tuple[list[Shard], Book]:
    """Return shards of one segment without overlays, and the book of them all, in order."""
    starts = np.concatenate(([0], np.cumsum([s.size for s in shards]))).astype(np.int64)
    first, opened = shards[0].book, _in_the_open(shards, starts)
    positions, orders = _joined(shards, starts, opened)
    balances, flows = _amounts(shards, starts, opened)
    book = book_of(catalogue=first.catalogue, accounts=_numbers(shards), positions=positions,
                   orders=orders, balances=(first.assets, balances))
    made = [_with_book(shard, rows_of(book, start, stop), flows[start:stop])
            for shard, start, stop in zip(shards, starts[:-1].tolist(), starts[1:].tolist(),
                                          strict=True)]
    return made, book


def _with_book(shard: Shard, book: Book, flows: Ints) -> Shard:
    if not shard.overlay and len(shard.book) == shard.size:
        return replaced(shard, book=book, flows=flows)
    orders = {row: held for row, held in shard.orders.items() if row not in shard.overlay}
    orders |= {row: held.orders for row, held in shard.overlay.items() if held.orders}
    standing = grown(shard.standing, shard.size)
    snapshot = standing.snapshot.copy()
    snapshot[list(shard.overlay)] = NEVER
    return replaced(shard, book=book, orders=orders, overlay={}, flows=flows,
                    standing=replaced(standing, snapshot=snapshot))


def grown(standing: Standing, rows: int) -> Standing:
    """Return a standing with room for `rows` accounts; those that are new have none."""
    more = rows - len(standing.snapshot)
    if not more:
        return standing

    def wider(column: Any, fill: Any) -> Any:
        return np.concatenate((column, np.full((more, *column.shape[1:]), fill, column.dtype)))

    return Standing(pools=standing.pools, snapshot=wider(standing.snapshot, NEVER),
                    **{name: wider(getattr(standing, name), fill) for name, fill in _EMPTY.items()})


_EMPTY = {"initial": np.nan, "maintenance": np.nan, "balance": np.nan, "status": 0, "level": 0,
          "call": 0, "issued": 0, "deadline": 0, "amount": 0}


def _in_the_open(shards: Sequence[Shard], starts: Ints) -> tuple[Ints, list[Row]]:
    """Return the rows in the open of all shards, counted over all, and what they hold."""
    rows = [*chain.from_iterable([s.overlay.values() for s in shards])]
    at = flat(chain.from_iterable([s.overlay for s in shards]), len(rows))
    return at + np.repeat(starts[:-1], [len(s.overlay) for s in shards]), rows


def _numbers(shards: Sequence[Shard]) -> Ints:
    """Return the numbers of the accounts of all shards, in order."""
    return np.concatenate([part for s in shards for part in (
        s.book.accounts, np.array(s.numbers[len(s.book):], np.int64))])


def _amounts(shards: Sequence[Shard], starts: Ints, opened: tuple[Ints, list[Row]],
             ) -> tuple[Ints, Ints]:
    """Return balances [row, asset] and flows [row, asset x flow] of all shards."""
    (at, rows), first = opened, shards[0]
    balances, flows = (np.zeros((int(starts[-1]), column.shape[1]), np.int64)
                       for column in (first.book.balances, first.flows))
    for shard, start in zip(shards, starts.tolist(), strict=False):
        balances[start:start + len(shard.book)] = shard.book.balances
        flows[start:start + len(shard.flows)] = shard.flows
    if rows:
        balances[at] = balance_rows(rows, balances.shape[1])
        flows[at] = flat(chain.from_iterable([row.flows for row in rows]),
                         flows.shape[1] * len(rows)).reshape(len(rows), -1)
    return balances, flows


def _joined(shards: Sequence[Shard], starts: Ints, opened: tuple[Ints, list[Row]],
            ) -> tuple[Entries, Entries]:
    """Return positions and orders of all shards."""
    (at, rows), books = opened, [s.book for s in shards]
    kept = np.ones(int(starts[-1]), bool)
    kept[at] = False
    positions, orders = (
        _kept_of(kept, [replaced(part, account=part.account + start)
                        for part, start in zip(parts, starts.tolist(), strict=False)])
        for parts in (map(positions_of, books), map(_orders_of, books)))
    return joined(positions, position_entries(at, rows)), joined(orders, order_entries(at, rows))


def _orders_of(book: Book) -> Entries:
    orders = orders_of(book)
    return orders if orders.given else replaced(orders, given={"price": np.zeros(0)})


def _kept_of(kept: Any, parts: list[Entries]) -> Entries:
    """Return the entries of all parts whose owners still hold what their book says."""
    entries = joined(*parts)
    return entries if kept.all() else rows_at(entries, np.flatnonzero(kept[entries.account]))


def position_entries(owner: Ints, rows: Sequence[Row]) -> Entries:
    """Return the positions of accounts in the open as rows of a book."""
    held = [row.positions for row in rows]
    size = np.array([len(h) for h in held], np.int64)
    count = int(np.add.reduce(size))
    column = flat(chain.from_iterable(held), count)
    pairs = flat(flat_values(held), 2 * count).reshape(-1, 2)
    return Entries(account=np.repeat(owner, size), instrument=column.astype(np.int32),
                   lots=pairs[:, 0].copy(), entry_cost=pairs[:, 1].copy())


def order_entries(owner: Ints, rows: Sequence[Row]) -> Entries:
    """Return the open orders of accounts in the open as rows of a book."""
    held = [row.orders for row in rows]
    size = np.array([len(h) for h in held], np.int64)
    order = flat(flat_values(held), 4 * int(np.add.reduce(size))).reshape(-1, 4)
    return Entries(account=np.repeat(owner, size), instrument=order[:, 0].astype(np.int32),
                   lots=order[:, 1].copy(), entry_cost=np.zeros(len(order), np.int64),
                   given={"price": order[:, 2] * _POWERS[order[:, 3] + EXPONENT_MAX]})


_POWERS: Final = np.array([power_of_ten(k) for k in range(-EXPONENT_MAX, EXPONENT_MAX + 1)])


def flat_values(held: Sequence[Mapping[Any, tuple[int, ...]]]) -> Iterator[int]:
    """Return the integers of the values of all dictionaries, in order."""
    return chain.from_iterable(chain.from_iterable([h.values() for h in held]))


def flat(numbers: Iterable[int], count: int) -> Ints:
    """Return integers as an array, one by one and without lists between."""
    return np.fromiter(numbers, np.int64, count)


def balance_rows(rows: Sequence[Row], assets: int) -> Ints:
    """Return the balances of accounts in the open, [account, asset]."""
    held = chain.from_iterable([row.balances for row in rows])
    return flat(held, len(rows) * assets).reshape(len(rows), assets)
