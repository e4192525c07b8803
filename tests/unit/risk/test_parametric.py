"""Closed forms of tails: published figures, SciPy beside them, and a domain that is refused."""

import numpy as np
import pytest
from scipy import integrate, stats

from counterpoise.risk.measures import expected_shortfall_of
from counterpoise.risk.parametric import (
    Moments,
    cornish_fisher_domain,
    cornish_fisher_value_at_risk,
    moments_of,
    normal_expected_shortfall,
    normal_value_at_risk,
    t_expected_shortfall,
    t_scale,
    t_value_at_risk,
)
from counterpoise.risk.student import t_density
from counterpoise.values.failure import BadInput

ZERO, ONE = np.zeros(1), np.ones(1)
STANDARD = Moments(mean=ZERO, deviation=ONE, skewness=ZERO, excess_kurtosis=ZERO, ddof=0)


def test_published_closed_forms_at_their_tolerance(cases):
    case = cases("backtests/var_es__closed_form_var_es.json")
    for law, levels in case["expected"].items():
        for level, expected in levels.items():
            if law == "normal":
                found = (normal_value_at_risk(STANDARD, level=float(level)),
                         normal_expected_shortfall(STANDARD, level=float(level)))
            else:
                given = {"mean": ZERO, "scale": ONE, "degrees": int(law[1:]),
                         "level": float(level)}
                found = (t_value_at_risk(**given), t_expected_shortfall(**given))

            assert found[0][0] == pytest.approx(expected["VaR"], **case["tolerance"], abs=0)
            assert found[1][0] == pytest.approx(expected["ES"], **case["tolerance"], abs=0)


@pytest.mark.parametrize("degrees", [2, 3, 7, 30, 400])
def test_the_t_shortfall_is_the_mean_of_the_tail(degrees):
    q = stats.t.ppf(0.975, degrees)
    tail = integrate.quad(lambda x: x * stats.t.pdf(x, degrees), q, np.inf)[0] / 0.025

    assert t_expected_shortfall(mean=ZERO, scale=ONE, degrees=degrees, level=0.975)[0] == (
        pytest.approx(tail, rel=1e-6))
    assert t_density(q, degrees) == pytest.approx(stats.t.pdf(q, degrees), rel=1e-12)


def test_a_t_law_of_unit_variance_is_scaled():
    """97.5 % of t4 at unit variance: 2.776 x sqrt(1/2)."""
    scale = t_scale(ONE, 4)

    assert t_value_at_risk(mean=ZERO, scale=scale, degrees=4, level=0.975)[0] == pytest.approx(
        1.9632431614775606, rel=1e-10)
    with pytest.raises(BadInput, match="no variance"):
        t_scale(ONE, 2)
    with pytest.raises(BadInput, match="no mean"):
        t_expected_shortfall(mean=ZERO, scale=ONE, degrees=1, level=0.975)


def test_moments_are_those_of_numpy_and_scipy_for_either_ddof():
    vectors = np.random.default_rng(8).standard_t(6, (3, 5_000)) + 0.4
    for ddof in (0, 1):
        found = moments_of(vectors, ddof=ddof)

        assert np.allclose(found.mean, vectors.mean(axis=1), rtol=1e-12)
        assert np.allclose(found.deviation, vectors.std(axis=1, ddof=ddof), rtol=1e-12)
        assert np.allclose(found.skewness, stats.skew(vectors, axis=1), rtol=1e-9)
        assert np.allclose(found.excess_kurtosis, stats.kurtosis(vectors, axis=1), rtol=1e-9)
        assert ddof == found.ddof


def test_moments_of_what_does_not_vary_are_zero_and_of_too_little_refused():
    still = moments_of(np.full((1, 5), 2.0))

    assert (2.0, 0.0, 0.0, 0.0) == (still.mean[0], still.deviation[0], still.skewness[0],
                                    still.excess_kurtosis[0])
    with pytest.raises(BadInput, match="ddof"):
        moments_of(np.ones((1, 1)))


def test_the_normal_law_of_a_normal_sample_is_near_its_history():
    vectors = 0.02 * np.random.default_rng(9).standard_normal((4, 200_000)) + 0.001
    found = normal_expected_shortfall(moments_of(vectors), level=0.975)

    assert np.allclose(found, expected_shortfall_of(vectors, level=0.975), rtol=0.02)


def test_cornish_fisher_of_a_normal_law_is_normal_and_by_hand_otherwise():
    assert cornish_fisher_value_at_risk(STANDARD, level=0.99)[0] == pytest.approx(
        2.3263478740408408, rel=1e-12)
    s, k, z = -0.4, 1.5, -2.3263478740408408
    h = z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
    given = Moments(mean=np.array([0.01]), deviation=np.array([2.0]), skewness=np.array([s]),
                    excess_kurtosis=np.array([k]), ddof=1)

    assert cornish_fisher_value_at_risk(given, level=0.99)[0] == pytest.approx(-0.01 - 2 * h,
                                                                             rel=1e-12)


@pytest.mark.parametrize(("skew", "kurtosis"), [(0.0, -0.1), (0.0, 8.1), (1.0, 0.5), (-2.5, 9.0),
                                                (0.0, np.nan)])
def test_outside_its_domain_the_expansion_is_refused(skew, kurtosis):
    given = Moments(mean=ZERO, deviation=ONE, skewness=np.array([skew]),
                    excess_kurtosis=np.array([kurtosis]), ddof=1)

    with pytest.raises(BadInput, match="outside the domain"):
        cornish_fisher_value_at_risk(given, level=0.99)


def test_the_domain_is_where_the_expansion_rises_everywhere():
    """On a grid of S and K against the slope itself, and never beyond |S| = 6 (sqrt 2 - 1)."""
    s, k = (x.ravel() for x in np.meshgrid(np.linspace(-3, 3, 61), np.linspace(-1, 20, 85)))
    z = np.linspace(-60, 60, 4_001)[:, None]
    slope = (1 + z * s / 3 + (3 * z**2 - 3) * k / 24 - (6 * z**2 - 5) * s**2 / 36)
    inside = cornish_fisher_domain(s, k)
    rising = (slope >= -1e-9).all(axis=0)

    assert np.all(rising[inside])
    assert (inside != rising).mean() < 0.002
    assert np.abs(s[inside]).max() <= 6 * (2**0.5 - 1)


@pytest.mark.parametrize("level", [0.0, 1.0, float("nan"), 97.5])
def test_what_is_no_level_is_refused(level):
    for measure in (normal_value_at_risk, normal_expected_shortfall,
                    cornish_fisher_value_at_risk):
        with pytest.raises(BadInput, match="level"):
            measure(STANDARD, level=level)
