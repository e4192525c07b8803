"""Does a copy hold the whole history, whatever it is carried to, and is a bad one refused?"""

from contextlib import closing
from hashlib import sha256

import pytest

from counterpoise.adapters.store import copies, places, sqlite
from counterpoise.adapters.store.conformance import HEADER as OTHER
from counterpoise.adapters.store.conformance import event
from counterpoise.adapters.store.export import export_parquet
from counterpoise.adapters.store.history import latest_state, records, verified_chain
from counterpoise.adapters.store.journal import Batch, open_journal
from counterpoise.adapters.store.records import (
    START,
    Entry,
    Mark,
    Record,
    RecordType,
    frame_of,
    hash_of,
)
from counterpoise.adapters.store.replay import replayed
from counterpoise.values.failure import BadInput
from store_places import in_folders, on_server
from store_workload import HEADER, LEDGER, begun, bytes_of, effects_of, event_of, root_of, step

SEED = 5


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request, tmp_path):
    if request.param == "sqlite":
        return in_folders(tmp_path)
    return on_server(request.getfixturevalue("postgres_server"))


def lived(store, events=120, *, tell=effects_of):
    """Write a life with roots and two snapshots; return the closed journal."""
    journal = open_journal(store, header=HEADER)
    state = begun(b"")
    for k in range(0, events, 10):
        said = [event_of(SEED, i) for i in range(k, k + 10)]
        effects, state = tell(state, said), step(state, said)[0]
        mark = journal.append(Batch(events=tuple(said), effects=effects, root=root_of(state)))
        if k in (30, 70):
            journal.keep_snapshot(mark, root_of(state), bytes_of(state))
    journal.close()
    return journal


def history(place):
    with closing(places.opened(place)) as store:
        return list(records(store)), store.snapshots(), store.sent()


def test_backup_is_restored_to_any_backend_with_the_same_hash(backend, tmp_path):
    journal = lived(backend.fresh())
    place, backup = journal.store.place, str(tmp_path / "backup")
    target = backend.fresh()
    target.close()
    copied = copies.copied(place, backup)
    restored = str(tmp_path / "restored")
    copies.copied(backup, restored)

    assert journal.head == copied.head and 2 == copied.snapshots and () == copied.unsound
    assert history(place) == history(backup) == history(restored)
    again = open_journal(places.owned(restored), header=HEADER)
    assert {"c-7": 9} == again.screen((event_of(SEED, 7),)).repeated
    assert again.store.numbers_of("a1", 0, 99)
    again.close()


def test_backup_goes_to_a_server_too(tmp_path, postgres_server):
    journal = lived(in_folders(tmp_path).fresh())
    address = postgres_server.schema()

    assert journal.head == copies.copied(journal.store.place, address).head
    assert history(journal.store.place) == history(address)


def test_backup_of_a_store_in_use_holds_what_was_acknowledged(backend, tmp_path):
    journal = open_journal(backend.fresh(), header=HEADER)
    for k in range(50):
        mark = journal.append(Batch(events=(event(f"e{k}"),)))
        if k == 30:
            found = copies.copied(journal.store.place, str(tmp_path / "backup"))
            assert found.head == mark
    journal.close()


def test_copy_over_something_is_refused(tmp_path):
    journal = lived(in_folders(tmp_path).fresh())

    with pytest.raises(BadInput, match="is not empty"):
        copies.copied(journal.store.place, journal.store.place)


def test_damaged_snapshot_stays_behind_and_is_told(tmp_path):
    journal = lived(in_folders(tmp_path).fresh())
    newest = sorted((tmp_path / journal.store.place / "snapshots").iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:-1] + b"?")
    found = copies.copied(journal.store.place, str(tmp_path / "backup"))

    assert 1 == found.snapshots
    assert ["is damaged; an older one and the log replace it"] == [
        f.sentence for f in found.unsound]
    with closing(places.opened(journal.store.place)) as store:
        snapshot, state, wrong = latest_state(store)
        assert snapshot == store.snapshots()[0] and len(wrong) == 1
        again = replayed(store, LEDGER, start=snapshot)
    assert root_of(step(begun(b""), [event_of(SEED, k) for k in range(120)])[0]) == again.root


def test_retention_keeps_what_a_snapshot_cannot_stand_for(backend, tmp_path):
    journal = lived(backend.fresh())
    store = backend.again(journal.store)
    older, newer = store.snapshots()
    forgotten = copies.forget_before(store, newer)
    store.close()
    with closing(backend.reader(store)) as store:
        assert store.foot() == newer.mark and (newer,) == store.snapshots()
        again = replayed(store, LEDGER, start=newer)
        with pytest.raises(BadInput, match="is the first that is still kept"):
            replayed(store, LEDGER)
    copies.copied(store.place, str(tmp_path / "backup"))
    journal = open_journal(places.owned(str(tmp_path / "backup")), header=HEADER)

    assert forgotten == newer.mark.number and again.divergence is None
    assert {"c-3": 5} == journal.screen((event_of(SEED, 3),)).repeated
    journal.close()


def test_replay_leads_to_the_same_root_from_anywhere_on_both_backends(tmp_path, postgres_server):
    roots = set()
    for places_of in (in_folders(tmp_path), on_server(postgres_server)):
        journal = lived(places_of.fresh())
        with closing(places_of.reader(journal.store)) as store:
            for start in (None, *store.snapshots()):
                again = replayed(store, LEDGER, start=start)
                assert again.divergence is None and again.roots >= 5 and again.effects >= 13
                roots.add(again.root)

    assert {root_of(step(begun(b""), [event_of(SEED, k) for k in range(120)])[0])} == roots


def test_first_divergence_is_the_first_effect_that_differs(tmp_path):
    def other(state, said):
        effects = effects_of(state, said)
        if state["count"] == 60:
            effects = (effects[0], effects[1]._replace(payload=b"other"), *effects[2:])
        return effects

    journal = lived(in_folders(tmp_path).fresh(), tell=other)
    with closing(places.opened(journal.store.place)) as store:
        found = replayed(store, LEDGER).divergence
        log = {r.number: r for r, _ in records(store)}

    assert b"other" == log[found.number].payload
    assert f"effect of the event of record {log[found.number].cause}" == found.what
    assert found.logged != found.replayed


@pytest.mark.parametrize("tell", [lambda state, said: effects_of(state, said)[:-1],
                                  lambda state, said: (*effects_of(state, said), Entry(
                                      RecordType.EFFECT, "moved", b"more", cause=0))])
def test_missing_and_surplus_effects_are_divergences(tmp_path, tell):
    journal = lived(in_folders(tmp_path).fresh(), tell=tell)
    with closing(places.opened(journal.store.place)) as store:
        assert replayed(store, LEDGER).divergence is not None


def test_other_rules_diverge_at_the_first_root(tmp_path):
    journal = lived(in_folders(tmp_path).fresh(), tell=lambda state, said: ())
    silent = copies.replaced(LEDGER, step=lambda state, said: (
        step(state, said)[0] | {"extra": len(said)}, []))
    with closing(places.opened(journal.store.place)) as store:
        found = replayed(store, silent).divergence

    assert (12, "root of the state") == (found.number, found.what)


def test_export_is_a_table_that_the_log_can_be_made_of_again(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    journal = lived(in_folders(tmp_path).fresh())
    path = tmp_path / "log.parquet"
    with closing(places.opened(journal.store.place)) as store:
        count = export_parquet(path, records(store))
    rows = parquet.read_table(path).to_pylist()
    previous = START.hash
    for row in rows:
        frame = frame_of(Record(row["number"], RecordType[row["type"].upper()], row["cause"] or 0,
                                row["time"], row["kind"], row["client_id"] or "",
                                tuple(row["accounts"]), row["payload"]), previous)
        previous = hash_of(frame)
        assert row["hash"] == previous

    assert len(rows) == count == journal.head.number and previous == journal.head.hash


def old_frame(record, previous):
    """Return a record as an earlier layout had it: text, and a checksum of SHA-256."""
    said = repr((record.number, int(record.type), record.kind, record.client_id,
                 record.payload)).encode()
    return said + sha256(said).digest() + previous


def old_read(frame, previous):
    from ast import literal_eval

    if sha256(frame[:-64]).digest() != frame[-64:-32] or frame[-32:] != previous.hash:
        raise ValueError("damaged")
    number, kind_of, kind, client, payload = literal_eval(frame[:-64].decode())
    return Record(number, RecordType(kind_of), 0, 0, kind, client, (), payload)


def test_older_format_is_refused_and_upgraded_to_a_new_place(tmp_path, monkeypatch):
    import sqlite3

    old, new = tmp_path / "old", str(tmp_path / "new")
    sqlite.create(old)
    store, frames, previous = sqlite.owned(old), [], START.hash
    for number in range(1, 8):
        record = Record(number, RecordType.EVENT, 0, 0, "spend", f"c{number}", (), b"1")
        frames.append(old_frame(record, previous))
        previous = hash_of(frames[-1])
    store.commit(frames, Mark(number=7, hash=previous), 0)
    store.close()
    with closing(sqlite3.connect(old / sqlite.LOG)) as log:
        log.execute("PRAGMA user_version = 0")

    with pytest.raises(BadInput, match="has log format 0; this program reads 1"):
        places.opened(str(old))
    with pytest.raises(BadInput, match="has log format 0"):
        copies.upgraded(str(old), new)
    steps = {0: copies.Step(read=old_read, record=lambda r: r._replace(kind="transfer"),
                            state=lambda state: state)}
    found = copies.upgraded(str(old), new, steps=steps)
    with closing(places.opened(new)) as store:
        assert verified_chain(store) == found.head
        assert [(f"c{k}", "transfer") for k in range(1, 8)] == [
            (r.client_id, r.kind) for r, _ in records(store)]
        assert {"c3"} == set(store.known(["c3", "c9"]))


def test_newest_format_needs_no_upgrade(tmp_path):
    store = in_folders(tmp_path).fresh()
    store.close()

    with pytest.raises(BadInput, match="has log format 1 already"):
        copies.upgraded(store.place, str(tmp_path / "new"))


def test_log_of_another_machine_is_not_its_own(tmp_path):
    journal = lived(in_folders(tmp_path).fresh())
    store = sqlite.owned(journal.store.place)

    with pytest.raises(BadInput, match="was begun by"):
        open_journal(store, header=OTHER)
    store.close()


@pytest.mark.parametrize("at_once", [1, 15, 10_000])
@pytest.mark.parametrize("at", [None, 20, 60, 110])
def test_the_first_divergence_is_the_same_however_much_is_applied_at_once(
        tmp_path, monkeypatch, at_once, at):
    monkeypatch.setattr("counterpoise.adapters.store.replay.EVENTS_AT_ONCE", at_once)

    def other(state, said):
        effects = effects_of(state, said)
        return (*effects[:-1], effects[-1]._replace(payload=b"other")) if (
            effects and state["count"] == at) else effects

    journal = lived(in_folders(tmp_path).fresh(), tell=other)
    with closing(places.opened(journal.store.place)) as store:
        again = replayed(store, LEDGER)
        different = [r.number for r, _ in records(store) if r.payload == b"other"]

    assert different == ([] if again.divergence is None else [again.divergence.number])
    assert (at is None) == (again.divergence is None)
