"""Who owes what, is it within the terms, and what does it cost? Negative balances of accounts.

A balance may be brought below zero, by a transfer, a withdrawal or a spot order that the margin
covers, where the segment's terms let the asset be borrowed (`collateral.borrowing`). Losses,
premiums, fees and funding may leave any balance negative; that is alerted where it is beyond the
terms. Interest is posted at the first market event at or after each instant, before what is decreed
for that time takes effect: on what is owed then, into the house account "interest". Several
instants that passed at once (an outage) are charged as simple interest on what is owed at their
end.
"""

from typing import Any

import numpy as np

from counterpoise.collateral.borrowing import (
    BorrowTerms,
    instants_between,
    interest_due,
    least_balance,
)
from counterpoise.engine.draft import INTEREST, Draft
from counterpoise.engine.effects import Alert, AlertTopic, InterestPosted
from counterpoise.engine.groups import room_of
from counterpoise.engine.lifecycle import charge
from counterpoise.engine.money import handed_over, total_of
from counterpoise.engine.state import FLOWS, INTEREST_GOT, Row, Segment, Shard
from counterpoise.engine.ties import Ties
from counterpoise.engine.trading import Question
from counterpoise.instruments.contracts import Spot
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.quantity import INT64_MAX

Ints = np.ndarray[Any, np.dtype[np.int64]]
Paying = tuple[int, Ints, list[int]]


def interest_posted(draft: Draft, before: int) -> None:
    """Charge what is owed at the instants that passed since the time `before`, ns."""
    for k, segment in enumerate(draft.state.segments):
        instants = instants_between(segment.borrowing, before, draft.state.time)
        if instants > 0 and segment.borrowing.assets:
            draft.in_columns()
            terms = segment.borrowing.assets
            columns = [n for n, a in enumerate(draft.state.assets)
                       if a.code in terms and terms[a.code].rate]
            for column in columns:
                _post(draft, k, column, instants)


def _post(draft: Draft, segment: int, column: int, instants: int) -> None:
    asset, held = draft.state.assets[column], draft.state.segments[segment]
    terms, period = held.borrowing.assets[asset.code], instants * held.borrowing.interval_ns
    paying = [(k, *_paying(draft.state.ties, shard, column, (terms, period)))
              for k, shard in enumerate(draft.shards) if shard.segment == segment]
    charge(draft, asset.code, (column, INTEREST_GOT), paying)
    amount = total_of(p for _, _, pays in paying for p in pays)
    if amount:
        draft.cash[INTEREST][column] += amount
        draft.tell(InterestPosted(
            position=draft.position, time=draft.state.time, segment=held.name, asset=asset.code,
            instants=instants, amount=amount,
            accounts=total_of(len(pays) for _, _, pays in paying)))


def _paying(ties: Ties, shard: Shard, column: int,
            rate: tuple[BorrowTerms, int]) -> tuple[Ints, list[int]]:
    """Return which rows of a shard in columns owe an asset, and the interest of each.

    Nobody is charged beyond what 64 bits can count: an outage must not stop the clock.
    """
    owned = shard.book.balances[:, column]
    rows = np.flatnonzero(owned < 0)
    paid = shard.flows[rows, column * len(FLOWS) + INTEREST_GOT]
    most = [INT64_MAX // room_of(ties, shard.numbers[row]) for row in rows.tolist()]
    pays = [min(interest_due(rate[0], -balance, rate[1]), max(limit + balance, 0),
                INT64_MAX + flow) for balance, flow, limit in zip(
                    owned[rows].tolist(), paid.tolist(), most, strict=True)]
    return rows, pays


def counted(draft: Draft) -> None:
    """Count what all accounts owe, and alert where that is beyond the terms of a segment."""
    segments = draft.state.segments
    if not any(s.borrowing.assets for s in segments):
        return
    debts = [(shard.segment, _debts(shard)) for shard in draft.shards]
    owed = tuple(total_of(-b for _, columns in debts for b in columns[k])
                 for k in range(len(draft.state.assets)))
    draft.change(owed=owed)
    for n, segment in enumerate(segments):
        for k, asset in enumerate(draft.state.assets):
            terms = segment.borrowing.assets.get(asset.code)
            if terms is not None:
                over = total_of(-b > terms.account_max for of, columns in debts if of == n
                                for b in columns[k])
                _tell(draft, segment, (asset.code, terms), (over, owed[k]))


def _debts(shard: Shard) -> list[list[int]]:
    """Return the balances below zero of a shard's accounts, [asset][debtor]."""
    balances = shard.book.balances
    if shard.overlay:
        kept = np.ones(len(balances), bool)
        kept[[row for row in shard.overlay if row < len(kept)]] = False
        balances = balances[kept]
    open_rows = [row.balances for row in shard.overlay.values()]
    return [[*column[column < 0].tolist(), *(b[k] for b in open_rows if b[k] < 0)]
            for k, column in enumerate(balances.T)]


def _tell(draft: Draft, segment: Segment, listed: tuple[str, BorrowTerms],
          found: tuple[int, int]) -> None:
    (code, terms), (over, owed) = listed, found
    words = []
    if over:
        words.append(f"{over} accounts of {segment.name} owe more than the {terms.account_max} "
                     "that one may")
    if owed > terms.platform_max:
        words.append(f"all accounts owe {owed}, {segment.name} lends while it is at most "
                     f"{terms.platform_max}")
    if words:
        draft.tell(Alert(position=draft.position, time=draft.state.time, subject=code,
                         topic=AlertTopic.OWED_TOO_MUCH, sentence="; ".join(words)))


def owed_beyond(draft: Draft, segment: int, question: Question, row: Row) -> list[Failure]:
    """Return why an account that is to hold `row` could come to owe more than its terms allow.

    Its open spot orders count as filled: all that they hand over, nothing of what they bring. An
    order that leaves no less of an asset than was left without it is not held against that asset.
    """
    left = _if_filled(draft, row)
    if min(left, default=0) >= 0:
        return []
    now, wrong = draft.read(question.number), list[Failure]()
    before = _if_filled(draft, now)
    terms, owed = draft.state.segments[segment].borrowing.assets, draft.state.owed
    for k, amount in enumerate(left):
        if amount < 0 and (question.leaves or amount < before[k]):
            code = draft.state.assets[k].code
            least = least_balance(terms.get(code), now.balances[k], owed[k])
            if amount < least:
                wrong.append(Failure(reason=Reason.NOT_COVERED, subject=code, sentence=(
                    f"would be owed: {amount} of its smallest unit, open spot orders filled; no "
                    f"less than {least} may be left, by the terms of borrowing")))
    return wrong


def _if_filled(draft: Draft, row: Row) -> list[int]:
    """Return what an account owns once its spot orders handed over all they can, [asset]."""
    left, instruments = list(row.balances), draft.state.catalogue.instruments
    for column, lots, price, exponent in row.orders.values():
        if isinstance(instruments[column], Spot):
            worth = draft.worth(instruments[column].id)
            assert worth is not None
            asset, amount = handed_over(worth, lots, (price, exponent))
            left[asset] -= amount
    return left
