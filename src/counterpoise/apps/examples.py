"""How does a model portfolio become a portfolio of its own: its contracts, its quotes, its balance?

What `make run` draws, what the README shows and what `examples/` holds.
"""

from typing import Any

import numpy as np

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.backtest.shelf import Legs, book_of_portfolios
from counterpoise.instruments.catalogue import catalogue
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.assets import asset
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import power_of_ten


def portfolio_of(market: MarketSnapshot, portfolios: dict[str, Legs], *, symbols: str = "deribit",
                 balance: float = 0.0) -> Portfolio:
    """Return model portfolios as one portfolio on just the quotes that it needs.

    `balance` is what every account owns of each settlement asset, in whole units of it.
    """
    held = sorted({column for legs in portfolios.values() for column, _ in legs})
    place = {column: k for k, column in enumerate(held)}
    slim = only(market, np.array(held, np.intp))
    book = book_of_portfolios(slim, {name: [(place[c], n) for c, n in legs]
                                     for name, legs in portfolios.items()})
    assets = tuple(asset(code) for code in slim.catalogue.settlements)
    amounts = np.array([[round(balance / power_of_ten(-a.decimals)) for a in assets]] * len(book),
                       np.int64).reshape(len(book), len(assets))
    return Portfolio(as_of=slim.as_of, model="deribit_spm", overrides={}, symbols=symbols,
                     market=slim, book=replaced(book, assets=assets, balances=amounts), notes=())


def only(market: MarketSnapshot, columns: np.ndarray[Any, np.dtype[np.intp]]) -> MarketSnapshot:
    """Return the snapshot of some of its instruments, given by increasing catalogue column."""
    terms = catalogue([market.catalogue.instruments[c] for c in columns])
    index = [market.catalogue.underlyings.index(u) for u in terms.underlyings]
    rows = {name: getattr(market, name)[columns] for name in (
        "mark", "forward", "forward_fixed", "volatility", "rate", "quality", "quote_age_ns")}
    return replaced(market, catalogue=terms, index=market.index[index], **rows)
