"""Do contracts end at the average of their window, does funding net to nothing but dust?"""

import numpy as np
import pytest

from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.engine.image import decoded_state, encoded_state, state_root
from counterpoise.instruments.contracts import Right
from counterpoise.instruments.listing import Listing, option
from counterpoise.values.time import SECOND_NS
from engine_world import EXPIRY, START, World

FUTURE = "BTC-USD:BTC-20260216"
CALL = "BTC-USDC:USDC-20260216-70000-C"
PERP = "BTC-USD:BTC-PERP"
WINDOW = 1800 * SECOND_NS


@pytest.fixture
def world():
    """Return a world in which alice is long and bob short of a future, a call and a perpetual."""
    made_world = World()
    made_world.begin("alice", "bob")
    for name in ("alice", "bob"):
        made_world.say(said.Deposited, account=name, asset="BTC", amount=10 * 10**8)
        made_world.say(said.Deposited, account=name, asset="USDC", amount=10**6 * 10**6)
    made_world.calm()
    for contract, lots, price in ((FUTURE, 7_001 * 10**9, 70_000), (CALL, 10**9, 3_500),
                                  (PERP, 7_001 * 10**9, 70_000)):
        for name, side in (("alice", lots), ("bob", -lots)):
            made_world.say(said.Filled, account=name, order="", instrument=contract, lots=side,
                           price=price, price_exponent=0, fee=0)
    return made_world


def cash(world, name):
    """Return the balances of an account by code."""
    codes = [a.code for a in world.state.assets]
    return dict(zip(codes, world.row(name).balances, strict=True))


def house(world, name):
    return dict(zip([a.code for a in world.state.assets], world.state.ledger.cash[name],
                    strict=True))


def through_the_window(world, first, second):
    """Quote one price in the first half of the settlement window and another in the second."""
    world.time = EXPIRY - WINDOW - 10 * SECOND_NS
    world.market({"BTC": first}, seconds=0)
    while world.time < EXPIRY:
        passed = world.time - (EXPIRY - WINDOW)
        world.market({"BTC": first if passed < WINDOW // 2 else second}, seconds=10)
    world.time = EXPIRY
    return world.say(said.ContractsSettled, underlying="BTC", expiry=EXPIRY, price=0,
                     price_exponent=0)


def test_contracts_end_at_the_average_of_their_window(world):
    before = cash(world, "alice")
    delivered = through_the_window(world, 80_000.0, 90_000.0)[0]

    # The second price came with the batch ten seconds after half the window had gone.
    average = (80_000 * 910 + 90_000 * 890) / 1800
    assert isinstance(delivered, made.ContractsDelivered) and 1.0 == delivered.covered
    assert delivered.price * 1e-6 == pytest.approx(average, abs=1e-6)
    after = cash(world, "alice")
    assert after["USDC"] - before["USDC"] == pytest.approx((average - 70_000) * 1e6, abs=2)
    coin = 7_001 / 70_000 - 7_001 / average
    assert after["BTC"] - before["BTC"] == pytest.approx(coin * 1e8, abs=2)


def test_ended_contracts_are_gone_and_rounding_is_dust(world):
    through_the_window(world, 80_000.0, 90_000.0)
    world.say(said.ClockAdvanced)
    held = {world.state.catalogue.instruments[c].id for c in world.row("alice").positions}

    assert {PERP} == held and 0 <= house(world, "dust")["BTC"] <= 4
    assert house(world, "dust")["USDC"] in range(4) and 0 == house(world, "clearing")["USDC"]


def test_window_that_nobody_saw_settles_nothing(world):
    world.time = EXPIRY
    world.market({"BTC": 80_000.0}, seconds=0)
    refused, = world.say(said.ContractsSettled, underlying="BTC", expiry=EXPIRY, price=0,
                         price_exponent=0)

    assert "missing_price" == refused.failures[0].reason and FUTURE in {
        world.state.catalogue.instruments[c].id for c in world.row("alice").positions}


def test_stated_price_is_used_and_a_far_one_alerts(world):
    world.time = EXPIRY - WINDOW
    for _ in range(180):
        world.market({"BTC": 80_000.0}, seconds=10)
    alert, delivered = world.say(said.ContractsSettled, underlying="BTC", expiry=EXPIRY,
                                 price=90_000, price_exponent=0)

    assert made.AlertTopic.DELIVERY_DIFFERS == alert.topic and 90_000 == delivered.price


def test_orders_on_ended_contracts_are_dropped(world):
    world.say(said.OrderPlaced, account="alice", order="o", instrument=FUTURE, lots=10**9,
              price=1, price_exponent=0)
    assert "o" in world.row("alice").orders
    through_the_window(world, 80_000.0, 80_000.0)

    assert {} == world.row("alice").orders


def late_fill(world, seconds):
    """Say that alice sold the future so many seconds after its expiry."""
    return world.say(said.Filled, account="alice", order="", instrument=FUTURE,
                     lots=-7_001 * 10**9, price=75_000, price_exponent=0, fee=0,
                     time=EXPIRY + seconds * SECOND_NS)


def settled_at(world, price):
    return world.say(said.ContractsSettled, underlying="BTC", expiry=EXPIRY, price=price,
                     price_exponent=0)


def test_fill_from_before_the_expiry_counts_until_the_settlement(world):
    world.time = EXPIRY + 30 * SECOND_NS
    world.say(said.ClockAdvanced)
    before = cash(world, "alice")["BTC"]
    told = late_fill(world, -1)
    gained = cash(world, "alice")["BTC"] - before
    settled_at(world, 80_000)

    # Sold at 75,000 what was bought at 70,000; nothing of it is left for the delivery at 80,000.
    assert () == told and gained == cash(world, "alice")["BTC"] - before
    assert gained == pytest.approx((7_001 / 70_000 - 7_001 / 75_000) * 1e8, abs=2)


@pytest.mark.parametrize("seconds", [0, 1])
def test_fill_from_the_expiry_on_is_refused(world, seconds):
    world.time = EXPIRY - 2 * SECOND_NS
    world.say(said.ClockAdvanced)
    root = state_root(world.state)
    refused, = late_fill(world, seconds)

    assert "expired" == refused.failures[0].reason and root == state_root(world.state)


def test_fill_after_the_settlement_is_refused_after_a_restart_too(world):
    world.time = EXPIRY + 30 * SECOND_NS
    world.say(said.ClockAdvanced)
    settled_at(world, 80_000)
    world.state = decoded_state(encoded_state(world.state), world.state.equipment)
    root = state_root(world.state)
    refused, = late_fill(world, -1)

    assert "expired" == refused.failures[0].reason and root == state_root(world.state)
    assert "is settled already" in refused.failures[0].sentence


@pytest.mark.parametrize("seconds", [0, 30, 61, 86_000])
def test_expiry_is_settled_once_however_much_later_it_is_said_again(world, seconds):
    world.time = EXPIRY
    world.say(said.ClockAdvanced)
    settled_at(world, 80_000)
    world.time += seconds * SECOND_NS
    world.say(said.ClockAdvanced)
    world.state = decoded_state(encoded_state(world.state), world.state.equipment)
    root = state_root(world.state)
    refused, = settled_at(world, 90_000)

    assert "duplicate" == refused.failures[0].reason and root == state_root(world.state)
    assert f"BTC {EXPIRY}" == refused.failures[0].subject
    assert isinstance(world.say(said.ContractsSettled, underlying="ETH", expiry=EXPIRY,
                                price=3_500, price_exponent=0)[-1], made.ContractsDelivered)


def test_expiry_that_is_settled_late_is_settled_once_too(world):
    world.time = EXPIRY + 2 * world.state.rules.lateness_ns
    world.say(said.ClockAdvanced)
    told = [settled_at(world, price)[-1] for price in (80_000, 80_000)]

    assert [made.ContractsDelivered, made.EventRefused] == [type(one) for one in told]


def test_orders_on_expired_contracts_can_be_cancelled_and_not_changed(world):
    order = {"account": "alice", "order": "o"}
    limit = {"lots": 10**9, "price": 1, "price_exponent": 0}
    world.say(said.OrderPlaced, **order, instrument=FUTURE, **limit)
    world.time = EXPIRY
    world.say(said.ClockAdvanced)
    root = state_root(world.state)
    refused, = world.say(said.OrderChanged, **order, **limit)

    assert "expired" == refused.failures[0].reason and root == state_root(world.state)
    assert () == world.say(said.OrderCancelled, **order)


def test_sides_that_never_came_are_borne_outside(world):
    world.say(said.Filled, account="alice", order="", instrument=FUTURE, lots=7_000 * 10**9,
              price=70_000, price_exponent=0, fee=0)
    before = house(world, "external")["BTC"]
    through_the_window(world, 80_000.0, 80_000.0)
    gained = 7_000 / 70_000 - 7_000 / 80_000

    assert before - house(world, "external")["BTC"] == pytest.approx(gained * 1e8, abs=4)
    entries = [cost for name in ("alice", "bob") for _, cost in world.row(name).positions.values()]
    assert -sum(entries) == house(world, "clearing")["BTC"] and 0 <= house(world, "dust")["BTC"]


def test_funding_is_what_one_side_pays_the_other(world):
    world.say(said.ClockAdvanced)
    before = cash(world, "alice")["BTC"], cash(world, "bob")["BTC"]
    dust = house(world, "dust")["BTC"]
    world.say(said.FundingApplied, instrument=PERP, rate=1, rate_exponent=-4, price=70_000,
              price_exponent=0)
    paid, got = before[0] - cash(world, "alice")["BTC"], cash(world, "bob")["BTC"] - before[1]

    # 7,001 USD x 0.01 % / 70,000 = 1000.14 satoshi: paid up, received down, the rest is dust.
    assert (1_001, 1_000) == (paid, got) and 1 == house(world, "dust")["BTC"] - dust


def test_more_instruments_leave_everyone_where_they_were(world):


    line = Listing(underlying="BTC", quote="USD", settlement="BTC")
    held = {world.state.catalogue.instruments[c].id: p
            for c, p in world.row("alice").positions.items()}
    world.say(said.InstrumentsListed, instruments=(
        option(line, expiry=EXPIRY, strike=71_000.0, right=Right.PUT),
        option(line, expiry=EXPIRY, strike=60_000.0, right=Right.PUT)))
    now = {world.state.catalogue.instruments[c].id: p
           for c, p in world.row("alice").positions.items()}

    assert held == now and 1 == world.state.edition
    assert np.isfinite(world.state.board.index).all()
    assert world.market() and len(state_root(world.state)) == 64
    assert world.state.time > START
