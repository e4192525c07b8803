"""How far may each account's excess fall or rise, and what do moves of the market do to it?

For every (account, unit): gross sums that turn distances of the market into money, and how far the
excess that matters falls or rises at each node. A status needs some excesses at or above zero and
others below it; the first are bounded by concavity, the second by the scenario that rules them now.
The proofs stand in docs/decisions/0011-safe-bands.md.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of, entries_of
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.band_nodes import BandGrid, centre, nodes, remarked, shifted
from counterpoise.margin.compute import AccountMargin, compute_margin
from counterpoise.margin.excess_columns import ExcessColumns, excess_columns
from counterpoise.margin.model import EquityRule, MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import Rows, exposures, grouped
from counterpoise.risk.arrays import RiskArrays, risk_arrays
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import power_of_ten
from counterpoise.values.time import DAY_NS

Bools = np.ndarray[Any, np.dtype[np.bool_]]
NEVER: Final = 1e200
MONEY_SLACK: Final = 1.0 / (1 << 46)
"""Relative floating-point slack of a sum of money; sums of up to some thousand terms err less."""
_ROUNDING: Final = 2e-9
_TENORS: Final = (4.0, 16.0, 64.0)
BUCKETS: Final = 1 + 2 * (len(_TENORS) + 1)
_FAR: Final = 4e-4
_FLOOR: Final = 1.0 / (1 << 10)
"""Weights are at least this share of the largest column, so that distances carry rounding slack."""
_SPARE_DELTA: Final = 0.25
_HOLDS: Final = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]], bool)
"""Which excesses must stay >= 0 for each status, [status, (initial, maintenance, balance)]."""
_LACKS: Final = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 0]], bool)
"""Which must stay < 0."""


@frozen
class Seen:
    """What bands are made from: a book in a market, its margins, and the columns of every node."""

    book: Book
    market: MarketSnapshot
    model: MarginModel
    version: ParameterVersion
    grid: BandGrid
    arrays: RiskArrays
    columns: tuple[ExcessColumns, ...]
    margins: AccountMargin
    threads: int


@frozen
class Scales:
    """What distances are multiples of, [instrument].

    weight    pool currency per lot, 0 where no usable number was
    bucket    which instruments share a distance: delta one, options by tenor and moneyness
    limit     largest |delta| per lot for which the delta shock stays zero
    ordered   which have open orders: the sign of their delta must stay
    """

    weight: Floats
    bucket: Indices
    limit: Floats
    ordered: Bools


@frozen
class UnitRows:
    """(account, unit) pairs of a book and what bounds their excess, pool currency.

    row, unit   [unit row] requirement row and risk unit
    gross       [bucket, unit row] sum |lots| x weight
    drop, rise  [node, unit row] most that the excess that matters falls or rises at the node
    low, high   [row] how far the excess may fall and rise; < 0 if it may not move at all
    """

    row: Indices
    unit: Indices
    gross: Floats
    drop: Floats
    rise: Floats
    low: Floats
    high: Floats


def unit_rows(seen: Seen, scales: Scales, stretch: float) -> UnitRows:
    """Return what bounds the excess of every (account, unit)."""
    rows = grouped_with_orders(seen.book, seen.columns[0].unit)
    own = seen.columns[centre(seen.grid)]
    ways = [np.abs(c.excess - own.excess).max(axis=1) + np.abs(c.roll - own.roll)
            for c in seen.columns]
    parts = [np.where(scales.bucket == b, scales.weight, 0.0) for b in range(BUCKETS)]
    largest = np.abs(own.excess).max(axis=1)
    table = np.stack([scales.limit, largest, *ways, *parts], axis=1)
    _, _, gross = exposures(rows, np.nan_to_num(table), threads=seen.threads)
    # A chain of many additions errs in proportion to its length.
    gross[:, 1] *= 1 + np.diff(rows.pointer) / 16
    row = _requirement_rows(seen, rows)
    far = 2 + len(ways)
    low, high = _room(seen, (row, rows.key), gross[:, :2])
    return UnitRows(row=row, unit=rows.key, gross=np.ascontiguousarray(gross[:, far:].T),
                    drop=_drops(seen, row, rows.key),
                    rise=_rises(seen, rows, stretch * gross[:, 2:far].T, stretch),
                    low=low, high=high)


def grouped_with_orders(book: Book, unit: Indices) -> Rows:
    """Return the unit rows of positions and open orders; only gross sums make sense of them."""
    if len(book.order_lots):
        # Orders twice: they move a requirement by w p alone, which is m + w p less m.
        orders = entries_of(book.order_pointer, book.order_instrument, np.abs(book.order_lots))
        held = entries_of(book.row_pointer, book.instrument, np.abs(book.lots))
        every = (held, orders, orders)
        book = book_of(catalogue=book.catalogue, accounts=book.accounts, positions=Entries(
            account=np.concatenate([e.account for e in every]),
            instrument=np.concatenate([e.instrument for e in every]),
            lots=np.concatenate([e.lots for e in every]),
            entry_cost=np.concatenate([e.entry_cost for e in every])))
    return grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=unit)


def scales_of(seen: Seen) -> Scales:
    """Return the scales of every instrument.

    Any positive weight is right. These are what a move of every volatility by 1 % (at 30 days)
    and of every basis by 2 basis points does, so that no one instrument rules the distance.
    """
    market, own = seen.market, seen.columns[centre(seen.grid)]
    terms, everything = market.catalogue, np.arange(len(market.index), dtype=np.int32)
    usable = np.ones(len(terms), bool)
    for node in seen.columns:
        usable &= np.isfinite(node.excess).all(axis=1) & np.isfinite(node.roll + node.delta)
    inverse = terms.payoff == 1
    coins = np.where(inverse & (terms.kind != OPTION),
                     terms.unit / np.where(market.mark > 0, market.mark, np.inf), terms.unit)
    # A far strike may double its volatility and still be worth nothing: it must not rule.
    worth = np.where(inverse, 1.0, market.index[terms.underlying])
    weight = _FLOOR * np.abs(own.excess).max(axis=1) + _FAR * coins * worth
    for move, vol in ((0.0, 0.01), (0.0002, 0.0)):
        there = shifted(market, everything, move=move, vol=vol)
        found = risk_arrays(there, seen.arrays.scenarios)
        bumped = excess_columns(remarked(there, found, seen.arrays), found,
                                seen.version.parameters)
        weight = weight + np.abs(bumped.excess - own.excess).max(axis=1)
    limit = np.max([np.abs(node.delta) for node in seen.columns], axis=0) + _SPARE_DELTA * coins
    usable &= np.isfinite(weight)
    return Scales(weight=np.where(usable, weight, 0.0), bucket=_buckets(market),
                  limit=np.where(usable, limit, np.where(np.isfinite(own.excess[:, 0]), NEVER, 0)),
                  ordered=np.isin(np.arange(len(terms)), seen.book.order_instrument))


def _buckets(market: MarketSnapshot) -> Indices:
    """Return 0 for delta one; options by days to expiry, then whether they are far from the money.

    Any division is right; instruments of a bucket should move alike.
    """
    terms, option = market.catalogue, market.catalogue.kind == OPTION
    days = np.maximum(terms.expiry - market.as_of, 0) / DAY_NS
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = market.volatility * np.sqrt(days / 365)
        ratio = np.where(option, terms.strike / market.forward, 1.0) - 1.0
        far = np.abs(ratio) > 1.5 * reach
    return np.where(option, 1 + 2 * np.searchsorted(_TENORS, days) + far, 0).astype(np.int32)


def _requirement_rows(seen: Seen, rows: Rows) -> Indices:
    required, terms, unit = seen.margins.requirements, seen.book.catalogue, seen.columns[0].unit
    pool = np.zeros(int(unit.max(initial=-1)) + 1, np.int64)
    pool[unit] = np.array([required.pools.index(s) for s in terms.settlements])[terms.settlement]
    width = len(required.pools)
    have = required.account.astype(np.int64) * width + required.pool
    want = rows.account.astype(np.int64) * width + pool[rows.key]
    return np.searchsorted(have, want).astype(np.int32)


def _excesses(margins: AccountMargin) -> Floats:
    return np.stack([margins.initial_excess, margins.maintenance_excess, margins.margin_balance])


def _drops(seen: Seen, row: Indices, unit: Indices) -> Floats:
    """Return how far the excesses that a status needs fall at each node, [node, unit row].

    Where rows hold several units, one underlying moves at a time: a row's excess is a sum over
    units, so that its change is that unit's.
    """
    underlyings = np.arange(len(seen.market.index), dtype=np.int32)
    alone = len(np.unique(row)) == len(row)
    before, holds = _excesses(seen.margins), _HOLDS[seen.margins.status].T
    underlying = seen.columns[0].underlying_of[unit]
    fall = np.zeros((len(seen.grid), len(row)))
    for moved in [underlyings] if alone else [underlyings[u:u + 1] for u in underlyings]:
        mine = np.isin(underlying, moved)
        found = nodes(seen.market, moved, model=seen.model, version=seen.version, grid=seen.grid)
        for k, (there, arrays) in enumerate(found):
            if k == centre(seen.grid):
                continue
            after = compute_margin(seen.book, there, model=seen.model, version=seen.version,
                                   arrays=(arrays,), threads=seen.threads)
            most = np.where(holds, before - _excesses(after), -np.inf).max(axis=0)
            fall[k, mine] = np.where(np.isneginf(most), 0.0, most)[row[mine]]
    fall[~np.isfinite(fall)] = NEVER
    return fall


def _rises(seen: Seen, rows: Rows, ways: Floats, stretch: float) -> Floats:
    """Return the most that any excess rises at each node, [node, unit row].

    By gross sums, and where the scenario that rules now says so, by less.
    """
    own = seen.columns[centre(seen.grid)].dampener
    more = [np.maximum(np.nan_to_num(c.dampener - own), 0).max(axis=1)[rows.key]
            for c in seen.columns]
    out = ways + stretch * np.stack(more)
    if "equity" in seen.book.given or any(haircuts_of(seen.margins).values()):
        return out
    account, unit, net = _net_rises(seen)
    width = len(own)
    at = np.searchsorted(rows.account.astype(np.int64) * width + rows.key,
                         account.astype(np.int64) * width + unit)
    out[:, at] = net
    return out


def _net_rises(seen: Seen) -> tuple[Indices, Indices, Floats]:
    """Return (account, unit, [node, entry]) of rises by the scenario that is worst now.

    An excess is at most what the scenario that rules it now makes of it elsewhere. For rows that
    lack margin and accounts without orders; rolls are bounded by gross sums.
    """
    required, own = seen.margins.requirements, seen.columns[centre(seen.grid)]
    worst, factor = required.worst, seen.version.parameters.general.mm_factor
    # Worst cases stand by account, pool and unit; unit rows by account and unit.
    order = np.lexsort((worst.unit, required.account[worst.row]))
    row, scenario = worst.row[order], worst.scenario[order]
    rows = grouped(row_pointer=seen.book.row_pointer, instrument=seen.book.instrument,
                   lots=seen.book.lots, key=own.unit)
    status = seen.margins.status[row]
    lacks = ((status > 0) & (status < 4)
             & (np.diff(seen.book.order_pointer)[required.account[row]] == 0))
    entry = np.repeat(np.arange(len(rows)), np.diff(rows.pointer))
    at = np.flatnonzero(lacks[entry])
    entry, lots, held = entry[at], rows.lots[at], rows.instrument[at]

    def total(column: Floats) -> Floats:
        return np.asarray(np.bincount(entry, lots * column, len(rows)), np.float64)

    out = []
    for node in seen.columns:
        way = (node.excess - own.excess)[held]
        value, ruled = total(way[:, 0]), total(way[np.arange(len(held)), scenario[entry]])
        ruled = ruled + (node.dampener - own.dampener)[rows.key, scenario]
        roll = np.bincount(entry, np.abs(lots * (node.roll - own.roll)[held]), len(rows))
        short = (1.0 - factor) * value + factor * (ruled + roll)
        out.append(np.where(status == 1, ruled + roll,
                            np.where(status == 2, short, np.maximum(short, value))))
    return rows.account[lacks], rows.key[lacks], np.stack(out)[:, lacks]


def _room(seen: Seen, where: tuple[Indices, Indices], gross: Floats) -> tuple[Floats, Floats]:
    """Return how far each row's excess may fall and rise, less rounding and floating point.

    `gross` [unit row, (limit of delta, largest column)].
    """
    row, unit = where
    status, count = seen.margins.status, len(seen.margins.status)
    before = _excesses(seen.margins)
    low = np.where(_HOLDS[status].T, before, np.inf).min(axis=0)
    high = np.where(_LACKS[status].T, -before, np.inf).min(axis=0)
    units = added(row, np.ones(len(row)), count)
    magnitude = (added(row, gross[:, 1], count) + np.abs(np.nan_to_num(seen.margins.equity))
                 + _owned(seen))
    slack = _ROUNDING * (units + 2) + MONEY_SLACK * magnitude
    shocked = ~(gross[:, 0] < _threshold_coins(seen)[unit])
    never = (status == 4) | (added(row, shocked.astype(np.float64), count) > 0)
    never |= (units > 1) & _couples_units(seen)
    return np.where(never, -1.0, low - slack), np.where(never, -1.0, high - slack)


def _couples_units(seen: Seen) -> Bools:
    """Return the rows whose excess is no sum over units: open orders, haircuts of equity, [row]."""
    required = seen.margins.requirements
    haircuts = haircuts_of(seen.margins)
    cut = np.array([haircuts.get(p, 0.0) != 0.0 for p in required.pools], bool)
    ordered = np.diff(seen.book.order_pointer)[required.account] > 0
    return np.asarray(ordered | cut[required.pool])


def haircuts_of(margins: AccountMargin) -> dict[str, float]:
    """Return the haircuts {asset: fraction} of pools of one asset each."""
    assert isinstance(margins.equity_rule, EquityRule)
    return margins.equity_rule.haircuts


def _owned(seen: Seen) -> Floats:
    required = seen.margins.requirements
    out = np.zeros(len(required))
    for k, a in enumerate(seen.book.assets):
        mine = required.pool == required.pools.index(a.code)
        amount = seen.book.balances[required.account[mine], k]
        out[mine] = np.abs(amount) / power_of_ten(a.decimals)
    return out


def _threshold_coins(seen: Seen) -> Floats:
    """Return the delta below which no node has a delta shock, coins, [unit]."""
    pairs = seen.version.parameters.currency_pair
    dollars = [pairs[k].delta_total_liq_shock_threshold if k in pairs else 0.0
               for k in (f"{u.lower()}_usd" for u in seen.book.catalogue.underlyings)]
    highest = np.max([c.index for c in seen.columns], axis=0)
    return np.asarray((np.array(dollars) / highest)[seen.columns[0].underlying_of])


def added(row: Indices, column: Floats, count: int) -> Floats:
    """Add up `column` by `row` into `count` rows; every row once is no work."""
    if len(row) == count and np.array_equal(row, np.arange(count)):
        return column
    return np.asarray(np.bincount(row, weights=column, minlength=count), np.float64)
