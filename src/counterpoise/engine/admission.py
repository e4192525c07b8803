"""May the account do that? Orders, transfers and withdrawals, by the margin of the changed account.

A change is let in where the changed account is covered, or, for orders, where it asks for no more
initial margin than before ("less or equally risky", `margin.admission`). While a price that the
account depends on is not trusted nothing leaves it and its risk may not grow. All questions of a
run of events are answered by one computation each for the changed accounts, for those accounts as
they are, where that matters, and for the sizes that are tried to find the largest that would pass.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from counterpoise.engine.draft import Draft
from counterpoise.engine.effects import (
    Effect,
    OrderAdmitted,
    OrderRefused,
    TransferDecided,
    WithdrawalDecided,
)
from counterpoise.engine.events import Transferred, WithdrawalRequested
from counterpoise.engine.freshness import doubted, doubts
from counterpoise.engine.groups import margined_with
from counterpoise.engine.loans import owed_beyond
from counterpoise.engine.margins import Table, book_of_rows, can_margin, margins
from counterpoise.engine.state import Row
from counterpoise.engine.ties import group_of
from counterpoise.engine.trading import Question
from counterpoise.engine.within import beyond, within
from counterpoise.margin.admission import admitted
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

_TRIED: Final = 15
_FINEST: Final = 1 << 20
"""The largest size that would pass is found to this part of what was asked, never above it."""
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Trial = tuple[Question, Row]
Answer = tuple[tuple[Failure, ...], int]


@frozen
class Verdicts:
    """Answers to some trials of one segment: who passes, and what the changed accounts need."""

    passes: Bools
    after: Table


def decide(draft: Draft, questions: Sequence[Question]) -> None:
    """Answer questions of accounts that differ: write what is let in, tell the rest why not."""
    by_segment: dict[int, list[Question]] = {}
    for question in questions:
        k = draft.state.directory.places[question.number][0]
        by_segment.setdefault(draft.shards[k].segment, []).append(question)
    for segment, asked in by_segment.items():
        for question, (wrong, size) in zip(asked, _answers(draft, segment, asked), strict=True):
            if not wrong:
                question.accept()
            _tell(draft, question, wrong, size)


def _answers(draft: Draft, segment: int, asked: Sequence[Question]) -> list[Answer]:
    """Return what stands against each question, nothing where it is let in, and the largest size.

    What cannot be computed is refused by itself, not with all that were asked beside it.
    """
    if not can_margin(draft, segment):
        return [((_no_margin(draft, segment),), 0)] * len(asked)
    try:
        return _computed(draft, segment, asked)
    except BadInput as wrong:
        if len(asked) == 1:
            return [(wrong.failures, 0)]
        return [answer for question in asked for answer in _answers(draft, segment, [question])]


def _computed(draft: Draft, segment: int, asked: Sequence[Question]) -> list[Answer]:
    verdicts = _verdicts(draft, segment, [(q, q.after(q.wanted)) for q in asked])
    refused = np.flatnonzero(~verdicts.passes).tolist()
    answers: list[Answer] = [((), question.wanted) for question in asked]
    largest = _largest(draft, segment, [asked[k] for k in refused])
    for k, size in zip(refused, largest, strict=True):
        answers[k] = _reasons(draft, segment, (asked[k], verdicts.after, k)), size
    return answers


def _verdicts(draft: Draft, segment: int, trials: Sequence[Trial]) -> Verdicts:
    asked = [_margined(draft, question, row) for question, row in trials]
    after = margins(draft, segment, book_of_rows(draft, asked))
    leaves = np.array([q.leaves for q, _ in trials], bool)
    doubtful = doubted(draft, segment, asked)
    passes = np.logical_and.reduce(after.balance >= after.initial, axis=1) & ~doubtful
    fits = within(draft, segment, [(*trial, row) for trial, row in zip(trials, asked, strict=True)])
    fits &= np.array([not owed_beyond(draft, segment, *trial) for trial in trials], bool)
    open_ones = np.flatnonzero(~passes & ~leaves)
    if len(open_ones):
        numbers = [trials[k][0].number for k in open_ones.tolist()]
        before = margins(draft, segment, book_of_rows(
            draft, [margined_with(draft, number, draft.read(number)) for number in numbers]))
        passes[open_ones] = _no_riskier(after, before, open_ones, doubtful[open_ones])
    return Verdicts(passes=passes & fits, after=after)


def _margined(draft: Draft, question: Question, row: Row) -> Row:
    """Return what is margined were the account to hold `row`; a transfer stays in its group."""
    if question.to >= 0 and question.to in group_of(draft.state.ties, question.number):
        row = draft.read(question.number)
    return margined_with(draft, question.number, row)


def uncovered(draft: Draft, segment: int, rows: Sequence[Row]) -> tuple[Failure, ...]:
    """Return why some accounts, or groups as one, would not be covered at trusted prices."""
    if not can_margin(draft, segment):
        return (_no_margin(draft, segment),)
    after = margins(draft, segment, book_of_rows(draft, rows))
    found = [failure for k, row in enumerate(rows)
             for failure in (*doubts(draft, segment, row), *_lacking(after, k))]
    return tuple(dict.fromkeys(found))


def _no_riskier(after: Table, before: Table, at: Any, doubtful: Bools) -> Bools:
    """Return whether every pool lets a change in; where prices are doubtful only less risk may."""
    assert after.pools == before.pools
    owned, needed = after.balance[at], after.initial[at]
    let_in = admitted(owned=owned, initial_before=before.initial, initial_after=needed)
    less = (needed <= before.initial) & np.isfinite(owned) & np.isfinite(needed)
    return np.asarray(np.logical_and.reduce(
        np.where(doubtful[:, None], less, let_in), axis=1))


def _largest(draft: Draft, segment: int, refused: Sequence[Question]) -> list[int]:
    """Return the largest size of each question that passes, of those tried."""
    low, high = [0] * len(refused), [q.wanted for q in refused]
    while True:
        live = [k for k, q in enumerate(refused)
                if high[k] - low[k] > max(q.wanted // _FINEST, 1)]
        if not live:
            return low
        sizes = {k: _between(low[k], high[k]) for k in live}
        trials = [(refused[k], refused[k].after(size)) for k in live for size in sizes[k]]
        passes = _verdicts(draft, segment, trials).passes.tolist()
        for k in live:
            mine, passes = passes[:len(sizes[k])], passes[len(sizes[k]):]
            rungs = [low[k], *sizes[k], high[k]]
            last = max((n + 1 for n, good in enumerate(mine) if good), default=0)
            low[k], high[k] = rungs[last], rungs[last + 1]


def _between(low: int, high: int) -> list[int]:
    step = high - low
    return sorted({low + step * n // (_TRIED + 1) for n in range(1, _TRIED + 1)} - {low, high})


def _no_margin(draft: Draft, segment: int) -> Failure:
    held = draft.state.segments[segment]
    if held.version is None:
        return Failure(reason=Reason.NO_PARAMETERS, subject=held.name, sentence="has no "
                       "parameters in force; activate a version first")
    return Failure(reason=Reason.MISSING_PRICE, subject=held.name, sentence="has no snapshot to be "
                   "margined at; assemble a market first")


def _reasons(draft: Draft, segment: int,
             refused: tuple[Question, Table, int]) -> tuple[Failure, ...]:
    """Return everything that stands against a refused change, its margins being row k."""
    question, after, k = refused
    row = question.after(question.wanted)
    asked = _margined(draft, question, row)
    return (*doubts(draft, segment, asked), *beyond(draft, segment, (question, row, asked)),
            *owed_beyond(draft, segment, question, row), *_lacking(after, k))


def _lacking(after: Table, k: int) -> list[Failure]:
    wrong = []
    for p, pool in enumerate(after.pools):
        needed, owned = float(after.initial[k, p]), float(after.balance[k, p])
        if owned >= needed:
            continue
        if needed != needed or owned != owned:
            failure = int(after.failure[k, p])
            wrong.append(after.failures[failure] if failure >= 0 else Failure(
                reason=Reason.MISSING_NUMBER, subject=pool, sentence="has no margin balance: a "
                "price or an entry is missing"))
        else:
            wrong.append(Failure(reason=Reason.NOT_COVERED, subject=pool, sentence=(
                f"needs {needed!r} initial margin and has {owned!r}; deposit, or reduce")))
    return wrong


def _tell(draft: Draft, question: Question, wrong: tuple[Failure, ...], largest: int) -> None:
    event = question.event
    at: dict[str, Any] = {"position": question.position, "time": draft.state.time}
    effect: Effect
    match event:
        case WithdrawalRequested():
            effect = WithdrawalDecided(**at, account=event.account, withdrawal=event.withdrawal,
                                       admitted=not wrong, largest=largest, failures=wrong)
        case Transferred():
            effect = TransferDecided(**at, account=event.account, to=event.to, admitted=not wrong,
                                     largest=largest, failures=wrong)
        case _ if wrong:
            effect = OrderRefused(**at, account=event.account, order=event.order,
                                  largest=question.sign * largest, failures=wrong)
        case _:
            effect = OrderAdmitted(**at, account=event.account, order=event.order)
    draft.tell(effect)
