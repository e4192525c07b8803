"""Matching of dollar tokens pair by pair, and tables read between their points."""

import math

import numpy as np
import pytest

from counterpoise.margin.terms.interpolated import interpolated
from counterpoise.margin.terms.stablecoin_hedge import StablecoinTiers, stablecoin_charge

FLAT = StablecoinTiers(up_to=(), price=(0.5, 1.0), rate=((0.5, 0.0),))
"""A rate of one less the price of the cheaper currency."""
STEPS = StablecoinTiers(up_to=(10.0,), price=(1.0,), rate=((0.1,), (0.2,)))


def charged(delta: list[float], price: list[float], tiers: StablecoinTiers) -> float:
    """Return the charge of one unit; currencies USDT, USDC, USD."""
    return float(stablecoin_charge(np.array([delta]), np.array(price), tiers)[0])


@pytest.mark.parametrize(("delta", "charge"), [
    ([30.0, -10.0, -15.0], 15 * 0.1 + 10 * 0.2), ([30.0, -40.0, -15.0], 15 * 0.1 + 15 * 0.2),
    ([0.0, 5.0, -7.0], 5 * 0.2), ([-8.0, 5.0, 7.0], 7 * 0.1 + 1 * 0.2), ([1.0, 2.0, 3.0], 0.0)])
def test_tether_meets_dollars_first_then_the_other_token(delta: list[float],
                                                         charge: float) -> None:
    """USDT at 0.9, USDC at 0.8: a pair with USDC costs 0.2, USDT against USD 0.1."""
    assert charged(delta, [0.9, 0.8, 1.0], FLAT) == pytest.approx(charge, rel=1e-12)


def test_each_pair_begins_at_its_own_first_tier() -> None:
    """12 and 11 matched: ten of each at 10 %, the rest at 20 %."""
    assert charged([23.0, -11.0, -12.0], [1.0, 1.0, 1.0], STEPS) == pytest.approx(
        10 * 0.1 + 2 * 0.2 + 10 * 0.1 + 1 * 0.2, rel=1e-12)


def test_a_missing_price_makes_the_charge_unknown_only_where_it_is_needed() -> None:
    """Nothing is matched in USDC, so its price is not asked for."""
    assert charged([5.0, 0.0, -5.0], [0.9, math.nan, 1.0], FLAT) == pytest.approx(0.5)
    assert math.isnan(charged([5.0, -5.0, 0.0], [0.9, math.nan, 1.0], FLAT))


def test_tables_are_straight_between_points_and_flat_beyond() -> None:
    """At, between and outside the points; NaN stays."""
    at = np.array([-1.0, 0.0, 15.0, 30.0, 105.0, 180.0, 1e9])

    assert interpolated(at, (0, 30, 180), (0.3, 0.2, 0.1)).tolist() == pytest.approx(
        [0.3, 0.3, 0.25, 0.2, 0.15, 0.1, 0.1], rel=1e-12)
    assert math.isnan(interpolated(np.array([math.nan]), (0, 1), (1, 2))[0])
    assert interpolated(np.array([7.0]), (3,), (0.4,)).tolist() == [0.4]
