"""A small world for the engine: two coins, contracts of every kind, two segments, quick to margin.

`World` says events one after the other, with ids and times of its own, and keeps what follows.
"""

from typing import Any

import numpy as np

from counterpoise.collateral.schedule import AssetTerms, CollateralSchedule
from counterpoise.engine import events as said
from counterpoise.engine.codec import batch_of
from counterpoise.engine.effects import EventRefused
from counterpoise.engine.image import plain_shards
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.engine.shards import row_of
from counterpoise.engine.state import Equipment, Rules, genesis
from counterpoise.engine.step import step
from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.contracts import Right
from counterpoise.instruments.listing import Listing, future, option, perpetual, spot
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.values.assets import asset
from counterpoise.values.time import DAY_NS, SECOND_NS
from rule_books.gross_cross import GrossParameters, GrossRates
from rule_books.gross_orders import GrossOrders

START = 20_500 * DAY_NS
EXPIRY = START + 8 * 3600 * SECOND_NS
LATER = EXPIRY + 7 * DAY_NS
COINS = {"BTC": 70_000.0, "ETH": 3_500.0}
ASSETS = tuple(asset(code) for code in ("BTC", "ETH", "USD", "USDC"))
MODEL = GrossOrders()
RULES = Rules(calm_ns=2 * SECOND_NS, age_max_ns={}, other_age_max_ns=20 * SECOND_NS,
              jump_max_ns=DAY_NS)


def instruments() -> list[Any]:
    """Return spot, perpetuals, futures and options of both coins, in coin and in USDC."""
    out: list[Any] = []
    for coin, price in COINS.items():
        inverse = Listing(underlying=coin, quote="USD", settlement=coin)
        linear = Listing(underlying=coin, quote="USDC", settlement="USDC")
        out += [spot(coin, "USDC"), perpetual(inverse), perpetual(linear), future(inverse, EXPIRY)]
        out += [option(line, expiry=expiry, strike=price, right=right)
                for line in (inverse, linear) for expiry in (EXPIRY, LATER) for right in Right]
    return out


def parameters(rate: float = 0.1, number: int = 1, share: float = 0.6) -> ParameterVersion:
    """Return a version of the rule book's parameters."""
    schedule = CollateralSchedule(numeraire="USD", other=None, assets={
        "BTC": AssetTerms(up_to=(), weight=(0.9,)), "ETH": AssetTerms(up_to=(), weight=(0.8,)),
        "USDC": AssetTerms(up_to=(), weight=(1.0,))})
    return ParameterVersion(model="gross_orders", number=number, parameters=GrossParameters(
        general=GrossRates(rate=rate, maintenance_share=share), collateral=schedule))


class World:
    """A state, and a voice: `say` applies one event and returns what follows."""

    def __init__(self, rules: Rules = RULES, threads: int = 1) -> None:
        self.state = genesis(catalogue=catalogue(instruments()), assets=ASSETS, time=START,
                             rules=rules,
                             equipment=Equipment(models={MODEL.name: MODEL}, threads=threads))
        self.time, self.count, self.sequence = START, 0, 0
        self.heard: list[Any] = []
        self.log: list[Any] = []
        self.applied: list[Any] = []

    def event(self, kind: type, **fields: Any) -> Any:
        """Return an event with the next id and the world's time."""
        self.count += 1
        return kind(**{"client_id": f"c{self.count}", "time": self.time} | fields)

    def say(self, kind: type, **fields: Any) -> tuple[Any, ...]:
        """Apply an event."""
        return self.hear(self.event(kind, **fields))

    def hear(self, *events: Any) -> tuple[Any, ...]:
        """Apply events as one batch."""
        first = self.state.position
        self.state, effects = step(self.state, batch_of(events))
        self.heard += effects
        refused = {e.position - first for e in effects if isinstance(e, EventRefused)}
        self.log += events
        self.applied += [e for k, e in enumerate(events) if k not in refused]
        return effects

    def begin(self, *accounts: str, rate: float = 0.1) -> None:
        """Define a segment with parameters, and accounts in it."""
        self.say(said.SegmentDefined, segment="retail", model="gross_orders",
                 levels=DEFAULT_LEVELS)
        self.say(said.ParametersActivated, segment="retail", version=parameters(rate),
                 effective_from=0)
        for name in accounts:
            self.say(said.AccountOpened, account=name, segment="retail")

    def batch(self, prices: dict[str, float] | None = None, sources: int = 3) -> Any:
        """Return a market batch that quotes everything around the prices of the coins."""
        prices = COINS | (prices or {})
        self.sequence += 1
        terms = self.state.catalogue
        spot_price = np.array([prices[terms.underlyings[u]] for u in terms.underlying])
        option_row = terms.kind == 3
        premium = np.where(terms.payoff == 1, 0.05, 0.05 * spot_price)
        n = len(terms)
        quotes = said.InstrumentQuotes(
            column=np.arange(n, dtype=np.int32), mark=np.where(option_row, premium, spot_price),
            forward=np.where(option_row, spot_price, np.nan),
            volatility=np.where(option_row, 0.5, np.nan), at=np.full(n, self.time),
            sources=np.full(n, sources, np.uint16))
        two = {"at": np.full(2, self.time), "sources": np.full(2, sources, np.uint16)}
        one = {"at": np.full(1, self.time), "sources": np.full(1, sources, np.uint16)}
        return self.event(
            said.MarketBatch, sequence=self.sequence, edition=self.state.edition, quotes=quotes,
            indices=said.PriceQuotes(names=("BTC", "ETH"), price=np.array(
                [prices["BTC"], prices["ETH"]]), **two),
            assets=said.PriceQuotes(names=("USDC",), price=np.ones(1), **one))

    def market(self, prices: dict[str, float] | None = None, seconds: float = 1.0,
               sources: int = 3) -> tuple[Any, ...]:
        """Let time pass, quote everything, assemble and margin."""
        self.time += round(seconds * SECOND_NS)
        return self.hear(self.batch(prices, sources), self.event(said.MarketAssembled, segments=()))

    def calm(self, prices: dict[str, float] | None = None) -> tuple[Any, ...]:
        """Quote often enough that every price is trusted."""
        for _ in range(3):
            self.market(prices)
        return self.market(prices)

    def row(self, name: str) -> Any:
        """Return what the engine says an account holds."""
        k, row = self.state.directory.places[self.state.directory.numbers[name]]
        return row_of(self.state.shards[k], row)

    def plain(self) -> tuple[Any, ...]:
        """Return the shards without overlays."""
        return plain_shards(self.state)
