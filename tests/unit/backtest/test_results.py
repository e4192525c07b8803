"""Judgements from observations that one can count by hand."""

import numpy as np
import pytest

from counterpoise.backtest.coverage import dynamic_quantile, kupiec
from counterpoise.backtest.events import EVENTS, overlapping
from counterpoise.backtest.law import STEPS
from counterpoise.backtest.replay import Observation
from counterpoise.backtest.results import judged
from counterpoise.backtest.series import Terms, series_of
from counterpoise.values.time import DAY_NS, parse_instant

BEGIN = parse_instant("2024-01-01T00:00:00Z")
DAILY = Terms(margin="initial", level=0.99, horizon_days=1)


def _observation(day: int, loss: float, margin: float = 100.0, failure: str = "") -> Observation:
    one = np.ones(1)
    told = float("nan") if failure else margin
    return Observation(
        at=BEGIN + day * DAY_NS, until=BEGIN + (day + 1) * DAY_NS, portfolios=("p",),
        initial=told * one, maintenance=0.8 * told * one, raw=0.5 * told * one,
        buffered=0.7 * told * one, loss=loss * one, shortfall=max(loss - told, 0.0) * one,
        shortfall_maintenance=max(loss - 0.8 * told, 0.0) * one, worst=("-16 %, vol up",),
        failure=(failure,), quantile=told * one, tail_mean=1.2 * told * one,
        transform=np.nan * one, beyond=np.nan * one, tail=np.full((1, STEPS), np.nan),
        no_law="its scenarios are a grid, not a distribution")


def _days(losses: list[float]) -> tuple[Observation, ...]:
    return tuple(_observation(k, loss) for k, loss in enumerate(losses))


def test_three_lines_are_counted_side_by_side():
    (found,) = judged(_days([0.0] * 96 + [60, 75, 90, 150]), DAILY)

    assert {"raw": 4, "buffered": 3, "final": 1} == found.exceptions
    assert 0.99 == found.coverage and 1.5 == found.largest
    assert {"sum": 0.5, "mean": 0.5, "largest": 0.5} == found.size
    assert found.kupiec == (pytest.approx(float(kupiec(1, 100, 0.01).p_value)),) * 2


def test_maintenance_margin_is_exceeded_before_initial():
    observations = _days([0.0] * 98 + [90, 150])

    assert 2 == judged(observations, Terms(margin="maintenance", level=0.99, horizon_days=1))[
        0].exceptions["final"]
    assert 1 == judged(observations, DAILY)[0].exceptions["final"]


def test_exceedances_say_day_size_and_scenario():
    (found,) = judged(_days([0.0] * 50 + [150.0]), DAILY)
    (one,) = found.exceedances

    assert (BEGIN + 50 * DAY_NS, 150.0, 100.0, 50.0) == (one.at, one.loss, one.margin,
                                                         one.shortfall)
    assert "-16 %, vol up" == one.worst and 0 == one.lead_days


def test_lead_time_is_how_long_the_margin_had_stood_higher():
    seen = tuple(_observation(k, 300.0 if k == 39 else 0.0, margin=100.0 if k < 33 else 130.0)
                 for k in range(40))

    assert 7 == judged(seen, DAILY)[0].exceedances[0].lead_days


def test_days_without_a_number_are_told_and_not_counted():
    seen = (*_days([0.0] * 60), _observation(60, 500.0, failure="no mark"))
    (found,) = judged(seen, DAILY)

    assert (60, 0.0, {"no mark": 1}) == (found.observations, found.exceptions["final"],
                                         found.failures)


def test_overlapping_windows_are_judged_on_interleaved_samples():
    losses = [0.0] * 300
    for k in range(100, 105):
        losses[k] = 150.0
    five = judged(_days(losses), Terms(margin="initial", level=0.99, horizon_days=5))[0]
    one = judged(_days(losses), DAILY)[0]

    assert one.independence[0] < 0.001 < 0.5 < five.independence[0]
    assert five.kupiec[0] == pytest.approx(float(kupiec(1, 60, 0.01).p_value))


def test_order_of_observations_does_not_matter():
    seen = _days([float(k) for k in range(120)])

    assert judged(seen, DAILY) == judged(tuple(reversed(seen)), DAILY)
    assert series_of(seen, "initial") == series_of(tuple(reversed(seen)), "initial")


def test_margin_that_never_moves_has_no_procyclicality():
    (found,) = judged(_days([0.0] * 60), DAILY)

    assert found.stability is not None and 1.0 == found.stability.peak_to_trough


def test_period_that_touches_a_day_of_an_event_belongs_to_it():
    crash = parse_instant("2026-02-05T00:00:00Z")
    names = {e.name for e in overlapping(crash - 3600 * 10 ** 9, crash + 3600 * 10 ** 9)}

    assert {"5 February 2026"} == names
    assert () == overlapping(crash - 2 * DAY_NS, crash)
    assert list(EVENTS) == sorted(EVENTS, key=lambda e: e.first)


def test_dynamic_quantile_notices_hits_that_follow_hits():
    losses = [0.0] * 300
    for k in range(100, 108):
        losses[k] = 150.0
    spread = [150.0 if k % 100 == 50 else 0.0 for k in range(300)]
    close, apart = (judged(_days(each), DAILY)[0].dynamic_quantile for each in (losses, spread))

    assert close[0] < 1e-6 < 0.5 < apart[0]
    assert close[0] == pytest.approx(float(dynamic_quantile(
        np.array(losses) > 0, np.full(300, 100.0), 0.01).p_value))


def test_too_few_days_for_the_lags_have_no_dynamic_quantile():
    assert all(np.isnan(judged(_days([0.0] * 17), DAILY)[0].dynamic_quantile))


def test_grid_has_no_forecast_to_judge_and_the_reason_is_told():
    (found,) = judged(_days([0.0] * 200), DAILY)

    assert found.forecast is None
    assert "its scenarios are a grid, not a distribution" == found.no_forecast
