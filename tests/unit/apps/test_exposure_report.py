"""Does the report say who is beyond which limit of exposure, by as much as the engine holds?"""

import numpy as np
import pytest

from counterpoise.apps.exposure_report import PLATFORM, limit_uses
from counterpoise.collateral.limits import Counterparty, ExposureLimits
from counterpoise.engine import events as said
from counterpoise.engine.changes import book_to_weigh, terms_at
from counterpoise.engine.exposure import owned_by_all
from counterpoise.engine.image import own_names
from engine_world import World

PERP = {"instrument": "BTC-USDC:USDC-PERP", "price": 70_000, "price_exponent": 0}
THOUSAND = 1000 * 10**6


@pytest.fixture
def world():
    """Return a world: alice with a pocket, bob linked to carol, dave with bitcoin beside USDC."""
    one = World()
    one.begin("alice", "bob", "carol", "dave")
    for name in ("alice", "bob", "carol"):
        one.say(said.Deposited, account=name, asset="USDC", amount=200 * THOUSAND)
    one.say(said.Deposited, account="dave", asset="USDC", amount=50 * THOUSAND)
    one.say(said.Deposited, account="dave", asset="BTC", amount=10**8)
    one.calm()
    one.say(said.PocketOpened, account="pocket", owner="alice")
    one.say(said.Transferred, account="alice", to="pocket", asset="USDC", amount=100 * THOUSAND)
    one.say(said.AccountLinked, account="bob", to="carol")
    coin = round(1 / one.state.catalogue.unit[one.state.catalogue.column[PERP["instrument"]]])
    for name, coins in (("alice", 2), ("pocket", -1), ("bob", 3), ("carol", -2)):
        one.say(said.Filled, account=name, order="", lots=coins * coin, fee=0, **PERP)
    one.say(said.OrderPlaced, account="alice", order="o", lots=coin, **PERP)
    one.market()
    return one


def uses(world, after, before=None):
    """Return {limit: {who: (used before, limit before, used after, limit after)}}."""
    state = world.state
    pledged = owned_by_all(state, state.shards, {"USDC", "BTC"})
    found = limit_uses(state, 0, book_to_weigh(state, state.shards, 0),
                       terms_at(state, 0, state.time)[1], (before, after), pledged)
    names = own_names(state.directory)
    return {use.limit: {"all" if n == PLATFORM else names[n]: row for n, *row in zip(
        use.account.tolist(), *np.round((use.used_before, use.most_before, use.used_after,
                                         use.most_after), 6).tolist(), strict=True)}
            for use in found}


def test_gross_notional_is_that_of_the_party_with_orders_pockets_and_links(world):
    found = uses(world, ExposureLimits(gross_max=250_000.0))["gross"]

    assert {"alice": 70_000.0 * (2 + 1 + 1), "carol": 70_000.0, "dave": 0.0} == {
        name: row[2] for name, row in found.items()}
    assert {(float("inf"), 250_000.0)} == {(row[1], row[3]) for row in found.values()}


def test_what_an_account_holds_of_assets_that_do_not_count_is_all_beyond(world):
    found = uses(world, ExposureLimits(eligible=("USDC",)), ExposureLimits(eligible=("BTC",)))

    assert [50_000.0, 0.0, 70_000.0, 0.0] == found["eligible"]["dave"]
    assert [200_000.0 - 100_000.0, 0.0, 0.0, 0.0] == found["eligible"]["alice"]


def test_cap_of_the_platform_stands_against_what_all_hold(world):
    found = uses(world, ExposureLimits(platform={"USDC": 400_000.0, "BTC": 5.0}))

    assert {"platform BTC": {"all": [1.0, float("inf"), 1.0, 5.0]},
            "platform USDC": {"all": [650_000.0, float("inf"), 650_000.0, 400_000.0]}} == found


def test_counterparty_is_held_against_what_counts_and_what_is_brought(world):
    issuer = Counterparty(assets=("USDC",), share_max=0.25, value_max=150_000.0)
    found = uses(world, ExposureLimits(counterparties={"issuer": issuer}))
    counts = 50_000.0 + 0.9 * 70_000.0

    assert [50_000.0, 0.25 * counts] == found["issuer"]["dave"][2:]
    assert {"alice": 200_000.0, "carol": 400_000.0, "dave": 50_000.0} == {
        name: row[2] for name, row in found["issuer held"].items()}
    assert 150_000.0 == found["issuer held"]["alice"][3]


def test_limits_that_are_taken_back_were_used_before_and_have_no_bound_after(world):
    found = uses(world, ExposureLimits(), ExposureLimits(gross_max=100_000.0))

    assert [280_000.0, 100_000.0, 280_000.0, float("inf")] == found["gross"]["alice"]
