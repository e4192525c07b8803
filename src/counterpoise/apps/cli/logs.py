"""`counterpoise replay`, `verify`, `inspect` and the carrying of logs: what was kept, is it so?"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, Final, TypeVar

from counterpoise.adapters.store import places
from counterpoise.adapters.store.client_ids import Compared
from counterpoise.adapters.store.records import Mark, Record, RecordType
from counterpoise.adapters.store.replay import Divergence, Replayed
from counterpoise.adapters.store.store import Snapshot, Store, StoreStopped
from counterpoise.apps.cli.output import ANSWERED, JUDGED_AGAINST, show, show_json, wants_bold
from counterpoise.apps.cli.progress import counted
from counterpoise.apps.collector import collected_by_hand
from counterpoise.apps.report.document import failure_document, json_line
from counterpoise.apps.report.table import table
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.time import format_instant

_SHOWN_MAX: Final = 60
_SAID_BESIDE: Final = ("kind", "client_id", "time", "account", "position")
T = TypeVar("T")


def replay(place: str, *, start: str, threads: int, as_json: bool) -> int:
    """Apply a log again from a snapshot and compare all of it; return the exit code."""
    return _with_store(place, partial(_replay, start=start, threads=threads, as_json=as_json))


def _replay(store: Store, *, start: str, threads: int, as_json: bool) -> int:
    from counterpoise.adapters.store.engine_log import machine, starts

    found = starts(store)
    snapshot = _chosen(found, start)
    again = _replayed(store, machine(_equipment(threads)), snapshot)
    if as_json:
        show_json(_replay_document(store, snapshot, again))
    else:
        show([_market_line(store),
              f"replayed {again.events} events after record {snapshot.mark.number} to record "
              f"{again.mark.number}; compared {again.effects} effects and {again.roots} roots",
              f"root {again.root.hex()}", *_divergence_lines(again.divergence)])
    return ANSWERED if again.divergence is None else JUDGED_AGAINST


def verify(place: str, *, witness: str | None, threads: int, as_json: bool) -> int:
    """Check every record, and every root and snapshot by replay; return the exit code."""
    return _with_store(place, partial(_verify, witness=witness, threads=threads, as_json=as_json))


def _verify(store: Store, *, witness: str | None, threads: int, as_json: bool) -> int:
    from counterpoise.adapters.store.client_ids import compared, cure
    from counterpoise.adapters.store.engine_log import machine, starts
    from counterpoise.adapters.store.history import verified_chain

    head = verified_chain(store, witness=_mark(witness))
    ids = compared(store, tracked=_tracked(store, "client ids"))
    again = _replayed(store, machine(_equipment(threads)), starts(store)[0])
    if as_json:
        show_json({"records": head.number - store.foot().number, "head": _mark_document(head),
                   "client_ids": {"agree": ids.ids, "wrong": ids.wrong,
                                  "failures": [failure_document(f) for f in ids.first],
                                  "what_to_do": cure(store, ids) if ids.wrong else None}}
                  | _replay_document(store, starts(store)[0], again))
    else:
        show([_market_line(store),
              f"{head.number - store.foot().number} records hold together; the last is "
              f"{head.number}:{head.hash.hex()}",
              f"{again.effects} effects and {again.roots} roots of records and snapshots compared",
              *_ids_lines(ids, cure(store, ids)), *_divergence_lines(again.divergence)])
    return ANSWERED if again.divergence is None and not ids.wrong else JUDGED_AGAINST


def _ids_lines(found: Compared, cure: str) -> list[str]:
    if not found.wrong:
        return [f"{found.ids} client ids of the log stand in its index"]
    more = found.wrong - len(found.first)
    return [*(f"{f.subject} {f.sentence}" for f in found.first),
            *([f"and {more} more"] if more else []),
            f"{found.wrong} client ids of the index are not as in the log: {cure}"]


def reindex(place: str, *, as_json: bool) -> int:
    """Make the index of a log again from its records; return the exit code."""
    from counterpoise.adapters.store.client_ids import reindexed

    def again() -> int:
        with closing(places.owned(place)) as store:
            return reindexed(store, tracked=_tracked(store, "index"))

    count = _stoppable(place, again)
    if as_json:
        show_json({"client_ids": count})
    else:
        show([f"the index has {count} client ids of the log again"])
    return ANSWERED


def inspect(place: str, account: str | None, *, as_json: bool) -> int:
    """Show an account's life, event by event, or where all stand; return the exit code."""
    if account is None:
        return _with_store(place, partial(_inspect_all, as_json=as_json))
    return _with_store(place, partial(_inspect, account=account, as_json=as_json))


def events(place: str, account: str | None) -> int:
    """Print the events of a log, or of an account, as lines that can be fed; return exit code."""
    return _with_store(place, partial(_events, account=account))


def _events(store: Store, *, account: str | None) -> int:
    from counterpoise.adapters.event_document import event_document
    from counterpoise.adapters.store.history import records
    from counterpoise.engine import codec

    types = codec.vocabulary(_equipment(1).models.values())
    for record, _ in _tracked(store, "inspect")(records(store)):
        if record.type == RecordType.EVENT and (account is None or account in record.accounts):
            sys.stdout.write(json_line(event_document(codec.decoded_event(record.payload, types)))
                             + "\n")
    return ANSWERED


def genesis(place: str, account: str | None) -> int:
    """Print what a log began with, as a file that a new log can begin with; return exit code."""
    if account is not None:
        raise bad_input(Reason.BAD_VALUE, account[:60], "did not begin the log; say --genesis "
                        "without an account")
    return _with_store(place, _genesis)


def _genesis(store: Store) -> int:
    from counterpoise.adapters.genesis_file import genesis_document
    from counterpoise.adapters.store.engine_log import FIRST, machine, market_of, starts
    from counterpoise.adapters.store.history import state_at

    first = starts(store)[0]
    if first.mark.number != FIRST:
        raise bad_input(Reason.UNREADABLE, store.place.split("@")[-1], "keeps its first state no "
                        "longer: it was forgotten (counterpoise retain)")
    state = machine(_equipment(1)).read(state_at(store, first))
    show_json(genesis_document(state, market_of(store)))
    return ANSWERED


def _inspect_all(store: Store, *, as_json: bool) -> int:
    from counterpoise.apps.engine_writer import recovered
    from counterpoise.apps.report.standing import standing_document, standing_text

    again = recovered(store, _equipment(1))
    if as_json:
        show_json({"market": _market(store)} | standing_document(again.state, again.mark.number))
    else:
        show([_market_line(store), *standing_text(again.state, again.mark.number,
                                                  bold=wants_bold(sys.stdout))])
    return ANSWERED


def _inspect(store: Store, *, account: str, as_json: bool) -> int:
    from counterpoise.adapters.store.engine_log import life_of
    from counterpoise.apps.report.holdings import holdings_text

    lines = [_said(record) for record in life_of(store, account)]
    stands = _standing(store, account)
    if not lines and not stands["assets"]:
        raise bad_input(Reason.BAD_VALUE, account[:60], "is named by no record of this log; "
                        "without an account, inspect shows where all stand")
    if as_json:
        show_json({"account": account, "market": _market(store), "records": lines,
                   "stands": stands})
        return ANSWERED
    show([_market_line(store)])
    show(table(("record", "after", "time", "what", "says"),
               [(str(line["record"]), str(line["cause"] or ""), line["time"], line["kind"],
                 ", ".join(f"{name} {str(value)[:_SHOWN_MAX]}" for name, value
                           in line["says"].items() if name not in _SAID_BESIDE))
                for line in lines], left=(2, 3, 4)))
    show(holdings_text(stands, stands["record"]))
    return ANSWERED


def _standing(store: Store, account: str) -> dict[str, Any]:
    """Return what an account holds at the end of the log."""
    from counterpoise.adapters.store.engine_log import machine, starts
    from counterpoise.apps.report.holdings import holdings_document

    again = _replayed(store, machine(_equipment(1)), starts(store)[-1])
    if again.divergence is not None:
        raise bad_input(Reason.UNREADABLE, f"record {again.divergence.number}", "is where the log "
                        "stops leading to what it says; ask verify")
    return {"record": again.mark.number} | holdings_document(again.state, account)


def carry(source: str, target: str, *, as_json: bool, upgrade: bool = False) -> int:
    """Copy a log to a new place, checked as it is read; return the exit code."""
    from counterpoise.adapters.store.copies import copied, upgraded

    found = _stoppable(source, lambda: (upgraded if upgrade else copied)(source, target))
    if as_json:
        show_json({"target": target, "head": _mark_document(found.head),
                   "snapshots": found.snapshots,
                   "failures": [failure_document(f) for f in found.unsound]})
    else:
        show([f"{target} holds the log to record {found.head.number}:{found.head.hash.hex()} and "
              f"{found.snapshots} snapshots",
              *(f"left behind: {f.subject} {f.sentence}" for f in found.unsound)])
    return ANSWERED


def export(place: str, path: str, *, as_json: bool) -> int:
    """Write a log as a Parquet table; return the exit code."""
    return _with_store(place, partial(_export, path=path, as_json=as_json))


def _export(store: Store, *, path: str, as_json: bool) -> int:
    from counterpoise.adapters.store.export import export_parquet
    from counterpoise.adapters.store.history import records

    count = export_parquet(path, _tracked(store, "export")(records(store)))
    if as_json:
        show_json({"path": path, "records": count})
    else:
        show([f"{count} records written to {path}"])
    return ANSWERED


def retain(place: str, *, snapshots: int, as_json: bool) -> int:
    """Forget records that older snapshots stand for, the newest `snapshots` kept; exit code."""
    from counterpoise.adapters.store.copies import forget_before

    if snapshots < 1:
        raise bad_input(Reason.BAD_VALUE, "--snapshots", f"{snapshots}; keep at least 1")

    def forget() -> tuple[int, int]:
        with closing(places.owned(place)) as store:
            kept = store.snapshots()
            if len(kept) <= snapshots:
                return 0, store.foot().number
            return forget_before(store, kept[-snapshots]), store.foot().number

    forgotten, foot = _stoppable(place, forget)
    if as_json:
        show_json({"forgotten": forgotten, "first": foot + 1})
    else:
        show([f"{forgotten} records forgotten; the log begins at record {foot + 1}"])
    return ANSWERED


def _with_store(place: str, answer: Callable[[Store], int]) -> int:
    def answered() -> int:
        with closing(places.opened(place)) as store:
            return answer(store)

    return _stoppable(place, answered)


def _stoppable(place: str, answer: Callable[[], T]) -> T:
    try:
        return answer()
    except StoreStopped as stopped:
        raise bad_input(Reason.UNREADABLE, place.split("@")[-1], str(stopped)) from None


def _equipment(threads: int) -> Any:
    from counterpoise.apps.engine_writer import equipment_of_all

    return equipment_of_all(threads)


def _replayed(store: Store, engine: Any, start: Snapshot) -> Replayed[Any]:
    from counterpoise.adapters.store.replay import replayed

    with collected_by_hand():
        return replayed(store, engine, start=start, tracked=_tracked(store, "replay"))


def _tracked(store: Store, label: str) -> Callable[
        [Iterable[tuple[Record, Mark]]], Iterator[tuple[Record, Mark]]]:
    total = store.head().number - store.foot().number
    return lambda found: counted(found, label, total)


def _chosen(found: tuple[Snapshot, ...], start: str) -> Snapshot:
    if start in ("first", "last"):
        return found[0] if start == "first" else found[-1]
    named = [s for s in found if str(s.mark.number) == start]
    if not named:
        raise bad_input(Reason.BAD_VALUE, "--from", f"{start[:40]!r} is no snapshot; there are "
                        + ", ".join(str(s.mark.number) for s in found[-20:])
                        + "; or say first or last")
    return named[0]


def _mark(text: str | None) -> Mark | None:
    if text is None:
        return None
    number, _, digest = text.partition(":")
    try:
        return Mark(number=int(number), hash=bytes.fromhex(digest))
    except (ValueError, BadInput):
        raise bad_input(Reason.BAD_VALUE, "--witness", f"{text[:40]!r} is no mark; write it as "
                        "NUMBER:HASH, as an acknowledgement or verify says it") from None


def _mark_document(mark: Mark) -> dict[str, Any]:
    return {"record": mark.number, "hash": mark.hash.hex()}


def _replay_document(store: Store, start: Snapshot, again: Replayed[Any]) -> dict[str, Any]:
    found = again.divergence
    return {"store": store.place.split("@")[-1], "market": _market(store),
            "from": start.mark.number, "to": again.mark.number, "events": again.events,
            "effects": again.effects, "roots": again.roots, "root": again.root.hex(),
            "divergence": None if found is None else {
                "record": found.number, "what": found.what, "logged": found.logged,
                "replayed": found.replayed}}


def _market(store: Store) -> dict[str, str] | None:
    from counterpoise.adapters.store.engine_log import market_document, market_of

    return market_document(market_of(store))


def _market_line(store: Store) -> str:
    from counterpoise.adapters.store.engine_log import market_of
    from counterpoise.apps.report.log_source import market_line

    return market_line(market_of(store))


def _divergence_lines(found: Divergence | None) -> list[str]:
    if found is None:
        return ["the log leads where it says"]
    return [f"first divergence at record {found.number}, {found.what}:",
            f"  the log has     {found.logged}", f"  replay leads to {found.replayed}"]


def _said(record: Record) -> dict[str, Any]:
    """Return a record for reading; what an event says can be fed (`adapters.event_document`)."""
    from counterpoise.adapters.event_document import event_document
    from counterpoise.engine import codec

    types = codec.vocabulary(_equipment(1).models.values())
    read: Any = (codec.decoded_event if record.type == RecordType.EVENT
                 else codec.decoded_effect)
    try:
        value = read(record.payload, types)
    except BadInput as wrong:
        says = {"unreadable": str(wrong)}
    else:
        says = event_document(value)
    return {"record": record.number, "cause": record.cause, "time": format_instant(record.time),
            "kind": record.kind, "client_id": record.client_id, "says": says}
