"""Metrics of a constructed series, and the tools of EMIR Article 28 on series one can follow."""

import numpy as np
import pytest

from counterpoise.backtest.procyclicality import (
    buffered,
    cost,
    floored,
    largest_rise,
    peak_to_trough,
    procyclicality,
    speed_limited,
    stress_weighted,
)
from counterpoise.values.failure import BadInput

SPIKE = np.array([100.0, 100, 108, 120, 200, 150, 100, 80, 80, 100])


def test_metrics_of_the_constructed_series(cases):
    case = cases("backtests/procyclicality__metrics_constructed.json")
    margin, expected = np.array(case["inputs"]["margin"], float), case["expected"]
    found = procyclicality(margin)

    assert found.peak_to_trough == pytest.approx(expected["peak_to_trough"], rel=1e-9)
    assert found.rise_1d == pytest.approx(expected["max_1d"], rel=1e-9)
    assert largest_rise(margin, case["parameters"]["n"]) == pytest.approx(expected["max_5d"],
                                                                          rel=1e-9)
    assert found.std_log_change == pytest.approx(expected["std_logs"], rel=1e-9)


def test_series_are_measured_side_by_side():
    both = np.stack([SPIKE, np.full(10, 7.0)])
    found = procyclicality(both)

    assert [2.5, 1.0] == peak_to_trough(both).tolist() == found.peak_to_trough.tolist()
    assert [3.0, 0.0] == found.days_above_10pc.tolist()
    assert [1.0, 0.0] == found.days_above_25pc.tolist()


def test_buffer_stands_still_until_it_is_used_then_follows():
    assert [125, 125, 125, 125, 200, 187.5, 125, 100, 100, 100] == buffered(SPIKE).tolist()


def test_buffered_charge_lies_between_the_model_and_a_quarter_above():
    model = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.1, (5, 400)), axis=1))
    charged = buffered(model)

    assert (charged >= model).all() and (charged <= 1.25 * model * (1 + 1e-15)).all()


def test_stressed_weight_halves_a_swing_in_proportion():
    weighted = stress_weighted(SPIKE, 200.0, 0.25)

    assert [125.0, 200.0] == [weighted[0], weighted[4]]
    assert peak_to_trough(weighted) < peak_to_trough(SPIKE)


def test_floor_and_speed_limit_do_what_they_say():
    assert [110.0, 110, 110, 120] == floored(SPIKE, 110.0)[:4].tolist()
    assert [100, 100, 108, 118.8, 130.68, 143.748, 100] == pytest.approx(speed_limited(
        SPIKE, 0.10)[:7].tolist())


def test_cost_is_mean_over_mean():
    assert 1.25 == cost(np.array([100.0, 150.0]), np.array([100.0, 100.0]))


@pytest.mark.parametrize("call", [
    lambda: procyclicality(np.array([1.0, 2.0])), lambda: procyclicality(np.array([1.0, 0, 1])),
    lambda: buffered(np.array([1.0, np.nan])), lambda: buffered(SPIKE, -0.1),
    lambda: stress_weighted(SPIKE, SPIKE, 1.5), lambda: speed_limited(SPIKE, float("nan"))])
def test_what_has_no_ratio_is_refused(call):
    with pytest.raises(BadInput):
        call()
