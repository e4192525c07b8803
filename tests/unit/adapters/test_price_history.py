"""Daily prices and volatilities from files: order of sources, and nothing filled."""

import numpy as np
import pytest

from counterpoise.adapters.factor_sources import read_closes
from counterpoise.adapters.price_history import PriceFiles, price_history
from counterpoise.values.failure import BadInput
from counterpoise.values.time import DAY_NS, parse_instant

pytest.importorskip("duckdb", reason="tables are read with the extra `data`")
DAYS = [f"2024-03-{d:02d}" for d in range(1, 32)]


def _prices(tmp_path, rows):
    path = tmp_path / "daily.csv"
    path.write_text("date,symbol,market,venue,quote,close,n_bars\n" + "\n".join(rows) + "\n")
    return str(path)


def _rows(symbol, days, market="spot", level=100.0):
    return [f"{day},{symbol},{market},v,USD,{level + k},24" for k, day in enumerate(days)]


def test_close_is_known_when_its_day_has_ended(tmp_path):
    history = price_history(PriceFiles(prices=_prices(tmp_path, _rows("BTC", DAYS)),
                                       coins=("BTC",)))

    assert parse_instant("2024-03-02T00:00:00Z") == history.day[0]
    assert 100.0 == history.close[0, 0]


def test_missing_and_partial_days_are_left_out(tmp_path):
    rows = _rows("BTC", DAYS[:10]) + _rows("BTC", DAYS[12:])
    rows.append(f"{DAYS[10]},BTC,spot,v,USD,5,3")
    history = price_history(PriceFiles(prices=_prices(tmp_path, rows), coins=("BTC",)))

    assert np.isnan(history.close[10:12, 0]).all() and 29 == np.isfinite(history.close).sum()


def test_spot_stands_before_perpetuals_and_a_change_is_marked(tmp_path):
    rows = _rows("BTC", DAYS, "perp", 500.0) + _rows("BTC", DAYS[:20], "spot")
    history = price_history(PriceFiles(prices=_prices(tmp_path, rows), coins=("BTC",)))

    assert (history.close[:20, 0] < 500).all() and (history.close[20:, 0] >= 500).all()
    assert history.origin[19, 0] != history.origin[20, 0]


def test_volatility_is_the_index_where_there_is_one_and_never_from_later_days(tmp_path):
    index = tmp_path / "index.csv"
    index.write_text("date,symbol,close\n" + "\n".join(f"{d},BTC,55.5" for d in DAYS[5:8]) + "\n")
    rows = _rows("BTC", [f"2024-{m:02d}-{d:02d}" for m in (1, 2) for d in range(1, 29)] + DAYS)
    history = price_history(PriceFiles(prices=_prices(tmp_path, rows), coins=("BTC",),
                                       volatilities=(str(index),)))
    known = history.volatility_origin[:, 0]
    march = int(np.flatnonzero(history.day == parse_instant("2024-03-02T00:00:00Z"))[0])

    assert 0.555 == history.volatility[march + 5, 0]
    assert [1, 3] == [known[march + 5], known[march + 20]]
    cut = price_history(PriceFiles(prices=_prices(tmp_path, rows[:-10]), coins=("BTC",),
                                   volatilities=(str(index),)))
    n = len(cut.day)
    assert np.array_equal(cut.volatility, history.volatility[:n], equal_nan=True)


def test_coin_without_a_price_is_named(tmp_path):
    with pytest.raises(BadInput, match="SOL"):
        price_history(PriceFiles(prices=_prices(tmp_path, _rows("BTC", DAYS)), coins=("SOL",)))


@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_closes_in_another_unit_are_refused_by_coin_and_day(tmp_path, factor):
    rows = _rows("BTC", DAYS[:10]) + _rows("BTC", DAYS[10:], level=100.0 * 1.2 * factor)
    if factor < 1:
        rows = _rows("BTC", DAYS[:10], level=1e5) + _rows("BTC", DAYS[10:], level=1.0)
    with pytest.raises(BadInput, match=f"BTC {DAYS[10]} in .*the price of the day before"):
        price_history(PriceFiles(prices=_prices(tmp_path, rows), coins=("BTC",)))

    other = _rows("BTC", DAYS[:10], "perp", 1.0) + _rows("BTC", DAYS[10:], level=1e5)
    two = price_history(PriceFiles(prices=_prices(tmp_path, other), coins=("BTC",)))
    assert np.isfinite(two.close).all()  # another series does not compare


@pytest.mark.parametrize("close", ["nan", "inf", "-5", "0", "ten", ""])
def test_closes_that_are_no_price_are_refused_by_coin_and_day(tmp_path, close):
    rows = [*_rows("BTC", DAYS[:10]), f"{DAYS[10]},BTC,spot,v,USD,{close},24"]

    with pytest.raises(BadInput, match=f"BTC {DAYS[10]} in .*not a number above 0"):
        price_history(PriceFiles(prices=_prices(tmp_path, rows), coins=("BTC",)))


def test_a_series_with_a_day_twice_is_refused(tmp_path):
    rows = [*_rows("BTC", DAYS), f"{DAYS[4]},BTC,spot,v,USD,140,24"]
    with pytest.raises(BadInput, match=f"BTC {DAYS[4]} in .*twice in one series"):
        price_history(PriceFiles(prices=_prices(tmp_path, rows), coins=("BTC",)))

    index = tmp_path / "index.csv"
    index.write_text("date,symbol,close\n" + f"{DAYS[3]},BTC,55\n{DAYS[3]},BTC,66\n")
    with pytest.raises(BadInput, match=f"BTC {DAYS[3]} in .*index.csv: stands twice"):
        price_history(PriceFiles(prices=_prices(tmp_path, _rows("BTC", DAYS)), coins=("BTC",),
                                 volatilities=(str(index),)))


@pytest.mark.parametrize("day", ["1969-12-31", "9999-12-31"])
def test_a_day_that_nanoseconds_cannot_hold_is_refused(tmp_path, day):
    with pytest.raises(BadInput, match=f"BTC {day} in .*lies outside 1970-01-01"):
        price_history(PriceFiles(prices=_prices(tmp_path, _rows("BTC", [*DAYS, day])),
                                 coins=("BTC",)))


def test_real_prices_have_the_crash_and_the_surface_of_march_2020(shared):
    data = shared / "data"
    history = price_history(PriceFiles(
        prices=str(data / "prices/daily.parquet"), coins=("BTC", "ETH"),
        volatilities=(str(data / "vol_index/dvol_btc_daily.parquet"),
                      str(data / "vol_index/dvol_eth_daily.parquet")),
        surfaces=str(data / "options/btc_iv_surface_events.csv"),
        funding=str(data / "funding/funding_rates.parquet")))
    row = {d: int(np.flatnonzero(history.day == parse_instant(f"{d}T00:00:00Z"))[0])
           for d in ("2020-03-12", "2020-03-13", "2026-02-06")}

    assert history.close[row["2020-03-13"], 0] / history.close[row["2020-03-12"], 0] < 0.65
    assert 2 == history.volatility_origin[row["2020-03-13"], 0]
    assert history.volatility[row["2020-03-13"], 0] > 0.8
    assert history.volatility[row["2026-02-06"], 0] == pytest.approx(0.826, abs=0.01)
    assert DAY_NS == int(np.diff(history.day).max())


def test_bars_and_texts_are_read_as_for_calibration(tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text("ts,symbol,close\n" + "".join(
        f"2024-03-{1 + h // 24:02d}T{h % 24:02d}:00:00Z, BTC ,{100 + h}\n" for h in range(72)
        if h != 47))
    history = price_history(PriceFiles(prices=str(path), coins=("BTC",)))

    assert [123.0, 171.0] == history.close[[0, 2], 0].tolist() and np.isnan(history.close[1, 0])
    path.write_text("date,symbol,close\n2024-03-01,btc,100\n")
    with pytest.raises(BadInput, match="'btc' is no code of an asset"):
        price_history(PriceFiles(prices=str(path), coins=("BTC",)))


def test_one_file_says_the_same_to_a_backtest_and_to_a_calibration(tmp_path):
    for wrong in ("0", "ten", "-1", "nan", "1e400"):
        path = _prices(tmp_path, [*_rows("BTC", DAYS[:5]), f"{DAYS[5]},BTC,spot,v,USD,{wrong},24"])
        said = []
        for read in (read_closes, lambda p: price_history(PriceFiles(prices=p, coins=("BTC",)))):
            with pytest.raises(BadInput) as refused:
                read(path)
            said.append(refused.value.failures)
        assert said[0] == said[1]


def test_path_with_an_equals_sign_is_a_path_where_there_is_such_a_file(tmp_path):
    folder = tmp_path / "year=2024"
    folder.mkdir()
    found = price_history(PriceFiles(prices=_prices(folder, _rows("BTC", DAYS)), coins=("BTC",)))

    assert len(DAYS) == np.isfinite(found.close).sum()
