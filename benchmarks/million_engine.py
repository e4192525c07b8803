"""A million accounts in one process: how long do they take to begin, to margin, and how much room?

Everything comes in as events through `step`, in batches, on one thread and without a store: a
million accounts under S:PM open, each is paid three assets and trades five contracts, with quotes
and a snapshot now and then; then the mixed load of `engine_step`, and passes that margin every
account after a thousand events each. No event may be refused. A short load cut otherwise and
computed with two threads has to give the same root.

`opening_last_over_first` is what an opening takes among the last tenth over the first: one says
that it does not grow with the accounts. `bytes_per_account` is by part of the state: columns are
counted, objects are sampled; the rest is what the process grew by besides, mostly memory of rows
that were in the open, kept for those that come.

    python benchmarks/million_engine.py [--quick] [--accounts N]
"""

import gc
import json
import resource
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from engine_step import (
    BATCH,
    EVENTS_BETWEEN,
    Sayings,
    applied,
    beginnings,
    begun,
    paced,
    resident,
    timed,
)

from counterpoise.engine.codec import batch_of
from counterpoise.engine.image import state_root
from counterpoise.engine.remembered import Remembered
from counterpoise.engine.state import Equipment, Shard, State
from counterpoise.market.simulated import simulated_market
from counterpoise.values.frozen import replaced

ACCOUNTS = 1_000_000
EVENTS = 50_000
PASSES = 7
COMPARED = 5_000
OTHER_CUT = 373
SAMPLED = 1_000


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    asked = parser.parse_args()
    json.dump(measured(asked.quick, asked.accounts), sys.stdout)


def measured(quick: bool, accounts: int = ACCOUNTS) -> dict[str, Any]:
    """Return times, bytes per account, and whether cuts and threads leave the root."""
    gc.collect()
    gc.disable()
    try:
        return _measured(2_000, 2_000, 5) if quick else _measured(accounts, EVENTS, PASSES)
    finally:
        gc.enable()


def _measured(accounts: int, events: int, passes: int) -> dict[str, Any]:
    sayings, before = Sayings(simulated_market(), accounts), resident()
    state, seconds = begun(sayings), dict[str, list[float]]()
    for name, some in beginnings(sayings).items():
        state, seconds[name] = paced(state, sayings, some)
    state, _ = applied(state, sayings.quotes(), BATCH)
    state, mixed = applied(state, (sayings.mixed() for _ in range(events)), BATCH)
    pauses = []
    for _ in range(passes):
        state, _ = applied(state, [sayings.mixed() for _ in range(EVENTS_BETWEEN)], BATCH)
        state, took = timed(state, batch_of(sayings.quotes()))
        pauses.append(took)
    grown = resident() - before
    opening = seconds["openings"]
    tenth = max(len(opening) // 10, 1)
    return {
        "accounts": int(sum(s.size for s in state.shards)), "events": state.position,
        "batch": BATCH, "none_refused": state.position == state.applied,
        "seconds_of": {name: round(sum(parts), 2) for name, parts in seconds.items()},
        "opening_last_over_first": sum(opening[-tenth:]) / sum(opening[:tenth]),
        "events_per_second": round(events / mixed),
        "pass": {"passes": passes, "events_between": EVENTS_BETWEEN,
                 "p50_seconds": round(float(np.quantile(pauses, 0.5)), 3),
                 "max_seconds": round(max(pauses), 3)},
        "bytes_per_account": per_account(state, grown),
        "bytes_per_account_at_most": round(peak() / accounts),
        "same_bits": same_bits(state, sayings)}


def same_bits(state: State, sayings: Sayings) -> bool:
    """Return whether another cut and two threads leave the root of a short load, margined."""
    load = [*(sayings.mixed() for _ in range(min(COMPARED, sayings.accounts))), *sayings.quotes()]
    root = state_root(applied(state, load, BATCH)[0])
    two = replaced(state, equipment=Equipment(models=state.equipment.models, threads=2))
    return root == state_root(applied(two, load, OTHER_CUT)[0])


def per_account(state: State, grown: int) -> dict[str, int]:
    """Return bytes per account of the parts of a state, and of what `grown` is more than they."""
    shards, accounts = state.shards, state.directory.count
    parts = {
        "book": sum(columns_in(s.book) for s in shards),
        "flows": sum(s.flows.nbytes for s in shards),
        "standing": sum(columns_in(s.standing) for s in shards),
        "open orders": sum(sampled(s.orders.values()) + sys.getsizeof(s.orders) for s in shards),
        "rows in the open": sum(map(in_the_open, shards)),
        "numbers in shards": sum(sys.getsizeof(s.numbers) for s in shards),
        "names and places": names_and_places(state),
        "remembered ids": ids(state.remembered)}
    return {name: round(size / accounts) for name, size in parts.items()} | {
        "besides": round((grown - sum(parts.values())) / accounts),
        "in all": round(grown / accounts)}


def columns_in(value: Any) -> int:
    """Return the bytes of the columns of a value, those in its tables too."""
    fields = [getattr(value, name) for name in value.__fields__]
    fields += [column for field in fields if isinstance(field, dict) for column in field.values()]
    return sum(field.nbytes for field in fields if isinstance(field, np.ndarray))


def in_the_open(shard: Shard) -> int:
    """Return the bytes of the rows of a shard that are in no column."""
    return sum(sampled([(row, held.positions, held.orders, held.balances, held.flows)])
               for row, held in shard.overlay.items()) + sys.getsizeof(shard.overlay)


def names_and_places(state: State) -> int:
    """Return the bytes of the directory of accounts."""
    found = state.directory
    return (sys.getsizeof(found.names) + sys.getsizeof(found.places)
            + sys.getsizeof(found.numbers) + sampled(found.names) + sampled(found.places)
            + sampled(found.numbers.values()))


def ids(memory: Remembered) -> int:
    """Return the bytes of both generations of ids."""
    return sum(sys.getsizeof(known) + sampled(known) + sampled(known.values())
               for known in (memory.older, memory.younger))


def sampled(entries: Any) -> int:
    """Return about how many bytes the objects of entries take: of a thousand, for all of them."""
    count = len(entries)
    some = list(islice(entries, 0, None, max(count // SAMPLED, 1)))
    return round(sum(size for entry in some for size in sizes(entry)) * count / max(len(some), 1))


def sizes(held: Any) -> Iterator[int]:
    """Yield the bytes of an object and of what it holds; small numbers are shared by all."""
    if not isinstance(held, int) or not -5 <= held <= 256:
        yield sys.getsizeof(held)
    if isinstance(held, Mapping):
        held = held.items()
    if not isinstance(held, str | bytes | int):
        for part in held:
            yield from sizes(part)


def peak() -> int:
    """Return the most bytes that this process ever had in memory."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    main()
