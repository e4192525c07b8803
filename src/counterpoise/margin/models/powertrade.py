"""PowerTrade portfolio margin: the largest loss of nine scenarios, underlying by underlying.

    scenarios    spot x (1 + {-SSF, 0, +SSF}) x volatility x (1 + {+VSF, 0, -VSF}), not below zero
    VSF          vol_shock x (reference_days / days to expiry)^power
    margin       sum over underlyings of max(0, largest loss), in USD; initial = maintenance

A coin in the wallet of an account that holds derivatives on it counts as a position that may
offset. Source: support.power.trade, "Portfolio Margin" and "Margin Methodology";
docs/methodology/powertrade.md.
"""

from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import prices_in
from counterpoise.collateral.schedule import WHOLE, CollateralSchedule
from counterpoise.instruments.contracts import Instrument, Payoff
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import cross_pools, failing_rows, position_accounts, summed
from counterpoise.margin.requirement import Floats, Requirements, WorstScenarios
from counterpoise.margin.terms.by_position import (
    held_or_ordered,
    requirements_of,
    stated_amount,
)
from counterpoise.margin.terms.hedging_coins import beside_derivatives
from counterpoise.margin.terms.orders import accounts_with_orders, filled
from counterpoise.margin.terms.ranges import require_choice, require_ranges
from counterpoise.margin.terms.spot_in_use import coins_held
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.aggregation import Columns
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.segments import (
    RealRows,
    SegmentRows,
    SegmentTransform,
    segmented,
    vectors_of_segments,
    worst_of_segments,
)
from counterpoise.scenarios.grid import Grid, ShockTerms, grid_scenarios
from counterpoise.scenarios.scenario_set import ScenarioSet, VolRule
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen, replaced

NUMERAIRE: Final = "USD"
RULE_DAYS: Final = 30.0
"""Volatility rules of scenario sets are scaled to this tenor."""
_COIN_ROLES: Final = ("offset", "whole")


@frozen
class UnderlyingShocks:
    """Shocks of one underlying: `spot_shock` a fraction of the price, `vol_shock` a fraction of the
    volatility of an option with `reference_days` to expiry."""

    spot_shock: float
    vol_shock: float
    reference_days: float
    power: float

    def __post_init__(self) -> None:
        """Refuse shocks that have no meaning."""
        require_ranges(self, {"spot_shock": (0.001, 0.99), "vol_shock": (0, 20),
                              "reference_days": (0.1, 1000), "power": (0, 2)})


@frozen
class Readings:
    """Choices that no published number settles; each is *our reading* (methodology page).

    coin         "offset": a coin in the wallet counts only where it offsets; "whole": as a position
    days_floor   tenor below which the volatility shock grows no more
    """

    coin: str
    days_floor: float

    def __post_init__(self) -> None:
        """Refuse a reading that there is not."""
        require_choice(self, "coin", _COIN_ROLES)
        require_ranges(self, {"days_floor": (0.001, 30)})


@frozen
class PowertradeParameters:
    """Shocks keyed by underlying (`btc`)."""

    underlying: dict[str, UnderlyingShocks]
    readings: Readings


class Powertrade:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "powertrade"
    title = "PowerTrade portfolio margin"
    parameters_type = PowertradeParameters
    given_names = frozenset({"open_orders_margin"})
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "homogeneous_scan",
                      "long_option_at_most_premium", "hedge_never_raises_scan", "continuous"})

    def equity(self, parameters: PowertradeParameters) -> CrossEquity:
        """Return the present value of everything in USD; no asset is haircut."""
        return CrossEquity(numeraire=NUMERAIRE, option_value=True,
                           schedule=CollateralSchedule(numeraire=NUMERAIRE, assets={}, other=WHOLE),
                           reading="equity counts the market value of options")

    def scenarios(self, market: MarketSnapshot, parameters: PowertradeParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the nine scenarios of every underlying as one set."""
        underlyings = market.catalogue.underlyings or ("",)
        terms = ShockTerms(spot="mark", delta_one="mark", option="forward", numeraire="quote")
        return (grid_scenarios(underlyings=underlyings, terms=terms,
                               grids=[_grid(u, parameters) for u in underlyings]),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: PowertradeParameters, threads: int) -> Requirements:
        """Return one row per account, in USD."""
        rows = cross_pools(book, NUMERAIRE)
        barred, why = verdicts(market.catalogue, lambda c: _not_applicable(c, market, parameters),
                               held_or_ordered(book))
        scan = _scan(arrays[0], market, parameters)
        found = _worst(book, scan, threads)
        row = rows.row_of[found.rows.account, 0]
        margin = {"worst_case": summed(row, found.of_positions, len(rows)),
                  "coin_offset": summed(row, found.of_coins, len(rows))}
        orders = _orders(book, arrays[0], scan, threads)
        stated = stated_amount(book, rows, market, "open_orders_margin")
        needs = requirements_of(
            rows, maintenance=margin,
            initial=margin | {"open_orders_margin": np.where(np.isfinite(stated), stated,
                                                             orders[rows.account])},
            failed=failing_rows(book, rows, arrays[0].failed | barred, market, why))
        return replaced(needs, worst=WorstScenarios(
            units=market.catalogue.underlyings, row=row, unit=found.rows.unit,
            scenario=found.scenario, loss=found.of_positions + found.of_coins))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: PowertradeParameters) -> Contributions:
        """Return what each position loses in the worst scenario of its underlying."""
        scan = _scan(arrays[0], market, parameters)
        found = _worst(book, scan, 1)
        loss = _position_losses(book, scan, found.rows, found.scenario)[:, None]
        return Contributions(components=("worst_case",), initial=loss, maintenance=loss)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: PowertradeParameters) -> tuple[RiskVectors, ...]:
        """Return gains and losses in the nine scenarios, coins of the wallet among the sums."""
        scan = _scan(arrays[0], market, parameters)
        rows = _rows(book, scan)
        summed_up, counted = vectors_of_segments(rows, scan.pnl, scan.transform)
        return (RiskVectors(
            scenarios=arrays[0].scenarios, units=market.catalogue.underlyings,
            account=rows.account, unit=rows.unit, summed=summed_up, counted=counted,
            by_position=book.lots[:, None] * scan.pnl[book.instrument]),)

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: PowertradeParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that PowerTrade does not publish."""
        return tuple(sentence for applies, sentence in (
            (True, "futures and forwards move with spot in proportion; volatility shocks stop "
             f"growing at {parameters.readings.days_floor:g} days to expiry"),
            (True, "one published requirement is both initial and maintenance margin"),
            (bool(np.any(book.balances != 0)), "a coin in the wallet counts "
             + ("only where it offsets" if parameters.readings.coin == "offset" else "whole")
             + " beside derivatives on it"),
            (len(book.order_instrument) > 0, "open orders: the worst of long-delta and "
             "short-delta orders filled, IM only"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: PowertradeParameters,
                         ) -> tuple[tuple[tuple[str, PowertradeParameters], ...], ...]:
        """Return how coins of the wallet count, where there are any."""
        if not np.any(book.balances != 0):
            return ()
        return (tuple((f"coin={role}", replaced(parameters, readings=replaced(
            parameters.readings, coin=role))) for role in _COIN_ROLES),)


MODEL: Final = Powertrade()


def _grid(underlying: str, parameters: PowertradeParameters) -> Grid:
    # An underlying without shocks gets those of a known one and then a Failure, no number.
    shocks = parameters.underlying.get(underlying.lower()) or next(
        iter(parameters.underlying.values()))
    scale = _core.power(np.array([shocks.reference_days / RULE_DAYS]), np.array([shocks.power]))
    size = shocks.vol_shock * float(scale[0])
    rule = VolRule(relative=True, power_short=shocks.power, power_long=shocks.power,
                   switch_days=RULE_DAYS, days_floor=parameters.readings.days_floor,
                   whole_days=False, floor_up=0.0)
    return Grid(price_range=shocks.spot_shock, buckets=1, vol_up=size, vol_down=size,
                vol_states=("up", "same", "down"), extreme_moves=(), extreme_vol="same",
                vol_rule=rule)


@frozen
class Scan:
    """What the scan reads.

    pnl         [instrument, then coin, scenario] gain per lot and per coin of each underlying, USD
    segment     [instrument] key: derivatives of underlying u are 2 u, its coin owned is 2 u + 1
    transform   of the segments
    coin        [underlying] codes
    """

    pnl: Floats
    segment: Columns
    transform: SegmentTransform
    coin: tuple[str, ...]


def _scan(arrays: RiskArrays, market: MarketSnapshot, parameters: PowertradeParameters) -> Scan:
    terms, scenarios = market.catalogue, arrays.scenarios
    price = np.take(prices_in(market, terms.settlements, NUMERAIRE), terms.settlement)
    coins = market.index[:, None] * scenarios.move.T[:len(terms.underlyings)]
    shape = (2 * len(terms.underlyings), len(scenarios))
    down = np.ones(shape)
    if parameters.readings.coin == "offset":
        down[1::2] = 0.0
    transform = SegmentTransform(up=np.ones(shape), down=down, cap=np.full(shape[0], np.inf))
    return Scan(pnl=np.concatenate((arrays.pnl * price[:, None], np.nan_to_num(coins))),
                segment=np.asarray(2 * terms.underlying, np.int32), transform=transform,
                coin=terms.underlyings)


def _rows(book: Book, scan: Scan) -> SegmentRows:
    """Return the positions of every account by underlying, with the coins it holds beside them."""
    unit = np.repeat(np.arange(len(scan.coin), dtype=np.int32), 2)
    return segmented(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                     segment=scan.segment, unit=unit, real=_coins(book, scan))


def _coins(book: Book, scan: Scan) -> RealRows | None:
    """Return the coins of accounts that hold derivatives on them, None where there are none.

    What is borrowed stands among the positions: it counts whole under either reading.
    """
    held = beside_derivatives(book, coins_held(book, scan.coin))
    if not len(held):
        return None
    first = len(scan.pnl) - len(scan.coin)
    return RealRows(pointer=held.pointer, instrument=np.asarray(first + held.coin, np.int32),
                    quantity=held.quantity,
                    segment=np.asarray(2 * held.coin + (held.quantity > 0), np.int32))


@frozen
class WorstCase:
    """The worst scenario of every (account, underlying).

    scenario        [row] index of the scenario
    of_positions    [row] loss of the positions there, of either sign, USD
    of_coins        [row] loss of the coins there as they count, of either sign, USD
    """

    rows: SegmentRows
    scenario: Columns
    of_positions: Floats
    of_coins: Floats


def _worst(book: Book, scan: Scan, threads: int) -> WorstCase:
    rows = _rows(book, scan)
    _, scenario = worst_of_segments(rows, scan.pnl, scan.transform, threads=threads)
    row = _row_of(book, scan, rows)
    positions = summed(row, _position_losses(book, scan, rows, scenario), len(rows))
    return WorstCase(rows=rows, scenario=scenario, of_positions=positions,
                     of_coins=_coin_losses(rows, scan, scenario))


def _row_of(book: Book, scan: Scan, rows: SegmentRows) -> Columns:
    """Return the row of every position, [position]."""
    width = len(scan.coin)
    code = rows.account.astype(np.int64) * width + rows.unit
    own = position_accounts(book.row_pointer).astype(np.int64) * width
    found = np.searchsorted(code, own + scan.segment[book.instrument] // 2)
    return np.asarray(found, np.int32)


def _position_losses(book: Book, scan: Scan, rows: SegmentRows, scenario: Columns) -> Floats:
    """Return what each position loses in the worst scenario of its underlying, USD."""
    at = scenario[_row_of(book, scan, rows)]
    return -book.lots * scan.pnl[book.instrument, at]


def _coin_losses(rows: SegmentRows, scan: Scan, scenario: Columns) -> Floats:
    """Return what the coins of each row lose in its worst scenario, as they count, USD."""
    first = len(scan.pnl) - len(scan.coin)
    entry = np.flatnonzero(rows.instrument >= first)
    of_segment = np.searchsorted(rows.positions, entry, side="right") - 1
    row = np.searchsorted(rows.segments, of_segment, side="right") - 1
    at = scenario[row]
    gain = rows.quantity[entry] * scan.pnl[rows.instrument[entry], at]
    assert scan.transform.down is not None
    counted = np.where(gain < 0, gain * scan.transform.down[rows.segment[of_segment], at], gain)
    return summed(np.asarray(row, np.int32), -counted, len(rows))


def _orders(book: Book, arrays: RiskArrays, scan: Scan, threads: int) -> Floats:
    """Return what the worse side of open orders adds, USD, [account]."""
    extra = np.zeros(len(book))
    accounts = accounts_with_orders(book)
    if len(accounts):
        direction = np.nan_to_num(arrays.delta)
        needs = []
        for sign in (0.0, 1.0, -1.0):
            side = filled(book, accounts, sign * direction)
            whole = replaced(side, assets=book.assets, balances=book.balances[accounts])
            found = _worst(whole, scan, threads)
            needs.append(summed(found.rows.account, found.of_positions + found.of_coins,
                                len(accounts)))
        extra[accounts] = np.maximum(np.maximum(needs[1], needs[2]) - needs[0], 0.0)
    return extra


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: PowertradeParameters) -> Failure | None:
    coin = contract.underlying
    if contract.payoff is not Payoff.LINEAR:
        reason, sentence = Reason.NOT_APPLICABLE, (
            "powertrade covers contracts settled in their quote asset")
    elif coin.lower() not in parameters.underlying:
        reason, sentence = Reason.NO_PARAMETERS, (
            f"powertrade has no shocks for {coin}; it has them for "
            + ", ".join(sorted(parameters.underlying)).upper())
    elif not market.index[market.catalogue.underlyings.index(coin)] > 0:
        reason, sentence = Reason.MISSING_INDEX, f"needs the index of {coin}; add market.indices"
    elif not price_of(market, contract.settlement) > 0:
        reason, sentence = Reason.MISSING_PRICE, (
            f"needs the USD price of {contract.settlement}; add it to market.assets")
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)
