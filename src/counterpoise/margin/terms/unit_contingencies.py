"""What does a unit need beside its scan, for what the scan does not move apart?

    future         rate x gross coins of futures and perpetuals x index
    short option   rate x sum over expiries of (options sold - bought, if positive) x index
    basis          rate x years between x deltas of expiries that offset x index
    vega           rate x days between x vegas of expiries that offset
    stablecoin     rate x deltas of quote currencies that offset x index

Only the first is confirmed by a published number (Bybit); the shapes of the others are *our
reading* of the names and of secondary sources, docs/methodology/bybit.md.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.contributions import shared_out
from counterpoise.margin.pools import summed
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.roll import expiry_segments
from counterpoise.margin.terms.state_grid_parameters import ContingencyParameters
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.risk.aggregation import Columns, Rows, exposures, grouped
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, YEAR_NS

NAMES: Final = ("future_contingency", "option_contingency", "future_delta_contingency",
                "option_vega_contingency", "usdt_usdc_contingency")
_DELTA, _VEGA, _OPTIONS, _FUTURES = range(4)
Ints = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class ContingencyTerms:
    """What charges are measured by; `usd_index` [underlying] and the rates of `rates`.

    columns    [instrument, 4] per lot: delta in coins, vega in USD per 1.00 of volatility, coins of
               options, coins of futures and perpetuals
    expiry     [instrument] key of (underlying, expiry)
    currency   [instrument] key of (underlying, currency that it is paid in)
    tenors     [expiry] years from the valuation time, 0 without expiry; key = unit x tenors + tenor
    currencies how many currencies a unit has
    """

    columns: Floats
    expiry: Columns
    currency: Columns
    tenors: Floats
    currencies: int
    usd_index: Floats
    rates: ContingencyParameters


def contingency_terms(arrays: RiskArrays, market: MarketSnapshot, usd: Floats,
                      rates: ContingencyParameters) -> ContingencyTerms:
    """Return the terms of every unit; `usd` [instrument] is USD per unit of the quote currency."""
    terms = market.catalogue
    option = terms.kind == OPTION
    expiries = np.unique(terms.expiry)
    vega = np.zeros(len(terms))
    at = np.flatnonzero(option)
    vega[at] = (terms.unit * usd)[at] * black76(
        forward=market.forward[at], strike=terms.strike[at],
        years=np.maximum(terms.expiry[at] - market.as_of, 0) / YEAR_NS,
        volatility=market.volatility[at], right=terms.right[at], rate=market.rate[at]).vega
    columns = np.stack([arrays.black_delta, vega, np.where(option, terms.unit, 0.0),
                        np.where(option, 0.0, arrays.black_delta)], axis=1)
    currencies = max(len(terms.settlements), 1)
    return ContingencyTerms(
        columns=columns, expiry=expiry_segments(terms, terms.underlying), currencies=currencies,
        currency=np.asarray(terms.underlying * currencies + terms.settlement, np.int32),
        tenors=np.where(expiries > 0, np.maximum(expiries - market.as_of, 0), 0) / YEAR_NS,
        usd_index=market.index, rates=rates)


@frozen
class Contingencies:
    """Charges of unit rows, one per (account, underlying), sorted by both; USD.

    charges   {one of `NAMES`: [row]}
    """

    rows: Rows
    charges: dict[str, Floats]


def contingencies(book: Book, terms: ContingencyTerms, *, threads: int = 1) -> Contingencies:
    """Return the charges of every unit that holds derivatives."""
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=book.catalogue.underlying)
    index, rates = terms.usd_index[rows.key], terms.rates
    pointer, tenor, net, gross = _by_expiry(book, terms, rows, threads)
    row_of = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(pointer))
    sold = summed(row_of, np.maximum(-net[:, _OPTIONS], 0.0), len(rows))
    size = summed(row_of, gross[:, _FUTURES], len(rows))
    basis, vega = offset_distance(pointer, net.T[[_DELTA, _VEGA]], tenor)
    charges = (rates.future * size * index, rates.short_option * sold * index,
               rates.basis * basis * index, rates.vega * (YEAR_NS / DAY_NS) * vega,
               rates.stablecoin * _offsetting(book, terms, rows, threads) * index)
    return Contingencies(rows=rows, charges=dict(zip(NAMES, charges, strict=True)))


def offset_distance(pointer: Ints, net: Floats, tenor: Floats) -> Floats:
    """Return how much offsets over how long, [column, row]: its size x its mean distance.

    With L the sum of the positive and S of the negative parts of a column of `net` over a row's
    segments, every long part offsets every short one pro rata: sum of l s |t_l - t_s| / max(L, S),
    in unit of `net` x unit of `tenor`.

    Parameters
    ----------
    pointer
        [row + 1] segments by row.
    net
        [column, segment], of either sign.
    tenor
        [segment], increasing inside a row.
    """
    count = np.diff(pointer)
    order = np.argsort(-count, kind="stable")
    first, row_of = pointer[:-1][order], np.repeat(np.arange(len(count), dtype=np.int32), count)
    long, short = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    longs, shorts = (np.stack([summed(row_of, column, len(count))[order] for column in part])
                     for part in (long, short))
    longs_before, shorts_before, total = (np.zeros(longs.shape) for _ in range(3))
    # Rows with more than k segments stand first; between two expiries all that is long on one
    # side is apart from all that is short on the other.
    for k in range(1, int(count.max(initial=0))):
        live = slice(int(np.count_nonzero(count > k)))
        at = first[live] + k
        longs_before[:, live] += np.take(long, at - 1, axis=1)
        shorts_before[:, live] += np.take(short, at - 1, axis=1)
        apart = (longs_before[:, live] * (shorts[:, live] - shorts_before[:, live])
                 + shorts_before[:, live] * (longs[:, live] - longs_before[:, live]))
        total[:, live] += (tenor[at] - tenor[at - 1]) * apart
    larger = np.maximum(longs, shorts)
    out = np.empty(larger.shape)
    out[:, order] = np.divide(np.maximum(total, 0.0), larger, out=np.zeros(larger.shape),
                              where=larger != 0)
    return out


def _by_expiry(book: Book, terms: ContingencyTerms, rows: Rows,
               threads: int) -> tuple[Ints, Floats, Floats, Floats]:
    """Return the segments (unit, expiry) of every row: pointer, years, net and gross columns."""
    parts = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                    key=terms.expiry)
    net, _, gross = exposures(parts, terms.columns, threads=threads)
    tenors = max(len(terms.tenors), 1)
    pointer = np.append(_starts(rows, parts, tenors), len(parts))
    return pointer, terms.tenors[parts.key % tenors], net, gross


def _starts(rows: Rows, parts: Rows, width: int) -> Ints:
    """Return the first of the finer `parts` of every row; their keys are unit x width + more."""
    unit = parts.key // width
    new = np.ones(len(parts), np.bool_)
    new[1:] = (parts.account[1:] != parts.account[:-1]) | (unit[1:] != unit[:-1])
    first = np.flatnonzero(new)
    assert len(first) == len(rows)
    return first


def _offsetting(book: Book, terms: ContingencyTerms, rows: Rows, threads: int) -> Floats:
    """Return the delta in one currency that offsets that in another, coins, [row]."""
    parts = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                    key=terms.currency)
    delta = np.ascontiguousarray(terms.columns[:, :1])
    net = exposures(parts, delta, threads=threads)[0][:, 0]
    pointer = np.append(_starts(rows, parts, terms.currencies), len(parts))
    row_of = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(pointer))
    long, short = (summed(row_of, np.maximum(side * net, 0.0), len(rows)) for side in (1.0, -1.0))
    return np.minimum(long, short)


def contingency_shares(found: Contingencies, terms: ContingencyTerms) -> dict[str, Floats]:
    """Return each position's share of every charge, in the order of the rows' positions.

    In proportion to size: coins of futures, coins of options sold, delta, vega, delta.
    """
    rows, at = found.rows, found.rows.instrument
    row = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.pointer))
    size = np.abs(rows.lots[:, None] * terms.columns[at])
    sold = np.where(rows.lots < 0, size[:, _OPTIONS], 0.0)
    weights = (size[:, _FUTURES], sold, size[:, _DELTA], size[:, _VEGA], size[:, _DELTA])
    return {name: shared_out(weight, row, found.charges[name])
            for name, weight in zip(NAMES, weights, strict=True)}
