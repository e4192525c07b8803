"""From closes to a judged margin: factors, calibrate --every, backtest --parameters, as typed.

The prices are those of a simulated market, written as the tables a person has.
"""

import json

import numpy as np
import pytest

from counterpoise.apps.cli.dispatch import answered
from counterpoise.backtest.price_world import simulated_history
from counterpoise.values.time import day_text, instant_of_day

DAYS = 300
INDEXED = 174
"""Day on which the volatility index begins. The first calibration knows 101 moves of it, of which
its recursion forgets 20: too few; the third has 101 left."""
STEPS = ("2023-10-18", "2023-10-28", "2023-11-07")
PORTFOLIOS = ["BTC long", "ETH long", "BTC short straddle"]


def tables(folder, future=1.0):
    """Write closes and volatility index; `future` scales what lies after the last margin."""
    history = simulated_history(seed=5, days=DAYS, begin=instant_of_day(2023, 1, 16))
    closes, index = ["date,symbol,close"], ["date,symbol,close"]
    # A close is known when its day has ended; the tables name the day before that instant.
    for row, at in enumerate(history.day.tolist()):
        date = day_text(at - 1)
        later = future if date > "2023-11-09" else 1.0
        closes += [f"{date},{coin},{float(history.close[row, k]) * later!r}"
                   for k, coin in enumerate(history.coins)]
        index += [f"{date},{coin},{100 * float(history.volatility[row, k])!r}"
                  for k, coin in enumerate(history.coins) if row >= INDEXED]
    (folder / "closes.csv").write_text("\n".join(closes) + "\n")
    (folder / "index.csv").write_text("\n".join(index) + "\n")


def made(folder, capsys, future=1.0):
    """Return the walk's rows, having typed everything up to the backtest."""
    tables(folder, future)
    assert 0 == answered(["factors", "build", "f.parquet", "--prices", "closes.csv",
                          "--vol-index", "index.csv", "--json"])
    capsys.readouterr()
    assert 0 == answered(["calibrate", "f.parquet", "--level", "0.975", "--horizon-days", "1",
                          "--prior-days", "0", "--every", "10", "--from", STEPS[0], "--to",
                          STEPS[2], "--out", "walk", "--json"])
    return json.loads(capsys.readouterr().out)["files"]


def judged(capsys, *typed):
    wanted = [word for name in PORTFOLIOS for word in ("--portfolio", name)]
    code = answered(["backtest", "closes.csv", "--volatility", "index.csv", "--processes", "1",
                     "--from", "2023-10-26", "--to", "2023-11-10", *wanted, *typed, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_walk_is_judged_day_by_day_and_knows_no_future(folder, capsys):
    rows = made(folder, capsys)
    code, told = judged(capsys, "--model", "dynamic", "--parameters", "walk", "--resume", "a")
    (folder / "f.parquet").unlink()
    for file in (folder / "walk").iterdir():
        file.unlink()
    made(folder, capsys, future=0.5)
    _, other = judged(capsys, "--model", "dynamic", "--parameters", "walk", "--resume", "b")
    days = [json.loads(line) for line in (folder / "a").read_text().splitlines()[1:]]
    again = [json.loads(line) for line in (folder / "b").read_text().splitlines()[1:]]

    assert list(STEPS) == [row["effective_from"] for row in rows]
    assert [2, 2, 4] == [row["factors"] for row in rows]
    assert 0 == code and 16 == len(days)
    assert all(set(day["failure"]) == {""} for day in days)
    assert [d["initial"] for d in days] == [d["initial"] for d in again]
    assert days[-1]["loss"] != again[-1]["loss"], "what came after did change"
    assert told["models"]["dynamic"]["parameters"] == other["models"]["dynamic"]["parameters"]


def test_each_day_takes_the_file_in_force_and_two_walks_stand_side_by_side(folder, capsys):
    made(folder, capsys)
    code, told = judged(
        capsys, "--model", "walk=dynamic,first=dynamic,standard", "--parameters", "walk=walk",
        "--parameters", f"first=walk/{STEPS[0]}.json", "--resume", "kept")
    days = [json.loads(line) for line in (folder / "kept").read_text().splitlines()[1:]]
    walk, first = (np.array([d["initial"][0] for d in days if d["model"] == model])
                   for model in ("walk=dynamic", "first=dynamic"))

    assert 0 == code and ["walk=dynamic", "first=dynamic", "standard"] == list(told["models"])
    np.testing.assert_array_equal(walk[:2], first[:2])
    assert (walk[2:] != first[2:]).all()
    forecasts = {m["portfolios"][0]["no_forecast"] for m in told["models"].values()}
    assert {"16 day(s) of forecasts, where a tail of 2.5 % takes 80",
            "its scenarios are a grid, not a distribution"} == forecasts
    assert "0 of 3 do" in told["no_forecast_comparison"]


def test_day_before_the_first_file_is_refused(folder, capsys):
    made(folder, capsys)
    assert 2 == answered(["backtest", "closes.csv", "--model", "dynamic", "--parameters", "walk",
                          "--from", "2023-10-10", "--to", "2023-11-01"])
    assert "later ones are never used" in capsys.readouterr().err
