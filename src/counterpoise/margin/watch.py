"""What is every account's status now, when only some accounts are computed again?

A watch holds a status for every row of a book. At a tick the accounts whose safe band is left are
computed, all others keep a status that is certain and a requirement of an earlier market; when too
many have left, those are given new bands, in a batch of their own. `margin.bands` has the bound.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, accounts_of, places_of
from counterpoise.margin.band_nodes import BandGrid
from counterpoise.margin.bands import Bands, bands_of, left, place_of
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.excess_columns import excess_columns
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import frozen, replaced

NARROW: Final = BandGrid(moves=(-0.04, 0.0, 0.04))


@frozen
class Batch:
    """Accounts whose bands were made together; `account` and `row` are places in the book."""

    bands: Bands
    account: Indices
    row: Indices


@frozen
class Rules:
    """How a watch is kept.

    wide, narrow   nodes of the first bands and of those made later for accounts that left
    again_share    how large a share of all accounts may be out of their bands
    """

    model: MarginModel
    version: ParameterVersion
    wide: BandGrid = BandGrid()
    narrow: BandGrid = NARROW
    again_share: float = 0.04


@frozen
class Watch:
    """Statuses of a book and what makes them certain.

    pointer    [account + 1] requirement rows by account
    status     [row] index into `compute.STATUS`, right for the market `sequence`
    held       [row] status that the bands certify, where they are not left
    initial, maintenance   [row] pool currency, as computed in the market `computed`
    computed   [row] sequence of that market
    batch      [account] whose bands hold for the account
    recomputed how many accounts the last tick computed, nodes of new bands not counted
    at_nodes   how many account computations went into nodes of bands at the last tick
    """

    book: Book
    rules: Rules
    pointer: np.ndarray[Any, np.dtype[np.int64]]
    sequence: int
    status: np.ndarray[Any, np.dtype[np.uint8]]
    held: np.ndarray[Any, np.dtype[np.uint8]]
    initial: Floats
    maintenance: Floats
    computed: np.ndarray[Any, np.dtype[np.int64]]
    batches: tuple[Batch, ...]
    batch: Indices
    recomputed: int
    at_nodes: int


def watched(book: Book, market: MarketSnapshot, rules: Rules) -> Watch:
    """Return a watch over all accounts of a book: a full pass."""
    bands = bands_of(book, market, model=rules.model, version=rules.version, grid=rules.wide)
    required = bands.margins.requirements
    pointer = np.searchsorted(required.account, np.arange(len(book) + 1))
    every = np.arange(len(required), dtype=np.int32)
    first = Batch(bands=bands, account=np.arange(len(book), dtype=np.int32), row=every)
    return Watch(
        book=book, rules=rules, pointer=pointer, sequence=market.sequence,
        status=bands.margins.status, held=bands.margins.status, initial=required.initial,
        maintenance=required.maintenance,
        computed=np.full(len(required), market.sequence), batches=(first,),
        batch=np.zeros(len(book), np.int32), recomputed=len(book),
        at_nodes=len(book) * (len(rules.wide) - 1))


def ticked(watch: Watch, market: MarketSnapshot) -> Watch:
    """Return the watch in another market of the same catalogue: every status right there."""
    assert market.catalogue is watch.book.catalogue
    model, version = watch.rules.model, watch.rules.version
    arrays = priced(market, model=model, version=version)
    now = excess_columns(market, arrays[0], version.parameters)
    out = np.zeros(len(watch.book), bool)
    for k, batch in enumerate(watch.batches):
        gone = left(batch.bands, place_of(batch.bands, now))
        accounts = np.repeat(batch.account, np.diff(watch.pointer)[batch.account])[gone]
        out[accounts[watch.batch[accounts] == k]] = True
    accounts = np.flatnonzero(out).astype(np.int32)
    if not len(accounts):
        return replaced(watch, sequence=market.sequence, status=watch.held, recomputed=0,
                        at_nodes=0)
    shard = accounts_of(watch.book, accounts)
    if len(accounts) > watch.rules.again_share * len(watch.book):
        bands = bands_of(shard, market, model=model, version=version, grid=watch.rules.narrow)
        return _with_batch(_with_margins(watch, market, accounts, bands.margins), accounts, bands)
    margins = compute_margin(shard, market, model=model, version=version, arrays=arrays)
    return _with_margins(watch, market, accounts, margins)


def _with_margins(watch: Watch, market: MarketSnapshot, accounts: Indices,
                  margins: AccountMargin) -> Watch:
    row, _ = places_of(watch.pointer, accounts)
    status, computed = watch.held.copy(), watch.computed.copy()
    initial, maintenance = watch.initial.copy(), watch.maintenance.copy()
    status[row], computed[row] = margins.status, market.sequence
    initial[row], maintenance[row] = (margins.requirements.initial,
                                      margins.requirements.maintenance)
    return replaced(watch, sequence=market.sequence, status=status, initial=initial,
                    maintenance=maintenance, computed=computed, recomputed=len(accounts),
                    at_nodes=0)


def _with_batch(watch: Watch, accounts: Indices, bands: Bands) -> Watch:
    row, _ = places_of(watch.pointer, accounts)
    batch = watch.batch.copy()
    batch[accounts] = len(watch.batches)
    kept, place = np.unique(batch, return_inverse=True)
    held = watch.held.copy()
    held[row] = bands.margins.status
    new = Batch(bands=bands, account=accounts, row=row.astype(np.int32))
    batches = (*watch.batches, new)
    return replaced(watch, batches=tuple(batches[k] for k in kept), held=held,
                    batch=place.astype(np.int32),
                    at_nodes=(len(watch.rules.narrow) - 1) * len(accounts))
