"""No forecast knows the future: cutting it off or exchanging it changes no bit of what was said."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from counterpoise.calibration.prediction import features as features_module
from counterpoise.calibration.prediction.benchmarks import plain_history
from counterpoise.calibration.prediction.daily_panel import until
from counterpoise.calibration.prediction.features import features
from counterpoise.calibration.prediction.forecast import Forecast, forecast
from counterpoise.calibration.prediction.parameters import (
    BoostingParameters,
    PredictionParameters,
)
from counterpoise.calibration.prediction.regime import RegimeParameters, regime_signal
from unit.calibration.prediction.daily_panels import changed_after, simulated_panel

pytest.importorskip("arch")
pytest.importorskip("sklearn")
CUT = 612
SMALL = PredictionParameters(
    level=0.975, forecasts=("har_return", "har_range", "garch", "ewma"), months=3, pull=1e-3,
    window_days=300, own_share=0.75, residual_max=10.0,
    boosting=BoostingParameters(level=0.975, shrink=0.5, months=6, trees=10, learning_rate=0.1,
                                leaves=4, leaf_days=100))
REGIME = RegimeParameters(on=1.5, off=1.2, window_days=100, implied_rise=0.25)


@cache
def whole() -> Forecast:
    return forecast(simulated_panel(), SMALL)


def said(found: Forecast, rows: int) -> list[Any]:
    """Everything that was said for the first `rows` days."""
    return [*(part[:rows] for part in found.parts.values()), found.variance[:rows],
            found.factor[:, :rows], found.tail.value_at_risk[:, :rows],
            found.tail.shortfall[:, :rows]]


def same(a: list[Any], b: list[Any]) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def test_cutting_the_future_off_changes_no_bit_of_a_forecast() -> None:
    panel = simulated_panel()
    short = forecast(until(panel, int(panel.day[CUT - 1])), SMALL)

    assert len(short.variance) == CUT + 1
    assert same(said(whole(), CUT + 1), said(short, CUT + 1))


def test_another_future_changes_no_bit_of_a_forecast() -> None:
    other = forecast(changed_after(simulated_panel(), CUT), SMALL)

    assert same(said(whole(), CUT + 1), said(other, CUT + 1))
    assert not same(said(whole(), CUT + 5), said(other, CUT + 5))


def test_a_planted_leak_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # The leak: the range of the day itself among the features of its own forecast.
    def leaking(panel: Any) -> Any:
        known = dict(features(panel))
        today = np.log(np.maximum(panel.range_variance, 1e-6))
        known["last"] = np.concatenate([today, known["last"][-1:]])
        return known

    monkeypatch.setattr("counterpoise.calibration.prediction.forecast.features", leaking)
    panel = simulated_panel()

    assert not same(said(forecast(panel, SMALL), CUT + 1),
                    said(forecast(changed_after(panel, CUT), SMALL), CUT + 1))


def test_the_signal_and_plain_history_know_no_future() -> None:
    panel, other = simulated_panel(), changed_after(simulated_panel(), CUT)
    variance = whole().variance
    ours, theirs = (regime_signal(p, variance, REGIME)[:CUT + 1] for p in (panel, other))
    history = [plain_history(p.log_return, level=0.975, window_days=300).shortfall[:, :CUT + 1]
               for p in (panel, other)]

    assert np.array_equal(ours, theirs)
    assert np.array_equal(*history, equal_nan=True)


def test_features_of_a_day_are_those_of_the_day_before() -> None:
    panel = simulated_panel()
    found = features(panel)

    last = np.log(panel.range_variance[CUT - 1])
    np.testing.assert_allclose(found["last"][CUT], last, rtol=1e-12)
    assert found["funding"][CUT, 2] == panel.funding[CUT - 1, 0]
    assert set(features_module.REGRESSORS) <= set(found)
