"""Are new terms admitted by what they would do to the accounts, and withdrawn before they act?"""

import pytest

from counterpoise.collateral.schedule import AssetTerms, CollateralSchedule, schedule_digest
from counterpoise.engine import events as said
from counterpoise.engine.codec import batch_from, encoded, vocabulary
from counterpoise.engine.effects import ChangeDecided, EventRepeated, ParametersTookEffect
from counterpoise.engine.image import decoded_state, encoded_state, state_root
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.engine.shards import compacted
from counterpoise.engine.state import Equipment
from counterpoise.engine.step import step
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.governance.impact import Change, impact_of
from counterpoise.instruments.listing import Listing, future
from counterpoise.margin.parameter_version import version_digest
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import replaced
from counterpoise.values.time import SECOND_NS
from engine_world import LATER, MODEL, World, parameters
from rule_books.gross_orders import GrossOrders
from unit.engine.bad_events import FILL

STRICT = ImpactLimits(below_initial=0.0, below_maintenance=0.0, bankrupt=0.0, extra=0.6)


@pytest.fixture
def world():
    """Return a world with limits: alice is long 70,000 USD with 10,000, bob short with 50,000."""
    made = World()
    made.begin("alice", "bob")
    for name, amount in (("alice", 10_000), ("bob", 50_000)):
        made.say(said.Deposited, account=name, asset="USDC", amount=amount * 10**6)
    made.calm()
    made.say(said.Filled, **FILL)
    made.say(said.Filled, **FILL | {"account": "bob", "lots": -FILL["lots"]})
    made.market()
    made.say(said.ImpactLimited, segment="retail", digest="", limits=STRICT)
    return made


def change(world, version, effective_from=0):
    """Let the engine hear of a version and return what it decided."""
    return world.say(said.ParametersActivated, segment="retail", version=version,
                     effective_from=effective_from)


def test_change_that_breaches_too_many_is_not_admitted_and_every_reason_is_told(world):
    before = replaced(world.state.segments[0])
    decided, = change(world, parameters(0.2, 2))

    assert not decided.admitted and {Reason.TOO_LARGE} == {f.reason for f in decided.failures}
    assert ["1 of 2 accounts would come to stand below initial, at most 0 may",
            "2 accounts would need"] == [
        f.sentence.split(": ")[0].split(" 14000")[0] for f in decided.failures]
    assert before == world.state.segments[0]
    assert isinstance(world.hear(world.log[-1])[0], EventRepeated)


def test_effect_carries_the_impact_report_of_the_state_at_hand(world):
    decided, = change(world, parameters(0.2, 2))
    own = impact_of(Change(model=MODEL, before=parameters(0.1, 1), after=parameters(0.2, 2)),
                    compacted(world.state.shards)[1], world.state.market, segments=("retail",))

    assert (own.digest, own.groups) == (decided.impact, decided.groups)


def test_smaller_steps_are_admitted_where_the_whole_is_not(world):
    for number, rate in ((2, 0.14), (3, 0.141)):
        decided, acts = change(world, parameters(rate, number))
        assert decided.admitted and isinstance(acts, ParametersTookEffect)
    assert not change(world, parameters(0.3, 4))[0].admitted


def test_step_of_a_ramp_is_weighed_against_the_step_before_it(world):
    later = world.time + 100 * SECOND_NS
    first, = change(world, parameters(0.14, 2), later)
    second, = change(world, parameters(0.141, 3), later + SECOND_NS)

    assert first.admitted and second.admitted
    assert pytest.approx(0.001 * 140_000) == second.groups[0].extra


def test_impact_that_was_accepted_passes_once(world):
    wanted = parameters(0.2, 2)
    world.say(said.ImpactLimited, segment="retail", digest=version_digest(wanted),
              limits=replaced(STRICT, below_initial=0.5, extra=1.0))

    assert change(world, wanted)[0].admitted
    assert {""} == set(world.state.segments[0].limits)
    assert [True, False] == [change(world, parameters(r, n))[0].admitted
                             for r, n in ((0.1, 3), (0.2, 4))]


def test_schedule_is_admitted_by_the_same_rule(world):
    def schedule(weight):
        return CollateralSchedule(numeraire="USD", other=None, assets={
            "USDC": AssetTerms(up_to=(), weight=(weight,))})

    decided = [world.say(said.CollateralScheduleChanged, segment="retail", effective_from=0,
                         schedule=schedule(weight))[0] for weight in (0.5, 0.9)]

    assert [False, True] == [d.admitted for d in decided]
    assert "below initial" in decided[0].failures[0].sentence
    assert schedule_digest(schedule(0.9)) == decided[1].digest and 0 == decided[1].version


def test_withdrawn_change_never_acts(world):
    later = world.time + 5 * SECOND_NS
    version = parameters(0.12, 2)
    assert change(world, version, later)[0].admitted
    terms = {"segment": "retail", "digest": version_digest(version), "effective_from": later}
    world.say(said.ChangeWithdrawn, **terms)
    told = world.market(seconds=9)

    assert not [e for e in told if isinstance(e, ParametersTookEffect)]
    assert "has no change" in world.say(said.ChangeWithdrawn, **terms)[0].failures[0].sentence
    assert change(world, parameters(0.12, 3))[0].admitted


def test_what_is_decided_is_the_same_from_the_log_and_from_the_bytes_of_a_state(world):
    """A table that was filled in another order is the same table: digests and bits agree."""
    own = parameters(0.12, 2)
    schedule = own.parameters.collateral
    turned = replaced(own, parameters=replaced(own.parameters, collateral=replaced(
        schedule, assets=dict(reversed(schedule.assets.items())))))
    event = world.event(said.ParametersActivated, segment="retail", version=turned,
                        effective_from=0)
    before, start = world.state, decoded_state(encoded_state(world.state), world.state.equipment)
    live = world.hear(event)
    again, told = step(start, batch_from([encoded(event)], vocabulary([MODEL])))

    assert version_digest(own) == version_digest(turned)
    assert live == told and state_root(world.state) == state_root(again) != state_root(before)


def test_first_parameters_of_a_segment_have_nothing_to_be_weighed_against():
    world = World()
    world.begin("alice")
    decided, = [e for e in world.heard if isinstance(e, ChangeDecided)]

    assert decided.admitted and "" == decided.impact and () == decided.groups


class Choosy(GrossOrders):
    """A model that margins nobody by a rate beyond one."""

    def scenarios(self, market, parameters):
        """Return none."""
        if parameters.general.rate > 1:
            raise bad_input(Reason.BAD_VALUE, "rate", "is beyond one; nobody is margined by it")
        return ()


def unlimited(rate=0.1):
    """Return a world of a choosy model, without limits, in which alice owns USDC."""
    world = World()
    world.state = replaced(world.state, equipment=Equipment(models={"gross_orders": Choosy()}))
    world.begin("alice", rate=rate)
    world.say(said.Deposited, account="alice", asset="USDC", amount=10**9)
    return world


def test_change_by_which_nobody_could_be_margined_is_refused_without_limits_too():
    world = unlimited()
    world.market()
    before = world.state.segments
    decided, = change(world, parameters(2.0, 2), world.time + 5 * SECOND_NS)

    assert not decided.admitted and before == world.state.segments
    assert ["rate"] == [f.subject for f in decided.failures]
    assert change(world, parameters(0.9, 3))[0].admitted


def test_change_that_makes_margins_computable_again_is_let_in():
    world = unlimited(rate=2.0)
    world.say(said.SegmentDefined, segment="other", model="gross_orders", levels=DEFAULT_LEVELS)
    world.hear(world.batch(), world.event(said.MarketAssembled, segments=("other",)))
    assert 1 == world.state.snapshots
    decided, _ = change(world, parameters(0.1, 2))

    assert decided.admitted and "" == decided.impact and world.market()


def test_change_waits_for_the_snapshot_after_a_listing_and_not_for_the_first():
    world = unlimited()
    assert change(world, parameters(0.2, 2))[0].admitted
    world.market()
    world.say(said.InstrumentsListed, instruments=(future(Listing(
        underlying="BTC", quote="USDC", settlement="USDC"), LATER),))
    decided, = change(world, parameters(0.3, 3))
    world.market()

    assert [Reason.MISSING_PRICE] == [f.reason for f in decided.failures]
    assert "assemble a market first" in decided.failures[0].sentence
    assert change(world, parameters(0.3, 3))[0].admitted
