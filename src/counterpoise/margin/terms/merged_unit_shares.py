"""Which positions do the charges of OKX's risk units come from, and what is behind them?

Worst case, MR3, MR4 and MR5 grow in proportion to the positions, so each position's share is its
size times the derivative (Euler); the shares of a unit add up to its charge.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.pools import position_accounts, summed
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.merged_unit_parameters import ANNUALISED
from counterpoise.margin.terms.merged_unit_scenarios import EXTREME, PERCENT, POINTS, THETA
from counterpoise.margin.terms.merged_units import (
    CASH,
    POINTS_PER_VOLATILITY,
    RHO,
    TERM,
    VEGA,
    UnitCharges,
    UnitTerms,
    by_group,
    finer,
    row_of,
)
from counterpoise.margin.vectors import RiskVectors
from counterpoise.risk.aggregation import exposures
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.segments import vectors_of_segments


def contributed(book: Book, terms: UnitTerms, found: UnitCharges) -> dict[str, Floats]:
    """Return the shares of every position by component, USD, [position] in book order."""
    own = terms.columns[book.instrument] * book.lots[:, None]
    unit = row_of(found.rows, position_accounts(book.row_pointer), terms.of[book.instrument])
    net, _, _ = exposures(found.rows, terms.columns)
    options = terms.parameters.options
    by_expiry = _net_of_position(book, terms, found, terms.expiry)
    hidden = np.sign(by_expiry[:, VEGA]) - np.sign(net[unit, VEGA])
    return {
        "worst_case": _own_losses(book, terms, found, unit),
        "mr3_vega": options.term_volatility * POINTS_PER_VOLATILITY * hidden * own[:, VEGA],
        "mr4_basis": _basis_shares(book, terms, found, (own, net[unit, TERM])),
        "mr5_rates": (options.rate_move * POINTS_PER_VOLATILITY * np.sign(net[unit, RHO])
                      * own[:, RHO])}


def _basis_shares(book: Book, terms: UnitTerms, found: UnitCharges,
                  columns: tuple[Floats, Floats]) -> Floats:
    own, term = columns
    unit = terms.of[book.instrument]
    if terms.parameters.general.basis == ANNUALISED:
        return np.asarray(by_group(terms, "basis", "annualised")[unit] * np.sign(term)
                          * own[:, TERM])
    leg = _net_of_position(book, terms, found, terms.leg)[:, CASH]
    return np.asarray(by_group(terms, "basis", "flat")[unit] * np.sign(leg) * own[:, CASH])


def _net_of_position(book: Book, terms: UnitTerms, found: UnitCharges, key: Indices) -> Floats:
    """Return the net columns of the (account, key) that every position belongs to, [position, ]."""
    parts, net, _ = finer(book, terms, found.rows, key)
    return net[row_of(parts, position_accounts(book.row_pointer), key[book.instrument])]


def position_losses(book: Book, terms: UnitTerms, found: UnitCharges) -> Floats:
    """Return what the positions of each unit lose in the scenario that counts, USD, [row]."""
    unit = row_of(found.rows, position_accounts(book.row_pointer), terms.of[book.instrument])
    return summed(unit, _own_losses(book, terms, found, unit), len(found.rows))


def _own_losses(book: Book, terms: UnitTerms, found: UnitCharges, unit: Indices) -> Floats:
    sets = (terms.pnl[POINTS], terms.pnl[PERCENT], terms.pnl[THETA],
            terms.parameters.general.extreme_factor * terms.pnl[EXTREME])
    ends = np.cumsum([table.shape[1] for table in sets])
    place = np.choose(found.chosen, (found.scenario, ends[1] + found.theta,
                                     ends[2] + found.extreme))
    return np.asarray(-book.lots * np.concatenate(sets, axis=1)[book.instrument, place[unit]])


def unit_vectors(book: Book, terms: UnitTerms, found: UnitCharges,
                 arrays: tuple[RiskArrays, ...]) -> tuple[RiskVectors, ...]:
    """Return gains and losses in every scenario set, USD; MR6 counts in part."""
    share = [1.0] * len(arrays)
    share[EXTREME] = terms.parameters.general.extreme_factor
    out = []
    for k, pnl in enumerate(terms.pnl):
        total, counted = vectors_of_segments(found.segments, pnl)
        out.append(RiskVectors(
            scenarios=arrays[k].scenarios, units=terms.names, account=found.rows.account,
            unit=found.rows.key, summed=total, counted=share[k] * counted,
            by_position=book.lots[:, None] * pnl[book.instrument]))
    return tuple(out)
