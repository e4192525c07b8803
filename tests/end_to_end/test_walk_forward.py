"""`counterpoise calibrate --as-of` and `--every`: dated files that know nothing of the future."""

import json

import pytest

from counterpoise.adapters.factor_store import write_factor_record
from counterpoise.adapters.parameters import parameters_of
from counterpoise.apps.cli.dispatch import answered
from counterpoise.calibration.simulated_history import simulated_record
from counterpoise.margin.models.dynamic import Dynamic
from counterpoise.values.frozen import replaced
from counterpoise.values.time import instant_of_day

TERMS = ["--level", "0.975", "--horizon-days", "1", "--coins", "BTC"]
WALK = [*TERMS, "--every", "20", "--from", "2025-11-01", "--to", "2025-11-25"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def record():
    return simulated_record(days=700)


def shifted(record, day):
    """Return the record with another future: all moves that end after an instant begins."""
    move = record.history.move.copy()
    later = record.history.day >= day
    assert later.any()
    move[later] = 3.0 * move[later] + 0.01
    return replaced(record, history=replaced(record.history, move=move))


def test_another_future_changes_no_file(folder, record, capsys):
    write_factor_record("f.parquet", record)
    write_factor_record("g.parquet", shifted(record, instant_of_day(2025, 11, 21)))
    assert 0 == answered(["calibrate", "f.parquet", *WALK, "--out", "a", "--json"])
    told = json.loads(capsys.readouterr().out)["files"]
    assert 0 == answered(["calibrate", "g.parquet", *WALK, "--out", "b"])
    names = sorted(p.name for p in (folder / "a").iterdir())

    assert ["2025-11-01.json", "2025-11-01.npz", "2025-11-21.json", "2025-11-21.npz"] == names
    for name in names:
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()
    assert [("2025-11-01", "2025-10-31"), ("2025-11-21", "2025-11-20")] == [
        (row["effective_from"], row["as_of"]) for row in told]


def test_another_past_changes_the_file(folder, record, capsys):
    write_factor_record("f.parquet", record)
    write_factor_record("g.parquet", shifted(record, instant_of_day(2025, 11, 20)))
    for history, out in (("f.parquet", "a"), ("g.parquet", "b")):
        assert 0 == answered(["calibrate", history, *WALK, "--out", out])

    same = [(folder / "a" / n).read_bytes() == (folder / "b" / n).read_bytes()
            for n in ("2025-11-01.npz", "2025-11-21.npz")]
    assert [True, False] == same


def test_calibration_as_of_a_day_is_that_of_the_walk(folder, record, capsys):
    write_factor_record("f.parquet", record)
    assert 0 == answered(["calibrate", "f.parquet", *WALK, "--out", "a"])
    assert 0 == answered(["calibrate", "f.parquet", *TERMS, "--as-of", "2025-11-21", "--out",
                          "p.json"])

    assert (folder / "a" / "2025-11-21.npz").read_bytes() == (folder / "p.npz").read_bytes()
    head = json.loads((folder / "p.json").read_text())["sections"][0]
    assert ("2025-11-20", "2025-11-21") == (head["observed_on"], head["effective_from"])


def test_priors_are_named_in_the_file_and_beside_the_answer(folder, capsys):
    record = simulated_record(days=700)
    write_factor_record("f.parquet", record)
    assert 0 == answered(["calibrate", "f.parquet", *TERMS, "--as-of", "2025-11-21", "--out",
                          "p.json", "--report", "r.html"])
    assert "stated priors, our reading" in capsys.readouterr().out
    version = parameters_of(Dynamic(), instant_of_day(2025, 11, 21), file="p.json")

    source = json.loads((folder / "p.json").read_text())["sections"][0]["source"]
    assert "BTC term: stated prior (our reading)" in source
    assert "Stated priors" in (folder / "r.html").read_text()
    assert any("stated priors (our reading) for BTC" in words for _, words in version.notes)


@pytest.mark.parametrize(("typed", "words"), [
    (["--every", "7"], "--from"), (["--from", "2025-01-01"], "--every"),
    (["--every", "0", "--from", "2025-01-01", "--to", "2025-02-01", "--out", "w"], "--every"),
    (["--every", "7", "--from", "2025-02-01", "--to", "2025-01-01", "--out", "w"], "--to"),
    (["--every", "7", "--from", "1999-02-01", "--to", "1999-03-01", "--out", "w"], "before"),
    (["--every", "7", "--from", "soon", "--to", "2025-01-01", "--out", "w"], "--from"),
    (["--as-of", "2025-01-01", "--until", "2025-01-01"], "--as-of"),
    (["--as-of", "soon"], "--as-of"), (["--prior-days", "-1"], "prior_days"),
])
def test_walk_that_cannot_be_meant_is_refused_before_a_file_is_made(folder, typed, words, capsys):
    assert 2 == answered(["calibrate", *TERMS, *typed])
    assert words in capsys.readouterr().err
    assert not (folder / "w").exists()
