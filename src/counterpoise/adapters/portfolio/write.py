"""How does a portfolio become a file again? Every number as the text that reads back exactly."""

import json
from collections import deque
from decimal import Decimal
from typing import Any

import numpy as np

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.symbols.names import instrument_of, symbol_of
from counterpoise.instruments.contracts import Future, Instrument, Option, Perpetual, Spot
from counterpoise.values.assets import decimals_of
from counterpoise.values.failure import BadInput
from counterpoise.values.quantity import UNKNOWN
from counterpoise.values.time import SECOND_NS, format_instant

Tree = dict[str, Any]
Waiting = dict[tuple[str, str, int], deque[str]]


def document_of(portfolio: Portfolio) -> bytes:
    """Return the file, UTF-8 JSON; see `portfolio_file.write_portfolio`."""
    instruments = portfolio.market.catalogue.instruments
    names = {c.id: _name(c, portfolio.symbols) for c in instruments}
    own = {names[c.id]: _definition(c) for c in instruments
           if not _is_implied(names[c.id], c, portfolio.symbols)}
    prices = {key: deque(texts) for key, texts in portfolio.order_prices.items()}
    accounts = [_account(portfolio, k, names, prices) for k in range(len(portfolio.book))]
    tree = {
        "as_of": format_instant(portfolio.as_of),
        **({"model": portfolio.model} if portfolio.model is not None else {}),
        **({"parameters": portfolio.overrides} if portfolio.overrides else {}),
        "symbols": portfolio.symbols,
        **({"note": list(portfolio.notes)} if portfolio.notes else {}),
        **({"instruments": own} if own else {}),
        "market": _market(portfolio, names),
        **({"account": accounts[0]} if len(accounts) == 1 else {"accounts": accounts}),
    }
    return json.dumps(tree, indent=1, ensure_ascii=False).encode()


def _name(instrument: Instrument, venue: str) -> str:
    try:
        return symbol_of(instrument, venue)
    except BadInput:
        return instrument.id


def _is_implied(name: str, instrument: Instrument, venue: str) -> bool:
    try:
        return instrument_of(name, venue) == instrument
    except BadInput:
        return False


def _definition(c: Instrument) -> Tree:
    tree: Tree = {"kind": type(c).__name__.lower(), "underlying": c.underlying, "quote": c.quote}
    if isinstance(c, Spot):
        return tree | {"lot_exponent": c.lot_exponent}
    tree |= {"settlement": c.settlement, "multiplier": _text(c.multiplier),
             "lot_exponent": c.lot_exponent}
    if isinstance(c, Perpetual):
        return tree
    tree |= {"expiry": format_instant(c.expiry),
             "settlement_window_minutes": _decimal(c.settlement_window_ns, 60 * SECOND_NS)}
    if isinstance(c, Future):
        return tree
    return tree | {"strike": _text(c.strike), "right": str(c.right)}


def _market(portfolio: Portfolio, names: dict[str, str]) -> Tree:
    market = portfolio.market
    tree: Tree = {
        "source": market.source, "simulated": market.simulated, "sequence": market.sequence,
        "indices": _known(zip(market.catalogue.underlyings, market.index, strict=True)),
        "assets": _known(zip(market.assets, market.price, strict=True)),
        "instruments": {names[c.id]: _quote(portfolio, k, c)
                        for k, c in enumerate(market.catalogue.instruments)},
    }
    return tree | ({"confidence": portfolio.confidence} if portfolio.confidence else {})


def _quote(portfolio: Portfolio, k: int, c: Instrument) -> Tree:
    market = portfolio.market
    columns = {"mark": market.mark}
    if isinstance(c, Option):
        columns |= {"forward": market.forward, "iv": market.volatility}
        columns |= {"rate": market.rate} if market.rate[k] else {}
        averaging = c.expiry - c.settlement_window_ns < market.as_of < c.expiry
        stated = averaging and not np.isnan(market.forward[k])
        columns |= {"forward_fixed": market.forward_fixed} if stated else {}
    quote = _known((key, column[k]) for key, column in columns.items())
    return quote | portfolio.quote_terms.get(c.id, {})


def _account(portfolio: Portfolio, k: int, names: dict[str, str], prices: Waiting) -> Tree:
    book = portfolio.book
    given = {name: _known(zip((a.code for a in book.assets), amounts[k], strict=True))
             for name, amounts in book.given.items()}
    equity = given.pop("equity", {})
    balances = {a.code: _scaled(int(amount), -a.decimals)
                for a, amount in zip(book.assets, book.balances[k], strict=True)}
    name = str(book.accounts[k])
    return {
        "id": name,
        **({} if name in portfolio.without_balances else {"balances": balances}),
        "positions": [_position(portfolio, p, names)
                      for p in range(book.row_pointer[k], book.row_pointer[k + 1])],
        "orders": _orders(portfolio, k, names, prices),
        **({"equity": equity} if equity else {}),
        **({"given": {n: g for n, g in given.items() if g}} if any(given.values()) else {}),
    }


def _position(portfolio: Portfolio, p: int, names: dict[str, str]) -> Tree:
    book = portfolio.book
    instrument = book.catalogue.instruments[book.instrument[p]]
    cost = int(book.entry_cost[p])
    row: Tree = {"instrument": names[instrument.id],
                 "quantity": _scaled(int(book.lots[p]), instrument.lot_exponent)}
    if cost != UNKNOWN:
        row["entry_cost"] = _scaled(cost, -decimals_of(instrument.settlement))
    return row


def _orders(portfolio: Portfolio, k: int, names: dict[str, str], prices: Waiting) -> list[Tree]:
    book = portfolio.book
    rows = []
    for o in range(book.order_pointer[k], book.order_pointer[k + 1]):
        instrument = book.catalogue.instruments[book.order_instrument[o]]
        lots = int(book.order_lots[o])
        row: Tree = {"instrument": names[instrument.id],
                     "quantity": _scaled(lots, instrument.lot_exponent)}
        waiting = prices.get((str(book.accounts[k]), instrument.id, lots))
        rows.append(row | ({"price": waiting.popleft()} if waiting else {}))
    return rows


def _known(pairs: Any) -> Tree:
    return {key: _text(float(number)) for key, number in pairs if not np.isnan(number)}


def _text(number: float) -> str:
    return repr(int(number)) if number == int(number) and abs(number) < 2**53 else repr(number)


def _scaled(integer: int, exponent: int) -> str:
    return f"{Decimal(integer).scaleb(exponent):f}"


def _decimal(top: int, bottom: int) -> str:
    return f"{(Decimal(top) / Decimal(bottom)).normalize():f}"
