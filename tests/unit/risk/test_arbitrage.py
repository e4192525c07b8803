"""A shock that bends or crosses smiles is found; one that moves all of them alike is not."""

import numpy as np

from counterpoise.instruments.catalogue import OPTION
from counterpoise.risk.arbitrage import created_arbitrage
from counterpoise.scenarios.joint import joint_scenarios
from counterpoise.values.frozen import replaced
from joint_moves import BTC, STICKY_STRIKE, joint_moves
from markets import market

BOTH = (*BTC, *(name.replace("BTC", "ETH") for name in BTC))


def _found(snapshot=None, **moved):
    snapshot = market() if snapshot is None else snapshot
    moves = joint_moves(BOTH, [[moved.get(n.split(" ")[1], 0.0) if n.startswith("BTC") else 0.0
                                for n in BOTH]])
    return created_arbitrage(snapshot, joint_scenarios(moves, snapshot, STICKY_STRIKE))


def test_parallel_moves_create_nothing():
    for moved in ({"price": 0.2}, {"price": -0.3}, {"vol": 0.5}, {"vol": -0.5},
                  {"price": -0.2, "vol": 0.3, "term": -0.1, "skew": -0.03}):
        assert _found(**moved) == ()


def test_a_steep_skew_creates_butterflies_in_the_underlying_that_moved():
    found = _found(skew=0.8)

    assert {one.kind for one in found} >= {"butterfly"}
    assert {one.underlying for one in found} == {"BTC"} and {one.scenario for one in found} == {1}
    assert all(one.amount > 0 and one.label == "row 0" for one in found)


def test_a_term_move_that_lets_variance_fall_creates_calendars():
    found = _found(term=-0.8)

    assert {one.kind for one in found} == {"calendar"}
    assert len({one.expiry for one in found}) >= 2


def test_an_arbitrage_of_today_is_not_blamed_on_the_shock():
    snapshot = market()
    sigma = np.array(snapshot.volatility)
    far = (snapshot.catalogue.kind == OPTION) & (
        snapshot.catalogue.expiry == snapshot.catalogue.expiry.max())
    sigma[far] = 0.2
    crossed = replaced(snapshot, volatility=sigma)

    assert _found(crossed) == () and _found(crossed, price=0.01, vol=-0.05) == ()
