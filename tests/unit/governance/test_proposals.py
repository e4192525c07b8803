"""Is no parameter changed by one person, by surprise, out of bounds, or after the fact?"""

import random

import pytest

from counterpoise.collateral.schedule import AssetTerms, CollateralSchedule
from counterpoise.governance.charter import Bound, Charter
from counterpoise.governance.enactment import enact, withdraw
from counterpoise.governance.history import (
    History,
    in_force,
    last_number,
    standing,
    with_enacted,
)
from counterpoise.governance.leaves import between, leaves_of
from counterpoise.governance.proposals import Desk, Proposal, approve, propose, weigh
from counterpoise.margin.parameter_version import ParameterVersion, version_digest
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS
from rule_books.gross_cross import GrossParameters, GrossRates

DAY = 20_000
CHARTER = Charter(approvals=2, notice_ns=2 * DAY_NS, bounds=(
    Bound(path="general.*", least=0.01, most=1.0, change_max=0.25),
    Bound(path="collateral.assets.*.weight.*", least=0.0, most=1.0, change_max=0.5)))


def at(day):
    """Return the instant at which a day of the tests begins."""
    return (DAY + day) * DAY_NS


def version(number, rate, share=0.5, weight=0.9):
    schedule = CollateralSchedule(numeraire="USD", other=None,
                                  assets={"BTC": AssetTerms(up_to=(), weight=(weight,))})
    return ParameterVersion(model="gross_cross", number=number, parameters=GrossParameters(
        general=GrossRates(rate=rate, maintenance_share=share), collateral=schedule))


def proposal(name, number, rate, *, day=2, **more):
    return Proposal(**{"id": name, "segment": "retail", "version": version(number, rate),
                       "proposed_by": "ann", "reason": "calm markets",
                       "effective_from": at(day)} | more)


def passed(desk, asked, *, day=0, decided=0):
    """File, weigh, approve and enact a proposal."""
    desk = weigh(propose(desk, asked, at=at(day)), asked.id, impact="report")
    for who in ("bob", "cid"):
        desk = approve(desk, asked.id, by=who)
    return enact(desk, asked.id, at=at(decided or day))


@pytest.fixture
def desk():
    """Return a desk whose first version, rate 0.10, acts from day 2 on."""
    return passed(Desk(charter=CHARTER), proposal("first", 1, 0.1))[0]


def test_parameter_acts_at_its_time_and_not_before(desk):
    desk, told = passed(desk, proposal("more", 2, 0.12, day=9), day=5)

    assert [(2, at(9))] == [(t.version.number, t.effective_from) for t in told]
    assert [1, 1, 2] == [in_force(desk.history, "retail", t).version.number
                         for t in (at(2), at(9) - 1, at(9))]
    with pytest.raises(BadInput, match="has no parameters in force"):
        in_force(desk.history, "retail", at(2) - 1)


def test_enacted_version_says_who_and_what(desk):
    found = in_force(desk.history, "retail", at(3))

    assert ("ann", ("bob", "cid"), "first") == (found.proposed_by, found.approved_by,
                                                found.proposal)
    assert version_digest(found.version) == found.digest


def test_everything_against_a_proposal_is_said_at_once(desk):
    asked = proposal("bad", 2, 1.5, day=3)
    with pytest.raises(BadInput) as refused:
        propose(desk, replaced(asked, id="first"), at=at(2))

    said = str(refused.value)
    assert "is filed already" in said and "notice asks for" in said
    assert "general.rate is 1.5; the charter keeps it from 0.01 to 1.0" in said
    assert "moves from 0.1 to 1.5 in one step; the charter lets it move by 25%" in said


def test_proposal_that_changes_nothing_is_refused(desk):
    with pytest.raises(BadInput) as refused:
        propose(desk, proposal("same", 2, 0.1, day=9), at=at(3))

    assert ["changes nothing of what is in force last; say another number"] == [
        f.sentence for f in refused.value.failures]


@pytest.mark.parametrize("steps", [0, -1, 51, 10**9])
def test_ramp_of_too_many_steps_is_told_how_many_are_taken(steps):
    with pytest.raises(BadInput) as refused:
        proposal("long", 2, 0.2, steps=steps, step_ns=1)

    assert [f"has {steps} steps; use 1 to 50"] == [f.sentence for f in refused.value.failures]


def test_odd_parameters_are_refused_as_a_proposal():
    @frozen
    class Odd:
        rate: float

        def oddities(self):
            return (("general", "maintenance above initial"),)

    odd = ParameterVersion(model="m", number=1, parameters=Odd(rate=0.1))
    with pytest.raises(BadInput, match="maintenance above initial") as refused:
        propose(Desk(charter=CHARTER), replaced(proposal("odd", 1, 0.1), version=odd), at=at(0))

    assert [Reason.ODD_PARAMETERS] == [f.reason for f in refused.value.failures]


def test_version_number_counts_on(desk):
    with pytest.raises(BadInput, match="1 steps after 1 end with 2"):
        propose(desk, proposal("skip", 5, 0.1, day=9), at=at(3))


@pytest.mark.parametrize("by", ["ann", "bob", " ", "Ann", " ann", "BOB ", "x\n"])
def test_author_nobody_and_the_same_person_twice_do_not_approve(desk, by):
    desk = weigh(propose(desk, proposal("more", 2, 0.12, day=9), at=at(3)), "more", impact="r")
    desk = approve(desk, "more", by="bob")

    with pytest.raises(BadInput, match="somebody other than its author, each once"):
        approve(desk, "more", by=by)
    with pytest.raises(BadInput, match="lacks 1 of 2 approvals"):
        enact(desk, "more", at=at(4))


def test_nobody_approves_what_was_not_weighed_or_was_weighed_anew(desk):
    desk = propose(desk, proposal("more", 2, 0.12, day=9), at=at(3))
    with pytest.raises(BadInput, match="has no impact report yet"):
        approve(desk, "more", by="bob")
    desk = approve(weigh(desk, "more", impact="r"), "more", by="bob")
    with pytest.raises(BadInput, match="was approved on another impact report"):
        weigh(desk, "more", impact="s")


def test_nothing_is_enacted_for_the_past(desk):
    desk = weigh(propose(desk, proposal("more", 2, 0.12, day=9), at=at(3)), "more", impact="r")
    for who in ("bob", "cid"):
        desk = approve(desk, "more", by=who)

    with pytest.raises(BadInput, match="before it is decided"):
        enact(desk, "more", at=at(9) + 1)


def test_large_move_is_ramped_in_steps_that_each_keep_the_charter(desk):
    with pytest.raises(BadInput, match="take more steps"):
        propose(desk, proposal("double", 2, 0.2, day=9), at=at(3))
    asked = proposal("double", 5, 0.2, day=9, steps=4, step_ns=DAY_NS)
    desk, told = passed(desk, asked, day=3)
    rates = [t.version.parameters.general.rate for t in told]

    assert [2, 3, 4, 5] == [t.version.number for t in told]
    assert [at(9), at(10), at(11), at(12)] == [t.effective_from for t in told]
    assert pytest.approx([0.125, 0.15, 0.175, 0.2], rel=1e-12) == rates
    assert told[-1].version == asked.version


def test_withdrawn_steps_never_act_and_those_that_acted_stay(desk):
    desk, _ = passed(desk, proposal("double", 5, 0.2, day=9, steps=4, step_ns=DAY_NS), day=3)
    desk, told = withdraw(desk, "double", by="dan", at=at(10) + 5, reason="storm")

    assert [1, 2, 3, 3] == [in_force(desk.history, "retail", at(d)).version.number
                            for d in (8, 9, 10, 30)]
    gone = [e for e in desk.history.entries if getattr(e, "effective_from", 0) > at(10) + 5]
    assert [(e.digest, e.effective_from) for e in gone] == [
        (t.digest, t.effective_from) for t in told]
    with pytest.raises(BadInput, match="has no step left to withdraw"):
        withdraw(desk, "double", by="dan", at=at(30), reason="again")


def test_open_proposal_is_withdrawn_and_stays_on_file(desk):
    desk = propose(desk, proposal("more", 2, 0.12, day=9), at=at(3))
    desk, told = withdraw(desk, "more", by="ann", at=at(4), reason="a mistake")

    assert () == told and "withdrawn" == desk.filed[-1].state
    with pytest.raises(BadInput, match="is withdrawn already"):
        approve(desk, "more", by="bob")


def test_version_is_never_edited(desk):
    entry = desk.history.entries[0]
    other = version(1, 0.5)
    edited = replaced(entry, version=other, digest=version_digest(other), effective_from=at(9))

    with pytest.raises(BadInput, match="a version is never edited"):
        with_enacted(desk.history, edited)
    with pytest.raises(BadInput, match="not those of its digest"):
        replaced(entry, version=other)


def test_two_decisions_for_one_time_collide(desk):
    desk, _ = passed(desk, proposal("more", 2, 0.12, day=9), day=3)

    with pytest.raises(BadInput, match="withdraw that, or wait"):
        passed(desk, proposal("other", 3, 0.13, day=8), day=4)


def test_history_only_grows_and_the_past_never_changes():
    chance = random.Random(11)
    desk, day, rate, number = Desk(charter=CHARTER), 0, 0.1, 0
    known: dict[int, int] = {}
    for turn in range(60):
        before = desk.history.entries
        day += chance.randrange(1, 3)
        try:
            if number and chance.random() < 0.3:
                desk, _ = withdraw(desk, f"p{number}", by="dan", at=at(day), reason="storm")
            else:
                rate = min(max(rate * chance.uniform(0.8, 1.2), 0.02), 0.9)
                asked = proposal(f"p{turn}", last_number(desk.history, "retail") + 1, rate,
                                 day=day + 2 + chance.randrange(4))
                desk, _ = passed(desk, asked, day=day)
                number = turn
        except BadInput:
            pass
        assert before == desk.history.entries[:len(before)]
        for past in known:
            assert known[past] == in_force(desk.history, "retail", at(past)).version.number
        if standing(desk.history, "retail") and day > 8:
            known[day] = in_force(desk.history, "retail", at(day)).version.number

    assert len(desk.history.entries) > 20 and len(set(known.values())) > 5


def test_leaves_have_names_and_lie_between():
    before, after = version(1, 0.1).parameters, version(2, 0.3, weight=0.7).parameters
    leaves = leaves_of(between(before, after, 0.5))

    assert pytest.approx(0.2) == leaves["general.rate"]
    assert pytest.approx(0.8) == leaves["collateral.assets.BTC.weight.0"]
    assert "USD" == leaves["collateral.numeraire"] and leaves["collateral.other"] is None


@pytest.mark.parametrize("change", [{"id": " "}, {"reason": ""}, {"steps": 0}, {"steps": 3},
                                    {"step_ns": 5}])
def test_proposal_is_valid_from_birth(change):
    with pytest.raises(BadInput):
        replaced(proposal("a", 1, 0.1), **change)


def test_first_version_has_nothing_to_come_from():
    with pytest.raises(BadInput, match="nothing to come from"):
        propose(Desk(charter=CHARTER), proposal("a", 3, 0.1, steps=3, step_ns=5), at=at(0))
    assert () == standing(History(), "retail")
