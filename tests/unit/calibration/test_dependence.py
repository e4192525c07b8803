"""Does a fit find the dependence that made the residuals?"""

import numpy as np
import pytest
from scipy.stats import t as student

from counterpoise.calibration.dependence import (
    correlation_repaired,
    fit_dcc,
    fit_t_copula,
    rank_correlation,
    tail_dependence,
)
from counterpoise.values.failure import BadInput

R = np.array([[1.0, 0.8, 0.5], [0.8, 1.0, 0.3], [0.5, 0.3, 1.0]])


def t_copula_draws(degrees, days, seed):
    """Return residuals with the t copula of R and quite different margins."""
    chance = np.random.default_rng(seed)
    normal = chance.standard_normal((days, 3)) @ np.linalg.cholesky(R).T
    mixed = normal / np.sqrt(chance.chisquare(degrees, (days, 1)) / degrees)
    u = student(degrees).cdf(mixed)
    return np.stack([u[:, 0] ** 3, student(3).ppf(u[:, 1]), np.log(u[:, 2])], axis=1)


def dcc_draws(a, b, days, seed):
    chance = np.random.default_rng(seed)
    q, rows, paths = R, [], []
    for _ in range(days):
        d = np.sqrt(np.diag(q))
        paths.append(q / np.outer(d, d))
        z = np.linalg.cholesky(paths[-1]) @ chance.standard_normal(3)
        q = (1 - a - b) * R + a * np.outer(z, z) + b * q
        rows.append(z)
    return np.array(rows), np.array(paths)


@pytest.mark.parametrize("degrees", [3, 5, 10])
def test_degrees_of_a_t_copula_are_recovered(degrees):
    fit = fit_t_copula(t_copula_draws(degrees, 5000, seed=degrees))

    assert abs(fit.degrees - degrees) <= max(1, degrees // 5)
    np.testing.assert_allclose(fit.correlation, R, atol=0.04)


def test_normal_dependence_has_many_degrees():
    normal = np.random.default_rng(1).standard_normal((5000, 3)) @ np.linalg.cholesky(R).T

    assert fit_t_copula(normal).degrees >= 50


def test_margins_do_not_change_the_copula():
    draws = t_copula_draws(5, 2000, seed=1)
    other = np.stack([np.exp(draws[:, 0]), draws[:, 1] ** 3, draws[:, 2] * 7 + 1], axis=1)

    assert fit_t_copula(draws) == fit_t_copula(other)


def test_tail_dependence_is_the_share_of_joint_extremes():
    draws = t_copula_draws(3, 400_000, seed=2)
    far = [draws[:, k] < np.quantile(draws[:, k], 0.002) for k in (0, 1)]

    assert np.mean(far[1][far[0]]) == pytest.approx(tail_dependence(0.8, 3), abs=0.04)
    # QRM table 7.1: nu 4, rho 0.5: 0.25; nu 10, rho 0.9: 0.46.
    assert tail_dependence(0.5, 4) == pytest.approx(0.25, abs=0.005)
    assert tail_dependence(0.9, 10) == pytest.approx(0.46, abs=0.005)


def test_dcc_dynamics_are_recovered():
    draws, paths = dcc_draws(0.04, 0.93, 5000, seed=9)
    fit = fit_dcc(draws)

    assert fit.a == pytest.approx(0.04, abs=0.012) and fit.b == pytest.approx(0.93, abs=0.03)
    np.testing.assert_allclose(fit.long_run, R, atol=0.06)
    assert fit.log_likelihood > fit.constant + 50
    # The forecast is for the day after the last, so it is near the path, not the mean.
    np.testing.assert_allclose(fit.forecast, paths[-1], atol=0.1)


def test_constant_correlation_shows_no_dynamics():
    draws = np.random.default_rng(3).standard_normal((3000, 3)) @ np.linalg.cholesky(R).T
    fit = fit_dcc(draws)

    assert fit.a < 0.01 and fit.log_likelihood < fit.constant + 4


def test_rank_correlation_ignores_days_on_which_one_is_unknown():
    draws = t_copula_draws(5, 3000, seed=1)
    holes = draws.copy()
    holes[:1000, 2] = np.nan

    assert rank_correlation(draws)[0, 1] == rank_correlation(holes)[0, 1]
    assert rank_correlation(draws)[0, 2] == pytest.approx(rank_correlation(holes)[0, 2], abs=0.05)
    holes[:2800, 2] = np.nan
    assert 0.0 == rank_correlation(holes)[0, 2]


def test_repaired_matrix_is_a_correlation():
    broken = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    repaired = correlation_repaired(broken)

    assert np.linalg.eigvalsh(repaired)[0] > 0
    np.testing.assert_allclose(np.diag(repaired), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(correlation_repaired(R), R)


def test_too_few_common_days_are_refused():
    draws = t_copula_draws(5, 400, seed=1)
    draws[:200, 1] = np.nan

    for fit in (fit_dcc, fit_t_copula):
        with pytest.raises(BadInput, match="200 days"):
            fit(draws)
