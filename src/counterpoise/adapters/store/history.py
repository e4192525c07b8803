"""What happened? Records read back in order, every frame checked against the one before it."""

from collections.abc import Iterator
from typing import Final

from counterpoise.adapters.store.records import Mark, Record, hash_of, record_in
from counterpoise.adapters.store.store import Snapshot, Store
from counterpoise.values.failure import BadInput, Reason, bad_input

CHUNK: Final = 4096


def records(store: Store, *, after: Mark | None = None,
            upto: int | None = None) -> Iterator[tuple[Record, Mark]]:
    """Yield the records after a mark (default: all that are kept) with their own marks.

    The log is read to the record that was its last when reading began, or to number `upto`.

    Raises
    ------
    BadInput
        At the first record that is damaged, missing or does not follow the one before it.
    """
    last, foot = store.head(), store.foot()
    at = foot if after is None else after
    end = last.number if upto is None else min(upto, last.number)
    if at.number < foot.number:
        raise bad_input(Reason.UNREADABLE, f"record {at.number + 1}", f"is no longer kept; the log "
                        f"begins at {foot.number + 1}")
    while at.number < end:
        frames = store.frames(at.number, min(CHUNK, end - at.number))
        if not frames:
            raise bad_input(Reason.UNREADABLE, f"record {at.number + 1} of the log", "is missing; "
                            f"the log should reach to {end}: restore a backup")
        for frame in frames:
            record = record_in(frame, at)
            at = Mark(number=record.number, hash=hash_of(frame))
            yield record, at
    if at.number == last.number and at.hash != last.hash:
        raise bad_input(Reason.UNREADABLE, f"record {at.number} of the log", "is not the one that "
                        "was last acknowledged; restore a backup")


def record_at(store: Store, number: int) -> Record:
    """Return one record, its checksum checked, its place in the chain taken as it stands.

    Raises
    ------
    BadInput
        If it is not kept or damaged.
    """
    frames = store.frames(number - 1, 1)
    if not frames or number <= store.foot().number:
        raise bad_input(Reason.UNREADABLE, f"record {number}", "is not in the log")
    return record_in(frames[0], Mark(number=number - 1, hash=frames[0][-32:]))


def verified_chain(store: Store, *, witness: Mark | None = None) -> Mark:
    """Read the whole log and return its head; `witness` is a mark that must lie in it.

    Raises
    ------
    BadInput
        If any record is damaged, or the log does not hold the witness: it was cut or replaced.
    """
    at = store.foot()
    seen = witness is None or at == witness
    for _, at in records(store):
        seen = seen or at == witness
    if not seen and witness is not None:
        raise bad_input(Reason.UNREADABLE, f"record {witness.number}", "was acknowledged with "
                        f"another hash than this log has, whose last record is {at.number}: the "
                        "log was cut or replaced; restore a backup")
    return at


def state_at(store: Store, snapshot: Snapshot) -> bytes:
    """Return the state of a snapshot, checked.

    Raises
    ------
    BadInput
        If its bytes are not those that were kept, or it belongs to another log.
    """
    from hashlib import sha256

    state = store.state(snapshot)
    name = f"snapshot after record {snapshot.mark.number}"
    if len(state) != snapshot.length or sha256(state).digest() != snapshot.digest:
        raise bad_input(Reason.UNREADABLE, name, "is damaged; an older one and the log replace it")
    foot, head = store.foot(), store.head()
    number = snapshot.mark.number
    if not foot.number <= number <= head.number:
        raise bad_input(Reason.UNREADABLE, name, f"does not belong to this log, which holds "
                        f"{foot.number + 1} to {head.number}; restore a backup")
    if snapshot.mark != _mark_at(store, number, foot):
        raise bad_input(Reason.UNREADABLE, name, "belongs to another log")
    return state


def _mark_at(store: Store, number: int, foot: Mark) -> Mark:
    if number == foot.number:
        return foot
    return Mark(number=number, hash=hash_of(store.frames(number - 1, 1)[0]))


def latest_state(store: Store) -> tuple[Snapshot | None, bytes, tuple[BadInput, ...]]:
    """Return the newest snapshot that is sound, its state, and what was wrong with newer ones.

    Without any, (None, b"", ...): replay from the first record.

    Raises
    ------
    BadInput
        If none is sound and the first records are no longer kept.
    """
    wrong: tuple[BadInput, ...] = ()
    for snapshot in reversed(store.snapshots()):
        try:
            return snapshot, state_at(store, snapshot), wrong
        except BadInput as damaged:
            wrong += (damaged,)
    if store.foot().number > 0:
        raise BadInput(*(f for w in wrong for f in w.failures), *bad_input(
            Reason.UNREADABLE, store.place, "keeps no sound snapshot, and its first records were "
            "forgotten: restore a backup").failures)
    return None, b"", wrong
