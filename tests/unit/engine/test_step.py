"""Does a step do what its events say, once, and the same however batches are cut?"""

import gc

import pytest

from counterpoise.engine import events as said
from counterpoise.engine import remargin
from counterpoise.engine.codec import batch_from, batch_of
from counterpoise.engine.effects import (
    EventRefused,
    EventRepeated,
    OrderAdmitted,
    OrderRefused,
    RequirementsChanged,
)
from counterpoise.engine.image import decoded_state, encoded_state, state_root, state_types
from counterpoise.engine.step import step
from counterpoise.values.failure import Reason
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS
from engine_world import START, World

PERP = "BTC-USDC:USDC-PERP"
ORDER = {"instrument": PERP, "price": 70_000, "price_exponent": 0}


@pytest.fixture
def world():
    """Return a calm world in which alice has 100,000 USDC and bob 2 BTC."""
    made = World()
    made.begin("alice", "bob")
    made.say(said.Deposited, account="alice", asset="USDC", amount=100_000 * 10**6)
    made.say(said.Deposited, account="bob", asset="BTC", amount=2 * 10**8)
    made.calm()
    return made


def test_order_is_admitted_while_it_is_covered(world):
    small, = world.say(said.OrderPlaced, account="alice", order="a", lots=10**9, **ORDER)
    large, = world.say(said.OrderPlaced, account="alice", order="b", lots=30 * 10**9, **ORDER)

    assert isinstance(small, OrderAdmitted) and isinstance(large, OrderRefused)
    assert [Reason.NOT_COVERED] == [f.reason for f in large.failures]


def test_largest_order_that_would_pass_passes_and_a_larger_one_does_not(world):
    refused, = world.say(said.OrderPlaced, account="alice", order="a", lots=30 * 10**9, **ORDER)
    more = refused.largest + 2 * (30 * 10**9 >> 20)
    larger, = world.say(said.OrderPlaced, account="alice", order="b", lots=more, **ORDER)
    fits, = world.say(said.OrderPlaced, account="alice", order="c", lots=refused.largest, **ORDER)

    assert isinstance(larger, OrderRefused) and isinstance(fits, OrderAdmitted)


def test_restart_moves_the_time_by_a_year_and_no_further(world):
    year, now, root = 366 * DAY_NS, world.state.time, state_root(world.state)
    refused, = world.say(said.EngineRestarted, engine="test", time=now + year + 1)
    unmoved = world.state.time, state_root(world.state)
    world.say(said.EngineRestarted, engine="test", time=now + year)

    assert Reason.BAD_TIME == refused.failures[0].reason and (now, root) == unmoved
    assert f"at most {year} at once; check the clock" in refused.failures[0].sentence
    assert now + year == world.state.time


def test_event_said_twice_is_applied_once(world):
    event = world.event(said.Deposited, account="alice", asset="USDC", amount=5)
    world.hear(event)
    root = state_root(world.state)
    again, = world.hear(event)

    assert isinstance(again, EventRepeated) and state_root(world.state) == root


def test_other_content_under_a_used_id_is_refused(world):
    world.hear(world.event(said.Deposited, account="alice", asset="USDC", amount=5,
                           client_id="mine"))
    refused, = world.say(said.Deposited, account="alice", asset="USDC", amount=6, client_id="mine")

    assert isinstance(refused, EventRefused)
    assert [Reason.OTHER_CONTENT] == [f.reason for f in refused.failures]


def test_state_goes_on_from_its_bytes(world):
    again = decoded_state(encoded_state(world.state), world.state.equipment)
    events = batch_of([world.event(said.OrderPlaced, account="alice", order="x", lots=10**9,
                                   **ORDER), world.event(said.ClockAdvanced)])
    after, effects = step(world.state, events)
    same, told = step(again, batch_from(events.frames, state_types(again.equipment)))

    assert state_root(after) == state_root(same) and effects == told


def test_an_old_state_may_have_two_futures(world):
    old = world.state
    one, _ = step(old, batch_of([world.event(said.AccountOpened, account="carol",
                                             segment="retail")]))
    other, _ = step(old, batch_of([world.event(said.AccountOpened, account="dave",
                                               segment="retail")]))
    again, _ = step(decoded_state(encoded_state(old), old.equipment),
                    batch_of([world.log[-1], world.event(said.AccountOpened, account="dave",
                                                         segment="retail", client_id="c99")]))

    assert state_root(one) != state_root(other)
    assert ["alice", "bob", "carol"] == one.directory.names[:one.directory.count]
    assert ["alice", "bob", "dave"] == other.directory.names[:other.directory.count]
    assert 3 == again.directory.count


def test_step_leaves_its_state_alone(world):
    root, content = state_root(world.state), encoded_state(world.state)
    step(world.state, batch_of([
        world.event(said.Filled, account="alice", order="", lots=10**9, fee=1, **ORDER),
        world.event(said.ClockAdvanced)]))

    assert state_root(world.state) == root and encoded_state(world.state) == content


def test_many_changed_requirements_are_told_in_parts(world, monkeypatch):
    def changed(at_once):
        monkeypatch.setattr(remargin, "ROWS_MAX", at_once)
        _, effects = step(world.state, batch_of([
            replaced(world.event(said.MarketAssembled, segments=()), client_id="parts",
                     time=world.time + 10**9)]))
        return [e for e in effects if isinstance(e, RequirementsChanged)]

    world.say(said.Deposited, account="alice", asset="USDC", amount=5)
    world.say(said.Deposited, account="bob", asset="USDC", amount=5)
    (whole,), parts = changed(1 << 20), changed(1)

    assert len(whole.account) == len(parts) == 2
    for name in ("account", "pool", "initial", "maintenance", "balance", "status"):
        assert getattr(whole, name).tolist() == [
            n for part in parts for n in getattr(part, name).tolist()]


def test_time_of_the_engine_is_that_of_its_market_events(world):
    assert world.state.time == world.time > START


def test_what_steps_drop_is_freed_without_the_cyclic_collector(world):
    gc.collect()
    gc.disable()
    try:
        for k in range(3):
            world.say(said.Filled, account="alice", order="", lots=10**8, fee=1, **ORDER)
            world.say(said.OrderPlaced, account="alice", order=f"a{k}", lots=10**9, **ORDER)
            world.say(said.OrderPlaced, account="bob", order=f"b{k}", lots=10**12, **ORDER)
            world.say(said.Transferred, account="bob", to="alice", asset="BTC", amount=1)
            world.say(said.OrderCancelled, account="nobody", order="x")
            world.market()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        # Threads of the test run may leave cycles of their own meanwhile.
        ours = [found for found in gc.garbage
                if str(getattr(found, "__module__", "")).startswith("counterpoise")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert ours == []
