"""By which terms? Instruments listed, segments defined, parameters and schedules put in force.

What is decreed for a later instant waits in the segment and acts from the first market event at or
after that instant, before anything else of that event, and not before.
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.engine import changes
from counterpoise.engine.asset_events import (
    BorrowingChanged,
    CountingChanged,
    IndexRulesChanged,
)
from counterpoise.engine.board import SILENT, Board, Quoted
from counterpoise.engine.codec import TEXT_BYTES_MAX
from counterpoise.engine.draft import Draft
from counterpoise.engine.effects import LimitsTookEffect, ParametersTookEffect
from counterpoise.engine.events import (
    ChangeWithdrawn,
    CollateralScheduleChanged,
    ImpactLimited,
    InstrumentsListed,
    ParametersActivated,
    SegmentDefined,
)
from counterpoise.engine.exposure import pledged_in, unfit_limits
from counterpoise.engine.forms import in_order, written
from counterpoise.engine.freshness import refreshed
from counterpoise.engine.levels import LEVELS_MAX
from counterpoise.engine.shards import compacted
from counterpoise.engine.state import NEVER, Exposure, Order, Pending, Segment, Shard
from counterpoise.engine.tie_events import ExposureLimited
from counterpoise.engine.venues import reindexed, with_rules
from counterpoise.instruments.catalogue import Catalogue, catalogue
from counterpoise.instruments.contracts import Spot
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.parameter_version import version_digest
from counterpoise.margin.scheduled import digest_of_terms
from counterpoise.values.digest import sha256_of_bytes
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced

PENDING_MAX = 100


def segment_defined(draft: Draft, event: SegmentDefined) -> None:
    """Add a segment, without parameters yet."""
    state, wrong = draft.state, list[Failure]()
    if any(s.name == event.segment for s in state.segments):
        wrong.append(_failure(Reason.DUPLICATE, event.segment, "is a segment already"))
    if not 0 < len(event.segment) <= 64:
        wrong.append(_failure(Reason.BAD_VALUE, "segment", "needs a name of 1 to 64 characters"))
    if event.model not in state.equipment.models:
        wrong.append(_failure(Reason.UNKNOWN_MODEL, event.model, "is no model of this engine; it "
                              "has " + ", ".join(sorted(state.equipment.models))))
    if not 0 < len(event.levels) <= LEVELS_MAX:
        wrong.append(_failure(Reason.BAD_VALUE, "levels", f"are {len(event.levels)}; give 1 to "
                              f"{LEVELS_MAX}"))
    if wrong:
        raise BadInput(*wrong)
    draft.change(segments=(*state.segments, Segment(
        name=event.segment, model=event.model, levels=event.levels, version=None, schedule=None,
        pending=())))


def parameters_activated(draft: Draft, event: ParametersActivated) -> None:
    """Note a version that is to act from an instant on."""
    k = _segment(draft, event.segment)
    held = draft.state.segments[k]
    model = draft.state.equipment.models[held.model]
    wrong = []
    if event.version.model != held.model:
        wrong.append(_failure(Reason.BAD_VALUE, event.segment, f"is margined by {held.model}; these"
                              f" are parameters of {event.version.model[:60]}"))
    if type(event.version.parameters) is not model.parameters_type:
        wrong.append(_failure(Reason.BAD_VALUE, event.segment, "needs parameters of the type "
                              f"{model.parameters_type.__name__}"))
    elif not wrong:
        model.equity(event.version.parameters)  # What it cannot value is refused here and now.
    versions = [held.version, *(p.version for p in held.pending)]
    newest = max((v.number for v in versions if v is not None), default=-1)
    if event.version.number <= newest:
        wrong.append(_failure(Reason.OUT_OF_SEQUENCE, event.segment, f"has version {newest} "
                              f"already; {event.version.number} does not follow it"))
    if wrong:
        raise BadInput(*wrong)
    _wait(draft, k, Pending(effective_from=event.effective_from, version=in_order(event.version)))


def schedule_changed(draft: Draft, event: CollateralScheduleChanged) -> None:
    """Note a collateral schedule that is to count from an instant on."""
    k = _segment(draft, event.segment)
    held = draft.state.segments[k]
    rule = _cross_rule(draft, k, "a collateral schedule has no place in it")
    if rule.numeraire != event.schedule.numeraire:
        raise bad_input(Reason.BAD_VALUE, held.name, f"is valued in {rule.numeraire}, the schedule "
                        f"in {event.schedule.numeraire[:20]}")
    _wait(draft, k, Pending(effective_from=event.effective_from,
                             schedule=in_order(event.schedule)))


def borrowing_changed(draft: Draft, event: BorrowingChanged) -> None:
    """Note the terms on which balances may be negative from an instant on."""
    k = _segment(draft, event.segment)
    _cross_rule(draft, k, "there is nothing to borrow against in a pool of one asset")
    known = {a.code for a in draft.state.assets}
    wrong = [_failure(Reason.UNKNOWN_ASSET, code, "is no asset of this ledger")
             for code in sorted(event.borrowing.assets) if code not in known]
    if wrong:
        raise BadInput(*wrong)
    _wait(draft, k, Pending(effective_from=event.effective_from,
                             borrowing=in_order(event.borrowing)))


def counting_changed(draft: Draft, event: CountingChanged) -> None:
    """Note the prices at which assets are to count from an instant on."""
    k = _segment(draft, event.segment)
    _cross_rule(draft, k, "no price stands between an asset and its own pool")
    known = {a.code for a in draft.state.assets} | {"USD"}
    named = {code for code, terms in event.counting.items()} - {*draft.state.catalogue.underlyings}
    named |= {terms.redeems for terms in event.counting.values() if terms.redeems}
    wrong = [_failure(Reason.UNKNOWN_ASSET, code, "is no asset or underlying here")
             for code in sorted(named - known)]
    wrong += [_failure(Reason.BAD_VALUE, code, "cannot be redeemed for itself")
              for code, terms in sorted(event.counting.items()) if terms.redeems == code]
    if wrong:
        raise BadInput(*wrong)
    _wait(draft, k, Pending(effective_from=event.effective_from,
                            counting=in_order(event.counting)))


def index_rules_changed(draft: Draft, event: IndexRulesChanged) -> None:
    """Let other rules make indices and prices of venues' quotes, from now on."""
    draft.change(board=with_rules(draft.state, event.rules))
    draft.change(board=refreshed(reindexed(draft.state, draft.state.time), draft.state,
                                 draft.state.time))
    draft.trust = {}


def _cross_rule(draft: Draft, k: int, why: str) -> CrossEquity:
    """Return how a segment counts collateral; BadInput where it has no rule over all assets."""
    held = draft.state.segments[k]
    if held.version is None:
        raise bad_input(Reason.NO_PARAMETERS, held.name, "has no parameters yet; activate a "
                        "version first")
    rule = draft.state.equipment.models[held.model].equity(held.version.parameters)
    if not isinstance(rule, CrossEquity):
        raise bad_input(Reason.NOT_APPLICABLE, held.model, "margins each settlement asset by "
                        f"itself; {why}")
    return rule


def impact_limited(draft: Draft, event: ImpactLimited) -> None:
    """Limit what changes of a segment's terms may do to its accounts."""
    k = _segment(draft, event.segment)
    _put(draft, k, changes.impact_limited(draft, k, event))


def change_withdrawn(draft: Draft, event: ChangeWithdrawn) -> None:
    """Forget a change that waits: of terms, or of limits of exposure."""
    k = _segment(draft, event.segment)
    held = draft.state.exposure.get(k, Exposure(acting=None, waiting=()))
    kept = tuple(w for w in held.waiting if not (
        w[0] == event.effective_from and digest_of_terms(w[1]) == event.digest))
    if len(kept) < len(held.waiting):
        left = {k: replaced(held, waiting=kept)} if kept or held.acting is not None else {}
        draft.change(exposure={n: one for n, one in draft.state.exposure.items() if n != k} | left)
    else:
        _put(draft, k, changes.change_withdrawn(draft, k, event))


def exposure_limited(draft: Draft, event: ExposureLimited) -> None:
    """Note limits of exposure that are to act on a segment from an instant on."""
    k, limits = _segment(draft, event.segment), in_order(event.limits)
    held = draft.state.exposure.get(k, Exposure(acting=None, waiting=()))
    wrong = unfit_limits(draft.state, k, limits)
    if not 0 <= event.effective_from < 2**62 or len(held.waiting) >= PENDING_MAX:
        wrong.append(_failure(Reason.BAD_TIME, event.segment, "can wait for at most "
                              f"{PENDING_MAX} limits, each from an instant after 1970"))
    if wrong:
        raise BadInput(*wrong)
    waiting = tuple(sorted((*held.waiting, (event.effective_from, limits)), key=lambda w: w[0]))
    draft.change(exposure=draft.state.exposure | {k: replaced(held, waiting=waiting)})
    in_force(draft)


def _wait(draft: Draft, k: int, new: Pending) -> None:
    held = draft.state.segments[k]
    if not 0 <= new.effective_from < 2**62 or len(held.pending) >= PENDING_MAX:
        raise bad_input(Reason.BAD_TIME, held.name, f"can wait for at most {PENDING_MAX} changes, "
                        "each from an instant after 1970")
    if not changes.admitted(draft, k, new):
        return
    pending = tuple(sorted((*held.pending, new), key=lambda p: p.effective_from))
    limits = {name: own for name, own in held.limits.items() if name != changes.digest_of(new)}
    _put(draft, k, replaced(held, pending=pending, limits=limits))
    in_force(draft)


def in_force(draft: Draft) -> None:
    """Put in force what was decreed for an instant that has come."""
    for k, held in enumerate(draft.state.segments):
        while held.pending and held.pending[0].effective_from <= draft.state.time:
            now_due = held.pending[0]
            version = now_due.version or held.version
            held = replaced(held, pending=held.pending[1:], version=version,
                            schedule=now_due.schedule or held.schedule,
                            borrowing=now_due.borrowing or held.borrowing,
                            counting=held.counting if now_due.counting is None
                            else now_due.counting)
            _put(draft, k, held)
            _to_be_margined(draft, k)
            assert version is not None
            draft.tell(ParametersTookEffect(
                position=draft.position, time=draft.state.time, segment=held.name,
                version=version.number, digest=version_digest(version)))
    for k, limited in sorted(draft.state.exposure.items()):
        due = [one for since, one in limited.waiting if since <= draft.state.time]
        if due:
            _limit(draft, k, Exposure(acting=due[-1], waiting=limited.waiting[len(due):]))


def _limit(draft: Draft, k: int, limited: Exposure) -> None:
    draft.change(exposure=draft.state.exposure | {k: limited})
    draft.change(pledged=pledged_in(draft.state, draft.shards))
    _to_be_margined(draft, k)
    draft.tell(LimitsTookEffect(
        position=draft.position, time=draft.state.time, segment=draft.state.segments[k].name,
        digest=sha256_of_bytes(written(limited.acting))))


def _to_be_margined(draft: Draft, segment: int) -> None:
    """Note that what accounts of a segment stand at was computed by other terms."""
    for k, shard in enumerate(draft.shards):
        if shard.segment == segment:
            snapshot = np.full(len(shard.standing.snapshot), NEVER)
            draft.shards[k] = replaced(shard, standing=replaced(shard.standing, snapshot=snapshot))


def _put(draft: Draft, k: int, segment: Segment) -> None:
    segments = draft.state.segments
    arrays = {n: found for n, found in draft.state.arrays.items() if n != k}
    draft.change(segments=(*segments[:k], segment, *segments[k + 1:]), arrays=arrays)
    draft.trust = {}


def _segment(draft: Draft, name: str) -> int:
    for k, held in enumerate(draft.state.segments):
        if held.name == name:
            return k
    raise bad_input(Reason.UNKNOWN_SEGMENT, name[:60], "is no segment; define it first")


def instruments_listed(draft: Draft, event: InstrumentsListed) -> None:
    """Take more instruments into the catalogue: columns are counted anew, in a new edition."""
    state, wrong = draft.state, list[Failure]()
    known = {a.code for a in state.assets}
    for one in event.instruments:
        if not 0 < len(one.id.encode()) <= TEXT_BYTES_MAX:
            wrong.append(_failure(Reason.BAD_VALUE, repr(one.id)[:60], "is no id of 1 to "
                                  f"{TEXT_BYTES_MAX} bytes; no event could name it"))
        if one.id in state.catalogue.column:
            wrong.append(_failure(Reason.DUPLICATE, one.id, "is listed already"))
        needed = {one.underlying, one.quote} if isinstance(one, Spot) else {one.settlement}
        wrong += [_failure(Reason.UNKNOWN_ASSET, code, f"is paid by {one.id[:60]} and no asset of "
                           "this ledger") for code in sorted(needed - known)]
        if 0 < getattr(one, "expiry", 0) <= state.time:
            wrong.append(_failure(Reason.EXPIRED, one.id, "has expired before it is listed"))
    if not event.instruments:
        wrong.append(_failure(Reason.BAD_VALUE, "instruments", "are none; list one or more"))
    if wrong:
        raise BadInput(*wrong)
    held = catalogue((*state.catalogue.instruments, *event.instruments))
    place = np.array([held.column[c.id] for c in state.catalogue.instruments], np.int32)
    shards = [_renumbered(shard, held, place) for shard in _plain(draft)]
    draft.shards[:] = shards
    draft.worths = {}
    draft.change(catalogue=held, edition=state.edition + 1, market=None, arrays={}, worths={},
                 board=_wider(state.board, state.catalogue, held, place))


def _plain(draft: Draft) -> list[Shard]:
    return [compacted([shard])[0][0] if shard.overlay else shard for shard in draft.shards]


def _renumbered(shard: Shard, held: Catalogue, place: Any) -> Shard:
    # Old instruments keep their order among themselves, so positions stay sorted.
    book = shard.book
    fields = {name: getattr(book, name) for name in vars(Book)["__fields__"]}
    moved = Book(**fields | {"catalogue": held, "instrument": place[book.instrument],
                             "order_instrument": place[book.order_instrument]})
    orders: dict[int, dict[str, Order]] = {
        row: {name: (int(place[o[0]]), *o[1:]) for name, o in mine.items()}
        for row, mine in shard.orders.items()}
    return replaced(shard, book=moved, orders=orders)


def _wider(board: Board, old: Catalogue, new: Catalogue, place: Any) -> Board:
    coins = np.array([new.underlyings.index(u) for u in old.underlyings], np.int64)

    def spread(column: Any, at: Any, count: int, fill: Any) -> Any:
        out = np.full(count, fill, column.dtype)
        out[at] = column
        return out

    def heard(quoted: Quoted, at: Any, count: int) -> Quoted:
        return Quoted(at=spread(quoted.at, at, count, SILENT),
                      sources=spread(quoted.sources, at, count, 0),
                      fresh_since=spread(quoted.fresh_since, at, count, SILENT))

    n, u = len(new), len(new.underlyings)
    return replaced(
        board, index=spread(board.index, coins, u, np.nan),
        index_band=spread(board.index_band, coins, u, 0.0),
        instruments=heard(board.instruments, place, n),
        underlyings=heard(board.underlyings, coins, u),
        window_sum=spread(board.window_sum, place, n, 0.0),
        window_ns=spread(board.window_ns, place, n, 0),
        **{name: spread(getattr(board, name), place, n, np.nan)
           for name in ("mark", "forward", "volatility")})


def _failure(reason: Reason, subject: str, sentence: str) -> Failure:
    return Failure(reason=reason, subject=subject[:60], sentence=sentence)
