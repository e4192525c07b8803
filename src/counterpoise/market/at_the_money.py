"""What is the volatility at the money of each expiry? Read from the quotes, without a fit.

Between the nearest strikes on both sides of the forward that have a volatility, linear in
k = ln(K/F); where one side has none, that of the nearest strike. The quotes of one strike count
alike. The same reading makes the moneyness of a skew move, m = k / (volatility x sqrt(T)).
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.market.snapshot import MarketSnapshot, Quality

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Rows = np.ndarray[Any, np.dtype[np.int64]]
_UNUSABLE: Final = int(Quality.MISSING_FORWARD | Quality.MISSING_VOLATILITY | Quality.ABSURD_PRICE
                       | Quality.ABSURD_VOLATILITY | Quality.EXPIRED)


def at_the_money(market: MarketSnapshot) -> Floats:
    """Return the volatility at the money of each option's expiry and settlement, [instrument].

    Annualised, fraction; NaN for what is no option and where no option of the expiry has one.
    """
    terms = market.catalogue
    out = np.full(len(terms), np.nan)
    option = np.flatnonzero(terms.kind == OPTION)
    if not len(option):
        return out
    starts = _starts(terms, option)
    usable = (market.quality[option] & _UNUSABLE) == 0
    k = log_moneyness_of(market)[option]
    volatility = market.volatility[option]
    below, low = _nearest(np.where(usable & (k <= 0.0), -k, np.inf), volatility, starts)
    above, high = _nearest(np.where(usable & (k > 0.0), k, np.inf), volatility, starts)
    with np.errstate(invalid="ignore"):
        between = low + below / (below + above) * (high - low)
    middle = np.where(below == np.inf, high, np.where(above == np.inf, low, between))
    out[option] = np.repeat(middle, np.diff(np.append(starts, len(option))))
    return out


def log_moneyness_of(market: MarketSnapshot) -> Floats:
    """Return k = ln(K / F) of every option, F with its fixed part; NaN elsewhere, [instrument]."""
    forward, strike = market.forward + market.forward_fixed, market.catalogue.strike
    known = (market.catalogue.kind == OPTION) & (forward > 0.0) & (strike > 0.0)
    quotient = np.where(known, strike, 1.0) / np.where(known, forward, 1.0)
    return np.where(known, _core.log(quotient), np.nan)


def _starts(terms: Catalogue, option: Rows) -> Rows:
    """Return where each underlying, expiry and settlement begins among the options."""
    columns = (terms.underlying[option], terms.expiry[option], terms.settlement[option])
    new = np.ones(len(option), bool)
    new[1:] = np.logical_or.reduce([c[1:] != c[:-1] for c in columns])
    return np.flatnonzero(new)


def _nearest(distance: Floats, volatility: Floats, starts: Rows) -> tuple[Floats, Floats]:
    """Return the least distance of each run and the mean volatility there, NaN where none is."""
    least = np.minimum.reduceat(distance, starts)
    runs = np.repeat(least, np.diff(np.append(starts, len(distance))))
    at = (distance == runs) & (distance < np.inf)
    count = np.add.reduceat(at.astype(np.int64), starts)
    total = np.add.reduceat(np.where(at, volatility, 0.0), starts)
    return least, np.where(count > 0, total / np.maximum(count, 1), np.nan)
