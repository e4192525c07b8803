"""Does a charter change only by the charter in force, and never into one that nobody can keep?"""

import re

import pytest

from counterpoise.governance.charter import Amendment, Bound, Charter, EmergencyRules
from counterpoise.governance.deeds import (
    AmendmentProposed,
    Approved,
    DeskOpened,
    ProposalEnacted,
    ProposalWithdrawn,
    Proposed,
    Weighed,
    done,
)
from counterpoise.governance.enactment import ANY_IMPACT
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.governance.proposals import Allowance, Proposal
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS, INSTANT_MAX

DAY = 20_000
LIMITS = ImpactLimits(below_initial=0.1, below_maintenance=0.1, bankrupt=0.0, extra=0.2)
RATE = Bound(path="rate", least=0.05, most=0.5, change_max=0.5, tighter="up")
CHARTER = Charter(approvals=1, notice_ns=2 * DAY_NS, bounds=(RATE,), limits=LIMITS,
                  exceeding_approvals=2)
LOOSER = replaced(CHARTER, limits=replaced(LIMITS, extra=0.5), notice_ns=DAY_NS)


@frozen
class Rates:
    """Parameters of the tests."""

    rate: float
    name: str = "plain"


def at(day):
    """Return the instant at which a day of the tests begins."""
    return (DAY + day) * DAY_NS


@pytest.fixture
def desk():
    """Return a desk of two segments, opened on day 0."""
    terms = tuple((name, ParameterVersion(model="m", number=1, parameters=Rates(rate=0.1)))
                  for name in ("retail", "large"))
    return done(None, DeskOpened(at=at(0), by="ann", charter=CHARTER, terms=terms))[0]


def asked(charter=LOOSER, *, name="a1", day=3):
    return Amendment(id=name, charter=charter, proposed_by="ann", reason="calm markets",
                     effective_from=at(day))


def lived(desk, *said):
    """Return the desk after some deeds, and what the engine is told by the last."""
    told = ()
    for deed in said:
        desk, told = done(desk, deed)
    return desk, told


def approved(desk, amendment, *people, day=1):
    return lived(desk, AmendmentProposed(at=at(day), amendment=amendment),
                 *(Approved(at=at(day), proposal=amendment.id, by=who) for who in people))[0]


def enacted(desk, amendment, *, day=3):
    return lived(approved(desk, amendment, "bob", "cid"), ProposalEnacted(
        at=at(day), proposal=amendment.id, by="ann", record=9))


def test_amendment_rules_from_its_enactment_on_and_the_engine_hears_of_new_limits(desk):
    after, told = enacted(desk, asked())

    assert (CHARTER, LOOSER) == (desk.charter, after.charter)
    assert [(at(0), CHARTER, "as found", ()), (at(3), LOOSER, "a1", ("bob", "cid"))] == [
        (c.at, c.charter, c.amendment, c.approved_by) for c in after.charters]
    assert tuple(Allowance(decision="a1", segment=name, digest="", limits=LOOSER.limits)
                 for name in ("retail", "large")) == told


def test_engine_is_told_of_no_limits_and_of_none_that_stayed(desk):
    without = replaced(CHARTER, limits=None)
    assert {ANY_IMPACT} == {t.limits for t in enacted(desk, asked(without))[1]}
    assert () == enacted(desk, asked(replaced(CHARTER, notice_ns=0)))[1]


def test_amendment_needs_as_many_as_may_exceed_the_limits_and_none_is_the_author(desk):
    filed = approved(desk, asked(), "bob")
    with pytest.raises(BadInput, match="lacks 1 of 2 approvals"):
        lived(filed, ProposalEnacted(at=at(3), proposal="a1", by="ann", record=9))
    for who in ("ann", "bob", " "):
        with pytest.raises(BadInput, match="somebody other than its author, each once"):
            lived(filed, Approved(at=at(2), proposal="a1", by=who))


def test_amendment_needs_notice_and_acts_not_before_its_time(desk):
    with pytest.raises(BadInput, match="notice asks for"):
        approved(desk, asked(day=2))
    with pytest.raises(BadInput, match="activate it then"):
        enacted(desk, asked(day=5), day=4)


def test_everything_against_an_amendment_is_said_at_once(desk):
    filed = approved(desk, asked())
    with pytest.raises(BadInput) as refused:
        approved(filed, asked(CHARTER, day=1))

    said = str(refused.value)
    assert "is filed already" in said and "notice asks for" in said
    assert "changes nothing of the charter in force" in said


def test_ids_of_proposals_and_amendments_are_one_list(desk):
    proposal = Proposal(id="a1", segment="retail", proposed_by="ann", reason="r",
                        version=ParameterVersion(model="m", number=2, parameters=Rates(rate=0.12)),
                        effective_from=at(9))
    with pytest.raises(BadInput, match="is filed already"):
        lived(approved(desk, asked()), Proposed(at=at(1), proposal=proposal))
    with pytest.raises(BadInput, match="is filed already"):
        approved(lived(desk, Proposed(at=at(1), proposal=proposal))[0], asked())


def test_what_is_open_is_weighed_and_approved_again_under_the_new_charter(desk):
    proposal = Proposal(id="p", segment="retail", proposed_by="ann", reason="r",
                        version=ParameterVersion(model="m", number=2, parameters=Rates(rate=0.12)),
                        effective_from=at(9))
    desk = lived(desk, Proposed(at=at(1), proposal=proposal),
                 Weighed(at=at(1), proposal="p", impact="report", record=3, beyond=()),
                 Approved(at=at(1), proposal="p", by="bob"))[0]
    after = enacted(approved(desk, asked(name="other", day=8), "bob"), asked())[0]

    assert [("open", "", ())] == [(f.state, f.impact, f.approved_by) for f in after.filed]
    assert [("other", "open", ()), ("a1", "enacted", ("bob", "cid"))] == [
        (a.amendment.id, a.state, a.approved_by) for a in after.amendments]
    with pytest.raises(BadInput, match="lacks 1 of 1 approvals"):
        lived(after, ProposalEnacted(at=at(4), proposal="p", by="ann", record=9))


def test_amendment_is_neither_weighed_nor_withdrawn_twice(desk):
    filed = approved(desk, asked())
    with pytest.raises(BadInput, match="approved without a report"):
        lived(filed, Weighed(at=at(1), proposal="a1", impact="r", record=1, beyond=()))
    no = ProposalWithdrawn(at=at(1), proposal="a1", by="ann", reason="no")
    gone, _ = lived(filed, no)
    with pytest.raises(BadInput, match="is withdrawn already"):
        lived(gone, no)


@pytest.mark.parametrize(("changed", "words"), [
    ({"by": " "}, "does not say its by"), ({"reason": ""}, "does not say its reason"),
    ({"by": "e\nvil\033[31m"}, "at most 60, printable"),
    ({"reason": "x" * 3_000}, "has a reason of 3000 characters")])
def test_deeds_are_done_by_somebody_for_a_reason_that_can_be_read(desk, changed, words):
    deed = ProposalWithdrawn(at=at(1), proposal="a1", by="ann", reason="no")
    filed = approved(desk, asked())

    with pytest.raises(BadInput, match=re.escape(words)):
        lived(filed, replaced(deed, **changed))


def test_what_was_filed_with_less_notice_than_the_charter_now_asks_for_is_filed_again(desk):
    longer = replaced(CHARTER, notice_ns=7 * DAY_NS)
    more = ParameterVersion(model="m", number=2, parameters=Rates(rate=0.12))
    ready = approved(desk, asked(longer), "bob", "carol")
    ready, _ = lived(
        ready, Proposed(at=at(1), proposal=Proposal(
            id="p", segment="retail", version=more, proposed_by="ann", reason="x",
            effective_from=at(5))),
        AmendmentProposed(at=at(1), amendment=asked(name="a2", day=4)),
        ProposalEnacted(at=at(3), proposal="a1", by="ann", record=1),
        Weighed(at=at(3), proposal="p", impact="r", record=2, beyond=()),
        *(Approved(at=at(3), proposal=name, by=who) for name in ("p", "a2")
          for who in ("bob", "carol")))

    for name, day in (("p", 4), ("a2", 4)):
        with pytest.raises(BadInput, match="asks for 604800 s of notice: file it again"):
            lived(ready, ProposalEnacted(at=at(day), proposal=name, by="ann", record=3))


EMERGENCY = EmergencyRules(approvals=1, lasts_max_ns=DAY_NS, bounds=(RATE,), limits=LIMITS)


@pytest.mark.parametrize(("changed", "words"), [
    ({"approvals": 101}, "asks for 101 approvals"),
    ({"exceeding_approvals": 1000}, "asks for 1000 exceeding approvals"),
    ({"emergency": replaced(EMERGENCY, approvals=500)}, "500 approvals of an emergency"),
    ({"notice_ns": INSTANT_MAX}, "nothing could ever act"),
    ({"bounds": (replaced(RATE, least=0.2),)}, "no step of at most 0.05 brings it within 0.2"),
    ({"bounds": (RATE, replaced(RATE, path="r*", least=0.6, most=0.7))}, "exclude each other"),
    ({"bounds": (replaced(RATE, path="*"),)}, "name is 'plain', no number"),
    ({"emergency": replaced(EMERGENCY, bounds=(replaced(RATE, least=0.6, most=0.7),))},
     "could be changed by no emergency")])
def test_charter_that_nobody_could_ever_satisfy_is_refused(desk, changed, words):
    with pytest.raises(BadInput, match=words.replace("*", r"\*")):
        approved(desk, asked(replaced(CHARTER, **changed)))


@pytest.mark.parametrize("changed", [
    {"bounds": ()}, {"approvals": 100}, {"emergency": EMERGENCY},
    {"bounds": (replaced(RATE, least=0.15),)}, {"bounds": (replaced(RATE, path="other.*"),)}])
def test_charter_that_somebody_can_satisfy_is_not_refused(desk, changed):
    wanted = replaced(CHARTER, **changed)

    assert wanted == enacted(desk, asked(wanted))[0].charter


def test_number_that_one_step_brings_within_its_bound_is_proposed_and_enacted(desk):
    """What `unsatisfiable` lets pass can be satisfied: the least move does it."""
    after = enacted(desk, asked(replaced(CHARTER, bounds=(replaced(RATE, least=0.15),))))[0]
    version = ParameterVersion(model="m", number=2, parameters=Rates(rate=0.15))
    proposal = Proposal(id="p", segment="retail", proposed_by="ann", reason="r", version=version,
                        effective_from=at(9))

    assert "p" == lived(after, Proposed(at=at(4), proposal=proposal))[0].filed[-1].proposal.id
