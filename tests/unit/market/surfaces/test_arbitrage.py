"""Findings: known arbitrage is found where it is, and a smile without any is left in peace."""

import numpy as np
import pytest

from counterpoise import _core
from counterpoise.market.surfaces.arbitrage import svi_findings

CLEAN = [0.01, 0.1, -0.3, 0.02, 0.1]


def found(*smiles, years=None):
    count = len(smiles)
    return svi_findings(np.array(years or [0.25 * (k + 1) for k in range(count)]),
                        np.array(smiles, np.float64).reshape(count, 5))


def test_a_clean_smile_has_no_findings():
    assert found(CLEAN) == ()


def test_the_butterfly_of_axel_vogt_is_found():
    """Gatheral and Jacquier (2014), example 3.1: negative density near k = 0.8."""
    (butterfly,) = found([-0.0410, 0.1331, 0.3060, 0.3586, 0.4153], years=[1.0])

    assert butterfly.kind == "butterfly" and 0.6 < butterfly.log_moneyness < 1.1
    assert 0.0 < butterfly.amount < 0.1 and "negative" in butterfly.sentence


def test_a_flat_smile_has_no_findings():
    assert found([0.04, 0.0, 0.0, 0.0, 0.1]) == ()


def test_a_smile_without_variance_somewhere_is_a_butterfly():
    kinds = {f.kind for f in found([-0.05, 0.1, 0.0, 0.0, 0.1])}

    assert kinds == {"butterfly"}


@pytest.mark.parametrize(("rho", "side"), [(0.5, np.inf), (-0.5, -np.inf)])
def test_a_wing_steeper_than_two_is_found(rho, side):
    steep = [f for f in found([0.5, 1.5, rho, 0.0, 0.5]) if f.kind == "wing"]

    (wing,) = steep
    assert wing.log_moneyness == side and wing.amount == pytest.approx(0.25)


def test_variance_that_falls_with_time_is_found_where_it_falls_most():
    later = [CLEAN[0] - 0.005, *CLEAN[1:]]

    (calendar,) = found(CLEAN, later, years=[0.25, 0.5])

    assert calendar.kind == "calendar" and calendar.years == 0.5
    assert calendar.amount == pytest.approx(0.005, rel=1e-6)


def test_wings_that_cross_far_out_are_found_at_infinity():
    later = [CLEAN[0] + 1.0, CLEAN[1] * 0.9, *CLEAN[2:]]

    sides = {f.log_moneyness for f in found(CLEAN, later) if f.kind == "calendar"}

    assert sides == {np.inf, -np.inf}


def test_the_same_smile_twice_is_no_calendar():
    assert found(CLEAN, CLEAN) == ()


def test_durrlemans_function_is_the_density_of_the_prices():
    """g times a normal density is the second derivative of the call in the strike."""
    k, h = np.linspace(-0.3, 0.3, 13), 1e-4
    rows = np.zeros(13, np.int32)

    def calls(at):
        w = _core.svi_curve(parameters=np.array([CLEAN]), slice=rows, log_moneyness=at)[0]
        return _core.black76(forward=np.ones(13), strike=np.exp(at), years=np.ones(13),
                             volatility=np.sqrt(w), right=np.ones(13, np.int8),
                             rate=np.zeros(13))[0]

    w, _, _, g = _core.svi_curve(parameters=np.array([CLEAN]), slice=rows, log_moneyness=k)
    strike = np.exp(k)
    second = (calls(np.log(strike + h)) - 2 * calls(k) + calls(np.log(strike - h))) / h**2
    d2 = -k / np.sqrt(w) - np.sqrt(w) / 2
    density = g * np.exp(-d2 * d2 / 2) / np.sqrt(2 * np.pi * w) / strike
    np.testing.assert_allclose(second, density, rtol=2e-5, atol=1e-6)


def test_slopes_of_the_curve_are_its_differences():
    k, h = np.linspace(-1, 1, 21), 1e-5
    rows, smile = np.zeros(21, np.int32), np.array([CLEAN])

    w, first, second, _ = _core.svi_curve(parameters=smile, slice=rows, log_moneyness=k)
    up, down = (_core.svi_curve(parameters=smile, slice=rows, log_moneyness=k + x)
                for x in (h, -h))

    np.testing.assert_allclose(first, (up[0] - down[0]) / (2 * h), atol=1e-9)
    np.testing.assert_allclose(second, (up[1] - down[1]) / (2 * h), atol=1e-8)
