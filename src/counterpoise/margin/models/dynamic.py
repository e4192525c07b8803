"""Counterpoise's own model: expected shortfall of a whole account on joint scenarios.

    initial = core + collateral + floor + stress + correlation + liquidity + concentration
              + wrong way + buffer + open orders
    core + collateral = ES of positions and collateral, moved together, in USD

Maintenance is a stated fraction of these addends, or has a level of its own. The joint moves come
from a dated, hashed file (`calibration` writes it); there is no scale from one horizon to another.
Formulas, sources and readings: docs/methodology/dynamic.md.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import prices_in
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.contributions import Contributions, contributions_of
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import PoolRows, cross_pools, given_in_numeraire
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.buffer import charge
from counterpoise.margin.terms.dynamic_failures import failures_of
from counterpoise.margin.terms.dynamic_figures import euler, readings_of, tail_figures, vectors_of
from counterpoise.margin.terms.dynamic_holdings import Holdings, holdings_of, staking_rows
from counterpoise.margin.terms.dynamic_parameters import NUMERAIRE, DynamicParameters
from counterpoise.margin.terms.dynamic_sets import dollar_sets, dynamic_scenarios
from counterpoise.margin.terms.dynamic_tails import Pass, Portfolio, addends, shortfalls
from counterpoise.margin.terms.impact import by_account, impact_market, impact_of
from counterpoise.margin.terms.orders import accounts_with_orders, filled
from counterpoise.margin.terms.rounding import added_up
from counterpoise.margin.vectors import RiskVectors
from counterpoise.margin.worst import WHOLE
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import worst_loss
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen, replaced

PREVIOUS: Final = "previous_initial"
_NOT_IN_MAINTENANCE: Final = ("buffer", "open_orders_margin")
_Parts = dict[str, Floats]


class Dynamic:
    """The model; it keeps `margin.model.MarginModel` and has `figures`."""

    name = "dynamic"
    title = "Counterpoise dynamic margin (expected shortfall on joint scenarios)"
    parameters_type = DynamicParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "continuous"})
    given_names = frozenset({"open_orders_margin", PREVIOUS})
    equity_is_a_position = True

    def equity(self, parameters: DynamicParameters) -> CrossEquity:
        """Return all assets in USD less the liquidity haircut; option value counts."""
        return CrossEquity(numeraire=NUMERAIRE, option_value=True, schedule=parameters.collateral,
                           reading="haircuts hold what a sale costs alone; what prices do to "
                           "collateral is in the scenarios")

    def scenarios(self, market: MarketSnapshot, parameters: DynamicParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the base set, then stress, floor and broken dependences where they count."""
        return dynamic_scenarios(market, parameters)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: DynamicParameters, threads: int) -> Requirements:
        """Return one row per account, USD."""
        rows = cross_pools(book, NUMERAIRE)
        given = Pass(arrays=arrays, market=market, parameters=parameters, threads=threads)
        holdings = holdings_of(book, market, parameters.collateral, threads=threads)
        needs = _needs(book, holdings, given)
        stated = _stated(book, rows, market, needs.orders[rows.account])
        failure, failures = failures_of(book, rows, holdings.owned, given)
        good, at = failure < 0, rows.account
        initial = {name: column[at] for name, column in needs.initial.items()}
        if parameters.buffer is not None:
            model = added_up(initial)
            initial["buffer"] = charge(model, stated[PREVIOUS], parameters.buffer.size) - model
        initial["open_orders_margin"] = stated["open_orders_margin"]
        initial, maintenance, candidates = (
            {name: np.where(good, column, np.nan) for name, column in parts.items()}
            for parts in (initial, {n: c[at] for n, c in needs.maintenance.items()},
                          {n: c[at] for n, c in needs.candidates.items()}))
        return Requirements(
            pools=rows.pools, account=at, pool=rows.pool, initial=added_up(initial),
            maintenance=added_up(maintenance), initial_components=initial,
            maintenance_components=maintenance, candidates=candidates, failure=failure,
            failures=failures, worst=_worst(book, rows, holdings, given, good))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: DynamicParameters) -> Contributions:
        """Return Euler contributions to core, and shares of liquidity and concentration."""
        given = Pass(arrays=arrays, market=market, parameters=parameters, threads=1)
        holdings = holdings_of(book, market, parameters.collateral)
        shares, maintenance = euler(book, holdings, given)
        found = contributions_of(shares, maintenance_factor=parameters.maintenance.fraction or 0.0)
        if parameters.maintenance.fraction is not None:
            return found
        own = contributions_of(maintenance, maintenance_factor=1.0)
        return replaced(found, maintenance=own.initial)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: DynamicParameters) -> tuple[RiskVectors, ...]:
        """Return the vectors of every account in USD, collateral among them, one per set."""
        holdings = holdings_of(book, market, parameters.collateral)
        return vectors_of(book, holdings, Pass(arrays=arrays, market=market, threads=1,
                                               parameters=parameters))

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: DynamicParameters) -> tuple[str, ...]:
        """Return a sentence for each choice in these numbers: the model is our own."""
        return (*readings_of(book, market, parameters), self.equity(parameters).reading)

    def reading_variants(self, book: Book, parameters: DynamicParameters,
                         ) -> tuple[tuple[tuple[str, DynamicParameters], ...], ...]:
        """Return the two readings of the stress weight, one group, where stress counts."""
        stress = parameters.stress
        if stress is None:
            return ()
        return (tuple((f"stress {words}", replaced(parameters, stress=replaced(
            stress, reading=reading))) for words, reading in (
                ("blended", "blend"), ("inside the sample", "sample"))),)

    def figures(self, margins: AccountMargin, book: Book, arrays: tuple[RiskArrays, ...],
                market: MarketSnapshot, parameters: DynamicParameters) -> dict[str, Floats]:
        """Return expected shortfall, its standard error and value at risk, USD, by row."""
        given = Pass(arrays=arrays, market=market, parameters=parameters, threads=1)
        found = tail_figures(book, holdings_of(book, market, parameters.collateral), given)
        known = margins.requirements.failure < 0
        return {name: np.where(known, column[margins.requirements.account], np.nan)
                for name, column in found.items()}


MODEL: Final = Dynamic()


@frozen
class _Needs:
    """Addends by account, without buffer; `orders` is what the worse filled side adds."""

    initial: _Parts
    maintenance: _Parts
    candidates: _Parts
    orders: Floats


def _needs(book: Book, holdings: Holdings, given: Pass) -> _Needs:
    """Measure the accounts and, where there are orders, both sides of them filled, in one pass."""
    parameters, ordered = given.parameters, accounts_with_orders(book)
    sides = []
    if len(ordered):
        direction = np.nan_to_num(given.arrays[0].delta)
        own = replaced(holdings, staked=holdings.staked[ordered])
        sides = [Portfolio(book=filled(book, ordered, sign * direction), holdings=own)
                 for sign in (1.0, -1.0)]
    maintenance = parameters.maintenance
    levels = (parameters.general.level,
              *(() if maintenance.level is None else (maintenance.level,)))
    portfolios = (Portfolio(book=book, holdings=holdings), *sides)
    tails = shortfalls(portfolios, given, levels)
    costs = [_costs(one.book, given) for one in portfolios]
    made = [[addends(found, one.holdings, parameters) for found in by_level]
            for one, by_level in zip(portfolios, tails, strict=True)]
    initial = made[0][0][0] | costs[0]
    orders = np.zeros(len(book))
    if sides:
        filled_up = [added_up(made[k][0][0] | costs[k]) for k in (1, 2)]
        orders[ordered] = np.maximum(np.maximum(*filled_up) - added_up(initial)[ordered], 0.0)
    return _Needs(initial=initial, candidates=made[0][0][1], orders=orders,
                  maintenance=_maintenance(initial, made[0][-1][0] | costs[0], parameters))


def _costs(book: Book, given: Pass) -> _Parts:
    if given.parameters.impact is None:
        return {}
    shared = impact_market(given.market, given.parameters)
    return by_account(impact_of(book, shared, given.parameters, threads=given.threads), len(book))


def _maintenance(initial: _Parts, own: _Parts, parameters: DynamicParameters) -> _Parts:
    """Return the fraction of the addends, or those at the level of its own, at most the initial's.

    `collateral` may be negative: with `core` it counts as one, so that neither outgrows initial.
    """
    fraction = parameters.maintenance.fraction
    if fraction is not None:
        return {name: fraction * column for name, column in initial.items()}
    least = {name: np.minimum(column, initial[name]) for name, column in own.items()}
    whole = np.minimum(own["core"] + own["collateral"], initial["core"] + initial["collateral"])
    return least | {"core": own["core"], "collateral": whole - own["core"]}


def _stated(book: Book, rows: PoolRows, market: MarketSnapshot, orders: Floats) -> _Parts:
    price = prices_in(market, tuple(a.code for a in book.assets), NUMERAIRE)
    given = {name: given_in_numeraire(book, rows, name, price)
             for name in ("open_orders_margin", PREVIOUS)}
    stated = given["open_orders_margin"]
    return given | {"open_orders_margin": np.where(np.isfinite(stated), stated, orders)}


def _worst(book: Book, rows: PoolRows, holdings: Holdings, given: Pass,
           good: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> WorstScenarios:
    """Return the worst joint scenario of every account in the base set."""
    base = next(dollar_sets(given.arrays, given.market, given.parameters, holdings.units))
    loss, scenario = worst_loss(staking_rows(book, holdings.staked), base.usd,
                                threads=given.threads)
    loss, scenario = loss[rows.account], scenario[rows.account]
    row: Indices = np.flatnonzero(good & (loss > 0)).astype(np.int32)
    return WorstScenarios(units=(WHOLE,), row=row, unit=np.zeros(len(row), np.int32),
                          scenario=scenario[row], loss=loss[row])
