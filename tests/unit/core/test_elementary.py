"""exp, log, log1p, expm1 and powers: how far from the true number, and what at the edges."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from counterpoise import _core
from oracle import DIGITS, ulps_off

rng = np.random.default_rng(20_260_205)
COUNT = 3000


def worst_ulps(function: Callable[..., np.ndarray], exact: Callable[..., mpmath.mpf],
               *columns: np.ndarray) -> float:
    with mpmath.workdps(DIGITS):
        return max(ulps_off(float(y), exact(*(mpmath.mpf(float(x)) for x in row)))
                   for *row, y in zip(*columns, function(*columns), strict=True))


def test_exp_is_within_one_unit_of_the_last_place():

    assert worst_ulps(_core.exp, mpmath.exp, rng.uniform(-708, 709, COUNT)) < 0.85
    assert worst_ulps(_core.exp, mpmath.exp, rng.uniform(-1, 1, COUNT)) < 0.85


def test_log_is_within_one_unit_of_the_last_place():

    assert worst_ulps(_core.log, mpmath.log, np.ldexp(1.0 + rng.random(COUNT),
                                                     rng.integers(-1074, 1023, COUNT))) < 0.55
    assert worst_ulps(_core.log, mpmath.log, rng.uniform(0.7, 1.5, COUNT)) < 0.55


def test_log1p_does_not_cancel_near_zero():
    tiny = 10 ** rng.uniform(-300, 0, COUNT) * rng.choice([-0.999, 1], COUNT)

    assert worst_ulps(_core.log1p, mpmath.log1p, tiny) < 0.65
    assert worst_ulps(_core.log1p, mpmath.log1p, rng.uniform(-0.999, 5, COUNT)) < 0.65


def test_expm1_does_not_cancel_near_zero():
    tiny = 10 ** rng.uniform(-300, 0, COUNT) * rng.choice([-1, 1], COUNT)

    assert worst_ulps(_core.expm1, mpmath.expm1, tiny) < 2.5
    assert worst_ulps(_core.expm1, mpmath.expm1, rng.uniform(-40, 600, COUNT)) < 2.5


def test_power_is_within_four_units_over_the_range_of_tenor_factors():
    base, exponent = 10 ** rng.uniform(-6, 6, COUNT), rng.uniform(-2, 2, COUNT)

    assert worst_ulps(_core.power, mpmath.power, base, exponent) < 2


def test_simple_powers_are_exact():
    base = np.array([30.0, 30.0, 1.0, 4.0, 0.0, 0.0, 0.0, np.inf, np.inf])
    exponent = np.array([0.0, 1.0, 0.3, 0.5, 2.0, 0.0, -1.0, 1.0, -1.0])

    assert _core.power(base, exponent).tolist() == [1, 30, 1, 2, 0, 1, np.inf, np.inf, 0]


def test_power_of_a_negative_base_or_of_nan_is_nan():
    odd = np.array([-1.0, np.nan, 2.0, 0.0])

    assert np.isnan(_core.power(odd, np.array([0.5, 1.0, np.nan, np.nan]))).all()


EDGES = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1.7e308, 800.0,
                  -800.0])


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p"])
def test_edges_are_those_of_ieee_754(name):
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(EDGES)

    actual = getattr(_core, name)(EDGES)

    np.testing.assert_allclose(actual, expected, rtol=1e-15)
    assert np.array_equal(np.signbit(actual[:2]), np.signbit(expected[:2]))


def test_exp_underflows_gradually():
    deep = np.linspace(-745.0, -708.5, 500)
    with mpmath.workdps(DIGITS):
        exact = [float(mpmath.exp(mpmath.mpf(float(x)))) for x in deep]

    assert np.abs(_core.exp(deep) - exact).max() <= 5e-324
