"""Small markets for tests, built by hand so that every number in them is visible."""

from collections.abc import Callable

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.contracts import (
    Future,
    Instrument,
    Option,
    Payoff,
    Perpetual,
    Right,
    canonical_id,
    expiry_text,
    strike_text,
)
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.values.assets import asset
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import UNKNOWN
from counterpoise.values.time import DAY_NS, parse_instant

AS_OF = parse_instant("2026-02-05T21:30:00Z")
INDEX = {"BTC": 65_000.0, "ETH": 1_900.0}
DAYS = (1, 10, 50, 330)


def contracts(cash: str = "USDC", indices: dict[str, float] = INDEX) -> list[Instrument]:
    """Return perpetuals, futures and options, settled in the underlying and in `cash`."""
    out: list[Instrument] = []
    for coin, index in indices.items():
        for quote, paid in (("USD", coin), (cash, cash)):
            payoff = Payoff.INVERSE if paid == coin else Payoff.LINEAR
            terms = {"underlying": coin, "quote": quote, "settlement": paid}
            more = {**terms, "payoff": payoff, "multiplier": 1.0, "lot_exponent": -9}
            out.append(Perpetual(id=canonical_id(**terms, tail="PERP"), **more))
            for days in DAYS:
                expiry = AS_OF // DAY_NS * DAY_NS + days * DAY_NS + 8 * 3600 * 10**9
                tail = expiry_text(expiry)
                out.append(Future(id=canonical_id(**terms, tail=tail), expiry=expiry, **more))
                for level in (0.7, 0.9, 1.0, 1.1, 1.4):
                    strike = round(index * level, -1)
                    for right in Right:
                        name = f"{tail}-{strike_text(strike)}-{right}"
                        out.append(Option(id=canonical_id(**terms, tail=name), expiry=expiry,
                                          strike=strike, right=right, **more))
    return out


def market(shift: float = 1.0, volatility: float = 0.8, cash: str = "USDC",
           indices: dict[str, float] = INDEX) -> MarketSnapshot:
    """Return a market with upward-sloping forwards and a smile; prices times `shift`."""
    terms = catalogue(contracts(cash, indices))
    index = np.array([indices[u] * shift for u in terms.underlyings])
    years = np.where(terms.expiry > 0, terms.expiry - AS_OF, 0) / (365 * DAY_NS)
    forward = index[terms.underlying] * (1 + 0.05 * years)
    option = terms.kind == 3
    away = np.where(option, terms.strike / forward - 1, 0.0)
    sigma = np.where(option, volatility * (1 + 0.5 * away * away), np.nan)
    value = black76(forward=forward, strike=np.where(option, terms.strike, 1.0),
                    years=np.maximum(years, 0), volatility=np.where(option, sigma, 0.5),
                    right=np.where(option, terms.right, 1).astype(np.int8),
                    rate=np.zeros(len(terms))).value
    premium = np.where(terms.payoff == 1, value / forward, value)
    zero = np.zeros(len(terms))
    return MarketSnapshot(
        catalogue=terms, as_of=AS_OF, sequence=1, mark=np.where(option, premium, forward),
        forward=forward, forward_fixed=zero, volatility=sigma, rate=zero,
        quality=np.zeros(len(terms), np.uint16), quote_age_ns=np.zeros(len(terms), np.int64),
        index=index, assets=(*terms.underlyings, cash), price=np.array([*index, 1.0]),
        source="built by hand for tests", simulated=True)


def only(snapshot: MarketSnapshot, keep: Callable[[Instrument], bool]) -> MarketSnapshot:
    """Return the market without the instruments that `keep` refuses."""
    at = [k for k, c in enumerate(snapshot.catalogue.instruments) if keep(c)]
    terms = catalogue([snapshot.catalogue.instruments[k] for k in at])
    known = dict(zip(snapshot.catalogue.underlyings, snapshot.index, strict=True))
    columns = {name: getattr(snapshot, name)[at] for name in (
        "mark", "forward", "forward_fixed", "volatility", "rate", "quality", "quote_age_ns")}
    return replaced(snapshot, catalogue=terms, **columns,
                    index=np.array([known[u] for u in terms.underlyings]))


def account(snapshot: MarketSnapshot, holdings: dict[str, float],
            orders: dict[str, float] | None = None,
            balances: dict[str, int] | None = None) -> Book:
    """Return the book of one account; sizes in contract units (USD for inverse futures)."""
    assets = tuple(asset(code) for code in sorted(balances or {}))
    amounts = np.array([[(balances or {})[a.code] * 10**a.decimals for a in assets]], np.int64)
    return book_of(catalogue=snapshot.catalogue, accounts=np.array(["test"]),
                   positions=_rows(snapshot, holdings), orders=_rows(snapshot, orders or {}),
                   balances=(assets, amounts.reshape(1, -1)))


def _rows(snapshot: MarketSnapshot, holdings: dict[str, float]) -> Entries:
    column = [snapshot.catalogue.column[name] for name in holdings]
    return Entries(account=np.zeros(len(column), np.int64),
                   instrument=np.array(column, np.int32),
                   lots=np.array([round(q * 1e9) for q in holdings.values()], np.int64),
                   entry_cost=np.full(len(column), UNKNOWN, np.int64))
