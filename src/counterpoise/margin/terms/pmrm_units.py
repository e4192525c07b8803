"""What a PMRM_2 portfolio loses: one unit per account and market, segments by expiry.

The list runs through `risk.segments` with Derive's static discount on the value of each expiry, the
tilted scenarios as losses of their size and the damping as weight; the basis contingency is a
second pass over forwards up and down. The larger loss counts. Collateral that offsets a market is a
real row of that market's linear segment, one unit of cash each, moving with spot.
"""

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.pools import Bools, position_accounts
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.pmrm_parameters import PmrmMarket, PmrmParameters
from counterpoise.margin.terms.pmrm_scenarios import BASIS, markets_of
from counterpoise.margin.terms.skew_shock import TILTS
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import UnitTransform
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.segments import (
    RealRows,
    SegmentRows,
    SegmentTransform,
    segmented,
    vectors_of_segments,
    worst_of_segments,
)
from counterpoise.values.frozen import frozen
from counterpoise.values.time import YEAR_NS


@frozen
class PmrmTerms:
    """What units are measured by; rows of the risk array are the instruments, then the markets.

    segment     [instrument] expiry or linear segment, -1 where the rule book does not apply
    unit        [segment] underlying
    linear      [underlying] its segment without expiry
    value       [row] unshocked value that discounts act on, per lot; 0 for what has no discount
    pnl         [row, scenario] of the list, per lot; a market's own row is one unit of its spot
    basis_pnl   [row, 3] unshocked, forwards up, forwards down
    discount    transform of the list; `up` for values >= 0 and `down` for values < 0
    basis       transform of the basis contingency
    damping     [underlying, scenario]
    """

    segment: Indices
    unit: Indices
    linear: Indices
    value: Floats
    pnl: Floats
    basis_pnl: Floats
    discount: SegmentTransform
    basis: SegmentTransform
    damping: Floats


@frozen
class PmrmUnits:
    """Results, [unit row]: losses >= 0, `scenario` of the scenario set that explains `loss`.

    `offset` is the value of the collateral that offsets the unit's market.
    """

    rows: SegmentRows
    loss: Floats
    scenario: Indices
    basis_loss: Floats
    offset: Floats


def pmrm_terms(arrays: RiskArrays, market: MarketSnapshot, parameters: PmrmParameters,
               barred: Bools) -> PmrmTerms:
    """Return the terms of a priced market; `barred` [instrument] is left out."""
    terms, own = market.catalogue, markets_of(market, parameters)
    count = len(terms.underlyings)
    option = terms.kind == OPTION
    codes = np.stack((terms.underlying, np.where(option, terms.expiry, 0)), axis=1)
    always = np.stack((np.arange(count), np.zeros(count, np.int64)), axis=1)
    pairs, of = np.unique(np.concatenate((codes, always)), axis=0, return_inverse=True)
    segment = of.reshape(-1).astype(np.int32)
    unit = pairs[:, 0].astype(np.int32)
    years = np.where(pairs[:, 1] > 0, np.maximum(pairs[:, 1] - market.as_of, 0) / YEAR_NS, np.nan)
    rate = np.zeros(len(pairs))
    rate[segment[:len(terms)][option][::-1]] = np.maximum(market.rate[option], 0.0)[::-1]
    listed = len(arrays.scenarios) - BASIS
    value, pnl = _at_least_zero_rate(arrays, market)
    spot = arrays.scenarios.move[:, :count].T
    pnl = np.concatenate((pnl, spot))
    return PmrmTerms(
        segment=np.where(barred, np.int32(-1), segment[:len(terms)]).astype(np.int32), unit=unit,
        linear=segment[len(terms):], pnl=np.ascontiguousarray(pnl[:, :listed]),
        basis_pnl=np.ascontiguousarray(pnl[:, [0, listed, listed + 1]]),
        value=np.concatenate((np.where(option, value, 0.0), np.zeros(count))),
        discount=_discount([own[u] for u in unit], years, rate, _tilted(own)),
        basis=_basis([own[u] for u in unit], years),
        damping=np.array([(1.0, *m.grid.damping) for m in own]))


def _at_least_zero_rate(arrays: RiskArrays, market: MarketSnapshot) -> tuple[Floats, Floats]:
    """Return value and P&L with the rates below zero taken as zero: Derive floors its feed."""
    below = np.minimum(market.rate, 0.0)
    if not below.any():
        return arrays.value, arrays.pnl
    years = np.maximum(market.catalogue.expiry - market.as_of, 0) / YEAR_NS
    growth = _core.exp(np.where(below < 0, below * years, 0.0))
    return arrays.value * growth, arrays.pnl * growth[:, None]


def _tilted(own: list[PmrmMarket]) -> Bools:
    """Return in which scenarios of the list any P&L is a loss, [scenario]."""
    return np.array([False, *(v in TILTS for v in own[0].grid.volatility)])


def _discount(own: list[PmrmMarket], years: Floats, rate: Floats,
              tilted: Bools) -> SegmentTransform:
    """Return the static discounts of every segment, [segment, scenario]; 1 without an expiry."""
    long_base, short_base, long_scale, long_add, short_scale, short_add = (
        np.array([getattr(m.discount, name) for m in own]) for name in (
            "long_base", "short_base", "long_rate_scale", "long_rate_add", "short_rate_scale",
            "short_rate_add"))
    linear = np.isnan(years)
    time = np.where(linear, 0.0, years)
    up = long_base * _core.exp(-time * (rate * long_scale + long_add))
    down = np.minimum(_core.exp(time * rate),
                      short_base * _core.exp(time * (rate * short_scale + short_add)))
    shape = (len(own), len(tilted))
    return SegmentTransform(
        up=np.broadcast_to(np.where(linear, 1.0, up)[:, None], shape),
        down=np.broadcast_to(np.where(linear, 1.0, down)[:, None], shape),
        cap=np.full(len(own), np.inf), absolute=tilted)


def _basis(own: list[PmrmMarket], years: Floats) -> SegmentTransform:
    """Return the transform that keeps the larger loss of forwards up and down by expiry."""
    factor = np.array([m.basis.add + m.basis.multiply * t
                       for m, t in zip(own, years.tolist(), strict=True)])
    down = np.where(np.isnan(years), 0.0, factor)
    return SegmentTransform(
        state=np.array([0, 1, 1], np.int32), up=np.zeros((len(own), 2)),
        down=np.stack((down, down), axis=1), cap=np.full(len(own), np.inf))


def pmrm_units(book: Book, terms: PmrmTerms, offsets: Floats, threads: int) -> PmrmUnits:
    """Return the losses of every unit; `offsets` is collateral by [account, underlying], cash."""
    rows = _rows(book, terms, offsets)
    listed, scenario = worst_of_segments(rows, terms.pnl, _on_value(terms),
                                         UnitTransform(weight=terms.damping), threads=threads)
    basis, _ = worst_of_segments(rows, terms.basis_pnl, terms.basis, threads=threads)
    by_basis = basis > listed
    return PmrmUnits(
        rows=rows, loss=np.maximum(listed, basis), basis_loss=basis,
        scenario=np.where(by_basis, terms.pnl.shape[1], scenario).astype(np.int32),
        offset=offsets[rows.account, rows.unit])


def _rows(book: Book, terms: PmrmTerms, offsets: Floats) -> SegmentRows:
    account, underlying = np.nonzero(offsets)
    pointer = np.searchsorted(account, np.arange(len(book) + 1))
    first = len(terms.segment)
    return segmented(
        row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
        segment=terms.segment, unit=terms.unit, real=RealRows(
            pointer=pointer, instrument=(first + underlying).astype(np.int32),
            quantity=offsets[account, underlying], segment=terms.linear[underlying]))


def _on_value(terms: PmrmTerms) -> SegmentTransform:
    discount = terms.discount
    return SegmentTransform(up=discount.up, down=discount.down, cap=discount.cap,
                            absolute=discount.absolute, base=terms.value)


def pmrm_vectors(book: Book, arrays: RiskArrays, terms: PmrmTerms, offsets: Floats) -> RiskVectors:
    """Return gains and losses by scenario; the two of the basis show what it counts for."""
    units = pmrm_units(book, terms, offsets, 1)
    raw, counted = vectors_of_segments(units.rows, terms.pnl, _on_value(terms),
                                       UnitTransform(weight=terms.damping))
    basis = np.repeat(-units.basis_loss[:, None], BASIS, axis=1)
    damping = np.concatenate((terms.damping, np.ones((len(terms.damping), BASIS))), axis=1)
    pnl = np.concatenate((terms.pnl, terms.basis_pnl[:, 1:]), axis=1)
    market = terms.unit[terms.segment[book.instrument]]
    own = book.lots[:, None] * pnl[book.instrument] * damping[market]
    weighted = raw * terms.damping[units.rows.unit]
    return RiskVectors(
        scenarios=arrays.scenarios, units=book.catalogue.underlyings, account=units.rows.account,
        unit=units.rows.unit, by_position=own,
        summed=np.concatenate((weighted, basis), axis=1),
        counted=np.concatenate((counted, basis), axis=1))


def offset_losses(units: PmrmUnits, terms: PmrmTerms) -> Floats:
    """Return what offsetting collateral loses in each unit's worst scenario, < 0 where it gains."""
    listed = terms.pnl.shape[1]
    counts = (units.loss > 0) & (units.scenario < listed)
    scenario = np.where(counts, units.scenario, 0)
    first = len(terms.segment)
    move = terms.pnl[first + units.rows.unit, scenario] * terms.damping[units.rows.unit, scenario]
    return np.where(counts, -units.offset * move, 0.0)


def position_losses(book: Book, units: PmrmUnits, terms: PmrmTerms) -> Floats:
    """Return each position's share of its unit's loss, [position]; negative where it hedges."""
    rows, listed = units.rows, terms.pnl.shape[1]
    account, held = position_accounts(book.row_pointer), book.instrument
    segment = terms.segment[held]
    place = np.full((len(book), len(terms.linear)), -1, np.int32)
    place[rows.account, rows.unit] = np.arange(len(rows))
    row = place[account, terms.unit[segment]]
    scenario = units.scenario[row]
    by_basis = scenario >= listed
    _, of = np.unique(account.astype(np.int64) * len(terms.unit) + segment, return_inverse=True)
    inside = np.minimum(scenario, listed - 1)
    pnl, base = book.lots * terms.pnl[held, inside], book.lots * terms.value[held]
    scaled = _scaled(terms, segment, inside, np.bincount(of, weights=base + pnl)[of] >= 0)
    counted = scaled * (base + pnl) - base
    tilted = np.asarray(terms.discount.absolute)[inside]
    sign = np.where(tilted & (np.bincount(of, weights=counted)[of] > 0), -1.0, 1.0)
    scanned = -sign * counted * terms.damping[terms.unit[segment], inside]
    shares = np.where(by_basis, _basis_losses(book, terms, of), scanned)
    return np.where(units.loss[row] > 0, shares, 0.0)


def _scaled(terms: PmrmTerms, segment: Indices, scenario: Indices, owned: Bools) -> Floats:
    up, down = np.asarray(terms.discount.up), np.asarray(terms.discount.down)
    return np.where(owned, up[segment, scenario], down[segment, scenario])


def _basis_losses(book: Book, terms: PmrmTerms, of: Indices) -> Floats:
    """Return each position's share of the basis contingency; `of` numbers the segments held."""
    moves = [book.lots * terms.basis_pnl[book.instrument, k] for k in (1, 2)]
    sums = [np.bincount(of, weights=move)[of] for move in moves]
    worse = np.where(sums[1] < sums[0], moves[1], moves[0])
    factor = np.asarray(terms.basis.down)[terms.segment[book.instrument], 1]
    return np.where(np.minimum(sums[0], sums[1]) < 0, -worse * factor, 0.0)
