"""How is a log carried elsewhere, whole? Backup, restore and upgrade are one copy, checked as read.

A backup is a folder store of its own, made while the engine writes; it is restored to any backend.
What the copy vouches for is what it read: every record and snapshot is checked on its way, and a
copy of the same format ends with the same hash. An upgrade writes the same history in the newest
format to a new place and leaves the old one as it is.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from counterpoise.adapters.store import places
from counterpoise.adapters.store.history import CHUNK, state_at
from counterpoise.adapters.store.records import (
    FORMAT,
    START,
    Mark,
    Record,
    RecordType,
    content_of,
    frame_of,
    hash_of,
    record_in,
)
from counterpoise.adapters.store.store import IndexRows, Snapshot, Store
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced

_ID_ROWS: Final = 10_000


@frozen
class Step:
    """From one format to the next: how its frames are read, what becomes of records and states."""

    read: Callable[[bytes, Mark], Record]
    record: Callable[[Record], Record]
    state: Callable[[bytes], bytes]


SAME: Final = Step(read=record_in, record=lambda record: record, state=lambda state: state)
STEPS: Final[dict[int, Step]] = {}
"""{format: how it becomes the next}. No older format was ever released: the first is 1."""


@frozen
class Copied:
    """What was carried: the last record there, and snapshots that were not sound and stayed."""

    head: Mark
    snapshots: int
    unsound: tuple[Failure, ...]


def copied(source: str, target: str) -> Copied:
    """Carry a store to a new place: a backup, or its way back.

    Raises
    ------
    BadInput
        If the source is damaged, or there is something at the target already.
    """
    return _carried(source, target, SAME, (FORMAT,))


def upgraded(source: str, target: str, *, steps: dict[int, Step] | None = None) -> Copied:
    """Write the history of an older format to a new place in the newest one.

    Raises
    ------
    BadInput
        If no steps lead from its format to the newest, or it has that already.
    """
    known = STEPS if steps is None else steps
    store = places.opened(source, formats=(FORMAT, *known))
    version = store.format()
    store.close()
    if version == FORMAT:
        raise bad_input(Reason.NOT_APPLICABLE, source, f"has log format {FORMAT} already, the "
                        "newest; there is nothing to upgrade")
    return _carried(source, target, _through(version, known), (version,))


def _through(version: int, known: dict[int, Step]) -> Step:
    missing = [v for v in range(version, FORMAT) if v not in known]
    if missing:
        raise bad_input(Reason.UNREADABLE, "log", f"has format {version}, and no step leads on "
                        f"from {missing[0]}")
    steps = [known[v] for v in range(version, FORMAT)]

    def record(old: Record) -> Record:
        for step in steps:
            old = step.record(old)
        return old

    def state(old: bytes) -> bytes:
        for step in steps:
            old = step.state(old)
        return old

    return Step(read=steps[0].read, record=record, state=state)


def _carried(source: str, target: str, step: Step, formats: tuple[int, ...]) -> Copied:
    store = places.opened(source, formats=formats)
    try:
        places.create(target)
        copy = places.owned(target)
        try:
            return _between(store, copy, step)
        finally:
            copy.close()
    finally:
        store.close()


def _between(store: Store, copy: Store, step: Step) -> Copied:
    head, foot = store.head(), store.foot()
    if foot != START:
        copy.forget(foot)
        _carry_forgotten_ids(store, copy, foot.number)
    marks = _carry_records(store, copy, step, (foot, head))
    kept, unsound = 0, list[Failure]()
    for snapshot in store.snapshots():
        try:
            kept += _carry_snapshot(store, copy, (snapshot, marks), step)
        except BadInput as wrong:
            unsound += wrong.failures
    return Copied(head=copy.head(), snapshots=kept, unsound=tuple(unsound))


def _carry_forgotten_ids(store: Store, copy: Store, foot: int) -> None:
    after = ""
    while rows := store.id_rows(after, _ID_ROWS):
        after = rows[-1][0]
        copy.index(IndexRows(ids=tuple(r for r in rows if r[1] <= foot), touched=(), upto=foot))


def _carry_records(store: Store, copy: Store, step: Step,
                   ends: tuple[Mark, Mark]) -> dict[int, Mark]:
    """Copy the records between two marks; return the new marks where snapshots stand."""
    read, last = ends
    written, wanted = read, {s.mark.number for s in store.snapshots()}
    marks = {read.number: read}
    while read.number < last.number:
        frames, ids, touched = [], [], []
        for old in store.frames(read.number, min(CHUNK, last.number - read.number)):
            record = step.record(step.read(old, read))
            read = Mark(number=read.number + 1, hash=hash_of(old))
            frames.append(frame_of(record, written.hash))
            written = Mark(number=record.number, hash=hash_of(frames[-1]))
            touched += [(account, record.number) for account in record.accounts]
            if record.type == RecordType.EVENT:
                ids.append((record.client_id, record.number, content_of(record)))
            if record.number in wanted:
                marks[record.number] = written
        if not frames:
            raise bad_input(Reason.UNREADABLE, f"record {read.number + 1} of the log",
                            f"is missing; the log should reach to {last.number}")
        copy.commit(frames, written, min(store.sent(), written.number))
        copy.index(IndexRows(ids=tuple(ids), touched=tuple(touched), upto=written.number))
    if read != last:
        raise bad_input(Reason.UNREADABLE, f"record {last.number} of the log", "is not the one "
                        "that was last acknowledged; restore a backup")
    return marks


def _carry_snapshot(store: Store, copy: Store, where: tuple[Snapshot, dict[int, Mark]],
                    step: Step) -> int:
    snapshot, marks = where
    if snapshot.mark.number not in marks:
        # Kept after the copy began.
        return 0
    state = step.state(state_at(store, snapshot))
    copy.keep(replaced(snapshot, mark=marks[snapshot.mark.number], length=len(state),
                       digest=sha256(state).digest()), state)
    return 1


def forget_before(store: Store, snapshot: Snapshot) -> int:
    """Forget the records that a sound snapshot stands for, and older snapshots; return how many.

    The store is owned and no journal writes it. Client ids stay known. Export first what must be
    kept elsewhere.

    Raises
    ------
    BadInput
        If the snapshot is not sound, or the index does not reach to it.
    """
    state_at(store, snapshot)
    if store.indexed() < snapshot.mark.number:
        raise bad_input(Reason.NOT_APPLICABLE, store.place, "has an index that does not reach to "
                        f"record {snapshot.mark.number}: open and close its journal first")
    before = store.foot().number
    store.forget(snapshot.mark)
    for older in store.snapshots():
        if older.mark.number < snapshot.mark.number:
            store.drop(older)
    return snapshot.mark.number - before
