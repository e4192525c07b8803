"""The embedded store: a folder with a SQLite log, a SQLite index, and snapshots as files.

WAL with synchronous=FULL: a commit returns when the log is on the disk. The index (client ids,
records of accounts) has a file of its own, so that the random places of an index are never on the
way of an acknowledgement; it is written in large steps and read by anyone. Readers never hold a
transaction longer than a few thousand rows, so that checkpoints keep the WAL bounded.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, Final

from counterpoise.adapters.store import snapshot_files
from counterpoise.adapters.store.records import FORMAT, START, Mark, refuse_unknown_format
from counterpoise.adapters.store.store import IndexRows, Known, Snapshot, StoreStopped
from counterpoise.adapters.store.wal import refuse_broken_middle
from counterpoise.values.failure import BadInput, Reason, bad_input

LOG, INDEX, LOCK = "log.sqlite", "index.sqlite", "writer.lock"
_MAKING: Final = ".making"
CHECKPOINT_PAGES: Final = 4096
WAL_BYTES_MAX: Final = 64 << 20
_ASKED_AT_ONCE: Final = 500
_ROWS_AT_ONCE: Final = 256
"""Two values each, of which older SQLite takes 999 in a statement; a power of two, since what is
left goes in halves, so that few different statements are prepared."""
_LOG_SCHEMA: Final = """
CREATE TABLE log (number INTEGER PRIMARY KEY, frame BLOB NOT NULL);
CREATE TABLE mark (name TEXT PRIMARY KEY, number INTEGER NOT NULL, hash BLOB NOT NULL);
"""
_INDEX_SCHEMA: Final = """
CREATE TABLE id (id TEXT PRIMARY KEY, number INTEGER NOT NULL, content BLOB NOT NULL)
    WITHOUT ROWID;
CREATE TABLE touched (account TEXT, number INTEGER, PRIMARY KEY (account, number)) WITHOUT ROWID;
CREATE TABLE reach (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL);
INSERT INTO reach VALUES (1, 0);
"""
Connect = Callable[..., Any]


def create(folder: str | os.PathLike[str]) -> None:
    """Make an empty store in a folder that does not exist or is empty.

    The log's file gets its name last: a folder without it, in which a process died, is made anew.

    Raises
    ------
    BadInput
        If there is something already, another process makes it, or it cannot be written.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not unmade(path):
            raise bad_input(Reason.BAD_VALUE, str(path), "is not empty; name a new folder")
        with closing(_locked(path)):
            if (path / LOG).exists():
                raise bad_input(Reason.BAD_VALUE, str(path), "is not empty; name a new folder")
            (path / snapshot_files.FOLDER).mkdir(exist_ok=True)
            for name, schema in ((INDEX, _INDEX_SCHEMA), (LOG, _LOG_SCHEMA)):
                _make(path / name, schema)
            snapshot_files.sync_folder(path)
    except (OSError, sqlite3.Error) as error:
        raise bad_input(Reason.UNREADABLE, str(path), f"cannot be made ({error})") from None


def _make(path: Path, schema: str) -> None:
    """Make a database beside its name, whole on the disk, and give it its name."""
    partial = path.with_name(path.name + _MAKING)
    for left in path.parent.glob(partial.name + "*"):
        left.unlink()
    connection = sqlite3.connect(partial, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(f"BEGIN;{schema}PRAGMA user_version={FORMAT};COMMIT")
    connection.close()
    os.replace(partial, path)


def is_made(folder: str | os.PathLike[str]) -> bool:
    """Return whether a folder holds a log."""
    return (Path(folder) / LOG).is_file()


def unmade(folder: str | os.PathLike[str]) -> bool:
    """Return whether a store can be made: no folder, an empty one, or one begun and not ended."""
    path = Path(folder)
    if not path.exists():
        return True
    return path.is_dir() and all(
        one.name.startswith((INDEX, LOG + _MAKING, LOCK))
        or one.name == snapshot_files.FOLDER and one.is_dir() and not any(one.iterdir())
        for one in path.iterdir())


def opened(folder: str | os.PathLike[str], *,
           formats: tuple[int, ...] = (FORMAT,)) -> "SqliteStore":
    """Return the store in a folder, for reading; `formats` are those that the caller can read.

    Raises
    ------
    BadInput
        If there is none, it is damaged, or its format is unknown.
    """
    return SqliteStore(Path(folder), mode="ro", formats=formats)


def owned(folder: str | os.PathLike[str], *, connect: Connect = sqlite3.connect) -> "SqliteStore":
    """Return the store in a folder, for writing: by this process alone until it is closed.

    `connect` opens the log; tests put a failing disk there.

    Raises
    ------
    BadInput
        As `opened`, or if another process writes.
    """
    return SqliteStore(Path(folder), mode="rw", connect=connect)


class SqliteStore:
    """A `Store` in a folder; see `create`, `opened` and `owned`."""

    def __init__(self, folder: Path, *, mode: str, connect: Connect = sqlite3.connect,
                 formats: tuple[int, ...] = (FORMAT,)) -> None:
        if not (folder / LOG).is_file():
            raise bad_input(Reason.UNREADABLE, str(folder), "holds no event log; check the path")
        self.place = str(folder)
        self._folder, self._writing, self._stopped = folder, mode == "rw", False
        self._guard = threading.Lock()
        self._lock = _locked(folder) if self._writing else None
        try:
            if self._writing or _is_unwritten(folder):
                refuse_broken_middle(folder / f"{LOG}-wal")
            self._log = _connected(folder / LOG, mode, connect)
            self._reader = _connected(folder / LOG, "ro", sqlite3.connect)
            refuse_unknown_format(self.place, self.format(), formats)
            self._refuse_lost_end()
            self._index, self._asked = self._indexes(mode)
        except sqlite3.Error as error:
            self.close()
            raise _damaged(self.place, error) from None
        except BadInput:
            self.close()
            raise

    def _indexes(self, mode: str) -> tuple[Any, Any]:
        """Return the index for writing and for reading; a writer makes a missing one anew."""
        if not (self._folder / INDEX).is_file():
            if not self._writing:
                raise _index_damaged(self.place, "there is no such file")
            if self.foot() != START:
                raise bad_input(Reason.UNREADABLE, self.place, f"has lost {INDEX}, which alone "
                                "has the client ids of the records that were forgotten; restore "
                                "a backup")
            for left in self._folder.glob(f"{INDEX}-*"):
                left.unlink()
            _make(self._folder / INDEX, _INDEX_SCHEMA)
        try:
            return tuple(_connected(self._folder / INDEX, how, sqlite3.connect)
                         for how in (mode, "ro"))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise _index_damaged(self.place, error) from None

    def _refuse_lost_end(self) -> None:
        last = self._read(self._reader, "SELECT max(number) FROM log")[0][0]
        head = self.head().number
        if head != (last if last is not None else self.foot().number):
            raise bad_input(Reason.UNREADABLE, self.place, f"should reach to record {head} and "
                            f"ends at {last}; the log was cut: restore a backup")

    def format(self) -> int:
        """Return the version of the log's format."""
        return int(self._read(self._reader, "PRAGMA user_version")[0][0])

    def head(self) -> Mark:
        """Return the mark of the last durable record."""
        return self._mark("head", self.foot())

    def foot(self) -> Mark:
        """Return the mark before the first record that is kept."""
        return self._mark("foot", START)

    def _mark(self, name: str, otherwise: Mark) -> Mark:
        rows = self._read(self._reader, "SELECT number, hash FROM mark WHERE name = ?", name)
        if rows and list(map(type, rows[0])) != [int, bytes]:
            raise _damaged(self.place, f"the mark of its {name} is no mark")
        return Mark(number=rows[0][0], hash=rows[0][1]) if rows else otherwise

    def commit(self, frames: Sequence[bytes], head: Mark, sent: int) -> None:
        """Append frames and marks in one transaction; durable when it returns."""
        first = head.number - len(frames) + 1
        with self._writes(self._log) as log:
            _insert(log, first, frames)
            log.executemany("INSERT OR REPLACE INTO mark VALUES (?, ?, ?)",
                            (("head", head.number, head.hash), ("sent", sent, b"")))

    def _writes(self, connection: Any) -> "_Transaction":
        if self._stopped or not self._writing:
            raise StoreStopped(f"{self.place} takes nothing more; open it again")
        return _Transaction(connection, self)

    def stop(self) -> None:
        """Take nothing more: what the last write left is known only on reopening."""
        self._stopped = True

    def frames(self, after: int, limit: int) -> list[bytes]:
        """Return at most `limit` frames after a number."""
        rows = self._read(self._reader, "SELECT number, frame FROM log WHERE number > ? "
                          "ORDER BY number LIMIT ?", after, limit)
        # A damaged cell may be of any type: as no bytes at all it is refused where it is read.
        return [frame if isinstance(frame, bytes) else b"" for _, frame in rows]

    def sent(self) -> int:
        """Return the number up to which effects were sent."""
        rows = self._read(self._reader, "SELECT number FROM mark WHERE name = 'sent'")
        return int(rows[0][0]) if rows else 0

    def index(self, rows: IndexRows) -> None:
        """Add to the index; again is harmless."""
        with self._writes(self._index) as index:
            index.executemany("INSERT OR IGNORE INTO id VALUES (?, ?, ?)", sorted(rows.ids))
            index.executemany("INSERT OR IGNORE INTO touched VALUES (?, ?)", sorted(rows.touched))
            index.execute("UPDATE reach SET number = max(number, ?)", (rows.upto,))

    def unindex(self, ids: Sequence[str]) -> None:
        """Forget what the index has of these ids and of all records after `foot`."""
        foot = self.foot().number
        with self._writes(self._index) as index:
            for table in ("id", "touched"):
                index.execute(f"DELETE FROM {table} WHERE number > ? OR ? = 0", (foot, foot))
            index.executemany("DELETE FROM id WHERE id = ?", ((name,) for name in ids))
            index.execute("UPDATE reach SET number = ?", (foot,))

    def indexed(self) -> int:
        """Return the number of the last record that the index has."""
        return int(self._read(self._asked, "SELECT number FROM reach")[0][0])

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Return what the index knows of these client ids."""
        found: dict[str, Known] = {}
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            some = ids[start:start + _ASKED_AT_ONCE]
            rows = self._read(self._asked, "SELECT id, number, content FROM id WHERE id IN "
                              f"({', '.join('?' * len(some))})", *some)
            found |= {name: Known(number, content) for name, number, content in rows}
        return found

    def numbers_of(self, account: str, after: int, limit: int) -> list[int]:
        """Return numbers of records of an account, ascending."""
        rows = self._read(self._asked, "SELECT number FROM touched WHERE account = ? AND "
                          "number > ? ORDER BY number LIMIT ?", account, after, limit)
        return [number for (number,) in rows]

    def id_rows(self, after: str, limit: int) -> list[tuple[str, int, bytes]]:
        """Return rows of the index by client id after an id."""
        return self._read(self._asked, "SELECT id, number, content FROM id WHERE id > ? "
                          "ORDER BY id LIMIT ?", after, limit)

    def keep(self, snapshot: Snapshot, state: bytes) -> None:
        """Keep a snapshot, durably and whole or not at all."""
        snapshot_files.keep(self._folder, snapshot, state)

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return the snapshots that are kept, oldest first."""
        return snapshot_files.listed(self._folder)

    def state(self, snapshot: Snapshot) -> bytes:
        """Return the bytes of a snapshot, not verified."""
        return snapshot_files.state(self._folder, snapshot)

    def drop(self, snapshot: Snapshot) -> None:
        """Forget a snapshot."""
        snapshot_files.drop(self._folder, snapshot)

    def forget(self, foot: Mark) -> None:
        """Forget the records up to and with `foot`."""
        with self._writes(self._log) as log:
            log.execute("DELETE FROM log WHERE number <= ?", (foot.number,))
            log.execute("INSERT OR REPLACE INTO mark VALUES ('foot', ?, ?)",
                        (foot.number, foot.hash))

    def close(self) -> None:
        """Let go of the folder; the last to go can write, so that the WAL ends with it."""
        for name in ("_reader", "_asked", "_index", "_log", "_lock"):
            connection = getattr(self, name, None)
            if connection is not None:
                connection.close()

    def _read(self, connection: Any, sql: str, *given: Any) -> list[Any]:
        try:
            with self._guard:
                return list(connection.execute(sql, given).fetchall())
        except sqlite3.Error as error:
            of_index = connection is getattr(self, "_asked", None)
            raise (_index_damaged if of_index else _damaged)(self.place, error) from None


def _insert(log: Any, first: int, frames: Sequence[bytes]) -> None:
    """Append frames, many by one statement: between two the thread may have to wait its turn."""
    at, rows = 0, _ROWS_AT_ONCE
    while at < len(frames):
        while rows > len(frames) - at:
            rows //= 2
        log.execute("INSERT INTO log VALUES (?, ?)" + ", (?, ?)" * (rows - 1), list(
            chain.from_iterable(enumerate(frames[at:at + rows], first + at))))
        at += rows


class _Transaction:
    """Begin on entering; commit on leaving, or stop the store where anything fails."""

    def __init__(self, connection: Any, store: SqliteStore) -> None:
        self._connection, self._store = connection, store

    def __enter__(self) -> Any:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._fail(error)
        return self._connection

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None:
            try:
                self._connection.execute("COMMIT")
                return
            except sqlite3.Error as failed:
                error = failed
        self._fail(error)

    def _fail(self, error: BaseException) -> None:
        # No rollback and no second try: after a failed fsync nobody knows what the disk has.
        self._store.stop()
        if not isinstance(error, sqlite3.Error):
            raise error
        raise StoreStopped(f"{self._store.place} could not be written ({error}); what was not "
                           "acknowledged may be lost, open it again") from error


def _connected(path: Path, mode: str, connect: Connect) -> Any:
    made = connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None,
                   check_same_thread=False, timeout=30.0)
    for pragma in ("synchronous=FULL", "fullfsync=1", "checkpoint_fullfsync=1",
                   f"wal_autocheckpoint={CHECKPOINT_PAGES}", f"journal_size_limit={WAL_BYTES_MAX}",
                   "cache_size=-65536"):
        made.execute(f"PRAGMA {pragma}")
    if made.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        made.execute("PRAGMA journal_mode=WAL")
    return made


def _locked(folder: Path) -> sqlite3.Connection:
    """Hold the folder's lock: a transaction that the system ends with the process."""
    lock = sqlite3.connect(folder / LOCK, isolation_level=None, timeout=1.0,
                           check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        lock.close()
        raise bad_input(Reason.NOT_APPLICABLE, str(folder), "is being written by another process; "
                        "one at a time may") from None
    return lock


def _is_unwritten(folder: Path) -> bool:
    """Return whether nobody writes: then the WAL stands still and can be judged."""
    try:
        _locked(folder).close()
        return True
    except (BadInput, sqlite3.Error):
        return False


def _damaged(place: str, error: Exception | str) -> BadInput:
    # What is only operational, SQLite's word, may be a disk that is full or not there.
    first = ("see that the disk has room and that the folder can be read and written, else "
             if isinstance(error, sqlite3.OperationalError) else "")
    return bad_input(Reason.UNREADABLE, place, f"cannot be read as an event log ({error}); {first}"
                     "restore a backup")


def _index_damaged(place: str, error: Exception | str) -> BadInput:
    return bad_input(Reason.UNREADABLE, place, f"has an index that cannot be read ({error}); its "
                     f"log is another file: move {INDEX} away, and what writes next makes it again "
                     "from the log")
