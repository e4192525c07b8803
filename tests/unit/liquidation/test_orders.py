"""Which orders are cancelled: those that add, then the most passive of the others."""

import numpy as np

from counterpoise.liquidation.orders import cancelled


def test_orders_that_add_go_and_the_most_passive_ones_beyond_the_position_too() -> None:
    """Paradex documentation, deleveraging: long 10, buy 2, sells of 5, 3 and 3."""
    gone = cancelled(10.0, np.array([2.0, -5.0, -3.0, -3.0]),
                     np.array([1900.0, 2150.0, 2100.0, 2200.0]))

    assert gone.tolist() == [True, False, False, True]


def test_a_short_position_keeps_the_highest_bids() -> None:
    gone = cancelled(-4.0, np.array([3.0, 3.0, 1.0, -1.0]), np.array([90.0, 95.0, 94.0, 99.0]))

    assert gone.tolist() == [True, False, False, True]


def test_without_a_position_every_order_goes() -> None:
    assert cancelled(0.0, np.array([1.0, -1.0]), np.array([9.0, 11.0])).all()
    assert cancelled(5.0, np.zeros(0), np.zeros(0)).tolist() == []


def test_of_equal_prices_the_later_order_goes_first() -> None:
    assert cancelled(3.0, np.array([-2.0, -2.0]), np.array([9.0, 9.0])).tolist() == [False, True]
