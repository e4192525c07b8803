"""What if the disk is full, or says that it failed? Nothing is acknowledged, the store stops."""

import errno
import os
import sqlite3

import pytest

from counterpoise.adapters.store import snapshot_files, sqlite
from counterpoise.adapters.store.conformance import HEADER, event
from counterpoise.adapters.store.history import records
from counterpoise.adapters.store.journal import Batch, open_journal
from counterpoise.adapters.store.records import RecordType
from counterpoise.adapters.store.store import SnapshotLost, StoreStopped


class Disk:
    """A connection whose statements may fail: `faults` {start of the statement: when, error}."""

    def __init__(self, made, faults):
        self._made, self._faults = made, faults

    def execute(self, sql, given=()):
        for start, (when, error) in list(self._faults.items()):
            if sql.startswith(start):
                del self._faults[start]
                if when == "after":
                    self._made.execute(sql, given)
                raise sqlite3.OperationalError(error)
        return self._made.execute(sql, given)

    def __getattr__(self, name):
        return getattr(self._made, name)


@pytest.fixture
def folder(tmp_path):
    sqlite.create(tmp_path / "store")
    return tmp_path / "store"


def batch(name):
    return Batch(events=tuple(event(f"{name}-{k}", b"x" * 500) for k in range(30)))


def names_in(folder):
    store = sqlite.opened(folder)
    found = [r.client_id.split("-")[0] for r, _ in records(store) if r.type == RecordType.EVENT]
    store.close()
    return found


@pytest.mark.parametrize(("statement", "when", "there"), [
    ("BEGIN", "before", False), ("COMMIT", "before", False), ("COMMIT", "after", True)])
def test_failed_write_stops_the_store_and_recovery_finds_what_was_acknowledged(
        folder, statement, when, there):
    faults = {}
    journal = open_journal(sqlite.owned(
        folder, connect=lambda *a, **k: Disk(sqlite3.connect(*a, **k), faults)), header=HEADER)
    journal.append(batch("kept"))
    faults[statement] = (when, "disk I/O error")
    tickets = [journal.submit(batch("lost")), journal.submit(batch("later"))]
    for ticket in tickets:
        with pytest.raises(StoreStopped, match="disk I/O error"):
            ticket.wait(30)
    with pytest.raises(StoreStopped):
        journal.append(batch("after"))
    journal.close()

    names = names_in(folder)
    again = open_journal(sqlite.owned(folder), header=HEADER)
    fresh = again.screen(batch("lost").events).fresh
    if fresh:
        again.append(Batch(events=fresh))
    again.close()

    assert names[:30] == ["kept"] * 30 and set(names) <= {"kept", "lost", "later"}
    assert ("lost" in names) is there
    assert 30 == names_in(folder).count("lost")


def test_full_disk_stops_the_store_and_loses_nothing(folder):
    limits = []

    def small(*arguments, **named):
        made = sqlite3.connect(*arguments, **named)
        limits.append(made.execute("PRAGMA max_page_count = 40").fetchone()[0])
        return made

    journal = open_journal(sqlite.owned(folder, connect=small), header=HEADER)
    acknowledged = 0
    with pytest.raises(StoreStopped, match="full"):
        while True:
            journal.append(batch(f"b{acknowledged}"))
            acknowledged += 1
    journal.close()

    names = names_in(folder)
    assert acknowledged > 3
    assert [f"b{k}" for k in range(acknowledged) for _ in range(30)] == names
    with open_again(folder) as journal:
        journal.append(batch("room again"))
    assert "room again" == names_in(folder)[-1]


def test_file_that_may_not_grow_stops_the_store_and_loses_nothing(folder):
    resource = pytest.importorskip("resource")
    import signal

    journal = open_journal(sqlite.owned(folder), header=HEADER)
    journal.append(batch("kept"))
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (folder / f"{sqlite.LOG}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5000, limits[1]))
    try:
        with pytest.raises(StoreStopped, match="disk I/O error|full"):
            journal.append(batch("lost"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
        journal.close()

    assert ["kept"] * 30 == names_in(folder)


def test_snapshot_that_finds_no_room_is_lost_whole_and_the_log_goes_on(folder, monkeypatch):
    with open_again(folder) as journal:
        mark = journal.append(batch("kept"))

        def full(handle):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(SnapshotLost, match="No space left"):
                journal.keep_snapshot(mark, b"root", b"state")
        assert () == journal.store.snapshots()
        assert [] == list((folder / snapshot_files.FOLDER).iterdir())
        journal.append(batch("later"))


class open_again:  # noqa: N801
    """Open a journal and close it."""

    def __init__(self, folder):
        self._journal = open_journal(sqlite.owned(folder), header=HEADER)

    def __enter__(self):
        return self._journal

    def __exit__(self, *error):
        self._journal.close()
