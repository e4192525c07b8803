"""Are accounts that open together those that would have opened one by one?"""

import pytest

from counterpoise.engine import events as said
from counterpoise.engine import lifecycle
from counterpoise.engine.effects import EventRefused, EventRepeated
from counterpoise.engine.image import state_root
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.values.frozen import replaced
from engine_world import RULES, World, parameters


def world(ids_kept):
    """Return a world with two segments, whose younger ids turn at half of `ids_kept`."""
    made = World(rules=replaced(RULES, ids_kept=ids_kept))
    made.begin("alice", "bob")
    made.say(said.SegmentDefined, segment="fund", model="gross_orders", levels=DEFAULT_LEVELS)
    made.say(said.ParametersActivated, segment="fund", version=parameters(0.2, 2),
             effective_from=0)
    made.calm()
    return made


def sides(made):
    """Return the two sides of a trade at prices that differ: the rest waits for the next mark."""
    common = {"instrument": "BTC-USDC:USDC-PERP", "order": "", "price_exponent": 0, "fee": 0}
    return [made.event(said.Filled, account="alice", lots=10**9, price=70_000, **common),
            made.event(said.Filled, account="bob", lots=-(10**9), price=70_001, **common)]


def openings(made):
    """Return accounts of both segments, a nanosecond apart, some refused or said twice."""
    def opened(name, segment, **other):
        when = {"time": made.time + made.count} | other
        return made.event(said.AccountOpened, account=name, segment=segment, **when)

    out = [opened("alice", "fund"), opened("x", "nowhere")]
    for k in range(9):
        out += [opened(f"retail {k}", "retail"), opened(f"fund {k}", "fund")]
    out += [out[7], replaced(out[8], account="other"), opened("retail 3", "retail"),
            opened("late", "fund", time=0), opened("last", "fund")]
    return out


@pytest.mark.parametrize("ids_kept", [16, 22, 26, 1_000])
def test_openings_of_one_batch_are_those_of_many(ids_kept, monkeypatch):
    monkeypatch.setattr(lifecycle, "SHARD_ACCOUNTS", 4)
    together, singly = world(ids_kept), world(ids_kept)
    events = [*sides(together), *openings(together)]
    told = together.hear(*events)

    assert told == tuple(effect for event in events for effect in singly.hear(event))
    assert state_root(together.state) == state_root(singly.state)


def test_refused_openings_leave_the_root_when_ids_are_about_to_turn():
    made = world(16)
    made.hear(*sides(made))
    root = state_root(made.state)
    made.hear(*openings(made)[:2])

    assert 8 == made.state.remembered.count and root == state_root(made.state)


def test_openings_are_refused_and_repeated_one_by_one(monkeypatch):
    monkeypatch.setattr(lifecycle, "SHARD_ACCOUNTS", 4)
    made = world(1_000)
    told = made.hear(*openings(made))

    assert [EventRefused, EventRefused, EventRepeated, EventRefused, EventRefused,
            EventRefused] == [type(effect) for effect in told]
    assert [4, 4, 4, 4, 3, 2] == [shard.size for shard in made.state.shards]
    assert [0, 1, 0, 1, 0, 1] == [shard.segment for shard in made.state.shards]


def test_an_account_trades_in_the_batch_that_opens_it():
    made = world(1_000)
    buyer = made.event(said.AccountOpened, account="carol", segment="fund")
    cash = made.event(said.Deposited, account="carol", asset="USDC", amount=10**12)
    seller = made.event(said.AccountOpened, account="dave", segment="retail")
    made.hear(buyer, cash, seller)

    assert 10**12 in made.row("carol").balances and not any(made.row("dave").balances)
