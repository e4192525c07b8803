"""What a unit model keeps of one account so that an order's need is one row of P&L away.

The summed vectors, charges and deltas of every risk unit, for the positions alone and, where the
account has open orders, with either side of them filled; `core/prepared.hpp` has the arithmetic.
Adding a row is not summing again, so a prepared figure carries the bound of what it may be off.
With u = 2^-53, n positions in the unit and x the order, the two sums of a quantity differ by at
most (2 n + 20) u times the sum of the sizes of its addends (docs/decisions/0010).
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book, concatenated
from counterpoise.margin.pools import Bools
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.orders import accounts_with_orders, filled
from counterpoise.margin.terms.risk_matrix import UnitTerms
from counterpoise.risk.aggregation import Rows, exposures, grouped, loss_vectors
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import power_of_ten

ULP: Final = 1.0 / (1 << 53)
Lots = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class PoolTerms:
    """What the requirement of a pool is made of beside its units; arrays are [unit].

    fixed            amount that no position changes, added to the initial requirement
    orders_given     True where the venue's own amount stands for the open orders
    barred           True where the pool has no number
    decimals         of a worst case and of IM; MM is rounded to `maintenance_decimals`
    """

    fixed: Floats
    orders_given: Bools
    barred: Bools
    decimals: int
    maintenance_decimals: int


@frozen
class MarketUnits:
    """What all accounts share at one snapshot.

    engine        P&L and terms as `_core.Prepared` reads them, a copy
    bad           [instrument] True for those without a number
    columns       [instrument, 4] deltas of the roll shock and its rate, of the delta shock and
                  those of options
    reach         [instrument] largest absolute P&L
    together      [unit, unit] True where both are of one pool
    steepness     [unit] most that a weighted P&L moves for one unit of P&L
    factor        maintenance over RM
    """

    engine: Any
    arrays: RiskArrays
    terms: UnitTerms
    bad: Bools
    columns: Floats
    reach: Floats
    together: Bools
    steepness: Floats
    factor: float


@frozen
class PreparedUnits:
    """One account at one snapshot; see `_core.Prepared` for its calls. Arrays are [unit].

    engine        answers for an order in a fraction of a microsecond
    positions     how many addends a unit's sums have at most
    scan_size     sum of lots x largest P&L, absolute; `roll_size` and `delta_size` alike
    """

    engine: Any
    market: MarketUnits
    pools: PoolTerms
    positions: Floats
    scan_size: Floats
    roll_size: Floats
    delta_size: Floats


def market_units(arrays: RiskArrays, terms: UnitTerms, *, bad: Bools,
                 factor: float) -> MarketUnits:
    """Return what all accounts share; `bad` [instrument] marks those without a number."""
    shaping, settlement = terms.transform, np.array(terms.units.settlement)
    market = {"pnl": arrays.pnl, "unit": terms.units.of, "segment": terms.segment,
              "flag": bad.view(np.uint8), "columns": terms.columns, "size_rule": terms.size_rule,
              "weight": shaping.weight, "dampener": shaping.dampener,
              "gain_factor": shaping.gain_factor, "gain_cap": shaping.gain_cap,
              "dampen_first": shaping.dampen_first, "factor": factor}
    return MarketUnits(engine=_core.PreparedMarket(arrays.sequence, market), arrays=arrays,
                       terms=terms, bad=bad, columns=terms.columns, reach=_reach(arrays.pnl),
                       together=settlement[:, None] == settlement[None, :],
                       steepness=np.maximum(_reach(terms.weight), 1.0), factor=factor)


def prepared_units(book: Book, market: MarketUnits, *, pools: PoolTerms) -> PreparedUnits:
    """Return an account, a book of one row, ready for orders."""
    assert len(book) == 1
    arrays, terms = market.arrays, market.terms
    states = _states(book, arrays)
    rows = grouped(row_pointer=states.row_pointer, instrument=states.instrument, lots=states.lots,
                   key=terms.units.of)
    shape = len(states), len(terms.units.name)
    raw, worst = _vectors(rows, arrays, terms)
    results, _ = _core.add_ons(
        pointer=rows.pointer, key=rows.key, instrument=rows.instrument, lots=rows.lots, loss=worst,
        segment=terms.segment, columns=market.columns, value=terms.value,
        flag=market.bad.view(np.uint8), size_rule=terms.size_rule)
    charge, shock = results[:, 1].copy(), results[:, 2]
    needs = _spread(rows, worst + charge + shock, shape).reshape(shape)
    account = _deltas(states, rows, terms, shape=shape) | _held(rows, shape[1]) | {
        "raw": _spread(rows, raw, shape), "charge": _spread(rows, charge, shape),
        "fixed": pools.fixed, "rest": _rest(needs, market.together, pools)}
    return PreparedUnits(engine=_core.Prepared(market.engine, account), market=market,
                         pools=pools, **_sizes(rows, market, shape))


def _states(book: Book, arrays: RiskArrays) -> Book:
    """Return the positions, and with open orders either side of them filled, as accounts."""
    accounts = np.zeros(1, np.int32)
    direction = np.nan_to_num(arrays.delta)
    signs = (0.0, 1.0, -1.0) if len(accounts_with_orders(book)) else (0.0,)
    return concatenated([filled(book, accounts, sign * direction) for sign in signs])


def _spread(rows: Rows, column: Floats, shape: tuple[int, int]) -> Floats:
    """Return a column of unit rows as [side x unit], 0 where there is no row."""
    out = np.zeros((shape[0] * shape[1], *column.shape[1:]))
    out[rows.account.astype(np.int64) * shape[1] + rows.key] = column
    return out


def _vectors(rows: Rows, arrays: RiskArrays, terms: UnitTerms) -> tuple[Floats, Floats]:
    """Return the summed P&L of the unit rows before their transforms, and their worst losses."""
    held, place = np.unique(rows.instrument, return_inverse=True)
    few = Rows(pointer=rows.pointer, account=rows.account, key=rows.key,
               instrument=place.astype(np.int32), lots=rows.lots)
    raw, counted = loss_vectors(few, arrays.pnl[held], terms.transform)
    return raw, -counted.min(axis=1, initial=0.0)


def _deltas(states: Book, rows: Rows, terms: UnitTerms, *,
            shape: tuple[int, int]) -> dict[str, Any]:
    net, long, _ = exposures(rows, np.stack([terms.delta, terms.long_delta], axis=1))
    by_segment = grouped(row_pointer=states.row_pointer, instrument=states.instrument,
                         lots=states.lots, key=terms.segment)
    deltas, _, _ = exposures(by_segment, terms.roll_delta[:, None])
    nets = np.zeros((shape[0], int(terms.segment.max(initial=-1)) + 1))
    nets[by_segment.account, by_segment.key] = deltas[:, 0]
    carried = np.zeros((shape[0], len(terms.delta)))
    side = np.repeat(np.arange(shape[0]), np.diff(states.row_pointer))
    carried[side, states.instrument] = states.lots
    return {"segment_net": nets, "carried": carried, "net": _spread(rows, net[:, 0].copy(), shape),
            "owned": _spread(rows, long[:, 1].copy(), shape)}


def _held(rows: Rows, units: int) -> dict[str, Any]:
    """Return the positions of the account itself, state 0, by unit."""
    mine = int(np.searchsorted(rows.account, 1))
    stop = int(rows.pointer[mine])
    pointer = np.zeros(units + 1, np.int64)
    pointer[rows.key[:mine] + 1] = np.diff(rows.pointer[:mine + 1])
    return {"pointer": np.cumsum(pointer), "instrument": rows.instrument[:stop].copy(),
            "lots": rows.lots[:stop].copy()}


def _rest(addends: Floats, together: Bools, pools: PoolTerms) -> Floats:
    """Return what the other units of each unit's pool need, [side x unit]."""
    other = together & ~np.eye(len(together), dtype=bool)
    rest = np.array([[np.add.reduce(side[mine]) for mine in other] for side in addends])
    rest[1:, pools.orders_given] = -np.inf
    rest[:, pools.barred] = np.nan
    return rest.reshape(-1)


def _sizes(rows: Rows, market: MarketUnits, shape: tuple[int, int]) -> dict[str, Any]:
    columns = market.columns[rows.instrument]
    size = np.abs(rows.lots).astype(np.float64)
    row = np.repeat(np.arange(len(rows)), np.diff(rows.pointer))
    by_position = {
        "positions": np.ones(len(size)), "scan_size": size * market.reach[rows.instrument],
        "roll_size": size * np.abs(columns[:, 0] * columns[:, 1]),
        "delta_size": size * np.abs(columns[:, 2:]).sum(axis=1)}
    return {name: _spread(rows, np.asarray(np.bincount(row, weights=w, minlength=len(rows)),
                                           np.float64), shape).reshape(shape).max(axis=0)
            for name, w in by_position.items()}


def _reach(rows: Floats) -> Floats:
    """Return the largest absolute value of each row, 0 where there is no column."""
    return np.asarray(np.abs(rows).max(axis=1, initial=0.0))


def error_bounds(units: PreparedUnits, instrument: Indices, lots: Lots, *,
                 initial: Floats, maintenance: Floats) -> tuple[Floats, Floats]:
    """Return by how much prepared IM and MM may differ from the recomputed ones, each [order].

    The bound holds rounding of the sums and of the printed figures; it is proved in
    docs/decisions/0010-prepared-accounts.md.
    """
    market, size = units.market, np.abs(lots).astype(np.float64)
    unit = market.terms.units.of[instrument]
    column, rule = market.columns[instrument], market.terms.size_rule[unit]
    sums = (2 * units.positions[unit] + 20) * ULP
    scan = market.steepness[unit] * (units.scan_size[unit] + size * market.reach[instrument])
    roll = units.roll_size[unit] + size * np.abs(column[:, 0] * column[:, 1])
    delta = units.delta_size[unit] + size * np.abs(column[:, 2:]).sum(axis=1)
    # The shock rises by at most cap + slope x size, and no longer with the size once at the cap.
    slope = np.minimum(rule[:, 0] * delta, rule[:, 0] * rule[:, 1] + rule[:, 2])
    shock = 2 * delta * (rule[:, 2] + slope) * rule[:, 3]
    off = sums * (scan + roll + shock)
    members = market.together[unit].sum(axis=1).astype(np.float64)
    off = off + (4 * members + 20) * ULP * (np.abs(initial) + np.abs(maintenance) / (
        market.factor))
    printed = 0.5 * power_of_ten(-units.pools.decimals)
    return (off + (3 * members + 1) * printed, market.factor * (off + members * printed)
            + 0.5 * power_of_ten(-units.pools.maintenance_decimals))
