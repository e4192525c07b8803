"""The state of volatility now: the combination speaks only where it was better."""

import numpy as np
import pytest

from counterpoise.calibration.prediction.forecast import forecast
from counterpoise.calibration.prediction.now import mean_qlike, volatility_now
from counterpoise.values.frozen import replaced
from unit.calibration.prediction.daily_panels import simulated_panel
from unit.calibration.prediction.test_no_look_ahead import SMALL, whole


def test_the_state_is_that_of_the_day_after_the_last() -> None:
    panel = simulated_panel()
    state = volatility_now(panel, whole(), SMALL)

    assert [s.coin for s in state] == list(panel.coins)
    assert {s.day for s in state} == {int(panel.day[-1]) + 1}
    for k, s in enumerate(state):
        assert s.shortfall["long"] == whole().tail.shortfall[0, -1, k]
        assert s.qlike[s.source] == min(s.qlike.values())


def test_a_combination_that_was_worse_is_not_used() -> None:
    spoiled = replaced(whole(), variance=9.0 * whole().variance)
    state = volatility_now(simulated_panel(), spoiled, SMALL)

    assert {s.source for s in state} == {"ewma"}


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
