"""May these terms act? Decided by what they would do to the accounts as they are.

A change is weighed when the engine hears of it, wherever its beginning lies: every account of the
segment under the terms it would follow and under the new ones, at the snapshot at hand
(`governance.impact`). A change under which somebody's margin cannot be computed who has one is not
admitted, nor, where the segment has limits, one beyond them; all reasons are told. What there is
nothing to weigh against is let in: no account, no snapshot ever, the first parameters of a segment,
or terms by which nobody's margin can be computed now.
"""

from collections.abc import Sequence
from typing import Any

from counterpoise.accounts.book import Book
from counterpoise.collateral.schedule import schedule_digest
from counterpoise.engine.draft import Draft
from counterpoise.engine.effects import ChangeDecided
from counterpoise.engine.events import ChangeWithdrawn, ImpactLimited
from counterpoise.engine.exposure import counts_in
from counterpoise.engine.groups import as_groups
from counterpoise.engine.shards import compacted
from counterpoise.engine.state import Pending, Segment, Shard, State, own_terms
from counterpoise.governance.guardrails import beyond
from counterpoise.governance.impact import Change, Impact, impact_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.model import CrossEquity, MarginModel
from counterpoise.margin.parameter_version import ParameterVersion, version_digest
from counterpoise.margin.scheduled import MODELS_OWN, OwnTerms, digest_of_terms, with_terms
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced

ACCEPTED_MAX = 100
_DIGEST_CHARS = 64
Terms = tuple[ParameterVersion | None, OwnTerms]


def impact_limited(draft: Draft, k: int, event: ImpactLimited) -> Segment:
    """Return a segment with other limits, for all changes or for the one of a digest."""
    held, name = draft.state.segments[k], event.digest
    if name and (len(name) != _DIGEST_CHARS or not set(name) <= set("0123456789abcdef")):
        raise bad_input(Reason.BAD_VALUE, name[:60], "is no digest of terms; give 64 characters, "
                        "or none for the limits of every change")
    if name and name not in held.limits and len(held.limits) > ACCEPTED_MAX:
        raise bad_input(Reason.TOO_LARGE, held.name, f"keeps limits for {ACCEPTED_MAX} accepted "
                        "changes at most")
    return replaced(held, limits=held.limits | {name: event.limits})


def change_withdrawn(draft: Draft, k: int, event: ChangeWithdrawn) -> Segment:
    """Return a segment without one of the changes that wait in it."""
    held = draft.state.segments[k]
    kept = tuple(p for p in held.pending if not (
        p.effective_from == event.effective_from and digest_of(p) == event.digest))
    if len(kept) == len(held.pending):
        raise bad_input(Reason.NOT_APPLICABLE, held.name, f"has no change {event.digest[:60]!r} "
                        f"waiting for {event.effective_from}; what acts is changed by a new one")
    return replaced(held, pending=kept)


def digest_of(decreed: Pending) -> str:
    """Return the digest of the parameters, the schedule or the terms that wait."""
    if decreed.version is not None:
        return version_digest(decreed.version)
    if decreed.schedule is not None:
        return schedule_digest(decreed.schedule)
    terms = decreed.borrowing if decreed.borrowing is not None else decreed.counting
    assert terms is not None
    return digest_of_terms(terms)


def admitted(draft: Draft, k: int, decreed: Pending) -> bool:
    """Decide on a change by the hypothetical state, and tell what it would do."""
    held, name = draft.state.segments[k], digest_of(decreed)
    limits = held.limits.get(name, held.limits.get(""))
    before = terms_at(draft.state, k, decreed.effective_from)
    after = with_change(before, decreed)
    wrong, impact = unfit(draft.state.equipment.models[held.model], after), None
    if not wrong:
        try:
            impact = _impact(draft, k, before, after)
            wrong = () if impact is None else beyond(impact.groups, limits)
        except BadInput as refused:
            wrong = refused.failures
    draft.tell(ChangeDecided(
        position=draft.position, time=draft.state.time, segment=held.name, digest=name,
        version=0 if decreed.version is None else decreed.version.number, admitted=not wrong,
        effective_from=decreed.effective_from, impact="" if impact is None else impact.digest,
        groups=() if impact is None else impact.groups, failures=wrong))
    return not wrong


def terms_at(state: State, k: int, effective_from: int) -> Terms:
    """Return the terms that a change would follow: those of its instant, as decreed so far.

    Limits of exposure count as they act now.
    """
    held = state.segments[k]
    terms: Terms = held.version, replaced(own_terms(held), counts=counts_in(state, k))
    for one in held.pending:
        if one.effective_from <= effective_from:
            terms = with_change(terms, one)
    return terms


def with_change(terms: Terms, decreed: Pending) -> Terms:
    """Return terms after a change of some of them."""
    version, own = terms
    return decreed.version or version, replaced(
        own, schedule=decreed.schedule or own.schedule,
        borrowing=decreed.borrowing or own.borrowing,
        counting=own.counting if decreed.counting is None else decreed.counting)


def unfit(model: MarginModel, terms: Terms) -> tuple[Failure, ...]:
    """Return why what stands beside parameters has no place there; none is the good answer."""
    version, own = terms
    if version is None or own == MODELS_OWN:
        return ()
    rule: Any = model.equity(version.parameters)
    if not isinstance(rule, CrossEquity):
        return (Failure(reason=Reason.NOT_APPLICABLE, subject=model.name, sentence="margins each "
                        "settlement asset by itself; a collateral schedule, or a debt, has no "
                        "place in it"),)
    if own.schedule is not None and rule.numeraire != own.schedule.numeraire:
        return (Failure(reason=Reason.NOT_APPLICABLE, subject=model.name, sentence=(
            f"is valued in {rule.numeraire}, the collateral schedule in "
            f"{own.schedule.numeraire[:20]}; change that first")),)
    return ()


def book_to_weigh(state: State, shards: Sequence[Shard], k: int) -> Book | None:
    """Return the accounts of a segment as they are margined, groups as one; None for nobody."""
    mine = [shard for shard in shards if shard.segment == k]
    return as_groups(state.ties, compacted(mine)[1]) if mine else None


def _impact(draft: Draft, k: int, before: Terms, after: Terms) -> Impact | None:
    """Return what a change would do; None where there is nothing to weigh it against.

    Raises
    ------
    BadInput
        If accounts have a margin under the terms before, and their margin under those after cannot
        be computed or compared, or there is no snapshot since instruments were listed.
    """
    state, held = draft.state, draft.state.segments[k]
    book = book_to_weigh(state, draft.shards, k)
    if book is None or before[0] is None or not state.snapshots:
        return None
    if state.market is None:
        raise bad_input(Reason.MISSING_PRICE, held.name, "has had no snapshot since instruments "
                        "were listed, so its accounts cannot be weighed; assemble a market first")
    assert after[0] is not None
    change = Change(model=state.equipment.models[held.model], before=before[0], after=after[0],
                    terms=(before[1], after[1]))
    try:
        return impact_of(change, book, state.market, segments=(held.name,),
                         threads=state.equipment.threads)
    except BadInput:
        if _computable(change, book, state):
            raise
        return None


def _computable(change: Change, book: Book, state: State) -> bool:
    """Return whether margins can be computed under the terms before a change."""
    assert state.market is not None
    try:
        compute_margin(book, state.market, model=with_terms(change.model, change.terms[0]),
                       version=change.before, threads=state.equipment.threads)
    except BadInput:
        return False
    return True
