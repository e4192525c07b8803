"""`counterpoise calibrate --forecast prediction` on a folder of market data, simulated here."""

import json
import os

import numpy as np
import pytest

from counterpoise.adapters.factor_store import write_factor_record
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.prediction_file import frozen_prediction
from counterpoise.apps.cli.dispatch import answered
from counterpoise.margin.models.dynamic import Dynamic
from counterpoise.values.frozen import replaced
from counterpoise.values.time import instant_of_day
from unit.calibration.prediction.daily_panels import changed_after, simulated_panel
from unit.calibration.test_price_filter import DAYS, RANGES, record_of_days

pytest.importorskip("arch")
TERMS = ["--level", "0.975", "--horizon-days", "1", "--coins", "BTC", "ETH", "SOL"]
FILES = ("2020-04-01.json", "2020-04-01.npz", "2020-04-21.json", "2020-04-21.npz")
WALK = [*TERMS, "--every", "20", "--from", "2020-04-01", "--to", "2020-04-21", "--data", "data"]


def write(path, columns):
    table, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    parquet.write_table(table.table(columns), path)


def write_market_data(folder, panel):
    """Write the files that a panel is read from; its range is that of high over low."""
    day = np.repeat(panel.day, len(panel.coins)).astype("datetime64[D]")
    rows = {"symbol": list(panel.coins) * len(panel.day), "date": day,
            "market": ["spot"] * len(day)}
    wide = np.sqrt(4 * np.log(2) * panel.range_variance.ravel())
    write(f"{folder}/prices/daily_returns_stitched.parquet",
          rows | {"log_return": panel.log_return.ravel()})
    write(f"{folder}/prices/daily.parquet", rows | {
        "venue": ["binance"] * len(day), "high": np.exp(wide), "low": np.ones(len(day))})
    for bars in ("spot_4h", "spot_1h", "perp_1h"):
        write(f"{folder}/prices/{bars}.parquet", {
            "symbol": ["BTC"], "venue": ["nowhere"], "ts": [day[0].astype("datetime64[us]")],
            "close": [1.0]})
    index = {"date": panel.day.astype("datetime64[D]")}
    for coin in ("btc", "eth"):
        write(f"{folder}/vol_index/dvol_{coin}_daily.parquet", index | {
            "symbol": [coin.upper()] * len(panel.day), "close": np.full(len(panel.day), 60.0)})
    write(f"{folder}/funding/btc_funding_daily_mean.parquet",
          index | {"funding_mean": np.full(len(panel.day), 1e-4)})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A factor history and the market data behind it, three coins and no GARCH in the set."""
    small = replaced(frozen_prediction(), coins=("BTC", "ETH", "SOL"), parameters=RANGES)
    monkeypatch.setattr("counterpoise.apps.calibration.frozen_prediction", lambda: small)
    monkeypatch.chdir(tmp_path)
    write_market_data("data", simulated_panel(DAYS))
    write_factor_record("f.parquet", record_of_days(simulated_panel(DAYS)))
    return tmp_path


def test_the_forecast_is_recorded_in_the_file_the_report_and_beside_every_answer(folder, capsys):
    assert 0 == answered(["calibrate", "f.parquet", *TERMS, "--forecast", "prediction", "--data",
                          "data", "--as-of", "2020-04-21", "--out", "p.json", "--report", "r.html",
                          "--json"])
    told = json.loads(capsys.readouterr().out)
    words = "volatility of BTC price, ETH price, SOL price by the forecast prediction"
    version = parameters_of(Dynamic(), instant_of_day(2020, 4, 21), file="p.json")

    assert ["BTC price", "ETH price", "SOL price"] == told["forecast"]["filters"]
    assert frozen_prediction().digest == told["forecast"]["frozen_digest"]
    assert ["prediction"] * 3 == [f["filter"]["name"] for f in told["factors"]
                                  if f["factor"].endswith(" price")]
    assert words in json.loads((folder / "p.json").read_text())["sections"][0]["source"]
    assert words in version.parameters.moves.base.method
    assert "Volatility by the forecast prediction" in (folder / "r.html").read_text()


def test_data_alone_asks_for_the_forecast_and_none_leaves_the_recursions(folder, capsys):
    named = [["--data", "data"], ["--data", "data", "--forecast", "prediction"], [],
             ["--forecast", "gjr_ewma"]]
    for k, typed in enumerate(named):
        assert 0 == answered(["calibrate", "f.parquet", *TERMS, *typed, "--out", f"{k}.json"])
    a, b, c, d = ((folder / f"{k}.npz").read_bytes() for k in range(4))

    assert a == b != c == d
    assert "of the recursion" in capsys.readouterr().out


def test_a_walk_with_forecasts_knows_no_future(folder, capsys):
    other = changed_after(simulated_panel(DAYS), 873)  # its days from 2020-04-21 on are others
    write_market_data("others", other)
    typed = [*WALK[:-1], "others", "--out", "b"]
    assert 0 == answered(["calibrate", "f.parquet", *WALK, "--out", "a"])
    said = capsys.readouterr().out
    assert 0 == answered(["calibrate", "f.parquet", *typed])

    assert "in 2020-04-21.json: volatility of BTC price" in said
    for name in FILES:
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()


def test_a_single_calibration_is_that_of_the_walk(folder, capsys):
    assert 0 == answered(["calibrate", "f.parquet", *WALK, "--out", "a"])
    assert 0 == answered(["calibrate", "f.parquet", *TERMS, "--data", "data", "--as-of",
                          "2020-04-21", "--out", "p.json"])

    assert (folder / "a" / "2020-04-21.npz").read_bytes() == (folder / "p.npz").read_bytes()


@pytest.mark.parametrize(("typed", "words"), [
    (["f.parquet", "--forecast", "prediction"], "--forecast: prediction needs market data"),
    (["f.parquet", "--forecast", "gjr_ewma", "--data", "data"], "--data: is read by"),
    (["--data", "data"], "--data: is of observed days"),
    (["f.parquet", "--data", "nowhere"], "nowhere"),
])
def test_a_forecast_that_cannot_be_made_is_refused(folder, typed, words, capsys):
    assert 2 == answered(["calibrate", *typed, *TERMS])
    assert words in capsys.readouterr().err
