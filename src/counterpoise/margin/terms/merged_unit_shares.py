"""Which positions do the charges of OKX's risk units come from, and what is behind them?

Worst case, MR3, MR4 and MR5 grow in proportion to the positions, so each position's share is its
size times the derivative (Euler); the shares of a unit add up to its charge.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.pools import summed
from counterpoise.margin.requirement import Floats
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
    at_positions,
    by_group,
    term_vega,
)
from counterpoise.margin.vectors import RiskVectors
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.segments import vectors_of_segments


def contributed(book: Book, terms: UnitTerms, found: UnitCharges) -> dict[str, Floats]:
    """Return the shares of every position by component, USD, [position] in book order."""
    own = terms.columns[book.instrument] * book.lots[:, None]
    rows, options = found.rows, terms.parameters.options
    unit = np.stack([summed(rows.of_leg, column, len(rows)) for column in found.net.T], axis=1)
    by_expiry, vega, _ = term_vega(terms, rows, found.net[:, VEGA])
    hidden = at_positions(rows.legs, np.sign(by_expiry) - np.sign(vega[rows.of_leg]))
    return {
        "worst_case": _own_losses(book, terms, found),
        "mr3_vega": options.term_volatility * POINTS_PER_VOLATILITY * hidden * own[:, VEGA],
        "mr4_basis": _basis_shares(terms, found, own, unit[rows.of_position, TERM]),
        "mr5_rates": (options.rate_move * POINTS_PER_VOLATILITY
                      * np.sign(unit[rows.of_position, RHO]) * own[:, RHO])}


def _basis_shares(terms: UnitTerms, found: UnitCharges, own: Floats, term: Floats) -> Floats:
    unit = found.rows.unit[found.rows.of_position]
    if terms.parameters.general.basis == ANNUALISED:
        return np.asarray(by_group(terms, "basis", "annualised")[unit] * np.sign(term)
                          * own[:, TERM])
    leg = at_positions(found.rows.legs, np.sign(found.net[:, CASH]))
    return np.asarray(by_group(terms, "basis", "flat")[unit] * leg * own[:, CASH])


def position_losses(book: Book, terms: UnitTerms, found: UnitCharges) -> Floats:
    """Return what the positions of each unit lose in the scenario that counts, USD, [row]."""
    return summed(found.rows.of_position, _own_losses(book, terms, found), len(found.rows))


def _own_losses(book: Book, terms: UnitTerms, found: UnitCharges) -> Floats:
    sets = (terms.pnl[POINTS], terms.pnl[PERCENT], terms.pnl[THETA],
            terms.parameters.general.extreme_factor * terms.pnl[EXTREME])
    ends = np.cumsum([table.shape[1] for table in sets])
    place = np.choose(found.chosen, (found.scenario, ends[1] + found.theta,
                                     ends[2] + found.extreme))
    pnl = np.concatenate(sets, axis=1)
    return np.asarray(-book.lots * pnl[book.instrument, place[found.rows.of_position]])


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
            unit=found.rows.unit, summed=total, counted=share[k] * counted,
            by_position=book.lots[:, None] * pnl[book.instrument]))
    return tuple(out)
