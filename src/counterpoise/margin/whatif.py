"""What if: how much would the account need with one more order filled, and how large may it be?

    ready_market -> prepare -> effects (screen: adds a row, error stated)
                            -> after_order (decides: recomputed)

What accounts share is made ready once per snapshot. A prepared account belongs to that snapshot:
its sequence is passed with every question, and an account prepared at another one is refused. The
screen never decides; `after_order` is `margin.compute` on the account with the order filled, and
`largest_that_fits` ends in it.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np

from counterpoise.accounts.book import (
    Book,
    Entries,
    book_of,
    joined,
    orders_of,
    positions_of,
    tables_of,
)
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.model import MarginModel, PricedMarket
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.pools import pool_of_instrument
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.prepared_units import (
    Lots,
    MarketUnits,
    PreparedUnits,
    error_bounds,
)
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import LOTS_MAX, UNKNOWN


@runtime_checkable
class PreparableModel(MarginModel, Protocol):
    """A model that can say what of an account an order needs to meet."""

    def market_units(self, priced: PricedMarket) -> MarketUnits:
        """Return what all accounts share at one snapshot."""

    def prepared(self, book: Book, market: MarketUnits) -> PreparedUnits:
        """Return a book of one row ready for orders."""


@frozen
class ReadyMarket:
    """One snapshot, priced and made ready for the accounts that will be asked about."""

    priced: PricedMarket
    model: PreparableModel
    version: ParameterVersion
    units: MarketUnits


@frozen
class Prepared:
    """One account at one snapshot, and what it takes to recompute it.

    `units.engine` answers for one order in a fraction of a microsecond:
    `engine.initial(column, lots, sequence)`, `maintenance`, `worst`.
    """

    book: Book
    sequence: int
    market: ReadyMarket
    units: PreparedUnits


@frozen
class Effects:
    """What the pool of each order would need with that order alone filled, [order].

    worst                           worst loss of the order's risk unit
    initial, maintenance            of the order's pool, pool currency; NaN without a number
    initial_error, maintenance_error   at most this far from the recomputed figures
    """

    worst: Floats
    initial: Floats
    maintenance: Floats
    initial_error: Floats
    maintenance_error: Floats


def ready_market(market: MarketSnapshot, *, model: MarginModel, version: ParameterVersion,
                 arrays: tuple[RiskArrays, ...] | None = None) -> ReadyMarket:
    """Return what all prepared accounts share at this snapshot; `arrays` from `compute.priced`.

    Raises
    ------
    BadInput
        If the model has no prepared form.
    """
    if not isinstance(model, PreparableModel):
        raise bad_input(Reason.NOT_APPLICABLE, model.name, "has no prepared figures; compute the "
                        "margin of the account with the order filled instead")
    if arrays is None:
        arrays = priced(market, model=model, version=version)
    now = PricedMarket(market=market, arrays=arrays, parameters=version.parameters)
    return ReadyMarket(priced=now, model=model, version=version, units=model.market_units(now))


def prepare(book: Book, market: ReadyMarket) -> Prepared:
    """Return an account, a book of one row, ready for what-if questions at this snapshot."""
    now = market.priced.market
    assert len(book) == 1 and book.catalogue is now.catalogue
    return Prepared(book=book, sequence=now.sequence, market=market,
                    units=market.model.prepared(book, market.units))


def effects(prepared: Prepared, instrument: Indices, lots: Lots, *, sequence: int,
            threads: int = 1) -> Effects:
    """Return what each order by itself would make of the requirement of its pool.

    `instrument` [order] is the catalogue column, `lots` [order] signed, buy > 0; `sequence` is the
    market's now.

    Raises
    ------
    BadInput
        If the account was prepared at another snapshot.
    """
    _refuse_stale(prepared, sequence)
    worst, initial, maintenance = prepared.units.engine.effects(instrument, lots, sequence, threads)
    off, maintenance_off = error_bounds(prepared.units, instrument, lots, initial=initial,
                                        maintenance=maintenance)
    return Effects(worst=worst, initial=initial, maintenance=maintenance, initial_error=off,
                   maintenance_error=maintenance_off)


def after_order(prepared: Prepared, instrument: int, lots: int, *, sequence: int) -> AccountMargin:
    """Return the margin of the account with an order filled, recomputed: the decision.

    Raises
    ------
    BadInput
        If the account was prepared at another snapshot, or the position would be too large.
    """
    _refuse_stale(prepared, sequence)
    now = prepared.market
    return compute_margin(with_position(prepared.book, instrument, lots), now.priced.market,
                          model=now.model, version=now.version, arrays=now.priced.arrays)


def with_position(book: Book, instrument: int, lots: int) -> Book:
    """Return an account with one more position, its entry cost unknown.

    Raises
    ------
    BadInput
        If there is no such instrument, or the position would be too large.
    """
    if not 0 <= instrument < len(book.catalogue):
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, str(instrument), "must be a column of the "
                        f"catalogue, from 0 to {len(book.catalogue) - 1}")
    if abs(lots) > LOTS_MAX:
        raise bad_input(Reason.ABSURD_QUANTITY, book.catalogue.instruments[instrument].id,
                        f"an order of {lots} lots exceeds the limit of {LOTS_MAX}; check the unit")
    held = positions_of(book)
    more = Entries(account=np.zeros(1, np.int64), instrument=np.array([instrument], np.int32),
                   lots=np.array([lots], np.int64), entry_cost=np.array([UNKNOWN], np.int64),
                   given={name: np.array([np.nan]) for name in held.given})
    made = book_of(catalogue=book.catalogue, accounts=book.accounts,
                   positions=joined(held, more) if lots else held, orders=orders_of(book))
    return replaced(made, assets=book.assets, **tables_of(book, lambda table: table))


def largest_that_fits(prepared: Prepared, *, instrument: int, wanted: int, limit: float,
                      sequence: int) -> int:
    """Return the largest size, in lots with the sign of `wanted`, that keeps IM at most `limit`.

    At most `wanted`; 0 where no size tried fits, not even none. `limit` is in the currency of the
    order's pool. Sizes are tried over the whole range (smaller ones that fit between larger ones
    that do not are allowed: an order may hedge first), the end of the last stretch that fits is
    found by sections on prepared figures and confirmed, lot by lot, on recomputed ones.

    Raises
    ------
    BadInput
        If the account was prepared at another snapshot.
    """
    _refuse_stale(prepared, sequence)
    sign, most = (1 if wanted > 0 else -1), min(abs(wanted), LOTS_MAX)
    low, high = _stretch(prepared, instrument, sign, _ladder(most), limit)
    while high - low > 1:
        rungs = np.unique(np.linspace(low, high, 65).astype(np.int64))
        low, high = _stretch(prepared, instrument, sign, rungs, limit)
    while low > 0 and not _fits(prepared, instrument, sign * low, limit):
        # The screen lets pass what it cannot tell apart: step down, ever faster.
        high, low = low, max(low - max(2 * (high - low), 1), 0)
    low, high = _confirmed(prepared, instrument, (sign, low, high), limit)
    return sign * low


def _ladder(most: int) -> Lots:
    """Return sizes from 0 to `most`, each a tenth more than the last."""
    sizes = [0]
    while sizes[-1] < most:
        sizes.append(min(sizes[-1] + max(sizes[-1] // 10, 1), most))
    return np.array(sizes, np.int64)


def _stretch(prepared: Prepared, instrument: int, sign: int, sizes: Lots,
             limit: float) -> tuple[int, int]:
    """Return the largest of the sizes that passes the screen, and the next; (0, 0) if none."""
    found = effects(prepared, np.full(len(sizes), instrument, np.int32), sign * sizes,
                    sequence=prepared.sequence)
    passing = np.flatnonzero(found.initial - found.initial_error <= limit)
    if not len(passing):
        return int(sizes[0]), int(sizes[0])
    last = int(passing[-1])
    return int(sizes[last]), int(sizes[min(last + 1, len(sizes) - 1)])


def _confirmed(prepared: Prepared, instrument: int, between: tuple[int, int, int],
               limit: float) -> tuple[int, int]:
    """Return the largest size that fits, between one that does and one that does not."""
    sign, low, high = between
    while high - low > 1:
        middle = (low + high) // 2
        if _fits(prepared, instrument, sign * middle, limit):
            low = middle
        else:
            high = middle
    return low, high


def _fits(prepared: Prepared, instrument: int, lots: int, limit: float) -> bool:
    """Return whether the recomputed initial requirement of the order's pool is within the limit."""
    needs = after_order(prepared, instrument, lots, sequence=prepared.sequence).requirements
    mine = needs.pool == pool_of_instrument(prepared.book, needs.pools)[instrument]
    return bool(np.all(needs.initial[mine] <= limit))


def _refuse_stale(prepared: Prepared, sequence: Any) -> None:
    if sequence != prepared.sequence:
        raise bad_input(Reason.STALE, str(prepared.book.accounts[0]), (
            f"was prepared at snapshot {prepared.sequence}, the market is at {sequence}; prepare "
            "it again"))
