"""What was done at the desk? The closed list of deeds; a desk is what they lead to, one by one.

    done(desk, deed) -> desk, what the engine is to be told

Deeds are what is kept: reading them again judges each again, so that a desk cannot hold what its
charter refuses. Each has its time, ns: the engine's when it was done.
"""

from counterpoise.governance import amendments, enactment, proposals
from counterpoise.governance.charter import Amendment, Charter, misnamed
from counterpoise.governance.history import Enacted, with_enacted
from counterpoise.governance.proposals import Chartered, Desk, Proposal, Told
from counterpoise.governance.subjects import terms_named
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced

AS_FOUND = "as found"
"""The proposal of what was in force when the desk was opened."""


@frozen
class DeskOpened:
    """A charter rules from now on; `terms` are (subject, version) in force, as they were found."""

    at: int
    by: str
    charter: Charter
    terms: tuple[tuple[str, ParameterVersion], ...]


@frozen
class Proposed:
    """A proposal is filed."""

    at: int
    proposal: Proposal


@frozen
class AmendmentProposed:
    """Another charter is proposed; approved, enacted and withdrawn by the deeds of a proposal."""

    at: int
    amendment: Amendment


@frozen
class Weighed:
    """A report says what a proposal would do, as of a record of the engine's log."""

    at: int
    proposal: str
    impact: str
    record: int
    beyond: tuple[str, ...]


@frozen
class Approved:
    """Somebody approves a proposal."""

    at: int
    proposal: str
    by: str


@frozen
class ProposalEnacted:
    """A proposal is decided; `record` is the last of the engine's log at that time."""

    at: int
    proposal: str
    by: str
    record: int


@frozen
class StepDecided:
    """What the engine decided on a version of a proposal, at a record of its log."""

    at: int
    proposal: str
    number: int
    record: int
    admitted: bool
    impact: str
    reason: str


@frozen
class ProposalWithdrawn:
    """A proposal, or what of it does not act yet, is taken back."""

    at: int
    proposal: str
    by: str
    reason: str


Deed = (DeskOpened | Proposed | AmendmentProposed | Weighed | Approved | ProposalEnacted
        | StepDecided | ProposalWithdrawn)


def done(desk: Desk | None, deed: Deed) -> tuple[Desk, tuple[Told, ...]]:
    """Return the desk after a deed, None before the first, and what the engine is to be told.

    Raises
    ------
    BadInput
        If something speaks against it: everything that does is named.
    """
    _refuse_misnamed(deed)
    if isinstance(deed, DeskOpened):
        if desk is not None:
            raise bad_input(Reason.DUPLICATE, "desk", "is open already")
        return _begun(deed)
    if desk is None:
        raise bad_input(Reason.NOT_APPLICABLE, "desk", "was never opened; open it with a charter")
    if isinstance(deed, AmendmentProposed):
        return amendments.propose(desk, deed.amendment, at=deed.at), ()
    if not isinstance(deed, Proposed) and deed.proposal in amendments.ids(desk):
        return _of_amendment(desk, deed)
    match deed:
        case Proposed():
            return proposals.propose(desk, deed.proposal, at=deed.at), ()
        case Weighed():
            return proposals.weigh(desk, deed.proposal, impact=deed.impact,
                                   beyond=deed.beyond), ()
        case Approved():
            return proposals.approve(desk, deed.proposal, by=deed.by), ()
        case ProposalEnacted():
            return enactment.enact(desk, deed.proposal, at=deed.at)
        case StepDecided() if deed.admitted:
            return desk, ()
        case StepDecided():
            return enactment.refuse(desk, deed.proposal, number=deed.number, at=deed.at,
                                    reason=deed.reason), ()
        case ProposalWithdrawn():
            return enactment.withdraw(desk, deed.proposal, by=deed.by, at=deed.at,
                                      reason=deed.reason)


def _refuse_misnamed(deed: Deed) -> None:
    match deed:
        case ProposalWithdrawn():
            what, texts = deed.proposal, {"by": deed.by, "reason": deed.reason}
        case ProposalEnacted():
            what, texts = deed.proposal, {"by": deed.by}
        case DeskOpened():
            what, texts = "desk", {"by": deed.by}
        case _:
            return
    wrong = misnamed(what, texts)
    if wrong:
        raise BadInput(*wrong)


def _of_amendment(desk: Desk, deed: Weighed | Approved | ProposalEnacted | StepDecided
                  | ProposalWithdrawn) -> tuple[Desk, tuple[Told, ...]]:
    match deed:
        case Approved():
            return amendments.approve(desk, deed.proposal, by=deed.by), ()
        case ProposalEnacted():
            return amendments.enact(desk, deed.proposal, at=deed.at)
        case ProposalWithdrawn():
            return amendments.withdraw(desk, deed.proposal), ()
    raise bad_input(Reason.NOT_APPLICABLE, deed.proposal, "amends the charter and has no impact on "
                    "margins; it is approved without a report")


def _begun(deed: DeskOpened) -> tuple[Desk, tuple[Told, ...]]:
    if not deed.terms:
        raise bad_input(Reason.BAD_VALUE, "desk", "is opened on an engine that has a segment with "
                        "parameters")
    desk = Desk(charter=deed.charter, charters=(Chartered(
        at=deed.at, charter=deed.charter, amendment=AS_FOUND, proposed_by=deed.by,
        approved_by=()),))
    history = with_enacted(desk.history, *(Enacted(
        segment=subject, version=version, effective_from=deed.at, decided_at=deed.at,
        proposal=AS_FOUND, proposed_by=deed.by, approved_by=(), digest=terms_named(version))
        for subject, version in deed.terms))
    desk = replaced(desk, history=history)
    return desk, amendments.limits_told(desk, AS_FOUND, deed.charter.limits)
