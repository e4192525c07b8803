"""TIMS, OCC's customer portfolio margin: the worst of ten price points, and a minimum by contract.

    netting     at each point: losses of its class groups + offset x their gains
    need        max(worst point, sum of the class groups' minima)     IM = MM + open orders

Class groups of one product group net with each other at the group's offset (0.9 at most); a class
group in none nets by itself. Volatility is not moved. Sources: OCC customer portfolio margin, FINRA
Rule 4210(g), Cboe Rule 10.4; docs/methodology/tims.md says which parts are *our reading*.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.contributions import Contributions, contributions_of
from counterpoise.margin.model import EquityRule
from counterpoise.margin.pools import (
    PoolRows,
    failing_rows,
    given_amount,
    pool_of_instrument,
    settlement_pools,
    summed,
)
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.class_groups import (
    ClassGroups,
    TimsParameters,
    class_groups_of,
    judged,
    lot_coins,
    point_scenarios,
)
from counterpoise.margin.terms.orders import order_excess
from counterpoise.margin.terms.rounding import with_rounding
from counterpoise.margin.vectors import RiskVectors, risk_vectors
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import IDENTITY, Rows, exposures, grouped, loss_vectors
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen


class Tims:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "tims"
    title = "TIMS customer portfolio margin (10 price points)"
    parameters_type = TimsParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "homogeneous_scan",
                      "subadditive", "hedge_never_raises_scan", "continuous"})

    def equity(self, parameters: TimsParameters) -> EquityRule:
        """Return portfolio-margin equity: the market value of options counts."""
        return EquityRule(option_value=True, haircuts={}, reading="")

    def scenarios(self, market: MarketSnapshot, parameters: TimsParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the ten price points of every class group as one set."""
        return (point_scenarios(market, parameters),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: TimsParameters, threads: int) -> Requirements:
        """Return one row per (account, settlement currency); amounts in that currency."""
        pools = settlement_pools(book)
        groups = class_groups_of(market, parameters, lot_coins(market, arrays[0].delta))
        found = _nettings(book, pools, groups, arrays[0], threads)
        barred, why = judged(market, parameters)
        failure, failures = failing_rows(book, pools, barred | arrays[0].failed, market, why)
        good = failure < 0
        scan, least = (summed(found.at, part, len(pools)) for part in (
            found.scan, np.maximum(found.minimum - found.scan, 0)))
        maintenance = np.where(good, summed(found.at, _need(found), len(pools)), np.nan)
        given = given_amount(book, pools, "open_orders_margin")
        orders = order_excess(book, pools, delta=arrays[0].delta, needs=lambda positions: _by_pool(
            positions, pools, groups, arrays[0]))
        orders = np.where(np.isfinite(given), given, orders)
        initial = maintenance + orders
        parts = {"scan": scan, "minimum": least}
        return Requirements(
            pools=pools.pools, account=pools.account, pool=pools.pool, initial=initial,
            maintenance=maintenance, failure=failure, failures=failures,
            initial_components=with_rounding(parts | {"open_orders_margin": orders}, initial),
            maintenance_components=with_rounding(parts, maintenance),
            candidates={"minimum": summed(found.at, found.minimum, len(pools))},
            worst=_worst(found, groups))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: TimsParameters) -> Contributions:
        """Return losses at the worst point, and minima in proportion to the contracts held."""
        groups = class_groups_of(market, parameters, lot_coins(market, arrays[0].delta))
        found = _nettings(book, settlement_pools(book), groups, arrays[0], 1)
        rows, pnl = found.rows, arrays[0].pnl
        row = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.pointer))
        netting = found.of_row[row]
        scenario = found.scenario[netting]
        gain = rows.lots * pnl[rows.instrument, scenario]
        gains = summed(row, gain, len(rows))[row] > 0
        loss = np.where(scenario > 0, -gain, 0.0) * np.where(gains, groups.offset[rows.key[row]], 1)
        held = np.abs(rows.lots) * groups.minimum[rows.instrument]
        above = np.maximum(found.minimum - found.scan, 0)
        share = np.divide(above, found.minimum, out=np.zeros(len(above)), where=found.minimum > 0)
        return contributions_of({"scan": (loss, rows.order),
                                 "minimum": (held * share[netting], rows.order)},
                                maintenance_factor=1.0)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: TimsParameters) -> tuple[RiskVectors, ...]:
        """Return gains and losses of every class group, point by point, before any offset."""
        groups = class_groups_of(market, parameters, lot_coins(market, arrays[0].delta))
        rows = _rows(book, groups)
        return (risk_vectors(arrays[0], rows, IDENTITY,
                             np.ones((len(groups.name), len(arrays[0].scenarios))), groups.name),)

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: TimsParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that OCC does not publish."""
        grouped_up = any(g.product_group for g in parameters.class_group.values())
        return tuple(sentence for applies, sentence in (
            (True, "classes of crypto underlyings and their product group are our example"),
            (grouped_up, "product group: point by point, gains count at the offset and losses in "
             "full; its minimum is the sum of its class groups' minima"),
            (len(book.order_instrument) > 0, "open orders: the worst of long-delta and "
             "short-delta orders filled")) if applies)

    def reading_variants(self, book: Book, parameters: TimsParameters,
                         ) -> tuple[tuple[tuple[str, TimsParameters], ...], ...]:
        """Return none: what can be chosen is a parameter."""
        return ()


MODEL: Final = Tims()


@frozen
class _Nettings:
    """The nettings of accounts, sorted by (account, netting); [netting row] unless said otherwise.

    rows, of_row     unit rows, and the netting row of each, [unit row]
    loss             [unit row] at its netting's worst point, gains (< 0) by the part that counts
    at               requirement row
    """

    rows: Rows
    of_row: Indices
    loss: Floats
    at: Indices
    scan: Floats
    scenario: Indices
    minimum: Floats


def _rows(book: Book, groups: ClassGroups) -> Rows:
    return grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=groups.of)


def _nettings(book: Book, pools: PoolRows, groups: ClassGroups, arrays: RiskArrays,
              threads: int) -> _Nettings:
    rows = _rows(book, groups)
    gains, _ = loss_vectors(rows, arrays.pnl, threads=threads)
    counted = np.where(gains > 0, groups.offset[rows.key][:, None] * gains, gains)
    width = max(len(groups.net_name), 1)
    code = rows.account.astype(np.int64) * width + groups.net[rows.key]
    codes, first, of_row = np.unique(code, return_index=True, return_inverse=True)
    of_row = of_row.reshape(-1).astype(np.int32)
    netted = np.stack([summed(of_row, counted[:, s], len(codes))
                       for s in range(counted.shape[1])], axis=1)
    netted[:, 0] = 0.0
    scenario = np.argmin(netted, axis=1).astype(np.int32)
    loss = np.where(scenario[of_row] > 0, -counted[np.arange(len(rows)), scenario[of_row]], 0.0)
    pool = np.zeros(len(groups.name), np.int32)
    pool[groups.of] = pool_of_instrument(book, pools.pools)
    _, _, held = exposures(rows, groups.minimum[:, None], threads=threads)
    return _Nettings(
        rows=rows, of_row=of_row, loss=loss, scenario=scenario,
        at=pools.row_of[rows.account[first], pool[rows.key[first]]],
        scan=-np.minimum.reduce(netted, axis=1) + 0.0,
        minimum=summed(of_row, held[:, 0], len(codes)))


def _worst(found: _Nettings, groups: ClassGroups) -> WorstScenarios:
    """Return what every class group loses at the worst point of its netting."""
    return WorstScenarios(units=groups.name, row=found.at[found.of_row], unit=found.rows.key,
                          scenario=found.scenario[found.of_row], loss=found.loss)


def _need(found: _Nettings) -> Floats:
    return np.maximum(found.scan, found.minimum)


def _by_pool(book: Book, pools: PoolRows, groups: ClassGroups, arrays: RiskArrays) -> Floats:
    """Return the requirement of positions alone, [account, pool]."""
    own = settlement_pools(book)
    found = _nettings(book, own, groups, arrays, 1)
    out = np.zeros((len(book), len(pools.pools)))
    place = np.array([pools.pools.index(p) for p in own.pools], np.int32)
    out[own.account, place[own.pool]] = summed(found.at, _need(found), len(own))
    return out
