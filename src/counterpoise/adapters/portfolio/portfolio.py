"""What a portfolio file says, as values."""

from typing import Any

from counterpoise.accounts.book import Book
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import frozen


@frozen
class Portfolio:
    """A market, the accounts in it, and the model asked for.

    `overrides` are the model's parameters as written; `symbols` is the dialect of names of the
    file; `quote_terms` ({instrument id: {key: text}}), `confidence` and `order_prices`
    ({(account, instrument id, lots): texts}) are read, kept and written back, but no model of
    today computes with them. `without_balances` names the accounts that state no balances: what
    they own is not known, which is not zero.
    """

    as_of: int
    model: str | None
    overrides: dict[str, Any]
    symbols: str
    market: MarketSnapshot
    book: Book
    notes: tuple[str, ...]
    quote_terms: dict[str, dict[str, str]]
    confidence: dict[str, str]
    order_prices: dict[tuple[str, str, int], tuple[str, ...]]
    without_balances: frozenset[str] = frozenset()
