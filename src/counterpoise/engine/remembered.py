"""Was this said before? Client ids with what they said, within a bound.

Ids lie in two generations. When the younger one is full it becomes the older and the older one is
forgotten; from then on an event at or before the latest time that was forgotten is refused as too
late. So an event is applied at most once, however little is remembered. Generations turn at market
events only, so that where a batch is cut changes nothing.

The younger generation is shared by successive values and only ever grows; a value reads its own
first `count` entries. A second future of an old value starts with a copy.
"""

from typing import Any

import numpy as np

from counterpoise.engine.texts import Texts, packed_texts, unpacked_texts
from counterpoise.values.frozen import frozen, replaced

Ints = np.ndarray[Any, np.dtype[np.int64]]
Entry = tuple[bytes, int, int]
"""(digest of the content, time of the event, its place in the generation)."""

Said = tuple[int, bytes, int]
"""(position of the event, digest of its content, its time)."""


@frozen
class Remembered:
    """Ids of two generations; events at or before `floor` are too late."""

    older: dict[str, Entry]
    younger: dict[str, Entry]
    count: int
    floor: int


NOTHING_REMEMBERED = Remembered(older={}, younger={}, count=0, floor=-1)


def content_of(memory: Remembered, client_id: str) -> bytes | None:
    """Return the digest of what was said under an id, None where nothing was."""
    entry = memory.younger.get(client_id)
    if entry is not None and entry[2] < memory.count:
        return entry[0]
    entry = memory.older.get(client_id)
    return None if entry is None else entry[0]


def with_ids(memory: Remembered, said: dict[str, Said]) -> Remembered:
    """Return a memory that knows these ids too, none of which it knew, by their positions."""
    if not said:
        return memory
    younger = memory.younger
    if len(younger) != memory.count:
        younger = dict(list(younger.items())[:memory.count])
    elif not memory.count:
        younger = {}
    values, names = zip(*sorted(zip(said.values(), said, strict=True)), strict=True)
    _, contents, times = zip(*values, strict=True)
    count = memory.count + len(names)
    younger.update(zip(names, zip(contents, times, range(memory.count, count), strict=True),
                       strict=True))
    return replaced(memory, younger=younger, count=count)


def ids_before_turn(kept: int) -> int:
    """Return how many ids fill a generation, where `kept` are to be remembered."""
    return max(kept // 2, 1)


def turned(memory: Remembered, kept: int) -> Remembered:
    """Return the memory with its generations turned if the younger holds half of `kept` ids."""
    if memory.count < ids_before_turn(kept):
        return memory
    floor = max((entry[1] for entry in memory.older.values()), default=memory.floor)
    older = own_entries(memory)
    return Remembered(older=older, younger={}, count=0, floor=max(floor, memory.floor))


def own_entries(memory: Remembered) -> dict[str, Entry]:
    """Return the younger generation of this very value, in order."""
    if len(memory.younger) == memory.count:
        return memory.younger
    return dict(list(memory.younger.items())[:memory.count])


def packed_ids(entries: dict[str, Entry]) -> tuple[Any, ...]:
    """Return a generation as (ids, digests, times), in order."""
    held = entries.values()
    return (packed_texts(entries), b"".join([e[0] for e in held]),
            np.fromiter([e[1] for e in held], np.int64, len(held)))


def unpacked_ids(ids: Texts, contents: bytes, times: Ints) -> dict[str, Entry]:
    """Return a generation again; inverse of `packed_ids`."""
    names = unpacked_texts(ids)
    size = len(contents) // len(names) if names else 0
    return {name: (contents[k * size:(k + 1) * size], time, k)
            for k, (name, time) in enumerate(zip(names, times.tolist(), strict=True))}
