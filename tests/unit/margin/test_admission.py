"""A change is let in when it is covered or asks for no more."""

import numpy as np

from counterpoise.margin.admission import admitted
from counterpoise.margin.terms.open_size import open_size


def test_covered_or_no_riskier() -> None:
    told = admitted(owned=np.array([100.0, 80.0, 80.0, np.nan, 80.0]),
                    initial_before=np.array([0.0, 98.0, 98.0, 98.0, 98.0]),
                    initial_after=np.array([100.0, 98.0, 98.1, 10.0, np.nan]))

    assert told.tolist() == [True, True, False, False, False]


def test_what_is_infinite_is_no_less_risky_than_before() -> None:
    told = admitted(owned=np.array([100.0, np.inf, 100.0]),
                    initial_before=np.array([np.inf, np.inf, 0.0]),
                    initial_after=np.array([np.inf, 5.0, -np.inf]))

    assert told.tolist() == [False, False, False]


def test_the_larger_side_of_a_market_counts() -> None:
    """Long 10 with 13 to sell: 10 by the formula, 13 by the printed example; short 4 mirrored."""
    position, buys, sells = np.array([10.0, -4.0, 0.0]), np.array([0.0, 9.0, 2.0]), np.array(
        [13.0, 1.0, 3.0])

    assert open_size(position, buys, sells).tolist() == [10.0, 5.0, 3.0]
    assert open_size(position, buys, sells, orders_net=False).tolist() == [13.0, 9.0, 3.0]
