"""What a portfolio file says, as values."""

from typing import Any

from counterpoise.accounts.book import Book
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import frozen


@frozen
class Portfolio:
    """A market, the accounts in it, and the model asked for.

    `overrides` are the model's parameters as written; `symbols` is the dialect of names of the
    file. `without_balances` names the accounts that state no balances: what they own is not known,
    which is not zero. `isolated` {account: owner} says which accounts of the book are isolated
    positions of another.
    """

    as_of: int
    model: str | None
    overrides: dict[str, Any]
    symbols: str
    market: MarketSnapshot
    book: Book
    notes: tuple[str, ...]
    without_balances: frozenset[str] = frozenset()
    isolated: dict[str, str] = {}
