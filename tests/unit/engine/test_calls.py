"""Are margin calls issued, met and escalated by the ladder, and never by a doubtful price?"""

import pytest

from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.engine.state import NEVER
from counterpoise.values.time import SECOND_NS
from engine_world import World, parameters

PERP = "BTC-USDC:USDC-PERP"
CALLS = made.MarginCallIssued | made.MarginCallMet | made.MarginCallEscalated | (
    made.LiquidationOrdered)


@pytest.fixture
def world():
    """Return a calm world in which alice is long 1 BTC at 70,000 with 10,000 USDC, bob short.

    She needs 10 % of the size and has to keep 60 % of that.
    """
    made_world = World()
    made_world.begin("alice", "bob")
    made_world.say(said.Deposited, account="alice", asset="USDC", amount=10_000 * 10**6)
    made_world.say(said.Deposited, account="bob", asset="USDC", amount=100_000 * 10**6)
    made_world.calm()
    for name, lots in (("alice", 10**9), ("bob", -10**9)):
        made_world.say(said.Filled, account=name, order="", instrument=PERP, lots=lots,
                       price=70_000, price_exponent=0, fee=0)
    made_world.market()
    return made_world


def follows(effects):
    """Return what followed for alice, without requirements."""
    return [e for e in effects if not isinstance(e, made.RequirementsChanged)
            and getattr(e, "account", "") == "alice"]


def names(effects):
    return [type(e).__name__ for e in follows(effects)]


def test_account_climbs_the_ladder_rung_by_rung(world):
    # Equity 10,000 - fall; initial 10 %, maintenance 6 % of the price.
    assert ["LevelChanged", "InitialBreached"] == names(world.market({"BTC": 66_000.0}))
    assert ["LevelChanged"] == names(world.market({"BTC": 64_500.0}))
    assert ["LevelChanged", "MarginCallIssued"] == names(world.market({"BTC": 63_700.0}))
    assert ["LevelChanged", "MarginCallEscalated", "LiquidationOrdered"] == names(
        world.market({"BTC": 63_000.0}))
    assert ["LevelChanged"] == names(world.market({"BTC": 59_000.0}))


def test_call_asks_for_what_restores_the_initial_requirement(world):
    call = follows(world.market({"BTC": 63_700.0}))[-1]

    assert isinstance(call, made.MarginCallIssued)
    assert call.call_amount == (6_370 - 3_700) * 10**6 and "USD" == call.base_currency
    assert call.deadline == world.time + 900 * SECOND_NS
    assert (("BTC", 0.9), ("ETH", 0.8), ("USD", 1.0), ("USDC", 1.0)) == call.eligible_collateral
    assert 1 == call.version and call.snapshot == world.state.market.sequence


def test_deposit_meets_a_call(world):
    world.market({"BTC": 63_700.0})
    world.say(said.Deposited, account="alice", asset="USDC", amount=2_670 * 10**6)
    world.time += SECOND_NS
    met = follows(world.say(said.ClockAdvanced))

    assert ["LevelChanged", "MarginCallMet"] == [type(e).__name__ for e in met]
    assert SECOND_NS == met[1].open_ns


def test_call_is_not_met_before_its_hysteresis_is_passed(world):
    world.market({"BTC": 63_700.0})

    assert [] == names(world.market({"BTC": 63_900.0}))
    assert ["LevelChanged", "MarginCallMet"] == names(world.market({"BTC": 64_500.0}))


def test_deadline_escalates_a_call_and_the_lead_time_is_recorded(world):
    world.market({"BTC": 63_700.0})
    for _ in range(60):
        early = follows(world.market({"BTC": 63_700.0}, seconds=14.9))
        assert not early
    late = follows(world.market({"BTC": 63_700.0}, seconds=10))

    assert ["MarginCallEscalated", "LiquidationOrdered"] == [type(e).__name__ for e in late]
    assert 904 * SECOND_NS == late[1].lead_ns
    assert [] == names(world.market({"BTC": 63_700.0}))


def test_liquidation_without_a_call_has_no_lead_time(world):
    ordered = follows(world.market({"BTC": 63_000.0}))[-1]

    assert isinstance(ordered, made.LiquidationOrdered) and -1 == ordered.lead_ns


def test_after_a_restart_nothing_is_called_until_prices_are_calm(world):
    world.time += SECOND_NS
    world.say(said.EngineRestarted, engine="test")
    first = world.market({"BTC": 61_000.0})
    second = world.market({"BTC": 61_000.0})
    third = world.market({"BTC": 61_000.0})

    for effects in (first, second):
        assert not [e for e in effects if isinstance(e, CALLS | made.LevelChanged)]
        assert [made.AlertTopic.DECISIONS_HELD] == [
            e.topic for e in effects if isinstance(e, made.Alert)]
    assert "LiquidationOrdered" in names(third)


@pytest.mark.parametrize("sources", [0, 1, 2])
def test_too_few_sources_liquidate_nobody(world, sources):
    for _ in range(5):
        effects = world.market({"BTC": 61_000.0}, sources=sources)
        assert not [e for e in effects if isinstance(e, CALLS)]


def test_stale_price_liquidates_nobody_though_a_deadline_passes(world):
    world.market({"BTC": 63_700.0})
    world.time += 2_000 * SECOND_NS
    effects = world.say(said.ClockAdvanced)

    assert not [e for e in effects if isinstance(e, CALLS)]


def test_one_venue_that_jumps_is_not_believed(world):
    for _ in range(5):
        effects = world.market({"BTC": 7_000.0}, sources=1)
        assert not [e for e in effects if isinstance(e, CALLS)]
        assert made.AlertTopic.QUOTES_REFUSED in [
            e.topic for e in effects if isinstance(e, made.Alert)]


def test_while_prices_are_doubtful_risk_may_only_fall(world):
    order = {"account": "alice", "instrument": PERP, "price": 70_000, "price_exponent": 0}
    world.say(said.EngineRestarted, engine="test")
    more, = world.say(said.OrderPlaced, **order, order="more", lots=10**6)
    less, = world.say(said.OrderPlaced, **order, order="less", lots=-10**6)
    leave, = world.say(said.WithdrawalRequested, account="bob", withdrawal="w", asset="USDC",
                       amount=1)

    assert isinstance(more, made.OrderRefused) and isinstance(less, made.OrderAdmitted)
    assert "degraded" == more.failures[0].reason and 0 == more.largest
    assert not leave.admitted and "degraded" == leave.failures[0].reason


def test_breached_account_may_reduce_and_not_add(world):
    world.market({"BTC": 66_000.0})
    order = {"account": "alice", "instrument": PERP, "price": 66_000, "price_exponent": 0}
    less, = world.say(said.OrderPlaced, **order, order="less", lots=-10**9)
    more, = world.say(said.OrderPlaced, **order, order="more", lots=1)

    assert isinstance(less, made.OrderAdmitted) and isinstance(more, made.OrderRefused)


def test_cash_cannot_leave_a_breached_account(world):
    world.market({"BTC": 66_000.0})
    moved, = world.say(said.Transferred, account="alice", to="bob", asset="USDC", amount=1)

    assert not moved.admitted and 0 == moved.largest


def test_segment_left_at_an_older_snapshot_says_so(world):
    world.say(said.SegmentDefined, segment="other", model="gross_orders",
              levels=world.state.segments[0].levels)
    world.say(said.ParametersActivated, segment="other", version=parameters(), effective_from=0)
    world.say(said.AccountOpened, account="carol", segment="other")
    world.time += SECOND_NS
    effects = world.hear(world.batch(), world.event(said.MarketAssembled, segments=("other",)))
    older, newer = world.state.shards

    assert ["retail"] == [e.subject for e in effects if isinstance(e, made.Alert)]
    assert older.standing.snapshot.max() < world.state.market.sequence
    assert newer.standing.snapshot.tolist() == [world.state.market.sequence]


def test_account_that_changed_since_it_was_margined_says_so(world):
    world.say(said.Deposited, account="alice", asset="USDC", amount=1)
    world.time += SECOND_NS
    world.hear(world.batch(), world.event(said.MarketAssembled, segments=()))
    world.say(said.Deposited, account="bob", asset="USDC", amount=1)
    stood = world.plain()[0].standing.snapshot.tolist()

    assert [world.state.market.sequence, NEVER] == stood


def test_parameters_act_at_their_time_and_not_before(world):
    effective = world.time + 10 * SECOND_NS
    world.say(said.ParametersActivated, segment="retail", version=parameters(0.2, 2),
              effective_from=effective)
    before = world.market(seconds=9)
    after = world.market(seconds=1)

    assert not [e for e in before if isinstance(e, made.ParametersTookEffect)]
    assert [2] == [e.version for e in after if isinstance(e, made.ParametersTookEffect)]
    assert "InitialBreached" in names(after) and world.state.segments[0].version.number == 2
