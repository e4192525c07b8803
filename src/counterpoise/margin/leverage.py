"""How large is what an account carries against what it owns?

    leverage = sum of |lots x delta| in USD / margin balance in USD        of one account and pool

Futures and perpetuals count in full, options by their Black delta; nothing is netted, so a hedge
adds leverage though it takes risk away. A figure for people: no decision here depends on it.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.pools import pool_of_instrument, position_accounts, summed
from counterpoise.margin.requirement import Floats
from counterpoise.market.snapshot import MarketSnapshot, usd_price
from counterpoise.risk.sensitivities import UNITS, per_lot

_DELTA_USD: Final = tuple(UNITS).index("delta_usd")


def leverage_of(book: Book, market: MarketSnapshot, margins: AccountMargin) -> Floats:
    """Return the leverage of every requirement row; 0 where nothing is carried.

    NaN where the margin balance is not positive or not known, a price is missing, or an instrument
    cannot be valued.
    """
    rows = margins.requirements
    row_of = np.full((len(book), len(rows.pools)), -1, np.int32)
    row_of[rows.account, rows.pool] = np.arange(len(rows), dtype=np.int32)
    place = pool_of_instrument(book, rows.pools)[book.instrument]
    gross = summed(row_of[position_accounts(book.row_pointer), place], carried_usd(book, market),
                   len(rows))
    usd = np.array([usd_price(market, pool) for pool in rows.pools])[rows.pool]
    return carried_over_owned(gross, margins.margin_balance * usd)


def carried_usd(book: Book, market: MarketSnapshot) -> Floats:
    """Return the size of the delta of every position, USD, [position]; NaN where unknown."""
    return np.asarray(np.abs(book.lots * per_lot(market)[book.instrument, _DELTA_USD]))


def carried_over_owned(gross: Floats, owned: Floats) -> Floats:
    """Return the leverage; 0 where nothing is carried, NaN where nothing known to be positive is
    owned. Both in one currency, of one shape."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gross == 0, 0.0, np.where(owned > 0, gross / owned, np.nan))
