"""What the world looks like at one instant: complete, or explicit about what is missing.

A number that is missing or absurd is NaN here and its bit is set in `quality`; it reaches no
kernel, because `margin.compute` turns it into a Failure of every account that needs it.
"""

from enum import IntFlag
from typing import Any

import numpy as np

from counterpoise.instruments.catalogue import Catalogue
from counterpoise.market.conditions import NOTHING_KNOWN, Conditions
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Quality(IntFlag):
    """What is wrong with an instrument's quote; 0 is good."""

    GOOD = 0
    MISSING_MARK = 1
    MISSING_FORWARD = 2
    MISSING_VOLATILITY = 4
    MISSING_INDEX = 8
    ABSURD_PRICE = 16
    ABSURD_VOLATILITY = 32
    STALE = 64
    EXPIRED = 128


@frozen
class MarketSnapshot:
    """Marks, forwards, volatilities and indices at `as_of` (ns), in catalogue order.

    mark               [instrument] quote per underlying for spot, perpetual and future; for options
                       the premium per unit of underlying in the settlement asset (coin for inverse)
    forward            [instrument] forward price of the expiry that options are valued on; the
                       mark itself for the others. Variable part only, see `forward_fixed`
    forward_fixed      [instrument] part of the forward already fixed by the settlement average (0
                       outside the window); shocks do not move it
    volatility         [instrument] annualised Black-76 volatility, fraction; NaN for non-options
    rate               [instrument] continuously compounded discount rate to expiry, fraction
    quality            [instrument] `Quality` bits
    quote_age_ns       [instrument] age of the oldest number used
    index              [underlying] spot index in quote (USD), as in `catalogue.underlyings`
    assets, price      price of settlement and collateral assets in USD, [asset]; NaN where unknown
    source             one line that says where the numbers come from; shown with every result
    simulated          True if the numbers were generated, not observed
    conditions         what is known beside prices: funding, depth, confidence, smiles, ...
    """

    catalogue: Catalogue
    as_of: int
    sequence: int
    mark: Floats
    forward: Floats
    forward_fixed: Floats
    volatility: Floats
    rate: Floats
    quality: np.ndarray[Any, np.dtype[np.uint16]]
    quote_age_ns: np.ndarray[Any, np.dtype[np.int64]]
    index: Floats
    assets: tuple[str, ...]
    price: Floats
    source: str
    simulated: bool = False
    conditions: Conditions = NOTHING_KNOWN

    def __post_init__(self) -> None:
        """Check shapes; a mistake here is the programmer's."""
        columns: list[Any] = [self.mark, self.forward, self.forward_fixed, self.volatility,
                              self.rate, self.quality, self.quote_age_ns,
                              *self.conditions.columns.values()]
        assert all(c.shape == (len(self.catalogue),) for c in columns)
        assert self.index.shape == (len(self.catalogue.underlyings),)
        assert self.price.shape == (len(self.assets),)


def snapshot_digest(snapshot: MarketSnapshot) -> str:
    """Return the SHA-256 of everything in the snapshot that a margin number can depend on."""
    from counterpoise.values.digest import sha256_of  # no margin number needs it

    terms = snapshot.catalogue
    words = repr((snapshot.as_of, snapshot.sequence, snapshot.assets, terms.underlyings,
                  terms.settlements, [c.id for c in terms.instruments], *_spoken(snapshot)))
    return sha256_of(
        words, *(getattr(terms, name) for name in (
            "kind", "payoff", "right", "expiry", "settlement_window_ns", "strike", "unit",
            "underlying", "settlement")),
        *(getattr(snapshot, name) for name in (
            "mark", "forward", "forward_fixed", "volatility", "rate", "quality", "index", "price")),
        *(snapshot.conditions.columns[name] for name in sorted(snapshot.conditions.columns)))


def _spoken(snapshot: MarketSnapshot) -> tuple[object, ...]:
    known = snapshot.conditions
    if known == NOTHING_KNOWN:
        return ()
    return (sorted(known.columns), sorted(known.confidences.items()),
            sorted(known.borrow_rates.items()), sorted(known.smiles.items()))


def price_of(snapshot: MarketSnapshot, asset: str) -> float:
    """Return the USD price of an asset, NaN where the snapshot has none."""
    known: dict[str, float] = dict(zip(snapshot.assets, snapshot.price.tolist(), strict=True))
    return known.get(asset, float("nan"))


def usd_price(market: MarketSnapshot, asset: str) -> float:
    """Return the USD price of an asset: its index where it is an underlying, NaN if unknown."""
    known = market.catalogue.underlyings
    if asset == "USD":
        return 1.0
    return float(market.index[known.index(asset)]) if asset in known else price_of(market, asset)
