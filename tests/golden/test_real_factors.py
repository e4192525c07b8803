"""What do eight years of real markets say? Counts, gaps and fits of the whole factor history."""

import math
from pathlib import Path

import numpy as np
import pytest

from counterpoise.apps.factors import FactorFiles, factor_record
from counterpoise.calibration.calibrate import CalibrationTerms, calibrate
from counterpoise.scenarios.factors import factor_name
from counterpoise.values.time import DAY_NS, day_text


def files(shared: Path, months: str) -> FactorFiles:
    root = shared / "data"
    return FactorFiles(
        prices=(str(root / "prices/daily.parquet"),),
        chains=tuple(str(root / f"options/deribit_chain_2026-0{m}.parquet") for m in months),
        perpetuals=str(root / "options/deribit_perp_at_snapshots.parquet"),
        vol_index=tuple(str(root / f"vol_index/dvol_{c}_daily.parquet") for c in ("btc", "eth")),
        funding=(str(root / "funding/funding_rates.parquet"),),
        pegs=(str(root / "prices/stable_and_other_1h.parquet"),), staked=("BETH=ETH",),
        without=("EUR",), gaps=("LUNA=2022-05-12",))


@pytest.fixture(scope="module")
def february(shared):
    return factor_record(files(shared, "2"))


def coverage(record, name):
    return next(c for c in record.coverage if factor_name(c.factor) == name)


def move(record, name, day):
    column = [factor_name(f) for f in record.history.factors].index(name)
    row = [day_text(t) for t in record.history.day.tolist()].index(day)
    return float(record.history.move[row, column])


def test_prices_are_known_as_long_as_the_files_reach(february):
    btc, eth, xrp = (coverage(february, f"{c} price") for c in ("BTC", "ETH", "XRP"))

    assert ("2014-11-29", 0) == (day_text(btc.first_day * DAY_NS), btc.missing)
    assert ("2017-08-18", 0) == (day_text(eth.first_day * DAY_NS), eth.missing)
    assert (2881, 0) == (xrp.known, xrp.missing)
    assert {"binance spot in USDT", "bitstamp spot in USD"} <= {s for s, _ in btc.series}


def test_crashes_are_in_the_history(february):
    assert move(february, "BTC price", "2020-03-12") == pytest.approx(-0.503, abs=0.01)
    assert move(february, "LUNA price", "2022-05-11") < -2
    assert move(february, "BTC vol", "2026-02-05") > 0.3 > 0 > move(february, "BTC vol",
                                                                    "2026-02-06")
    assert move(february, "BTC term", "2026-02-05") < -0.1


def test_a_collapse_to_a_thousandth_is_a_gap_that_somebody_declared(february):
    luna = coverage(february, "LUNA price")

    assert "2022-05-11" == day_text(luna.last_day * DAY_NS)
    assert february.history.source.endswith("declared gaps: LUNA=2022-05-12")


def test_every_gap_has_its_days_and_its_reason(february):
    for row in february.coverage:
        days = sum(g.last_day - g.first_day + 1 for g in row.gaps)
        assert row.missing == days and all(g.why for g in row.gaps)
        assert row.known + row.missing == row.last_day - row.first_day + 1
    # ETH's volatility index ends in June 2024; nothing is filled up to the first chain.
    longest = max(coverage(february, "ETH vol").gaps, key=lambda g: g.last_day - g.first_day)
    assert "2024-07-01" == day_text(longest.first_day * DAY_NS)
    (late,) = [g for g in coverage(february, "ETH vol").gaps if "15:45" in g.why
               and g.why.startswith("no level at the end of the day:")]
    assert "2026-02-02" == day_text(late.first_day * DAY_NS) == day_text(late.last_day * DAY_NS)


@pytest.mark.soak
def test_whole_history_is_built_and_calibrated(shared):
    record = factor_record(files(shared, "12345"))
    found = calibrate(record, CalibrationTerms(horizon_days=2), subjects=(
        "BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "DOGE", "AVAX", "DOT", "USDC"))
    fits = {factor_name(f.factor): f for f in found.fitted.fits}

    assert (69, 4188) == (len(record.history.factors), len(record.history.day))
    assert (136, 2) == (coverage(record, "BTC skew").known, coverage(record, "BTC skew").missing)
    for coin in ("BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "DOGE", "AVAX", "DOT"):
        fit = fits[f"{coin} price"]
        # Crypto tails: heavy, with a mean and a variance.
        assert fit.gjr is not None and 2 < fit.gjr.degrees < 8
        assert fit.lower is not None and -0.1 < fit.lower.tail.shape < 0.5
        assert math.isfinite(fit.lower.shape_error)
    assert found.dcc.log_likelihood > found.dcc.constant + 20
    assert 3 <= found.copula.degrees <= 15
    assert np.linalg.eigvalsh(found.correlation)[0] > 0
