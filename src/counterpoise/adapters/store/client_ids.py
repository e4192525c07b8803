"""Does the index of client ids say what the log says, and how is it made again?

An event is applied once because its id is found in the index: an id that is missing there would let
it in again, one that stands for something else would keep it out. Every event that the index should
have is compared with its row, and every row with the log. Ids of records that were forgotten stand
in the index alone, so that nothing can be compared with them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from counterpoise.adapters.store.history import CHUNK, record_at, records
from counterpoise.adapters.store.records import START, Mark, Record, RecordType, content_of
from counterpoise.adapters.store.store import IndexRows, Known, Store
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

_SHOWN_MAX: Final = 20
Tracked = Callable[[Iterable[tuple[Record, Mark]]], Iterator[tuple[Record, Mark]]]


@frozen
class Compared:
    """The index of client ids against the log.

    ids     events of the log whose rows agree with it
    wrong   how many ids do not; `first` says what of the first of them
    strays  of these, rows of the index that no record of the log has
    """

    ids: int
    wrong: int
    strays: int
    first: tuple[Failure, ...]


def compared(store: Store, *, tracked: Tracked = iter) -> Compared:
    """Compare every client id that is kept in the log with its row of the index, and back.

    Works beside a writer: what the index did not have when this began is left out.

    Raises
    ------
    BadInput
        If the log is damaged, or the index cannot be read.
    """
    foot, head, reach = store.foot().number, store.head().number, store.indexed()
    if not foot <= reach <= head:
        raise bad_input(Reason.UNREADABLE, store.place.split("@")[-1], f"has an index up to record "
                        f"{reach}, its log holds {foot + 1} to {head}; {_cure(store)}")
    ids, wrong = 0, dict[str, Failure]()
    for events in _events(tracked(records(store, upto=reach))):
        rows = store.known([record.client_id for record in events])
        for record in events:
            failure = _against(store, record, rows.get(record.client_id))
            if failure is None:
                ids += 1
            else:
                wrong.setdefault(record.client_id, failure)
    strays = {name: failure for name, failure in _strays(store, (foot, reach), ids)
              if name not in wrong}
    found = (*wrong.values(), *strays.values())
    return Compared(ids=ids, wrong=len(found), strays=len(strays), first=found[:_SHOWN_MAX])


def cure(store: Store, found: Compared) -> str:
    """Return what to do about an index that does not say what the log says."""
    if store.foot() != START and found.strays:
        return "records were forgotten, whose ids the index alone has: restore a backup"
    return _cure(store)


def _cure(store: Store) -> str:
    return ("end what writes, and make the index again from the log: counterpoise reindex "
            + store.place.split("@")[-1])


def _events(found: Iterator[tuple[Record, Mark]]) -> Iterator[list[Record]]:
    while some := list(islice(found, CHUNK)):
        yield [record for record, _ in some if record.type == RecordType.EVENT]


def _against(store: Store, record: Record, row: Known | None) -> Failure | None:
    """Return what is wrong with the row of an event; None is the good answer."""
    number, name = record.number, record.client_id
    if row is None:
        return _failure(name, f"is missing in the index; record {number} has it, and its event "
                        "would be applied again")
    if row == (number, content_of(record)):
        return None
    if row.number == number:
        return _failure(name, f"has in the index another content than in record {number}; its "
                        "event, said again, would be refused")
    if _has(store, row.number, name):
        return _failure(name, f"stands in the log twice, at records {row.number} and {number}, of "
                        f"which the second was let in by a damaged index; restore a backup from "
                        f"before record {number}")
    return _failure(name, f"points in the index to record {row.number}; record {number} has it")


def _strays(store: Store, reach: tuple[int, int], good: int) -> Iterator[tuple[str, Failure]]:
    """Yield rows that no record has; where as many rows as events agreed none needs a look."""
    foot, upto = reach
    kept, later = 0, list[tuple[Any, Any]]()
    for name, number in _rows(store):
        inside = isinstance(number, int) and number <= upto
        kept += inside and number > foot
        if not inside:
            later.append((name, number))
    for name, number in later if kept == good else _rows(store):
        past = isinstance(number, int) and 0 < number <= foot
        if not past and not _has(store, number, name):
            yield str(name), _failure(str(name), f"stands in the index for record {number}, which "
                                      "does not have it; an event of that id would not be applied")


def _rows(store: Store) -> Iterator[tuple[Any, Any]]:
    """Yield the id and number of every row; in a damaged SQLite file they may be of any type."""
    after = ""
    while rows := store.id_rows(after, CHUNK):
        after = rows[-1][0]
        yield from ((name, number) for name, number, _ in rows)


def _has(store: Store, number: object, name: str) -> bool:
    if not isinstance(number, int) or number < 1:
        return False
    try:
        record = record_at(store, number)
    except BadInput:
        return False
    return record.type == RecordType.EVENT and record.client_id == name


def _failure(name: str, sentence: str) -> Failure:
    return Failure(reason=Reason.UNREADABLE, subject=f"client id {name[:60]!r}", sentence=sentence)


def reindexed(store: Store, *, tracked: Tracked = iter) -> int:
    """Make the index again from the log; return how many client ids it has of it.

    The store is owned and no journal writes it. Ids of records that were forgotten stay as they
    are. What is left undone by a crash is caught up by whoever writes next.

    Raises
    ------
    BadInput
        If the log is damaged; or if records were forgotten and the index has lost them, or has ids
        that no record has, which may be theirs.
    """
    foot, older = store.foot(), list[str]()
    if foot != START:
        if store.indexed() < foot.number or compared(store).strays:
            raise bad_input(Reason.UNREADABLE, store.place.split("@")[-1], "has forgotten records, "
                            "whose ids its index alone has, and that is damaged: restore a backup")
        for events in _events(records(store)):
            rows: dict[str, Any] = store.known([record.client_id for record in events])
            older += [name for name, row in rows.items()
                      if not isinstance(row.number, int) or row.number <= foot.number]
    store.unindex(older)
    count, found = 0, tracked(records(store))
    while some := [record for record, _ in islice(found, CHUNK)]:
        made = rows_of(some)
        store.index(made)
        count += len(made.ids)
    return count


def rows_of(some: Sequence[Record]) -> IndexRows:
    """Return what the index is to have of some records, in their order."""
    return IndexRows(ids=tuple((r.client_id, r.number, content_of(r)) for r in some
                               if r.type == RecordType.EVENT),
                     touched=tuple((account, r.number) for r in some for account in r.accounts),
                     upto=some[-1].number if some else 0)
