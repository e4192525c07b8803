"""SPAN: what a book of futures and options needs by sixteen scenarios per commodity.

    risk        = max(short option minimum, scan + calendar + delivery - inter-commodity credit)
    maintenance = sum over commodities of max(0, risk - net option value) + exposure margin
    initial     = initial_factor x maintenance + open orders

Scenarios are computed from parameters, or the clearing house's own risk arrays are read from its
file (`adapters.span_file`). Sources: CME Group public SPAN pages, ASX margin estimator, NSE
Clearing; docs/methodology/span.md says which parts are *our reading*.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.contributions import Contributions, contributions_of, shared_out
from counterpoise.margin.model import EquityRule
from counterpoise.margin.pools import (
    PoolRows,
    failing_rows,
    given_amount,
    settlement_pools,
    summed,
)
from counterpoise.margin.requirement import Floats, Requirements, WorstScenarios
from counterpoise.margin.terms.commodities import commodities_of, scan_ranges
from counterpoise.margin.terms.orders import order_excess
from counterpoise.margin.terms.rounding import added_up, with_rounding
from counterpoise.margin.terms.span_parameters import SpanParameters
from counterpoise.margin.terms.span_rows import LotColumns, SpanRows, lot_columns, span_rows
from counterpoise.margin.vectors import RiskVectors, risk_vectors
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import IDENTITY, grouped
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scanning import scanning_scenarios
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced


@frozen
class Span:
    """The model; it keeps `margin.model.MarginModel`.

    One class, one instance per parameter set: `name` is that of its dated data, `source` a
    sentence that says whose they are.
    """

    name: str
    title: str
    source: str

    parameters_type = SpanParameters
    laws = frozenset({"non_negative", "long_option_at_most_premium", "homogeneous_scan",
                      "initial_at_least_maintenance", "hedge_never_raises_scan"})

    def equity(self, parameters: SpanParameters) -> EquityRule:
        """Return equity without option value where the net option value is in the requirement."""
        inside = parameters.general.option_style == "premium"
        return EquityRule(option_value=not inside, haircuts={}, reading=(
            "equity leaves the market value of options out: the requirement holds it" if inside
            else "futures-style options: their value counts in equity"))

    def scenarios(self, market: MarketSnapshot, parameters: SpanParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the sixteen scenarios as one set.

        Raises
        ------
        BadInput
            Where the parameters say that risk arrays are read, not computed.
        """
        general = parameters.general
        if general.risk_arrays == "read":
            raise bad_input(Reason.MISSING_NUMBER, "risk arrays", "are read from the clearing "
                            "house's file under these parameters; give them along with the market")
        ranges = scan_ranges(commodities_of(market, parameters), market,
                             extreme_multiplier=general.extreme_move_multiplier)
        return (scanning_scenarios(ranges, extreme_multiplier=general.extreme_move_multiplier,
                                   lookahead_days=general.lookahead_days,
                                   volatility_relative=general.volatility_relative),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: SpanParameters, threads: int) -> Requirements:
        """Return one row per (account, settlement currency); amounts in that currency."""
        columns = lot_columns(arrays[0], market, parameters)
        pools = settlement_pools(book)
        found = span_rows(book, pools, columns, arrays[0], parameters, threads=threads)
        failure, failures = failing_rows(book, pools, columns.barred, market, columns.why)
        good = failure < 0
        maintenance = np.where(good, _need(found, len(pools)), np.nan)

        def needs(positions: Book) -> Floats:
            return self._by_pool(positions, pools, columns, arrays[0], parameters)

        given = given_amount(book, pools, "open_orders_margin")
        orders = order_excess(book, pools, delta=columns.delta, needs=needs)
        orders = np.where(np.isfinite(given), given, orders)
        factor = parameters.general.initial_factor
        initial = factor * maintenance + orders
        return Requirements(
            pools=pools.pools, account=pools.account, pool=pools.pool, initial=initial,
            maintenance=maintenance, failure=failure, failures=failures,
            initial_components=with_rounding(
                _parts(found, factor * maintenance, factor) | {"open_orders_margin": orders},
                initial),
            maintenance_components=with_rounding(_parts(found, maintenance, 1.0), maintenance),
            candidates={"short_option_minimum": summed(found.at, found.minimum, len(pools))},
            worst=WorstScenarios(units=columns.known.name, row=found.at, unit=found.rows.key,
                                 scenario=found.scenario, loss=found.scan))

    def _by_pool(self, book: Book, pools: PoolRows, columns: LotColumns, arrays: RiskArrays,
                 parameters: SpanParameters) -> Floats:
        """Return the initial requirement of positions alone, [account, pool]."""
        own = settlement_pools(book)
        found = span_rows(book, own, columns, arrays, parameters, threads=1)
        out = np.zeros((len(book), len(pools.pools)))
        place = np.array([pools.pools.index(p) for p in own.pools], np.int32)
        need = parameters.general.initial_factor * _need(found, len(own))
        out[own.account, place[own.pool]] = need
        return out

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: SpanParameters) -> Contributions:
        """Return losses in the worst scenario; charges on deltas in proportion to their size."""
        columns = lot_columns(arrays[0], market, parameters)
        found = span_rows(book, settlement_pools(book), columns, arrays[0], parameters, threads=1)
        factor = parameters.general.initial_factor
        shares = _shares(found, columns, book.catalogue.kind == OPTION)
        return contributions_of({name: (factor * share, found.rows.order)
                                 for name, share in shares.items()}, maintenance_factor=1 / factor)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: SpanParameters) -> tuple[RiskVectors, ...]:
        """Return gains and losses scenario by scenario, extremes by the part that counts."""
        columns = lot_columns(arrays[0], market, parameters)
        rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                       key=columns.known.of)
        counted = replaced(arrays[0], pnl=columns.gains)
        return (risk_vectors(counted, rows, IDENTITY, np.ones((len(columns.known.name), 17)),
                             columns.known.name),)

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: SpanParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that no clearing house publishes."""
        general = parameters.general
        computed = general.risk_arrays == "computed"
        options = bool(np.any(market.catalogue.kind[book.instrument] == OPTION))
        return tuple(sentence for applies, sentence in (
            (computed, self.source),
            (True, "a commodity is one underlying settled in one asset; they offset by credits"),
            (computed and options, "composite deltas: the published weights are unconfirmed, "
             "today's volatility and time"),
            (bool(parameters.inter_commodity), "weighted price risk is "
             f"{general.weighted_price_risk}, a leg's credits end at its scan risk"),
            (len(book.order_instrument) > 0, "open orders: the worst of long-delta and "
             "short-delta orders filled"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: SpanParameters,
                         ) -> tuple[tuple[tuple[str, SpanParameters], ...], ...]:
        """Return none: what can be chosen is a parameter."""
        return ()


MODEL: Final = Span(
    name="span", title="SPAN (16 scenarios, example parameters)",
    source="the parameters of span are an example, no clearing house's: state your own")
NSE: Final = Span(
    name="span_nse", title="SPAN as NSE Clearing sets it",
    source="span_nse scans the price by NSE's minima, where 6 daily deviations x sqrt 2 may be "
           "more, and volatility by an older set")


def _need(found: SpanRows, count: int) -> Floats:
    """Return what each of `count` requirement rows needs, at least 0, before any factor."""
    need = np.maximum(_risk(found)[0] - found.option_value, 0.0) + found.exposure
    return summed(found.at, need, count)


def _parts(found: SpanRows, total: Floats, factor: float) -> dict[str, Floats]:
    """Return the addends of a total [row]; the net option value is what the others leave to it."""
    parts = {name: factor * summed(found.at, part, len(total)) for name, part in {
        "scan": found.scan, "calendar_spreads": found.calendar, "delivery": found.delivery,
        "inter_commodity_credit": -found.credit,
        "short_option_minimum": _excess_minimum(found),
        "exposure_margin": found.exposure}.items()}
    return parts | {"net_option_value": total - added_up(parts)}


def _risk(found: SpanRows) -> tuple[Floats, Floats]:
    """Return the risk of unit rows and the option value that counts: at most all of it."""
    risk = np.maximum(found.minimum, _spread_risk(found))
    return risk, np.minimum(found.option_value, risk)


def _spread_risk(found: SpanRows) -> Floats:
    return found.scan + found.calendar + found.delivery - found.credit


def _excess_minimum(found: SpanRows) -> Floats:
    return np.maximum(found.minimum - _spread_risk(found), 0.0)


def _shares(found: SpanRows, columns: LotColumns,
            option: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> dict[str, Floats]:
    """Return each position's share of every part, in the order of the rows' positions."""
    rows = found.rows
    row = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.pointer))
    scenario = found.scenario[row]
    at = rows.instrument
    loss = -rows.lots * columns.gains[at, scenario]
    short = np.maximum(-rows.lots, 0)
    size = np.abs(rows.lots * columns.delta[at])
    exposed = np.where(option[at], short, np.abs(rows.lots))
    _, counted = _risk(found)
    return {
        "scan": shared_out(loss, row, found.scan),
        "calendar_spreads": shared_out(size, row, found.calendar),
        "delivery": shared_out(size, row, found.delivery),
        "inter_commodity_credit": shared_out(size, row, -found.credit),
        "short_option_minimum": shared_out(short * columns.minimum[at], row,
                                           _excess_minimum(found)),
        "net_option_value": shared_out(rows.lots * columns.value[at], row, -counted),
        "exposure_margin": exposed * columns.exposure[at]}
