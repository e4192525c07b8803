"""Is every bad event refused with its reason, recorded as refused, and without any trace?"""

import pytest

from counterpoise.engine import events as said
from counterpoise.engine.effects import EventRefused
from counterpoise.engine.image import state_root
from counterpoise.engine.levels import DEFAULT_LEVELS
from engine_world import World
from unit.engine.bad_events import BAD, BAD_BATCHES, ENDED, FILL, MOVE, ORDER, SETTLE, SHORT


@pytest.fixture(scope="module")
def calm():
    """Return the world that `bad_events` describes."""
    world = World()
    world.begin("alice", "bob", "carol", "dora")
    world.say(said.AccountClosed, account="carol")
    world.say(said.Deposited, **MOVE | {"amount": 100_000 * 10**6})
    world.say(said.Deposited, account="bob", asset="BTC", amount=2 * 10**8)
    world.say(said.InstrumentsListed, instruments=(SHORT,))
    world.calm()
    world.say(said.ContractsSettled, **SETTLE | {"expiry": ENDED})
    world.say(said.Filled, **FILL)
    world.say(said.OrderPlaced, **ORDER | {"order": "open"})
    world.say(said.OrderPlaced, **ORDER | {"order": "spot", "instrument": "BTC-USDC-SPOT"})
    world.say(said.WithdrawalRequested, **MOVE, withdrawal="w1")
    world.say(said.PocketOpened, account="alice/1", owner="alice")
    world.say(said.Transferred, **MOVE | {"to": "alice/1"})
    world.say(said.AccountLinked, account="dora", to="bob")
    world.say(said.SegmentDefined, segment="other", model="gross_orders", levels=DEFAULT_LEVELS)
    world.say(said.AccountOpened, account="erin", segment="other")
    assert {"open", "spot"} == world.row("alice").orders.keys() and world.state.ties.head
    assert (("BTC", ENDED),) == world.state.settled
    world.root = state_root(world.state)
    return world


def refusal(world, event):
    """Say an event and return its one effect; the world forgets it."""
    before = world.state
    effects = world.hear(event)
    after, world.state = world.state, before
    assert after.position == before.position + 1 and after.applied == before.applied
    assert state_root(after) == world.root
    return effects[0] if len(effects) == 1 else effects


def test_the_table_is_long_enough():
    assert 40 <= len(BAD) and 50 <= len(BAD) + len(BAD_BATCHES)


@pytest.mark.parametrize("name", BAD)
def test_bad_event_is_refused_and_changes_nothing(calm, name):
    kind, fields, reason = BAD[name]
    refused = refusal(calm, calm.event(kind, **fields))

    assert isinstance(refused, EventRefused) and reason in [f.reason for f in refused.failures]
    assert all(len(f.sentence) > 9 for f in refused.failures)


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_bad_market_batch_is_refused_and_changes_nothing(calm, name):
    fields, reason = BAD_BATCHES[name]
    refused = refusal(calm, calm.event(said.MarketBatch, **fields(calm)))

    assert isinstance(refused, EventRefused) and reason in [f.reason for f in refused.failures]


def test_every_violation_is_named_at_once(calm):
    refused = refusal(calm, calm.event(said.Filled, **FILL | {
        "lots": 0, "price": -1, "price_exponent": 99}))

    assert 3 == len(refused.failures)
