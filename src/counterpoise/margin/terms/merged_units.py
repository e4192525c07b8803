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
from counterpoise.margin.pools import summed
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
    leg, expiry, money   [instrument] keys: leg of MR4, (unit, expiry), (unit, currency of MR9)
    coins, index         names and USD index of underlyings
    spot_index           [unit] USD index of the coin where spot joins the unit, 0 where it does not
    """

    names: tuple[str, ...]
    coin: Indices
    quote: tuple[str, ...]
    of: Indices
    pnl: tuple[Floats, ...]
    columns: Floats
    leg: Indices
    expiry: Indices
    money: Indices
    coins: tuple[str, ...]
    spot_index: Floats
    price: Floats
    parameters: MergedUnitParameters


@frozen
class UnitCharges:
    """The charges of every (account, unit) that holds derivatives, USD, [row] unless said.

    rows, segments   the positions by unit, and the same with spot in use
    mr1 .. mr9       as OKX names them; mr6 is half the loss already
    scenario         of MR1: index into the points and then the percent set
    extreme          scenario of MR6
    chosen           which of MR1, MR2, MR6 counts: 0, 1, 2
    spot             coins in use, signed
    delta            cash delta of the derivatives
    mr4_spot         the part of MR4 that spot in use causes
    mmr              maintenance margin
    """

    rows: Rows
    segments: SegmentRows
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
    return UnitTerms(
        names=tuple(terms.underlyings[u] + (f"_{q}" if q else "")
                    for u, q in zip(coin, paid, strict=True)),
        coin=coin, quote=paid, of=of, pnl=_pnl(arrays, market, parameters),
        columns=np.stack((*known.T, known[:, CASH] * years), axis=1),
        leg=_legs(terms, of, quote), expiry=_keys(of, terms.expiry),
        money=np.asarray(of * len(CURRENCIES) + money[quote], np.int32), coins=terms.underlyings,
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


def _legs(terms: Catalogue, unit: Indices, quote: Indices) -> Indices:
    """Return the leg of every instrument: itself, or all options of one unit, quote and expiry."""
    option = terms.kind == OPTION
    own = np.arange(len(terms), dtype=np.int32)
    series = _keys(unit * (int(quote.max(initial=0)) + 1) + quote, terms.expiry)
    first, of = kinds(np.asarray(np.where(option, series, 0), np.int32))
    return np.asarray(np.where(option, len(terms) + of, own), np.int32)


def _keys(code: Indices, expiry: np.ndarray[Any, np.dtype[np.int64]]) -> Indices:
    """Return a number per (code, expiry), [instrument]."""
    tenors, tenor = np.unique(expiry, return_inverse=True)
    return np.asarray(code * len(tenors) + tenor, np.int32)


def unit_charges(book: Book, terms: UnitTerms, *, threads: int = 1) -> UnitCharges:
    """Return the charges of every unit row; NaN where an instrument has no number."""
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=terms.of)
    net, _, gross = exposures(rows, terms.columns, threads=threads)
    spot = np.where(terms.spot_index[rows.key] > 0, spot_in_use(
        book, terms.coins, account=rows.account, coin=terms.coin[rows.key],
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
    mr3 = _term_vega(book, terms, rows, net[:, VEGA])
    mr4, mr4_spot = _basis(book, terms, rows, (net[:, TERM], spot))
    mr5 = options.rate_move * POINTS_PER_VOLATILITY * np.abs(net[:, RHO])
    mr7 = _minimum(terms, rows.key, gross[:, CASH])
    mr9 = _stablecoins(book, terms, rows)
    whole = np.max(worst, axis=0, initial=0.0) + mr3 + mr4 + mr5 + mr9
    return UnitCharges(rows=rows, segments=segments, mr1=mr1, mr2=mr2, mr3=mr3, mr4=mr4, mr5=mr5,
                       mr6=mr6, mr7=mr7, mr9=mr9, scenario=scenario, theta=theta, extreme=extreme,
                       chosen=chosen, spot=spot, delta=net[:, CASH], mr4_spot=mr4_spot,
                       mmr=np.maximum(whole, mr7))


def _with_spot(book: Book, terms: UnitTerms, rows: Rows, spot: Floats) -> SegmentRows:
    """Return the rows with spot in use beside the positions; segments 2 u and 2 u + 1 of unit u."""
    held = np.flatnonzero(spot != 0)
    first = len(terms.of)
    pointer = np.zeros(len(book) + 1, np.int64)
    np.cumsum(np.bincount(rows.account[held], minlength=len(book)), out=pointer[1:])
    unit = rows.key[held]
    real = RealRows(pointer=pointer, quantity=spot[held], segment=2 * unit + np.int32(1),
                    instrument=np.asarray(first + terms.coin[unit], np.int32))
    return segmented(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                     segment=np.asarray(2 * terms.of, np.int32), real=real if len(held) else None,
                     unit=np.repeat(np.arange(len(terms.names), dtype=np.int32), 2))


def row_of(rows: Rows, account: Indices, unit: Indices) -> Indices:
    """Return the unit row of each (account, unit), all of which have one."""
    width = int(rows.key.max(initial=0)) + 1
    code = rows.account.astype(np.int64) * width + rows.key
    return np.asarray(np.searchsorted(code, account.astype(np.int64) * width + unit), np.int32)


def finer(book: Book, terms: UnitTerms, rows: Rows, key: Indices) -> tuple[Rows, Floats, Indices]:
    """Return rows by a key finer than the unit, their net columns, and the unit row of each."""
    parts = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                    key=key)
    net, _, _ = exposures(parts, terms.columns)
    unit = terms.of[parts.instrument[parts.pointer[:-1]]]
    return parts, net, row_of(rows, parts.account, unit)


def _term_vega(book: Book, terms: UnitTerms, rows: Rows, net: Floats) -> Floats:
    """Return MR3: what netting of vega over expiries hides, times a move of volatility."""
    _, by_expiry, row = finer(book, terms, rows, terms.expiry)
    gross = summed(row, np.abs(by_expiry[:, VEGA]), len(rows))
    hidden = np.maximum(gross - np.abs(net), 0.0)
    return terms.parameters.options.term_volatility * POINTS_PER_VOLATILITY * hidden


def _basis(book: Book, terms: UnitTerms, rows: Rows,
           unit: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return MR4 of every row and the part of it that spot in use causes.

    `unit` is (cash delta x years, spot in use in coins), [row].
    """
    term, spot = unit
    if terms.parameters.general.basis == ANNUALISED:
        return by_group(terms, "basis", "annualised")[rows.key] * np.abs(term), 0 * spot
    _, net, row = finer(book, terms, rows, terms.leg)
    rate = by_group(terms, "basis", "flat")[rows.key]
    of_spot = rate * np.abs(spot) * terms.spot_index[rows.key]
    return rate * summed(row, np.abs(net[:, CASH]), len(rows)) + of_spot, of_spot


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


def _stablecoins(book: Book, terms: UnitTerms, rows: Rows) -> Floats:
    """Return MR9 of every row from its cash delta in each currency."""
    parts, net, row = finer(book, terms, rows, terms.money)
    delta = np.zeros((len(rows), len(CURRENCIES)))
    delta[row, parts.key % len(CURRENCIES)] = net[:, CASH]
    return stablecoin_charge(delta, terms.price, terms.parameters.stablecoin)


def by_group(terms: UnitTerms, table: str, field: str) -> Floats:
    """Return a parameter that goes by group of coins, [unit]."""
    groups = [group_of(terms.parameters, terms.coins[u]) for u in terms.coin]
    rates = getattr(terms.parameters, table)
    return np.array([getattr(rates[group], field) for group in groups])
