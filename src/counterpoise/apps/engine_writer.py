"""How does what was said become durable? Events are stepped, written, and only then reported.

Every batch is stepped and handed to the journal; what followed is reported when it is durable, and
never before (*store first, then send*). Whoever brings events, a simulated crowd or a file from
outside, goes this way.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import counterpoise
from counterpoise.adapters.desk import DeskWatch
from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.store.engine_log import (
    effect_entries,
    event_entries,
    machine,
    root_of,
)
from counterpoise.adapters.store.history import latest_state
from counterpoise.adapters.store.journal import Batch, Journal, Ticket
from counterpoise.adapters.store.records import Entry, content_of
from counterpoise.adapters.store.replay import Replayed, replayed
from counterpoise.adapters.store.store import Snapshot, SnapshotLost, Store
from counterpoise.apps.collector import collect
from counterpoise.engine import codec
from counterpoise.engine.effects import Effect
from counterpoise.engine.events import ConflictReceived, Event, UnreadableReceived
from counterpoise.engine.image import encoded_state
from counterpoise.engine.outage import restarts
from counterpoise.engine.state import Equipment, State
from counterpoise.engine.step import step
from counterpoise.values.digest import sha256_of_bytes
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced

ON_THEIR_WAY: Final = 4
"""Batches that are stepped before the first of them is durable."""


@frozen
class Durable:
    """A batch that is durable, and what followed from it.

    first      number of its first event's record; events, effects and a root follow one another
    position   of its first event, as effects count it
    last       number of its last record
    root       after it, None where none was written
    state      after it
    """

    first: int
    position: int
    last: int
    events: tuple[Event, ...]
    told: tuple[Effect, ...]
    root: bytes | None
    state: State


def equipment_of_all(threads: int) -> Equipment:
    """Return what an engine computes with that may be asked for any model there is."""
    return Equipment(models={name: model_named(name) for name in model_names()}, threads=threads)


def recovered(store: Store, equipment: Equipment) -> Replayed[State]:
    """Return where a log leads: from its newest sound snapshot, all compared on the way.

    Raises
    ------
    BadInput
        If there is no sound snapshot, or the log does not lead where it says.
    """
    start, _, _ = latest_state(store)
    if start is None:
        raise bad_input(Reason.UNREADABLE, store.place.split("@")[-1], "keeps no sound "
                        "snapshot to begin with; restore a backup")
    again = replayed(store, machine(equipment), start=start)
    if again.divergence is not None:
        raise bad_input(Reason.UNREADABLE, f"record {again.divergence.number}", "is not what the "
                        "log leads to; counterpoise verify says more, and a backup replaces it")
    return again


class EngineWriter:
    """An engine and its log: the state, what is being written, what is durable.

    `heard` is told of every batch once it is durable, in order. `root` is the last one computed,
    `rooted` the record after which; `lost` counts snapshots that the disk did not take.
    """

    def __init__(self, journal: Journal, state: State, heard: Callable[[Durable], None]) -> None:
        self.journal, self.state, self.heard = journal, state, heard
        self.waiting: deque[tuple[Ticket, Durable]] = deque()
        self.resumed, self.root, self.rooted, self.lost = state.position > 0, "", 0, 0
        self.record = journal.head.number

    def restarted(self, *, until: int = 0, outage_max_ns: int = 0) -> tuple[Event, ...]:
        """Return what says that the process began again, at the time that the log ended with.

        At `until` (ns) where that is later, after an outage of at most `outage_max_ns`.

        Raises
        ------
        BadInput
            If the outage was longer.
        """
        since = self.state.time
        return restarts(f"restart-{self.journal.head.number}", since=since,
                        until=max(since, until), engine=counterpoise.__version__,
                        outage_max_ns=outage_max_ns)

    def fresh(self, events: tuple[Event, ...]) -> bool:
        """Return whether a batch, which is applied whole or not at all, is still to come."""
        return not self.journal.screen(event_entries(codec.batch_of(events[:1]))).repeated

    def hear_desk(self, desk: DeskWatch | None) -> None:
        """Say to the engine what was decided at the desk and the log does not have."""
        said = () if desk is None else desk.news(self.state.time)
        if said:
            entries = event_entries(codec.batch_of(said))
            fresh = {e.client_id for e in self.journal.screen(entries).fresh}
            self.take(tuple(e for e in said if e.client_id in fresh))

    def take(self, events: tuple[Event, ...], *, rooted: bool = False,
             left: int = ON_THEIR_WAY - 1) -> None:
        """Step a batch and hand it to the journal; at most `left` stay on their way.

        With `rooted` a root is written, and a snapshot kept.
        """
        if not events:
            return
        batch, position = codec.batch_of(events), self.state.position
        after, told = step(self.state, batch)
        root = root_of(after) if rooted else None
        try:
            ticket = self.journal.submit(Batch(
                events=event_entries(batch), effects=effect_entries(told, position), root=root))
        except BadInput:
            sifted = tuple(event for _, event in self.sifted(events))
            if sifted == events:
                raise
            self.take(sifted, rooted=rooted, left=left)
            return
        self.state = after
        self.waiting.append((ticket, Durable(first=0, position=position, last=0, events=events,
                                             told=told, root=root, state=after)))
        self.settle(0 if rooted else left)
        if rooted:
            self.keep(self.state, root)

    def sifted(self, events: tuple[Event, ...]) -> tuple[tuple[int, Event], ...]:
        """Return the events that the log does not have, each with its place among those given.

        What came under a used id is told as that.
        """
        batch = codec.batch_of(events)
        entries = event_entries(batch)
        screened = self.journal.screen(entries)
        fresh, taken = set(map(id, screened.fresh)), {f.subject for f in screened.refused}
        said: dict[str, bytes] = {}
        out: list[tuple[int, Event]] = []
        for k, (event, entry) in enumerate(zip(batch.events, entries, strict=True)):
            if id(entry) in fresh:
                said[event.client_id] = content_of(entry)
                out.append((k, event))
            elif event.client_id in taken and not self._repeats(entry, said):
                digest = sha256_of_bytes(entry.payload)
                told = ConflictReceived(client_id=f"conflict-{digest}", time=self.state.time,
                                        taken=event.client_id, digest=digest)
                if told.client_id not in said and self._is_new(told):
                    said[told.client_id] = b""
                    out.append((k, told))
        return tuple(out)

    def _is_new(self, event: Event) -> bool:
        return bool(self.journal.screen(event_entries(codec.batch_of((event,)))).fresh)

    def _repeats(self, entry: Entry, said: dict[str, bytes]) -> bool:
        """Return whether an event that is not fresh says what was said under its id before."""
        if entry.kind in _NAMED_BY_DIGEST:
            return True
        before = said.get(entry.client_id)
        return (before == content_of(entry) if before is not None
                else bool(self.journal.screen((entry,)).repeated))

    def settle(self, left: int) -> None:
        """Wait until at most `left` batches are on their way, and report what is durable."""
        while len(self.waiting) > left:
            ticket, said = self.waiting.popleft()
            mark = ticket.wait()
            self.record = mark.number
            self.journal.mark_sent(mark.number)
            if said.root is not None:
                self.root, self.rooted = said.root.hex(), mark.number
            count = len(said.events) + len(said.told) + (said.root is not None)
            self.heard(replaced(said, first=mark.number - count + 1, last=mark.number))

    def keep(self, state: State, root: bytes | None = None) -> None:
        """Keep a snapshot after the last durable record; the log goes on without one."""
        root = root or root_of(state)
        self.root, self.rooted = root.hex(), self.record
        kept: tuple[Snapshot, ...] = self.journal.store.snapshots()
        if any(s.mark == self.journal.head for s in kept):
            return
        try:
            self.journal.keep_snapshot(self.journal.head, root, encoded_state(state))
            collect()
        except SnapshotLost:
            self.lost += 1


NEVER_APPLIED: Final = (ConflictReceived, UnreadableReceived)
_NAMED_BY_DIGEST: Final = frozenset(kind.__name__ for kind in NEVER_APPLIED)
"""What only records that something came: the same again is no conflict, whenever it came."""
