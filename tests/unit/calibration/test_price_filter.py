"""Prices are filtered by the forecast where it won, made for each day with the past alone."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from counterpoise.calibration.calibrate import Calibration, CalibrationTerms, calibrate
from counterpoise.calibration.factor_levels import FactorRecord, Levels, record_of
from counterpoise.calibration.prediction.daily_panel import DailyPanel, until
from counterpoise.calibration.prediction.features import features
from counterpoise.calibration.prediction.now import (
    PastVariances,
    as_known,
    past_variances,
    volatility_now,
)
from counterpoise.calibration.prediction.parameters import (
    BoostingParameters,
    PredictionParameters,
)
from counterpoise.calibration.price_filter import (
    PREDICTION,
    RECURSION,
    PriceForecasts,
    filter_words,
)
from counterpoise.scenarios.factors import Factor, factor_name
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from unit.calibration.prediction.daily_panels import changed_after, simulated_panel

pytest.importorskip("arch")
DAYS = 900
CUT = 860
TERMS = CalibrationTerms(horizon_days=2)
RANGES = PredictionParameters(
    level=0.975, forecasts=("har_return", "har_range"), months=3, pull=1e-3, window_days=300,
    own_share=0.75, residual_max=10.0, boosting=BoostingParameters(
        level=0.975, shrink=0.5, months=6, trees=10, learning_rate=0.1, leaves=4, leaf_days=100))


@cache
def panel() -> DailyPanel:
    return simulated_panel(DAYS)


def record_of_days(days: DailyPanel, rows: int = DAYS) -> FactorRecord:
    """Return the history of the panel's prices, and of a peg of which it says nothing."""
    peg = np.cumsum(0.001 * np.random.default_rng(1).normal(size=len(days.day)))
    levels = {Factor(subject=coin, kind="price"): np.cumsum(days.log_return[:, k])
              for k, coin in enumerate(days.coins)} | {Factor(subject="USDC", kind="peg"): peg}
    return record_of([Levels(factor=f, day=days.day[:rows], level=level[:rows], source="x")
                      for f, level in levels.items()], source="x")


def forecasts_of(days: DailyPanel, past: PastVariances | None = None) -> PriceForecasts:
    return PriceForecasts(past=past or past_variances(days, RANGES), residual_max=10.0,
                          digest="d" * 64)


def calibrated(rows: int, forecasts: PriceForecasts | None) -> Calibration:
    return calibrate(record_of_days(panel(), rows), TERMS, forecasts=forecasts)


@cache
def found() -> Calibration:
    return calibrated(DAYS, forecasts_of(panel()))


def test_prices_are_filtered_by_what_won_and_the_peg_by_its_recursion() -> None:
    by_name = {factor_name(fit.factor): one for fit, one in zip(
        found().fitted.fits, found().fitted.filters.factors, strict=True)}

    assert [PREDICTION] * 3 == [by_name[f"{coin} price"].name for coin in panel().coins]
    assert (RECURSION, "the forecast is of prices in USD") == (
        by_name["USDC peg"].name, by_name["USDC peg"].why)
    for one in list(by_name.values())[:3]:
        assert one.qlike["combination"] < min(one.qlike["ewma"], one.qlike[RECURSION])


def test_scenarios_start_from_the_forecast_for_tomorrow() -> None:
    state = {s.coin: s.deviation for s in volatility_now(past_variances(panel(), RANGES))}

    for k in range(3):
        one = found().fitted.filters.factors[k]
        now = one.level * state[found().fitted.fits[k].factor.subject]
        assert found().fitted.volatility.variance[:, k] == pytest.approx([now ** 2] * 2, rel=1e-12)


def test_before_a_weekend_scenarios_start_from_a_working_day() -> None:
    past = as_known(past_variances(panel(), RANGES), int(panel().day[897]))  # a Friday
    friday = calibrated(898, forecasts_of(panel()))
    one = friday.fitted.filters.factors[0]

    assert (int(past.panel.day[-1]) + 1 + 3) % 7 == 5
    assert past.working[-1, 0] != past.combination[-1, 0]
    assert friday.fitted.volatility.variance[:, 0] == pytest.approx(
        [one.level ** 2 * past.working[-1, 0]] * 2, rel=1e-12)


def test_residuals_are_moves_over_the_forecast_made_the_day_before_with_a_mean_square_of_one(
) -> None:
    past, shocks = past_variances(panel(), RANGES), found().fitted.shocks
    level = found().fitted.filters.factors[0].level
    known = np.isfinite(past.combination[1:-1, 0])  # a history begins a day after its levels

    np.testing.assert_allclose(shocks.deviation[known, 0],
                               level * np.sqrt(past.combination[1:-1, 0][known]), rtol=1e-12)
    assert np.mean((shocks.excess / shocks.deviation)[known, 0] ** 2) == pytest.approx(1.0)


def test_days_before_the_first_forecast_keep_the_recursion() -> None:
    unknown = ~np.isfinite(past_variances(panel(), RANGES).combination[1:-1, 0])
    ours, plain = (one.fitted.shocks.deviation[unknown, 0]
                   for one in (found(), calibrated(DAYS, None)))

    assert np.isfinite(ours).any() and np.array_equal(ours, plain, equal_nan=True)


def test_the_same_date_is_sampled_across_factors_and_stress_stays_as_it_was() -> None:
    plain = calibrated(DAYS, None)

    assert plain.moves["base"].labels == found().moves["base"].labels
    np.testing.assert_allclose(plain.moves["stress"].move[:, :3],
                               found().moves["stress"].move[:, :3], rtol=1e-12, atol=1e-15)
    assert not np.allclose(plain.moves["base"].move[:, 0], found().moves["base"].move[:, 0])


def test_the_method_of_the_moves_names_the_set_the_data_and_the_factors() -> None:
    words = filter_words(found().fitted.filters, found().completed.shocks.history.factors)

    assert words.startswith("volatility of BTC price, ETH price, SOL price by the forecast "
                            "prediction, frozen set dddd")
    assert all(words in found().moves[n].method for n in ("base", "floor"))
    assert "forecast" not in calibrated(DAYS, None).moves["base"].method


def test_a_calibration_takes_what_had_been_made_on_its_day() -> None:
    day = int(panel().day[CUT - 1])
    whole = past_variances(panel(), RANGES)

    late = calibrated(CUT, forecasts_of(panel(), whole))
    then = calibrated(CUT, forecasts_of(until(panel(), day)))

    assert late.moves == then.moves and late.fitted == then.fitted
    assert as_known(whole, day).panel == until(panel(), day)


def leaking(days: DailyPanel) -> dict[str, Any]:
    """Features with a leak: the range of the day itself among those of its own forecast."""
    known = dict(features(days))
    today = np.log(np.maximum(days.range_variance, 1e-6))
    known["last"] = np.concatenate([today, known["last"][-1:]])
    return known


@pytest.mark.parametrize("leak", [False, True])
def test_another_future_changes_no_calibration_unless_a_leak_is_planted(
        monkeypatch: pytest.MonkeyPatch, leak: bool) -> None:
    if leak:
        monkeypatch.setattr("counterpoise.calibration.prediction.now.features", leaking)
    futures = (panel(), changed_after(panel(), CUT))

    ours, theirs = (calibrated(CUT, forecasts_of(one)).moves["base"] for one in futures)

    assert leak is not bool(np.array_equal(ours.move, theirs.move))


def test_a_forecast_that_did_not_win_is_not_used() -> None:
    past = past_variances(panel(), RANGES)
    spoiled = calibrated(DAYS, forecasts_of(panel(), replaced(
        past, combination=9.0 * past.combination)))

    assert {RECURSION} == {one.name for one in spoiled.fitted.filters.factors}
    assert "no better than ewma and gjr_ewma" in spoiled.fitted.filters.factors[0].why
    assert spoiled.moves == calibrated(DAYS, None).moves


def test_a_coin_that_is_not_known_today_keeps_its_recursion() -> None:
    days = replaced(panel(), log_return=np.where(
        np.arange(DAYS)[:, None] < [DAYS, DAYS, DAYS - 3], panel().log_return, np.nan))
    history = record_of_days(panel())
    gone = calibrate(history, TERMS, forecasts=forecasts_of(days))

    assert [PREDICTION, PREDICTION, RECURSION] == [
        one.name for one in gone.fitted.filters.factors[:3]]
    assert "not known on the last day" in gone.fitted.filters.factors[2].why


def test_a_residual_counts_as_the_cap_and_the_move_stays() -> None:
    capped = calibrated(DAYS, replaced(forecasts_of(panel()), residual_max=2.0))
    residual = capped.fitted.shocks.excess[:, 0] / capped.fitted.shocks.deviation[:, 0]
    level = capped.fitted.filters.factors[0].level
    known = np.isfinite(past_variances(panel(), RANGES).combination[1:-1, 0])

    assert np.abs(residual[known]).max() == pytest.approx(2.0 / level)
    assert np.array_equal(capped.fitted.shocks.excess, found().fitted.shocks.excess,
                          equal_nan=True)


def test_data_of_other_days_is_refused() -> None:
    shifted = replaced(panel(), day=panel().day + 1)
    with pytest.raises(BadInput, match="BTC price: moves otherwise in the market data"):
        calibrated(DAYS, forecasts_of(shifted))
    with pytest.raises(BadInput, match="--data: ends on .*, the factor history on"):
        calibrated(DAYS, forecasts_of(until(panel(), int(panel().day[-2]))))
    with pytest.raises(BadInput, match="--data: begins on .*, after the factor history ends"):
        calibrated(DAYS, forecasts_of(replaced(panel(), day=panel().day + 2 * DAYS)))
