"""Does a store, ours or not, keep the promises that the engine relies on?

`check_store` runs every check on fresh places and returns a sentence for each promise broken. What
needs a machine to fail (a killed process, a full disk, a torn write) is tested beside it, on our
own backends.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from counterpoise.adapters.store.history import latest_state, records, verified_chain
from counterpoise.adapters.store.journal import Batch, Journal, open_journal
from counterpoise.adapters.store.records import (
    START,
    Entry,
    Mark,
    Record,
    RecordType,
    frame_of,
    hash_of,
)
from counterpoise.adapters.store.store import IndexRows, Known, Store, StoreStopped
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import frozen

HEADER: Final = {"codec": "conformance"}
_ODD_NAMES: Final = ("a'b\"c", "наличные", "x" * 150, "-- drop", "%s :name ?")


@frozen
class Places:
    """How to reach a backend: a new empty place to write, the same place again, and to read."""

    fresh: Callable[[], Store]
    again: Callable[[Store], Store]
    reader: Callable[[Store], Store]


def check_store(places: Places, *, seed: int) -> tuple[str, ...]:
    """Return the broken promises, one sentence each; none is the good answer."""
    checks: tuple[Check, ...] = (_empty, _order, _all_or_none, _ids_once, _unindexed,
                                 _screened_for_two, _outbox, _snapshots, _forgetting,
                                 _one_writer, _reading_beside, _odd_names,
                                 lambda places: _long_life(places, Random(seed)))
    return tuple(sentence for check in checks for sentence in _answered(check, places))


def _answered(check: "Check", places: "Places") -> list[str]:
    try:
        return list(check(places))
    except Exception as error:
        return [f"what must work fails with {type(error).__name__}: {error}"]


Check = Callable[[Places], Iterator[str]]


def chain(first: int, payloads: list[bytes], previous: bytes) -> tuple[list[bytes], Mark]:
    """Return the frames of consecutive events with these payloads, and the last one's mark."""
    frames = []
    for number, payload in enumerate(payloads, first):
        frames.append(frame_of(Record(number, RecordType.EVENT, 0, number, "test", f"id-{number}",
                                      ("a",), payload), previous))
        previous = hash_of(frames[-1])
    return frames, Mark(number=first + len(payloads) - 1, hash=previous)


def event(name: str, payload: bytes = b"", *, accounts: tuple[str, ...] = ()) -> Entry:
    """Return an event of a test."""
    return Entry(RecordType.EVENT, "test", payload, 7, name, accounts)


def _empty(places: Places) -> Iterator[str]:
    store = places.fresh()
    if not store.head() == store.foot() == START or store.frames(0, 9) or store.snapshots():
        yield "a new store is not empty"
    if store.sent() or store.indexed() or store.known(["a"]) or store.numbers_of("a", 0, 9):
        yield "the outbox or the index of a new store is not empty"
    store.close()


def _order(places: Places) -> Iterator[str]:
    store = places.fresh()
    frames, head = chain(1, [b"%d" % k for k in range(50)], START.hash)
    store.commit(frames[:20], Mark(number=20, hash=hash_of(frames[19])), 0)
    store.commit(frames[20:], head, 3)
    store.close()
    store = places.again(store)
    if store.head() != head or store.sent() != 3:
        yield "the last record or the outbox's mark is lost when the store is opened again"
    if store.frames(0, 100) != frames or store.frames(10, 5) != frames[10:15]:
        yield "frames do not come back as they were, in order, after a number and up to a limit"
    if store.frames(50, 5):
        yield "there are frames after the last"
    store.close()


def _all_or_none(places: Places) -> Iterator[str]:
    store = places.fresh()
    frames, head = chain(1, [b"a", b"b"], START.hash)
    store.commit(frames, head, 0)
    other, wrong = chain(2, [b"c", b"d"], hash_of(frames[0]))
    try:
        store.commit(other, wrong, 0)
        yield "a record may be written over"
    except StoreStopped:
        pass
    try:
        store.commit(*chain(3, [b"e"], head.hash), 0)
        yield "a store that failed to write takes more"
    except StoreStopped:
        pass
    store.close()
    store = places.again(store)
    if store.frames(0, 9) != frames or store.head() != head:
        yield "part of a refused commit is there"
    store.close()


def _ids_once(places: Places) -> Iterator[str]:
    journal = open_journal(places.fresh(), header=HEADER)
    journal.append(Batch(events=(event("one", b"x"), event("two", b"y", accounts=("a", "b")))))
    yield from _screens(journal, "before it is closed")
    journal.close()
    journal = open_journal(places.again(journal.store), header=HEADER)
    yield from _screens(journal, "when it is opened again")
    if journal.store.numbers_of("b", 0, 9) != [3] or journal.store.numbers_of("b", 3, 9):
        yield "the records of an account are not found"
    if [row[0] for row in journal.store.id_rows("", 9)] != ["one", "two"]:
        yield "the rows of client ids do not come in order"
    journal.store.index(IndexRows(ids=(("one", 2, b"z" * 16),), touched=(("a", 3),), upto=1))
    if journal.store.indexed() != 3 or journal.store.known(["one"])["one"].content == b"z" * 16:
        yield "adding to the index again changes it"
    journal.close()


def _unindexed(places: Places) -> Iterator[str]:
    journal = open_journal(places.fresh(), header=HEADER)
    events = (event("one"), event("two", accounts=("a",)), event("three", accounts=("a",)))
    journal.append(Batch(events=events))
    journal.close()
    store = places.again(journal.store)
    for foot, left in ((2, ["one"]), (0, [])):
        if foot:
            frames = store.frames(foot - 1, 1)
            store.forget(Mark(number=foot, hash=hash_of(frames[0])))
        store.unindex(() if foot else ("one",))
        if [row[0] for row in store.id_rows("", 9)] != left or store.numbers_of("a", 2, 9):
            yield "what the index is to forget stays, or goes beyond it"
        if store.indexed() != store.foot().number:
            yield "an index that was forgotten says that it reaches further"
    store.close()
    journal = open_journal(places.again(store), header=HEADER)
    if journal.screen(events[1:]).repeated != {"two": 3, "three": 4}:
        yield "an index that was forgotten is not caught up from the log"
    journal.close()


def _screens(journal: Journal, when: str) -> Iterator[str]:
    found = journal.screen((event("one", b"x"), event("two", b"other"), event("new"),
                            event("new")))
    if found.repeated != {"one": 2, "new": 0} or [e.client_id for e in found.fresh] != ["new"]:
        yield f"a repeated event is not recognised {when}"
    if [f.subject for f in found.refused] != ["two"]:
        yield f"an id that stands for something else is taken {when}"
    try:
        journal.append(Batch(events=(event("three"), event("one", b"x"))))
        yield f"an event is applied twice {when}"
    except BadInput:
        if journal.screen((event("three"),)).repeated:
            yield f"part of a refused batch is taken {when}"


def _screened_for_two(places: Places) -> Iterator[str]:
    journal = open_journal(places.fresh(), header=HEADER)
    ours, theirs = event("one", b"ours"), event("one", b"theirs")
    if journal.screen((ours,)).fresh != (ours,) or journal.screen((theirs,)).fresh != (theirs,):
        yield "what nobody handed in is not fresh"
    journal.append(Batch(events=(theirs,)))
    for late in (ours, theirs):
        try:
            journal.append(Batch(events=(late,)))
            yield "an id that was fresh for two is taken twice"
        except BadInput:
            pass
    journal.close()


def _outbox(places: Places) -> Iterator[str]:
    journal = open_journal(places.fresh(), header=HEADER)
    effects = tuple(Entry(RecordType.EFFECT, "told", b"%d" % k, cause=0) for k in range(3))
    journal.append(Batch(events=(event("one"),), effects=effects, root=b"r" * 32))
    if [(r.payload, r.cause) for r in journal.unsent()] != [(b"0", 2), (b"1", 2), (b"2", 2)]:
        yield "the outbox does not hold the effects with their cause"
    journal.mark_sent(4)
    journal.close()
    journal = open_journal(places.again(journal.store), header=HEADER)
    if [r.payload for r in journal.unsent()] != [b"2"]:
        yield "what was sent is forgotten when the store is closed in order"
    journal.close()


def _snapshots(places: Places) -> Iterator[str]:
    journal = open_journal(places.fresh(), header=HEADER)
    marks = [journal.append(Batch(events=(event(f"e{k}"),))) for k in range(3)]
    kept = [journal.keep_snapshot(m, b"root", b"state %d" % m.number + bytes(70_000))
            for m in marks]
    journal.close()
    store = places.again(journal.store)
    if store.snapshots() != tuple(kept) or not latest_state(store)[1].startswith(b"state 4"):
        yield "snapshots do not come back as they were, oldest first"
    store.drop(kept[2])
    if store.snapshots() != tuple(kept[:2]) or latest_state(store)[0] != kept[1]:
        yield "a dropped snapshot is still there"
    store.close()


def _forgetting(places: Places) -> Iterator[str]:
    journal = open_journal(places.fresh(), header=HEADER)
    marks = [journal.append(Batch(events=(event(f"e{k}"),))) for k in range(5)]
    journal.close()
    store = places.again(journal.store)
    store.forget(marks[2])
    store.close()
    store = places.again(store)
    if store.foot() != marks[2] or [r.number for r, _ in records(store)] != [5, 6]:
        yield "retention does not leave exactly the later records"
    if store.known(["e0"]).get("e0", Known(0, b"")).number != 2:
        yield "the client ids of forgotten records are forgotten too"
    store.close()


def _one_writer(places: Places) -> Iterator[str]:
    store = places.fresh()
    try:
        places.again(store).close()
        yield "two may write at the same time"
    except BadInput:
        pass
    store.close()


def _reading_beside(places: Places) -> Iterator[str]:
    journal = open_journal(places.fresh(), header=HEADER)
    reader = places.reader(journal.store)
    for k in range(3):
        mark = journal.append(Batch(events=(event(f"e{k}"),)))
        if verified_chain(reader) != mark:
            yield "a reader does not see what was acknowledged"
    try:
        reader.commit((), journal.head, 0)
        yield "a reader may write"
    except StoreStopped:
        pass
    reader.close()
    journal.close()


def _odd_names(places: Places) -> Iterator[str]:
    journal = open_journal(places.fresh(), header=HEADER)
    events = tuple(event(name, bytes(range(256)) * 4096, accounts=(name,)) for name in _ODD_NAMES)
    journal.append(Batch(events=events))
    journal.close()
    store = places.again(journal.store)
    found = [r for r, _ in records(store) if r.type == RecordType.EVENT]
    if [(r.client_id, r.accounts, r.payload) for r in found] != [
            (e.client_id, e.accounts, e.payload) for e in events]:
        yield "unusual names or a megabyte of bytes do not come back as they were"
    if set(store.known(_ODD_NAMES)) != set(_ODD_NAMES):
        yield "unusual client ids are not found"
    store.close()


def _long_life(places: Places, chance: Random) -> Iterator[str]:
    """Live through appends, reopenings, snapshots and retention beside a plain list."""
    journal = open_journal(places.fresh(), header=HEADER)
    model: list[tuple[str, bytes]] = []
    for turn in range(60):
        events = tuple(event(f"t{turn}-{k}", chance.randbytes(chance.randrange(200)))
                       for k in range(chance.randrange(1, 40)))
        mark = journal.append(Batch(events=events))
        model += [(e.client_id, e.payload) for e in events]
        if chance.random() < 0.1:
            journal.keep_snapshot(mark, b"root", chance.randbytes(1000))
        if chance.random() < 0.15:
            journal.close()
            journal = open_journal(places.again(journal.store), header=HEADER)
        if chance.random() < 0.3:
            name, payload = chance.choice(model)
            if name not in journal.screen((event(name, payload),)).repeated:
                yield f"an event of long ago is taken again in turn {turn}"
    found = [(r.client_id, r.payload) for r, _ in records(journal.store)
             if r.type == RecordType.EVENT]
    if found != model:
        yield "after a long life the log is not what was appended"
    journal.close()
