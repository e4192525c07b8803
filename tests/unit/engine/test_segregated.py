"""Does the engine margin a model of many pools as `compute_margin` does, and call by pool?"""

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.engine.codec import batch_of
from counterpoise.engine.image import decoded_state, encoded_state, plain_shards, state_root
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.engine.state import Equipment, Rules, genesis
from counterpoise.engine.step import step
from counterpoise.margin.compute import compute_margin
from counterpoise.market.simulated import simulated_market
from counterpoise.values.assets import asset
from counterpoise.values.time import SECOND_NS

MODEL = model_named("deribit_spm")
MARKET = simulated_market()
PERP = "BTC-USD:BTC-PERP"
OPTION = next(c.id for c in MARKET.catalogue.instruments if c.id.startswith("ETH-USDC:USDC-")
              and c.id.endswith("-C"))


class Desk:
    """A state under S:PM and the simulated market, quoted at its own prices."""

    def __init__(self, threads):
        self.state = genesis(
            catalogue=MARKET.catalogue, assets=tuple(map(asset, ("BTC", "ETH", "USDC"))),
            time=MARKET.as_of, rules=Rules(calm_ns=0),
            equipment=Equipment(models={MODEL.name: MODEL}, threads=threads))
        self.count, self.time = 0, MARKET.as_of

    def say(self, kind, **fields):
        self.count += 1
        event = kind(client_id=f"c{self.count}", time=self.time, **fields)
        self.state, effects = step(self.state, batch_of([event]))
        return effects

    def market(self, factor=1.0):
        """Quote the simulated market, all BTC prices times a factor, and margin."""
        self.time += SECOND_NS
        terms, option = MARKET.catalogue, MARKET.catalogue.kind == 3
        coin = terms.underlying == terms.underlyings.index("BTC")
        by = np.where(coin & ~option, factor, 1.0)
        n, three = len(terms), np.full(len(terms), 3, np.uint16)
        self.say(said.MarketBatch, sequence=self.count, edition=0, quotes=said.InstrumentQuotes(
            column=np.arange(n, dtype=np.int32), mark=MARKET.mark * by,
            forward=np.where(option, MARKET.forward * np.where(coin, factor, 1.0), np.nan),
            volatility=MARKET.volatility, at=np.full(n, self.time), sources=three),
            indices=said.PriceQuotes(names=terms.underlyings, price=MARKET.index * np.array(
                [factor if u == "BTC" else 1.0 for u in terms.underlyings]),
                at=np.full(2, self.time), sources=three[:2]),
            assets=said.PriceQuotes(names=("USDC",), price=np.ones(1),
                                    at=np.full(1, self.time), sources=three[:1]))
        return self.say(said.MarketAssembled, segments=())


def opened(threads=1):
    """Return a desk on which alice is long an inverse perpetual and short a linear option."""
    desk = Desk(threads)
    desk.say(said.SegmentDefined, segment="pm", model=MODEL.name, levels=DEFAULT_LEVELS)
    desk.say(said.ParametersActivated, segment="pm", effective_from=0,
             version=parameters_of(MODEL, MARKET.as_of))
    for name in ("alice", "bob"):
        desk.say(said.AccountOpened, account=name, segment="pm")
        for code, amount in (("BTC", 10**8), ("USDC", 5_000 * 10**6)):
            desk.say(said.Deposited, account=name, asset=code, amount=amount)
    desk.market()
    for contract, lots, price in ((PERP, 200_000 * 10**9, 90_000), (OPTION, -5 * 10**9, 100)):
        for name, side in (("alice", lots), ("bob", -lots)):
            desk.say(said.Filled, account=name, order="", instrument=contract, lots=side,
                     price=price, price_exponent=0, fee=0)
    return desk


@pytest.fixture(scope="module")
def desk():
    return opened()


def test_every_pool_stands_where_a_computation_of_its_own_says(desk):
    desk.market()
    shard, = plain_shards(desk.state)
    found = compute_margin(shard.book, desk.state.market, model=MODEL,
                           version=desk.state.segments[0].version)
    needs, standing = found.requirements, shard.standing
    at = needs.account, needs.pool

    assert len(standing.pools) == 3 and len(needs) >= 4
    for own, theirs in ((needs.initial, standing.initial), (found.status, standing.status),
                        (needs.maintenance, standing.maintenance),
                        (found.margin_balance, standing.balance)):
        assert own.tobytes() == theirs[at].tobytes()


def test_fall_is_called_in_the_pool_that_it_hurts(desk):
    told = []
    for factor in (0.9, 0.8, 0.7, 0.6):
        told += desk.market(factor)
    hurt = [e for e in told if isinstance(e, made.LiquidationOrdered) and e.account == "alice"]

    assert {"BTC"} == {e.pool for e in hurt}


def test_root_is_the_same_with_two_threads_and_from_bytes():
    one, two = opened(1), opened(2)
    told = one.market(0.9), two.market(0.9)
    again = decoded_state(encoded_state(one.state), one.state.equipment)

    assert told[0] == told[1]
    assert state_root(one.state) == state_root(two.state) == state_root(again)
