"""What do some accounts need at the snapshot? `margin.compute`, asked by segment.

Requirement rows are laid out as a table [account, pool]: an account without a row in a pool needs
and owns nothing there, and one whose number is missing has NaN.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from counterpoise.accounts.book import Book, book_of
from counterpoise.collateral.limits import Counts
from counterpoise.engine.draft import Draft
from counterpoise.engine.exposure import counts_in
from counterpoise.engine.shards import balance_rows, order_entries, position_entries
from counterpoise.engine.state import Equipment, Row, Segment, own_terms
from counterpoise.margin.compute import AccountMargin, compute_margin, priced_market
from counterpoise.margin.model import MarginModel, PricedMarket
from counterpoise.margin.scheduled import with_terms
from counterpoise.values.failure import Failure
from counterpoise.values.frozen import frozen, replaced

Floats = np.ndarray[Any, np.dtype[np.float64]]
Codes = np.ndarray[Any, np.dtype[np.uint8]]


@frozen
class Table:
    """Margins by account and pool, [account, pool]; `failure` indexes `failures`, -1 for none."""

    pools: tuple[str, ...]
    initial: Floats
    maintenance: Floats
    balance: Floats
    status: Codes
    held: np.ndarray[Any, np.dtype[np.bool_]]
    failure: np.ndarray[Any, np.dtype[np.int32]]
    failures: tuple[Failure, ...]


def model_of(draft: Draft, segment: int) -> MarginModel:
    """Return the model of a segment, with terms and limits that were decreed for it, if any."""
    return own_model(draft.state.segments[segment], draft.state.equipment,
                     counts_in(draft.state, segment) if draft.state.exposure else None)


def own_model(segment: Segment, equipment: Equipment, counts: Counts | None) -> MarginModel:
    """Return the model that a segment's accounts are margined by; `counts` are its limits now."""
    terms = own_terms(segment)
    return with_terms(equipment.models[segment.model], terms if counts is None else replaced(
        terms, counts=counts))


def arrays_of(draft: Draft, segment: int) -> PricedMarket:
    """Return the snapshot priced for a segment, made once."""
    found: PricedMarket | None = draft.state.arrays.get(segment)
    if found is None:
        market, version = draft.state.market, draft.state.segments[segment].version
        assert market is not None and version is not None
        found = priced_market(market, model=model_of(draft, segment), version=version,
                              threads=draft.state.equipment.threads)
        draft.state.arrays[segment] = found
    return found


def can_margin(draft: Draft, segment: int) -> bool:
    """Return whether a segment has parameters and the engine a snapshot."""
    return draft.state.market is not None and draft.state.segments[segment].version is not None


def margins(draft: Draft, segment: int, book: Book) -> Table:
    """Return the margins of a book of accounts of a segment."""
    held: Segment = draft.state.segments[segment]
    assert draft.state.market is not None and held.version is not None
    found = compute_margin(book, draft.state.market, model=model_of(draft, segment),
                           version=held.version, arrays=arrays_of(draft, segment),
                           threads=draft.state.equipment.threads)
    return _table(found, len(book))


def _table(found: AccountMargin, accounts: int) -> Table:
    needs = found.requirements
    shape = (accounts, len(needs.pools))
    at = None if len(needs.account) == shape[0] * shape[1] else (
        needs.account.astype(np.int64) * shape[1] + needs.pool)

    def spread(column: Any, fill: Any, dtype: Any) -> Any:
        if at is None:
            return np.broadcast_to(column, len(needs.account)).astype(dtype).reshape(shape)
        out = np.full(shape, fill, dtype)
        out.reshape(-1)[at] = column
        return out

    return Table(pools=needs.pools, initial=spread(needs.initial, 0.0, np.float64),
                 maintenance=spread(needs.maintenance, 0.0, np.float64),
                 balance=spread(found.margin_balance, 0.0, np.float64),
                 status=spread(found.status, 0, np.uint8), held=spread(True, False, np.bool_),
                 failure=spread(needs.failure, -1, np.int32), failures=needs.failures)


def book_of_rows(draft: Draft, rows: Sequence[Row]) -> Book:
    """Return the book of some accounts in the open, numbered in order."""
    owner = np.arange(len(rows))
    balances = balance_rows(rows, len(draft.state.assets))
    return book_of(catalogue=draft.state.catalogue, accounts=owner,
                   positions=position_entries(owner, rows), orders=order_entries(owner, rows),
                   balances=(draft.state.assets, balances))
