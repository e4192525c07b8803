"""What do OKX's risk units need? MR1 to MR7 and MR9 of every unit of every account.

    MMR = max( max(MR1, MR2, MR6) + MR3 + MR4 + MR5 + MR9, MR7 )         of one unit, in USD

    MR1  worst of index moves x volatility up, same, down       MR5  rate move x |rho|
    MR2  loss as a day passes                                   MR6  half the loss at twice the move
    MR3  volatility of one expiry against another               MR7  minimum charge on gross delta
    MR4  basis: rate on the cash delta of every leg             MR9  one dollar token for another

A unit is a coin with all its quotes, or before the merge a coin and a quote; spot in use is a real
row of it. Source: OKX help and API; docs/methodology/okx_pm.md says what is not published.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import prices_in
from counterpoise.collateral.tiers import marginal
from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.margin.pools import Bools, summed
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.merged_unit_parameters import (
    ANNUALISED,
    MERGED,
    NO_SPOT,
    MergedUnitParameters,
    group_of,
)
from counterpoise.margin.terms.merged_unit_scenarios import (
    EXTREME,
    NUMERAIRE,
    PERCENT,
    POINTS,
    THETA,
    factors_of_quotes,
)
from counterpoise.margin.terms.spot_in_use import spot_in_use
from counterpoise.margin.terms.stablecoin_hedge import CURRENCIES, stablecoin_charge
from counterpoise.margin.terms.verdicts import kinds
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import Rows, exposures, grouped
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.segments import RealRows, SegmentRows, segmented, worst_of_segments
from counterpoise.risk.sensitivities import UNITS, per_lot
from counterpoise.values.frozen import frozen
from counterpoise.values.time import YEAR_NS

_MERGED_QUOTE: Final = ""
POINTS_PER_VOLATILITY: Final = 100.0
_COLUMNS: Final = ("delta", "delta_usd", "vega_usd", "rho_usd")
DELTA, CASH, VEGA, RHO, TERM = range(5)


@frozen
class UnitTerms:
    """What units are measured by, in one market under one set of parameters.

    names, coin, quote   [unit] `BTC`, or `BTC_USDT` before the merge; index of the underlying; the
                         quote, empty where units are merged
    of                   [instrument] its unit
    pnl                  by scenario set, [instrument, then coin of an underlying; scenario], USD
    columns              [instrument, column] per lot: delta in coins, cash delta in USD, vega per
                         point and rho per 1 % in USD, cash delta x years to expiry
    leg                  [instrument] leg of MR4: itself, or the options of one expiry and quote
    leg_unit, leg_expiry, leg_money, leg_option   [leg] unit, expiry in ns, place among the
                         currencies of MR9, whether of options
    coins                names of the underlyings
    spot_index           [unit] USD index of the coin where spot joins the unit, 0 where it does not
    price                [currency of MR9] USD
    """

    names: tuple[str, ...]
    coin: Indices
    quote: tuple[str, ...]
    of: Indices
    pnl: tuple[Floats, ...]
    columns: Floats
    leg: Indices
    leg_unit: Indices
    leg_expiry: np.ndarray[Any, np.dtype[np.int64]]
    leg_money: Indices
    leg_option: Bools
    coins: tuple[str, ...]
    spot_index: Floats
    price: Floats
    parameters: MergedUnitParameters


@frozen
class UnitRows:
    """Every (account, unit) that holds derivatives, sorted, with its legs.

    account, unit     [row]
    legs              the positions by leg
    of_leg            [leg] row
    of_position       [position] row, in book order
    """

    account: Indices
    unit: Indices
    legs: Rows
    of_leg: Indices
    of_position: Indices

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.account)


@frozen
class UnitCharges:
    """The charges of every (account, unit) that holds derivatives, USD, [row] unless said.

    rows, segments   the units, and their positions with spot in use
    net              [leg, column] of `UnitTerms.columns`
    mr1 .. mr9       as OKX names them; mr6 is half the loss already
    scenario         of MR1: index into the points and then the percent set
    theta, extreme   scenarios of MR2 and MR6
    chosen           which of MR1, MR2, MR6 counts: 0, 1, 2
    spot             coins in use, signed
    delta            cash delta of the derivatives
    mr4_spot         the part of MR4 that spot in use causes
    mmr              maintenance margin
    """

    rows: UnitRows
    segments: SegmentRows
    net: Floats
    mr1: Floats
    mr2: Floats
    mr3: Floats
    mr4: Floats
    mr5: Floats
    mr6: Floats
    mr7: Floats
    mr9: Floats
    scenario: Indices
    theta: Indices
    extreme: Indices
    chosen: np.ndarray[Any, np.dtype[np.int64]]
    spot: Floats
    delta: Floats
    mr4_spot: Floats
    mmr: Floats


def unit_terms(arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
               parameters: MergedUnitParameters) -> UnitTerms:
    """Return the terms of every unit."""
    terms = market.catalogue
    quotes = tuple(sorted({c.quote for c in terms.instruments}))
    place = {code: k for k, code in enumerate(quotes)}
    quote = np.array([place[c.quote] for c in terms.instruments], np.int32)
    merged = parameters.general.unit == MERGED
    first, of = kinds(terms.underlying * max(len(quotes), 1) + (0 if merged else quote))
    paid = tuple(_MERGED_QUOTE if merged else quotes[quote[k]] for k in first)
    coin = terms.underlying[first]
    index = np.where(np.isnan(market.index), 0.0, market.index)
    known = per_lot(market)[:, [tuple(UNITS).index(name) for name in _COLUMNS]]
    years = np.where(terms.expiry > 0, np.maximum(terms.expiry - market.as_of, 0), 0) / YEAR_NS
    money = np.array([CURRENCIES.index(q) if q in CURRENCIES else 0 for q in quotes], np.int32)
    leg, begins = _legs(terms, quote)
    return UnitTerms(
        names=tuple(terms.underlyings[u] + (f"_{q}" if q else "")
                    for u, q in zip(coin, paid, strict=True)),
        coin=coin, quote=paid, of=of, pnl=_pnl(arrays, market, parameters),
        columns=np.stack((*known.T, known[:, CASH] * years), axis=1),
        leg=leg, leg_unit=of[begins], leg_expiry=terms.expiry[begins],
        leg_money=money[quote][begins], leg_option=terms.kind[begins] == OPTION,
        coins=terms.underlyings,
        spot_index=np.where([_joins(q, parameters) for q in paid], index[coin], 0.0),
        price=prices_in(market, CURRENCIES, NUMERAIRE), parameters=parameters)


def _joins(quote: str, parameters: MergedUnitParameters) -> bool:
    """Return whether spot joins the unit of that quote."""
    spot = parameters.general.spot_offset
    return spot != NO_SPOT and quote in (_MERGED_QUOTE, spot)


def _pnl(arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
         parameters: MergedUnitParameters) -> tuple[Floats, ...]:
    """Return what lots and coins gain in USD, by set, [instrument then underlying, scenario]."""
    factors = factors_of_quotes(market, parameters)
    usd = factors.quote[factors.of]
    index = np.where(np.isnan(market.index), 0.0, market.index)
    return tuple(np.concatenate((
        a.pnl * usd[:, None],
        index[:, None] * a.scenarios.move[:, factors.first].T[:len(index)])) for a in arrays)


def _legs(terms: Catalogue,
          quote: Indices) -> tuple[Indices, np.ndarray[Any, np.dtype[np.int64]]]:
    """Return the leg of every instrument, [instrument], and the first instrument of each, [leg].

    Legs are numbered in catalogue order, in which the options of an expiry and a settlement asset
    follow one another.
    """
    option = terms.kind == OPTION
    new = np.ones(len(terms), bool)
    new[1:] = ~(option[1:] & option[:-1])
    for column in (terms.underlying, terms.expiry, quote):
        new[1:] |= column[1:] != column[:-1]
    return np.asarray(np.cumsum(new, dtype=np.int32) - np.int32(1)), np.flatnonzero(new)


def unit_rows(book: Book, terms: UnitTerms) -> UnitRows:
    """Return the units of every account."""
    legs = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=terms.leg)
    width = max(len(terms.names), 1)
    code = legs.account.astype(np.int64) * width + terms.leg_unit[legs.key]
    if bool(np.all(code[1:] >= code[:-1])):
        new = np.ones(len(code), bool)
        new[1:] = code[1:] != code[:-1]
        found, of_leg = code[new], np.cumsum(new, dtype=np.int32) - np.int32(1)
    else:
        found, place = np.unique(code, return_inverse=True)
        of_leg = place.astype(np.int32)
    account, unit = np.divmod(found, width)
    return UnitRows(account=account.astype(np.int32), unit=unit.astype(np.int32), legs=legs,
                    of_leg=of_leg, of_position=np.asarray(at_positions(legs, of_leg), np.int32))


def at_positions(legs: Rows, column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a column of legs at each of their positions, in book order."""
    spread = np.repeat(column, np.diff(legs.pointer))
    if legs.order is None:
        return spread
    out = np.empty_like(spread)
    out[legs.order] = spread
    return out


def unit_charges(book: Book, terms: UnitTerms, *, threads: int = 1) -> UnitCharges:
    """Return the charges of every unit row; NaN where an instrument has no number."""
    rows = unit_rows(book, terms)
    by_leg, _, gross = exposures(rows.legs, terms.columns, threads=threads)
    net = np.stack([summed(rows.of_leg, column, len(rows)) for column in by_leg.T], axis=1)
    spot = np.where(terms.spot_index[rows.unit] > 0, spot_in_use(
        book, terms.coins, account=rows.account, coin=terms.coin[rows.unit],
        delta=net[:, DELTA]), 0.0)
    segments = _with_spot(book, terms, rows, spot)
    points, percent = terms.pnl[POINTS], terms.pnl[PERCENT]
    mr1, scenario = worst_of_segments(segments, np.concatenate((points, percent), axis=1),
                                      threads=threads)
    mr2, theta = worst_of_segments(segments, terms.pnl[THETA], threads=threads)
    far, extreme = worst_of_segments(segments, terms.pnl[EXTREME], threads=threads)
    mr6 = terms.parameters.general.extreme_factor * far
    options = terms.parameters.options
    worst = np.stack((mr1, mr2, mr6))
    chosen = np.argmax(worst, axis=0)
    _, _, mr3 = term_vega(terms, rows, by_leg[:, VEGA])
    mr4, mr4_spot = _basis(terms, rows, by_leg[:, CASH], (net[:, TERM], spot))
    mr5 = options.rate_move * POINTS_PER_VOLATILITY * np.abs(net[:, RHO])
    mr7 = _minimum(terms, rows.unit, summed(rows.of_leg, gross[:, CASH], len(rows)))
    mr9 = _stablecoins(terms, rows, by_leg[:, CASH])
    whole = np.max(worst, axis=0, initial=0.0) + mr3 + mr4 + mr5 + mr9
    return UnitCharges(
        rows=rows, segments=segments, net=by_leg, mr1=mr1, mr2=mr2, mr3=mr3, mr4=mr4, mr5=mr5,
        mr6=mr6, mr7=mr7, mr9=mr9, scenario=scenario, theta=theta, extreme=extreme, chosen=chosen,
        spot=spot, delta=net[:, CASH], mr4_spot=mr4_spot, mmr=np.maximum(whole, mr7))


def _with_spot(book: Book, terms: UnitTerms, rows: UnitRows, spot: Floats) -> SegmentRows:
    """Return the rows with spot in use beside the positions; segments 2 u and 2 u + 1 of unit u."""
    held = np.flatnonzero(spot != 0)
    first = len(terms.of)
    pointer = np.zeros(len(book) + 1, np.int64)
    np.cumsum(np.bincount(rows.account[held], minlength=len(book)), out=pointer[1:])
    unit = rows.unit[held]
    real = RealRows(pointer=pointer, quantity=spot[held], segment=2 * unit + np.int32(1),
                    instrument=np.asarray(first + terms.coin[unit], np.int32))
    return segmented(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                     segment=np.asarray(2 * terms.of, np.int32), real=real if len(held) else None,
                     unit=np.repeat(np.arange(len(terms.names), dtype=np.int32), 2))


def term_vega(terms: UnitTerms, rows: UnitRows,
              vega: Floats) -> tuple[Floats, Floats, Floats]:
    """Return vega by leg summed over its expiry, [leg], over its unit, [row], and MR3, [row].

    MR3 is what netting over expiries hides, times a move of volatility. Legs without options have
    no vega and stand as expiries of their own.
    """
    of = terms.leg_option[rows.legs.key]
    expiry = terms.leg_expiry[rows.legs.key]
    new = np.ones(len(vega), bool)
    new[1:] = ((rows.of_leg[1:] != rows.of_leg[:-1]) | (expiry[1:] != expiry[:-1])
               | (of[1:] != of[:-1]))
    run = np.cumsum(new, dtype=np.int32) - np.int32(1)
    by_expiry = summed(run, vega, int(new.sum()))
    net = summed(rows.of_leg, vega, len(rows))
    gross = summed(rows.of_leg[new], np.abs(by_expiry), len(rows))
    move = terms.parameters.options.term_volatility * POINTS_PER_VOLATILITY
    return by_expiry[run], net, move * np.maximum(gross - np.abs(net), 0.0)


def _basis(terms: UnitTerms, rows: UnitRows, leg: Floats,
           unit: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return MR4 of every row and the part of it that spot in use causes.

    `leg` is the cash delta of every leg; `unit` (cash delta x years, spot in use in coins), [row].
    """
    term, spot = unit
    if terms.parameters.general.basis == ANNUALISED:
        return by_group(terms, "basis", "annualised")[rows.unit] * np.abs(term), 0 * spot
    rate = by_group(terms, "basis", "flat")[rows.unit]
    of_spot = rate * np.abs(spot) * terms.spot_index[rows.unit]
    return rate * summed(rows.of_leg, np.abs(leg), len(rows)) + of_spot, of_spot


def _minimum(terms: UnitTerms, unit: Indices, gross: Floats) -> Floats:
    """Return MR7 of every row from its gross cash delta."""
    charge = np.zeros(len(unit))
    for group in sorted({group_of(terms.parameters, coin) for coin in terms.coins}):
        tiers = terms.parameters.minimum[group]
        own = np.array([group_of(terms.parameters, c) == group for c in terms.coins])
        mine = own[terms.coin[unit]]
        charge[mine] = marginal(tiers.rate * gross[mine], (*tiers.up_to, np.inf),
                                tiers.multiplier)
    return charge


def _stablecoins(terms: UnitTerms, rows: UnitRows, leg: Floats) -> Floats:
    """Return MR9 of every row from the cash delta of every leg."""
    width = len(CURRENCIES)
    cell = np.asarray(rows.of_leg * width + terms.leg_money[rows.legs.key], np.int32)
    delta = summed(cell, leg, len(rows) * width).reshape(-1, width)
    return stablecoin_charge(delta, terms.price, terms.parameters.stablecoin)


def by_group(terms: UnitTerms, table: str, field: str) -> Floats:
    """Return a parameter that goes by group of coins, [unit]."""
    groups = [group_of(terms.parameters, terms.coins[u]) for u in terms.coin]
    rates = getattr(terms.parameters, table)
    return np.array([getattr(rates[group], field) for group in groups])
