"""When do approved parameters act, and what is the engine told? Enacted, refused by it, withdrawn.

An ordinary proposal acts step by step at the times it names. An emergency acts when it is enacted
and what was in force before it comes back by itself, under a new number.
"""

from typing import Final

from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.governance.history import (
    Enacted,
    Refused,
    Withdrawn,
    last_number,
    standing,
    with_enacted,
    with_refused,
    with_withdrawn,
)
from counterpoise.governance.proposals import (
    Activation,
    Allowance,
    Desk,
    Filed,
    Revocation,
    Told,
    approvals_needed,
    found,
    limits_of,
    objections,
    opened,
    ramp,
    refuse_beyond,
    refuse_short_notice,
    with_filed,
)
from counterpoise.governance.subjects import segment_of, terms_named
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import replaced

ANY_IMPACT: Final = ImpactLimits(below_initial=1.0, below_maintenance=1.0, bankrupt=1.0, extra=1e6)
"""What was in force may always come back at the end of an emergency."""


def enact(desk: Desk, proposal: str, *, at: int) -> tuple[Desk, tuple[Told, ...]]:
    """Decide an approved proposal; return what the engine is to be told.

    Raises
    ------
    BadInput
        If approvals are missing, its impact goes too far, or it would act before now or before
        what is decided already.
    """
    filed = opened(desk, proposal)
    asked, needed = filed.proposal, approvals_needed(desk.charter, filed.proposal)
    missing = needed - len(filed.approved_by)
    if missing > 0:
        raise bad_input(Reason.NOT_APPLICABLE, proposal, f"lacks {missing} of {needed} approvals")
    refuse_beyond(filed)
    if not asked.lasts_ns:
        refuse_short_notice(proposal, asked.effective_from - filed.filed_at, desk.charter)
    versions = ramp(desk, asked)
    wrong = objections(desk, asked, versions)
    if wrong:
        raise BadInput(*wrong)
    entries = _emergency(desk, filed, at) if asked.lasts_ns else tuple(
        _entry(filed, version, at, asked.effective_from + k * asked.step_ns)
        for k, version in enumerate(versions))
    history = with_enacted(desk.history, *entries)
    done = replaced(with_filed(desk, replaced(filed, state="enacted")), history=history)
    return done, _told(desk, filed, entries)


def _entry(filed: Filed, version: ParameterVersion, at: int, effective_from: int) -> Enacted:
    return Enacted(segment=filed.proposal.segment, version=version, effective_from=effective_from,
                   decided_at=at, proposal=filed.proposal.id, digest=terms_named(version),
                   proposed_by=filed.proposal.proposed_by, approved_by=filed.approved_by)


def _emergency(desk: Desk, filed: Filed, at: int) -> tuple[Enacted, ...]:
    """Return the tightened version from now on, and what was in force, back at its end."""
    asked = filed.proposal
    before = standing(desk.history, asked.segment)[-1]
    # Not the very instant of what was decided last: one of two would not act.
    begins = at + 1 if before.effective_from == at else at
    back = replaced(before.version, number=asked.version.number + 1)
    return (_entry(filed, asked.version, at, begins),
            _entry(filed, back, at, begins + asked.lasts_ns))


def _told(desk: Desk, filed: Filed, entries: tuple[Enacted, ...]) -> tuple[Told, ...]:
    """Return activations, and before each how far its impact may go where that is its own."""
    asked, out = filed.proposal, list[Told]()
    own = limits_of(desk.charter, asked)
    for k, entry in enumerate(entries):
        limits = ANY_IMPACT if asked.lasts_ns and k else own
        if limits is not None and limits != desk.charter.limits:
            out.append(Allowance(decision=asked.id, segment=_segment(entry), digest=entry.digest,
                                 limits=limits))
        out.append(_activation(asked.id, entry))
    return tuple(out)


def _activation(decision: str, entry: Enacted) -> Activation:
    return Activation(decision=decision, segment=_segment(entry), version=entry.version,
                      effective_from=entry.effective_from)


def _segment(entry: Enacted) -> str:
    return segment_of(entry.segment, entry.version.parameters)


def refuse(desk: Desk, proposal: str, *, number: int, at: int, reason: str) -> Desk:
    """Note that the engine did not admit a version of an enacted proposal.

    Raises
    ------
    BadInput
        If that version was not enacted, or its refusal is known.
    """
    return replaced(desk, history=with_refused(desk.history, Refused(
        proposal=proposal, number=number, at=at, reason=reason)))


def withdraw(desk: Desk, proposal: str, *, by: str, at: int,
             reason: str) -> tuple[Desk, tuple[Told, ...]]:
    """Take back a proposal, or the steps of it that do not act yet; an emergency ends now.

    Raises
    ------
    BadInput
        If there is nothing left to take back, or nobody or no reason is named.
    """
    filed = found(desk, proposal)
    gone = replaced(filed, state="withdrawn")
    if filed.state == "open":
        return with_filed(desk, gone), ()
    segment = filed.proposal.segment
    ahead = [e for e in standing(desk.history, segment)
             if e.proposal == proposal and e.effective_from > at]
    history = with_withdrawn(desk.history, Withdrawn(proposal=proposal, at=at, by=by,
                                                     reason=reason))
    told: list[Told] = [Revocation(decision=f"{proposal} withdrawn", segment=_segment(e),
                                   digest=e.digest, effective_from=e.effective_from)
                        for e in ahead]
    if filed.proposal.lasts_ns:
        last = standing(history, segment)[-1]
        back = _entry(filed, replaced(ahead[-1].version, number=last_number(history, segment) + 1),
                      at, max(at, last.effective_from + 1))
        history = with_enacted(history, back)
        told += [Allowance(decision=f"{proposal} withdrawn", segment=_segment(back),
                           digest=back.digest, limits=ANY_IMPACT),
                 _activation(f"{proposal} withdrawn", back)]
    return replaced(with_filed(desk, gone), history=history), tuple(told)
