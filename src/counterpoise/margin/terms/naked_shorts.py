"""How much of what is sold stands naked: short options net of long ones at the same strike.

    naked[strike] = max(0, -(coins of the call + coins of the put)),  by expiry and strike

Source: Derive v2, option contingency of PMRM_2; *our reading* where the venue does not say whether
a call covers a put: at one strike it does.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.pools import position_accounts
from counterpoise.margin.requirement import Floats


def naked_shorts(book: Book) -> Floats:
    """Return each position's part in the naked coins of its strike, [position].

    The parts of an account at one strike add up to what is naked there; longs have negative parts,
    and all are 0 where nothing is naked and for what is no option.
    """
    terms, held = book.catalogue, book.instrument
    if not len(held):
        return np.zeros(0)
    own = position_accounts(book.row_pointer)
    new = np.zeros(len(held), bool)
    for column in (own, terms.underlying[held], terms.expiry[held], terms.kind[held],
                   terms.settlement[held], terms.strike[held]):
        new[1:] |= column[1:] != column[:-1]
    strike = np.cumsum(new)
    coins = np.where(terms.kind[held] == OPTION, book.lots * terms.unit[held], 0.0)
    net = np.bincount(strike, weights=coins)
    return np.where(net[strike] < 0, -coins, 0.0)
