"""Deribit segregated portfolio margin (S:PM): what one settlement currency's book needs.

    RM = worst case of the risk matrix + roll shock + delta shock + correlation contingency
    MM = mm_factor x RM          IM = RM + open orders + MMP + spot margin

The worst case is the largest loss over nine price buckets x three volatility states and eight
extended moves, per currency pair; the pairs of one pool add up. Sources: Deribit support "Portfolio
Margin" and the `private/pme/simulate` reference; docs/methodology/deribit_spm.md walks through every
formula and says which parts are *our reading*.
"""

import itertools
from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Instrument, Payoff, Spot
from counterpoise.margin.contributions import Contributions, contributions_of
from counterpoise.margin.model import EquityRule
from counterpoise.margin.pools import PoolRows, failing_rows, given_amount, settlement_pools
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.delta_shock import DeltaShock, delta_shock
from counterpoise.margin.terms.extended_table import ExtendedTable, dampeners, weights
from counterpoise.margin.terms.orders import accounts_with_orders, filled
from counterpoise.margin.terms.roll import RollCharge, roll_charge
from counterpoise.margin.terms.rounding import rounded, with_rounding
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.aggregation import Rows, UnitTransform, grouped, worst_loss
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.grid import Grid, GridBases, extreme_slice, grid_scenarios
from counterpoise.scenarios.scenario_set import ScenarioSet, VolRule
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import YEAR_NS

SWITCH_DAYS: Final = 30.0
DAYS_FLOOR: Final = 1 / 1440
"""Tenor scaling stops at one minute to expiry: our reading, to keep it finite."""


@frozen
class PairParameters:
    """Parameters of a currency pair such as `btc_usd`, named as `pme/simulate` names them."""

    price_range: float
    volatility_range_up: float
    volatility_range_down: float
    min_volatility_for_shock_up: float
    short_term_vega_power: float
    long_term_vega_power: float
    extended_table_factor: float
    max_delta_shock: float
    delta_total_liq_shock_threshold: float
    m_inc: float


@frozen
class CurrencyParameters:
    """Parameters of a currency such as `btc`, named as `pme/simulate` names them (USD amounts).

    `equity_side_impact` and `correlation_set` act in cross margin only.
    """

    annualised_move_risk: float
    min_annualised_move: float
    extended_dampener: float
    pnl_offset: float
    max_offsetable_pnl: float
    haircut: float
    equity_side_impact: str = "none"
    correlation_set: bool = False


@frozen
class GeneralParameters:
    """Parameters of the whole model; `buckets_count` is per side.

    `vol_scenarios_count` is 3 (up, same, down) or 1 (same); `timestamp` (ms) is when the venue
    reported its parameters, for information.
    """

    mm_factor: float
    buckets_count: int
    vol_scenarios_count: int
    extended_moves: tuple[float, ...] = (-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
    timestamp: int = 0


@frozen
class Readings:
    """Choices that no published number settles; each is *our reading* (methodology page).

    dampen_before_offset   dampener before pnl_offset, instead of after
    dampener_at_edge       dampener in coin at the edge bucket's price, instead of at the index
    roll_exponential       roll rate exp(a T) - 1, instead of a T
    roll_option_delta      delta of options in the roll shock: "transaction", "black" or "none"
    offset_cap             max_offsetable_pnl caps the offset gains, instead of no cap
    relative_vol           volatility shifts are relative, instead of points
    """

    dampen_before_offset: bool = False
    dampener_at_edge: bool = True
    roll_exponential: bool = True
    roll_option_delta: str = "transaction"
    offset_cap: bool = True
    relative_vol: bool = True


_CHOICES: Final[dict[str, tuple[Any, ...]]] = {
    "dampen_before_offset": (False, True), "dampener_at_edge": (True, False),
    "roll_exponential": (True, False), "roll_option_delta": ("transaction", "black", "none"),
    "offset_cap": (True, False), "relative_vol": (True, False)}


@frozen
class DeribitSpmParameters:
    """All parameters of the model; `currency` and `currency_pair` are keyed as Deribit keys them."""

    general: GeneralParameters
    currency_pair: dict[str, PairParameters]
    currency: dict[str, CurrencyParameters]
    readings: Readings = Readings()


class DeribitSpm:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "deribit_spm"
    title = "Deribit segregated portfolio margin (S:PM)"
    parameters_type = DeribitSpmParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "continuous"})

    def equity(self, parameters: DeribitSpmParameters) -> EquityRule:
        """Return portfolio-margin equity: option value counts, haircut on positive amounts."""
        haircuts = {c.upper(): p.haircut for c, p in parameters.currency.items()}
        return EquityRule(option_value=True, haircuts=haircuts, reading=(
            "equity counts the market value of options"))

    def scenarios(self, market: MarketSnapshot, parameters: DeribitSpmParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the standard and the extended table as one set."""
        underlyings = market.catalogue.underlyings
        grids = [_grid(u, parameters) for u in underlyings or ("",)]
        bases = GridBases(spot="mark", delta_one="mark", option="forward", numeraire="settlement")
        return (grid_scenarios(underlyings=underlyings or ("",), grids=grids, bases=bases),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: DeribitSpmParameters, threads: int) -> Requirements:
        """Return one row per (account, settlement currency); amounts in that currency."""
        pools = settlement_pools(book)
        matrix = _risk_matrix(book, arrays[0], market, parameters, threads)
        parts = _parts(matrix, pools)
        for name in ("mmp_margin", "spot_margin"):
            parts[name] = np.nan_to_num(given_amount(book, pools, name))
        given = given_amount(book, pools, "open_orders_margin")
        worst_side = _open_orders(book, arrays[0], market, parameters, pools)
        parts["open_orders_margin"] = np.where(np.isfinite(given), given, worst_side)
        failing = _failing(book, pools, arrays[0], market, parameters)
        return _requirements(pools, parts, matrix, failing, parameters.general.mm_factor)

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: DeribitSpmParameters) -> Contributions:
        """Return Euler contributions of positions to worst case, roll shock and delta shock."""
        matrix = _risk_matrix(book, arrays[0], market, parameters, 1)
        worst = _worst_case_shares(matrix, arrays[0])
        shock = matrix.delta.share * matrix.units.coin[matrix.rows.key][_unit_row(matrix.rows)]
        return contributions_of(
            {"worst_case": (worst, matrix.rows.order),
             "roll_shock": (matrix.roll.share, matrix.roll.order),
             "delta_shock": (shock, matrix.rows.order)},
            maintenance_factor=parameters.general.mm_factor)

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: DeribitSpmParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these requirements that Deribit does not publish."""
        options = bool(np.any(market.catalogue.kind[book.instrument] == OPTION))
        linear = bool(np.any(market.catalogue.payoff[book.instrument] != 1))
        return tuple(sentence for applies, sentence in (
            (options, "option P&L in the risk matrix: no published number to compare with"),
            (options, "option deltas in the roll shock and the delta shock"),
            (linear, "linear contracts take the coin's parameters, P&L in the settlement asset"),
            (len(book.order_instrument) > 0, "open orders: the worst of long-delta and "
             "short-delta orders filled"),
            (True, "size of the extended dampener, delta shock, exponential roll rate, cap of "
             "offset gains"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, parameters: DeribitSpmParameters,
                         ) -> tuple[tuple[str, DeribitSpmParameters], ...]:
        """Return every combination of the switchable readings with its label."""
        return tuple(
            (", ".join(f"{n}={v}" for n, v in zip(_CHOICES, values, strict=True)),
             replaced(parameters, readings=Readings(**dict(zip(_CHOICES, values, strict=True)))))
            for values in itertools.product(*_CHOICES.values()))


MODEL: Final = DeribitSpm()


def _grid(underlying: str, parameters: DeribitSpmParameters) -> Grid:
    # An underlying without parameters gets the shape of a known one and then a Failure, no number.
    pair = parameters.currency_pair.get(f"{underlying.lower()}_usd") or next(
        iter(parameters.currency_pair.values()))
    rule = VolRule(relative=parameters.readings.relative_vol,
                   power_short=pair.short_term_vega_power, power_long=pair.long_term_vega_power,
                   switch_days=SWITCH_DAYS, days_floor=DAYS_FLOOR, whole_days=False,
                   floor_up=pair.min_volatility_for_shock_up)
    general = parameters.general
    states = {3: ("up", "same", "down"), 1: ("same",)}[general.vol_scenarios_count]
    return Grid(price_range=pair.price_range, buckets=general.buckets_count,
                vol_up=pair.volatility_range_up, vol_down=pair.volatility_range_down,
                vol_states=states, extreme_moves=general.extended_moves,
                extreme_vol="up", vol_rule=rule)


@frozen
class Units:
    """Risk units, one per (underlying, settlement); every array is [unit] unless said otherwise.

    `name` is Deribit's key, `btc_btc`; `underlying` the catalogue index; `settlement` the pool;
    `coin` turns coins of the underlying into the pool's currency; `of` [instrument] is its unit.
    """

    name: tuple[str, ...]
    underlying: Indices
    settlement: tuple[str, ...]
    index: Floats
    coin: Floats
    table: ExtendedTable
    of: Indices


def _units(market: MarketSnapshot, parameters: DeribitSpmParameters) -> Units:
    terms = market.catalogue
    code = terms.underlying * max(len(terms.settlements), 1) + terms.settlement
    codes, of = np.unique(code, return_inverse=True)
    underlying, settlement = np.divmod(codes, max(len(terms.settlements), 1))
    coins = [terms.underlyings[u] for u in underlying]
    paid = [terms.settlements[s] for s in settlement]
    in_coin = np.array([c == p for c, p in zip(coins, paid, strict=True)], bool)
    index = market.index[underlying]
    price = np.where(in_coin, index, [price_of(market, p) for p in paid])
    table = ExtendedTable(
        price_range=_column(coins, parameters.currency_pair, "_usd", "price_range"),
        factor=_column(coins, parameters.currency_pair, "_usd", "extended_table_factor"),
        dampener=_column(coins, parameters.currency, "", "extended_dampener"),
        price=price, in_coin=in_coin, dampener_at_edge=parameters.readings.dampener_at_edge)
    return Units(name=tuple(f"{c}_{p}".lower() for c, p in zip(coins, paid, strict=True)),
                 underlying=underlying.astype(np.int32), settlement=tuple(paid), index=index,
                 coin=index / price, table=table, of=of.astype(np.int32))


def _column(coins: list[str], table: dict[str, Any], suffix: str, field: str) -> Floats:
    keys = [c.lower() + suffix for c in coins]
    return np.array([getattr(table[k], field) if k in table else np.nan for k in keys])


@frozen
class RiskMatrix:
    """RM of every risk-unit row (see `risk.aggregation.Rows`), pool currency, positive."""

    units: Units
    rows: Rows
    transform: UnitTransform
    worst_case: Floats
    scenario: Indices
    roll: RollCharge
    delta: DeltaShock


def _risk_matrix(book: Book, arrays: RiskArrays, market: MarketSnapshot,
                 parameters: DeribitSpmParameters, threads: int) -> RiskMatrix:
    units = _units(market, parameters)
    rows = grouped(book.row_pointer, book.instrument, book.lots, key=units.of)
    transform = _transform(units, arrays.scenarios, market, parameters)
    loss, scenario = worst_loss(rows, arrays.pnl, transform, threads=threads)
    coins = [market.catalogue.underlyings[u] for u in units.underlying]
    option = market.catalogue.kind == OPTION
    pairs = parameters.currency_pair
    shock = delta_shock(
        rows, delta=arrays.delta, option_delta=np.where(option, arrays.delta, 0.0),
        slope=_column(coins, pairs, "_usd", "m_inc"),
        threshold=_column(coins, pairs, "_usd", "delta_total_liq_shock_threshold") / units.index,
        cap=_column(coins, pairs, "_usd", "max_delta_shock"))
    return RiskMatrix(units=units, rows=rows, transform=transform, worst_case=loss,
                      scenario=scenario, roll=_roll(book, rows, arrays, market, parameters),
                      delta=shock)


def _transform(units: Units, scenarios: ScenarioSet, market: MarketSnapshot,
               parameters: DeribitSpmParameters) -> UnitTransform:
    """Return weights, pnl_offset and dampener of every unit (methodology, steps 4 to 7)."""
    extended = extreme_slice(_grid("", parameters))
    move = np.ascontiguousarray(scenarios.move[:, units.underlying].T)
    coins = [market.catalogue.underlyings[u] for u in units.underlying]
    cap = _column(coins, parameters.currency, "", "max_offsetable_pnl") / units.table.price
    return UnitTransform(
        weight=weights(units.table, move, extended),
        gain_factor=_column(coins, parameters.currency, "", "pnl_offset"),
        gain_cap=cap if parameters.readings.offset_cap else np.full(len(cap), np.inf),
        dampener=dampeners(units.table, move, extended),
        dampen_first=parameters.readings.dampen_before_offset)


def _roll(book: Book, rows: Rows, arrays: RiskArrays, market: MarketSnapshot,
          parameters: DeribitSpmParameters) -> RollCharge:
    """Return sum over expiries of |delta_e| max(exp(a T) - 1, floor) (methodology, step 9)."""
    terms, units = market.catalogue, _units(market, parameters)
    years = np.where(terms.expiry > 0, np.maximum(terms.expiry - market.as_of, 0), 0) / YEAR_NS
    coins = [terms.underlyings[u] for u in units.underlying]
    yearly = _column(coins, parameters.currency, "", "annualised_move_risk")[units.of] * years
    floor = _column(coins, parameters.currency, "", "min_annualised_move")[units.of]
    grown = _core.expm1(yearly) if parameters.readings.roll_exponential else yearly
    option = terms.kind == OPTION
    delta = {"transaction": arrays.delta,
             "black": np.where(option, arrays.black_delta, arrays.delta),
             "none": np.where(option, 0.0, arrays.delta)}[parameters.readings.roll_option_delta]
    return roll_charge(book, rows, unit=units.of, delta=delta,
                       rate=np.maximum(grown, floor) * units.coin[units.of])


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
    return {name: np.bincount(row, weights=column, minlength=len(pools))
            for name, column in columns.items()}


def _rm(parts: dict[str, Floats]) -> Floats:
    return (parts["worst_case"] + parts["rounding"]) + parts["roll_shock"] + parts["delta_shock"]


def _open_orders(book: Book, arrays: RiskArrays, market: MarketSnapshot,
                 parameters: DeribitSpmParameters, pools: PoolRows) -> Floats:
    """Return the RM of the worst side of the open orders less the RM of the positions."""
    extra = np.zeros(len(pools))
    accounts = accounts_with_orders(book)
    if not len(accounts):
        return extra
    none_filled = filled(book, accounts, np.zeros(len(book.catalogue)))
    sides = [none_filled, *(filled(book, accounts, np.nan_to_num(sign * arrays.delta))
                            for sign in (1.0, -1.0))]
    needs = [_by_account_and_pool(_risk_matrix(s, arrays, market, parameters, 1), pools,
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
             parameters: DeribitSpmParameters) -> tuple[Indices, tuple[Failure, ...]]:
    why = {k: f for k, c in enumerate(market.catalogue.instruments)
           if (f := _not_applicable(c, market, parameters)) is not None}
    failed = arrays.failed.copy()
    failed[list(why)] = True
    return failing_rows(book, pools, failed, market, why)


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: DeribitSpmParameters) -> Failure | None:
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
            * matrix.transform.weight[rows.key[row], scenario])
    whole = np.bincount(row, weights=loss, minlength=len(rows.key))
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.where(whole > 0, matrix.worst_case / whole, 0.0)
    return np.asarray(loss * kept[row])
