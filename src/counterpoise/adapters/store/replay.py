"""Does the log lead where it says it leads? Events applied again, roots and effects compared.

A `Machine` is what applies events: the engine, or in tests something smaller. What it gives out
must be, byte for byte, the effects that the log holds, and its root the roots of the log and of the
snapshots on the way. The first difference is named with its record.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Generic, TypeVar

from counterpoise.adapters.store.history import records, state_at
from counterpoise.adapters.store.records import Mark, Record, RecordType
from counterpoise.adapters.store.store import Snapshot, Store
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

EVENTS_AT_ONCE: Final = 4096
S = TypeVar("S")
Said = tuple[str, bytes] | None
"""Kind and payload of an effect, or that there is none."""


def told_apart(logged: Said, found: Said) -> tuple[str, str]:
    """Return what sets two effects apart, each side's words: kinds, or the first other bytes."""
    if logged is None or found is None or logged[0] != found[0]:
        return _shown(logged), _shown(found)
    at = next((k for k, (a, b) in enumerate(zip(logged[1], found[1], strict=False)) if a != b),
              min(len(logged[1]), len(found[1])))
    return _shown(logged, at), _shown(found, at)


def _shown(said: Said, at: int = 0) -> str:
    if said is None:
        return "no effect"
    return f"{said[0]} of {len(said[1])} bytes, from byte {at}: {said[1][at:at + 40].hex()}"


@frozen
class Machine(Generic[S]):
    """What applies events.

    `begun` makes the first state of a log from the payload of its header, `read` one from the
    bytes of a snapshot, `bytes_of` the bytes of a state. `step` applies events in order and
    returns the next state with (kind, payload) of its effects; where a run of events is cut
    changes nothing. `root` vouches for all of a state. `apart` says in words what sets two effects
    apart.
    """

    begun: Callable[[bytes], S]
    read: Callable[[bytes], S]
    bytes_of: Callable[[S], bytes]
    step: Callable[[S, list[Record]], tuple[S, list[tuple[str, bytes]]]]
    root: Callable[[S], bytes]
    apart: Callable[[Said, Said], tuple[str, str]] = told_apart


@frozen
class Divergence:
    """The first record that a replay does not lead to: its number, and both sides of it."""

    number: int
    what: str
    logged: str
    replayed: str


@frozen
class Replayed(Generic[S]):
    """Where a replay came: the state after `mark`, and what did not agree on the way, or None.

    `roots` and `effects` count what was compared.
    """

    state: S
    mark: Mark
    root: bytes
    events: int
    effects: int
    roots: int
    divergence: Divergence | None


class _Run(Generic[S]):
    """A replay on its way: records that wait to be applied, effects that wait to be compared."""

    def __init__(self, machine: Machine[S], state: S, mark: Mark) -> None:
        self.machine, self.state, self.mark = machine, state, mark
        self.waiting: list[Record] = []
        self.told: list[tuple[str, bytes]] = []
        self.inside = False
        self.unapplied, self.events, self.effects, self.roots = 0, 0, 0, 0
        self.divergence: Divergence | None = None

    def take(self, record: Record) -> None:
        """Let an event or effect wait; many events are applied at once.

        The effects of a batch stand after its events, so that the log is cut where an event follows
        an effect, or where no effect follows for long.
        """
        if self.unapplied >= EVENTS_AT_ONCE and record.type == RecordType.EVENT:
            last = self.waiting[-1].type
            if last == RecordType.EFFECT or self.unapplied == len(self.waiting):
                self.apply(whole=last == RecordType.EFFECT)
        self.waiting.append(record)
        self.unapplied += record.type == RecordType.EVENT

    def apply(self, *, whole: bool = True) -> None:
        """Apply what waits and compare its effects, all of which must be there where `whole`."""
        waiting, self.waiting, self.unapplied = self.waiting, [], 0
        logged = [(r.kind, r.payload) for r in waiting if r.type == RecordType.EFFECT]
        after, told = self._stepped([r for r in waiting if r.type == RecordType.EVENT])
        if self.told + told == logged or not whole and not logged:
            self.told = [] if logged else self.told + told
            self.state = after
        else:
            self._compare(waiting)
        self.inside = not whole
        self.events += len(waiting) - len(logged)
        self.effects += len(logged)

    def _stepped(self, events: list[Record]) -> tuple[S, list[tuple[str, bytes]]]:
        return self.machine.step(self.state, events) if events else (self.state, [])

    def _compare(self, waiting: list[Record]) -> None:
        """Find the first effect that differs: the same once more, batch by batch."""
        batch: list[Record] = []
        may_wait = self.inside
        for record in waiting:
            if record.type == RecordType.EVENT:
                if self.told and not may_wait:
                    self.differ(record.number, "where the log goes on with the next event",
                                *self.machine.apart(None, self.told[0]))
                batch.append(record)
                may_wait = True
                continue
            may_wait = False
            self.state, told = self._stepped(batch)
            self.told, batch = [*self.told, *told], []
            found = self.told.pop(0) if self.told else None
            if found != (record.kind, record.payload):
                self.differ(record.number, f"effect of the event of record {record.cause}",
                            *self.machine.apart((record.kind, record.payload), found))
            if self.divergence is not None:
                return
        self.state, told = self._stepped(batch)
        self.told = self.told + told

    def compare_root(self, number: int, root: bytes, what: str) -> None:
        """Compare the root with one of the log's."""
        self.apply()
        self.roots += 1
        found = self.machine.root(self.state)
        if found != root:
            self.differ(number, what, root.hex(), found.hex())

    def end(self) -> None:
        """Apply the rest; effects that the log lacks are a difference."""
        self.apply()
        if self.told:
            self.differ(self.mark.number, "after the last effect of the log",
                        *self.machine.apart(None, self.told[0]))

    def differ(self, number: int, what: str, logged: str, found: str) -> None:
        """Remember the first difference."""
        if self.divergence is None:
            self.divergence = Divergence(number=number, what=what, logged=logged, replayed=found)


def replayed(store: Store, machine: Machine[S], *, start: Snapshot | None = None,
             upto: int | None = None,
             tracked: Callable[[Iterable[tuple[Record, Mark]]], Iterator[tuple[Record, Mark]]]
             = iter) -> Replayed[S]:
    """Apply the log again from a snapshot, or from its first record, up to record `upto`.

    Ends at the first difference. `tracked` may show how far it is.

    Raises
    ------
    BadInput
        If the log or the snapshot is damaged, or its first records are no longer kept.
    """
    kept = {s.mark.number: s for s in store.snapshots()}
    run: _Run[S] | None = None
    after = start.mark if start is not None else None
    if start is not None:
        run = _Run(machine, machine.read(state_at(store, start)), start.mark)
        run.compare_root(start.mark.number, start.root, "root of the snapshot")
    for record, mark in tracked(records(store, after=after, upto=upto)):
        if run is None:
            run = _begun(machine, record, mark)
        _take(run, record)
        run.mark = mark
        if mark.number in kept:
            run.compare_root(mark.number, kept[mark.number].root, "root of the snapshot")
        if run.divergence is not None:
            break
    if run is None:
        run = _Run(machine, machine.begun(b""), store.foot())
    if run.divergence is None:
        run.end()
    return Replayed(state=run.state, mark=run.mark, root=machine.root(run.state),
                    events=run.events, effects=run.effects, roots=run.roots,
                    divergence=run.divergence)


def _begun(machine: Machine[S], record: Record, mark: Mark) -> _Run[S]:
    if record.type != RecordType.HEADER:
        raise bad_input(Reason.UNREADABLE, f"record {record.number}", "is the first that is still "
                        "kept; replay from a snapshot")
    return _Run(machine, machine.begun(record.payload), mark)


def _take(run: _Run[S], record: Record) -> None:
    match record.type:
        case RecordType.EVENT | RecordType.EFFECT:
            run.take(record)
        case RecordType.ROOT:
            run.compare_root(record.number, record.payload, "root of the state")
        case RecordType.HEADER:
            pass
