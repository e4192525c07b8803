"""How does what happened become durable, once and in order? The one writer of a store.

The engine hands in batches (events, their effects, now and then the state's root); a thread of the
journal gathers all that wait, numbers and chains them, and commits them in one transaction: group
commit. A batch is acknowledged when its transaction is on the disk, and effects may be sent from
then on: *store first, then send*. A client id is applied at most once. After a failed write nothing
is acknowledged any more; the journal is opened again and finds what became durable.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import repeat
from typing import Any, Final

from counterpoise.adapters.store.client_ids import rows_of
from counterpoise.adapters.store.header import begin, refuse_other_header
from counterpoise.adapters.store.history import records, state_at
from counterpoise.adapters.store.records import (
    CLIENT_ID,
    START,
    Entry,
    Mark,
    Record,
    RecordType,
    chained,
    content_of,
    hash_of,
    refuse_unlike_a_batch,
)
from counterpoise.adapters.store.store import IndexRows, Known, Snapshot, Store, StoreStopped
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

GROUP_MAX: Final = 20_000
"""Records of one transaction, so that no acknowledgement waits for a very large one."""
WAITING_MAX: Final = 64
"""Batches that wait: whoever hands in more waits with them."""
RECENT_MAX: Final = 200_000
"""Client ids in memory before they go to the index in one large step."""
UNINDEXED_MAX: Final = 50_000
"""Records that opening leaves to be indexed later: else one death after the other, each before such
a step is done, would make every start longer."""


@frozen
class Batch:
    """What one step of the engine took in and gave out.

    `effects` name their events by position; `root` is the state's root after it, None where none
    was made.
    """

    events: tuple[Entry, ...]
    effects: tuple[Entry, ...] = ()
    root: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what no record can hold, wrong types, effects of absent events, an id twice."""
        refuse_unlike_a_batch(self.events, self.effects)


@frozen
class Screened:
    """Events by what their client ids say.

    `fresh` were never seen; `repeated` {id: number} are in the log already, or on their way with
    number 0; `refused` came with an id that stands for something else.
    """

    fresh: tuple[Entry, ...]
    repeated: dict[str, int]
    refused: tuple[Failure, ...]


class Ticket:
    """A batch on its way: `wait` returns when it is durable."""

    def __init__(self, batch: Batch, contents: list[bytes]) -> None:
        self.batch, self.contents = batch, contents
        self._done = threading.Event()
        self._mark: Mark | None = None
        self._error: BaseException | None = None

    def wait(self, seconds: float | None = None) -> Mark:
        """Return the mark of the batch's last record once all of it is durable.

        Raises
        ------
        StoreStopped
            If it did not become so; it may still be found on reopening, and is then repeated.
        TimeoutError
            If that takes longer than `seconds`.
        """
        if not self._done.wait(seconds):
            raise TimeoutError("the batch is not durable yet")
        if self._mark is None:
            raise StoreStopped(str(self._error)) from self._error
        return self._mark

    def settle(self, mark: Mark | None, error: BaseException | None) -> None:
        """Say how it ended; the journal alone does."""
        self._mark, self._error = mark, error
        self._done.set()


class Journal:
    """The writer of a store; see `open_journal`."""

    def __init__(self, store: Store, head: Mark, recent: dict[str, Known],
                 touched: list[tuple[str, int]]) -> None:
        self.store, self.head = store, head
        self._recent, self._touched = recent, touched
        self._older: dict[str, Known] = {}
        self._absent: set[str] = set()
        # What `screen` found fresh and nobody has handed in since: not to be looked up again.
        self._offered: dict[str, tuple[Entry, bytes]] = {}
        self._sent = store.sent()
        self._error: BaseException | None = None
        self._claim, self._handing = threading.Lock(), threading.Lock()
        self._queue: queue.Queue[Ticket | None] = queue.Queue(WAITING_MAX)
        self._indexer: threading.Thread | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def screen(self, events: Sequence[Entry]) -> Screened:
        """Sort events by what their ids say, the first of an id counting; nothing is written."""
        names = [*map(CLIENT_ID, events)]
        contents = [*map(content_of, events)]
        found = self._screened(names, events, contents)
        offered = zip(events, contents, strict=True)
        if len(found.fresh) == len(events):
            fresh = dict(zip(names, offered, strict=True))
        else:
            kept = set(map(id, found.fresh))
            fresh = {e.client_id: (e, content) for e, content in offered if id(e) in kept}
        with self._claim:
            if len(self._offered) > RECENT_MAX:
                self._offered.clear()
            self._offered.update(fresh)
        return found

    def _screened(self, names: list[str], events: Sequence[Entry],
                  contents: list[bytes]) -> Screened:
        known = self._seen(names)
        if not known and len(set(names)) == len(names):
            return Screened(fresh=tuple(events), repeated={}, refused=())
        fresh: list[Entry] = []
        repeated: dict[str, int] = {}
        refused: list[Failure] = []
        for event, content in zip(events, contents, strict=True):
            before = known.get(event.client_id)
            if before is None:
                known[event.client_id] = Known(0, content)
                fresh.append(event)
            elif before.content == content:
                repeated[event.client_id] = before.number
            else:
                refused.append(_other_content(event, before))
        return Screened(fresh=tuple(fresh), repeated=repeated, refused=tuple(refused))

    def _seen(self, ids: list[str]) -> dict[str, Known]:
        with self._claim:
            found = {name: known for name in ids
                     if (known := self._recent.get(name) or self._older.get(name))}
            rest = ids if not found else [n for n in ids if n not in found]
            rest = [n for n in rest if n not in self._absent] if self._absent else rest
        indexed = self.store.known(rest) if rest else {}
        with self._claim:
            # What the index does not have it can only get through this journal.
            self._absent.update([n for n in rest if n not in indexed] if indexed else rest)
        return found | indexed

    def submit(self, batch: Batch) -> Ticket:
        """Hand in a batch of fresh events; returns at once, or when there is room.

        Raises
        ------
        BadInput
            If an id is not fresh: nothing of the batch is taken.
        StoreStopped
            If the store takes nothing more.
        """
        with self._handing:
            ticket = self._claimed(batch)
            self._queue.put(ticket)
        if self._error is not None:
            # The thread may have ended before it saw this one.
            ticket.settle(None, self._error)
        return ticket

    def _claimed(self, batch: Batch) -> Ticket:
        if self._error is not None:
            raise StoreStopped(str(self._error)) from self._error
        names = [*map(CLIENT_ID, batch.events)]
        with self._claim:
            offered = [self._offered.pop(name, None) for name in names]
        if all(one is not None and one[0] is event
               for one, event in zip(offered, batch.events, strict=True)):
            contents = [one[1] for one in offered if one is not None]
        else:
            contents = [*map(content_of, batch.events)]
            self._refuse_known(batch, names, contents)
        with self._claim:
            self._recent.update(zip(names, map(Known, repeat(0), contents), strict=False))
            self._absent.difference_update(names)
            if len(self._absent) > RECENT_MAX:
                self._absent.clear()
        return Ticket(batch, contents)

    def _refuse_known(self, batch: Batch, names: list[str], contents: list[bytes]) -> None:
        screened = self._screened(names, batch.events, contents)
        again = [Failure(reason=Reason.DUPLICATE, subject=name, sentence="was applied already; it "
                         "is applied once") for name in screened.repeated]
        if again or screened.refused:
            raise BadInput(*screened.refused, *again)

    def append(self, batch: Batch) -> Mark:
        """Hand in a batch and wait until it is durable; errors as `submit` and `Ticket.wait`."""
        return self.submit(batch).wait()

    def mark_sent(self, number: int) -> None:
        """Remember that effects up to a record were sent; durable with the next batch."""
        self._sent = max(self._sent, number)

    def unsent(self) -> Iterator[Record]:
        """Yield durable effects that were not said to be sent, in order: the outbox.

        After a crash some were sent already: a receiver knows them by their numbers.
        """
        after = max(self._sent, self.store.foot().number)
        before = self.store.frames(after - 1, 1) if after > self.store.foot().number else []
        mark = Mark(number=after, hash=hash_of(before[0])) if before else self.store.foot()
        return (r for r, _ in records(self.store, after=mark) if r.type == RecordType.EFFECT)

    def keep_snapshot(self, mark: Mark, root: bytes, state: bytes) -> Snapshot:
        """Keep the state after a durable record, read back and checked.

        Raises
        ------
        SnapshotLost
            If the disk did not take it; the log goes on.
        BadInput
            If what is read back is not what was kept, or the record is not durable.
        """
        snapshot = Snapshot(mark=mark, root=root, length=len(state),
                            digest=sha256(state).digest())
        self.store.keep(snapshot, state)
        state_at(self.store, snapshot)
        return snapshot

    def close(self) -> None:
        """Finish what waits, bring the index up to the log, and let go of the store."""
        self._queue.put(None)
        self._thread.join()
        if self._indexer is not None:
            self._indexer.join()
        if self._error is None:
            try:
                if self._sent > self.store.sent():
                    self.store.commit((), self.head, self._sent)
                self._index(self._recent, self._touched, self.head.number)
            except StoreStopped as error:
                self._error = error
        self.store.close()

    def _run(self) -> None:
        tickets: list[Ticket] = []
        try:
            while tickets := self._gathered():
                self._commit(tickets)
        except BaseException as error:
            self._error = error
            for ticket in (*tickets, *self._waiting()):
                ticket.settle(None, error)

    def _gathered(self) -> list[Ticket]:
        first = self._queue.get()
        if first is None:
            return []
        tickets, size = [first], _size(first)
        while size < GROUP_MAX:
            try:
                ticket = self._queue.get_nowait()
            except queue.Empty:
                break
            if ticket is None:
                self._queue.put(None)
                break
            tickets.append(ticket)
            size += _size(ticket)
        return tickets

    def _waiting(self) -> Iterator[Ticket]:
        while True:
            try:
                ticket = self._queue.get_nowait()
            except queue.Empty:
                return
            if ticket is not None:
                yield ticket

    def _commit(self, tickets: list[Ticket]) -> None:
        frames: list[bytes] = []
        ids: dict[str, Known] = {}
        touched: list[tuple[str, int]] = []
        marks, head = [], self.head
        for ticket in tickets:
            entries, first = _entries(ticket.batch), head.number + 1
            made, head = chained(entries, head)
            frames += made
            marks.append(head)
            touched += [(account, number) for number, entry in enumerate(entries, first)
                        for account in entry.accounts]
            ids.update(zip(map(CLIENT_ID, ticket.batch.events),
                           map(Known, range(first, head.number + 1), ticket.contents),
                           strict=False))
        self.store.commit(frames, head, self._sent)
        self.head = head
        with self._claim:
            self._recent.update(ids)
        self._touched += touched
        for ticket, mark in zip(tickets, marks, strict=True):
            ticket.settle(mark, None)
        self._index_when_many()

    def _index_when_many(self) -> None:
        if len(self._recent) < RECENT_MAX or self._indexer is not None and self._indexer.is_alive():
            return
        with self._claim:
            durable = {name: known for name, known in self._recent.items() if known.number}
            self._older = durable
            self._recent = {n: k for n, k in self._recent.items() if not k.number}
        touched, self._touched = self._touched, []
        self._indexer = threading.Thread(target=self._index_aside, name="journal index",
                                         args=(durable, touched, self.head.number), daemon=True)
        self._indexer.start()

    def _index_aside(self, ids: dict[str, Known], touched: list[tuple[str, int]],
                     upto: int) -> None:
        try:
            self._index(ids, touched, upto)
        except BaseException as error:
            self._error = self._error or error

    def _index(self, ids: dict[str, Known], touched: list[tuple[str, int]], upto: int) -> None:
        self.store.index(IndexRows(ids=tuple((name, *known) for name, known in ids.items()),
                                   touched=tuple(touched), upto=upto))


def open_journal(store: Store, *, header: dict[str, Any],
                 told: dict[str, Any] | None = None) -> Journal:
    """Return the writer of a store that was opened for writing.

    `header` says by what the log is written (codec, versions); a new log begins with it and with
    what is `told` beside it, an old one must have the same header, whatever it tells. What the
    index lacks is read from the log, and checked on the way; most of it is indexed there and then.

    Raises
    ------
    BadInput
        If the log is damaged there, or was written by something else.
    """
    if store.head() == START:
        begin(store, header | (told or {}))
    elif store.foot() == START:
        refuse_other_header(store, header)
    foot, head, reach = store.foot(), store.head(), store.indexed()
    if reach < foot.number or reach > head.number:
        raise bad_input(Reason.UNREADABLE, store.place, f"has an index up to record {reach}, which "
                        f"does not belong to its log of {foot.number + 1} to {head.number}: "
                        "counterpoise reindex makes it again")
    last = store.frames(reach - 1, 1) if reach > foot.number else []
    after = Mark(number=reach, hash=hash_of(last[0])) if last else foot
    rest: list[Record] = []
    for record, _ in records(store, after=after):
        rest.append(record)
        if len(rest) == UNINDEXED_MAX:
            store.index(rows_of(rest))
            rest = []
    left = rows_of(rest)
    recent = {name: Known(number, content) for name, number, content in left.ids}
    return Journal(store, head, recent, list(left.touched))


def _entries(batch: Batch) -> tuple[Entry, ...]:
    root = () if batch.root is None else (Entry(RecordType.ROOT, "root", batch.root),)
    return (*batch.events, *batch.effects, *root)


def _size(ticket: Ticket) -> int:
    return len(ticket.batch.events) + len(ticket.batch.effects) + 1


def _other_content(event: Entry, before: Known) -> Failure:
    where = f"record {before.number}" if before.number else "an event on its way"
    return Failure(reason=Reason.DUPLICATE, subject=event.client_id, sentence=(
        f"stands for another event already ({where}); give a new event an id of its own"))
