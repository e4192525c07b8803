"""Are forecasts of variance made with yesterday's knowledge, and by the published recursion?"""

import numpy as np
import pytest

from counterpoise.scenarios.variance import (
    GjrTerms,
    ewma_variance,
    gjr_variance,
    long_run_variance,
    standardised,
)
from counterpoise.values.failure import BadInput

TERMS = GjrTerms(mean=0.0, omega=1e-5, alpha=0.05, gamma=0.04, beta=0.9)


def moves(seed=1, shape=(400, 3)):
    return np.random.default_rng(seed).standard_normal(shape) * 0.03


def test_ewma_agrees_with_the_constructed_case(cases):
    case = cases("backtests/var_es__ewma_fhs_constructed.json")
    r = np.array(case["inputs"]["returns"])[:, None]
    variance = ewma_variance(r, case["parameters"]["lambda_"])
    sigma, expected = np.sqrt(variance[:, 0]), case["expected"]
    scaled = standardised(r, variance)[:, 0] * sigma[-1]

    np.testing.assert_allclose(sigma[:-1], expected["sigma"], rtol=1e-12)
    np.testing.assert_allclose(sigma[-1], expected["sigma_now"], rtol=1e-12)
    np.testing.assert_allclose(scaled, expected["scaled_returns"], rtol=1e-12)
    np.testing.assert_allclose(scaled.min(), expected["worst_scaled"], rtol=1e-12)


@pytest.mark.parametrize("forecast", [
    lambda r: ewma_variance(r, 0.94, first=np.full(3, 1e-3)), lambda r: gjr_variance(r, TERMS)])
def test_the_move_of_a_day_does_not_enter_its_own_forecast(forecast):
    calm, wild = moves(), moves()
    wild[200:] *= 10

    np.testing.assert_array_equal(forecast(calm)[:201], forecast(wild)[:201])
    assert (forecast(calm)[201] != forecast(wild)[201]).all()


def test_recursion_is_the_one_of_the_formula():
    r = moves(shape=(30, 1))
    expected = [long_run_variance(TERMS)]
    for x in r[:, 0]:
        expected.append(1e-5 + (0.09 if x < 0 else 0.05) * x * x + 0.9 * expected[-1])

    np.testing.assert_allclose(gjr_variance(r, TERMS)[:, 0], expected, rtol=1e-14)


def test_forecast_stays_over_unknown_days():
    r = moves()
    r[100:110, 1] = np.nan
    variance = ewma_variance(r, 0.94)

    np.testing.assert_array_equal(variance[100:111, 1], np.full(11, variance[100, 1]))
    assert np.isnan(standardised(r, variance)[100:110, 1]).all()
    whole = ewma_variance(np.delete(r[:, 1:2], np.s_[100:110], axis=0), 0.94)
    np.testing.assert_array_equal(whole[-1], variance[-1, 1:2])


def test_a_factor_that_begins_later_has_no_forecast_before():
    r = moves()
    r[:50, 2] = np.nan
    variance = ewma_variance(r, 0.94)

    assert np.isnan(variance[:50, 2]).all() and variance[50, 2] == r[50, 2] ** 2
    assert np.isnan(ewma_variance(np.full((5, 1), np.nan), 0.9)).all()


def test_a_forecast_of_zero_gives_no_residual():
    r = np.zeros((5, 1))

    assert np.isnan(standardised(r, ewma_variance(r, 0.94))).all()


def test_terms_that_make_no_variance_are_refused():
    for wrong in ({"omega": -1.0}, {"alpha": -0.1}, {"beta": 1.2}, {"gamma": -0.2},
                  {"mean": float("nan")}, {"omega": float("nan")}):
        with pytest.raises(BadInput, match="alpha \\+ gamma"):
            GjrTerms(**({"mean": 0.0, "omega": 1e-5, "alpha": 0.05, "gamma": 0.0, "beta": 0.9}
                        | wrong))
    for decay in (1.0, -0.1, float("nan")):
        with pytest.raises(BadInput, match="decay"):
            ewma_variance(moves(), decay)
    with pytest.raises(BadInput, match="at least 0"):
        ewma_variance(moves(), 0.9, first=np.array([1.0, -1.0, 1.0]))
