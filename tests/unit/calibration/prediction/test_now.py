"""The state of volatility now: the combination speaks only where it was better."""

from functools import cache

import numpy as np
import pytest

from counterpoise.calibration.prediction.daily_panel import until
from counterpoise.calibration.prediction.forecast import forecast
from counterpoise.calibration.prediction.now import (
    PastVariances,
    as_known,
    mean_qlike,
    past_variances,
    volatility_now,
)
from counterpoise.values.frozen import replaced
from unit.calibration.prediction.daily_panels import simulated_panel
from unit.calibration.prediction.test_no_look_ahead import CUT, SMALL, whole


@cache
def past() -> PastVariances:
    return past_variances(simulated_panel(), SMALL)


def test_the_variances_are_those_of_the_forecast_of_record() -> None:
    assert past().combination.tobytes() == whole().variance.tobytes()
    assert past().ewma.tobytes() == whole().parts["ewma"].tobytes()


def test_the_state_is_that_of_the_day_after_the_last() -> None:
    panel = simulated_panel()
    state = volatility_now(past())

    assert [s.coin for s in state] == list(panel.coins)
    assert {s.day for s in state} == {int(panel.day[-1]) + 1}
    for k, s in enumerate(state):
        named = {"combination": past().combination, "ewma": past().ewma}
        assert s.deviation == np.sqrt(named[s.source][-1, k])
        assert s.qlike[s.source] == min(s.qlike.values()) and 300 < s.compared <= 500


def test_a_combination_that_was_worse_is_not_used() -> None:
    state = volatility_now(replaced(past(), combination=9.0 * past().combination))

    assert {s.source for s in state} == {"ewma"}


def test_what_was_known_earlier_is_what_a_panel_that_ends_there_says() -> None:
    day = int(simulated_panel().day[CUT - 1])
    short = past_variances(until(simulated_panel(), day), SMALL)

    assert as_known(past(), day) == short
    assert volatility_now(as_known(past(), day)) == volatility_now(short)


def test_a_working_day_is_forecast_as_one_and_a_weekend_otherwise() -> None:
    weekend = (past().panel.day[0] + np.arange(len(past().combination)) + 3) % 7 >= 5
    known = np.isfinite(past().combination[:, 0])
    same = past().working[:, 0] == past().combination[:, 0]

    assert same[known & ~weekend].all() and not same[known & weekend].any()


def test_qlike_is_least_for_the_true_variance() -> None:
    move = np.random.default_rng(0).normal(size=20_000) * 0.05
    scores = [mean_qlike(np.full(20_000, v), move) for v in (0.0015, 0.0025, 0.004)]

    assert min(scores) == scores[1]
    assert np.isnan(mean_qlike(np.array([np.nan]), np.array([1.0])))


def test_forecasts_need_no_index_and_no_funding() -> None:
    pytest.importorskip("sklearn")
    panel = simulated_panel(700, ("ETH", "SOL"))
    nothing = np.full(panel.log_return.shape, np.nan)
    bare = replaced(panel, implied_variance=nothing, funding=nothing, realised_variance=nothing)

    found = forecast(bare, replaced(SMALL, forecasts=("har_return", "har_range")))

    assert np.isfinite(found.tail.shortfall[:, -1]).all()
