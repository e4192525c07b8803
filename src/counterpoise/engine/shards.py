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
    first = shards[0].book
    numbers = flat(chain.from_iterable(s.numbers for s in shards), int(starts[-1]))
    positions, orders, balances = _joined(shards, starts)
    book = book_of(catalogue=first.catalogue, accounts=numbers, positions=positions,
                   orders=orders, balances=(first.assets, balances))
    made = [_with_book(shard, rows_of(book, int(start), int(stop)))
            for shard, start, stop in zip(shards, starts[:-1], starts[1:], strict=True)]
    return made, book


def _with_book(shard: Shard, book: Book) -> Shard:
    if not shard.overlay and len(shard.book) == shard.size:
        return replaced(shard, book=book)
    orders = {row: held for row, held in shard.orders.items() if row not in shard.overlay}
    orders |= {row: held.orders for row, held in shard.overlay.items() if held.orders}
    standing = grown(shard.standing, shard.size)
    snapshot = standing.snapshot.copy()
    snapshot[list(shard.overlay)] = NEVER
    return replaced(shard, book=book, orders=orders, overlay={}, flows=_flows(shard),
                    standing=replaced(standing, snapshot=snapshot))


def _flows(shard: Shard) -> Ints:
    """Return the flows of every row of a shard, those in the open too, [row, asset x flow]."""
    flows = np.zeros((shard.size, shard.flows.shape[1]), np.int64)
    flows[:len(shard.flows)] = shard.flows
    if shard.overlay:
        held = chain.from_iterable([row.flows for row in shard.overlay.values()])
        flows[list(shard.overlay)] = flat(held, len(shard.overlay) * flows.shape[1]).reshape(
            -1, flows.shape[1])
    return flows


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


def _kept(shard: Shard) -> Any:
    """Return which rows of the book still say what the account holds, [row]."""
    kept = np.ones(len(shard.book), bool)
    kept[[row for row in shard.overlay if row < len(kept)]] = False
    return kept


def _joined(shards: Sequence[Shard], starts: Ints) -> tuple[Entries, Entries, Ints]:
    """Return positions, orders and balances of all shards.

    Shard by shard, so that the rows in the open of one are still near when they are read again.
    """
    positions, orders = list[Entries](), list[Entries]()
    balances = np.zeros((int(starts[-1]), len(shards[0].book.assets)), np.int64)
    for shard, start in zip(shards, starts.tolist(), strict=False):
        balances[start:start + len(shard.book)] = shard.book.balances
        positions.append(_kept_of(shard, positions_of(shard.book), start))
        orders.append(_kept_of(shard, orders_of(shard.book), start))
        if shard.overlay:
            at, rows = np.array(list(shard.overlay), np.int64) + start, [*shard.overlay.values()]
            positions.append(position_entries(at, rows))
            orders.append(order_entries(at, rows))
            balances[at] = balance_rows(rows, balances.shape[1])
    priced = [o for o in orders if "price" in o.given]
    prices = np.concatenate([np.zeros(0), *(o.given["price"] for o in priced)])
    return _together(positions, {}), _together(orders, {"price": prices}), balances


def _together(parts: Sequence[Entries], given: dict[str, Any]) -> Entries:
    names = ("account", "instrument", "lots", "entry_cost")
    return Entries(given=given, **{name: np.concatenate([getattr(part, name) for part in parts])
                                   for name in names})


def _kept_of(shard: Shard, entries: Entries, start: int) -> Entries:
    """Return the entries whose owners still hold what the book says, counted from `start`."""
    if shard.overlay:
        entries = rows_at(entries, np.flatnonzero(_kept(shard)[entries.account]))
    return replaced(entries, account=entries.account + start)


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
