"""Opposite deltas offset leg by leg; composite deltas lie between those of the scanned prices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing_house import WEIGHTS, future, option, quoted
from counterpoise.margin.terms.composite_delta import composite_delta
from counterpoise.margin.terms.span_parameters import CalendarSpread
from counterpoise.margin.terms.spreads import calendar_charges, matched
from counterpoise.pricing.black import black76

deltas = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
RATIO, SIDE = np.array([1.0, 2.0, 0.5]), np.array([1.0, -1.0, -1.0])


@given(st.lists(st.tuples(deltas, deltas, deltas), min_size=1, max_size=20))
def test_matching_takes_the_legs_in_proportion_and_flips_none(rows) -> None:
    delta = np.array(rows).T
    found = matched(delta, ratio=RATIO, side=SIDE)

    np.testing.assert_allclose(np.abs(delta) - np.abs(found.left),
                               found.spreads * RATIO[:, None], atol=1e-6)
    assert np.all(found.left * delta >= -1e-9 * np.abs(delta))


@given(st.tuples(deltas, deltas, deltas))
def test_a_spread_needs_its_legs_on_opposite_sides(row) -> None:
    found = matched(np.array([row]).T, ratio=RATIO, side=SIDE)
    opposite = row[0] * row[1] < 0 and row[0] * row[2] < 0

    assert (found.spreads[0] > 0) == opposite


def test_a_spread_of_three_legs() -> None:
    """Long 4, short 6, short 1: the third allows 2 spreads, which leaves 2, -2 and 0."""
    found = matched(np.array([[4.0, -6.0, -1.0]]).T, ratio=RATIO, side=SIDE)

    assert found.spreads.tolist() == [2.0]
    assert found.left.tolist() == [[2.0], [-2.0], [0.0]]


def test_rows_do_not_see_each_other() -> None:
    spreads = (CalendarSpread(tier_a=1, tier_b=2, rate=3.0),
               CalendarSpread(tier_a=2, tier_b=3, rate=5.0))
    delta = np.array([[1.0, -2.0, 2.0], [0.0, 1.0, 1.0]]).T

    charge, left = calendar_charges(delta, spreads)
    assert charge.tolist() == [8.0, 0.0]
    assert left.T.tolist() == [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]


def test_deltas_that_are_not_numbers_stay_so() -> None:
    assert np.isnan(matched(np.array([[np.nan, 1.0, 1.0]]).T, ratio=RATIO, side=SIDE).spreads[0])


def composite(strike: float, price_range: float) -> float:
    market = quoted({future("f", days=30): 1000.0, option("c", strike=strike): 1.0},
                    index={"X": 1000.0})
    found = composite_delta(market, delta=np.array([1.0, np.nan]), weights=WEIGHTS,
                            price_range=np.full(2, price_range))
    assert found[0] == 1.0
    return float(found[1])


def test_without_a_range_a_composite_delta_is_the_delta() -> None:
    black = black76(forward=np.array([1000.0]), strike=np.array([1050.0]), rate=np.zeros(1),
                    years=np.array([30 / 365]), volatility=np.array([0.6]),
                    right=np.array([1], np.int8)).delta[0]

    assert composite(1050.0, 0.0) == pytest.approx(black, rel=1e-14)


def test_composite_deltas_weigh_the_seven_prices() -> None:
    """A call so far out that only the highest prices give it a delta of nearly one or nearly none.

    At strike 1 it has delta 1 everywhere; the weights sum to one after normalisation.
    """
    assert composite(1.0, 0.3) == pytest.approx(1.0, abs=1e-12)
    assert composite(1200.0, 0.0) < composite(1200.0, 0.3) < 0.5
