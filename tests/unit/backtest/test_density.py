"""Tests of the whole forecast law: right laws pass as often as stated, wrong ones do not."""

import numpy as np
import pytest
from scipy import stats

from counterpoise.backtest.density import (
    berkowitz,
    berkowitz_tail,
    kolmogorov_smirnov,
    probability_transform,
)
from counterpoise.values.failure import BadInput


def _paths(seed, paths, days):
    return np.random.default_rng(seed).random((paths, days))


@pytest.mark.parametrize("test", [berkowitz, berkowitz_tail, kolmogorov_smirnov])
def test_uniform_values_are_rejected_as_often_as_stated(test):
    p_values = np.array([float(test(u).p_value) for u in _paths(1, 250, 800)])

    assert 0.02 < np.mean(p_values < 0.05) < 0.09


@pytest.mark.parametrize("test", [berkowitz, berkowitz_tail, kolmogorov_smirnov])
def test_volatility_forecast_too_low_is_found(test):
    z = 1.3 * np.random.default_rng(2).standard_normal((30, 800))

    assert np.mean([float(test(stats.norm.cdf(path)).p_value) < 0.05 for path in z]) > 0.75


def test_berkowitz_finds_dependence_that_the_distance_does_not():
    generator = np.random.default_rng(3)
    z = np.zeros(2000)
    for t in range(1, 2000):
        z[t] = 0.3 * z[t - 1] + (1 - 0.09) ** 0.5 * generator.standard_normal()
    u = stats.norm.cdf(z)

    assert berkowitz(u).p_value < 1e-6 < 0.01 < kolmogorov_smirnov(u).p_value


def test_berkowitz_statistic_is_the_likelihood_ratio_of_a_regression():
    z = np.random.default_rng(4).standard_normal(300)
    fit = np.polyfit(z[:-1], z[1:], 1)
    residual = z[1:] - np.polyval(fit, z[:-1])
    free = stats.norm.logpdf(residual, scale=residual.std()).sum()
    found = berkowitz(stats.norm.cdf(z))

    assert found.statistic == pytest.approx(2 * (free - stats.norm.logpdf(z[1:]).sum()))


def test_tail_likelihood_is_that_of_a_direct_search():
    from scipy.optimize import minimize

    z = 0.2 + 1.2 * np.random.default_rng(5).standard_normal(1000)
    cut = stats.norm.ppf(0.05)
    low, above = z[z < cut], (z >= cut).sum()

    def negative(x):
        law = stats.norm(x[0], np.exp(x[1]))
        return -(law.logpdf(low).sum() + above * law.logsf(cut))

    best = min(minimize(negative, start, method="Nelder-Mead",
                        options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 5000}).fun
               for start in ((0.0, 0.0), (0.5, 0.5)))
    found = berkowitz_tail(stats.norm.cdf(z))

    assert found.statistic == pytest.approx(2 * (negative((0.0, 0.0)) - best), rel=1e-4)


def test_distance_is_scipys():
    u = _paths(6, 1, 400)[0] ** 1.05
    found, scipys = kolmogorov_smirnov(u), stats.kstest(u, "uniform")

    assert found.statistic == pytest.approx(scipys.statistic)
    assert found.p_value == pytest.approx(scipys.pvalue, abs=0.01)


def test_transform_is_the_share_of_scenarios_below():
    scenarios = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 2.0]])

    assert [2.5 / 4, 1.5 / 4] == probability_transform(scenarios, np.array([2.5, 1.0])).tolist()


@pytest.mark.parametrize("u", [np.array([0.0] * 20), np.full(20, np.nan), np.full(5, 0.5)])
def test_what_is_no_probability_is_refused(u):
    for test in (berkowitz, berkowitz_tail, kolmogorov_smirnov):
        with pytest.raises(BadInput):
            test(u)
