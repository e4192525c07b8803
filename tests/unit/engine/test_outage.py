"""Does an engine come up again after an outage of any length, and is a wrong clock still caught?"""

import pytest

from counterpoise.adapters.store.engine_log import machine
from counterpoise.adapters.store.records import Record, RecordType
from counterpoise.engine import codec
from counterpoise.engine import events as said
from counterpoise.engine.effects import EventRefused
from counterpoise.engine.image import state_root
from counterpoise.engine.outage import restarts
from counterpoise.engine.state import RESTART_JUMP_MAX_NS
from counterpoise.values.failure import BadInput
from counterpoise.values.time import DAY_NS
from engine_world import World

THREE_YEARS = 1_100 * DAY_NS


@pytest.fixture
def world():
    made = World()
    made.begin("alice")
    made.say(said.Deposited, account="alice", asset="USDC", amount=10**9)
    made.calm()
    return made


def told(world, outage, **given):
    since = world.state.time
    return restarts("again", since=since, until=since + outage, engine="test", **given)


def test_outage_within_a_year_is_one_restart(world):
    now = world.state.time
    for outage in (0, 5, RESTART_JUMP_MAX_NS):
        assert [("again", now + outage)] == [(e.client_id, e.time) for e in told(world, outage)]


def test_engine_comes_up_after_years_by_restarts_of_at_most_one(world):
    now = world.state.time
    refused, = world.say(said.EngineRestarted, engine="test", time=now + THREE_YEARS)
    assert "restart several times, at most 366 days each" in refused.failures[0].sentence
    events = told(world, THREE_YEARS, outage_max_ns=THREE_YEARS)
    effects = world.hear(*events)
    world.time = world.state.time
    world.calm()

    assert 4 == len({e.client_id for e in events})
    assert [] == [e for e in effects if isinstance(e, EventRefused)]
    assert now + THREE_YEARS <= world.state.time < now + THREE_YEARS + DAY_NS
    deposited = world.say(said.Deposited, account="alice", asset="USDC", amount=1)
    assert [] == [e for e in deposited if isinstance(e, EventRefused)]


def test_log_with_an_outage_of_years_replays_to_the_same_root(world):
    world.hear(*told(world, THREE_YEARS, outage_max_ns=THREE_YEARS))
    again = World()
    records = [Record(k, RecordType.EVENT, 0, e.time, type(e).__name__, e.client_id, (), frame)
               for k, (e, frame) in enumerate(zip(world.log, codec.batch_of(world.log).frames,
                                                  strict=True))]
    state, _ = machine(again.state.equipment).step(again.state, records)

    assert state_root(world.state) == state_root(state)


def test_clock_gone_wrong_is_no_outage(world):
    with pytest.raises(BadInput, match=r"an outage of 1100\.0 days.*at most 366\.0 are expected"):
        told(world, THREE_YEARS)
    with pytest.raises(BadInput, match="never goes back"):
        told(world, -1)
