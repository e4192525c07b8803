"""Tests of expected shortfall: published critical values, their size where ES is right, power."""

import numpy as np
import pytest
from scipy import stats

from counterpoise.backtest.shortfall_tests import (
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    conditional_calibration,
    draw_from_scenarios,
    draw_from_student,
    exceedance_residuals,
    regression_intercept,
    shortfall_calibration,
    simulated_p_value,
)
from counterpoise.values.failure import BadInput

ALPHA, DAYS = 0.025, 250


def _forecast(degrees):
    """Return (VaR, ES), positive, of Student's t, unscaled; normal for infinite degrees."""
    law = stats.norm if np.isinf(degrees) else stats.t(degrees)
    value_at_risk = -law.ppf(ALPHA)
    if np.isinf(degrees):
        return value_at_risk, law.pdf(value_at_risk) / ALPHA
    return value_at_risk, (law.pdf(value_at_risk) / ALPHA
                           * (degrees + value_at_risk ** 2) / (degrees - 1))


def _drawn(degrees, paths, seed, days=DAYS):
    draw = draw_from_student(np.ones(days), degrees)
    return draw(np.random.default_rng(seed), paths)


@pytest.mark.parametrize("name, degrees", [("normal", np.inf), ("t10", 10), ("t5", 5), ("t3", 3)])
def test_critical_values_of_z2_are_the_published_ones(cases, name, degrees):
    case = cases("backtests/acerbi_szekely__z2_definition.json")
    value_at_risk, shortfall = _forecast(degrees)
    found = np.concatenate([acerbi_szekely_z2(_drawn(degrees, 4000, seed), np.full(
        DAYS, value_at_risk), np.full(DAYS, shortfall), ALPHA) for seed in range(15)])

    expected, within = case["expected"]["simulated_here"][name], case["tolerance"]
    assert np.quantile(found, 0.05) == pytest.approx(expected["5%"], abs=within["abs_5pct"])
    assert np.quantile(found, 0.01) == pytest.approx(expected["1%"], abs=within["abs_1pct"])
    if degrees > 3:
        assert np.quantile(found, 1e-4) == pytest.approx(expected["0.01%"],
                                                         abs=within["abs_0p01pct"])


def test_z1_and_z2_are_zero_on_average_where_the_forecast_is_right():
    value_at_risk, shortfall = (np.full(2000, x) for x in _forecast(5))
    drawn = _drawn(5, 2000, 1, days=2000)

    assert abs(acerbi_szekely_z1(drawn, value_at_risk, shortfall).mean()) < 0.01
    assert abs(acerbi_szekely_z2(drawn, value_at_risk, shortfall, ALPHA).mean()) < 0.01


def test_z1_without_a_hit_is_undefined():
    assert np.isnan(acerbi_szekely_z1(np.zeros(5), np.ones(5), np.ones(5)))


def test_simulated_p_values_are_uniform_and_small_where_es_is_too_small():
    value_at_risk, shortfall = (np.full(DAYS, x) for x in _forecast(np.inf))

    def p_value(path, seed):
        of = lambda x: acerbi_szekely_z2(x, value_at_risk, shortfall, ALPHA)  # noqa: E731
        return simulated_p_value(float(of(path)), of, draw_from_student(np.ones(DAYS), np.inf),
                                 seed=seed, paths=2000)

    right = [p_value(path, k) for k, path in enumerate(_drawn(np.inf, 60, 3))]
    heavy = [p_value(1.3 * path, k) for k, path in enumerate(_drawn(4, 30, 4))]

    assert stats.kstest(right, "uniform").pvalue > 0.01
    assert np.mean(np.array(heavy) < 0.05) > 0.8
    assert p_value(_drawn(np.inf, 1, 5)[0], 9) == p_value(_drawn(np.inf, 1, 5)[0], 9)


def test_draws_from_scenarios_take_each_day_from_its_own_row():
    scenarios = np.arange(6.0).reshape(2, 3)
    drawn = draw_from_scenarios(scenarios)(np.random.default_rng(1), 500)

    assert {0.0, 1.0, 2.0} == set(drawn[:, 0]) and {3.0, 4.0, 5.0} == set(drawn[:, 1])


def _p_values(test, factor, seed, paths=300, days=2000):
    value_at_risk, shortfall = _forecast(6)
    q, e = np.full(days, -value_at_risk * factor), np.full(days, -shortfall * factor)
    return np.array([float(test(path, q, e).p_value)
                     for path in _drawn(6, paths, seed, days=days)])


@pytest.mark.parametrize("test", [
    lambda r, q, e: conditional_calibration(r, q, e, ALPHA),
    lambda r, q, e: shortfall_calibration(r, q, e, ALPHA, np.ones(len(r))),
    lambda r, q, e: exceedance_residuals(r, q, e, seed=1, paths=1000),
    lambda r, q, e: regression_intercept(r, q, e, ALPHA)])
def test_right_forecast_is_seldom_rejected_and_one_a_third_too_small_often(test):
    right, small = (_p_values(test, factor, 7, paths=120) for factor in (1.0, 0.7))

    assert np.mean(right < 0.05) < 0.12
    assert np.mean(small < 0.05) > 0.5


def test_general_and_simple_calibration_do_not_depend_on_the_unit_of_money():
    path = _drawn(6, 1, 8, days=2000)[0]
    value_at_risk, shortfall = _forecast(6)
    small, large = (conditional_calibration(s * path, np.full(2000, -s * value_at_risk),
                                            np.full(2000, -s * shortfall), ALPHA)
                    for s in (1e-3, 1e4))

    assert small.statistic == pytest.approx(float(large.statistic), rel=1e-9)


def test_intercept_of_the_regression_is_the_shortfall_of_what_is_left():
    r = np.concatenate([np.array([-5.0, -4.0, -3.0, -2.0]), np.linspace(0, 1, 96)])
    found = regression_intercept(r, np.full(100, -1.0), np.full(100, -1.5), 0.04)
    error = ((1.25 + 0.96 * (-0.5 - -2.0) ** 2) / 4) ** 0.5

    assert found.statistic == pytest.approx(-2.0 / error)


def test_two_hits_are_no_sample_for_a_bootstrap():
    r = np.concatenate([[-2.0, -2.1], np.zeros(98)])

    assert np.isnan(exceedance_residuals(r, np.full(100, -1.0), np.full(100, -1.5),
                                         seed=1).p_value)


@pytest.mark.parametrize("call", [
    lambda: acerbi_szekely_z2(np.zeros(3), -np.ones(3), np.ones(3), ALPHA),
    lambda: acerbi_szekely_z2(np.zeros(3), np.ones(3), np.ones(3), 2.0),
    lambda: acerbi_szekely_z1(np.full(3, np.nan), np.ones(3), np.ones(3)),
    lambda: conditional_calibration(np.zeros(3), np.ones(3), np.ones(3), ALPHA),
    lambda: conditional_calibration(np.zeros(3), -np.ones(2), -np.ones(2), ALPHA),
    lambda: shortfall_calibration(np.zeros(3), -np.ones(3), -np.ones(3), ALPHA, np.zeros(3)),
    lambda: regression_intercept(np.zeros(30), -np.ones(30), -np.ones(30), ALPHA),
    lambda: simulated_p_value(0.0, lambda x: x, lambda g, n: np.zeros(n), seed=1, paths=5)])
def test_what_cannot_be_tested_is_refused(call):
    with pytest.raises(BadInput):
        call()
