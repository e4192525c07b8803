"""What do others say to the engine? Their events, line by line, into a log of their own.

The events go the way of a run (`apps.engine_writer`): stepped, written, and reported once they are
durable. What is no event is recorded as refused; what the log has already is left out, so that a
file may be fed again. A feed that goes on with a log says first that the engine restarted.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from counterpoise.adapters.desk import DeskWatch
from counterpoise.adapters.event_document import event_in
from counterpoise.adapters.event_lines import LINE_BYTES_MAX, Line
from counterpoise.adapters.genesis_file import Genesis
from counterpoise.adapters.store import places
from counterpoise.adapters.store.engine_log import FIRST, HEADER, open_engine_journal, root_of
from counterpoise.adapters.store.journal import Journal, open_journal
from counterpoise.apps.collector import collected_by_hand
from counterpoise.apps.engine_writer import (
    NEVER_APPLIED,
    ON_THEIR_WAY,
    Durable,
    EngineWriter,
    recovered,
)
from counterpoise.engine import codec
from counterpoise.engine.effects import EventRefused
from counterpoise.engine.events import EngineRestarted, Event
from counterpoise.engine.state import Equipment
from counterpoise.values.failure import Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

SNAPSHOT_EVERY: Final = 200_000
"""Events between two snapshots of the state."""


@frozen
class Refusal:
    """An event that was refused: its line (0 where it was none's), id and reasons."""

    line: int
    client_id: str
    failures: tuple[Failure, ...]


@frozen
class Fed:
    """What came of a feed, all of it durable.

    lines     that said something
    events    that the log has from them, `refused` of these among them
    repeated  lines that the log had already
    record, root   the last record, and the root of the state after it
    """

    lines: int
    events: int
    refused: int
    repeated: int
    record: int
    root: str


Heard = Callable[[Durable, tuple[Refusal, ...]], None]


@frozen
class Feeding:
    """Where events go: the log, what it begins with where there is none, the desk beside it.

    `desk` is "" for none; at most `left` batches are on their way, 0 where an answer is waited for.
    `outage_max_ns` is how long the log may have lain for the engine to restart at the time of the
    first new event; 0: it restarts at the time that the log ended with.
    """

    place: str
    begin: Genesis | None = None
    desk: str = ""
    left: int = ON_THEIR_WAY - 1
    outage_max_ns: int = 0


def feed(where: Feeding, batches: Iterable[tuple[Line, ...]], *, equipment: Equipment,
         heard: Heard) -> Fed:
    """Feed lines to the engine of a log.

    `heard` is told of every batch once it is durable, with what of it was refused.

    Raises
    ------
    BadInput
        If the log cannot be used, is not there and nothing says how it begins, or began otherwise.
    StoreStopped
        If a write failed; what was acknowledged is kept.
    """
    journal = _opened(where.place, where.begin)
    try:
        with collected_by_hand():
            feeding = _Feed(where, journal, equipment, heard)
            if where.begin is not None:
                feeding.say([(event, 0) for event in where.begin.events])
            for lines in batches:
                feeding.hear(lines)
            return feeding.ended()
    finally:
        journal.close()


def _opened(place: str, begin: Genesis | None) -> Journal:
    if begin is None:
        if "://" not in place and not places.holds_log(place):
            raise bad_input(Reason.UNREADABLE, place, "holds no event log; check the path, or make "
                            "a log with --new GENESIS")
        return open_journal(places.owned(place), header=HEADER)
    journal = open_engine_journal(places.owned_or_new(place), begin.first, begin.market)
    kept = journal.store.snapshots()
    if not kept or kept[0].mark.number != FIRST or kept[0].root != root_of(begin.first):
        journal.close()
        raise bad_input(Reason.OTHER_CONTENT, place.split("@")[-1], "is a log that began "
                        "otherwise; leave out --new to go on with it, or name a new one")
    return journal


class _Feed:
    """A feed on its way: its engine, and which line each event was."""

    def __init__(self, where: Feeding, journal: Journal, equipment: Equipment,
                 heard: Heard) -> None:
        state = recovered(journal.store, equipment).state
        self.engine, self.heard = EngineWriter(journal, state, self.durable), heard
        self.read = partial(event_in, types=codec.vocabulary(equipment.models.values()))
        self.desk = DeskWatch(where.desk) if where.desk else None
        self.left, self.restart = where.left, self.engine.resumed
        self.outage_max_ns = where.outage_max_ns
        self.lines = self.events = self.refused = self.repeated = self.since = 0
        self.places: dict[str, int] = {}

    def hear(self, lines: tuple[Line, ...]) -> None:
        """Say what lines say."""
        self.lines += len(lines)
        self.say([(self.event(line), line.number) for line in lines])

    def event(self, line: Line) -> Event:
        """Return the event of a line, or one that records that it is none."""
        time = self.engine.state.time
        if line.content is None:
            return codec.unreadable_received(line.digest, line.size, "line: is longer than "
                                             f"{LINE_BYTES_MAX} bytes, which no event is",
                                             time=time)
        return codec.event_or_unreadable(line.content, self.read, time=time)

    def say(self, said: list[tuple[Event, int]]) -> None:
        """Take what the log does not have, after what was decided at the desk."""
        sifted = self.engine.sifted(tuple(event for event, _ in said))
        self.repeated += sum(number > 0 for _, number in said) - sum(
            said[k][1] > 0 for k, _ in sifted)
        if not sifted:
            return
        applied = [event for _, event in sifted if not isinstance(event, NEVER_APPLIED)]
        if self.restart and applied:
            if not isinstance(applied[0], EngineRestarted):
                self.engine.take(self.restarts(applied[0]), left=self.left)
            self.restart = False
        if not self.restart:
            self.engine.hear_desk(self.desk)
        self.places |= {event.client_id: said[k][1] for k, event in sifted}
        self.since += len(sifted)
        rooted = self.since >= SNAPSHOT_EVERY
        self.since = 0 if rooted else self.since
        self.engine.take(tuple(event for _, event in sifted), rooted=rooted, left=self.left)

    def restarts(self, first: Event) -> tuple[Event, ...]:
        """Return what says that the engine restarted, before the first event that is new."""
        if not self.outage_max_ns:
            return self.engine.restarted()
        return self.engine.restarted(until=first.time, outage_max_ns=self.outage_max_ns)

    def durable(self, durable: Durable) -> None:
        """Report a batch that is durable."""
        refused = tuple(self.refusal(durable, effect) for effect in durable.told
                        if isinstance(effect, EventRefused))
        self.refused += len(refused)
        for event in durable.events:
            self.events += self.places.pop(event.client_id, 0) > 0
        self.heard(durable, refused)

    def refusal(self, durable: Durable, effect: EventRefused) -> Refusal:
        """Return what was refused; what came under a used id is known by that id."""
        event = durable.events[effect.position - durable.position]
        return Refusal(line=self.places.get(effect.client_id, 0), failures=effect.failures,
                       client_id=getattr(event, "taken", effect.client_id))

    def ended(self) -> Fed:
        """Wait until all is durable, and leave a snapshot behind."""
        self.engine.settle(0)
        self.engine.keep(self.engine.state)
        return Fed(lines=self.lines, events=self.events, refused=self.refused,
                   repeated=self.repeated, record=self.engine.record, root=self.engine.root)
