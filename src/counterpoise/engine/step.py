"""One batch of events further: the only place where state changes.

    step(state, batch) -> state, effects

A batch is a run of account events between market events. Account events of one run are applied in
*waves*: an event that asks for something (an order, a transfer, a withdrawal) is put aside with the
accounts it touches, whatever touches one of these waits, and all that was asked is answered by one
margin computation; then come those that waited. That is what one event after the other would have
done, so where a batch is cut, and how many threads compute, changes neither state nor effects.

Time, ids and refusals follow docs/methodology/engine.md. A broken invariant is no refusal: it
raises, and the last good state stands.
"""

from collections.abc import Callable
from itertools import groupby
from typing import Any, Final

import numpy as np

from counterpoise.engine import decrees, lifecycle, linking, loans
from counterpoise.engine.admission import decide
from counterpoise.engine.asset_events import (
    BorrowingChanged,
    CountingChanged,
    IndexRulesChanged,
    VenuesQuoted,
)
from counterpoise.engine.codec import Batch
from counterpoise.engine.draft import Draft
from counterpoise.engine.effects import (
    Alert,
    AlertTopic,
    Effect,
    EventRefused,
    EventRepeated,
)
from counterpoise.engine.events import (
    AccountClosed,
    AccountOpened,
    ChangeWithdrawn,
    ClockAdvanced,
    CollateralScheduleChanged,
    ConflictReceived,
    ContractsSettled,
    EngineRestarted,
    Event,
    FundingApplied,
    ImpactLimited,
    InstrumentsListed,
    MarketAssembled,
    MarketBatch,
    ParametersActivated,
    SegmentDefined,
    UnreadableReceived,
)
from counterpoise.engine.exposure import pledged_in
from counterpoise.engine.freshness import refreshed
from counterpoise.engine.quoting import averaged, quoted
from counterpoise.engine.remargin import remargined
from counterpoise.engine.remembered import (
    content_of,
    ids_before_turn,
    turned,
    with_ids,
)
from counterpoise.engine.state import NEVER, RESTART_JUMP_MAX_NS, State
from counterpoise.engine.tie_events import (
    AccountLinked,
    AccountUnlinked,
    ExposureLimited,
    PocketOpened,
)
from counterpoise.engine.trading import VERBS, Question
from counterpoise.engine.venues import confidences, quoted_by_venues, reindexed
from counterpoise.engine.waits import touched
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.assemble import snapshot_of
from counterpoise.market.quotes import Quotes, silence
from counterpoise.values.digest import sha256_digest
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS, INSTANT_MAX

Entry = tuple[int, Any, bytes]
"""(position, event, its bytes)."""
_ID_BYTES: Final = 16


def step(state: State, batch: Batch) -> tuple[State, tuple[Effect, ...]]:
    """Return the state after a batch, and what follows from it, in the order of the events.

    Raises
    ------
    InvariantBroken
        If an asset would not be conserved: an error of the engine, never of an event.
    """
    draft = Draft(state)
    places = range(state.position, state.position + len(batch))
    entries = zip(places, batch.events, batch.frames, strict=True)
    for apply, some in groupby(entries, key=_verb_of):
        apply(draft, [*some])
    draft.change(position=state.position + len(batch))
    effects = sorted(draft.effects, key=lambda pair: pair[0])
    return draft.state, tuple(effect for _, effect in effects)


def _verb_of(entry: Entry) -> Callable[[Draft, list[Entry]], None]:
    return _TOGETHER.get(type(entry[1]), _marks)


def _run(draft: Draft, waiting: list[Entry]) -> None:
    """Apply account events in waves."""
    while waiting:
        waiting = _wave(draft, waiting)
    draft.keep()
    _remember(draft)


def _wave(draft: Draft, waiting: list[Entry]) -> list[Entry]:
    """Apply events until accounts have to be asked about; return those that wait for answers."""
    later: list[Entry] = []
    questions: list[Question] = []
    blocked: set[str] = set()
    for entry in waiting:
        keys = touched(draft.state, entry[1]) if blocked else ()
        if keys and not blocked.isdisjoint(keys):
            blocked.update(keys)
            later.append(entry)
            continue
        question = _applied(draft, entry)
        if question is not None:
            questions.append(question)
            blocked.update(touched(draft.state, entry[1]))
    if questions:
        decide(draft, questions)
    return later


def _applied(draft: Draft, entry: Entry) -> Question | None:
    """Apply one account event, or return what it asks."""
    draft.position, event, draft.frame = entry
    try:
        content = _new_content(draft, event, draft.frame)
        if content is None:
            return None
        _check_time(draft.state, event)
        question = _ASKED[type(event)](draft, event)
    except BadInput as wrong:
        _refuse(draft, event, wrong)
        return None
    draft.said[event.client_id] = (draft.position, content, event.time)
    return question


def _new_content(draft: Draft, event: Event, frame: bytes) -> bytes | None:
    """Return the digest of an event that is new, None where it was applied before.

    Raises
    ------
    BadInput
        If something else was said under its id.
    """
    content = sha256_digest(frame)[:_ID_BYTES]
    name = event.client_id
    known = draft.said.get(name)
    before = content_of(draft.state.remembered, name) if known is None else known[1]
    if before is None:
        if not name:
            raise bad_input(Reason.BAD_VALUE, "client_id", "is empty; give every event its own")
        return content
    if before != content:
        raise bad_input(Reason.OTHER_CONTENT, name[:60], "was the id of another event; ids are "
                        "used once")
    draft.tell(EventRepeated(position=draft.position, time=draft.state.time, client_id=name))
    return None


def _check_time(state: State, event: Event) -> None:
    """Refuse an event that is too old, too young or from before what is still remembered."""
    time, rules = event.time, state.rules
    if state.time - rules.lateness_ns <= time <= state.time + rules.ahead_ns and (
            time > state.remembered.floor):
        return
    if time > state.time:
        raise bad_input(Reason.BAD_TIME, event.client_id[:60], f"is {time - state.time} ns ahead "
                        f"of the engine; at most {rules.ahead_ns} are taken")
    raise bad_input(Reason.LATE, event.client_id[:60], f"is {state.time - time} ns behind the "
                    f"engine; at most {rules.lateness_ns} are taken, and none from before the "
                    "oldest id remembered")


def _refuse(draft: Draft, event: Event, wrong: BadInput) -> None:
    draft.tell(EventRefused(position=draft.position, time=draft.state.time,
                            client_id=event.client_id, failures=wrong.failures))


def _remember(draft: Draft) -> None:
    """Note the ids of what was applied, in order."""
    said, draft.said = draft.said, {}
    draft.change(remembered=with_ids(draft.state.remembered, said),
                 applied=draft.state.applied + len(said))


def _openings(draft: Draft, entries: list[Entry]) -> None:
    """Open accounts: market events with one end for all, as they leave it nothing but their ids.

    Where ids turn in between, the opening after which they do has an end of its own.
    """
    full = ids_before_turn(draft.state.rules.ids_kept)
    for entry in entries:
        _applied(draft, entry)
        if draft.said and draft.state.remembered.count + len(draft.said) >= full:
            _end(draft)
    if draft.said:
        _end(draft)


def _marks(draft: Draft, entries: list[Entry]) -> None:
    for entry in entries:
        _mark(draft, entry)


def _mark(draft: Draft, entry: Entry) -> None:
    """Apply one market event: everything or nothing."""
    draft.position, event, draft.frame = entry
    before, shards, told = draft.state, list(draft.shards), len(draft.effects)
    try:
        content = _new_content(draft, event, draft.frame)
        if content is None:
            return
        _move_time(draft, event)
        _MARKS[type(event)](draft, event)
    except BadInput as wrong:
        draft.state, draft.shards = before, shards
        del draft.effects[told:]
        draft.trust = {}
        draft.worths = before.worths
        draft.begin()
        _refuse(draft, event, wrong)
        return
    draft.said[event.client_id] = (draft.position, content, event.time)
    _end(draft)


def _end(draft: Draft) -> None:
    """End a market event that was applied: sweep, keep, remember its id, let ids turn."""
    lifecycle.swept(draft)
    draft.keep()
    _remember(draft)
    draft.change(remembered=turned(draft.state.remembered, draft.state.rules.ids_kept))


def _move_time(draft: Draft, event: Any) -> None:
    """Move the engine's time to a market event's, and let what is due by then take effect."""
    state, rules = draft.state, draft.state.rules
    if type(event) in _CALM:
        if type(event) not in _NEVER_APPLIED:
            _check_time(state, event)
        return
    least = state.time if type(event) in _CLOCKS else state.time - rules.lateness_ns
    if event.time < least or event.time <= state.remembered.floor:
        raise bad_input(Reason.LATE, event.client_id[:60], f"is {state.time - event.time} ns "
                        "behind the engine, whose time never goes back")
    restarts = type(event) is EngineRestarted
    most = max(rules.jump_max_ns, RESTART_JUMP_MAX_NS if restarts else 0)
    if event.time - state.time > most:
        raise bad_input(Reason.BAD_TIME, event.client_id[:60], f"would move the time by "
                        f"{event.time - state.time} ns; at most {most} at once; check the clock"
                        + ("; after a longer outage restart several times, at most "
                           f"{most // DAY_NS} days each" if restarts
                           else ", or restart the engine after an outage"))
    if event.time >= INSTANT_MAX:
        raise bad_input(Reason.BAD_TIME, event.client_id[:60], f"says {event.time} ns since 1970, "
                        "which is after 2116; check the clock")
    time = max(state.time, event.time)
    board = averaged(state.board, state, time)
    draft.change(time=time, board=board)
    draft.change(board=refreshed(reindexed(draft.state, time), state, time))
    draft.trust = {}
    loans.interest_posted(draft, state.time)
    decrees.in_force(draft)


def _venues_quoted(draft: Draft, event: VenuesQuoted) -> None:
    board, wrong = quoted_by_venues(draft.state, event)
    draft.change(board=board)
    board = reindexed(draft.state, draft.state.time)
    draft.change(board=refreshed(board, draft.state, draft.state.time))
    _tell_refused(draft, "venues' quotes", wrong)


def _market_batch(draft: Draft, event: MarketBatch) -> None:
    board, wrong = quoted(draft.state, event)
    draft.change(board=refreshed(board, draft.state, draft.state.time))
    _tell_refused(draft, "market batch", wrong)


def _tell_refused(draft: Draft, subject: str, wrong: tuple[Failure, ...]) -> None:
    if wrong:
        first = "; ".join(f"{f.subject}: {f.sentence}" for f in wrong[:3])
        draft.tell(Alert(position=draft.position, time=draft.state.time,
                         topic=AlertTopic.QUOTES_REFUSED, subject=subject,
                         sentence=f"{len(wrong)} rows were refused: {first}"[:600]))


def _market_assembled(draft: Draft, event: MarketAssembled) -> None:
    state, board = draft.state, draft.state.board
    names = [s.name for s in state.segments]
    unknown = [Failure(reason=Reason.UNKNOWN_SEGMENT, subject=name[:60], sentence="is no segment")
               for name in event.segments if name not in names]
    if unknown:
        raise BadInput(*unknown)
    columns = silence(state.catalogue)
    columns |= {"mark": board.mark, "volatility": board.volatility, "index": board.index,
                "forward": np.where(state.catalogue.kind == OPTION, board.forward, np.nan),
                "age_ns": state.time - np.maximum(board.instruments.at, 0)}
    seen = board.window_ns > 0
    columns["average"] = np.where(seen, board.window_sum / np.maximum(board.window_ns, 1), np.nan)
    prices = {a.code: price for a, price in zip(state.assets, board.price.tolist(), strict=True)
              if price == price}
    sequence = state.snapshots + 1
    if state.exposure:
        draft.change(pledged=pledged_in(state, draft.shards))
    market = snapshot_of(Quotes(catalogue=state.catalogue, **columns), as_of=state.time,
                         prices=prices, source="assembled by the engine", sequence=sequence)
    draft.change(arrays={}, snapshots=sequence,
                 market=replaced(market, conditions=confidences(state)))
    for k, name in enumerate(names):
        if not event.segments or name in event.segments:
            remargined(draft, k, changed_only=False)
        elif any(s.segment == k for s in draft.shards):
            draft.tell(Alert(position=draft.position, time=state.time, subject=name,
                             topic=AlertTopic.OLDER_SNAPSHOT, sentence="stays margined at an older "
                             f"snapshot than {sequence}, by intent"))
    loans.counted(draft)


def _clock_advanced(draft: Draft, event: ClockAdvanced) -> None:
    for k in range(len(draft.state.segments)):
        remargined(draft, k, changed_only=True)


def _engine_restarted(draft: Draft, event: EngineRestarted) -> None:
    draft.change(restarted_at=draft.state.time)
    draft.change(board=refreshed(draft.state.board, draft.state, draft.state.time))
    draft.trust = {}
    draft.tell(Alert(position=draft.position, time=draft.state.time, subject="prices",
                     topic=AlertTopic.PRICES_DEGRADED, sentence="the engine restarted; nothing is "
                     "called or liquidated until every price that matters is fresh"))


def _unreadable(draft: Draft, event: UnreadableReceived) -> None:
    raise bad_input(Reason.UNREADABLE, event.digest[:64], f"{event.size} bytes that are no event: "
                    f"{event.sentence}")


def _conflict(draft: Draft, event: ConflictReceived) -> None:
    raise bad_input(Reason.OTHER_CONTENT, event.taken[:60], "was the id of another event; ids are "
                    f"used once (refused: {event.digest[:64]})")


_CALM: Final = frozenset({AccountOpened, AccountClosed, PocketOpened, AccountLinked,
                          AccountUnlinked, SegmentDefined, ParametersActivated,
                          CollateralScheduleChanged, BorrowingChanged, CountingChanged,
                          IndexRulesChanged, InstrumentsListed, UnreadableReceived, ImpactLimited,
                          ChangeWithdrawn, ConflictReceived, ExposureLimited})
"""Market events that do not move the engine's time."""
_NEVER_APPLIED: Final = frozenset({UnreadableReceived, ConflictReceived})
"""What only records that something was refused, whenever it came."""
_CLOCKS: Final = frozenset({ClockAdvanced, EngineRestarted})
_ASKED: Final = VERBS | {AccountOpened: lifecycle.account_opened}
"""What is applied one by one and kept together."""
_TOGETHER: Final = {**dict.fromkeys(VERBS, _run), AccountOpened: _openings}
_MARKS: Final[dict[type, Any]] = {
    AccountClosed: lifecycle.account_closed,
    PocketOpened: linking.pocket_opened, AccountLinked: linking.account_linked,
    AccountUnlinked: linking.account_unlinked,
    MarketBatch: _market_batch, MarketAssembled: _market_assembled,
    FundingApplied: lifecycle.funding_applied, ContractsSettled: lifecycle.contracts_settled,
    InstrumentsListed: decrees.instruments_listed, SegmentDefined: decrees.segment_defined,
    ParametersActivated: decrees.parameters_activated,
    ExposureLimited: decrees.exposure_limited,
    CollateralScheduleChanged: decrees.schedule_changed,
    BorrowingChanged: decrees.borrowing_changed, CountingChanged: decrees.counting_changed,
    IndexRulesChanged: decrees.index_rules_changed, VenuesQuoted: _venues_quoted,
    ClockAdvanced: _clock_advanced,
    EngineRestarted: _engine_restarted, UnreadableReceived: _unreadable,
    ImpactLimited: decrees.impact_limited, ChangeWithdrawn: decrees.change_withdrawn,
    ConflictReceived: _conflict}
assert NEVER < 0
