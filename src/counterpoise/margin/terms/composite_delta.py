"""How much underlying an option stands for when SPAN forms spreads: its composite delta.

    composite = sum over the seven price moves m of the scan of w(m) delta(F (1 + m)) / sum of w

Futures have their own delta. Weights fall with the size of the move (0.270, 0.217, 0.110, 0.037 at
0, 1/3, 2/3 and 1 of the range; CME, unconfirmed). Today's volatility and time are *our reading*.
"""

from typing import Final

import numpy as np

from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.requirement import Floats
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.values.time import YEAR_NS

_THIRDS: Final = (0, 1, -1, 2, -2, 3, -3)


def composite_delta(market: MarketSnapshot, *, delta: Floats, price_range: Floats,
                    weights: tuple[float, ...]) -> Floats:
    """Return the composite delta per lot in units of underlying, [instrument].

    `delta` [instrument] is that of futures; `price_range` [instrument] the scan range as a
    fraction; `weights` those of moves of 0, 1/3, 2/3 and 1 of it. NaN where an input is.
    """
    terms = market.catalogue
    at = np.flatnonzero(terms.kind == OPTION)
    variable, fixed = market.forward[at], market.forward_fixed[at]
    years = np.maximum(terms.expiry[at] - market.as_of, 0) / YEAR_NS
    weighted, whole = np.zeros(len(at)), 0.0
    for third in _THIRDS:
        weight = weights[abs(third)]
        moved = variable * (1 + price_range[at] * third / 3)
        black = black76(forward=moved + fixed, strike=terms.strike[at], years=years,
                        volatility=market.volatility[at], right=terms.right[at],
                        rate=market.rate[at])
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(fixed == 0, 1.0, moved / (moved + fixed))
        weighted += weight * black.delta * share
        whole += weight
    out = delta.copy()
    out[at] = terms.unit[at] * weighted / whole
    return out
