"""How does a charter change? Proposed, approved by others under the one in force, enacted.

    propose -> approve, approve -> enact, at its time or later -> the charter rules from then on

An amendment needs the notice of the charter in force, and as many approvals as the most that an
ordinary proposal can need under it, so that no limit is loosened by fewer people than may exceed
it. What is open when the charter changes is weighed and approved again. A charter under which
nothing could ever be decided is refused.
"""

from fnmatch import fnmatchcase
from typing import Final

from counterpoise.governance.charter import Amendment, Bound, Charter, beyond_bound
from counterpoise.governance.enactment import ANY_IMPACT
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.governance.history import Enacted, History, standing
from counterpoise.governance.leaves import Leaf, leaves_of
from counterpoise.governance.proposals import (
    Allowance,
    Chartered,
    Desk,
    FiledAmendment,
    Told,
    ids_filed,
    refuse_approver,
    refuse_short_notice,
)
from counterpoise.governance.subjects import word_of
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced
from counterpoise.values.time import INSTANT_MAX, format_instant

APPROVALS_MAX: Final = 100
"""More people than that never decide together."""


def ids(desk: Desk) -> set[str]:
    """Return the ids of all amendments that were ever filed."""
    return {a.amendment.id for a in desk.amendments}


def approvals_needed(charter: Charter) -> int:
    """Return how many others must approve an amendment of a charter."""
    return max(charter.approvals, charter.exceeding_approvals)


def propose(desk: Desk, amendment: Amendment, *, at: int) -> Desk:
    """File an amendment that nothing speaks against.

    Raises
    ------
    BadInput
        With everything that does: its id is used, too little notice, nothing changes, or nobody
        could ever satisfy the charter.
    """
    earliest, wrong = at + desk.charter.notice_ns, list[Failure]()
    if amendment.id in ids_filed(desk):
        wrong.append(_against(amendment, Reason.DUPLICATE, "is filed already; give a new one an id "
                              "of its own"))
    if amendment.effective_from < earliest:
        wrong.append(_against(amendment, Reason.BAD_TIME, "would act from "
                              f"{format_instant(amendment.effective_from)}; notice asks for "
                              f"{format_instant(earliest)} or later"))
    wrong += _objections(desk, amendment, at)
    if wrong:
        raise BadInput(*wrong)
    return replaced(desk, amendments=(*desk.amendments, FiledAmendment(
        amendment=amendment, filed_at=at)))


def _objections(desk: Desk, amendment: Amendment, at: int) -> list[Failure]:
    out = [_against(amendment, Reason.NOT_APPLICABLE, sentence)
           for sentence in unsatisfiable(amendment.charter, desk.history, at=at)]
    if amendment.charter == desk.charter:
        out.append(_against(amendment, Reason.BAD_VALUE, "changes nothing of the charter in force"))
    return out


def approve(desk: Desk, amendment: str, *, by: str) -> Desk:
    """Note an approval.

    Raises
    ------
    BadInput
        If it is the proposer's own, a second one, or the amendment is not open.
    """
    filed = _opened(desk, amendment)
    refuse_approver(amendment, by, (filed.amendment.proposed_by, *filed.approved_by))
    return _with(desk, replaced(filed, approved_by=(*filed.approved_by, by)))


def enact(desk: Desk, amendment: str, *, at: int) -> tuple[Desk, tuple[Told, ...]]:
    """Let an approved amendment rule from `at` (ns) on; return what the engine is to be told.

    Raises
    ------
    BadInput
        If approvals are missing, its time has not come, or something speaks against it by now.
    """
    filed = _opened(desk, amendment)
    asked, needed = filed.amendment, approvals_needed(desk.charter)
    missing, wrong = needed - len(filed.approved_by), _objections(desk, asked, at)
    if missing > 0:
        wrong.append(_against(asked, Reason.NOT_APPLICABLE, f"lacks {missing} of {needed} "
                              "approvals"))
    if at < asked.effective_from:
        wrong.append(_against(asked, Reason.BAD_TIME, f"acts from "
                              f"{format_instant(asked.effective_from)} on; activate it then"))
    if wrong:
        raise BadInput(*wrong)
    refuse_short_notice(asked.id, asked.effective_from - filed.filed_at, desk.charter)
    before = desk.charter.limits
    desk = _with(desk, replaced(filed, state="enacted"))
    desk = replaced(
        desk, charter=asked.charter, charters=(*desk.charters, Chartered(
            at=at, charter=asked.charter, amendment=asked.id, proposed_by=asked.proposed_by,
            approved_by=filed.approved_by)),
        filed=tuple(replaced(f, impact="", beyond=(), approved_by=()) if f.state == "open" else f
                    for f in desk.filed),
        amendments=tuple(replaced(a, approved_by=()) if a.state == "open" else a
                         for a in desk.amendments))
    limits = asked.charter.limits
    return desk, () if limits == before else limits_told(desk, asked.id, limits or ANY_IMPACT)


def limits_told(desk: Desk, decision: str, limits: ImpactLimits | None) -> tuple[Told, ...]:
    """Return what the engine is told of a charter's limits, for every segment; none: nothing."""
    segments = dict.fromkeys(e.segment for e in desk.history.entries
                             if isinstance(e, Enacted) and not word_of(e.version.parameters))
    return () if limits is None else tuple(
        Allowance(decision=decision, segment=segment, digest="", limits=limits)
        for segment in segments)


def withdraw(desk: Desk, amendment: str) -> Desk:
    """Take back an amendment that is open; what it said stays filed.

    Raises
    ------
    BadInput
        If it is not open.
    """
    filed = _opened(desk, amendment)
    return _with(desk, replaced(filed, state="withdrawn"))


def found(desk: Desk, amendment: str) -> FiledAmendment:
    """Return the amendment of an id that was filed."""
    return next(a for a in desk.amendments if a.amendment.id == amendment)


def _opened(desk: Desk, amendment: str) -> FiledAmendment:
    filed = found(desk, amendment)
    if filed.state != "open":
        raise bad_input(Reason.NOT_APPLICABLE, amendment, f"is {filed.state} already")
    return filed


def _with(desk: Desk, changed: FiledAmendment) -> Desk:
    return replaced(desk, amendments=tuple(
        changed if a.amendment.id == changed.amendment.id else a for a in desk.amendments))


def unsatisfiable(charter: Charter, history: History, *, at: int) -> list[str]:
    """Return why nobody could decide anything under a charter; none is the good answer.

    A proposal is whole: where one number in force could not be brought within its bounds in one
    step, no proposal of its terms could ever pass. `at` is now (ns).
    """
    out = [f"asks for {count} {name}; at most {APPROVALS_MAX}, or nobody ever has them"
           for name, count in (("approvals", charter.approvals),
                               ("exceeding approvals", charter.exceeding_approvals),
                               ("approvals of an emergency", charter.emergency.approvals
                                if charter.emergency else 0)) if count > APPROVALS_MAX]
    if at + charter.notice_ns >= INSTANT_MAX:
        out.append("asks for a notice that ends after 2116; nothing could ever act")
    emergency = () if charter.emergency is None else charter.emergency.bounds
    subjects = dict.fromkeys(e.segment for e in history.entries if isinstance(e, Enacted))
    for subject in subjects:
        acting = standing(history, subject)
        for name, leaf in leaves_of(acting[-1].version.parameters).items() if acting else ():
            mine = [b for b in charter.bounds if fnmatchcase(name, b.path)]
            out += [f"{subject}: {sentence}" for sentence in _unreachable(name, leaf, mine)]
            out += [f"{subject}: {name} could be changed by no emergency: {one.path} lies outside "
                    "its other bounds" for one in emergency
                    if fnmatchcase(name, one.path) and mine and not _meet([*mine, one])]
    return out


def _unreachable(name: str, leaf: Leaf, bounds: list[Bound]) -> list[str]:
    """Return why a number in force cannot be within its bounds after one step."""
    wrong = [sentence for one in bounds for sentence in beyond_bound(name, leaf, leaf, one)]
    if not wrong:
        return []
    if isinstance(leaf, bool) or not isinstance(leaf, (int, float)):
        return wrong
    if not _meet(bounds):
        return [f"{name} would have bounds that exclude each other"]
    reach = min(one.change_max for one in bounds) * (abs(leaf) or 1.0)
    least, most = max(b.least for b in bounds), min(b.most for b in bounds)
    if max(least, leaf - reach) <= min(most, leaf + reach):
        return []
    return [f"{name} is {leaf}, and no step of at most {reach:g} brings it within {least} to "
            f"{most}: first propose it nearer, or widen the bound"]


def _meet(bounds: list[Bound]) -> bool:
    return max(b.least for b in bounds) <= min(b.most for b in bounds)


def _against(amendment: Amendment, reason: Reason, sentence: str) -> Failure:
    return Failure(reason=reason, subject=f"amendment {amendment.id}", sentence=sentence)
