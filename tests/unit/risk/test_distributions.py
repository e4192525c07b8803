"""Tails and quantiles against SciPy, over the range that p-values are read in."""

import numpy as np
import pytest
from scipy import stats

from counterpoise.risk.distributions import (
    binomial_cumulative,
    binomial_upper_tail,
    chi2_upper_tail,
    normal_below,
    normal_density,
    normal_quantile,
    normal_upper_tail,
)
from counterpoise.risk.student import t_upper_tail
from counterpoise.values.failure import BadInput


def test_chi_squared_tail_is_that_of_scipy():
    x = np.concatenate([[0.0, 1e-9], np.linspace(0.01, 120, 500), [700.0]])
    for degrees in (1, 2, 3, 4, 7, 20, 101):
        assert np.allclose(stats.chi2.sf(x, degrees), chi2_upper_tail(x, degrees), rtol=1e-12,
                           atol=1e-300)


def test_edges_of_chi_squared_are_certain():
    assert [1.0, 0.0] == [chi2_upper_tail(-3.0, 2), chi2_upper_tail(np.inf, 2)]
    assert np.isnan(chi2_upper_tail(np.nan, 2))


def test_normal_tail_and_density_are_those_of_scipy_in_both_tails():
    z = np.linspace(-30, 37, 800)

    assert np.allclose(stats.norm.sf(z), normal_upper_tail(z), rtol=1e-12, atol=0)
    assert np.allclose(stats.norm.cdf(z), normal_below(z), rtol=1e-10, atol=1e-300)
    assert np.allclose(stats.norm.pdf(z), normal_density(z), rtol=1e-12, atol=1e-300)


def test_normal_quantile_is_that_of_scipy_far_into_the_tail():
    levels = np.concatenate([np.logspace(-290, -0.302, 600), np.linspace(0.5, 0.999999, 200)])

    assert np.allclose(stats.norm.ppf(levels), normal_quantile(levels), rtol=1e-12, atol=1e-15)
    assert [-np.inf, 0.0, np.inf] == normal_quantile(np.array([0.0, 0.5, 1.0])).tolist()


def test_binomial_tails_keep_their_digits():
    for n, p in ((1, 0.5), (250, 0.01), (3000, 0.01)):
        x = np.arange(min(n, 200) + 1)
        assert np.allclose(stats.binom.cdf(x, n, p), binomial_cumulative(n, p)[x], rtol=1e-10)
        assert np.allclose(stats.binom.sf(x - 1, n, p), binomial_upper_tail(n, p)[x], rtol=1e-9)


def test_student_tail_is_that_of_scipy_for_any_degrees():
    for t, degrees in ((2.0, 5), (-1.3, 2999), (0.0, 1), (6.0, 40)):
        assert t_upper_tail(t, degrees) == pytest.approx(stats.t.sf(t, degrees), rel=1e-10)


@pytest.mark.parametrize("call", [
    lambda: chi2_upper_tail(1.0, 0), lambda: normal_quantile(1.5), lambda: normal_quantile(np.nan),
    lambda: binomial_cumulative(10, 1.0), lambda: binomial_cumulative(-1, 0.5),
    lambda: t_upper_tail(1.0, 0), lambda: t_upper_tail(float("nan"), 3)])
def test_what_is_no_law_is_refused(call):
    with pytest.raises(BadInput):
        call()
