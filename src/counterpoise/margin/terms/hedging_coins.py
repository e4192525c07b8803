"""Which coins of the wallet stand beside the derivatives on them, as rows of the same unit?

Spot in use, spot hedge, covered calls: an amount of a coin joins the P&L of derivatives on it as a
real row. Coins of an account without derivatives on them are collateral and nothing else.
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.pools import position_accounts
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.values.frozen import frozen

Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


@frozen
class HedgingCoins:
    """Coins beside derivatives: `pointer` [account + 1] entries by account; `coin` [entry] indexes
    the underlyings; `quantity` [entry] coins, below zero where they are owed."""

    pointer: Ints
    coin: Indices
    quantity: Floats

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.coin)


def beside_derivatives(book: Book, amount: Floats) -> HedgingCoins:
    """Return the coins, `amount` [account, underlying], of accounts that hold derivatives on them.
    """
    beside = np.zeros(amount.shape, bool)
    underlying = book.catalogue.underlying[book.instrument]
    beside[position_accounts(book.row_pointer), underlying] = True
    account, coin = np.nonzero((amount != 0) & beside)
    pointer = np.zeros(len(book) + 1, np.int64)
    np.cumsum(np.bincount(account, minlength=len(book)), out=pointer[1:])
    return HedgingCoins(pointer=pointer, coin=coin.astype(np.int32),
                        quantity=amount[account, coin])
