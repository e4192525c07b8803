"""How does the engine run? Course and crowd in, steps, the store before anything is said.

Every batch is stepped and handed to the journal; what followed is reported when it is durable, and
never before (*store first, then send*). A run begins where its log ends: the newest sound snapshot,
the events after it applied again and compared, then `EngineRestarted`, after which nothing is
called or liquidated until prices are fresh. Whether it was stopped, killed or never interrupted,
the log leads to the root that it says (docs/methodology/running.md).
"""

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

import counterpoise
from counterpoise.adapters.desk import DeskWatch
from counterpoise.adapters.models import model_named
from counterpoise.adapters.store import places
from counterpoise.adapters.store.engine_log import (
    effect_entries,
    event_entries,
    machine,
    open_engine_journal,
    root_of,
)
from counterpoise.adapters.store.history import latest_state
from counterpoise.adapters.store.journal import Batch, Journal, Ticket
from counterpoise.adapters.store.replay import Replayed, replayed
from counterpoise.adapters.store.store import Snapshot, SnapshotLost, Store
from counterpoise.apps.collector import collect, collected_by_hand
from counterpoise.apps.crowd import Crowd, beginning, first_state, turn
from counterpoise.engine import codec, effects
from counterpoise.engine.effects import Effect
from counterpoise.engine.events import ConflictReceived, Event
from counterpoise.engine.image import encoded_state
from counterpoise.engine.outage import restarts
from counterpoise.engine.state import Equipment, State
from counterpoise.engine.step import step
from counterpoise.market.course import Course
from counterpoise.values.digest import sha256_of_bytes
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import SECOND_NS

ON_THEIR_WAY: Final = 4
"""Batches that are stepped before the first of them is durable."""


@frozen
class Plan:
    """What to run, where, how fast and until when.

    speed            market time over real time; 0: as fast as it goes
    until            market time (ns) after which no step begins, None: without end
    steps            steps of this process at most, None: without end
    snapshot_every   steps between two snapshots of the state
    desk             where decisions on parameters are filed; "" for none
    """

    place: str
    course: Course
    crowd: Crowd
    threads: int = 1
    speed: float = 0.0
    until: int | None = None
    steps: int | None = None
    snapshot_every: int = 50
    desk: str = ""


@frozen
class Progress:
    """Where a run is, everything in it durable.

    step            of the course
    record          number of the last record
    time            the engine's time, ns
    sequence        of the snapshot that accounts are margined at, `snapshot_age_ns` old
    events          of this process, `seconds` since it began
    levels          {level: accounts on it}; accounts on none are in no entry
    open_calls      accounts with an open margin call
    told            {kind of effect: how many this process saw}
    root, rooted    the last root that was computed, and after which record; "" before
    lost_snapshots  snapshots that the disk did not take
    """

    step: int
    record: int
    time: int
    sequence: int
    snapshot_age_ns: int
    accounts: int
    events: int
    seconds: float
    levels: dict[str, int]
    open_calls: int
    told: dict[str, int]
    root: str
    rooted: int
    lost_snapshots: int
    resumed: bool


Seen = Callable[[Progress], None]


def run(plan: Plan, *, stop: threading.Event, seen: Seen) -> Progress:
    """Run until the plan ends or `stop` is set; return where it came, all of it durable.

    `seen` hears of every batch once it is durable.

    Raises
    ------
    BadInput
        If the store cannot be used, or its log is of another run.
    StoreStopped
        If a write failed; what was acknowledged is kept.
    """
    equipment = Equipment(models={plan.crowd.model: model_named(plan.crowd.model)},
                          threads=plan.threads)
    journal = open_engine_journal(places.owned_or_new(plan.place),
                                  first_state(plan.course, equipment))
    try:
        with collected_by_hand():
            return _Run(plan, journal, recovered(journal.store, equipment).state,
                        seen).lived(stop)
    finally:
        journal.close()


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


class _Run:
    """A run on its way: the state, what is being written, what was seen."""

    def __init__(self, plan: Plan, journal: Journal, state: State, seen: Seen) -> None:
        self.plan, self.journal, self.state, self.seen = plan, journal, state, seen
        self.desk = DeskWatch(plan.desk) if plan.desk else None
        self.waiting: deque[tuple[Ticket, State, tuple[Effect, ...], bytes | None]] = deque()
        self.told: Counter[str] = Counter()
        self.events, self.began, self.resumed = 0, time.monotonic(), state.position > 0
        self.root, self.rooted, self.lost, self.record = "", 0, 0, journal.head.number

    def lived(self, stop: threading.Event) -> Progress:
        """Begin or go on, take the steps, and leave a snapshot behind."""
        if self.resumed:
            self._refuse_other_run()
            self.take(restarts(f"restart-{self.journal.head.number}", since=self.state.time,
                               until=self.state.time, engine=counterpoise.__version__))
        for events in beginning(self.plan.course, self.plan.crowd):
            if stop.is_set():
                break
            if self.fresh(events):
                self.take(events)
        collect()
        if not stop.is_set() and self.state.snapshots:
            self.steps(stop)
        self.settle(0)
        self.keep(self.state)
        return self.progress(self.state)

    def _refuse_other_run(self) -> None:
        if any(self.fresh(events) for events in itertools.islice(
                beginning(self.plan.course, self.plan.crowd), 1)):
            raise bad_input(Reason.OTHER_CONTENT, self.plan.place.split("@")[-1], "was begun with "
                            "another market, seed, number of accounts or events, or model; say "
                            "the same again, or name a new store")

    def fresh(self, events: tuple[Event, ...]) -> bool:
        """Return whether a batch, which is applied whole or not at all, is still to come."""
        return not self.journal.screen(event_entries(codec.batch_of(events[:1]))).repeated

    def steps(self, stop: threading.Event) -> None:
        """Take the steps of the course that are still to come."""
        plan, first = self.plan, self.state.snapshots
        markets = plan.course.after(first - 1)
        before, paced = self.state.time, time.monotonic()
        began = before
        for k, market in enumerate(itertools.islice(markets, plan.steps), first):
            if stop.is_set() or plan.until is not None and market.as_of > plan.until:
                return
            if plan.speed > 0:
                due = paced + (market.as_of - began) / SECOND_NS / plan.speed
                if stop.wait(max(due - time.monotonic(), 0.0)):
                    return
            self.hear_desk()
            self.take(turn(plan.course, plan.crowd, k, market, before),
                      rooted=k % plan.snapshot_every == 0)
            before = market.as_of

    def hear_desk(self) -> None:
        """Say to the engine what was decided at the desk and the log does not have."""
        said = () if self.desk is None else self.desk.news(self.state.time)
        if said:
            entries = event_entries(codec.batch_of(said))
            fresh = {e.client_id for e in self.journal.screen(entries).fresh}
            self.take(tuple(e for e in said if e.client_id in fresh))

    def take(self, events: tuple[Event, ...], *, rooted: bool = False) -> None:
        """Step a batch and hand it to the journal; a root is written, and a snapshot kept."""
        if not events:
            return
        batch, position = codec.batch_of(events), self.state.position
        after, told = step(self.state, batch)
        root = root_of(after) if rooted else None
        try:
            ticket = self.journal.submit(Batch(
                events=event_entries(batch), effects=effect_entries(told, position), root=root))
        except BadInput:
            left = self.sifted(batch)
            if left == events:
                raise
            self.take(left, rooted=rooted)
            return
        self.state = after
        self.waiting.append((ticket, self.state, told, root))
        # A paced run has time: it says nothing before it is durable, and nothing late.
        self.settle(0 if rooted or self.plan.speed > 0 else ON_THEIR_WAY - 1)
        if rooted:
            self.keep(self.state, root)

    def sifted(self, batch: codec.Batch) -> tuple[Event, ...]:
        """Return a batch without what the log has; what came under a used id is told as that."""
        entries = event_entries(batch)
        screened = self.journal.screen(entries)
        fresh, taken = set(map(id, screened.fresh)), {f.subject for f in screened.refused}
        out: list[Event] = []
        for k, (event, entry) in enumerate(zip(batch.events, entries, strict=True)):
            if id(entry) in fresh:
                out.append(event)
            elif event.client_id in taken:
                out.append(ConflictReceived(
                    client_id=f"conflict-{self.state.position}-{k}", time=self.state.time,
                    taken=event.client_id, digest=sha256_of_bytes(entry.payload)))
        return tuple(out)

    def settle(self, left: int) -> None:
        """Wait until at most `left` batches are on their way, and report what is durable."""
        while len(self.waiting) > left:
            ticket, state, told, root = self.waiting.popleft()
            mark = ticket.wait()
            self.record = mark.number
            self.journal.mark_sent(mark.number)
            self.events += len(ticket.batch.events)
            self.told.update(type(effect).__name__ for effect in told)
            self.told.update(_decisions(told))
            if root is not None:
                self.root, self.rooted = root.hex(), mark.number
            self.seen(self.progress(state))

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

    def progress(self, state: State) -> Progress:
        """Return where the run is after a state."""
        levels, calls = _standing(state)
        market = state.market
        return Progress(
            step=max(state.snapshots - 1, 0), record=self.record, time=state.time,
            sequence=0 if market is None else market.sequence,
            snapshot_age_ns=0 if market is None else state.time - market.as_of,
            accounts=state.directory.count, events=self.events,
            seconds=time.monotonic() - self.began, levels=levels, open_calls=calls,
            told=dict(sorted(self.told.items())), root=self.root, rooted=self.rooted,
            lost_snapshots=self.lost, resumed=self.resumed)


def _decisions(told: tuple[Effect, ...]) -> Iterator[str]:
    for effect in told:
        if isinstance(effect, effects.Alert):
            yield f"Alert {effect.topic}"
        elif isinstance(effect, effects.TransferDecided) and not effect.admitted:
            yield "TransferRefused"


def _standing(state: State) -> tuple[dict[str, int], int]:
    """Return {level: accounts whose worst pool is there} and how many have an open call."""
    levels: Counter[str] = Counter()
    calls = 0
    for shard in state.shards:
        if not shard.size or not shard.standing.level.size:
            continue
        names = [level.name for level in state.segments[shard.segment].levels]
        worst = np.maximum.reduce(shard.standing.level, axis=1)
        for code, count in enumerate(np.bincount(worst, minlength=len(names) + 1).tolist()):
            if code and count:
                levels[names[code - 1]] += count
        calls += int(np.logical_or.reduce(shard.standing.call > 0, axis=1).sum())
    return dict(levels), calls
