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
from counterpoise.market.snapshot import MarketSnapshot, price_of
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
    carried = np.abs(book.lots * per_lot(market)[book.instrument, _DELTA_USD])
    gross = summed(row_of[position_accounts(book.row_pointer), place], carried, len(rows))
    usd = np.array([_usd_price(market, pool) for pool in rows.pools])[rows.pool]
    with np.errstate(divide="ignore", invalid="ignore"):
        owned = margins.margin_balance * usd
        return np.where(gross == 0, 0.0, np.where(owned > 0, gross / owned, np.nan))


def _usd_price(market: MarketSnapshot, asset: str) -> float:
    known = market.catalogue.underlyings
    return float(market.index[known.index(asset)]) if asset in known else price_of(market, asset)
