"""Would what is asked for go beyond a limit of exposure?

Orders are held against the gross notional of the party, transfers against what its receiver may
be brought. Who is beyond a limit already may do what does not take it further.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from counterpoise.collateral.cross import prices_in
from counterpoise.collateral.limits import INFINITE
from counterpoise.engine.draft import Draft
from counterpoise.engine.exposure import limits_of
from counterpoise.engine.groups import margined_with
from counterpoise.engine.margins import book_of_rows
from counterpoise.engine.state import Row
from counterpoise.engine.ties import group_of, party_of
from counterpoise.engine.trading import Question
from counterpoise.margin.exposure import gross_notional
from counterpoise.margin.model import CrossEquity
from counterpoise.market.snapshot import Floats
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.quantity import power_of_ten

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Trial = tuple[Question, Row, Row]
"""(what is asked, what the account would hold, what would be margined with it)."""


def within(draft: Draft, segment: int, trials: Sequence[Trial]) -> Bools:
    """Return which trials of a segment keep within the limits, [trial]."""
    fits = np.ones(len(trials), bool)
    if not draft.state.exposure:
        return fits
    limits = limits_of(draft.state, segment)
    orders = [k for k, (question, _, _) in enumerate(trials) if not question.leaves]
    if orders and limits is not None and limits.gross_max < INFINITE:
        before, after = _gross(draft, [trials[k] for k in orders])
        fits[orders] = (after <= limits.gross_max) | (after <= before)
    for k, (question, row, _) in enumerate(trials):
        fits[k] &= question.to < 0 or not _brought(draft, question, row)
    return fits


def beyond(draft: Draft, segment: int, trial: Trial) -> tuple[Failure, ...]:
    """Return the limits that a trial would go beyond, each with its use."""
    question, row, _ = trial
    if within(draft, segment, [trial])[0]:
        return ()
    if question.to >= 0:
        return _brought(draft, question, row)
    limits = limits_of(draft.state, segment)
    assert limits is not None
    (before,), (after,) = _gross(draft, [trial])
    return (Failure(reason=Reason.OVER_LIMIT, subject=_party(draft, question.number), sentence=(
        f"would carry {float(after)!r} USD gross, over the limit of {limits.gross_max!r}; it "
        f"carries {float(before)!r}")),)


def _gross(draft: Draft, trials: Sequence[Trial]) -> tuple[Floats, Floats]:
    """Return the gross notional of each party before and after, USD, [trial]."""
    numbers = [question.number for question, _, _ in trials]
    units: list[Row] = [asked for _, _, asked in trials]
    units += [margined_with(draft, number, draft.read(number)) for number in numbers]
    others = [(k, row) for k, number in enumerate(numbers) for row in _others(draft, number)]
    market = draft.state.market
    assert market is not None
    found = gross_notional(book_of_rows(draft, units + [row for _, row in others]), market)
    count = len(trials)
    rest = np.zeros(count)
    np.add.at(rest, [k for k, _ in others], found[2 * count:])
    return found[count:2 * count] + rest, found[:count] + rest


def _others(draft: Draft, number: int) -> list[Row]:
    """Return what the other margined accounts of a party hold: its group, its pockets."""
    ties = draft.state.ties
    group = group_of(ties, party_of(ties, number))
    units = [group[0], *(pocket for n in group for pocket in ties.pockets.get(n, ()))]
    return [margined_with(draft, n, draft.read(n)) for n in units
            if n != ties.head.get(number, number)]


def _brought(draft: Draft, question: Question, row: Row) -> tuple[Failure, ...]:
    """Return why the receiver of a transfer may not be brought so much."""
    state, to, code = draft.state, question.to, question.event.asset
    if party_of(state.ties, question.number) == party_of(state.ties, to):
        return ()
    segment = draft.shards[state.directory.places[to][0]].segment
    limits, name = limits_of(state, segment), state.directory.names[to]
    if limits is None:
        return ()
    if limits.eligible is not None and code not in limits.eligible:
        return (Failure(reason=Reason.NOT_ELIGIBLE, subject=code, sentence=f"is not taken from "
                        f"{name}'s segment; it takes {', '.join(limits.eligible) or 'nothing'}"),)
    column = [a.code for a in state.assets].index(code)
    amount = draft.read(question.number).balances[column] - row.balances[column]
    for who, one in sorted(limits.counterparties.items()):
        if code in one.assets and one.value_max < INFINITE:
            before, after = (_held(draft, segment, to, one.assets, (column, more))
                             for more in (0, amount))
            if not after <= one.value_max:
                return (Failure(reason=Reason.OVER_LIMIT, subject=who, sentence=(
                    f"would stand behind {after!r} of {_party(draft, to)}'s assets, over the limit "
                    f"of {one.value_max!r}; it stands behind {before!r}")),)
    return ()


def _held(draft: Draft, segment: int, number: int, codes: tuple[str, ...],
          more: tuple[int, int]) -> float:
    """Return what a party owns of some assets with `more` (column, amount), numeraire."""
    state = draft.state
    held, market = state.segments[segment], state.market
    assert held.version is not None and market is not None
    rule: Any = state.equipment.models[held.model].equity(held.version.parameters)
    assert isinstance(rule, CrossEquity)
    rows = [list(margined_with(draft, number, draft.read(number)).balances)]
    rows[0][more[0]] += more[1]
    rows += [row.balances for row in _others(draft, number)]
    prices = prices_in(market, tuple(a.code for a in state.assets), rule.numeraire).tolist()
    value = 0.0
    for row in rows:
        for k, asset in enumerate(state.assets):
            if asset.code in codes and row[k] > 0:
                value += row[k] * power_of_ten(-asset.decimals) * prices[k]
    return value


def _party(draft: Draft, number: int) -> str:
    return str(draft.state.directory.names[party_of(draft.state.ties, number)])
