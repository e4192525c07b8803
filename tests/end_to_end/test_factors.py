"""`counterpoise factors` as a user types it."""

import json

import pytest

from counterpoise.apps.cli.dispatch import answered

CLOSES = "symbol,date,close\n" + "".join(
    f"{coin},2024-10-{d:02d},{price + d * d % 7}\n" for coin, price in (("BTC", 100), ("ETH", 50))
    for d in range(1, 30) if (coin, d) != ("ETH", 9))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "closes.csv").write_text(CLOSES)
    return tmp_path


def test_history_is_built_described_and_extended(folder, capsys):
    assert 0 == answered(["factors", "build", "f.parquet", "--prices", "closes.csv", "--json"])
    built = json.loads(capsys.readouterr().out)
    assert 0 == answered(["factors", "describe", "f.parquet", "--json"])
    assert built == json.loads(capsys.readouterr().out)
    eth = built["factors"][1]
    assert ("ETH price", 26, 2) == (eth["factor"], eth["moves"], eth["missing"])
    assert ["2024-10-09", "2024-10-10"] == [g["first_day"] for g in eth["gaps"]]

    (folder / "more.csv").write_text("symbol,date,close\nBTC,2024-10-29,101\nBTC,2024-10-30,102\n")
    add = ["factors", "build", "f.parquet", "--append", "--prices", "more.csv"]
    assert 0 == answered(add)
    assert "2024-10-30" in capsys.readouterr().out


def test_without_a_file_the_simulated_history_is_described_as_such(capsys):
    assert 0 == answered(["factors", "describe"])
    assert capsys.readouterr().out.startswith("SIMULATED, seed 7, not observed")


def test_every_unusable_file_is_named(folder, capsys):
    (folder / "bad.csv").write_text("symbol,date,close\nBTC,2024-10-01,-1\n")
    typed = ["factors", "build", "f.parquet", "--prices", "bad.csv", "none.csv", "--funding",
             "closes.csv"]

    assert 2 == answered(typed)
    said = capsys.readouterr().err
    for words in ("BTC 2024-10-01 in bad.csv", "none.csv", "no column 'rate'"):
        assert words in said, words


def test_existing_history_is_not_overwritten(folder, capsys):
    answered(["factors", "build", "f.parquet", "--prices", "closes.csv"])
    assert 2 == answered(["factors", "build", "f.parquet", "--prices", "closes.csv"])
    assert "--append" in capsys.readouterr().err
    assert 2 == answered(["factors", "build", "--prices", "closes.csv"])
    assert 2 == answered(["factors", "build", "g.parquet", "--prices", "closes.csv",
                          "--staked", "beth:eth"])


def test_a_change_of_the_unit_is_refused_by_coin_and_day_until_it_is_declared_a_gap(folder, capsys):
    (folder / "units.csv").write_text(CLOSES + "".join(
        f"PEPE,2024-10-{d:02d},{(1.0 if d < 11 else 1000.5) * (1 + d / 1000)}\n"
        for d in range(1, 30)))
    typed = ["factors", "build", "f.parquet", "--prices", "units.csv"]
    assert 2 == answered(typed)
    said = capsys.readouterr().err
    assert "PEPE price 2024-10-11" in said and "--gap CODE=DATE" in said

    assert 0 == answered([*typed, "--gap", "PEPE=2024-10-11", "--json"])
    gaps = json.loads(capsys.readouterr().out)["factors"]
    assert [("2024-10-11", "declared a gap by the person who built the history")] == [
        (g["first_day"], g["why"]) for f in gaps if f["factor"] == "PEPE price" for g in f["gaps"]]


@pytest.mark.parametrize(("gap", "words"), [
    ("PEPE", "--gap"), ("PEPE=soon", "--gap"), ("pepe=2024-10-11", "CODE=DATE"),
    ("DOGE=2024-10-11", "DOGE has no factor")])
def test_a_gap_that_says_nothing_is_refused(folder, gap, words, capsys):
    assert 2 == answered(["factors", "build", "f.parquet", "--prices", "closes.csv", "--gap", gap])
    assert words in capsys.readouterr().err.replace(":", "")
