"""What PMRM_2 asks beside the loss: contingencies on size, haircuts, and what doubt costs.

    perpetual = |coins| S x rate       option = naked short coins S x rate
    haircut   = value of collateral x haircut
    oracle    = penalty(least confidence) x notional, initial margin only

Options are doubted on all contracts, long and short, by forward, rate, volatility and spot, and by
the perpetual's feed where the account holds one. Source: as `margin.models.derive_pmrm`.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION, PERPETUAL
from counterpoise.margin.pools import position_accounts
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.confidence import (
    asset_confidences,
    confidences_of,
    penalty,
)
from counterpoise.margin.terms.naked_shorts import naked_shorts
from counterpoise.margin.terms.pmrm_parameters import PmrmParameters
from counterpoise.margin.terms.pmrm_scenarios import markets_of
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import frozen


@frozen
class Charges:
    """Charges in cash, {name: [position]}, maintenance and initial (which includes maintenance)."""

    maintenance: dict[str, Floats]
    initial: dict[str, Floats]


def charges_of(book: Book, market: MarketSnapshot, parameters: PmrmParameters) -> Charges:
    """Return the charges that every position causes, [position]."""
    terms, held = book.catalogue, book.instrument
    spot = market.index[terms.underlying[held]]
    kind = terms.kind[held]
    size = np.abs(book.lots) * terms.unit[held] * spot
    perpetual, option = np.where(kind == PERPETUAL, size, 0.0), naked_shorts(book) * spot
    rates = np.array([(c.perpetual_maintenance, c.perpetual_initial, c.option_maintenance,
                       c.option_initial) for c in (
        m.contingency for m in markets_of(market, parameters))]).T[:, terms.underlying]
    maintenance = {"perpetual_contingency": perpetual * rates[0][held],
                   "option_contingency": option * rates[2][held]}
    return Charges(maintenance=maintenance, initial={
        "perpetual_contingency": maintenance["perpetual_contingency"] + perpetual * rates[1][held],
        "option_contingency": maintenance["option_contingency"] + option * rates[3][held],
        "oracle_contingency": size * _doubt(book, market, parameters)})


def _doubt(book: Book, market: MarketSnapshot, parameters: PmrmParameters) -> Floats:
    terms, held = book.catalogue, book.instrument
    known = confidences_of(market, with_rate=True)
    own, perpetual = terms.underlying, terms.kind == PERPETUAL
    used, general = (terms.kind == OPTION) | perpetual, parameters.general
    least = np.minimum(known.index[own], known.option)
    alone, beside = (np.where(used, penalty(
        confidence, threshold=general.confidence_threshold, margin=general.confidence_margin), 0.0)
        for confidence in (least, np.minimum(least, known.perpetual[own])))
    if np.array_equal(alone, beside):
        return np.asarray(alone[held])
    account, holds = position_accounts(book.row_pointer), perpetual[held]
    present = np.zeros((len(book), len(terms.underlyings)), bool)
    present[account[holds], own[held[holds]]] = True
    return np.where(present[account, own[held]], beside[held], alone[held])


def collateral_doubt(market: MarketSnapshot, assets: tuple[str, ...], active: Floats,
                     parameters: PmrmParameters) -> Floats:
    """Return the penalty on every asset, [row, asset].

    `active` [row, underlying] is 1 for the markets of the account, whose spot feeds count, too.
    """
    index = confidences_of(market, with_rate=True).index
    spot = np.where(active > 0, index, 1.0).min(axis=1, initial=1.0)
    least = np.minimum(spot[:, None], asset_confidences(market, assets))
    general = parameters.general
    return penalty(least, threshold=general.confidence_threshold,
                   margin=general.confidence_margin)
