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
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from counterpoise.adapters.desk import DeskWatch
from counterpoise.adapters.models import model_named
from counterpoise.adapters.store import places
from counterpoise.adapters.store.engine_log import Market, Origin, open_engine_journal
from counterpoise.adapters.store.journal import Journal
from counterpoise.apps.collector import collect, collected_by_hand
from counterpoise.apps.crowd import Crowd, beginning, first_state, turn
from counterpoise.apps.engine_writer import (
    ON_THEIR_WAY,
    Durable,
    EngineWriter,
    equipment_of_all,
    recovered,
)
from counterpoise.engine import effects
from counterpoise.engine.effects import Effect
from counterpoise.engine.state import State
from counterpoise.market.course import Course
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import SECOND_NS


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
    pockets         accounts that hold the isolated positions of another
    linked          accounts that are margined as one with another
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
    pockets: int
    linked: int
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
    model_named(plan.crowd.model)
    equipment = equipment_of_all(plan.threads)
    journal = open_engine_journal(places.owned_or_new(plan.place),
                                  first_state(plan.course, equipment), market_in(plan.course))
    try:
        with collected_by_hand():
            return _Run(plan, journal, recovered(journal.store, equipment).state,
                        seen).lived(stop)
    finally:
        journal.close()


def market_in(course: Course) -> Market:
    """Return whose prices a log lives on that is made on a course."""
    return Market(origin=Origin.SIMULATED if course.first.simulated else Origin.RECORDED,
                  source=course.first.source)


class _Run:
    """A run on its way: its plan, its engine, and what was seen of it."""

    def __init__(self, plan: Plan, journal: Journal, state: State, seen: Seen) -> None:
        self.plan, self.seen = plan, seen
        self.engine = EngineWriter(journal, state, self.hear)
        self.desk = DeskWatch(plan.desk) if plan.desk else None
        self.told: Counter[str] = Counter()
        self.events, self.began = 0, time.monotonic()
        # A paced run has time: it says nothing before it is durable, and nothing late.
        self.left = 0 if plan.speed > 0 else ON_THEIR_WAY - 1

    def lived(self, stop: threading.Event) -> Progress:
        """Begin or go on, take the steps, and leave a snapshot behind."""
        engine = self.engine
        if engine.resumed:
            self._refuse_other_run()
            engine.take(engine.restarted(), left=self.left)
        for events in beginning(self.plan.course, self.plan.crowd):
            if stop.is_set():
                break
            if engine.fresh(events):
                engine.take(events, left=self.left)
        collect()
        if not stop.is_set() and engine.state.snapshots:
            self.steps(stop)
        engine.settle(0)
        engine.keep(engine.state)
        return self.progress(engine.state)

    def _refuse_other_run(self) -> None:
        if any(self.engine.fresh(events) for events in itertools.islice(
                beginning(self.plan.course, self.plan.crowd), 1)):
            raise bad_input(Reason.OTHER_CONTENT, self.plan.place.split("@")[-1], "was begun with "
                            "another market, seed, number of accounts or events, or model, or "
                            "by a version whose crowd did something else; say the same again, or "
                            "name a new store")

    def steps(self, stop: threading.Event) -> None:
        """Take the steps of the course that are still to come."""
        plan, engine = self.plan, self.engine
        first = engine.state.snapshots
        markets = plan.course.after(first - 1)
        before, paced = engine.state.time, time.monotonic()
        began = before
        for k, market in enumerate(itertools.islice(markets, plan.steps), first):
            if stop.is_set() or plan.until is not None and market.as_of > plan.until:
                return
            if plan.speed > 0:
                due = paced + (market.as_of - began) / SECOND_NS / plan.speed
                if stop.wait(max(due - time.monotonic(), 0.0)):
                    return
            engine.hear_desk(self.desk)
            engine.take(turn(plan.course, plan.crowd, k, market, before), left=self.left,
                        rooted=k % plan.snapshot_every == 0)
            before = market.as_of

    def hear(self, durable: Durable) -> None:
        """Count what became durable, and report where the run is."""
        self.events += len(durable.events)
        self.told.update(type(effect).__name__ for effect in durable.told)
        self.told.update(_decisions(durable.told))
        self.seen(self.progress(durable.state))

    def progress(self, state: State) -> Progress:
        """Return where the run is after a state."""
        levels, calls = _standing(state)
        market, engine = state.market, self.engine
        return Progress(
            step=max(state.snapshots - 1, 0), record=engine.record, time=state.time,
            sequence=0 if market is None else market.sequence,
            snapshot_age_ns=0 if market is None else state.time - market.as_of,
            accounts=state.directory.count, events=self.events,
            seconds=time.monotonic() - self.began, levels=levels, open_calls=calls,
            pockets=len(state.ties.owner), linked=len(state.ties.head),
            told=dict(sorted(self.told.items())), root=engine.root, rooted=engine.rooted,
            lost_snapshots=engine.lost, resumed=engine.resumed)


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
