"""How do parameters change? Proposed, weighed, approved by others, enacted for later; or withdrawn.

    propose -> weigh (impact report) -> approve, approve -> enact -> activations, one per step

A *charter* says how many others must approve, how much notice a change needs, between which
bounds each number must stay and how far it may move in one step (a larger move is ramped), and how
far its impact may go. An *emergency* change acts at once and ends by itself (`emergency`). Every
verb returns a new desk; nothing that was filed is ever changed or removed.
"""

from fnmatch import fnmatchcase
from typing import Final

from counterpoise.governance.charter import (
    NAME_MAX,
    Amendment,
    Charter,
    beyond_bound,
    misnamed,
    untight,
)
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.governance.history import History, last_number, standing
from counterpoise.governance.leaves import between, leaves_of
from counterpoise.margin.parameter_version import ParameterVersion, oddities_of
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import SECOND_NS, format_instant

STEPS_MAX: Final = 50


@frozen
class Proposal:
    """A version for a segment, from `effective_from` on, reached in `steps` steps of `step_ns`.

    lasts_ns   an emergency: it acts when it is enacted, and ends so much later; 0: neither
    accepts    how far the impact of a step may go, where further than the charter lets it
    """

    id: str
    segment: str
    version: ParameterVersion
    proposed_by: str
    reason: str
    effective_from: int
    steps: int = 1
    step_ns: int = 0
    lasts_ns: int = 0
    accepts: ImpactLimits | None = None

    def __post_init__(self) -> None:
        """Refuse a proposal without name, author or reason, or with a ramp that is none."""
        wrong = misnamed(f"proposal {self.id[:40]!r}", {
            name: getattr(self, name) for name in ("id", "segment", "proposed_by", "reason")})
        if not 1 <= self.steps <= STEPS_MAX:
            wrong.append(Failure(reason=Reason.BAD_VALUE, subject=f"proposal {self.id[:40]}",
                                 sentence=f"has {self.steps} steps; use 1 to {STEPS_MAX}"))
        elif (self.steps > 1) != (self.step_ns > 0):
            wrong.append(Failure(reason=Reason.BAD_VALUE, subject=f"proposal {self.id[:40]}",
                                 sentence=f"has {self.steps} steps {self.step_ns} ns apart; one "
                                 "step takes no time, several do"))
        if self.lasts_ns < 0 or self.lasts_ns and (self.steps > 1 or self.accepts is not None):
            wrong.append(Failure(reason=Reason.BAD_VALUE, subject=f"proposal {self.id[:40]}",
                                 sentence="is an emergency with steps or more impact, or one of "
                                 "negative length; it is one step within the emergency's limits"))
        if wrong:
            raise BadInput(*wrong)


@frozen
class Filed:
    """A proposal with what became of it; `impact` is the digest of the report it was weighed by.

    `state` is "open", "enacted" or "withdrawn"; `beyond` is what of the impact goes too far.
    """

    proposal: Proposal
    filed_at: int
    state: str = "open"
    impact: str = ""
    approved_by: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()


@frozen
class FiledAmendment:
    """An amendment with what became of it: `state` is "open", "enacted" or "withdrawn"."""

    amendment: Amendment
    filed_at: int
    state: str = "open"
    approved_by: tuple[str, ...] = ()


@frozen
class Chartered:
    """A charter rules from `at` (ns) on; `amendment` names what it follows from."""

    at: int
    charter: Charter
    amendment: str
    proposed_by: str
    approved_by: tuple[str, ...]


@frozen
class Desk:
    """All proposals and the history they led to, under the charter in force.

    `charters` are those that ever were, in order; nothing of them is changed or removed.
    """

    charter: Charter
    filed: tuple[Filed, ...] = ()
    history: History = History()
    amendments: tuple[FiledAmendment, ...] = ()
    charters: tuple[Chartered, ...] = ()


@frozen
class Activation:
    """What the engine is to be told: these parameters act on this segment from then on.

    `decision` names what it follows from: the proposal, or its withdrawal.
    """

    decision: str
    segment: str
    version: ParameterVersion
    effective_from: int


@frozen
class Allowance:
    """What the engine is to be told: how far the change with this digest may go, "" for any."""

    decision: str
    segment: str
    digest: str
    limits: ImpactLimits


@frozen
class Revocation:
    """What the engine is to be told: this change, decreed for then, never acts."""

    decision: str
    segment: str
    digest: str
    effective_from: int


Told = Activation | Allowance | Revocation


def propose(desk: Desk, proposal: Proposal, *, at: int) -> Desk:
    """File a proposal that nothing speaks against.

    Raises
    ------
    BadInput
        With everything that does: bounds, steps too large, odd parameters, too little notice.
    """
    wrong = []
    if proposal.id in ids_filed(desk):
        wrong.append(against(proposal, Reason.DUPLICATE, "is filed already; give a new one an id "
                              "of its own"))
    if not proposal.lasts_ns and proposal.effective_from < at + desk.charter.notice_ns:
        wrong.append(against(proposal, Reason.BAD_TIME, "would act from "
                              f"{format_instant(proposal.effective_from)}; notice asks for "
                              f"{format_instant(at + desk.charter.notice_ns)} or later"))
    try:
        versions = ramp(desk, proposal)
    except BadInput as refused:
        raise BadInput(*wrong, *refused.failures) from None
    wrong += objections(desk, proposal, versions)
    if wrong:
        raise BadInput(*wrong)
    return replaced(desk, filed=(*desk.filed, Filed(proposal=proposal, filed_at=at)))


def ramp(desk: Desk, proposal: Proposal) -> tuple[ParameterVersion, ...]:
    """Return the versions that a proposal goes through, the last being the proposed one.

    Numbers of versions count on from the last one enacted; the proposal's own is the last of them.

    Raises
    ------
    BadInput
        If a version in between would be no valid one, or the number does not count on.
    """
    before = standing(desk.history, proposal.segment)
    if not before:
        if proposal.steps > 1:
            raise BadInput(against(proposal, Reason.NOT_APPLICABLE, "is the first of its segment; "
                                    "there is nothing to come from in steps"))
        return (proposal.version,)
    start, steps = before[-1].version, proposal.steps
    # Withdrawn versions keep their numbers too.
    last = last_number(desk.history, proposal.segment)
    if proposal.version.number != last + steps:
        raise BadInput(against(proposal, Reason.BAD_VALUE, f"has version "
                                f"{proposal.version.number}; {steps} steps after {last} "
                                f"end with {last + steps}"))
    return tuple(replaced(proposal.version, number=last + k, parameters=between(
        start.parameters, proposal.version.parameters, k / steps))
        for k in range(1, steps)) + (proposal.version,)


def objections(desk: Desk, proposal: Proposal,
               versions: tuple[ParameterVersion, ...]) -> list[Failure]:
    """Return what speaks against the versions of a proposal: model, bounds, steps, oddities."""
    before = standing(desk.history, proposal.segment)
    last = leaves_of(before[-1].version.parameters) if before else {}
    wrong = []
    if before and before[-1].version.model != proposal.version.model:
        wrong.append(against(proposal, Reason.BAD_VALUE, f"is of {proposal.version.model}, its "
                              f"segment of {before[-1].version.model}"))
    if before and not proposal.lasts_ns and last == leaves_of(versions[-1].parameters):
        wrong.append(against(proposal, Reason.BAD_VALUE, "changes nothing of what is in force "
                             "last; say another number"))
    accepted = proposal.accepts is not None
    if accepted and not desk.charter.exceeding_approvals:
        wrong.append(against(proposal, Reason.NOT_APPLICABLE, "accepts more impact than the "
                              "charter lets any proposal have"))
    if proposal.lasts_ns:
        wrong += [against(proposal, Reason.BAD_VALUE, sentence)
                  for sentence in untight(desk.charter.emergency, proposal.lasts_ns, last,
                                          leaves_of(versions[-1].parameters))]
    for version in versions:
        now = leaves_of(version.parameters)
        wrong += [against(proposal, Reason.BAD_VALUE, f"version {version.number}: {sentence}")
                  for name, leaf in now.items() for bound in desk.charter.bounds
                  if fnmatchcase(name, bound.path)
                  for sentence in beyond_bound(name, leaf, None if proposal.lasts_ns else
                                               last.get(name), bound)]
        wrong += [against(proposal, Reason.ODD_PARAMETERS, f"version {version.number}: {section}: "
                           f"{sentence}") for section, sentence in oddities_of(version.parameters)]
        last = now
    return wrong


def weigh(desk: Desk, proposal: str, *, impact: str, beyond: tuple[str, ...] = ()) -> Desk:
    """Note the digest of the impact report that approvals will be based on, and what goes too far.

    Raises
    ------
    BadInput
        If the proposal is not open, or was approved by somebody on another report.
    """
    filed = opened(desk, proposal)
    if filed.approved_by and filed.impact != impact:
        raise bad_input(Reason.NOT_APPLICABLE, proposal, "was approved on another impact report; "
                        "withdraw it and propose again")
    return with_filed(desk, replaced(filed, impact=impact, beyond=beyond))


def limits_of(charter: Charter, proposal: Proposal) -> ImpactLimits | None:
    """Return how far the impact of a step of a proposal may go, None for as far as it does."""
    if proposal.lasts_ns and charter.emergency is not None:
        return charter.emergency.limits
    return proposal.accepts or charter.limits


def approvals_needed(charter: Charter, proposal: Proposal) -> int:
    """Return how many others must approve a proposal."""
    if proposal.lasts_ns and charter.emergency is not None:
        return charter.emergency.approvals
    more = 0 if proposal.accepts is None else charter.exceeding_approvals
    return max(charter.approvals, more)


def approve(desk: Desk, proposal: str, *, by: str) -> Desk:
    """Note an approval.

    Raises
    ------
    BadInput
        If it is the proposer's own, a second one, nobody weighed the proposal yet, or its impact
        goes too far.
    """
    filed = opened(desk, proposal)
    refuse_approver(proposal, by, (filed.proposal.proposed_by, *filed.approved_by))
    if not filed.impact:
        raise bad_input(Reason.NOT_APPLICABLE, proposal, "has no impact report yet; weigh it first")
    refuse_beyond(filed)
    return with_filed(desk, replaced(filed, approved_by=(*filed.approved_by, by)))


def refuse_approver(filed: str, by: str, already: tuple[str, ...]) -> None:
    """Refuse an approval by nobody, by the author, or by who approved before, however spelt.

    Raises
    ------
    BadInput
        If it is one of these.
    """
    named = bool(by.strip()) and len(by) <= NAME_MAX and by.isprintable()
    if not named or _one_name(by) in map(_one_name, already):
        raise bad_input(Reason.NOT_APPLICABLE, filed, f"cannot be approved by {by[:40]!r}: "
                        "somebody other than its author, each once")


def _one_name(spelt: str) -> str:
    """Return a name as any spelling of it: spaces and capitals make nobody somebody else."""
    return " ".join(spelt.split()).casefold()


def refuse_short_notice(filed: str, noticed_ns: int, charter: Charter) -> None:
    """Refuse to enact what was filed too short before it acts for the charter in force now.

    Raises
    ------
    BadInput
        If it was.
    """
    if noticed_ns < charter.notice_ns:
        raise bad_input(Reason.BAD_TIME, filed, f"was filed {noticed_ns / SECOND_NS:g} s before it "
                        f"acts; the charter in force by now asks for "
                        f"{charter.notice_ns / SECOND_NS:g} s of notice: file it again")


def refuse_beyond(filed: Filed) -> None:
    """Refuse a proposal whose impact goes too far, with everything that does.

    Raises
    ------
    BadInput
        If it does.
    """
    if filed.beyond:
        raise BadInput(*(against(filed.proposal, Reason.TOO_LARGE, s) for s in filed.beyond))


def ids_filed(desk: Desk) -> set[str]:
    """Return the ids of everything that was ever filed."""
    return {f.proposal.id for f in desk.filed} | {a.amendment.id for a in desk.amendments}


def found(desk: Desk, proposal: str) -> Filed:
    """Return what was filed under a name.

    Raises
    ------
    BadInput
        If nothing was.
    """
    for filed in desk.filed:
        if filed.proposal.id == proposal:
            return filed
    raise bad_input(Reason.BAD_VALUE, proposal[:60], "was never filed; propose it first")


def opened(desk: Desk, proposal: str) -> Filed:
    """Return a proposal that is still open.

    Raises
    ------
    BadInput
        If it is not, or was never filed.
    """
    filed = found(desk, proposal)
    if filed.state != "open":
        raise bad_input(Reason.NOT_APPLICABLE, proposal, f"is {filed.state} already")
    return filed


def with_filed(desk: Desk, changed: Filed) -> Desk:
    """Return the desk on which a proposal stands as it does now."""
    return replaced(desk, filed=tuple(changed if f.proposal.id == changed.proposal.id else f
                                      for f in desk.filed))


def against(proposal: Proposal, reason: Reason, sentence: str) -> Failure:
    """Return what speaks against a proposal."""
    return Failure(reason=reason, subject=f"proposal {proposal.id}", sentence=sentence)
