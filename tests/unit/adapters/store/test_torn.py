"""What does a damaged file lead to? A torn end is forgotten, a broken middle is refused."""

import random
import shutil
from contextlib import closing

import pytest

from counterpoise.adapters.store import journal as journal_module
from counterpoise.adapters.store import sqlite
from counterpoise.adapters.store.conformance import HEADER, event
from counterpoise.adapters.store.history import records, verified_chain
from counterpoise.adapters.store.journal import Batch, open_journal
from counterpoise.values.failure import BadInput

BATCHES = 6


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """Return a copy of a store whose writer died, the sizes of its WAL and marks at each batch."""
    folder = tmp_path_factory.mktemp("torn")
    sqlite.create(folder / "live")
    journal = open_journal(sqlite.owned(folder / "live"), header=HEADER)
    wal = folder / "live" / f"{sqlite.LOG}-wal"
    sizes, marks = [], []
    for k in range(BATCHES):
        marks.append(journal.append(Batch(events=tuple(
            event(f"b{k}-{i}", random.Random(i).randbytes(150)) for i in range(40)))))
        sizes.append(wal.stat().st_size)
    shutil.copytree(folder / "live", folder / "dead")
    journal.close()
    return folder / "dead", sizes, marks


def damaged(crashed, folder, change):
    """Return a copy of the dead store whose WAL was changed."""
    target = folder / "copy"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(crashed[0], target)
    wal = target / f"{sqlite.LOG}-wal"
    content = bytearray(wal.read_bytes())
    change(content)
    wal.write_bytes(bytes(content))
    return target


def recovered(folder):
    """Return the mark to which a store opened for writing reaches, its chain verified."""
    journal = open_journal(sqlite.owned(folder), header=HEADER)
    try:
        assert verified_chain(journal.store) == journal.head
        return journal.head
    finally:
        journal.close()


def test_untouched_wal_is_recovered_whole(crashed, tmp_path):
    assert crashed[2][-1] == recovered(damaged(crashed, tmp_path, lambda content: None))


def test_every_torn_last_write_leaves_exactly_what_was_acknowledged_before(crashed, tmp_path):
    _, sizes, marks = crashed
    chance = random.Random(3)
    for cut in chance.sample(range(sizes[-2], sizes[-1]), 25):
        def tear(content, cut=cut):
            del content[cut:]

        assert marks[-2] == recovered(damaged(crashed, tmp_path, tear))


def test_last_write_torn_out_of_order_leaves_what_was_acknowledged_before(crashed, tmp_path):
    _, sizes, marks = crashed
    chance = random.Random(4)
    for at in chance.sample(range(sizes[-2], sizes[-1]), 25):
        def tear(content, at=at):
            content[at] ^= 0x10

        found = recovered(damaged(crashed, tmp_path, tear))

        assert marks[-2] == found


def test_rubbish_after_the_last_write_changes_nothing(crashed, tmp_path):
    def litter(content):
        content += random.Random(5).randbytes(10_000)

    assert crashed[2][-1] == recovered(damaged(crashed, tmp_path, litter))


def test_bit_flip_in_an_acknowledged_write_is_refused_and_stays_refused(crashed, tmp_path):
    _, sizes, _ = crashed
    chance = random.Random(6)
    for at in [0, 8, 20, *chance.sample(range(32, sizes[-2] - 4096), 40)]:
        def flip(content, at=at):
            content[at] ^= 1 << chance.randrange(8)

        folder = damaged(crashed, tmp_path, flip)
        for _ in range(2):
            with pytest.raises(BadInput, match="damaged in the middle"):
                recovered(folder)
        with pytest.raises(BadInput, match="damaged in the middle"):
            sqlite.opened(folder)


def test_log_cut_behind_an_acknowledgement_is_found_by_its_mark(crashed, tmp_path):
    _, sizes, marks = crashed

    def cut(content):
        del content[sizes[2]:]

    folder = damaged(crashed, tmp_path, cut)
    with closing(sqlite.opened(folder)) as store:
        assert marks[2] == verified_chain(store, witness=marks[1])
        with pytest.raises(BadInput, match="the log was cut or replaced"):
            verified_chain(store, witness=marks[4])


def test_flipped_bits_of_the_file_are_refused_or_change_nothing(crashed, tmp_path):
    clean = tmp_path / "clean"
    shutil.copytree(crashed[0], clean)
    head = recovered(clean)
    wanted = list(read(clean))
    chance = random.Random(8)
    content = (clean / sqlite.LOG).read_bytes()
    refused = 0
    for _ in range(150):
        bad = bytearray(content)
        at = chance.randrange(len(bad))
        bad[at] ^= 1 << chance.randrange(8)
        (clean / sqlite.LOG).write_bytes(bytes(bad))
        try:
            assert wanted == list(read(clean))
        except BadInput:
            refused += 1

    assert head.number == wanted[-1].number
    assert refused > 75


def rid_of_index(folder):
    """Move the index away, as a person would."""
    (folder / sqlite.INDEX).rename(folder.parent / "moved")


def test_lost_index_is_made_again_from_the_log(crashed, tmp_path):
    folder = damaged(crashed, tmp_path, lambda content: None)
    rid_of_index(folder)
    with pytest.raises(BadInput, match="has an index that cannot be read"):
        sqlite.opened(folder)
    assert crashed[2][-1] == recovered(folder)

    again = open_journal(sqlite.owned(folder), header=HEADER)
    known = event("b0-0", random.Random(0).randbytes(150))
    assert {"b0-0": 2} == again.screen([known]).repeated
    assert again.store.indexed() == again.head.number
    again.close()


def test_opening_brings_the_index_up_to_a_log_whose_writers_died(crashed, tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "UNINDEXED_MAX", 70)
    folder = damaged(crashed, tmp_path, lambda content: None)
    again = open_journal(sqlite.owned(folder), header=HEADER)
    head, reach = again.head.number, again.store.indexed()
    known = [event(f"b{k}-0", random.Random(0).randbytes(150)) for k in range(BATCHES)]
    found = again.screen([*known, event("new", b"")])

    assert reach > 0 and reach % 70 == 0 and head - reach < 70
    assert {f"b{k}-0": 2 + 40 * k for k in range(BATCHES)} == found.repeated
    assert ["new"] == [e.client_id for e in found.fresh]
    again.append(Batch(events=found.fresh))
    again.close()
    with closing(sqlite.opened(folder)) as store:
        assert store.indexed() == store.head().number == head + 1
        assert {2 + 40 * k for k in range(BATCHES)} == {
            k.number for k in store.known([e.client_id for e in known]).values()}


def test_damaged_index_is_told_apart_from_a_damaged_log(crashed, tmp_path):
    folder = damaged(crashed, tmp_path, lambda content: None)
    recovered(folder)
    (folder / sqlite.INDEX).write_bytes(b"rubbish" * 2000)
    with pytest.raises(BadInput, match="move index.sqlite away"):
        sqlite.owned(folder)
    rid_of_index(folder)

    assert crashed[2][-1] == recovered(folder)


def test_lost_index_of_forgotten_records_is_refused(crashed, tmp_path):
    folder = damaged(crashed, tmp_path, lambda content: None)
    recovered(folder)
    with closing(sqlite.owned(folder)) as store:
        store.forget(crashed[2][0])
    rid_of_index(folder)

    with pytest.raises(BadInput, match="forgotten; restore a backup"):
        sqlite.owned(folder)


def test_truncated_file_is_refused(crashed, tmp_path):
    clean = tmp_path / "clean"
    shutil.copytree(crashed[0], clean)
    recovered(clean)
    content = (clean / sqlite.LOG).read_bytes()
    for size in (0, 50, 4096, len(content) // 2, len(content) - 4096):
        (clean / sqlite.LOG).write_bytes(content[:size])
        with pytest.raises(BadInput):
            list(read(clean))


def read(folder):
    with closing(sqlite.opened(folder)) as store:
        yield from (record for record, _ in records(store))
