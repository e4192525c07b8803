"""Assets move with what they are measured in, and an asset of unknown move has no price."""

import numpy as np
import pytest

from counterpoise.scenarios.moved_assets import asset_moves
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from joint_moves import joint_moves
from markets import market

MARKET = replaced(market(), assets=("BTC", "STETH", "USDC", "WSTETH", "XYZ"),
                  price=np.array([1.0, 1_890.0, 1.0, 2_200.0, 5.0]))


def test_collateral_moves_with_its_own_factor_and_what_it_is_measured_in() -> None:

    moves = joint_moves(("BTC price", "ETH price", "STETH peg in ETH", "USDC peg",
                         "WSTETH peg in STETH"), [[-0.1, -0.3, -0.05, -0.12, 0.01]])
    found = asset_moves(moves, MARKET)

    assert found[0].tolist() == [65_000.0, 1_890.0, 1.0, 2_200.0, 5.0]
    assert np.allclose(found[1, :4], [65_000 * np.exp(-0.1), 1_890 * np.exp(-0.35),
                                      np.exp(-0.12), 2_200 * np.exp(-0.34)], rtol=1e-14)


def test_an_asset_without_a_factor_has_no_moved_price() -> None:

    assert np.isnan(asset_moves(joint_moves(("BTC price",), [[-0.1]]), MARKET)[1, 1:]).all()


def test_the_dollar_stands_still_and_an_unknown_asset_has_no_price() -> None:

    found = asset_moves(joint_moves(("BTC price",), [[-0.1]]), MARKET, assets=("USD", "NONE"))

    assert found[:, 0].tolist() == [1.0, 1.0] and np.isnan(found[:, 1]).all()


@pytest.mark.parametrize(("names", "sentence"), [
    (("STETH peg in WSTETH", "WSTETH peg in STETH"), "is measured in itself"),
    (("STETH peg in ETH", "STETH price"), "has several prices"),
])
def test_prices_without_an_end_or_with_two_are_refused(names: tuple[str, str],
                                                       sentence: str) -> None:

    with pytest.raises(BadInput, match=sentence):
        asset_moves(joint_moves(names, [[0.0, 0.0]]), MARKET)


def test_a_stablecoin_stands_still_only_where_the_caller_says_so() -> None:

    found = asset_moves(joint_moves(("BTC price",), [[-0.1]]), MARKET, still=("peg",))

    assert found[1, 2] == 1.0 and np.isnan(found[1, [1, 3, 4]]).all()
