"""What an account has borrowed, asset by asset, in USD.

A loan is what the account states (`given`, gross: an asset may be held and owed at once), else the
amount by which its balance is below zero.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import prices_in
from counterpoise.margin.pools import Bools, PoolRows
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.quantity import power_of_ten


def loans_of(book: Book) -> Floats:
    """Return the amount borrowed of each asset, >= 0, asset's own units, [account, asset]."""
    units = np.array([power_of_ten(a.decimals) for a in book.assets])
    short = np.maximum(-book.balances, 0) / units
    stated = book.given.get("loan")
    return short if stated is None else np.where(np.isfinite(stated), stated, short)


def borrowed(book: Book, rows: PoolRows, market: MarketSnapshot) -> Floats:
    """Return the loans of every row, one per account, in its currency, added up by asset."""
    loans = loans_of(book)[rows.account]
    price = prices_in(market, tuple(a.code for a in book.assets), rows.pools[0])
    total = np.zeros(len(rows))
    for k in range(len(book.assets)):
        total = total + np.where(loans[:, k] > 0, loans[:, k] * price[k], 0.0)
    return total


def without_price(book: Book, rows: PoolRows, market: MarketSnapshot,
                  failed: tuple[Indices, tuple[Failure, ...]],
                  ) -> tuple[Indices, tuple[Failure, ...]]:
    """Return `failed` with the rows that owe an asset without a price among the failing ones."""
    failure, failures = np.array(failed[0]), failed[1]
    price = prices_in(market, tuple(a.code for a in book.assets), rows.pools[0])
    for k in np.flatnonzero(np.isnan(price)):
        owes: Bools = (loans_of(book)[rows.account, k] > 0) & (failure < 0)
        if owes.any():
            failure[owes] = len(failures)
            code = book.assets[k].code
            failures = (*failures, Failure(reason=Reason.MISSING_PRICE, subject=code, sentence=(
                f"is borrowed and has no price; add market.assets.{code}")))
    return failure, failures
