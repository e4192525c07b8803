"""What does a unit lose when each price takes its worst volatility state?

    ALL(s) = sum over expiries of (min over volatility states of options(s))
             + futures and perpetuals(s) + hedging coins(s) where they gain
    loss   = max(0, -min over prices s of ALL(s)),     option P&L = shocked model value - mark

A unit is a base coin with all its quotes. With the reading "unit" the volatility state is chosen
once for all expiries of a price. Source: Bybit API, GET /v5/asset/portfolio-margin;
docs/methodology/bybit.md.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import ROLES, Book
from counterpoise.collateral.cross import prices_in
from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.margin.pools import position_accounts, summed
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.hedging_coins import beside_derivatives
from counterpoise.margin.terms.roll import expiry_segments
from counterpoise.margin.terms.spot_in_use import by_coin, coins_held
from counterpoise.margin.terms.state_grid_parameters import NUMERAIRE, StateGridParameters
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import Columns
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.segments import (
    RealRows,
    SegmentRows,
    SegmentTransform,
    price_states,
    segmented,
    worst_of_segments,
)
from counterpoise.scenarios.grid import Grid, ShockTerms, grid_scenarios
from counterpoise.scenarios.scenario_set import ScenarioSet, VolRule
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS, SECOND_NS

VOL_STATES: Final = ("up", "same", "down")
_DAYS_FLOOR: Final = 1 / 1440
"""Tenor scaling stops at one minute to expiry, to keep it finite; rounded up it is a day."""
_INVERSE: Final = 1
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


def grid_of_states(market: MarketSnapshot, parameters: StateGridParameters) -> ScenarioSet:
    """Return the prices by volatility states of every underlying, P&L in quote currency.

    Where the valuation time is truncated to whole seconds, the fraction of a second that the
    snapshot is past it passes backwards in all scenarios.
    """
    underlyings = market.catalogue.underlyings or ("",)
    terms = ShockTerms(spot="mark", delta_one="mark", option="forward", numeraire="quote")
    grid = grid_scenarios(underlyings=underlyings, terms=terms,
                          grids=[_grid(u, parameters) for u in underlyings])
    past = market.as_of % SECOND_NS if parameters.general.whole_seconds else 0
    back = np.full(len(grid), -past / DAY_NS)
    back[0] = 0.0
    return replaced(grid, time_shift_days=back)


def _grid(underlying: str, parameters: StateGridParameters) -> Grid:
    # An underlying without shocks gets those of a known one and then a Failure, no number.
    shocks = parameters.asset.get(underlying.lower()) or next(iter(parameters.asset.values()))
    sign = 1.0 if parameters.readings.vol_tenor == "30/days" else -1.0
    rule = VolRule(relative=True, power_short=sign * shocks.short_power,
                   power_long=sign * shocks.long_power, switch_days=30.0, days_floor=_DAYS_FLOOR,
                   whole_days=parameters.general.whole_days, floor_up=0.0)
    return Grid(price_range=shocks.price_range, buckets=parameters.general.buckets,
                vol_up=shocks.vol_up, vol_down=shocks.vol_down, vol_states=VOL_STATES,
                extreme_moves=(), extreme_vol="same", vol_rule=rule)


@frozen
class GridTerms:
    """What units are scanned by, in one market.

    pnl         [instrument, then coin; scenario] gain per lot and per coin, USD
    failed      [instrument] True where an option has no mark
    segment     [instrument] key: (underlying, expiry) or the underlying; that of the coin is the
                last of its underlying
    width       segments of an underlying
    transform   of the segments
    coins       names of the underlyings
    usd         [instrument] USD per unit of its quote currency
    index       [underlying] USD
    """

    pnl: Floats
    failed: Flags
    segment: Columns
    width: int
    transform: SegmentTransform
    coins: tuple[str, ...]
    usd: Floats
    index: Floats


def grid_terms(arrays: RiskArrays, market: MarketSnapshot,
               parameters: StateGridParameters) -> GridTerms:
    """Return the terms of every unit."""
    terms = market.catalogue
    usd = np.where(terms.payoff == _INVERSE, 1.0, np.take(
        prices_in(market, terms.settlements, NUMERAIRE), terms.settlement))
    option = terms.kind == OPTION
    over_mark = np.where(option, arrays.value - terms.unit * market.mark, 0.0)
    pnl = arrays.pnl + over_mark[:, None]
    pnl[:, 0] = arrays.pnl[:, 0]
    count = len(terms.underlyings)
    index = np.nan_to_num(market.index)
    coins = index[:, None] * arrays.scenarios.move.T[:count]
    segment, tenors = _segments(terms, parameters.readings.iv_choice)
    width = tenors + 1
    state = price_states(arrays.scenarios)
    shape = (count * width, int(state[-1]) + 1)
    down = np.ones(shape)
    down[width - 1::width] = 0.0
    transform = SegmentTransform(state=state, up=np.ones(shape), down=down,
                                 cap=np.full(shape[0], np.inf))
    return GridTerms(pnl=np.concatenate((pnl * usd[:, None], coins)),
                     failed=option & np.isnan(market.mark), segment=segment, width=width,
                     transform=transform, coins=terms.underlyings, usd=usd, index=index)


def _segments(terms: Catalogue, iv_choice: str) -> tuple[Columns, int]:
    """Return the segment of every instrument and how many a unit has, the coin's left out."""
    if iv_choice == "unit":
        return np.asarray(2 * terms.underlying, np.int32), 1
    tenors = len(np.unique(terms.expiry))
    tenor = expiry_segments(terms, np.zeros(len(terms), np.int32))
    return np.asarray(terms.underlying * (tenors + 1) + tenor, np.int32), tenors


def unit_rows(book: Book, terms: GridTerms) -> SegmentRows:
    """Return the positions of every account by underlying, hedging coins beside them."""
    unit = np.repeat(np.arange(len(terms.coins), dtype=np.int32), terms.width)
    held = beside_derivatives(book, hedge_sizes(book, terms.coins))
    first = len(terms.pnl) - len(terms.coins)
    real = RealRows(pointer=held.pointer, instrument=np.asarray(first + held.coin, np.int32),
                    quantity=held.quantity,
                    segment=np.asarray((held.coin + 1) * terms.width - 1, np.int32))
    return segmented(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                     segment=terms.segment, unit=unit, real=real if len(held) else None)


def hedge_sizes(book: Book, coins: tuple[str, ...]) -> Floats:
    """Return the coins that hedge, [account, coin]: as stated, else balances used as a hedge."""
    role = None if book.roles is None else book.roles.astype(np.float64)
    hedges = by_coin(book, coins, role) == ROLES.index("hedge")
    own = np.where(hedges, coins_held(book, coins), 0.0)
    stated = by_coin(book, coins, book.given.get("spot_in_use"))
    return np.where(np.isnan(stated), own, stated)


@frozen
class UnitScan:
    """The worst price of every (account, underlying); amounts in USD.

    scenario        [row] the scenario of the worst price in which the whole unit loses most
    of_segment      [segment of a row] its own worst scenario at that price
    row_of          [segment of a row] its row
    of_positions    [row] loss of the positions there, of either sign
    of_coins        [row] loss of the hedging coins there as they count, never positive
    """

    rows: SegmentRows
    scenario: Columns
    of_segment: Columns
    row_of: Columns
    of_positions: Floats
    of_coins: Floats


def unit_scan(book: Book, terms: GridTerms, *, threads: int = 1) -> UnitScan:
    """Return the scan of every unit that holds derivatives; NaN where one has no number."""
    rows = unit_rows(book, terms)
    _, state = worst_of_segments(rows, terms.pnl, terms.transform, threads=threads)
    row_of = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.segments))
    segment_of = np.repeat(np.arange(len(row_of), dtype=np.int32), np.diff(rows.positions))
    assert terms.transform.state is not None
    first = np.searchsorted(terms.transform.state, state).astype(np.int32)
    # The unshocked world stands alone in state 0; other prices have all volatility states.
    steps = [np.where(state == 0, 0, first + k) for k in range(len(VOL_STATES))]
    at = row_of[segment_of]
    gains = np.stack([summed(segment_of, rows.quantity * terms.pnl[rows.instrument, step[at]],
                             len(row_of)) for step in steps])
    worst = np.argmin(gains, axis=0)
    gain = np.take_along_axis(gains, worst[None], axis=0)[0]
    coin = rows.segment % terms.width == terms.width - 1
    in_unit = np.argmin([summed(row_of, one, len(rows)) for one in gains], axis=0)
    chosen = np.stack(steps).astype(np.int32)
    return UnitScan(
        rows=rows, row_of=row_of, scenario=np.take_along_axis(chosen, in_unit[None], axis=0)[0],
        of_segment=chosen[worst, row_of],
        of_positions=summed(row_of, np.where(coin, 0.0, -gain), len(rows)),
        of_coins=summed(row_of, np.where(coin, -np.maximum(gain, 0.0), 0.0), len(rows)))


def position_losses(book: Book, terms: GridTerms, scan: UnitScan) -> Floats:
    """Return what each position loses in the scenario of its segment, USD, [position]."""
    width = len(terms.coins) * terms.width
    code = scan.rows.account[scan.row_of].astype(np.int64) * width + scan.rows.segment
    own = position_accounts(book.row_pointer).astype(np.int64) * width
    found = np.searchsorted(code, own + terms.segment[book.instrument])
    return np.asarray(-book.lots * terms.pnl[book.instrument, scan.of_segment[found]])
