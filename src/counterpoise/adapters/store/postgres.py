"""The store of a server: PostgreSQL through SQLAlchemy Core and psycopg.

A place is an address, `postgresql://user@host/database`; its search path chooses the schema, so
that one database may hold several. The writer holds an advisory lock of that schema for as long as
its connection lives, and commits with `synchronous_commit` on; a server that runs without fsync is
refused. A lost connection stops the writer: whether the last commit counted is read on reopening.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    LargeBinary,
    Text,
    bindparam,
    create_engine,
    delete,
    func,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from counterpoise.adapters.store.postgres_tables import (
    ID,
    LOG,
    MARK,
    PART,
    SNAPSHOT,
    TOUCHED,
    migrate,
    steps,
)
from counterpoise.adapters.store.records import FORMAT, START, Mark, refuse_unknown_format
from counterpoise.adapters.store.store import (
    IndexRows,
    Known,
    Snapshot,
    SnapshotLost,
    StoreStopped,
)
from counterpoise.values.failure import BadInput, Reason, bad_input

LOCK_SECONDS_MAX: Final = 3.0
"""How long to wait for the lock of a writer that just died: its server process ends a bit later."""
_PART_BYTES: Final = 8 << 20
T = TypeVar("T")


def create(address: str) -> None:
    """Make the tables of an empty store in the schema of an address.

    Raises
    ------
    BadInput
        If there is a store already, or the server cannot be reached.
    """
    engine = _engine(address)
    try:
        with engine.begin() as connection:
            if steps(connection)[0] is not None:
                raise bad_input(Reason.BAD_VALUE, shown(address), "holds a store already; name a "
                                "new schema or database")
            migrate(connection)
            connection.execute(insert(MARK).values(name="format", number=FORMAT, hash=b""))
            connection.execute(insert(MARK).values(name="reach", number=0, hash=b""))
    except SQLAlchemyError as error:
        raise _unreachable(address, error) from None
    finally:
        engine.dispose()


def opened(address: str, *, formats: tuple[int, ...] = (FORMAT,)) -> "PostgresStore":
    """Return the store at an address, for reading; `formats` are those that the caller can read.

    Raises
    ------
    BadInput
        If there is none, it has other tables or another format, or the server is unsafe.
    """
    return PostgresStore(address, _engine(address), None, formats)


def owned(address: str) -> "PostgresStore":
    """Return the store at an address, for writing: by this process alone until it is closed.

    Raises
    ------
    BadInput
        As `opened`, or if another process writes.
    """
    engine = _engine(address)
    try:
        return PostgresStore(address, engine, _locked(address, engine))
    except BadInput:
        engine.dispose()
        raise


class PostgresStore:
    """A `Store` on a server; see `create`, `opened` and `owned`."""

    def __init__(self, address: str, engine: Engine, writer: Connection | None,
                 formats: tuple[int, ...] = (FORMAT,)) -> None:
        self.place = address
        self._engine, self._writer, self._stopped = engine, writer, False
        try:
            self._refuse_unsafe()
            refuse_unknown_format(shown(address), self.format(), formats)
        except (BadInput, StoreStopped) as error:
            self.close()
            if isinstance(error, StoreStopped):
                raise bad_input(Reason.UNREADABLE, shown(address), str(error)) from None
            raise

    def _refuse_unsafe(self) -> None:
        at, newest = self._read(steps)
        if at is None:
            raise bad_input(Reason.UNREADABLE, shown(self.place), "holds no event log; check the "
                            "address and its schema")
        if at != newest:
            raise bad_input(Reason.UNREADABLE, shown(self.place), f"has the tables of step {at}; "
                            f"this program knows {newest}. Run counterpoise upgrade, or take the "
                            "program that wrote it")
        for name in ("fsync", "full_page_writes"):
            if self._rows(text(f"SHOW {name}"))[0][0] != "on":
                raise bad_input(Reason.BAD_VALUE, shown(self.place), f"runs with {name} off: what "
                                f"is acknowledged may be lost. Set {name} = on")

    def format(self) -> int:
        """Return the version of the log's format."""
        return self._number("format")

    def head(self) -> Mark:
        """Return the mark of the last durable record."""
        return self._mark("head") or self.foot()

    def foot(self) -> Mark:
        """Return the mark before the first record that is kept."""
        return self._mark("foot") or START

    def sent(self) -> int:
        """Return the number up to which effects were sent."""
        return self._number("sent")

    def indexed(self) -> int:
        """Return the number of the last record that the index has."""
        return self._number("reach")

    def _number(self, name: str) -> int:
        found = self._rows(select(MARK.c.number).where(MARK.c.name == name))
        return int(found[0][0]) if found else 0

    def _mark(self, name: str) -> Mark | None:
        found = self._rows(select(MARK.c.number, MARK.c.hash).where(MARK.c.name == name))
        return Mark(number=found[0][0], hash=bytes(found[0][1])) if found else None

    def commit(self, frames: Sequence[bytes], head: Mark, sent: int) -> None:
        """Append frames and marks in one transaction; durable when it returns."""
        if self._stopped or self._writer is None:
            raise StoreStopped(f"{shown(self.place)} takes nothing more; open it again")
        first = head.number - len(frames) + 1
        try:
            with self._writer.begin():
                if frames:
                    self._writer.execute(_APPEND, {
                        "numbers": list(range(first, head.number + 1)), "frames": list(frames)})
                for name, number, mark in (("head", head.number, head.hash), ("sent", sent, b"")):
                    self._writer.execute(_set_mark(name, number, mark))
        except SQLAlchemyError as error:
            self._stopped = True
            raise StoreStopped(f"{shown(self.place)} could not be written ({_first_line(error)}); "
                               "what was not acknowledged may be lost, open it again") from error

    def frames(self, after: int, limit: int) -> list[bytes]:
        """Return at most `limit` frames after a number."""
        rows = self._rows(select(LOG.c.frame).where(LOG.c.number > after)
                          .order_by(LOG.c.number).limit(limit))
        return [bytes(frame) for (frame,) in rows]

    def index(self, rows: IndexRows) -> None:
        """Add to the index; again is harmless."""
        with self._writing() as connection:
            if rows.ids:
                names, numbers, contents = zip(*sorted(rows.ids), strict=True)
                connection.execute(_ADD_IDS, {"ids": list(names), "numbers": list(numbers),
                                              "contents": list(contents)})
            if rows.touched:
                accounts, numbers = zip(*sorted(rows.touched), strict=True)
                connection.execute(_ADD_TOUCHED, {"accounts": list(accounts),
                                                  "numbers": list(numbers)})
            connection.execute(MARK.update().where(MARK.c.name == "reach").values(
                number=func.greatest(MARK.c.number, rows.upto)))

    def unindex(self, ids: Sequence[str]) -> None:
        """Forget what the index has of these ids and of all records after `foot`."""
        foot = self.foot().number
        with self._writing() as connection:
            for table in (ID, TOUCHED):
                connection.execute(delete(table).where(table.c.number > foot if foot else true()))
            connection.execute(delete(ID).where(ID.c.id == func.any(
                bindparam("ids", list(ids), type_=ARRAY(Text)))))
            connection.execute(MARK.update().where(MARK.c.name == "reach").values(number=foot))

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Return what the index knows of these client ids."""
        wanted = func.any(bindparam("ids", list(ids), type_=ARRAY(Text)))
        rows = self._rows(select(ID.c.id, ID.c.number, ID.c.content).where(ID.c.id == wanted))
        return {name: Known(number, bytes(content)) for name, number, content in rows}

    def numbers_of(self, account: str, after: int, limit: int) -> list[int]:
        """Return numbers of records of an account, ascending."""
        rows = self._rows(select(TOUCHED.c.number).where(
            TOUCHED.c.account == account, TOUCHED.c.number > after)
            .order_by(TOUCHED.c.number).limit(limit))
        return [number for (number,) in rows]

    def id_rows(self, after: str, limit: int) -> list[tuple[str, int, bytes]]:
        """Return rows of the index by client id after an id."""
        rows = self._rows(select(ID.c.id, ID.c.number, ID.c.content).where(ID.c.id > after)
                          .order_by(ID.c.id).limit(limit))
        return [(name, number, bytes(content)) for name, number, content in rows]

    def keep(self, snapshot: Snapshot, state: bytes) -> None:
        """Keep a snapshot, durably and whole or not at all."""
        number = snapshot.mark.number
        try:
            with self._writing() as connection:
                connection.execute(delete(SNAPSHOT).where(SNAPSHOT.c.number == number))
                connection.execute(delete(PART).where(PART.c.number == number))
                connection.execute(insert(SNAPSHOT).values(
                    number=number, hash=snapshot.mark.hash, root=snapshot.root,
                    digest=snapshot.digest, length=snapshot.length))
                for part, start in enumerate(range(0, len(state), _PART_BYTES)):
                    connection.execute(insert(PART).values(
                        number=number, part=part, bytes=state[start:start + _PART_BYTES]))
        except StoreStopped as error:
            raise SnapshotLost(str(error)) from error

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return the snapshots that are kept, oldest first."""
        rows = self._rows(select(SNAPSHOT.c.number, SNAPSHOT.c.hash, SNAPSHOT.c.root,
                                 SNAPSHOT.c.length, SNAPSHOT.c.digest).order_by(SNAPSHOT.c.number))
        return tuple(Snapshot(mark=Mark(number=number, hash=bytes(mark)), root=bytes(root),
                              length=length, digest=bytes(digest))
                     for number, mark, root, length, digest in rows)

    def state(self, snapshot: Snapshot) -> bytes:
        """Return the bytes of a snapshot, not verified."""
        rows = self._rows(select(PART.c.bytes).where(PART.c.number == snapshot.mark.number)
                          .order_by(PART.c.part))
        return b"".join(bytes(part) for (part,) in rows)

    def drop(self, snapshot: Snapshot) -> None:
        """Forget a snapshot."""
        with self._writing() as connection:
            for table in (SNAPSHOT, PART):
                connection.execute(delete(table).where(table.c.number == snapshot.mark.number))

    def forget(self, foot: Mark) -> None:
        """Forget the records up to and with `foot`."""
        with self._writing() as connection:
            connection.execute(delete(LOG).where(LOG.c.number <= foot.number))
            connection.execute(_set_mark("foot", foot.number, foot.hash))

    def close(self) -> None:
        """Let go of the lock and of the server."""
        if self._writer is not None:
            # Not back into a pool: the lock ends with the connection.
            self._writer.invalidate()
            self._writer.close()
            self._writer = None
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._stopped or self._writer is None:
            raise StoreStopped(f"{shown(self.place)} takes nothing more; open it again")
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreStopped(f"{shown(self.place)} could not be written "
                               f"({_first_line(error)})") from error

    def _rows(self, statement: Any) -> list[Any]:
        return self._read(lambda connection: list(connection.execute(statement).all()))

    def _read(self, question: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                return question(connection)
        except SQLAlchemyError as error:
            raise StoreStopped(f"{shown(self.place)} cannot be read "
                               f"({_first_line(error)})") from error


_APPEND: Final = insert(LOG).from_select(["number", "frame"], select(
    func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))),
    func.unnest(bindparam("frames", type_=ARRAY(LargeBinary)))))
_ADD_IDS: Final = insert(ID).from_select(["id", "number", "content"], select(
    func.unnest(bindparam("ids", type_=ARRAY(Text))),
    func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))),
    func.unnest(bindparam("contents", type_=ARRAY(LargeBinary))))).on_conflict_do_nothing()
_ADD_TOUCHED: Final = insert(TOUCHED).from_select(["account", "number"], select(
    func.unnest(bindparam("accounts", type_=ARRAY(Text))),
    func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))))).on_conflict_do_nothing()


def _set_mark(name: str, number: int, mark: bytes) -> Any:
    made = insert(MARK).values(name=name, number=number, hash=mark)
    return made.on_conflict_do_update(index_elements=["name"], set_={"number": number,
                                                                     "hash": mark})


def _engine(address: str) -> Engine:
    try:
        return create_engine(make_url(address).set(drivername="postgresql+psycopg"),
                             pool_pre_ping=True)
    except ArgumentError:
        raise bad_input(Reason.UNREADABLE, shown(address), "is no address of a database; write it "
                        "like postgresql://user@host/database") from None


def _locked(address: str, engine: Engine) -> Connection:
    """Return the writer's connection, which holds the lock of the schema while it lives."""
    lock = text("SELECT pg_try_advisory_lock(hashtext('counterpoise'), "
                "hashtext(current_schema()))")
    until = time.monotonic() + LOCK_SECONDS_MAX
    try:
        connection = engine.connect()
        while not connection.execute(lock).scalar():
            if time.monotonic() > until:
                connection.close()
                raise bad_input(Reason.NOT_APPLICABLE, shown(address), "is being written by "
                                "another process; one at a time may")
            connection.rollback()
            time.sleep(0.05)
        connection.execute(text("SET SESSION synchronous_commit = on"))
        connection.commit()
        return connection
    except SQLAlchemyError as error:
        raise _unreachable(address, error) from None


def shown(address: str) -> str:
    """Return an address without its password."""
    try:
        return make_url(address).render_as_string(hide_password=True)
    except ArgumentError:
        return address[:60]


def _unreachable(address: str, error: SQLAlchemyError) -> BadInput:
    return bad_input(Reason.UNREADABLE, shown(address), "cannot be reached or used "
                     f"({_first_line(error)})")


def _first_line(error: SQLAlchemyError) -> str:
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(said).split("\n", 1)[0].split())[:200]
