"""Questions of our own: cubes, broken hedges and paths move what they say and nothing else."""

import numpy as np
import pytest

from counterpoise.risk.arrays import risk_arrays
from counterpoise.scenarios.factors import factor_named
from counterpoise.scenarios.hypothetical import (
    along,
    cube_moves,
    dependence_moves,
    peg_moves,
    without,
)
from counterpoise.scenarios.joint import joint_scenarios
from counterpoise.scenarios.stress_events import row_of
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from joint_moves import STICKY_STRIKE
from markets import market

BTC, ETH = factor_named("BTC price"), factor_named("ETH price")


def test_a_cube_has_a_row_for_every_price_and_volatility():
    moves = cube_moves(market(), price=(-0.2, 0.0, 0.2), vol=(0.0, 0.5))

    assert len(moves.labels) == 6 and moves.labels[3] == "price -20%, vol +50%"
    assert np.allclose(np.expm1(row_of(moves, ETH)), [-0.2, 0.0, 0.2] * 2)
    assert np.allclose(np.expm1(row_of(moves, factor_named("BTC vol"))), [0.0] * 3 + [0.5] * 3)
    assert not risk_arrays(market(), joint_scenarios(moves, market(), STICKY_STRIKE)).failed.any()


def test_hedges_break_in_every_way_and_coins_move_together_both_ways():
    moves = dependence_moves(market(), ("BTC", "ETH"), size=0.2, vol=0.3)

    assert np.allclose(np.expm1(row_of(moves, BTC)), [0.2, 0.2, -0.2, -0.2])
    assert np.allclose(np.expm1(row_of(moves, ETH)), [0.2, -0.2, 0.2, -0.2])
    assert moves.labels == ("all coins up", "hedge broken: BTC up, ETH down",
                            "hedge broken: ETH up, BTC down", "all coins down")


def test_many_coins_break_one_against_the_rest():
    coins = tuple(f"C{k}" for k in range(9))

    assert len(dependence_moves(market(), coins, size=0.2, vol=0.0).labels) == 2 + 2 * 9


def test_each_stablecoin_leaves_its_peg_alone_with_and_without_a_fall_of_the_coins():
    snapshot = replaced(market(), assets=("BTC", "ETH", "USDC", "USDT"),
                        price=np.array([65_000.0, 1_900.0, 1.0, 1.0]))
    moves = peg_moves(snapshot)
    falls, other = (np.expm1(row_of(moves, factor_named(f"{c} peg"))) for c in ("USDC", "USDT"))

    assert len(moves.labels) == 2 * 2 * 4 and moves.labels[0] == "USDC -5%, coins +0%"
    assert np.allclose(falls[:8], [-0.05, -0.15, -0.4, -0.9999] * 2) and not falls[8:].any()
    assert not other[:8].any() and np.allclose(np.expm1(row_of(moves, BTC)), [0, 0, 0, 0, -0.2,
                                                                             -0.2, -0.2, -0.2] * 2)


def test_a_market_without_stablecoins_has_no_pegs():
    snapshot = market()
    bare = replaced(snapshot, assets=("BTC", "ETH"), price=snapshot.price[:2])

    with pytest.raises(BadInput, match="stablecoin"):
        peg_moves(bare)


def test_a_path_reaches_its_move_in_shares():
    moves = cube_moves(market(), price=(-0.2,), vol=(0.5,))
    steps = along(moves, 0, (0.5, 1.0, 0.8), ("a", "b", "c"))

    assert np.allclose(row_of(steps, BTC), np.log(0.8) * np.array([0.5, 1.0, 0.8]))
    assert steps.labels == ("a", "b", "c")


def test_a_stale_feed_shows_nothing_of_its_underlying():
    moves = without(cube_moves(market(), price=(-0.2,), vol=(0.5,)), "BTC")

    assert row_of(moves, BTC)[0] == 0.0 and row_of(moves, ETH)[0] == pytest.approx(np.log(0.8))


@pytest.mark.parametrize("price", [-1.0, float("nan"), 1e9])
def test_moves_that_are_none_are_refused(price):
    with pytest.raises(BadInput, match="fractions"):
        cube_moves(market(), price=(price,), vol=(0.0,))
