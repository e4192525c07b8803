"""Which shocks create static arbitrage that was not there? Butterflies and calendars of quotes.

    butterfly  the call price, undiscounted and per forward, is convex in the strike, with slopes
               from -1 to 0
    calendar   volatility^2 T at a log-moneyness does not fall with T

checked on the strikes that are quoted, in every scenario, against the same check today: a market
whose quotes allow an arbitrage already is not blamed on a shock. Source: J. Gatheral and A.
Jacquier, Quantitative Finance 14, 2014, section 2; P. Carr and D. Madan, "A note on sufficient
conditions for no arbitrage", Finance Research Letters 2, 2005, for quotes at strikes.
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.snapshot import Floats, MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.pricing.kernel import pricing_columns
from counterpoise.risk.moved_market import shocked_volatility
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen
from counterpoise.values.time import YEAR_NS

TOLERANCE: Final = 1e-6
"""Of the forward, and of total variance: less than that no one can trade."""


@frozen
class ShockArbitrage:
    """An arbitrage that a scenario creates between quoted strikes.

    scenario  index into the labels       expiry  ns, the later one of a calendar
    kind      "butterfly" or "calendar"   amount  beyond what today's quotes allow, > 0: fraction
              of the forward (butterfly) or total variance (calendar)
    """

    scenario: int
    label: str
    underlying: str
    settlement: str
    expiry: int
    kind: str
    amount: float


@frozen
class _Slice:
    """One smile in all scenarios: k [scenario, strike], volatility, forward [scenario], years."""

    underlying: str
    settlement: str
    expiry: int
    strike: Floats
    forward: Floats
    volatility: Floats
    years: Floats


def created_arbitrage(market: MarketSnapshot, scenarios: ScenarioSet) -> tuple[ShockArbitrage, ...]:
    """Return what joint scenarios create, by expiry, kind and scenario; () where nothing is."""
    found: list[ShockArbitrage] = []
    earlier: _Slice | None = None
    for smile in _slices(market, scenarios):
        found += _new(scenarios, smile, "butterfly", _butterfly(smile))
        if earlier is not None and _alike(earlier, smile):
            found += _new(scenarios, smile, "calendar", _calendar(earlier, smile))
        earlier = smile
    return tuple(found)


def _alike(one: _Slice, other: _Slice) -> bool:
    return (one.underlying, one.settlement) == (other.underlying, other.settlement)


def _new(scenarios: ScenarioSet, smile: _Slice, kind: str, worst: Floats) -> list[ShockArbitrage]:
    """Return the scenarios whose violation is larger than that of scenario 0."""
    beyond = worst - max(float(worst[0]), 0.0)
    return [ShockArbitrage(scenario=s, label=scenarios.labels[s], underlying=smile.underlying,
                           settlement=smile.settlement, expiry=smile.expiry, kind=kind,
                           amount=float(beyond[s]))
            for s in np.flatnonzero(beyond > TOLERANCE).tolist()]


def _slices(market: MarketSnapshot, scenarios: ScenarioSet) -> list[_Slice]:
    """Return the smiles of at least three strikes, by underlying, settlement and expiry."""
    terms = market.catalogue
    volatility = shocked_volatility(market, scenarios)
    years = np.maximum(terms.expiry[:, None] - market.as_of, 0) / YEAR_NS \
        - scenarios.time_shift_days / 365.0
    factor = terms.underlying if scenarios.factor_of is None else scenarios.factor_of
    base = pricing_columns(market, scenarios).shock_base
    option = np.flatnonzero((terms.kind == OPTION) & np.isfinite(market.volatility))
    groups: dict[tuple[int, int, int], list[int]] = {}
    for k in option.tolist():
        key = int(terms.underlying[k]), int(terms.settlement[k]), int(terms.expiry[k])
        if market.forward[k] > 0 and (key not in groups
                                      or terms.strike[groups[key][-1]] < terms.strike[k]):
            groups.setdefault(key, []).append(k)
    out = []
    for (u, s, expiry), at in sorted(groups.items()):
        first = at[0]
        if len(at) < 3:
            continue
        forward = (market.forward[first] + market.forward_fixed[first]
                   + base[first] * scenarios.move[:, factor[first]])
        out.append(_Slice(underlying=terms.underlyings[u], settlement=terms.settlements[s],
                          expiry=expiry, strike=terms.strike[at], forward=forward,
                          volatility=np.ascontiguousarray(volatility[at].T), years=years[first]))
    return out


def _butterfly(smile: _Slice) -> Floats:
    """Return by how much of the forward the call prices break convexity or bounds, [scenario]."""
    count, strikes = smile.volatility.shape
    price = black76(
        forward=np.repeat(smile.forward, strikes), strike=np.tile(smile.strike, count),
        years=np.repeat(np.maximum(smile.years, 0.0), strikes),
        volatility=smile.volatility.ravel(), right=np.ones(count * strikes, np.int8),
        rate=np.zeros(count * strikes)).value.reshape(count, strikes)
    width = np.diff(smile.strike)
    slope = np.diff(price, axis=1) / width
    # What a butterfly of one unit costs below nothing; a spread beyond its bounds likewise.
    bend = -np.diff(slope, axis=1) * np.minimum(width[1:], width[:-1])
    bound = np.maximum(slope, -1.0 - slope) * width
    worst = np.maximum(bend.max(axis=1), bound.max(axis=1)) / smile.forward
    return np.where(np.isnan(worst), 0.0, worst)


def _calendar(earlier: _Slice, later: _Slice) -> Floats:
    """Return the largest fall of total variance from one expiry to the next, [scenario]."""
    k, w = _total_variance(later)
    at, before = _total_variance(earlier)
    worst = np.zeros(len(k))
    for s in range(len(k)):
        inside = (at[s] >= k[s, 0]) & (at[s] <= k[s, -1])
        fall = before[s] - _read(at[s], k[s], w[s])
        worst[s] = np.max(np.where(inside & np.isfinite(fall), fall, 0.0), initial=0.0)
    return worst


def _total_variance(smile: _Slice) -> tuple[Floats, Floats]:
    ratio = smile.strike / smile.forward[:, None]
    k = _core.log(ratio.ravel()).reshape(ratio.shape)
    variance: Any = smile.volatility * smile.volatility * np.maximum(smile.years, 0.0)[:, None]
    return k, variance


def _read(at: Floats, k: Floats, value: Floats) -> Floats:
    """Return a line through (k, value) at places inside its range."""
    high = np.clip(np.searchsorted(k, at), 1, len(k) - 1)
    low = high - 1
    share = (at - k[low]) / (k[high] - k[low])
    read: Floats = value[low] + share * (value[high] - value[low])
    return read
