"""How large is what an account carries, and could carry were its orders filled?

    gross notional = sum over contracts of max(|held|, |held + bought|, |held - sold|) x size

with the size of a lot in USD: the contract's dollars where it is inverse, its units of the
underlying times the index elsewhere, options in full. Nothing is netted between contracts.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.pools import cross_pools, position_accounts, summed
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.orders import worse_side
from counterpoise.market.snapshot import MarketSnapshot


def gross_notional(book: Book, market: MarketSnapshot) -> Floats:
    """Return the gross notional of every account, USD, [account]; NaN where an index is missing."""
    rows, size = cross_pools(book, "USD"), notional_per_lot(market)

    def carried(held: Book) -> Floats:
        return np.asarray(np.abs(held.lots * size[held.instrument]))

    row = rows.row_of[position_accounts(book.row_pointer), 0]
    out = np.zeros(len(book))
    out[rows.account] = summed(row, carried(book), len(rows)) + worse_side(book, rows, carried)
    return out


def notional_per_lot(market: MarketSnapshot) -> Floats:
    """Return the size of one lot, USD, [instrument]."""
    terms = market.catalogue
    inverse = (terms.payoff == 1) & (terms.kind != OPTION)
    return np.where(inverse, terms.unit, terms.unit * market.index[terms.underlying])
