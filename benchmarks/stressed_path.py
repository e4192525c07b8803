"""What did 5 February 2026 look like every five minutes? One market per bar, options included.

Option chains were observed about every six hours. Between two of them the index follows the
five-minute perpetual price, ratios to it (index, forwards, the perpetual), volatilities and the
difference between marks and model values move linearly in time. The catalogue is the contracts
that every chain of the path lists.
"""

from pathlib import Path
from typing import Any

import numpy as np

from counterpoise.adapters.chain import read_chain, snapshots
from counterpoise.instruments.catalogue import OPTION, Catalogue, catalogue
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS, YEAR_NS, parse_instant

DAY = parse_instant("2026-02-05T00:00:00Z")
BAR_NS = 5 * 60 * 10**9
CHAIN = "options/deribit_chain_2026-02.parquet"
PERPETUALS = "options/deribit_perp_at_snapshots.parquet"
BARS = "prices/stress_5m.parquet"


def markets(data: Path, *, start: int = DAY, bars: int = 288) -> list[MarketSnapshot]:
    """Return a market per five-minute bar from `start` (ns), one catalogue for all."""
    end = start + bars * BAR_NS
    stamps = snapshots(data / CHAIN)
    first = max(s for s in stamps if s <= start)
    last = min(s for s in stamps if s >= end)
    chains = [read_chain(data / CHAIN, at=s, perpetuals=data / PERPETUALS)
              for s in stamps if first <= s <= last]
    terms = listed_by_all([c.catalogue for c in chains], after=last)
    aligned = [on(terms, c) for c in chains]
    price = prices(data, terms.underlyings)
    return [between(aligned, price, start + k * BAR_NS, k) for k in range(bars + 1)]


def listed_by_all(listings: list[Catalogue], *, after: int) -> Catalogue:
    """Return the catalogue of what all list and what does not expire on the way."""
    ids = set.intersection(*(set(c.column) for c in listings))
    return catalogue([c for c in listings[0].instruments if c.id in ids
                      and getattr(c, "expiry", after + DAY_NS) > after])


def on(terms: Catalogue, market: MarketSnapshot) -> MarketSnapshot:
    """Return the market on a smaller catalogue."""
    at = np.array([market.catalogue.column[c.id] for c in terms.instruments])
    columns = {n: getattr(market, n)[at] for n in (
        "mark", "forward", "forward_fixed", "volatility", "rate", "quality", "quote_age_ns")}
    return replaced(market, catalogue=terms, **columns)


def prices(data: Path, coins: tuple[str, ...]) -> tuple[Any, Any]:
    """Return (instants of the bars, price [bar, coin])."""
    import duckdb

    found = [duckdb.execute(
        "SELECT epoch_ns(ts) AS t, open FROM read_parquet(?) WHERE event = '2026-02-05' AND "
        "market = 'perp' AND symbol = ? ORDER BY ts", [str(data / BARS), coin]).fetchnumpy()
        for coin in coins]
    assert all(np.array_equal(f["t"], found[0]["t"]) for f in found)
    return np.asarray(found[0]["t"]), np.stack([np.asarray(f["open"]) for f in found], axis=1)


def between(chains: list[MarketSnapshot], price: tuple[Any, Any], at: int,
            sequence: int) -> MarketSnapshot:
    """Return the market at an instant between two chains."""
    k = max(i for i, c in enumerate(chains[:-1]) if c.as_of <= at)
    a, b = chains[k], chains[k + 1]
    share = (at - a.as_of) / (b.as_of - a.as_of)
    then, now, later = (level(price, t) for t in (a.as_of, at, b.as_of))

    def mixed(x: Any, y: Any) -> Any:
        return (1 - share) * x + share * y

    index = now * mixed(a.index / then, b.index / later)
    mine = a.catalogue.underlying
    terms, option = a.catalogue, a.catalogue.kind == OPTION
    forward = index[mine] * mixed(a.forward / a.index[mine], b.forward / b.index[mine])
    mark = index[mine] * mixed(a.mark / a.index[mine], b.mark / b.index[mine])
    out = replaced(a, as_of=at, sequence=sequence, index=index, price=price_of_assets(a, index),
                   forward=forward, volatility=mixed(a.volatility, b.volatility),
                   quality=a.quality | b.quality, source="between two option chains")
    off = mixed(a.mark - premium(a), b.mark - premium(b))
    return replaced(out, mark=np.where(option, np.maximum(premium(out) + off, 0.0),
                                       np.where(terms.kind == 1, mark, forward)))


def premium(market: MarketSnapshot) -> Any:
    """Return the model premium of options in the settlement asset, NaN for the others."""
    terms = market.catalogue
    option = terms.kind == OPTION
    years = np.maximum(terms.expiry - market.as_of, 0) / YEAR_NS
    value = black76(forward=market.forward, strike=np.where(option, terms.strike, 1.0),
                    years=np.where(option, years, 0.0),
                    volatility=np.where(option, market.volatility, 0.5),
                    right=np.where(option, terms.right, 1).astype(np.int8),
                    rate=market.rate).value
    return np.where(option, np.where(terms.payoff == 1, value / market.forward, value), np.nan)


def price_of_assets(market: MarketSnapshot, index: Any) -> Any:
    """Return asset prices with every coin at its index."""
    known = dict(zip(market.catalogue.underlyings, index, strict=True))
    return np.array([known.get(a, p) for a, p in zip(market.assets, market.price, strict=True)])


def level(price: tuple[Any, Any], at: int) -> Any:
    """Return the prices at an instant, linear between bars."""
    times, table = price
    return np.array([np.interp(at, times, column) for column in table.T])
