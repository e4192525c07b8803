"""Probabilities and quantiles agree with SciPy, whose special functions are its own."""

import numpy as np
import pytest
from scipy import stats

from counterpoise.scenarios.distributions import normal_quantile, t_probability
from counterpoise.values.failure import BadInput


def test_normal_quantiles_are_exact_to_the_last_digits():
    p = np.concatenate((10.0 ** -np.arange(1, 300, 3), np.linspace(1e-6, 1 - 1e-6, 5001)))

    assert np.allclose(normal_quantile(p), stats.norm.ppf(p), rtol=4e-15, atol=1e-16)


@pytest.mark.parametrize("degrees", [2, 3, 4, 7, 30, 100, 1000])
def test_probabilities_of_t_are_exact_in_the_centre_and_in_both_tails(degrees):
    t = np.concatenate((-np.geomspace(1e-8, 25, 500), np.geomspace(1e-8, 25, 500), [0.0]))

    assert np.allclose(t_probability(t, degrees), stats.t.cdf(t, degrees), rtol=5e-13, atol=0)


def test_one_degree_is_the_arc_tangent():
    t = -np.geomspace(1, 1e8, 100)

    assert np.allclose(t_probability(t, 1), np.arctan(-1 / t) / np.pi, rtol=1e-13, atol=0)


def test_a_number_has_the_same_bits_alone_and_among_others():
    t = np.random.default_rng(1).standard_t(3, 20_000)

    assert np.array_equal(t_probability(t, 4)[9_000:9_001], t_probability(t[9_000:9_001], 4))


def test_probabilities_that_are_none_are_refused():
    with pytest.raises(BadInput, match="probability"):
        normal_quantile(np.array([0.5, 1.0]))
    with pytest.raises(BadInput, match="degrees"):
        t_probability(np.zeros(1), 0)
