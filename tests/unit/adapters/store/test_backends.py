"""Do both backends keep every promise, and refuse what they must not touch?"""

import sqlite3
from contextlib import closing

import pytest

from counterpoise.adapters.store import places, postgres, sqlite
from counterpoise.adapters.store.conformance import HEADER, Places, check_store, event
from counterpoise.adapters.store.history import verified_chain
from counterpoise.adapters.store.journal import Batch, open_journal
from counterpoise.adapters.store.postgres_tables import TABLES
from counterpoise.adapters.store.store import Store, StoreStopped
from counterpoise.values.failure import BadInput
from store_places import in_folders, on_server


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request, tmp_path):
    if request.param == "sqlite":
        return in_folders(tmp_path)
    return on_server(request.getfixturevalue("postgres_server"))


def test_backend_keeps_every_promise_of_a_store(backend):
    assert () == check_store(backend, seed=1)


def test_backend_has_every_verb_of_a_store(backend):
    store = backend.fresh()

    assert isinstance(store, Store)
    store.close()


def test_place_is_not_made_over_a_store(backend):
    store = backend.fresh()
    store.close()

    with pytest.raises(BadInput, match="not empty|holds a store already"):
        places.create(store.place)


def test_place_says_which_backend_is_meant(backend):
    store = backend.fresh()
    store.close()
    again = places.owned(store.place)
    reader = places.opened(store.place)

    assert type(store) is type(again) is type(reader)
    again.close()
    reader.close()


def test_unknown_format_refuses_to_start(backend):
    store = backend.fresh()
    store.close()
    if isinstance(store, sqlite.SqliteStore):
        with sqlite3.connect(f"{store.place}/{sqlite.LOG}") as log:
            log.execute("PRAGMA user_version = 9")
        log.close()
    else:
        _tell(store.place, "UPDATE mark SET number = 9 WHERE name = 'format'")

    with pytest.raises(BadInput, match="has log format 9; this program reads 1"):
        places.opened(store.place)


def test_log_begun_by_another_codec_refuses_to_start(backend):
    journal = open_journal(backend.fresh(), header={"codec": 1})
    journal.close()
    store = backend.again(journal.store)

    with pytest.raises(BadInput, match='was begun by {"codec":1}; this program writes {"codec":2}'):
        open_journal(store, header={"codec": 2})
    store.close()


def test_lost_end_of_the_log_is_refused(backend):
    journal = open_journal(backend.fresh(), header=HEADER)
    journal.append(Batch(events=(event("one"), event("two"))))
    journal.close()
    if isinstance(journal.store, sqlite.SqliteStore):
        with sqlite3.connect(f"{journal.store.place}/{sqlite.LOG}") as log:
            log.execute("DELETE FROM log WHERE number = 3")
        log.close()
    else:
        _tell(journal.store.place, "DELETE FROM log WHERE number = 3")

    with pytest.raises(BadInput, match="was cut|is missing"):
        _read_all(journal.store.place)


def test_absent_place_is_refused_with_what_to_check(tmp_path):
    with pytest.raises(BadInput, match="holds no event log; check the path"):
        places.opened(str(tmp_path))


def test_absent_server_is_refused_without_its_password():
    with pytest.raises(BadInput) as refused:
        places.opened("postgresql://me:secret@127.0.0.1:1/none")

    assert "secret" not in str(refused.value)
    assert "cannot be read" in str(refused.value)


def test_place_is_named_without_a_password():
    assert "postgresql://me:***@host/log" == postgres.shown("postgresql://me:secret@host/log")


def test_server_without_fsync_is_refused(postgres_server):
    address = postgres_server.schema()
    postgres.create(address)
    try:
        _tell(address, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        with pytest.raises(BadInput, match="runs with fsync off"):
            _until_refused(address)
    finally:
        _tell(address, "ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()")


def test_tables_of_another_step_are_refused(postgres_server):
    address = postgres_server.schema()
    postgres.create(address)
    _tell(address, "UPDATE alembic_version SET version_num = '0000'")

    with pytest.raises(BadInput, match="has the tables of step 0000; this program knows 0001"):
        postgres.opened(address)


def test_steps_make_the_tables_that_statements_are_written_with(postgres_server):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    address = postgres_server.schema()
    postgres.create(address)
    store = postgres.opened(address)
    with store._engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), TABLES)
    store.close()

    assert [] == found


def test_battery_finds_a_store_that_acknowledges_too_early(tmp_path):
    honest = in_folders(tmp_path)

    def lazy(store):
        store.commit = lambda frames, head, sent: None
        return store

    broken = check_store(Places(fresh=lambda: lazy(honest.fresh()), again=honest.again,
                                reader=honest.reader), seed=1)

    assert "frames do not come back as they were, in order, after a number and up to a limit" \
        in broken


def test_reader_cannot_write(backend):
    store = backend.fresh()
    reader = backend.reader(store)

    with pytest.raises(StoreStopped):
        reader.forget(store.head())
    reader.close()
    store.close()


def _read_all(place):
    with closing(places.opened(place)) as store:
        verified_chain(store)


def _tell(address, *statements):
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def _until_refused(address):
    import time

    for _ in range(100):
        postgres.opened(address).close()
        time.sleep(0.02)
