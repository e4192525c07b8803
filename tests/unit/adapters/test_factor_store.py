"""Is a factor history kept to the bit, with its gaps, and is a spoiled file refused?"""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from counterpoise.adapters.factor_store import (
    KEY,
    appended,
    read_factor_record,
    record_digest,
    write_factor_record,
)
from counterpoise.calibration.factor_levels import Levels, record_of
from counterpoise.calibration.simulated_history import simulated_record
from counterpoise.scenarios.factors import Factor
from counterpoise.values.failure import BadInput
from counterpoise.values.time import instant_of_day

BTC, ETH = (Factor(subject=s, kind="price") for s in ("BTC", "ETH"))


def record(days, factor=BTC, source="one"):
    days = np.array(days, np.int64)
    return record_of([Levels(factor=factor, day=days, level=np.sin(days), source=source)],
                     source=source)


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "factors.parquet"
    write_factor_record(path, simulated_record(days=1000))
    return path


def test_record_comes_back_to_the_bit(kept):
    assert simulated_record(days=1000) == read_factor_record(kept)


def test_same_history_has_the_same_digest_and_one_changed_bit_another(tmp_path):
    one = record([1, 2, 3, 5, 6])
    digest = write_factor_record(tmp_path / "a.parquet", one)

    assert digest == record_digest(read_factor_record(tmp_path / "a.parquet"))
    assert digest == record_digest(record([1, 2, 3, 5, 6])) != record_digest(record([1, 2, 3, 5]))
    assert digest != record_digest(record([1, 2, 3, 5, 6], source="two"))


def test_file_is_readable_by_any_table_tool(kept):
    import duckdb

    count, last = duckdb.sql("SELECT count(\"BTC price\"), max(epoch_us(day)) "
                             f"FROM '{kept}'").fetchall()[0]
    assert (997, instant_of_day(2026, 1, 1) // 1000 - 1) == (count, last)


def test_days_are_added_after_the_old_ones_and_the_hole_is_a_gap():
    both = appended(record([1, 2, 3]), record([6, 7, 8]))
    gap = both.coverage[0].gaps[0]

    assert record([1, 2, 3, 6, 7, 8]).history.move.ravel().tolist() == (
        both.history.move.ravel().tolist())
    assert (4, 6, "between what was stored and what was added") == (
        gap.first_day, gap.last_day, gap.why)
    assert (4, 3) == (both.coverage[0].known, both.coverage[0].missing)


def test_adding_what_is_known_changes_nothing():
    one = record([1, 2, 3, 5, 6])

    assert one == appended(one, one) == appended(one, record([2, 3]))


def test_reasons_and_series_of_both_parts_are_kept():
    both = appended(record([1, 2, 4, 5]), record([4, 5, 6, 7], source="two"))
    row = both.coverage[0]

    assert record([1, 2, 4, 5]).coverage[0].gaps == row.gaps
    assert (("one", 2), ("added later: two", 2)) == row.series and 4 == row.known


def test_new_factor_is_unknown_on_the_old_days():
    both = appended(record([1, 2, 3]), record([3, 4, 5], factor=ETH))

    assert (BTC, ETH) == both.history.factors
    np.testing.assert_array_equal(np.isfinite(both.history.move),
                                  [[True, False], [True, False], [False, True], [False, True]])


def test_recorded_day_is_not_rewritten():
    other = record_of([Levels(factor=BTC, day=np.array([2, 3]), level=np.zeros(2), source="x")],
                      source="x")

    with pytest.raises(BadInput, match="BTC price 1970-01-04.*build the store anew"):
        appended(record([1, 2, 3]), other)


def rewritten(kept, change):
    table = pq.read_table(kept)
    about = json.loads(table.schema.metadata[KEY])
    table, about = change(table, about) or (table, about)
    text = about if isinstance(about, bytes) else json.dumps(about).encode()
    pq.write_table(table.replace_schema_metadata({KEY: text}), kept)


def edited(table, about):
    column = table.column("BTC price").to_numpy().copy()
    column[5] = -0.9
    return table.set_column(1, "BTC price", [column]), about


@pytest.mark.parametrize(("change", "words"), [
    (edited, "damaged or edited"),
    (lambda t, a: (t.slice(0, 500), a), "another number of moves"),
    (lambda t, a: (t, a | {"source": "observed"}), "damaged or edited"),
    (lambda t, a: (t, b"not json"), "no factor history"),
    (lambda t, a: (t, b"[" * 100_000), "no factor history"),
    (lambda t, a: (t, a | {"format": "factor history 9"}), "no factor history"),
    (lambda t, a: (t, {"format": a["format"]}), "lacks a part"),
    (lambda t, a: (t, a | {"coverage": 7}), "lacks a part"),
    (lambda t, a: (t, a | {"coverage": a["coverage"][:-1]}), "lacks a part"),
    (lambda t, a: (t.rename_columns(["day", "__import__", *t.column_names[2:]]), a), "no kind"),
    (lambda t, a: (t.rename_columns(["x", *t.column_names[1:]]), a), "lacks a part"),
    (lambda t, a: (t.set_column(1, "BTC price", [["no"] * len(t)]), a), "lacks a part"),
])
def test_spoiled_file_is_refused_with_a_sentence(kept, change, words):
    rewritten(kept, change)

    with pytest.raises(BadInput, match=words):
        read_factor_record(kept)


def test_cut_foreign_and_absent_files_are_refused(kept, tmp_path):
    whole = kept.read_bytes()
    for size in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        kept.write_bytes(whole[:size])
        with pytest.raises(BadInput, match="factor history"):
            read_factor_record(kept)
    kept.write_text("symbol,close\nBTC,1\n")
    for path in (kept, tmp_path / "none.parquet", tmp_path):
        with pytest.raises(BadInput, match="factor history"):
            read_factor_record(path)


def test_flipped_bytes_never_give_another_history(kept):
    whole, right = kept.read_bytes(), read_factor_record(kept)
    chance = np.random.default_rng(1)
    for _ in range(60):
        spoiled = bytearray(whole)
        spoiled[chance.integers(len(whole))] ^= 1 << int(chance.integers(8))
        kept.write_bytes(bytes(spoiled))
        try:
            assert right == read_factor_record(kept)
        except BadInput:
            pass


def test_failed_write_leaves_the_old_file(kept, tmp_path):
    before = kept.read_bytes()

    with pytest.raises(BadInput, match="cannot be written"):
        write_factor_record(tmp_path / "no folder" / "f.parquet", record([1, 2]))
    assert before == kept.read_bytes() and [kept] == list(tmp_path.iterdir())
