"""What does the market look like when every index has moved by the same fraction?

Marks and forwards move by the fraction of the index in their own quote; the premium of an option
moves with its Black-76 value on the moved forward, at its volatility; coins are worth their moved
index; the prices of dollar tokens stay.
"""

import numpy as np

from counterpoise.collateral.cross import prices_in
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.snapshot import Floats, MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.values.frozen import replaced
from counterpoise.values.time import YEAR_NS


def with_moved_indices(market: MarketSnapshot, move: float) -> MarketSnapshot:
    """Return the market after a move, a fraction above -1."""
    terms = market.catalogue
    option = terms.kind == OPTION
    quotes = [c.quote for c in terms.instruments]
    codes = tuple(sorted(set(quotes)))
    price = dict(zip(codes, prices_in(market, codes, "USD").tolist(), strict=True))
    shift = move * market.index[terms.underlying] / np.array([price[q] for q in quotes])
    forward = market.forward + np.where(option, shift, 0.0)
    mark = np.where(option, _premium(market, shift), market.mark + shift)
    coin = np.isin(np.array(market.assets), np.array(terms.underlyings))
    return replaced(market, index=market.index * (1 + move), mark=mark,
                    forward=np.where(option, forward, mark),
                    price=np.where(coin, market.price * (1 + move), market.price))


def _premium(market: MarketSnapshot, shift: Floats) -> Floats:
    """Return the premium of every option after its forward has moved by `shift`, [instrument]."""
    terms = market.catalogue
    whole = market.forward + market.forward_fixed
    years = np.where(terms.expiry > 0, np.maximum(terms.expiry - market.as_of, 0), 0) / YEAR_NS
    before, after = (black76(forward=forward, strike=terms.strike, years=years,
                             volatility=market.volatility, right=terms.right,
                             rate=market.rate).value for forward in (whole, whole + shift))
    inverse = terms.payoff == 1
    with np.errstate(invalid="ignore", divide="ignore"):
        money = np.where(inverse, market.mark * whole, market.mark) + after - before
        return np.asarray(np.maximum(np.where(inverse, money / (whole + shift), money), 0.0))
