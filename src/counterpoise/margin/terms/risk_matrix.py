"""The risk matrix of Deribit's portfolio margin: grid, extended table, roll shock, delta shock.

What segregated and cross portfolio margin share. A risk unit is an (underlying, settlement) pair;
RM of a unit = worst case of its scenarios + roll shock over its expiries + delta shock. Formulas
and sources, step by step: docs/methodology/deribit_spm.md.
"""

import itertools
from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.margin.layout import Ints
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.extended_table import Bools, ExtendedTable, dampeners, weights
from counterpoise.margin.terms.ranges import require_choice, require_ranges
from counterpoise.margin.terms.roll import expiry_segments
from counterpoise.margin.terms.verdicts import kinds
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.aggregation import Rows, UnitTransform
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.grid import Grid, ShockTerms, extreme_slice, grid_scenarios
from counterpoise.scenarios.scenario_set import ScenarioSet, VolRule
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.latest import of_latest
from counterpoise.values.time import YEAR_NS

SWITCH_DAYS: Final = 30.0
DAYS_FLOOR: Final = 1 / 1440
"""Tenor scaling stops at one minute to expiry: our reading, to keep it finite."""
_NONE: Final = np.zeros(0, np.int32)


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

    def __post_init__(self) -> None:
        """Refuse ranges, powers and amounts that have no meaning, all at once."""
        require_ranges(self, {
            "price_range": (0.001, 0.99), "volatility_range_up": (-1, 20),
            "volatility_range_down": (-1, 20), "min_volatility_for_shock_up": (0, 20),
            "short_term_vega_power": (0, 2), "long_term_vega_power": (0, 2),
            "extended_table_factor": (0, 100), "max_delta_shock": (0, 10),
            "delta_total_liq_shock_threshold": (0, 1e15), "m_inc": (0, 1)})


@frozen
class CurrencyParameters:
    """Parameters of a currency such as `btc`, named as `pme/simulate` names them (USD amounts).

    `equity_side_impact` and `correlation_set` act in cross margin only: equity counts at moves to
    both sides, up, down or none.
    """

    annualised_move_risk: float
    min_annualised_move: float
    extended_dampener: float
    pnl_offset: float
    max_offsetable_pnl: float
    haircut: float
    equity_side_impact: str = "none"
    correlation_set: bool = False

    def __post_init__(self) -> None:
        """Refuse shares outside 0..1 and negative amounts, all at once."""
        require_ranges(self, {
            "annualised_move_risk": (0, 10), "min_annualised_move": (0, 1),
            "extended_dampener": (0, 1e15), "pnl_offset": (0, 1),
            "max_offsetable_pnl": (0, 1e15), "haircut": (0, 1)})
        require_choice(self, "equity_side_impact", ("both", "up", "down", "none"))


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

    def __post_init__(self) -> None:
        """Refuse grids that cannot be laid out and moves that leave no price."""
        require_choice(self, "vol_scenarios_count", (1, 3))
        require_ranges(self, {"mm_factor": (0, 10), "buckets_count": (1, 1000)})
        if not all(-1 < move <= 1000 and abs(move) >= 0.001 for move in self.extended_moves):
            raise bad_input(Reason.BAD_VALUE, "extended_moves", f"{self.extended_moves} must be "
                            "moves above -1 (-100 %) and not zero")


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

    def __post_init__(self) -> None:
        """Refuse a reading that there is not."""
        require_choice(self, "roll_option_delta", ("transaction", "black", "none"))


_Choices = dict[str, tuple[Any, ...]]
_OF_MATRIX: Final[_Choices] = {"dampener_at_edge": (True, False), "relative_vol": (True, False)}
"""The readings that can move the worst case; the order of pnl_offset and dampener and the cap act
on gains, which are never a unit's worst case."""
_OF_ROLL: Final[_Choices] = {"roll_exponential": (True, False),
                             "roll_option_delta": ("transaction", "black", "none")}
"""The readings that can move the roll shock."""


@frozen
class RiskMatrixParameters:
    """All parameters; `currency` and `currency_pair` are keyed as Deribit keys them."""

    general: GeneralParameters
    currency_pair: dict[str, PairParameters]
    currency: dict[str, CurrencyParameters]
    readings: Readings = Readings()

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        odd = [("general", f"odd parameter: mm_factor {self.general.mm_factor:g} puts the "
                "maintenance margin above the initial margin")] * (self.general.mm_factor > 1)
        odd += [(f"currency_pair.{key}", f"odd parameter: {name} {getattr(pair, name):g} of {key} "
                 "is below zero, so the shift goes the wrong way")
                for key, pair in sorted(self.currency_pair.items())
                for name in ("volatility_range_up", "volatility_range_down")
                if getattr(pair, name) < 0]
        return tuple(odd)


def matrix_scenarios(market: MarketSnapshot, parameters: RiskMatrixParameters) -> ScenarioSet:
    """Return the standard and the extended table of every underlying as one set."""
    return table_scenarios(market.catalogue.underlyings or ("",), parameters)


def table_scenarios(underlyings: tuple[str, ...], parameters: RiskMatrixParameters) -> ScenarioSet:
    """Return the standard and the extended table of some underlyings."""
    terms = ShockTerms(spot="mark", delta_one="mark", option="forward", numeraire="settlement")
    return grid_scenarios(underlyings=underlyings, terms=terms,
                          grids=[_grid(u, parameters) for u in underlyings])


def reading_variants(parameters: RiskMatrixParameters, *, together: bool,
                     ) -> tuple[tuple[tuple[str, RiskMatrixParameters], ...], ...]:
    """Return (label, parameters) of the readings that can move a requirement, in groups that add.

    Worst case and roll shock are addends. Where open orders make the requirement the worst of
    several books they are not: `together` makes one group of all combinations.
    """
    groups = (_OF_MATRIX | _OF_ROLL,) if together else (_OF_MATRIX, _OF_ROLL)
    return tuple(tuple(_chosen(parameters, dict(zip(group, values, strict=True)))
                       for values in itertools.product(*group.values())) for group in groups)


def _chosen(parameters: RiskMatrixParameters,
            choice: dict[str, Any]) -> tuple[str, RiskMatrixParameters]:
    return (", ".join(f"{name}={value}" for name, value in choice.items()),
            replaced(parameters, readings=replaced(parameters.readings, **choice)))


def extended_columns(parameters: RiskMatrixParameters) -> slice:
    """Return which scenarios of the set are the extended table."""
    return extreme_slice(_grid("", parameters))


def _grid(underlying: str, parameters: RiskMatrixParameters) -> Grid:
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


@of_latest
def pairs_of(terms: Catalogue) -> tuple[Indices, Indices, Indices]:
    """Return the risk unit of every instrument and underlying and settlement of every unit."""
    width = max(len(terms.settlements), 1)
    first, of = kinds(terms.underlying * width + terms.settlement)
    pairs = of, terms.underlying[first], terms.settlement[first]
    for column in pairs:
        column.flags.writeable = False
    return pairs


@of_latest
def unit_names(terms: Catalogue) -> tuple[str, ...]:
    """Return Deribit's key of every unit, such as `btc_usdc`."""
    _, underlying, settlement = pairs_of(terms)
    return tuple(f"{terms.underlyings[u]}_{terms.settlements[s]}".lower()
                 for u, s in zip(underlying, settlement, strict=True))


def _units(market: MarketSnapshot, parameters: RiskMatrixParameters) -> Units:
    terms = market.catalogue
    of, underlying, settlement = pairs_of(terms)
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
    return Units(name=unit_names(terms),
                 underlying=underlying, settlement=tuple(paid), index=index,
                 coin=index / price, table=table, of=of)


def _column(coins: list[str], table: dict[str, Any], suffix: str, field: str) -> Floats:
    keys = [c.lower() + suffix for c in coins]
    return np.array([getattr(table[k], field) if k in table else np.nan for k in keys])


@frozen
class UnitTerms:
    """What unit rows are measured by, in one market under one set of parameters.

    transform, weight   of the risk matrix; `weight` [unit, scenario] is the transform's
    segment, rate       of the roll shock, [instrument]: (unit, expiry), pool currency per delta
    roll_delta          delta per lot as the roll shock counts it, [instrument]
    delta, long_delta   delta per lot as the delta shock counts it and 0 but for options
    columns             the four before side by side, [instrument, 4]
    size_rule           of the delta shock, [unit, 4]: slope per coin, threshold in coins, cap, coin
    value               per lot as equity, options at their premium, [instrument]
    """

    units: Units
    transform: UnitTransform
    weight: Floats
    segment: Indices
    rate: Floats
    roll_delta: Floats
    delta: Floats
    long_delta: Floats
    columns: Floats
    size_rule: Floats
    value: Floats


@frozen
class UnitResults:
    """Results of unit rows (see `margin.layout`).

    columns     [unit row, 4] the addends of RM: worst case, roll shock, delta shock, in the pool's
                currency, positive; and the value of the positions as equity
    scenario    [unit row] the worst scenario
    failed      unit rows with an instrument that has no number, increasing
    failed_by   the first such instrument of each, counted as the instruments of the rows are
    """

    columns: Floats
    scenario: Indices
    failed: Ints
    failed_by: Indices


def unit_terms(arrays: RiskArrays, market: MarketSnapshot,
               parameters: RiskMatrixParameters) -> UnitTerms:
    """Return the terms of every unit; see the methodology page for each."""
    units = _units(market, parameters)
    weight, transform = _transform(units, arrays.scenarios, market, parameters)
    coins = [market.catalogue.underlyings[u] for u in units.underlying]
    option = market.catalogue.kind == OPTION
    pairs = parameters.currency_pair
    size_rule = np.stack([
        _column(coins, pairs, "_usd", "m_inc"),
        _column(coins, pairs, "_usd", "delta_total_liq_shock_threshold") / units.index,
        _column(coins, pairs, "_usd", "max_delta_shock"), units.coin], axis=1)
    roll_delta = {"transaction": arrays.delta,
                  "black": np.where(option, arrays.black_delta, arrays.delta),
                  "none": np.where(option, 0.0, arrays.delta),
                  }[parameters.readings.roll_option_delta]
    rate, long_delta = _roll_rates(units, market, parameters), np.where(option, arrays.delta, 0.0)
    return UnitTerms(units=units, transform=transform, weight=weight,
                     segment=expiry_segments(market.catalogue, units.of), rate=rate,
                     roll_delta=roll_delta, delta=arrays.delta, long_delta=long_delta,
                     columns=np.stack([roll_delta, rate, arrays.delta, long_delta], axis=1),
                     size_rule=size_rule, value=contract_values(market))


def unit_results(rows: Rows, terms: UnitTerms, pnl: Floats, *, bad: Bools,
                 columns: slice = slice(None), threads: int = 1) -> UnitResults:
    """Return worst case, roll shock, delta shock and value of unit rows.

    `rows.instrument` counts inside `columns` of the catalogue; `pnl` and `bad`, True for
    instruments without a number, are of the whole catalogue.
    """
    shape = terms.transform
    results, scenario, flagged = _core.measured(
        pointer=rows.pointer, key=rows.key, instrument=rows.instrument, lots=rows.lots,
        pnl=pnl[columns], segment=terms.segment[columns], columns=terms.columns[columns],
        value=terms.value[columns], flag=bad[columns].view(np.uint8), size_rule=terms.size_rule,
        weight=shape.weight, gain_factor=shape.gain_factor, gain_cap=shape.gain_cap,
        dampener=shape.dampener, dampen_first=shape.dampen_first, threads=threads)
    flagged = _NONE if flagged is None else flagged
    failed = np.flatnonzero(flagged >= 0)
    return UnitResults(columns=results, scenario=scenario, failed=failed,
                       failed_by=flagged[failed])


def _transform(units: Units, scenarios: ScenarioSet, market: MarketSnapshot,
               parameters: RiskMatrixParameters) -> tuple[Floats, UnitTransform]:
    """Return weights, and with pnl_offset and dampener the transform (methodology, 4 to 7)."""
    extended = extended_columns(parameters)
    move = np.ascontiguousarray(scenarios.move[:, units.underlying].T)
    coins = [market.catalogue.underlyings[u] for u in units.underlying]
    cap = _column(coins, parameters.currency, "", "max_offsetable_pnl") / units.table.price
    weight = weights(units.table, move, extended)
    return weight, UnitTransform(
        weight=weight,
        gain_factor=_column(coins, parameters.currency, "", "pnl_offset"),
        gain_cap=cap if parameters.readings.offset_cap else np.full(len(cap), np.inf),
        dampener=dampeners(units.table, move, extended),
        dampen_first=parameters.readings.dampen_before_offset)


def _roll_rates(units: Units, market: MarketSnapshot,
                parameters: RiskMatrixParameters) -> Floats:
    """Return max(exp(a T) - 1, floor) per coin in pool currency (methodology, step 9)."""
    terms = market.catalogue
    years = np.where(terms.expiry > 0, np.maximum(terms.expiry - market.as_of, 0), 0) / YEAR_NS
    coins = [terms.underlyings[u] for u in units.underlying]
    yearly = _column(coins, parameters.currency, "", "annualised_move_risk")[units.of] * years
    floor = _column(coins, parameters.currency, "", "min_annualised_move")[units.of]
    grown = _core.expm1(yearly) if parameters.readings.roll_exponential else yearly
    return np.maximum(grown, floor) * units.coin[units.of]
