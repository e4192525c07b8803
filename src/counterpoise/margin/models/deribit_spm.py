"""Deribit segregated portfolio margin (S:PM): what one settlement currency's book needs.

    RM = worst case of the risk matrix + roll shock + delta shock + correlation contingency
    MM = mm_factor x RM          IM = RM + open orders + MMP + spot margin

The worst case is the largest loss over nine price buckets x three volatility states and eight
extended moves, per currency pair; the pairs of one pool add up. Sources: Deribit support "Portfolio
Margin" and the `private/pme/simulate` reference; docs/methodology/deribit_spm.md walks through
every formula and says which parts are *our reading*.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION, SPOT
from counterpoise.instruments.contracts import Instrument, Payoff, Spot
from counterpoise.margin.contributions import Contributions, contributions_of
from counterpoise.margin.model import EquityRule
from counterpoise.margin.pools import PoolRows, failing_rows, given_amount, settlement_pools, summed
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.orders import accounts_with_orders, filled
from counterpoise.margin.terms.risk_matrix import (
    RiskMatrix,
    RiskMatrixParameters,
    matrix_scenarios,
    reading_variants,
    risk_matrix,
)
from counterpoise.margin.terms.rounding import rounded, with_rounding
from counterpoise.margin.vectors import RiskVectors, risk_vectors
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.aggregation import Rows
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import replaced


class DeribitSpm:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "deribit_spm"
    title = "Deribit segregated portfolio margin (S:PM)"
    parameters_type = RiskMatrixParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "hedge_never_raises_scan",
                      "continuous"})

    def equity(self, parameters: RiskMatrixParameters) -> EquityRule:
        """Return portfolio-margin equity: option value counts, haircut on positive amounts."""
        haircuts = {c.upper(): p.haircut for c, p in parameters.currency.items()}
        return EquityRule(option_value=True, haircuts=haircuts, reading=(
            "equity counts the market value of options"))

    def scenarios(self, market: MarketSnapshot, parameters: RiskMatrixParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the standard and the extended table as one set."""
        return (matrix_scenarios(market, parameters),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: RiskMatrixParameters, threads: int) -> Requirements:
        """Return one row per (account, settlement currency); amounts in that currency."""
        pools = settlement_pools(book)
        matrix = risk_matrix(book, arrays[0], market, parameters, threads)
        parts = _parts(matrix, pools)
        for name in ("mmp_margin", "spot_margin"):
            parts[name] = np.nan_to_num(given_amount(book, pools, name))
        given = given_amount(book, pools, "open_orders_margin")
        worst_side = _open_orders(book, arrays[0], market, parameters, pools)
        parts["open_orders_margin"] = np.where(np.isfinite(given), given, worst_side)
        failing = _failing(book, pools, arrays[0], market, parameters)
        return _requirements(pools, parts, matrix, failing, parameters.general.mm_factor)

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: RiskMatrixParameters) -> Contributions:
        """Return Euler contributions of positions to worst case, roll shock and delta shock."""
        matrix = risk_matrix(book, arrays[0], market, parameters, 1)
        worst = _worst_case_shares(matrix, arrays[0])
        shock = matrix.delta.share * matrix.units.coin[matrix.rows.key][_unit_row(matrix.rows)]
        return contributions_of(
            {"worst_case": (worst, matrix.rows.order),
             "roll_shock": (matrix.roll.share, matrix.roll.order),
             "delta_shock": (shock, matrix.rows.order)},
            maintenance_factor=parameters.general.mm_factor)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: RiskMatrixParameters) -> tuple[RiskVectors, ...]:
        """Return the standard and extended vectors, scenario by scenario, of one set."""
        matrix = risk_matrix(book, arrays[0], market, parameters, 1)
        return (risk_vectors(arrays[0], matrix.rows, matrix.transform, matrix.weight,
                             matrix.units.name),)

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: RiskMatrixParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these requirements that Deribit does not publish."""
        options = bool(np.any(market.catalogue.kind[book.instrument] == OPTION))
        linear = bool(np.any(market.catalogue.payoff[book.instrument] != 1))
        return tuple(sentence for applies, sentence in (
            (options, "option P&L in the risk matrix: no published number to compare with"),
            (options, "option deltas in the roll shock and the delta shock"),
            (linear, "linear contracts take the coin's parameters, P&L in the settlement asset"),
            (len(book.order_instrument) > 0, "open orders: the worst of long-delta and "
             "short-delta orders filled"),
            (True, "size of the extended dampener, delta shock, exponential roll rate"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: RiskMatrixParameters,
                         ) -> tuple[tuple[tuple[str, RiskMatrixParameters], ...], ...]:
        """Return the readings of the matrix and those of the roll shock; one group with orders."""
        return reading_variants(parameters, together=len(book.order_lots) > 0)


MODEL: Final = DeribitSpm()


def _row_of(matrix: RiskMatrix, pools: PoolRows) -> Indices:
    pool = np.array([pools.pools.index(s) for s in matrix.units.settlement], np.int32)
    return np.asarray(pools.row_of[matrix.rows.account, pool[matrix.rows.key]])


def _parts(matrix: RiskMatrix, pools: PoolRows) -> dict[str, Floats]:
    """Return the addends of RM by requirement row; the worst case is rounded, as published."""
    coin = matrix.units.coin[matrix.rows.key]
    columns = {"worst_case": matrix.worst_case, "roll_shock": matrix.roll.charge,
               "delta_shock": matrix.delta.shock * coin,
               "rounding": rounded(matrix.worst_case, 9) - matrix.worst_case}
    row = _row_of(matrix, pools)
    return {name: summed(row, column, len(pools)) for name, column in columns.items()}


def _rm(parts: dict[str, Floats]) -> Floats:
    return (parts["worst_case"] + parts["rounding"]) + parts["roll_shock"] + parts["delta_shock"]


def _open_orders(book: Book, arrays: RiskArrays, market: MarketSnapshot,
                 parameters: RiskMatrixParameters, pools: PoolRows) -> Floats:
    """Return the RM of the worst side of the open orders less the RM of the positions."""
    extra = np.zeros(len(pools))
    accounts = accounts_with_orders(book)
    if not len(accounts):
        return extra
    none_filled = filled(book, accounts, np.zeros(len(book.catalogue)))
    sides = [none_filled, *(filled(book, accounts, np.nan_to_num(sign * arrays.delta))
                            for sign in (1.0, -1.0))]
    needs = [_by_account_and_pool(risk_matrix(s, arrays, market, parameters, 1), pools,
                                  len(accounts)) for s in sides]
    worse = np.maximum(np.maximum(needs[1], needs[2]) - needs[0], 0)
    rows = pools.row_of[accounts]
    extra[rows[rows >= 0]] = worse[rows >= 0]
    return extra


def _by_account_and_pool(matrix: RiskMatrix, pools: PoolRows, accounts: int) -> Floats:
    everything = np.arange(accounts * len(pools.pools), dtype=np.int32)
    full = PoolRows(pools=pools.pools, account=everything // len(pools.pools),
                    pool=everything % len(pools.pools),
                    row_of=everything.reshape(accounts, len(pools.pools)))
    return _rm(_parts(matrix, full)).reshape(accounts, len(pools.pools))


def _requirements(pools: PoolRows, parts: dict[str, Floats], matrix: RiskMatrix,
                  failing: tuple[Indices, tuple[Failure, ...]], mm_factor: float) -> Requirements:
    orders = parts["open_orders_margin"] + parts["mmp_margin"] + parts["spot_margin"]
    failure, failures = failing
    good = failure < 0
    initial = np.where(good, rounded(_rm(parts) + orders, 9), np.nan)
    maintenance = np.where(good, rounded(mm_factor * _rm(parts), 12), np.nan)
    matrix_parts = {n: parts[n] for n in ("worst_case", "roll_shock", "delta_shock")}
    order_parts = {n: parts[n] for n in ("open_orders_margin", "mmp_margin", "spot_margin")}
    return Requirements(
        pools=pools.pools, account=pools.account, pool=pools.pool, initial=initial,
        maintenance=maintenance,
        initial_components=with_rounding(matrix_parts | order_parts, initial),
        maintenance_components=with_rounding(
            {n: mm_factor * column for n, column in matrix_parts.items()}, maintenance),
        candidates={}, failure=failure, failures=failures,
        worst=WorstScenarios(units=matrix.units.name, row=_row_of(matrix, pools),
                             unit=matrix.rows.key, scenario=matrix.scenario,
                             loss=matrix.worst_case))


def _failing(book: Book, pools: PoolRows, arrays: RiskArrays, market: MarketSnapshot,
             parameters: RiskMatrixParameters) -> tuple[Indices, tuple[Failure, ...]]:
    terms = market.catalogue
    alike = (terms.underlying * max(len(terms.settlements), 1) + terms.settlement) * 8
    alike += terms.payoff * 2 + (terms.kind == SPOT)
    _, first, of = np.unique(alike, return_index=True, return_inverse=True)
    verdicts = [_not_applicable(terms.instruments[k], market, parameters) for k in first]
    barred = np.array([v is not None for v in verdicts], bool)[of]
    why = {int(k): replaced(verdict, subject=terms.instruments[k].id)
           for k in np.flatnonzero(barred) if (verdict := verdicts[of[k]]) is not None}
    return failing_rows(book, pools, arrays.failed | barred, market, why)


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: RiskMatrixParameters) -> Failure | None:
    coin = contract.underlying
    index = market.index[market.catalogue.underlyings.index(coin)]
    inverse = contract.payoff is Payoff.INVERSE
    if not (f"{coin.lower()}_usd" in parameters.currency_pair
            and coin.lower() in parameters.currency):
        reason, sentence = Reason.NO_PARAMETERS, (
            f"deribit_spm has no parameters for {coin}; it has them for "
            + ", ".join(sorted(parameters.currency)).upper())
    elif isinstance(contract, Spot) or contract.payoff is Payoff.QUANTO:
        reason, sentence = Reason.NOT_APPLICABLE, (
            "segregated portfolio margin covers inverse and linear perpetuals, futures and "
            "options; hold spot as a balance")
    elif not index > 0:
        reason, sentence = Reason.MISSING_INDEX, f"needs the index of {coin}; add market.indices"
    elif not inverse and not price_of(market, contract.settlement) > 0:
        reason, sentence = Reason.MISSING_PRICE, (
            f"needs the USD price of {contract.settlement}; add it to market.assets")
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)


def _unit_row(rows: Rows) -> Indices:
    return np.repeat(np.arange(len(rows.key), dtype=np.int32), np.diff(rows.pointer))


def _worst_case_shares(matrix: RiskMatrix, arrays: RiskArrays) -> Floats:
    rows, row = matrix.rows, _unit_row(matrix.rows)
    scenario = matrix.scenario[row]
    loss = (-rows.lots * arrays.pnl[rows.instrument, scenario]
            * matrix.weight[rows.key[row], scenario])
    whole = np.bincount(row, weights=loss, minlength=len(rows.key))
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.where(whole > 0, matrix.worst_case / whole, 0.0)
    return np.asarray(loss * kept[row])
