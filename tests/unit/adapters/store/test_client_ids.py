"""Is an index of client ids that was damaged found, told, and made again from the log?"""

import json
import sqlite3
from contextlib import closing

import pytest

from counterpoise.adapters.store import places
from counterpoise.adapters.store.client_ids import compared, cure, reindexed
from counterpoise.adapters.store.conformance import HEADER, event
from counterpoise.adapters.store.history import records
from counterpoise.adapters.store.journal import Batch, open_journal
from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.cli.output import ANSWERED, JUDGED_AGAINST
from counterpoise.values.failure import BadInput
from price_table import write_prices
from store_places import in_folders, on_server

COUNT = 40
DAMAGES = {
    "DELETE FROM id WHERE id = 'e7'": "client id 'e7' is missing in the index; record 9 has it",
    "UPDATE id SET number = 12 WHERE id = 'e7'":
        "client id 'e7' points in the index to record 12; record 9 has it",
    "UPDATE id SET number = 0 WHERE id = 'e7'":
        "client id 'e7' points in the index to record 0; record 9 has it",
    "UPDATE id SET content = '0123456789abcdef' WHERE id = 'e7'":
        "client id 'e7' has in the index another content than in record 9",
    "INSERT INTO id VALUES ('alien', 12, '0123456789abcdef')":
        "client id 'alien' stands in the index for record 12, which does not have it",
    "INSERT INTO id VALUES ('later', 99, '0123456789abcdef')":
        "client id 'later' stands in the index for record 99",
}


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request, tmp_path):
    if request.param == "sqlite":
        return in_folders(tmp_path)
    return on_server(request.getfixturevalue("postgres_server"))


def told(*numbers):
    return tuple(event(f"e{k}", b"%d" % k, accounts=(f"a{k % 3}",)) for k in numbers)


def lived(backend, *, forget=0):
    """Write a log, forgetting its first records; return its place."""
    journal = open_journal(backend.fresh(), header=HEADER)
    journal.append(Batch(events=told(*range(COUNT))))
    marks = [mark for _, mark in records(journal.store)]
    journal.close()
    if forget:
        with closing(places.owned(journal.store.place)) as store:
            store.forget(marks[forget - 1])
    return journal.store.place


def spoil(place, statement):
    """Damage the index of a store behind its back."""
    if "://" in place:
        import psycopg

        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(statement)
        return
    with closing(sqlite3.connect(f"{place}/index.sqlite")) as index:
        index.execute(statement.replace("'0123456789abcdef'", "x'" + "00" * 16 + "'"))
        index.commit()


def found_at(place):
    with closing(places.opened(place)) as store:
        found = compared(store)
        return found, cure(store, found)


def remade(place):
    with closing(places.owned(place)) as store:
        return reindexed(store)


def test_sound_index_agrees_with_its_log(backend):
    found, _ = found_at(lived(backend))

    assert (COUNT, 0, ()) == (found.ids, found.wrong, found.first)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_index_is_found_and_made_again(backend, damage):
    place = lived(backend)
    spoil(place, damage)
    found, what_to_do = found_at(place)

    assert 1 == found.wrong
    assert DAMAGES[damage] in f"{found.first[0].subject} {found.first[0].sentence}"
    assert "counterpoise reindex" in what_to_do
    assert COUNT == remade(place)
    assert (COUNT, 0) == (found_at(place)[0].ids, found_at(place)[0].wrong)
    journal = open_journal(places.owned(place), header=HEADER)
    assert {f"e{k}": k + 2 for k in range(COUNT)} == journal.screen(told(*range(COUNT))).repeated
    assert [9, 12, 15] == journal.store.numbers_of("a1", 8, 3)
    journal.close()


@pytest.mark.parametrize("statement", [
    "UPDATE id SET number = 3 WHERE id = 'e30'", "DELETE FROM id WHERE id = 'e30'"])
def test_index_is_made_again_around_the_ids_of_forgotten_records(backend, statement):
    place = lived(backend, forget=10)
    spoil(place, statement)

    assert 1 == found_at(place)[0].wrong
    assert COUNT - 9 == remade(place)
    assert (COUNT - 9, 0) == (found_at(place)[0].ids, found_at(place)[0].wrong)
    journal = open_journal(places.owned(place), header=HEADER)
    assert 4 == journal.screen(told(2)).repeated["e2"]
    journal.close()


def test_id_in_no_record_may_be_of_a_forgotten_one_so_that_nothing_is_made_again(backend):
    place = lived(backend, forget=10)
    spoil(place, "UPDATE id SET number = 20 WHERE id = 'e2'")

    assert "restore a backup" in found_at(place)[1]
    with pytest.raises(BadInput, match="has forgotten records"):
        remade(place)
    assert 1 == found_at(place)[0].wrong


def test_id_that_a_damaged_index_let_in_twice_is_told_with_both_records(backend):
    place = lived(backend)
    spoil(place, "DELETE FROM id WHERE id = 'e7'")
    journal = open_journal(places.owned(place), header=HEADER)
    journal.append(Batch(events=told(7)))
    journal.close()
    remade(place)

    assert f"stands in the log twice, at records 9 and {COUNT + 2}" in (
        found_at(place)[0].first[0].sentence)


def test_many_wrong_ids_are_counted_and_the_first_are_named(backend):
    place = lived(backend)
    spoil(place, "DELETE FROM id")
    found, _ = found_at(place)

    assert (0, COUNT, 20) == (found.ids, found.wrong, len(found.first))


def test_index_that_reaches_beyond_its_log_is_told_and_made_again(backend):
    place = lived(backend)
    spoil(place, "UPDATE mark SET number = 99 WHERE name = 'reach'" if "://" in place
          else "UPDATE reach SET number = 99")
    with pytest.raises(BadInput, match="counterpoise reindex"):
        found_at(place)

    assert COUNT == remade(place)
    assert 0 == found_at(place)[0].wrong


def test_what_is_indexed_while_it_is_read_is_no_fault(backend):
    journal = open_journal(backend.fresh(), header=HEADER)
    journal.append(Batch(events=told(*range(COUNT))))
    with closing(backend.reader(journal.store)) as store:
        def then(found):
            yield from found
            journal.close()

        assert 0 == compared(store, tracked=then).wrong
        assert COUNT + 1 == store.indexed()


def test_verify_says_what_to_do_and_reindex_does_it(tmp_path, capsys):
    place = str(tmp_path / "store")
    run = ["run", place, "--accounts", "4", "--steps", "2", "--json", "--market",
           write_prices(tmp_path / "prices.csv", minutes=10)]
    assert ANSWERED == answered(run)
    with closing(sqlite3.connect(f"{place}/index.sqlite")) as index:
        name, = index.execute("SELECT id FROM id ORDER BY number LIMIT 1").fetchone()
    spoil(place, f"DELETE FROM id WHERE id = '{name}'")
    capsys.readouterr()

    assert JUDGED_AGAINST == answered(["verify", place])
    said = capsys.readouterr().out
    assert f"client id '{name}' is missing in the index; record 2 has it" in said
    assert f"counterpoise reindex {place}" in said and "the log leads where it says" in said
    assert JUDGED_AGAINST == answered(["verify", place, "--json"])
    assert 1 == json.loads(capsys.readouterr().out)["client_ids"]["wrong"]
    assert ANSWERED == answered(["reindex", place])
    assert "client ids of the log again" in capsys.readouterr().out
    assert ANSWERED == answered(["verify", place])
    assert "client ids of the log stand in its index" in capsys.readouterr().out
