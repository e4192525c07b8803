"""How much of a coin in the wallet hedges the derivatives on it?

    in use = -delta of the derivatives, as far as the coin goes: min(held, -delta) where the
             derivatives are short, the same of what is owed where they are long

The account may cap the amount (`spot_in_use_max`) or state what its venue reports (`spot_in_use`).
What is in use joins the risk unit as a real row; the rest is collateral and nothing else. Source:
OKX help, "Portfolio margin mode: cross-margin trading" (risk unit merge).
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.values.quantity import power_of_ten


def coins_held(book: Book, coins: tuple[str, ...]) -> Floats:
    """Return what accounts hold of each coin, below zero where they owe, [account, coin]."""
    return np.stack([np.zeros(len(book)), *(
        book.balances[:, k] / power_of_ten(a.decimals) for k, a in enumerate(book.assets))],
        axis=1)[:, _places(book, coins)]


def spot_in_use(book: Book, coins: tuple[str, ...], *, account: Indices, coin: Indices,
                delta: Floats) -> Floats:
    """Return the coins in use of every row, signed, [row].

    A row is an (account, index into `coins`) with the `delta` of its derivatives in coins; NaN
    gives NaN.
    """
    held = coins_held(book, coins)[account, coin]
    most = by_coin(book, coins, book.given.get("spot_in_use_max"))[account, coin]
    owned = np.fmin(np.maximum(held, 0.0), most)
    hedge = np.clip(-delta, np.minimum(held, 0.0), owned)
    told = by_coin(book, coins, book.given.get("spot_in_use"))[account, coin]
    return np.where(np.isnan(told), hedge, told) + 0.0


def by_coin(book: Book, coins: tuple[str, ...], table: Floats | None) -> Floats:
    """Return a table [account, asset] of the book as [account, coin]; NaN where it has no coin."""
    if table is None:
        return np.full((len(book), len(coins)), np.nan)
    nothing = np.full((len(book), 1), np.nan)
    return np.concatenate((nothing, table), axis=1)[:, _places(book, coins)]


def _places(book: Book, coins: tuple[str, ...]) -> list[int]:
    """Return the column of each coin behind a column of nothing, which is 0."""
    known = {a.code: k + 1 for k, a in enumerate(book.assets)}
    return [known.get(code, 0) for code in coins]
