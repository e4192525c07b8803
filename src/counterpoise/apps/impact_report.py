"""What would a proposal do to every account? Step by step, at a state of the engine.

Each step is weighed against the one before it, as the engine will when it hears of them, and
against the limits that the charter, or the proposal, sets.
"""

from typing import Any

import numpy as np

from counterpoise.apps.exposure_report import NO_LIMITS, LimitUse, limit_uses
from counterpoise.collateral.limits import ExposureLimits
from counterpoise.engine.changes import Terms, book_to_weigh, terms_at, unfit, with_change
from counterpoise.engine.exposure import counts_under, limits_at, owned_by_all, unfit_limits
from counterpoise.engine.image import own_names
from counterpoise.engine.state import Pending, Segment, State
from counterpoise.governance.guardrails import beyond
from counterpoise.governance.impact import Change, Impact, impact_of
from counterpoise.governance.proposals import Desk, Proposal, found, limits_of, ramp
from counterpoise.governance.subjects import subject_of, word_of
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced


@frozen
class StepImpact:
    """One step of a proposal: what it does to the accounts, and what of that goes too far."""

    number: int
    effective_from: int
    impact: Impact
    beyond: tuple[str, ...]


@frozen
class ImpactReport:
    """What a proposal would do to every account of its segment, at a state of the engine.

    names     of the accounts, by row of `whole`; `record` is the last of the log behind it
    accounts  names of all accounts, by number
    whole     from the terms that act when it begins to those it ends with; `steps` one by one
    exposure  use of every limit before and after, where it changes limits of exposure
    digest    what approvals refer to
    """

    proposal: Proposal
    market: MarketSnapshot
    record: int
    names: tuple[str, ...]
    steps: tuple[StepImpact, ...]
    whole: Impact
    exposure: tuple[LimitUse, ...]
    accounts: tuple[str, ...]
    digest: str


def impact_report(desk: Desk, proposal: str, state: State, record: int) -> ImpactReport:
    """Return what a proposal on the desk would do at a state, `record` being its last record.

    Raises
    ------
    BadInput
        If it was never filed, or the engine has no snapshot or no accounts to weigh it on.
    """
    filed = found(desk, proposal)
    asked, market = filed.proposal, state.market
    segment, k = _segment(state, asked)
    book = book_to_weigh(state, state.shards, k)
    if market is None or book is None:
        raise bad_input(Reason.NOT_APPLICABLE, asked.id, f"cannot be weighed: {segment.name} has "
                        "no accounts, or the engine no snapshot")
    versions = ramp(desk, asked) if filed.state == "open" else (asked.version,)
    begins = state.time if asked.lasts_ns else asked.effective_from
    limits = _limits(state, k, asked, begins)
    pledged = owned_by_all(state, state.shards, {c for one in limits for c in one.platform})
    sides = _sides(state, (k, begins), versions, (limits, pledged))
    model = state.equipment.models[segment.model]
    wrong = [failure for side in sides for failure in unfit(model, side)]
    if wrong:
        raise BadInput(*wrong)

    def between(before: Terms, after: Terms) -> Impact:
        assert before[0] is not None and after[0] is not None
        change = Change(model=model, before=before[0], after=after[0], terms=(before[1], after[1]))
        return impact_of(change, book, market, segments=(segment.name,),
                         threads=state.equipment.threads)

    steps = tuple(_step(desk, asked, (version, begins + n * asked.step_ns), between(
        sides[n], sides[n + 1])) for n, version in enumerate(versions))
    whole = steps[0].impact if len(steps) == 1 else between(sides[0], sides[-1])
    names = np.array(own_names(state.directory), object)
    uses = limit_uses(state, k, book, sides[0][1], (limits[0], limits[-1]),
                      pledged) if limits else ()
    return ImpactReport(
        proposal=asked, market=market, record=record, steps=steps, whole=whole, exposure=uses,
        names=tuple(names[book.accounts[whole.account]].tolist()), accounts=tuple(names.tolist()),
        digest=_digest(steps, whole, uses))


def _limits(state: State, k: int, asked: Proposal, begins: int) -> tuple[ExposureLimits, ...]:
    """Return the limits that act before a proposal of others, and those; none for other terms."""
    after = asked.version.parameters
    if not isinstance(after, ExposureLimits):
        return ()
    wrong = unfit_limits(state, k, after)
    if wrong:
        raise BadInput(*wrong)
    return limits_at(state, k, begins) or NO_LIMITS, after


def _sides(state: State, where: tuple[int, int], versions: tuple[ParameterVersion, ...],
           exposure: tuple[tuple[ExposureLimits, ...], dict[str, int]]) -> list[Terms]:
    """Return the terms before a proposal and after each of its versions."""
    (k, begins), (limits, pledged) = where, exposure

    def counting(terms: Terms, one: ExposureLimits) -> Terms:
        return terms[0], replaced(terms[1], counts=counts_under(state, k, one, pledged))

    sides = [terms_at(state, k, begins)]
    if limits:
        sides[0] = counting(sides[0], limits[0])
    for version in versions:
        own, word = version.parameters, word_of(version.parameters)
        if word == "exposure":
            sides.append(counting(sides[-1], own))
        else:
            field = {"": "version", "collateral": "schedule"}.get(word, word)
            changed: dict[str, Any] = {field: own if word else version}
            sides.append(with_change(sides[-1], Pending(effective_from=begins, **changed)))
    return sides


def _digest(steps: tuple[StepImpact, ...], whole: Impact, uses: tuple[LimitUse, ...]) -> str:
    digests = [s.impact.digest for s in steps] + [whole.digest]
    columns = [c for use in uses for c in (use.account, use.used_before, use.used_after,
                                           use.most_before, use.most_after)]
    return sha256_of(" ".join((*digests, *(use.limit for use in uses))), *columns)


def _step(desk: Desk, asked: Proposal, which: tuple[Any, int], found_impact: Impact) -> StepImpact:
    sentences = [f"{f.subject}: {f.sentence}"
                 for f in beyond(found_impact.groups, limits_of(desk.charter, asked))]
    eased = sum(group.eased for group in found_impact.groups)
    if asked.lasts_ns and eased:
        sentences.append(f"{eased} accounts would need less, or own more: an emergency only "
                         "tightens")
    return StepImpact(number=which[0].number, effective_from=which[1], impact=found_impact,
                      beyond=tuple(sentences))


def _segment(state: State, asked: Proposal) -> tuple[Segment, int]:
    for k, segment in enumerate(state.segments):
        if subject_of(segment.name, asked.version.parameters) == asked.segment:
            return segment, k
    raise bad_input(Reason.UNKNOWN_SEGMENT, asked.segment[:60], "is no segment of this engine")
