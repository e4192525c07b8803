"""The risk matrix of a whole account in USD: positions and equity of a coin in one vector.

    loss[coin] = -min over scenarios of (sum lots x P&L + equity of the coin x move), at least 0
    roll       = sum over (coin, settlement, expiry) of |delta| x rate      gross: nothing nets
    delta shock by coin, linear and inverse contracts together

The worst cases of the coins are independent (BTC down and ETH up at once) and add up. In USD the
P&L of an inverse contract is its coin P&L at the shocked price, q S m for a future. Sources:
docs/methodology/deribit_xpm.md.
"""

from typing import Any

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.pools import position_accounts, summed
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.delta_shock import counted_delta
from counterpoise.margin.terms.extended_table import ExtendedTable, dampeners, weights
from counterpoise.margin.terms.risk_matrix import (
    RiskMatrixParameters,
    extended_columns,
    table_scenarios,
)
from counterpoise.margin.terms.roll import expiry_segments
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.aggregation import UnitTransform, exposures, grouped
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.segments import (
    RealRows,
    SegmentRows,
    segmented,
    vectors_of_segments,
    worst_of_segments,
)
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen
from counterpoise.values.time import YEAR_NS


@frozen
class CrossMatrix:
    """What accounts are measured by in one market.

    coins         risk units: the underlyings of the catalogue, then other coins held as collateral
    pnl           [instrument + coin, scenario] USD per lot; for a coin, per USD of its equity
    weight        [coin, scenario] of the extended table; `transform` holds it
    of            [instrument] its coin
    segment       [instrument] its (coin, settlement, expiry)
    roll          [instrument] delta per lot as the roll shock counts it; `rate` USD per delta
    delta, long_delta   [instrument] delta per lot as the delta shock counts it; 0 but for options
    slope, threshold, most, index   [coin] of the delta shock; threshold in coins
    """

    coins: tuple[str, ...]
    pnl: Floats
    weight: Floats
    transform: UnitTransform
    of: Indices
    segment: Indices
    roll: Floats
    rate: Floats
    delta: Floats
    long_delta: Floats
    slope: Floats
    threshold: Floats
    most: Floats
    index: Floats


@frozen
class CrossResults:
    """What accounts would lose, USD.

    loss, scenario   [account, coin] worst case and where it is
    from_equity      [account, coin] the part of the loss that the equity of the coin makes
    kept             [account, coin] share of a summed loss that counts
    roll             [account]
    delta_shock      [account, coin]
    """

    loss: Floats
    scenario: Indices
    from_equity: Floats
    kept: Floats
    roll: Floats
    delta_shock: Floats


def cross_matrix(arrays: RiskArrays, market: MarketSnapshot, parameters: RiskMatrixParameters,
                 collateral: tuple[str, ...]) -> CrossMatrix:
    """Return the matrix of a market; `collateral` are coins held besides its underlyings."""
    terms = market.catalogue
    coins = (*terms.underlyings, *collateral)
    move = np.ascontiguousarray(table_scenarios(coins or ("",), parameters).move.T[:len(coins)])
    index = np.concatenate((market.index, [price_of(market, c) for c in collateral]))
    weight, transform = _transform(coins, move, parameters)
    option = terms.kind == OPTION
    roll = {"transaction": arrays.delta,
            "black": np.where(option, arrays.black_delta, arrays.delta),
            "none": np.where(option, 0.0, arrays.delta)}[parameters.readings.roll_option_delta]
    pairs = [parameters.currency_pair.get(f"{c.lower()}_usd") for c in coins]
    slope, dollars, most = (np.array([np.nan if p is None else getattr(p, name) for p in pairs])
                            for name in ("m_inc", "delta_total_liq_shock_threshold",
                                         "max_delta_shock"))
    return CrossMatrix(
        coins=coins, pnl=np.concatenate((_dollars(arrays, market, move), _equity_moves(
            coins, move, parameters))), weight=weight, transform=transform, of=terms.underlying,
        segment=expiry_segments(terms, terms.underlying * len(terms.settlements)
                                + terms.settlement),
        roll=roll, rate=_roll_rates(market, parameters), delta=arrays.delta,
        long_delta=np.where(option, arrays.delta, 0.0), slope=slope, threshold=dollars / index,
        most=most, index=index)


def _dollars(arrays: RiskArrays, market: MarketSnapshot, move: Floats) -> Floats:
    """Return the P&L per lot in USD, [instrument, scenario]: coins count at the shocked price."""
    terms = market.catalogue
    paid = np.array([price_of(market, s) for s in terms.settlements])[terms.settlement]
    shocked = market.index[terms.underlying][:, None] * (1.0 + move[terms.underlying])
    return np.asarray(arrays.pnl * np.where((terms.payoff == 1)[:, None], shocked, paid[:, None]))


def _equity_moves(coins: tuple[str, ...], move: Floats,
                  parameters: RiskMatrixParameters) -> Floats:
    """Return what a USD of equity gains, [coin, scenario], where its side impact lets it."""
    sides = [getattr(parameters.currency.get(c.lower()), "equity_side_impact", "none")
             for c in coins]
    counts = {"both": (True, True), "up": (True, False), "down": (False, True),
              "none": (False, False)}
    up, down = (np.array([counts[side][k] for side in sides], bool)[:, None] for k in (0, 1))
    return np.where(move > 0, np.where(up, move, 0.0), np.where(down, move, 0.0))


def _transform(coins: tuple[str, ...], move: Floats,
               parameters: RiskMatrixParameters) -> tuple[Floats, UnitTransform]:
    pairs = [parameters.currency_pair.get(f"{c.lower()}_usd") for c in coins]
    own = [parameters.currency.get(c.lower()) for c in coins]
    column = _by_coin
    table = ExtendedTable(
        price_range=column(pairs, "price_range"), factor=column(pairs, "extended_table_factor"),
        dampener=column(own, "extended_dampener"), price=np.ones(len(coins)),
        in_coin=np.zeros(len(coins), bool), dampener_at_edge=False)
    extended = extended_columns(parameters)
    weight = weights(table, move, extended)
    cap = column(own, "max_offsetable_pnl") if parameters.readings.offset_cap else np.full(
        len(coins), np.inf)
    return weight, UnitTransform(
        weight=weight, gain_factor=column(own, "pnl_offset"), gain_cap=cap,
        dampener=dampeners(table, move, extended),
        dampen_first=parameters.readings.dampen_before_offset)


def _by_coin(values: list[Any], field: str) -> Floats:
    return np.array([np.nan if v is None else getattr(v, field) for v in values], np.float64)


def _roll_rates(market: MarketSnapshot, parameters: RiskMatrixParameters) -> Floats:
    """Return max(exp(a T) - 1, floor) x index, USD per delta, [instrument]."""
    terms = market.catalogue
    years = np.where(terms.expiry > 0, np.maximum(terms.expiry - market.as_of, 0), 0) / YEAR_NS
    own = [parameters.currency.get(c.lower()) for c in terms.underlyings]
    yearly = _by_coin(own, "annualised_move_risk")[terms.underlying] * years
    floor = _by_coin(own, "min_annualised_move")[terms.underlying]
    grown = _core.expm1(yearly) if parameters.readings.roll_exponential else yearly
    return np.asarray(np.maximum(grown, floor) * market.index[terms.underlying])


def measured(book: Book, equity: Floats, matrix: CrossMatrix, *, threads: int = 1) -> CrossResults:
    """Return the results of every account; `equity` [account, coin] USD, NaN where unknown."""
    count, width = equity.shape
    instruments = len(matrix.of)
    rows = _coin_rows(book, equity, matrix)
    worst, state = worst_of_segments(rows, matrix.pnl, unit=matrix.transform, threads=threads)
    loss, scenario = np.zeros((count, width)), np.zeros((count, width), np.int32)
    loss[rows.account, rows.unit], scenario[rows.account, rows.unit] = worst, state
    coins = np.arange(width)
    own = -equity * matrix.pnl[instruments + coins, scenario] * matrix.weight[coins, scenario]
    whole = own + _position_losses(book, matrix, scenario)
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.where(whole > 0, loss / whole, 0.0)
    return CrossResults(loss=loss, scenario=scenario, from_equity=own * kept, kept=kept,
                        roll=_roll(book, matrix, count),
                        delta_shock=_delta_shock(book, matrix, count))


def _coin_rows(book: Book, equity: Floats, matrix: CrossMatrix) -> SegmentRows:
    """Return the rows of (account, coin): positions, then the equity of the coin."""
    account, coin = np.nonzero(equity != 0)
    real = RealRows(
        pointer=np.searchsorted(account, np.arange(len(equity) + 1)).astype(np.int64),
        instrument=(len(matrix.of) + coin).astype(np.int32), quantity=equity[account, coin],
        segment=coin.astype(np.int32))
    return segmented(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                     segment=matrix.of, unit=np.arange(len(matrix.coins), dtype=np.int32),
                     real=real)


def coin_vectors(book: Book, equity: Floats, matrix: CrossMatrix,
                 scenarios: ScenarioSet) -> RiskVectors:
    """Return the vectors of every (account, coin) in USD; equity is in the sums."""
    rows = _coin_rows(book, equity, matrix)
    raw, counted = vectors_of_segments(rows, matrix.pnl, unit=matrix.transform)
    own = book.lots[:, None] * matrix.pnl[book.instrument] * matrix.weight[
        matrix.of[book.instrument]]
    return RiskVectors(scenarios=scenarios, units=tuple(f"{c}_usd".lower() for c in matrix.coins),
                       account=rows.account, unit=rows.unit, by_position=own,
                       summed=raw * matrix.weight[rows.unit], counted=counted)


def _position_losses(book: Book, matrix: CrossMatrix, scenario: Indices) -> Floats:
    count, width = scenario.shape
    cell = position_accounts(book.row_pointer).astype(np.int64) * width + matrix.of[book.instrument]
    return summed(cell, losses_by_position(book, matrix, scenario), count * width).reshape(
        count, width)


def losses_by_position(book: Book, matrix: CrossMatrix, scenario: Indices) -> Floats:
    """Return what each position loses in the worst scenario of its coin, USD, [position]."""
    account, coin = position_accounts(book.row_pointer), matrix.of[book.instrument]
    at = scenario[account, coin]
    return np.asarray(-book.lots * matrix.pnl[book.instrument, at] * matrix.weight[coin, at])


def _roll(book: Book, matrix: CrossMatrix, count: int) -> Floats:
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=matrix.segment)
    net, _, _ = exposures(rows, np.nan_to_num(matrix.roll * matrix.rate)[:, None])
    return summed(rows.account, np.abs(net[:, 0]), count)


def _delta_shock(book: Book, matrix: CrossMatrix, count: int) -> Floats:
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=matrix.of)
    used, _ = counted_delta(rows, delta=np.nan_to_num(matrix.delta),
                            option_delta=np.nan_to_num(matrix.long_delta))
    size = np.abs(used)
    beyond = np.maximum(size - matrix.threshold[rows.key], 0.0)
    rate = np.minimum(matrix.slope[rows.key] * beyond, matrix.most[rows.key])
    out = np.zeros((count, len(matrix.coins)))
    out[rows.account, rows.key] = size * rate * matrix.index[rows.key]
    return out
