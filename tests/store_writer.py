"""A process that writes a store until somebody kills it, and says what was acknowledged.

Run as a program it is a nursery: each line of its input, the JSON of a life, is answered by a fork
that lives it, so that a hundred lives need one start of Python. A life opens the store, recovers
its state, says `open`, and goes on with the workload from the event it is told, four batches on
their way at any time; some events are said twice.
"""

import json
import os
import sys
from collections import deque
from contextlib import suppress
from importlib import import_module
from random import Random

from counterpoise.adapters.store import places
from counterpoise.adapters.store.history import latest_state
from counterpoise.adapters.store.journal import Batch, open_journal
from counterpoise.adapters.store.replay import replayed
from counterpoise.adapters.store.store import SnapshotLost, StoreStopped
from store_workload import HEADER, LEDGER, bytes_of, effects_of, event_of, root_of, step

ON_THEIR_WAY = 4


def live(place: str, seed: int, start: int, chance_seed: int, failing: int) -> None:
    """Write until killed; `failing` > 0 breaks fsync after so many acknowledgements."""
    chance = Random(chance_seed)
    store = places.owned(place)
    journal = open_journal(store, header=HEADER)
    again = replayed(store, LEDGER, start=latest_state(store)[0])
    assert again.divergence is None, again.divergence
    state = again.state
    say("open", state["count"], again.mark.number)
    waiting: deque = deque()
    k, acknowledged = start, 0
    while True:
        wanted = [event_of(seed, i) for i in range(k, k + chance.randrange(1, 60))]
        said_again = [event_of(seed, i) for i in range(max(0, k - 2), k)]
        k += len(wanted)
        events = journal.screen((*said_again, *wanted)).fresh
        root = root_of(step(state, list(events))[0]) if chance.random() < 0.2 else None
        ticket = journal.submit(Batch(events=events, effects=effects_of(state, list(events)),
                                      root=root))
        state = step(state, list(events))[0]
        waiting.append((k, ticket))
        while len(waiting) >= ON_THEIR_WAY:
            upto, ticket = waiting.popleft()
            mark = ticket.wait()
            say("ack", upto, mark.number, mark.hash.hex())
            acknowledged += 1
            if acknowledged == failing:
                break_fsync()
        if chance.random() < 0.02:
            kept = state
            last = [t for _, t in waiting][-1].wait()
            with suppress(SnapshotLost):
                journal.keep_snapshot(last, root_of(kept), bytes_of(kept))


def say(*words: object) -> None:
    """Write one line to whoever listens."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def break_fsync() -> None:
    """From now on the system answers fsync and fdatasync of this process with EIO."""
    from failing_system import fail

    fail(("fsync", "fdatasync"), "EIO")


def main() -> None:
    """Fork a life for each line of the input; what a server's store needs is loaded once."""
    if sys.argv[1:] == ["server"]:
        import_module("counterpoise.adapters.store.postgres")
        import_module("psycopg")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                live(**json.loads(line))
            except StoreStopped as error:
                say("stopped", error)
            except BaseException as error:
                say("failed", type(error).__name__, error)
            os._exit(0)
        say("pid", child)
        os.waitpid(child, 0)
        say("ended")


if __name__ == "__main__":
    main()
