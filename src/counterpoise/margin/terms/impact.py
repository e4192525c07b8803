"""What does it cost to close what does not net, and what if that is much of the market?

Per underlying, on the account's net delta x (USD) and net vega v (USD per volatility point):

    delta   x (half spread + max(Y s sqrt(x / V), 0.5 % min(x / D, 1)))
    vega    v (half spread of the volatility + Y w sqrt(v / U))
    concentration   k (s x (sqrt(max(t, t0)) - sqrt(t0)) + w v (sqrt(max(u, t0)) - sqrt(t0)))
                    t = x / (p V), u = v / (p U): days to close;  t0 = threshold / p

with V, U the volume of a day in delta and vega, D the depth within 1 %, s and w the standard
deviations of a day of price and volatility, p the participation. The square root is the law of
market impact (B. Toth et al., "Anomalous price impact and the critical nature of liquidity in
financial markets", Physical Review X 1, 2011; Y is about 1); walking a book of even density through
x costs half its way on average, up to the 1 % that D measures. Delta and vega net before they are
charged, so that what hedges itself costs nothing here. *Our reading*: which of the two costs is
larger counts, and days beyond t0 are charged at k standard deviations.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.pools import summed
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.dynamic_parameters import DynamicParameters, LiquidityTerms
from counterpoise.market.conditions import column_of
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import Rows, exposures, grouped
from counterpoise.risk.sensitivities import UNITS, per_lot
from counterpoise.values.frozen import frozen

_WALK: Final = 0.005
_COLUMNS: Final = tuple(UNITS).index("delta_usd"), tuple(UNITS).index("vega_usd")


@frozen
class Impact:
    """Charges by (account, underlying), USD, [row]; `net` [row, 2] USD of delta and of vega."""

    rows: Rows
    net: Floats
    delta_cost: Floats
    vega_cost: Floats
    delta_excess: Floats
    vega_excess: Floats


@frozen
class ImpactMarket:
    """What all accounts share: net sensitivities per lot and the markets' terms by underlying.

    per_lot   [instrument, 2] USD of delta, USD per point of vega
    terms     {field of `LiquidityTerms`: [underlying]}, NaN where an underlying has none
    """

    per_lot: Floats
    terms: dict[str, Floats]


def impact_market(market: MarketSnapshot, parameters: DynamicParameters) -> ImpactMarket:
    """Return the sensitivities and the markets' depth, at most what the market says of itself."""
    names = [u.lower() for u in market.catalogue.underlyings]
    own = [parameters.liquidity.get(name) for name in names]
    terms = {field: np.array([np.nan if one is None else getattr(one, field) for one in own])
             for field in LiquidityTerms.__fields__}  # type: ignore[attr-defined]
    if parameters.impact is not None and parameters.impact.follow_market:
        terms |= {f"{name}_usd": np.fmin(terms[f"{name}_usd"], _observed(market, name))
                  for name in ("volume", "depth")}
    return ImpactMarket(per_lot=np.ascontiguousarray(per_lot(market)[:, list(_COLUMNS)]),
                        terms=terms)


def _observed(market: MarketSnapshot, name: str) -> Floats:
    """Return what the market says over all contracts of an underlying, NaN where it says nothing.

    At least a dollar: a market that is said to be empty is as thin as one can be, not unknown.
    """
    terms = market.catalogue
    column = column_of(market.conditions, name, terms)
    known, count = np.isfinite(column), len(terms.underlyings)
    total = summed(terms.underlying[known], column[known], count)
    said = np.bincount(terms.underlying[known], minlength=count) > 0
    return np.where(said, np.maximum(total, 1.0), np.nan)


def impact_of(book: Book, market: ImpactMarket, parameters: DynamicParameters, *,
              threads: int = 1) -> Impact:
    """Return what each (account, underlying) costs to close; NaN without terms or sensitivities."""
    law = parameters.impact
    assert law is not None
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=book.catalogue.underlying)
    net, _, _ = exposures(rows, market.per_lot, threads=threads)
    own = {name: column[rows.key] for name, column in market.terms.items()}
    x, v = np.abs(net[:, 0]), np.abs(net[:, 1])
    vega_rate = law.coefficient * own["daily_vol_move"] * np.sqrt(v / own["vega_volume_usd"])
    start = law.threshold / law.participation
    days = [size / (law.participation * own[name])
            for size, name in ((x, "volume_usd"), (v, "vega_volume_usd"))]
    beyond = [np.sqrt(np.maximum(one, start)) - np.sqrt(start) for one in days]
    return Impact(
        rows=rows, net=net, delta_cost=closing_cost(x, own, coefficient=law.coefficient),
        vega_cost=v * (own["vol_spread"] + vega_rate),
        delta_excess=law.multiple * own["daily_volatility"] * x * beyond[0],
        vega_excess=law.multiple * own["daily_vol_move"] * v * beyond[1])


def closing_cost(size: Floats, terms: dict[str, Floats], *, coefficient: float) -> Floats:
    """Return what closing `size` USD of delta costs, USD, at least 0; NaN without terms.

    `terms` {field of `LiquidityTerms`: column like `size`}; `coefficient` Y of the square root.
    """
    law = coefficient * terms["daily_volatility"] * np.sqrt(size / terms["volume_usd"])
    walk = _WALK * np.minimum(size / terms["depth_usd"], 1.0)
    return np.asarray(size * (terms["half_spread"] + np.maximum(law, walk)))


def by_account(impact: Impact, count: int) -> dict[str, Floats]:
    """Return the addends `liquidity` and `concentration`, [account]."""
    return {"liquidity": summed(impact.rows.account, impact.delta_cost + impact.vega_cost, count),
            "concentration": summed(impact.rows.account,
                                    impact.delta_excess + impact.vega_excess, count)}


def by_position(impact: Impact, market: ImpactMarket) -> dict[str, Floats]:
    """Return the same by position, in the order of the rows: in proportion to what nets, signed."""
    rows = impact.rows
    row = np.repeat(np.arange(len(rows)), np.diff(rows.pointer))
    own = rows.lots[:, None] * market.per_lot[rows.instrument]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(impact.net[row] != 0, own / impact.net[row], 0.0)
    return {name: share[:, 0] * delta[row] + share[:, 1] * vega[row] for name, delta, vega in (
        ("liquidity", impact.delta_cost, impact.vega_cost),
        ("concentration", impact.delta_excess, impact.vega_excess))}
