"""What do users' files say, and what do they hear when a file says something else?"""

import numpy as np
import pytest

from counterpoise.adapters.factor_sources import read_closes, read_funding, read_vol_index
from counterpoise.scenarios.factors import factor_name
from counterpoise.values.failure import BadInput

DAY = 20_000  # 2024-10-04


def written(folder, text, name="file.csv"):
    path = folder / name
    path.write_text(text)
    return str(path)


def hourly(hours, symbol="BTC", start="2024-10-04T00:00:00Z"):
    first = np.datetime64(start[:-1])
    return "symbol,ts,close\n" + "".join(
        f"{symbol},{first + np.timedelta64(h, 'h')}Z,{100 + h}\n" for h in hours)


def test_close_of_a_day_is_that_of_the_bar_that_ends_with_it(tmp_path):
    (found,) = read_closes(written(tmp_path, hourly(range(50))))

    assert [DAY, DAY + 1] == found.day.tolist() and [123.0, 147.0] == found.close.tolist()


def test_day_whose_last_bar_is_missing_is_not_known(tmp_path):
    hours = [h for h in range(72) if h != 47]
    (found,) = read_closes(written(tmp_path, hourly(hours)))

    assert [DAY, DAY + 2] == found.day.tolist()


def test_daily_rows_and_their_bars(tmp_path):
    text = ("date,symbol,venue,market,quote,close,n_bars\n2024-10-04,BTC,v,spot,USDT,100,24\n"
            "2024-10-05,BTC,v,spot,USDT,101,21\n2024-10-06,BTC,v,spot,USDT,102,19\n"
            "2024-10-04,BTC,v,perp,USDT,100.5,24\n")
    perp, spot = sorted(read_closes(written(tmp_path, text)), key=lambda c: c.market)

    assert [DAY, DAY + 1] == spot.day.tolist() and [True, False] == spot.whole.tolist()
    assert ("perp", "v", "USDT", [100.5]) == (perp.market, perp.venue, perp.quote,
                                              perp.close.tolist())


def test_code_before_the_path_says_whose_file_it_is(tmp_path):
    path = written(tmp_path, "date,close\n2024-10-04,50\n2024-10-05,55\n")
    (found,) = read_vol_index(f"ETH={path}")

    assert "ETH vol" == factor_name(found.factor) and "proxy" in found.source
    np.testing.assert_allclose(found.level, np.log([0.5, 0.55]))
    with pytest.raises(BadInput, match="CODE=PATH"):
        read_vol_index(f"eth={path}")


def test_funding_is_the_mean_of_a_whole_day_per_eight_hours(tmp_path):
    eight = "symbol,ts,rate,interval_h\n" + "".join(
        f"BTC,2024-10-{d:02d}T{h:02d}:00:00Z,0.000{h // 8 + 1},8\n"
        for d in (4, 5) for h in (0, 8, 16) if (d, h) != (5, 16))
    one = "symbol,ts,rate,interval_h\n" + "".join(
        f"ETH,2024-10-04T{h:02d}:00:00Z,0.0001,1\n" for h in range(24))
    (btc,), (eth,) = (read_funding(written(tmp_path, text)) for text in (eight, one))

    assert [DAY] == btc.day.tolist() == eth.day.tolist()
    assert btc.level[0] == pytest.approx(2e-4) and eth.level[0] == pytest.approx(8e-4)


@pytest.mark.parametrize(("read", "text", "words"), [
    (read_closes, "symbol,date,close\nBTC,2024-10-04,0\n", "not a number above 0"),
    (read_closes, "symbol,date,close\nBTC,2024-10-04,-5\n", "not a number above 0"),
    (read_closes, "symbol,date,close\nBTC,2024-10-04,1e400\n", "not a number above 0"),
    (read_closes, "symbol,date,close\nBTC,2024-10-04,\n", "not a number above 0"),
    (read_closes, "symbol,date,close\nBTC,2024-10-04,nan\n", "not a number above 0"),
    (read_closes, 'symbol,date,close\nBTC,2024-10-04,"1,5"\n', "thousands separator"),
    (read_closes, "symbol,date,close\nBTC,2024-10-04,5\nBTC,2024-10-04,6\n", "twice"),
    (read_closes, "symbol,date,close\nbtc/usd,2024-10-04,5\n", "no code"),
    (read_closes, "symbol,date,close\n,2024-10-04,5\n", "no code"),
    (read_closes, "symbol,date,close\nBTC,04.10.2024,5\n", "without a zone"),
    (read_closes, "symbol,ts,close\nBTC,2024-10-04T23:00:00,5\n", "without a zone"),
    (read_closes, "symbol,date\nBTC,2024-10-04\n", "no column 'close'"),
    (read_closes, "date,close\n2024-10-04,5\n", "no column 'symbol'"),
    (read_vol_index, "symbol,date,close\nBTC,2024-10-04,4850\n", "percent"),
    (read_funding, "symbol,date,rate\nBTC,2024-10-04,5\n", "100 %"),
    (read_funding, "symbol,ts,rate\nBTC,2024-10-04T00:00:00Z,1e-4\n"
                   "BTC,2024-10-04T00:00:00Z,1e-4\n", "twice"),
    (read_funding, "symbol,ts,rate\nBTC,2024-10-04T00:00:00Z,x\n", "not a number"),
])
def test_file_that_cannot_be_meant_is_refused(tmp_path, read, text, words):
    with pytest.raises(BadInput, match=words):
        read(written(tmp_path, text))


def test_stitched_returns_of_the_data_are_the_moves_read_here(shared):
    from counterpoise.adapters.tables import opened, query
    from counterpoise.calibration.closes import price_levels
    from counterpoise.calibration.factor_levels import record_of
    from counterpoise.values.time import DAY_NS

    prices = str(shared / "data/prices")
    # LUNA fell to 1/3,360 on its last day, which a person has to declare.
    closes = [c for c in read_closes(f"{prices}/daily.parquet")
              if c.venue == "binance" and c.symbol != "LUNA"]
    history = record_of(price_levels(closes), source="test").history
    rows = query(opened(f"{prices}/daily_returns_stitched.parquet"),
                 "SELECT symbol::VARCHAR AS symbol, epoch_ns(date::TIMESTAMP) AS day, log_return "
                 "FROM {table} WHERE log_return IS NOT NULL AND symbol <> 'LUNA'")
    column = {f.subject: k for k, f in enumerate(history.factors)}
    at = np.searchsorted(history.day, rows["day"] + DAY_NS - 1000)
    ours = history.move[at, [column[s] for s in rows["symbol"].tolist()]]
    both = np.isfinite(ours)

    np.testing.assert_allclose(ours[both], rows["log_return"][both], atol=1e-9)
    assert both.mean() > 0.99
