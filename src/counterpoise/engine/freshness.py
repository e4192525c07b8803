"""Which prices may be trusted, and which accounts depend on one that may not?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.engine.board import SILENT, Board, Quoted
from counterpoise.engine.draft import Draft
from counterpoise.engine.margins import model_of
from counterpoise.engine.state import Row, Rules, State
from counterpoise.engine.venues import sure
from counterpoise.margin.model import CrossEquity
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen, replaced

Bools = np.ndarray[Any, np.dtype[np.bool_]]
_SHOWN = 5


@frozen
class Trust:
    """What is trusted: `instrument` [instrument], by its own quote and its index.

    `untrusted` are the columns of instruments that are not, `unpriced` those of assets.
    """

    instrument: Bools
    untrusted: frozenset[int]
    unpriced: frozenset[int]


def trust(draft: Draft, segment: int) -> Trust:
    """Return what a segment may trust at this time, made once per market event."""
    found: Trust | None = draft.trust.get(segment)
    if found is None:
        found = draft.trust[segment] = _seen_by(trust_in(draft.state), draft, segment)
    return found


def _seen_by(found: Trust, draft: Draft, segment: int) -> Trust:
    """Return the trust without assets whose price does not count in this segment's margin."""
    version = draft.state.segments[segment].version
    rule = version and model_of(draft, segment).equity(version.parameters)
    if not isinstance(rule, CrossEquity):
        return replaced(found, unpriced=frozenset())
    unit = {k for k, a in enumerate(draft.state.assets) if a.code == rule.numeraire}
    codes = [a.code for a in draft.state.assets]
    floored = {codes.index(code) for code, terms in rule.counting.items() if code in codes and any(
        codes[k] == terms.redeems for k in found.unpriced)}
    return replaced(found, unpriced=(found.unpriced - unit) | floored)


def trust_in(state: State) -> Trust:
    """Return what is trusted in a state."""
    board, terms = state.board, state.catalogue
    own, index, quoted = (
        (q.fresh_since > SILENT) & (state.time - q.fresh_since >= state.rules.calm_ns)
        for q in (board.instruments, board.underlyings, board.assets))
    instrument = own & index[terms.underlying]
    by_index = dict(zip(terms.underlyings, index.tolist(), strict=True)) | {"USD": True}
    # A coin's price is its index, and the dollar is the unit; only the others are quoted.
    return Trust(instrument=instrument,
                 untrusted=frozenset(np.flatnonzero(~instrument).tolist()),
                 unpriced=frozenset(k for k, a in enumerate(state.assets)
                                    if not by_index.get(a.code, bool(quoted[k]))))


def doubted(draft: Draft, segment: int, rows: Sequence[Row]) -> Bools:
    """Return which accounts in the open have `doubts`, [row]."""
    found = trust(draft, segment)
    if not found.untrusted and not found.unpriced:
        return np.zeros(len(rows), bool)
    return np.array([bool(doubts(draft, segment, row)) for row in rows], bool)


def doubts(draft: Draft, segment: int, row: Row) -> tuple[Failure, ...]:
    """Return why an account's prices are not trusted, at most a few of the reasons."""
    found = trust(draft, segment)
    if not found.untrusted and not found.unpriced:
        return ()
    columns = found.untrusted & {*row.positions, *(order[0] for order in row.orders.values())}
    names = [draft.state.catalogue.instruments[c].id for c in sorted(columns)]
    paid_in = {draft.state.catalogue.instruments[c].settlement for c in row.positions}
    names += [code for k in sorted(found.unpriced)
              if (code := draft.state.assets[k].code) in paid_in or row.balances[k]]
    return tuple(Failure(reason=Reason.DEGRADED, subject=name, sentence="has no trusted price: too "
                         "old, on too few sources, or not calm since it was; wait for its feed")
                 for name in names[:_SHOWN])


def doubtful(state: State, found: Trust, book: Book) -> Bools:
    """Return which accounts of a book depend on a price that is not trusted, [account]."""
    out = np.zeros(len(book), bool)
    if found.untrusted:
        for pointer, column in ((book.row_pointer, book.instrument),
                                (book.order_pointer, book.order_instrument)):
            at = np.flatnonzero(~found.instrument[column])
            out[np.searchsorted(pointer, at, side="right") - 1] = True
    if found.unpriced:
        out |= np.logical_or.reduce(book.balances[:, sorted(found.unpriced)] != 0, axis=1)
        codes, terms = {state.assets[k].code for k in found.unpriced}, state.catalogue
        paid = np.array([code in codes for code in terms.settlements], bool)[terms.settlement]
        at = np.flatnonzero(paid[book.instrument])
        out[np.searchsorted(book.row_pointer, at, side="right") - 1] = True
    return out


def refreshed(board: Board, state: State, time: int) -> Board:
    """Return the board with what is fresh at `time` noted: fresh since when, or not."""
    rules, terms = state.rules, state.catalogue
    codes = [a.code for a in state.assets]
    of_coin = [rules.age_max_ns.get(u, rules.other_age_max_ns) for u in terms.underlyings]
    ages = [np.array(of_coin, np.int64)[terms.underlying], np.array(of_coin, np.int64),
            np.array([rules.age_max_ns.get(c, rules.other_age_max_ns) for c in codes], np.int64)]
    for name, own in rules.age_max_ns.items():
        if name in terms.column:
            ages[0][terms.column[name]] = own
    kinds = ("instruments", "underlyings", "assets")
    return replaced(board, **{kind: _noted(getattr(board, kind), (age, sure(state, board, kind)),
                                           state, time)
                              for kind, age in zip(kinds, ages, strict=True)})


def _noted(quoted: Quoted, asked: tuple[Any, Any], state: State, time: int) -> Quoted:
    rules: Rules = state.rules
    age_max, within = asked
    fresh = within & ((time - quoted.at <= age_max) & (quoted.at > state.restarted_at)
             & (quoted.sources >= rules.sources_min))
    since = np.where(fresh, np.where(quoted.fresh_since > SILENT, quoted.fresh_since, time), SILENT)
    return replaced(quoted, fresh_since=since)
