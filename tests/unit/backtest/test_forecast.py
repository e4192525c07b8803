"""Forecasts with a known answer: right ones pass, small ones do not, the sharper one wins."""

import numpy as np
import pytest

from counterpoise.backtest.forecast import BINS, Forecast, forecast_of
from counterpoise.backtest.forecast_comparison import compared_forecasts, tallies
from counterpoise.backtest.law import columns_of
from counterpoise.backtest.scoring import diebold_mariano, fz0
from counterpoise.backtest.series import Series, Terms
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS

DAILY = Terms(margin="initial", level=0.99, horizon_days=1)
DAYS = 500


def pnl_of(days=DAYS, size=1.0):
    """Return P&L whose deviation changes from day to day, and that deviation."""
    chance = np.random.default_rng(21)
    deviation = 100 * np.exp(0.5 * np.sin(np.arange(days) / 20))
    return size * deviation * chance.standard_normal(days), deviation


def series(pnl, deviation, seed=3):
    """Return the days of a model whose law is normal with this deviation."""
    days = len(pnl)
    law = deviation[:, None] * np.random.default_rng(seed).standard_normal((days, 400))
    at, none = DAY_NS * np.arange(1, days + 1), np.full(days, np.nan)
    margin = np.full(days, 1000.0)
    return Series(at=at, until=at + DAY_NS, margin=margin, raw=none, buffered=none, loss=-pnl,
                  shortfall=np.maximum(-pnl - margin, 0), worst=("",) * days, failures={},
                  no_law={}, **columns_of(law, -pnl, 0.975))


def forecast(*given):
    found = forecast_of(series(*given), DAILY)
    assert isinstance(found, Forecast)
    return found


def test_right_law_passes_every_test():
    right = forecast(*pnl_of())

    assert DAYS == right.days and abs(right.z2) < 0.7
    assert min(right.z2_p_value, right.calibration, right.residuals, right.intercept,
               right.dynamic_quantile, right.berkowitz, right.kolmogorov) > 0.01


def test_law_that_is_too_small_is_rejected_by_every_test():
    pnl, deviation = pnl_of(size=1.6)
    small = forecast(pnl, deviation)

    assert small.z2 < -1.8
    assert max(small.z2_p_value, small.calibration, small.intercept, small.berkowitz,
               small.kolmogorov) < 0.01
    assert 1 / 8001 == pytest.approx(small.z2_p_value)


def test_law_that_is_too_large_is_no_danger_to_the_shortfall():
    large = forecast(*pnl_of(size=0.5))

    assert large.z2 > 0.5 and large.z2_p_value > 0.9 and large.kolmogorov < 0.01


def test_histogram_counts_every_day_in_tenths_of_the_law():
    pnl, deviation = pnl_of(days=4000)
    right, small = forecast(pnl, deviation), forecast(1.6 * pnl, deviation)

    assert BINS == len(right.histogram) and 4000 == sum(right.histogram)
    assert 330 < min(right.histogram) <= max(right.histogram) < 470
    assert min(small.histogram[0], small.histogram[-1]) > 700


def test_windows_that_overlap_are_judged_on_interleaved_samples():
    whole = series(*pnl_of())
    found = forecast_of(whole, replaced(DAILY, horizon_days=3))
    columns = ("loss", "quantile", "tail_mean", "transform", "beyond", "tail")
    parts = [forecast_of(replaced(whole, **{name: getattr(whole, name)[k::3] for name in columns}),
                         DAILY) for k in range(3)]

    assert isinstance(found, Forecast) and DAYS == found.days
    for name in ("z2_p_value", "dynamic_quantile", "berkowitz"):
        assert getattr(found, name) == min(getattr(part, name) for part in parts)


def test_few_days_are_not_judged_and_the_reason_counts_them():
    pnl, deviation = pnl_of(days=79)

    assert "79 day(s) of forecasts, where a tail of 2.5 % takes 80" == forecast_of(
        series(pnl, deviation), DAILY)


def test_book_that_cannot_lose_has_no_tail_to_judge():
    pnl, deviation = pnl_of()
    sure = replaced(series(pnl, deviation), quantile=np.full(DAYS, -5.0))

    assert "on 500 the value at risk is no loss" in forecast_of(sure, DAILY)


def test_sharper_forecast_scores_better_and_the_test_says_by_how_much():
    pnl, deviation = pnl_of()
    told = {"sharp": {"p": series(pnl, deviation)},
            "flat": {"p": series(pnl, np.full(DAYS, 160.0))}}
    (found,) = compared_forecasts(told, DAILY)
    scores = [fz0(pnl, -s["p"].quantile, -s["p"].tail_mean, 0.025) for s in told.values()]

    assert ("sharp", "flat", "p", DAYS) == (found.first, found.second, found.portfolio, found.days)
    assert found.difference == pytest.approx(float(np.mean(scores[0] - scores[1])), rel=1e-9)
    assert found.p_value == pytest.approx(diebold_mariano(*scores).p_value, rel=1e-6)
    assert found.difference < 0 and found.p_value < 0.05 and found.holm == found.p_value
    (tally,) = tallies((found,))
    assert (1, 1, 1, 0, 0) == (tally.portfolios, tally.first_better, tally.first_significant,
                               tally.second_better, tally.second_significant)


def test_same_forecast_twice_is_no_difference():
    one = {"p": series(*pnl_of())}
    (found,) = compared_forecasts({"a": one, "b": one}, DAILY)

    assert (0.0, 1.0) == (found.difference, found.p_value)
    assert 0 == tallies((found,))[0].first_better == tallies((found,))[0].second_better


def test_only_days_that_both_forecast_are_compared():
    pnl, deviation = pnl_of()
    whole = series(pnl, deviation)
    gone = np.where(np.arange(DAYS) < 300, np.nan, whole.transform)
    late = {"a": {"p": whole}, "b": {"p": replaced(series(pnl, deviation, seed=4),
                                                   transform=gone)}}

    assert [200] == [one.days for one in compared_forecasts(late, DAILY)]


def test_grids_other_losses_and_single_models_are_not_compared():
    pnl, deviation = pnl_of()
    one = series(pnl, deviation)
    grid = replaced(one, transform=np.full(DAYS, np.nan))
    other = replaced(one, loss=one.loss + 50.0)

    assert () == compared_forecasts({"a": {"p": one}}, DAILY)
    assert () == compared_forecasts({"a": {"p": one}, "b": {"p": grid}}, DAILY)
    assert () == compared_forecasts({"a": {"p": one}, "b": {"p": other}}, DAILY)
    assert () == compared_forecasts({"a": {"p": one}, "b": {"q": one}}, DAILY)
