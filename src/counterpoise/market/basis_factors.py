"""What is the basis of one underlying by tenor today? Read from the forwards of its own chain.

    basis(T) = ln(F / index) / T   by expiry, per year, linear in T between expiries
    tenor 0  = ln(mark / index)    of the perpetual, not per year

A tenor without an expiry on both sides is not known: nothing is extrapolated. Expiries closer than
three days are left out, since an index print a few seconds old is annualised there a hundredfold
(*our reading*).
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import FUTURE, OPTION, PERPETUAL
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.time import DAY_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
TENORS: Final = (0, 7, 30, 90, 180)
DAYS_MIN: Final = 3.0
_NO_FORWARD: Final = int(Quality.MISSING_FORWARD | Quality.ABSURD_PRICE | Quality.EXPIRED)


def basis_levels(market: MarketSnapshot, underlying: str,
                 tenors: Sequence[int] = TENORS) -> tuple[float, ...]:
    """Return the basis of `underlying` at each tenor (days); NaN where the market does not tell."""
    u = market.catalogue.underlyings.index(underlying)
    index = float(market.index[u])
    if not 0 < index < np.inf:
        return (float("nan"),) * len(tenors)
    days, basis = _curve(market, u, index)
    return tuple(_perpetual(market, u, index) if tenor == 0 else _at(tenor, days, basis)
                 for tenor in tenors)


def _curve(market: MarketSnapshot, u: int, index: float) -> tuple[Floats, Floats]:
    """Return (days to expiry, annualised basis) by expiry: the median over what shares it."""
    terms = market.catalogue
    price = np.where(terms.kind == FUTURE, market.mark, market.forward + market.forward_fixed)
    usable = ((terms.underlying == u) & ((terms.kind == FUTURE) | (terms.kind == OPTION))
              & ((market.quality & _NO_FORWARD) == 0) & (price > 0) & (price < np.inf)
              & (terms.expiry - market.as_of >= int(DAYS_MIN * DAY_NS)))
    expiries = np.unique(terms.expiry[usable])
    forward = np.array([np.median(price[usable & (terms.expiry == e)]) for e in expiries])
    days = (expiries - market.as_of) / DAY_NS
    return days, _core.log(forward / index) / (days / 365.0)


def _perpetual(market: MarketSnapshot, u: int, index: float) -> float:
    terms = market.catalogue
    mine = ((terms.underlying == u) & (terms.kind == PERPETUAL) & (market.mark > 0)
            & ((market.quality & int(Quality.ABSURD_PRICE)) == 0))
    marks = market.mark[mine]
    if not len(marks):
        return float("nan")
    return float(_core.log(np.array([np.median(marks) / index]))[0])


def _at(tenor: int, days: Floats, basis: Floats) -> float:
    after = int(np.searchsorted(days, tenor))
    if after == len(days) or (after == 0 and days[0] != tenor):
        return float("nan")
    before = max(after - 1, 0)
    span = float(days[after] - days[before])
    share = (tenor - float(days[before])) / span if span > 0 else 0.0
    return float(basis[before]) + share * float(basis[after] - basis[before])
