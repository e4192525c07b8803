"""Does a generalised Pareto tail keep its own laws?"""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import genpareto

from counterpoise.scenarios.gpd_tail import (
    GpdTail,
    tail_expected_shortfall,
    tail_loss,
    tail_value_at_risk,
)
from counterpoise.values.failure import BadInput


def tail(shape=0.3, **changes):
    return GpdTail(**({"threshold": 2.0, "shape": shape, "scale": 0.8, "exceedances": 100,
                       "observations": 1000} | changes))


@pytest.mark.parametrize("shape", [-0.3, 0.0, 1e-12, 0.1, 0.5, 0.9])
def test_quantiles_are_those_of_the_distribution(shape):
    beyond = np.array([0.1, 0.05, 0.01, 1e-4, 1e-8])
    expected = 2.0 + genpareto(shape, scale=0.8).isf(beyond / 0.1)

    np.testing.assert_allclose(tail_loss(tail(shape), beyond), expected, rtol=1e-10)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.1, 0.5])
def test_expected_shortfall_is_the_mean_of_the_quantiles_beyond(shape):
    mean, _ = quad(lambda p: tail_loss(tail(shape), np.array([p]))[0], 0, 0.025)

    assert mean / 0.025 == pytest.approx(tail_expected_shortfall(tail(shape), 0.975), rel=1e-6)


def test_shape_near_zero_joins_the_exponential():
    assert tail_value_at_risk(tail(2e-9), 0.999) == pytest.approx(
        tail_value_at_risk(tail(0.0), 0.999), rel=1e-7)


def test_tail_without_a_mean_and_questions_below_its_threshold_are_refused():
    for wrong in ({"shape": 1.0}, {"scale": 0.0}, {"exceedances": 49},
                  {"threshold": float("inf")}, {"shape": float("nan")}):
        with pytest.raises(BadInput):
            tail(**wrong)
    with pytest.raises(BadInput, match="0.1, that of its threshold"):
        tail_value_at_risk(tail(), 0.85)
    with pytest.raises(BadInput, match="above 0"):
        tail_value_at_risk(tail(), 1.0)
