"""TIMS, OCC's customer portfolio margin: the worst of ten price points, and a minimum by contract.

    netting     at each point: losses of its class groups + offset x their gains
    need        max(worst point, sum of the class groups' minima)     IM = MM + open orders

Class groups of one product group net with each other at the group's offset (0.9 at most); a class
group in none nets by itself. Volatility is not moved. Sources: OCC customer portfolio margin, FINRA
Rule 4210(g), Cboe Rule 10.4; docs/methodology/tims.md says which parts are *our reading*.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.contributions import Contributions, contributions_of
from counterpoise.margin.model import EquityRule
from counterpoise.margin.pools import (
    PoolRows,
    failing_rows,
    given_amount,
    pool_of_instrument,
    position_accounts,
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
from counterpoise.risk.aggregation import IDENTITY, grouped
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.segments import (
    SegmentRows,
    SegmentTransform,
    segmented,
    worst_of_segments,
)
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
            worst=_worst(found, groups, arrays[0]))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: TimsParameters) -> Contributions:
        """Return losses at the worst point, and minima in proportion to the contracts held."""
        groups = class_groups_of(market, parameters, lot_coins(market, arrays[0].delta))
        found = _nettings(book, settlement_pools(book), groups, arrays[0], 1)
        rows = found.rows
        loss, _ = _class_losses(found, groups, arrays[0])
        held = np.abs(rows.quantity) * groups.minimum[rows.instrument]
        above = np.maximum(found.minimum - found.scan, 0)
        share = np.divide(above, found.minimum, out=np.zeros(len(above)), where=found.minimum > 0)
        order = np.lexsort((groups.segment[book.instrument], position_accounts(book.row_pointer)))
        return contributions_of(
            {"scan": (loss, order), "minimum": (held * share[found.of_position], order)},
            maintenance_factor=1.0)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: TimsParameters) -> tuple[RiskVectors, ...]:
        """Return gains and losses of every class group, point by point, before any offset."""
        groups = class_groups_of(market, parameters, lot_coins(market, arrays[0].delta))
        rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                       key=groups.of)
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
    """The nettings of accounts, sorted by (account, netting), [row] unless said otherwise.

    rows           nettings as runs of segments, a segment being a class group
    at             requirement row
    of_position    [position] its row
    """

    rows: SegmentRows
    at: Indices
    of_position: Indices
    scan: Floats
    scenario: Indices
    minimum: Floats


def _nettings(book: Book, pools: PoolRows, groups: ClassGroups, arrays: RiskArrays,
              threads: int) -> _Nettings:
    rows = segmented(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                     segment=groups.segment, unit=groups.net)
    width = arrays.pnl.shape[1]
    scan, scenario = worst_of_segments(rows, arrays.pnl, SegmentTransform(
        up=np.repeat(groups.offset[:, None], width, axis=1), down=np.ones((len(groups.net), width)),
        cap=np.full(len(groups.net), np.inf)), threads=threads)
    pool = np.zeros(len(groups.net_name), np.int32)
    pool[groups.net[groups.segment]] = pool_of_instrument(book, pools.pools)
    of_position = _runs(rows.positions[rows.segments])
    held = np.abs(rows.quantity) * groups.minimum[rows.instrument]
    return _Nettings(
        rows=rows, at=pools.row_of[rows.account, pool[rows.unit]], of_position=of_position,
        scan=scan, scenario=scenario, minimum=summed(of_position, held, len(rows)))


def _runs(pointer: np.ndarray[Any, np.dtype[np.int64]]) -> Indices:
    """Return the run of every entry of compressed columns, [entry]."""
    return np.repeat(np.arange(len(pointer) - 1, dtype=np.int32), np.diff(pointer))


def _class_losses(found: _Nettings, groups: ClassGroups, arrays: RiskArrays,
                  ) -> tuple[Floats, Floats]:
    """Return losses of positions and of class groups at the worst point of their netting.

    [position] and [segment of a row]; of gains (< 0) the part that counts.
    """
    rows = found.rows
    scenario = found.scenario[found.of_position]
    gain = np.where(scenario > 0, rows.quantity * arrays.pnl[rows.instrument, scenario], 0.0)
    of_segment = _runs(rows.positions)
    whole = summed(of_segment, gain, len(rows.segment))
    counts = np.where(whole > 0, groups.offset[rows.segment], 1.0)
    return -gain * counts[of_segment], -whole * counts


def _worst(found: _Nettings, groups: ClassGroups, arrays: RiskArrays) -> WorstScenarios:
    """Return what every class group loses at the worst point of its netting."""
    row = _runs(found.rows.segments)
    return WorstScenarios(
        units=groups.name, row=found.at[row], unit=groups.unit[found.rows.segment],
        scenario=found.scenario[row], loss=_class_losses(found, groups, arrays)[1])


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
