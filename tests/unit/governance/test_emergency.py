"""Does an emergency only tighten, at once, within its bounds, and end by itself?"""

import pytest

from counterpoise.governance.charter import Bound, Charter, EmergencyRules
from counterpoise.governance.deeds import (
    Approved,
    DeskOpened,
    Proposed,
    StepDecided,
    Weighed,
    done,
)
from counterpoise.governance.enactment import ANY_IMPACT, enact, withdraw
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.governance.history import in_force, standing
from counterpoise.governance.proposals import Activation, Allowance, Revocation
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS
from unit.governance.test_proposals import at, proposal, version

LIMITS = ImpactLimits(below_initial=0.5, below_maintenance=0.1, bankrupt=0.0, extra=1.0)
RULES = EmergencyRules(approvals=1, lasts_max_ns=2 * DAY_NS, limits=LIMITS, bounds=(
    Bound(path="general.rate", least=0.01, most=0.5, change_max=1.0, tighter="up"),
    Bound(path="collateral.assets.*.weight.*", least=0.0, most=1.0, change_max=0.5,
          tighter="down")))
CHARTER = Charter(approvals=2, notice_ns=2 * DAY_NS, emergency=RULES, exceeding_approvals=3,
                  limits=replaced(LIMITS, extra=0.1), bounds=(
                      Bound(path="general.*", least=0.01, most=1.0, change_max=0.25),))


@pytest.fixture
def desk():
    """Return a desk that was opened over rate 0.10."""
    return done(None, DeskOpened(at=at(0), by="ann", charter=CHARTER,
                                 terms=(("retail", version(1, 0.1)),)))[0]


def storm(rate=0.18, number=2, **more):
    return proposal("storm", number, rate, day=0, **{"lasts_ns": DAY_NS} | more)


def through(desk, asked, *people, day=1, beyond=()):
    """File, weigh and have a proposal approved."""
    for deed in (Proposed(at=at(day), proposal=asked),
                 Weighed(at=at(day), proposal=asked.id, impact="r", record=7, beyond=beyond),
                 *(Approved(at=at(day), proposal=asked.id, by=who) for who in people)):
        desk, _ = done(desk, deed)
    return desk


def test_emergency_acts_at_once_and_what_was_in_force_comes_back(desk):
    desk, told = enact(through(desk, storm(), "bob"), "storm", at=at(1))
    steps = [t for t in told if isinstance(t, Activation)]
    allowed = [t for t in told if isinstance(t, Allowance)]

    assert [(2, at(1)), (3, at(2))] == [(t.version.number, t.effective_from) for t in steps]
    assert [LIMITS, ANY_IMPACT] == [t.limits for t in allowed]
    assert [0.1, 0.18, 0.1] == [in_force(desk.history, "retail", t).version.parameters.general.rate
                                for t in (at(1) - 1, at(1), at(2))]


@pytest.mark.parametrize(("asked", "words"), [
    (storm(0.09), "general.rate from 0.1 to 0.09 loosens: tighter is up"),
    (storm(0.21), "the charter lets it move by 100%"),
    (storm(0.6), "general.rate is 0.6; the charter keeps it from 0.01 to 0.5"),
    (storm(0.1), "changes nothing"),
    (storm(lasts_ns=3 * DAY_NS), "an emergency ends after"),
    (replaced(storm(), version=version(2, 0.18, share=0.6)),
     "general.maintenance_share is no number that an emergency may change"),
    (replaced(storm(), version=version(2, 0.18, weight=0.95)), "loosens: tighter is down")])
def test_what_is_no_bounded_tightening_is_refused_with_the_reason(desk, asked, words):
    with pytest.raises(BadInput, match=words.replace("(", r"\(")):
        done(desk, Proposed(at=at(1), proposal=asked))


def test_emergency_that_eases_somebody_is_not_approved(desk):
    said = "2 accounts would need less, or own more: an emergency only tightens"
    with pytest.raises(BadInput, match=said):
        through(desk, storm(), "bob", beyond=(said,))


def test_emergency_has_approvals_of_its_own_but_not_its_author_s(desk):
    with pytest.raises(BadInput, match="somebody other than its author"):
        through(desk, storm(), "ann")
    with pytest.raises(BadInput, match="lacks 1 of 1 approvals"):
        enact(through(desk, storm()), "storm", at=at(1))


def test_desk_without_emergency_rules_knows_no_emergency():
    desk, _ = done(None, DeskOpened(at=at(0), by="ann", terms=(("retail", version(1, 0.1)),),
                                    charter=replaced(CHARTER, emergency=None)))
    with pytest.raises(BadInput, match="the charter knows none; propose it with notice"):
        done(desk, Proposed(at=at(1), proposal=storm()))


def test_withdrawn_emergency_ends_now_and_not_never(desk):
    desk, _ = enact(through(desk, storm(), "bob"), "storm", at=at(1))
    desk, told = withdraw(desk, "storm", by="cid", at=at(1) + 5, reason="over")

    assert [Revocation, Allowance, Activation] == [type(t) for t in told]
    assert at(2) == told[0].effective_from
    assert (4, at(1) + 5) == (told[2].version.number, told[2].effective_from)
    assert [0.18, 0.1, 0.1] == [in_force(desk.history, "retail", t).version.parameters.general.rate
                                for t in (at(1) + 4, at(1) + 5, at(3))]


def test_more_impact_than_the_charter_s_needs_more_approvals_and_is_told_as_accepted(desk):
    asked = proposal("big", 2, 0.12, day=9, accepts=LIMITS)
    waiting = through(desk, asked, "bob", "cid")
    with pytest.raises(BadInput, match="lacks 1 of 3 approvals"):
        enact(waiting, "big", at=at(2))
    _, told = enact(done(waiting, Approved(at=at(2), proposal="big", by="dan"))[0], "big",
                    at=at(2))

    assert [Allowance, Activation] == [type(t) for t in told]
    assert (LIMITS, told[0].digest) == (told[0].limits, standing(_.history, "retail")[-1].digest)


def test_limits_of_the_charter_are_told_when_the_desk_opens():
    _, told = done(None, DeskOpened(at=at(0), by="ann", charter=CHARTER,
                                    terms=(("retail", version(1, 0.1)),)))

    assert [("retail", "", CHARTER.limits)] == [(t.segment, t.digest, t.limits) for t in told]


def test_step_that_the_engine_refused_never_acts_and_its_number_is_spent(desk):
    desk, _ = enact(through(desk, proposal("more", 2, 0.12, day=9), "bob", "cid"), "more",
                    at=at(2))
    no = StepDecided(at=at(3), proposal="more", number=2, record=9, admitted=False, impact="i",
                     reason="too many breaches")
    desk, _ = done(desk, no)

    assert 1 == in_force(desk.history, "retail", at(10)).version.number
    with pytest.raises(BadInput, match="no version 2 that could be refused"):
        done(desk, no)
    with pytest.raises(BadInput, match="1 steps after 2 end with 3"):
        done(desk, Proposed(at=at(4), proposal=proposal("again", 2, 0.12, day=12)))


@pytest.mark.parametrize("rules", [
    {"approvals": 0}, {"lasts_max_ns": 0},
    {"bounds": (Bound(path="general.rate", least=0.0, most=1.0, change_max=1.0),)}])
def test_emergency_rules_without_approval_end_or_direction_are_refused(rules):
    with pytest.raises(BadInput):
        replaced(RULES, **rules)
