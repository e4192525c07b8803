"""Is a price of several venues what its rule makes of them, and does a wrong venue hurt nobody?"""

import numpy as np
import pytest

from counterpoise.collateral.counting import CountingTerms
from counterpoise.engine import asset_events as of_assets
from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.market.index import IndexRule
from counterpoise.values.failure import Reason
from counterpoise.values.time import SECOND_NS
from engine_world import World

VENUES = ("one", "three", "two")
RULE = IndexRule(weights=dict.fromkeys(VENUES, 1), age_max_ns=10 * SECOND_NS)


def quotes(world, *prices, **columns):
    """Return an event in which venues quote USDC, those with None being silent."""
    rows = [(v, p) for v, p in zip(VENUES, prices, strict=True) if p is not None]
    n = len(rows)
    return world.event(of_assets.VenuesQuoted, **{
        "name": ("USDC",) * n, "venue": tuple(v for v, _ in rows), "at": np.full(n, world.time),
        "price": np.array([p for _, p in rows]), "depth": np.full(n, np.nan)} | columns)


def moved(world, *prices, seconds=1, coins=None):
    """Let time pass, quote everything, USDC by venues, and assemble."""
    world.time += seconds * SECOND_NS
    return world.hear(world.batch(coins), quotes(world, *prices),
                      world.event(said.MarketAssembled, segments=()))


@pytest.fixture
def world():
    """Return a calm world in which USDC is made of three venues; alice is long 1 BTC on USDC."""
    made_world = World()
    made_world.begin("alice", "bob")
    made_world.say(of_assets.IndexRulesChanged, rules={"USDC": RULE})
    for name in ("alice", "bob"):
        made_world.say(said.Deposited, account=name, asset="USDC", amount=7_500 * 10**6)
    for _ in range(5):
        moved(made_world, 1.0, 1.0, 1.0)
    for name, lots in (("alice", 10**9), ("bob", -10**9)):
        made_world.say(said.Filled, account=name, order="", instrument="BTC-USDC:USDC-PERP",
                       lots=lots, price=70_000, price_exponent=0, fee=0)
    return made_world


def price(world):
    return float(world.state.board.price[3])


def decided(effects):
    return [type(e).__name__ for e in effects if isinstance(
        e, made.MarginCallIssued | made.LiquidationOrdered | made.InitialBreached)]


def test_one_venue_depeg_moves_nothing_and_calls_nobody(world):
    for _ in range(5):
        assert [] == decided(moved(world, 0.65, 0.999, 1.001))

    assert abs(price(world) - 1) < 0.01


def test_fall_at_all_venues_passes_and_is_acted_on(world):
    heard = [name for _ in range(5) for name in decided(moved(world, 0.5, 0.501, 0.499))]

    assert 0.5 == pytest.approx(price(world), rel=1e-3)
    assert {"InitialBreached", "MarginCallIssued"} == set(heard)


def test_venue_that_falls_silent_drops_out_and_what_is_left_is_not_trusted(world):
    for _ in range(12):
        moved(world, 1.0, 1.0, None)
    asked = world.say(said.WithdrawalRequested, account="alice", withdrawal="w", asset="USDC",
                      amount=1)[0]

    assert 2 == world.state.board.assets.sources[3]
    assert not asked.admitted and Reason.DEGRADED in [f.reason for f in asked.failures]
    for _ in range(4):
        moved(world, 1.0, 1.0, 1.0)
    assert world.say(said.WithdrawalRequested, account="alice", withdrawal="v", asset="USDC",
                     amount=1)[0].admitted


def asked(world, name, code, amount):
    """Ask to withdraw; return whether it was admitted, and for want of which trusted prices not."""
    decided, = world.say(said.WithdrawalRequested, account=name, withdrawal=f"w{world.count}",
                         asset=code, amount=amount)
    return decided.admitted, [f.subject for f in decided.failures if f.reason == Reason.DEGRADED]


def test_whole_of_an_asset_without_a_trusted_price_leaves_what_is_covered_without_it(world):
    world.say(said.AccountOpened, account="carol", segment="retail")
    world.say(said.Deposited, account="carol", asset="USDC", amount=10**6)
    world.say(said.Deposited, account="carol", asset="BTC", amount=10**8)
    for _ in range(12):
        moved(world, 1.0, 1.0, None)

    assert (False, ["USDC"]) == asked(world, "carol", "USDC", 10**6 - 1)
    assert (False, ["USDC"]) == asked(world, "carol", "BTC", 1)
    assert (True, []) == asked(world, "carol", "USDC", 10**6)
    assert (True, []) == asked(world, "carol", "BTC", 1)


def test_gain_that_is_paid_in_an_asset_without_a_trusted_price_is_doubtful(world):
    for name in ("alice", "bob"):
        world.say(said.Deposited, account=name, asset="BTC", amount=10**8)
    for _ in range(12):
        moved(world, 1.0, 1.0, None)

    assert (False, ["USDC"]) == asked(world, "alice", "USDC", 7_500 * 10**6)


def test_nobody_is_called_for_a_loss_whose_asset_has_no_trusted_price():
    world = World()
    world.begin("alice", "bob")
    world.say(of_assets.IndexRulesChanged, rules={"USDC": RULE})
    for name in ("alice", "bob"):
        world.say(said.Deposited, account=name, asset="BTC", amount=15 * 10**6)
    for _ in range(5):
        moved(world, 1.0, 1.0, 1.0)
    for name, lots in (("alice", 10**9), ("bob", -10**9)):
        world.say(said.Filled, account=name, order="", instrument="BTC-USDC:USDC-PERP", lots=lots,
                  price=70_000, price_exponent=0, fee=0)
    for _ in range(12):
        moved(world, 1.0, 1.0, None)
    held = moved(world, 1.0, 1.0, None, coins={"BTC": 64_000.0})
    told = [name for _ in range(6)
            for name in decided(moved(world, 1.0, 1.0, 1.0, coins={"BTC": 64_000.0}))]

    assert [] == decided(held) and 0 == world.row("alice").balances[3]
    assert made.AlertTopic.DECISIONS_HELD in [e.topic for e in held if isinstance(e, made.Alert)]
    assert "LiquidationOrdered" in told


def test_price_on_which_venues_disagree_is_not_trusted(world):
    for _ in range(5):
        assert [] == decided(moved(world, 0.6, 0.7, 0.8))

    assert world.state.board.price_band[3] > RULE.band_max


def test_thin_book_is_no_source(world):
    world.say(of_assets.IndexRulesChanged, rules={"USDC": IndexRule(
        weights=RULE.weights, age_max_ns=RULE.age_max_ns, depth_min=1e6)})
    world.time += SECOND_NS
    world.hear(quotes(world, 1.0, 1.0, 1.0, depth=np.array([2e6, 0.11, 2e6])))

    assert 2 == world.state.board.assets.sources[3]


def test_market_batch_cannot_quote_what_venues_make(world):
    world.time += SECOND_NS
    alert, = [e for e in world.hear(world.batch()) if isinstance(e, made.Alert)]

    assert "USDC: is made of venues' quotes by a rule" in alert.sentence


def test_rule_that_is_gone_leaves_the_price_to_market_batches(world):
    world.say(of_assets.IndexRulesChanged, rules={})
    world.time += SECOND_NS
    world.hear(world.batch())

    assert world.time == world.state.board.assets.at[3] and price(world) == 1.0


def test_snapshot_says_how_sure_its_prices_are(world):
    moved(world, 1.0, 1.01, 0.99)

    assert {("asset", "USDC", 0): pytest.approx(0.99)} == (
        world.state.market.conditions.confidences)


def test_floor_keeps_collateral_and_default_ends_it(world):
    terms = {"redeems": "USD", "redemption": 1.0, "delay_haircut": 0.01}
    world.say(of_assets.CountingChanged, segment="retail", effective_from=0,
              counting={"USDC": CountingTerms(**terms)})
    for _ in range(5):
        assert [] == decided(moved(world, 0.97, 0.97, 0.97))
    floored = float(world.plain()[0].standing.balance[0, 0])
    world.say(of_assets.CountingChanged, segment="retail", effective_from=0,
              counting={"USDC": CountingTerms(**terms, defaulted=True)})
    moved(world, 0.97, 0.97, 0.97)

    assert 7_500 * 0.99 == pytest.approx(floored)
    assert 7_500 * 0.97 == pytest.approx(float(world.plain()[0].standing.balance[0, 0]))


def test_gains_on_a_thin_asset_count_in_part_and_losses_whole(world):
    world.say(of_assets.CountingChanged, segment="retail", effective_from=0,
              counting={"BTC": CountingTerms(gains=0.25)})
    moved(world, 1.0, 1.0, 1.0, coins={"BTC": 71_000.0})
    standing = world.plain()[0].standing

    assert 7_500 + 250 == pytest.approx(float(standing.balance[0, 0]))
    assert 7_500 - 1_000 == pytest.approx(float(standing.balance[1, 0]))


@pytest.mark.parametrize(("fields", "reason"), [
    ({"name": ("USDC", "USDC", "DOGE")}, None), ({"name": ("DOGE",) * 3}, Reason.UNKNOWN_ASSET),
    ({"venue": ("x",) * 3}, Reason.UNKNOWN_ASSET),
    ({"price": np.array([0.0, -1.0, np.nan])}, Reason.ABSURD_PRICE),
    ({"price": np.full(3, np.inf)}, Reason.ABSURD_PRICE),
    ({"depth": np.full(3, -1.0)}, Reason.BAD_VALUE), ({"price": np.ones(2)}, Reason.BAD_VALUE),
    ({"at": np.full(3, 2**62)}, Reason.BAD_TIME), ({"at": np.zeros(3, np.int64)}, Reason.LATE),
])
def test_rows_that_are_no_quotes_are_refused_the_others_count(world, fields, reason):
    told = world.hear(quotes(world, 1.0, 1.0, 1.0, **fields))
    refused = [e for e in told if isinstance(e, made.EventRefused)]

    assert (reason is None) == (not refused)
    assert refused or [made.AlertTopic.QUOTES_REFUSED] == [e.topic for e in told]
    assert all(reason in [f.reason for f in e.failures] for e in refused)
