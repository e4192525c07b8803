"""Scores are least for the truth; comparisons find a difference and are quiet without one."""

import numpy as np
import pytest
from scipy import stats

from counterpoise.backtest.scoring import (
    diebold_mariano,
    fz0,
    holm,
    long_run_variance,
    pinball,
    qlike,
)
from counterpoise.values.failure import BadInput

ALPHA = 0.025
RETURNS = np.random.default_rng(11).standard_normal(400_000)
QUANTILE, SHORTFALL = stats.norm.ppf(ALPHA), -stats.norm.pdf(stats.norm.ppf(ALPHA)) / ALPHA


def test_fz0_is_least_for_the_true_quantile_and_shortfall():
    true = fz0(RETURNS, QUANTILE, SHORTFALL, ALPHA).mean()

    for q, e in ((1.1, 1.1), (0.9, 0.9), (1.0, 1.1), (1.0, 0.9), (0.9, 1.0), (1.1, 1.0)):
        assert fz0(RETURNS, q * QUANTILE, e * SHORTFALL, ALPHA).mean() > true + 1e-4


def test_fz0_is_the_formula_of_the_paper_on_a_day_with_and_without_a_hit():
    found = fz0(np.array([-0.05, 0.01]), -0.03, -0.04, ALPHA)

    assert found == pytest.approx([0.02 / (ALPHA * 0.04) + 0.75 + np.log(0.04) - 1,
                                   0.75 + np.log(0.04) - 1])


def test_differences_of_fz0_do_not_depend_on_the_unit_of_money():
    a, b = (fz0(RETURNS[:100], s * QUANTILE, s * SHORTFALL, ALPHA) for s in (1.0, 1.2))
    c, d = (fz0(50 * RETURNS[:100], 50 * s * QUANTILE, 50 * s * SHORTFALL, ALPHA)
            for s in (1.0, 1.2))

    assert np.allclose(a - b, c - d)


def test_pinball_and_qlike_are_least_for_the_truth():
    quantiles = [pinball(RETURNS, s * QUANTILE, ALPHA).mean() for s in (0.9, 1.0, 1.1)]
    variances = [qlike(RETURNS ** 2, np.full(RETURNS.shape, v)).mean() for v in (0.8, 1.0, 1.25)]

    assert 1 == np.argmin(quantiles) == np.argmin(variances)


def test_diebold_mariano_rejects_equal_forecasts_as_often_as_stated():
    generator = np.random.default_rng(12)
    rejected = [diebold_mariano(generator.standard_normal(120), generator.standard_normal(120),
                                lags=0).p_value < 0.05 for _ in range(2000)]

    assert 0.035 < np.mean(rejected) < 0.065


def test_diebold_mariano_without_lags_is_a_t_test_of_the_differences():
    a, b = np.random.default_rng(13).standard_normal((2, 80))
    found, scipys = diebold_mariano(a, b, lags=0), stats.ttest_1samp(a - b, 0)

    assert found.statistic == pytest.approx(scipys.statistic)
    assert found.p_value == pytest.approx(scipys.pvalue)


def test_diebold_mariano_says_which_is_worse():
    a = np.random.default_rng(14).standard_normal(500)
    found = diebold_mariano(a + 0.3, np.random.default_rng(15).standard_normal(500))

    assert found.mean_difference > 0 and found.first_worse < 0.01
    assert 1.0 == diebold_mariano(a, a).p_value


def test_long_run_variance_is_that_of_a_moving_average():
    noise = np.random.default_rng(16).standard_normal(200_001)
    series = noise[1:] + 0.5 * noise[:-1]

    assert long_run_variance(series, 60) == pytest.approx(1.5 ** 2, rel=0.05)
    assert long_run_variance(series, 0) == pytest.approx(1.25, rel=0.02)


def test_overlapping_windows_are_not_taken_for_evidence():
    generator = np.random.default_rng(17)
    rejected = []
    for _ in range(400):
        days = generator.standard_normal(404)
        windows = np.convolve(days, np.ones(5), "valid")
        rejected.append(diebold_mariano(windows, np.zeros(400), horizon_days=5,
                                        lags=12).p_value < 0.05)

    assert np.mean(rejected) < 0.12


def test_holm_is_the_worked_step_down():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([np.nan, 0.5, 0.9])) == pytest.approx([np.nan, 1.0, 1.0], nan_ok=True)


@pytest.mark.parametrize("call", [
    lambda: fz0(np.zeros(3), -0.1, -0.05, ALPHA), lambda: fz0(np.zeros(3), 0.1, 0.2, ALPHA),
    lambda: fz0(np.array([np.nan]), -1.0, -2.0, ALPHA), lambda: pinball(np.zeros(3), -1.0, 0.0),
    lambda: qlike(np.ones(2), np.zeros(2)), lambda: diebold_mariano(np.zeros(2), np.zeros(2)),
    lambda: diebold_mariano(np.zeros(9), np.zeros(8)),
    lambda: diebold_mariano(np.zeros(9), np.zeros(9), horizon_days=5, lags=3),
    lambda: diebold_mariano(np.full(9, np.nan), np.zeros(9))])
def test_what_cannot_be_scored_is_refused(call):
    with pytest.raises(BadInput):
        call()
