"""`counterpoise calibrate` as a user types it, on a fresh clone without any data."""

import json
import re

import pytest

from counterpoise.adapters.dynamic_file import with_moves
from counterpoise.adapters.factor_store import write_factor_record
from counterpoise.adapters.parameters import version_in
from counterpoise.apps.cli.dispatch import answered
from counterpoise.calibration.simulated_history import simulated_record
from counterpoise.margin.models.dynamic import Dynamic
from counterpoise.values.time import instant_of_day

COINS = ["--coins", "BTC", "USDC"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def history(folder):
    write_factor_record("f.parquet", simulated_record(days=1200))
    return "f.parquet"


def test_parameters_are_written_dated_and_read_by_the_model(folder, history, capsys):
    typed = ["calibrate", history, "--level", "0.98", "--horizon-days", "1", *COINS, "--out",
             "p.json", "--report", "r.html", "--json"]
    assert 0 == answered(typed)
    document = json.loads(capsys.readouterr().out)
    head = json.loads((folder / "p.json").read_text())
    version = version_in(with_moves(head, str(folder)), model=Dynamic(),
                         as_of=instant_of_day(2026, 1, 1))

    assert (0.98, 1.0) == (version.parameters.general.level,
                           version.parameters.general.horizon_days)
    assert version.parameters.general.simulated
    assert {("2025-12-31", "2026-01-01")} == {(o, e) for _, o, e in version.sections}
    assert head["sections"][-1]["values"]["sha256"] == document["arrays_sha256"]
    assert {"BTC price", "USDC peg"} <= {f["factor"] for f in document["factors"]}
    page = (folder / "r.html").read_text()
    assert page.count("<svg") == 6 and "SIMULATED" in page
    assert not re.search(r"<script|src=|<link|@import|href=\"http", page)


def test_same_history_gives_the_same_bytes(folder, history, capsys):
    for name in ("a", "b"):
        (folder / name).mkdir()
        assert 0 == answered(["calibrate", history, "--preset", *COINS, "--out", f"{name}/p.json",
                              "--report", f"{name}/r.html"])

    for file in ("p.json", "p.npz", "r.html"):
        assert (folder / "a" / file).read_bytes() == (folder / "b" / file).read_bytes()


def test_nothing_after_the_day_named_is_used(folder, history, capsys):
    longer = simulated_record(days=1200)
    rows = longer.history.day <= instant_of_day(2025, 7, 1)
    assert 0 < rows.sum() < len(rows)
    assert 0 == answered(["calibrate", history, "--preset", *COINS, "--until", "2025-06-30",
                          "--json"])
    document = json.loads(capsys.readouterr().out)

    assert "2025-06-30" == document["as_of"]
    assert all(m["method"].find("2025-07") < 0 for m in document["moves"].values())


def test_simulated_history_is_the_default_and_said_so(folder, capsys):
    assert 0 == answered(["calibrate", "--preset", *COINS])

    said = capsys.readouterr().out
    assert said.startswith("SIMULATED") and "our reading" in said


@pytest.mark.parametrize(("typed", "words"), [
    ([], "--level"), (["--level", "0.9"], "--horizon-days"),
    (["--level", "1.5", "--horizon-days", "2"], "--level"),
    (["--preset", "--level", "0.9"], "--preset"), (["--preset", "--out", "p.txt"], ".json"),
    (["--preset", "--out", "none/p.json"], "folder"), (["none.parquet", "--preset"], "none"),
    (["--preset", "--coins", "DOGE"], "DOGE"), (["--preset", "--until", "1999-01-01"], "--until"),
    (["--preset", "--until", "soon"], "--until"), (["--preset", "--seed", "-1"], "seed"),
])
def test_question_that_cannot_be_meant_is_answered_with_what_would_be_right(folder, typed, words,
                                                                            capsys):
    assert 2 == answered(["calibrate", *typed])
    assert words in capsys.readouterr().err
