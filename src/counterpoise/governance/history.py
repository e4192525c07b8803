"""Which parameters acted when? Entries that are only ever added: enacted, withdrawn, or refused.

What acts at an instant is the latest version enacted for it whose proposal was not withdrawn before
it began, and which the engine did not refuse. A subject is a segment's parameters or one kind of
the terms beside them (`governance.subjects`). Yesterday's answer never changes: an entry acts from
its own decision on, never before.
"""

from counterpoise.governance.subjects import terms_named
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import format_instant


@frozen
class Enacted:
    """A version acts on a segment from an instant on; who wanted it, and who let it pass."""

    segment: str
    version: ParameterVersion
    effective_from: int
    decided_at: int
    proposal: str
    proposed_by: str
    approved_by: tuple[str, ...]
    digest: str

    def __post_init__(self) -> None:
        """Refuse a version that acts before it was decided, or is not what its digest says."""
        if self.effective_from < self.decided_at:
            raise bad_input(Reason.BAD_TIME, self.proposal, "would act from "
                            f"{format_instant(self.effective_from)}, before it is decided")
        if self.digest != terms_named(self.version):
            raise bad_input(Reason.BAD_VALUE, self.proposal, "has parameters that are not those "
                            "of its digest")


@frozen
class Withdrawn:
    """What of a proposal did not act yet at `at` never will."""

    proposal: str
    at: int
    by: str
    reason: str


@frozen
class Refused:
    """The engine did not admit this version of a proposal: it never acts."""

    proposal: str
    number: int
    at: int
    reason: str


@frozen
class History:
    """Everything that was decided, in the order in which it was."""

    entries: tuple[Enacted | Withdrawn | Refused, ...] = ()


def standing(history: History, segment: str) -> tuple[Enacted, ...]:
    """Return what acts on a segment, sometime, by time: withdrawn steps left out."""
    gone = {e.proposal: e.at for e in history.entries if isinstance(e, Withdrawn)}
    refused = {(e.proposal, e.number) for e in history.entries if isinstance(e, Refused)}
    found = [e for e in history.entries if isinstance(e, Enacted) and e.segment == segment
             and not (e.proposal in gone and gone[e.proposal] < e.effective_from)
             and (e.proposal, e.version.number) not in refused]
    return tuple(sorted(found, key=lambda e: e.effective_from))


def last_number(history: History, segment: str) -> int:
    """Return the highest number of a version that was enacted for a segment, 0 without any."""
    return max((e.version.number for e in history.entries
                if isinstance(e, Enacted) and e.segment == segment), default=0)


def in_force(history: History, segment: str, at: int) -> Enacted:
    """Return what acts on a segment at an instant.

    Raises
    ------
    BadInput
        If nothing does yet.
    """
    acting = [e for e in standing(history, segment) if e.effective_from <= at]
    if not acting:
        raise bad_input(Reason.NO_PARAMETERS, segment, "has no parameters in force at "
                        f"{format_instant(at)}; enact a version first")
    return acting[-1]


def with_enacted(history: History, *new: Enacted) -> History:
    """Return the history with more entries.

    Raises
    ------
    BadInput
        If a version's number was used in its segment, or it would act before what is decided.
    """
    for entry in new:
        standing_now = standing(history, entry.segment)
        used = {e.version.number for e in history.entries
                if isinstance(e, Enacted) and e.segment == entry.segment}
        wrong = []
        if entry.version.number in used:
            wrong.append(Failure(reason=Reason.DUPLICATE, subject=entry.proposal, sentence=(
                f"has version {entry.version.number}, which {entry.segment} had; a version is "
                "never edited, take the next number")))
        if standing_now and entry.effective_from <= standing_now[-1].effective_from:
            wrong.append(Failure(reason=Reason.BAD_TIME, subject=entry.proposal, sentence=(
                f"would act from {format_instant(entry.effective_from)}, not after what is decided "
                f"for {format_instant(standing_now[-1].effective_from)}; withdraw that, or wait")))
        if wrong:
            raise BadInput(*wrong)
        history = History(entries=(*history.entries, entry))
    return history


def with_refused(history: History, entry: Refused) -> History:
    """Return the history in which the engine refused a version that was enacted.

    Raises
    ------
    BadInput
        If that version was not enacted for the proposal, or its refusal is known.
    """
    known = any(isinstance(e, Enacted) and (e.proposal, e.version.number) == (
        entry.proposal, entry.number) for e in history.entries)
    again = any(isinstance(e, Refused) and (e.proposal, e.number) == (
        entry.proposal, entry.number) for e in history.entries)
    if not known or again:
        raise bad_input(Reason.NOT_APPLICABLE, entry.proposal, f"has no version {entry.number} "
                        "that could be refused now")
    return History(entries=(*history.entries, entry))


def with_withdrawn(history: History, entry: Withdrawn) -> History:
    """Return the history with a withdrawal.

    Raises
    ------
    BadInput
        If the proposal has no step that is still to act.
    """
    ahead = [e for e in history.entries if isinstance(e, Enacted) and e.proposal == entry.proposal
             and e.effective_from > entry.at]
    gone = [e for e in history.entries if isinstance(e, Withdrawn) and e.proposal == entry.proposal]
    if not ahead or gone:
        raise bad_input(Reason.NOT_APPLICABLE, entry.proposal, "has no step left to withdraw; "
                        "propose other parameters instead")
    return History(entries=(*history.entries, entry))
