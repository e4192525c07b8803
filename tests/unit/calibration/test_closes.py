"""Which factors do closes tell of, and on which venue?"""

import numpy as np
import pytest

from counterpoise.calibration.closes import Closes, peg_levels, premium_levels, price_levels
from counterpoise.scenarios.factors import factor_name
from counterpoise.values.failure import BadInput


def closes(symbol="BTC", close=(100.0, 110.0, 99.0), **changes):
    days = np.arange(len(close))
    return Closes(**({"symbol": symbol, "venue": "v", "market": "spot", "quote": "USDT",
                      "day": days, "close": np.array(close), "whole": np.ones(len(close), bool)}
                     | changes))


def test_spot_comes_before_perpetuals_and_longer_before_shorter():
    found = price_levels([closes(market="perp", close=(1.0,) * 9), closes(close=(1.0,) * 3),
                          closes(close=(1.0,) * 5, venue="w")])

    assert ["w spot in USDT", "v spot in USDT", "v perp in USDT"] == [s.source for s in found]


def test_price_is_in_what_it_is_quoted_in_and_dollar_coins_are_dollars():
    found = price_levels([closes(), closes("ADA", quote="BTC"), closes("SOL", quote="USD")])

    assert {"BTC price", "SOL price", "ADA price in BTC"} == {
        factor_name(s.factor) for s in found}


def test_staking_token_is_held_to_its_coin_on_the_same_venue():
    eth = closes("ETH", close=(2000.0, 2200.0, 2100.0))
    beth = closes("BETH", close=(1990.0, 2189.0, 2079.0))
    (peg,) = peg_levels([beth], {"BETH": "ETH"}, [closes("ETH", venue="w"), eth])

    assert "BETH peg in ETH" == factor_name(peg.factor)
    np.testing.assert_allclose(peg.level, np.log([0.995, 0.995, 0.99]), rtol=1e-12)
    with pytest.raises(BadInput, match="ETH, which has no closes on v in USDT"):
        peg_levels([beth], {"BETH": "ETH"}, [closes("ETH", venue="w")])


def test_premium_needs_whole_days_of_both():
    perp = closes(market="perp", close=(101.0, 110.0, 98.0), whole=np.array([1, 1, 0], bool))
    (premium,) = premium_levels([perp, closes(), closes(venue="w", market="perp")])

    assert "BTC basis 0" == factor_name(premium.factor) and [0, 1] == premium.day.tolist()
    np.testing.assert_allclose(premium.level, np.log([1.01, 1.0]), rtol=1e-12)


def test_closes_that_are_no_price_are_refused():
    for close in ((1.0, 0.0), (1.0, -1.0), (1.0, np.nan), (1.0, np.inf)):
        with pytest.raises(BadInput, match="not above 0"):
            closes(close=close)
