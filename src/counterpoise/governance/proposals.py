"""How do parameters change? Proposed, weighed, approved by others, enacted for later; or withdrawn.

    propose -> weigh (impact report) -> approve, approve -> enact -> activations, one per step

A *charter* says how many others must approve, how much notice a change needs, and between which
bounds each number must stay and how far it may move in one step; a larger move is ramped. Every
verb returns a new desk; nothing that was filed is ever changed or removed.
"""

from fnmatch import fnmatchcase

from counterpoise.governance.history import (
    Enacted,
    History,
    Withdrawn,
    in_force,
    last_number,
    standing,
    with_enacted,
    with_withdrawn,
)
from counterpoise.governance.leaves import Leaf, between, leaves_of
from counterpoise.margin.parameter_version import (
    ParameterVersion,
    oddities_of,
    version_digest,
)
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import format_instant


@frozen
class Bound:
    """Numbers whose names match `path` (with `*`) stay in [least, most].

    `change_max` is how far they may move in one step, as a fraction of what they were (of 1 where
    that is zero).
    """

    path: str
    least: float
    most: float
    change_max: float

    def __post_init__(self) -> None:
        """Refuse bounds that nothing keeps."""
        if not (self.least <= self.most and self.change_max >= 0):
            raise bad_input(Reason.BAD_VALUE, self.path, f"{self.least} to {self.most} with steps "
                            f"of {self.change_max} is no bound")


@frozen
class Charter:
    """The rules of change: approvals by others, notice before a version acts, bounds."""

    approvals: int
    notice_ns: int
    bounds: tuple[Bound, ...]

    def __post_init__(self) -> None:
        """Refuse a charter under which one person decides, or a change surprises."""
        if self.approvals < 1 or self.notice_ns < 0:
            raise bad_input(Reason.BAD_VALUE, "charter", f"{self.approvals} approvals and a notice "
                            f"of {self.notice_ns} ns; at least 1 and 0")


@frozen
class Proposal:
    """A version for a segment, from `effective_from` on, reached in `steps` steps of `step_ns`."""

    id: str
    segment: str
    version: ParameterVersion
    proposed_by: str
    reason: str
    effective_from: int
    steps: int = 1
    step_ns: int = 0

    def __post_init__(self) -> None:
        """Refuse a proposal without name, author or reason, or with a ramp that is none."""
        wrong = [Failure(reason=Reason.BAD_VALUE, subject=f"proposal {self.id[:40]}", sentence=(
            f"does not say its {name}")) for name in ("id", "segment", "proposed_by", "reason")
            if not getattr(self, name).strip()]
        if self.steps < 1 or (self.steps > 1) != (self.step_ns > 0):
            wrong.append(Failure(reason=Reason.BAD_VALUE, subject=f"proposal {self.id[:40]}",
                                 sentence=f"has {self.steps} steps {self.step_ns} ns apart; one "
                                 "step takes no time, several do"))
        if wrong:
            raise BadInput(*wrong)


@frozen
class Filed:
    """A proposal with what became of it; `impact` is the digest of the report it was weighed by.

    `state` is "open", "enacted" or "withdrawn".
    """

    proposal: Proposal
    filed_at: int
    state: str = "open"
    impact: str = ""
    approved_by: tuple[str, ...] = ()


@frozen
class Desk:
    """All proposals and the history they led to, under one charter."""

    charter: Charter
    filed: tuple[Filed, ...] = ()
    history: History = History()


@frozen
class Activation:
    """What the engine is to be told: these parameters act on this segment from then on.

    `decision` names what it follows from: the proposal, or its withdrawal.
    """

    decision: str
    segment: str
    version: ParameterVersion
    effective_from: int


def propose(desk: Desk, proposal: Proposal, *, at: int) -> Desk:
    """File a proposal that nothing speaks against.

    Raises
    ------
    BadInput
        With everything that does: bounds, steps too large, odd parameters, too little notice.
    """
    wrong = []
    if any(f.proposal.id == proposal.id for f in desk.filed):
        wrong.append(_against(proposal, Reason.DUPLICATE, "is filed already; give a new one an id "
                              "of its own"))
    if proposal.effective_from < at + desk.charter.notice_ns:
        wrong.append(_against(proposal, Reason.BAD_TIME, "would act from "
                              f"{format_instant(proposal.effective_from)}; notice asks for "
                              f"{format_instant(at + desk.charter.notice_ns)} or later"))
    try:
        versions = ramp(desk, proposal)
    except BadInput as refused:
        raise BadInput(*wrong, *refused.failures) from None
    wrong += _objections(desk, proposal, versions)
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
            raise BadInput(_against(proposal, Reason.NOT_APPLICABLE, "is the first of its segment; "
                                    "there is nothing to come from in steps"))
        return (proposal.version,)
    start, steps = before[-1].version, proposal.steps
    # Withdrawn versions keep their numbers too.
    last = last_number(desk.history, proposal.segment)
    if proposal.version.number != last + steps:
        raise BadInput(_against(proposal, Reason.BAD_VALUE, f"has version "
                                f"{proposal.version.number}; {steps} steps after {last} "
                                f"end with {last + steps}"))
    return tuple(replaced(proposal.version, number=last + k, parameters=between(
        start.parameters, proposal.version.parameters, k / steps))
        for k in range(1, steps)) + (proposal.version,)


def _objections(desk: Desk, proposal: Proposal,
                versions: tuple[ParameterVersion, ...]) -> list[Failure]:
    before = standing(desk.history, proposal.segment)
    last = leaves_of(before[-1].version.parameters) if before else {}
    wrong = []
    if before and before[-1].version.model != proposal.version.model:
        wrong.append(_against(proposal, Reason.BAD_VALUE, f"is of {proposal.version.model}, its "
                              f"segment of {before[-1].version.model}"))
    for version in versions:
        now = leaves_of(version.parameters)
        wrong += [_against(proposal, Reason.BAD_VALUE, f"version {version.number}: {sentence}")
                  for name, leaf in now.items() for bound in desk.charter.bounds
                  if fnmatchcase(name, bound.path)
                  for sentence in _beyond(name, leaf, last.get(name), bound)]
        wrong += [_against(proposal, Reason.ODD_PARAMETERS, f"version {version.number}: {section}: "
                           f"{sentence}") for section, sentence in oddities_of(version.parameters)]
        last = now
    return wrong


def _beyond(name: str, leaf: Leaf, before: Leaf, bound: Bound) -> list[str]:
    if isinstance(leaf, bool) or not isinstance(leaf, (int, float)):
        return [f"{name} is {leaf!r}, no number that a bound could hold"]
    out = []
    if not bound.least <= leaf <= bound.most:
        out.append(f"{name} is {leaf}; the charter keeps it from {bound.least} to {bound.most}")
    if isinstance(before, (int, float)) and not isinstance(before, bool):
        allowed = bound.change_max * (abs(before) or 1.0)
        # A part in a billion of room, since steps of a ramp are rounded.
        if not abs(leaf - before) <= allowed * (1 + 1e-9):
            out.append(f"{name} moves from {before} to {leaf} in one step; the charter lets it "
                       f"move by {bound.change_max:.0%}: take more steps")
    return out


def weigh(desk: Desk, proposal: str, *, impact: str) -> Desk:
    """Note the digest of the impact report that approvals will be based on.

    Raises
    ------
    BadInput
        If the proposal is not open, or was approved by somebody on another report.
    """
    filed = _open(desk, proposal)
    if filed.approved_by and filed.impact != impact:
        raise bad_input(Reason.NOT_APPLICABLE, proposal, "was approved on another impact report; "
                        "withdraw it and propose again")
    return _with(desk, replaced(filed, impact=impact))


def approve(desk: Desk, proposal: str, *, by: str) -> Desk:
    """Note an approval.

    Raises
    ------
    BadInput
        If it is the proposer's own, a second one, or nobody weighed the proposal yet.
    """
    filed = _open(desk, proposal)
    if not by.strip() or by == filed.proposal.proposed_by or by in filed.approved_by:
        raise bad_input(Reason.NOT_APPLICABLE, proposal, f"cannot be approved by {by[:40]!r}: "
                        "somebody other than its author, each once")
    if not filed.impact:
        raise bad_input(Reason.NOT_APPLICABLE, proposal, "has no impact report yet; weigh it first")
    return _with(desk, replaced(filed, approved_by=(*filed.approved_by, by)))


def enact(desk: Desk, proposal: str, *, at: int) -> tuple[Desk, tuple[Activation, ...]]:
    """Decide an approved proposal; return what the engine is to be told, a line per step.

    Raises
    ------
    BadInput
        If approvals are missing, or it would act before now or before what is decided already.
    """
    filed = _open(desk, proposal)
    asked, missing = filed.proposal, desk.charter.approvals - len(filed.approved_by)
    if missing > 0:
        raise bad_input(Reason.NOT_APPLICABLE, proposal, f"lacks {missing} of "
                        f"{desk.charter.approvals} approvals")
    versions = ramp(desk, asked)
    wrong = _objections(desk, asked, versions)
    if wrong:
        raise BadInput(*wrong)
    entries = tuple(Enacted(
        segment=asked.segment, version=version, decided_at=at, proposal=asked.id,
        effective_from=asked.effective_from + k * asked.step_ns, proposed_by=asked.proposed_by,
        approved_by=filed.approved_by, digest=version_digest(version))
        for k, version in enumerate(versions))
    history = with_enacted(desk.history, *entries)
    told = tuple(Activation(decision=asked.id, segment=e.segment, version=e.version,
                            effective_from=e.effective_from) for e in entries)
    return replaced(_with(desk, replaced(filed, state="enacted")), history=history), told


def withdraw(desk: Desk, proposal: str, *, by: str, at: int,
             reason: str) -> tuple[Desk, tuple[Activation, ...]]:
    """Take back a proposal, or the steps of it that do not act yet.

    Where steps were enacted, the version in force now is what the engine is told again, for the
    instant at which the first of them would have acted.

    Raises
    ------
    BadInput
        If there is nothing left to take back.
    """
    filed = _found(desk, proposal)
    gone = replaced(filed, state="withdrawn")
    if filed.state == "open":
        return _with(desk, gone), ()
    history = with_withdrawn(desk.history, Withdrawn(proposal=proposal, at=at, by=by,
                                                     reason=reason))
    ahead = [e for e in standing(desk.history, filed.proposal.segment)
             if e.proposal == proposal and e.effective_from > at]
    kept = in_force(history, filed.proposal.segment, at)
    told = tuple(Activation(decision=f"{proposal} withdrawn", segment=kept.segment,
                            version=kept.version, effective_from=e.effective_from) for e in ahead)
    return replaced(_with(desk, gone), history=history), told


def _found(desk: Desk, proposal: str) -> Filed:
    for filed in desk.filed:
        if filed.proposal.id == proposal:
            return filed
    raise bad_input(Reason.BAD_VALUE, proposal[:60], "was never filed; propose it first")


def _open(desk: Desk, proposal: str) -> Filed:
    filed = _found(desk, proposal)
    if filed.state != "open":
        raise bad_input(Reason.NOT_APPLICABLE, proposal, f"is {filed.state} already")
    return filed


def _with(desk: Desk, changed: Filed) -> Desk:
    return replaced(desk, filed=tuple(changed if f.proposal.id == changed.proposal.id else f
                                      for f in desk.filed))


def _against(proposal: Proposal, reason: Reason, sentence: str) -> Failure:
    return Failure(reason=reason, subject=f"proposal {proposal.id}", sentence=sentence)
