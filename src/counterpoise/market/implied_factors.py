"""What are the volatility factors of one underlying today? Level, term and skew of a whole chain.

    ln vol(K, T)  ~  level + term ln(T / 30 days) + skew m + bend m^2,   m = ln(K/F) / (atm sqrt(T))

level is read, not fitted: total variance at the money, linear in time between the expiries around
30 days. term is the slope of ln(at-the-money volatility) less level over ln(T / 30 days), through
the level. skew is the slope over m of what remains of every quote; the bend takes up the curvature
of the smile, so that it does not tilt the slope, and is no factor. Both slopes are least squares
with vega weights and Huber's robust weights (P. Huber, "Robust Statistics", 1981, k = 1.345);
quotes beyond six robust deviations are dropped and the slopes fitted again. The decomposition is
*our reading*, see `scenarios.factors`.
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.at_the_money import at_the_money, log_moneyness_of
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.market.surfaces.smiles import QUOTES_MIN, vega_weight
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, YEAR_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
PIVOT_DAYS: Final = 30.0
DAYS: Final = (1.0, 365.0)
REACH: Final = 3.0
_HUBER: Final = 1.345
_OUTLIER: Final = 6.0
_MAD: Final = 1.4826
_ROUNDS: Final = 25


@frozen
class ImpliedLevels:
    """The volatility factors of one underlying; NaN where the chain does not tell, and why.

    level     ln of the 30-day volatility at the money
    term      slope of ln(at-the-money volatility) over ln(T / 30 days)
    skew      slope of ln(volatility) over m, usually < 0: puts cost more
    error     weighted root mean square of ln(volatility) left over by the fit
    quotes    used in the skew; `dropped` {why: how many} of the rest
    """

    level: float
    term: float
    skew: float
    error: float
    quotes: int
    dropped: dict[str, int]
    failures: tuple[Failure, ...]


@frozen
class _Quotes:
    """What is fitted: [quote] each, and where each expiry begins."""

    years: Floats
    moneyness: Floats
    volatility: Floats
    middle: Floats
    weight: Floats
    starts: np.ndarray[Any, np.dtype[np.int64]]


def implied_levels(market: MarketSnapshot, underlying: str, settlement: str) -> ImpliedLevels:
    """Return the factors of the options on `underlying` that settle in `settlement`."""
    quotes, dropped = _usable(market, underlying, settlement)
    years, middle = quotes.years[quotes.starts], quotes.middle[quotes.starts]
    level = _level(years, middle)
    if level != level:
        why = "has no expiries with a volatility on both sides of 30 days"
        return ImpliedLevels(
            level=np.nan, term=np.nan, skew=np.nan, error=np.nan, quotes=0, dropped=dropped,
            failures=(Failure(reason=Reason.MISSING_VOLATILITY, sentence=why,
                              subject=f"{underlying} settled in {settlement}"),))
    log_time = _core.log(years * (365.0 / PIVOT_DAYS))
    # A short expiry says little in money: its vega falls with the root of time.
    weight = np.minimum(np.sqrt(years * (365.0 / PIVOT_DAYS)), 1.0)
    term, _, _ = _robust((log_time,), _core.log(middle) - level, weight)
    slopes, kept, error = _robust((quotes.moneyness, quotes.moneyness * quotes.moneyness),
                                  _core.log(quotes.volatility / quotes.middle), quotes.weight)
    dropped["far from the smile"] = int(np.count_nonzero(~kept))
    return ImpliedLevels(level=level, term=term[0], skew=slopes[0], error=error,
                         quotes=int(np.count_nonzero(kept)), dropped=dropped, failures=())


def _usable(market: MarketSnapshot, underlying: str,
            settlement: str) -> tuple[_Quotes, dict[str, int]]:
    """Return the quotes that are fitted and {why: how many} of those that are not."""
    terms = market.catalogue
    mine = np.array([i.underlying == underlying and i.settlement == settlement
                     for i in terms.instruments], bool) & (terms.kind == OPTION)
    middle, k = at_the_money(market), log_moneyness_of(market)
    years = (terms.expiry - market.as_of) / YEAR_NS
    days = (terms.expiry - market.as_of) / DAY_NS
    dropped: dict[str, int] = {}

    def keep(left: Flags, fine: Flags, why: str) -> Flags:
        dropped[why] = int(np.count_nonzero(left & ~fine))
        return left & fine

    left = keep(mine, (days >= DAYS[0]) & (days <= DAYS[1]), "expiry outside 1 to 365 days")
    left = keep(left, (market.quality == Quality.GOOD) & (market.volatility > 0) & (middle > 0)
                & np.isfinite(k), "marked as bad, or without a volatility")
    left = keep(left, (terms.right > 0) == (k >= 0), "in the money")
    m = np.where(left, k, 0.0) / np.where(left, middle * np.sqrt(np.where(left, years, 1.0)), 1.0)
    left = keep(left, np.abs(m) <= REACH, "beyond 3 deviations")
    left = keep(left, _count_of_expiry(terms.expiry, left) >= QUOTES_MIN,
                f"expiry of fewer than {QUOTES_MIN} quotes")
    at = np.flatnonzero(left)
    at = at[np.lexsort((terms.strike[at], terms.expiry[at]))]
    weight = vega_weight(k[at], market.volatility[at], years[at]) * np.sqrt(years[at])
    return _Quotes(years=years[at], moneyness=m[at], volatility=market.volatility[at],
                   middle=middle[at], weight=weight,
                   starts=np.flatnonzero(np.diff(years[at], prepend=-1.0))), dropped


def _count_of_expiry(expiry: np.ndarray[Any, Any], left: Flags) -> np.ndarray[Any, Any]:
    found, place = np.unique(expiry, return_inverse=True)
    counts = np.bincount(place[left], minlength=len(found))
    by_row: np.ndarray[Any, Any] = counts[place]
    return by_row


def _level(years: Floats, middle: Floats) -> float:
    """Return ln of the volatility at 30 days, NaN where the expiries do not reach around it."""
    pivot = PIVOT_DAYS / 365.0
    after = int(np.searchsorted(years, pivot))
    if after == len(years) or (after == 0 and years[0] != pivot):
        return float("nan")
    variance = middle * middle * years
    before = max(after - 1, 0)
    span = float(years[after] - years[before])
    share = (pivot - float(years[before])) / span if span > 0 else 0.0
    total = float(variance[before]) + share * float(variance[after] - variance[before])
    return 0.5 * float(_core.log(np.array([total / pivot]))[0])


def _robust(regressors: tuple[Floats, ...], y: Floats,
            weight: Floats) -> tuple[list[float], Flags, float]:
    """Return slopes without intercept, which rows were kept, and the weighted error of those."""
    slopes = _huber(regressors, y, weight)
    left = y - _fitted(regressors, slopes)
    scale = _MAD * float(np.median(np.abs(left)))
    kept: Flags = np.abs(left) <= _OUTLIER * scale if scale > 0 else np.ones(len(y), bool)
    if not kept.all():
        slopes = _huber(tuple(x[kept] for x in regressors), y[kept], weight[kept])
        left = y - _fitted(regressors, slopes)
    square = left[kept] * left[kept] * weight[kept]
    return slopes, kept, float(np.sqrt(np.add.reduce(square) / np.add.reduce(weight[kept])))


def _huber(regressors: tuple[Floats, ...], y: Floats, weight: Floats) -> list[float]:
    robust = weight
    slopes = _least_squares(regressors, y, robust)
    for _ in range(_ROUNDS):
        left = np.abs(y - _fitted(regressors, slopes))
        reach = _HUBER * _MAD * float(np.median(left))
        if reach == 0:
            break
        robust = weight * np.minimum(1.0, reach / np.maximum(left, reach))
        slopes = _least_squares(regressors, y, robust)
    return slopes


def _fitted(regressors: tuple[Floats, ...], slopes: list[float]) -> Floats:
    total = np.zeros(len(regressors[0]))
    for x, slope in zip(regressors, slopes, strict=True):
        total = total + slope * x
    return total


def _least_squares(regressors: tuple[Floats, ...], y: Floats, weight: Floats) -> list[float]:
    """Return the slopes of one or two regressors by the normal equations."""
    def moment(a: Floats, b: Floats) -> float:
        return float(np.add.reduce(weight * a * b))

    x = regressors[0]
    if len(regressors) == 1:
        return [moment(x, y) / moment(x, x)] if moment(x, x) > 0 else [0.0]
    z = regressors[1]
    xx, xz, zz, xy, zy = moment(x, x), moment(x, z), moment(z, z), moment(x, y), moment(z, y)
    spread = xx * zz - xz * xz
    if not spread > 0:
        return [0.0, 0.0]
    return [(xy * zz - zy * xz) / spread, (zy * xx - xy * xz) / spread]
