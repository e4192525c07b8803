"""How does a portfolio become a file again? Every number as the text that reads back exactly."""

import json
from decimal import Decimal
from typing import Any

import numpy as np

from counterpoise.accounts.book import ROLES, Book
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.symbols.names import instrument_of, symbol_of
from counterpoise.instruments.contracts import Future, Instrument, Option, Perpetual, Spot
from counterpoise.market.conditions import SMILE_PARAMETERS, Conditions
from counterpoise.values.assets import decimals_of
from counterpoise.values.failure import BadInput
from counterpoise.values.quantity import UNKNOWN
from counterpoise.values.time import DAY_NS, SECOND_NS, day_text, format_instant

Tree = dict[str, Any]


def document_of(portfolio: Portfolio) -> bytes:
    """Return the file, UTF-8 JSON; see `portfolio_file.write_portfolio`."""
    instruments = portfolio.market.catalogue.instruments
    names = {c.id: _name(c, portfolio.symbols) for c in instruments}
    own = {names[c.id]: _definition(c) for c in instruments
           if not _is_implied(names[c.id], c, portfolio.symbols)}
    apart: dict[str, list[int]] = {}
    for k, name in enumerate(portfolio.book.accounts.tolist()):
        if str(name) in portfolio.isolated:
            apart.setdefault(portfolio.isolated[str(name)], []).append(k)
    alone = {k for rows in apart.values() for k in rows}
    accounts = [_account(portfolio, k, names, apart) for k in range(len(portfolio.book))
                if k not in alone]
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
    return tree | _conditions(market.conditions)


def _conditions(known: Conditions) -> Tree:
    smiles: Tree = {_label(key): {name: _text(float(number)) for name in SMILE_PARAMETERS
                            if (number := getattr(smile, name)) is not None}
              for key, smile in known.smiles.items()}
    tables = {"confidence": {f"{kind}:{_label((code, day))}": _text(share)
                             for (kind, code, day), share in known.confidences.items()},
              "borrow_rates": _known(known.borrow_rates.items()), "surfaces": smiles}
    return {name: table for name, table in tables.items() if table}


def _label(key: tuple[str, int]) -> str:
    """Return the label of an expiry: the code alone for all of them."""
    return f"{key[0]}-{day_text(key[1] * DAY_NS).replace('-', '')}" if key[1] else key[0]


def _quote(portfolio: Portfolio, k: int, c: Instrument) -> Tree:
    market = portfolio.market
    columns = {"mark": market.mark}
    if isinstance(c, Option):
        columns |= {"forward": market.forward, "iv": market.volatility}
        columns |= {"rate": market.rate} if market.rate[k] else {}
        averaging = c.expiry - c.settlement_window_ns < market.as_of < c.expiry
        stated = averaging and not np.isnan(market.forward[k])
        columns |= {"forward_fixed": market.forward_fixed} if stated else {}
    columns |= market.conditions.columns
    return _known((key, column[k]) for key, column in columns.items())


def _account(portfolio: Portfolio, k: int, names: dict[str, str],
             apart: dict[str, list[int]]) -> Tree:
    book = portfolio.book
    given = {name: _known(zip((a.code for a in book.assets), amounts[k], strict=True))
             for name, amounts in book.given.items()}
    equity, name = given.pop("equity", {}), str(book.accounts[k])
    loans, rates = _loans(book, k), given.get("borrow_rate", {})
    if rates.keys() <= loans.keys():
        given.pop("borrow_rate", None)
        loans = {code: loan | ({"rate": rates[code]} if code in rates else {})
                 for code, loan in loans.items()}
    wallets = {wallet: _money(book, table[k]) for wallet, table in book.wallets.items()}
    tree = {"balances": _balances(book, k), "wallets": wallets, "loans": loans,
            "collateral": _roles(book, k), "equity": equity,
            "given": {n: g for n, g in given.items() if g}}
    if name in portfolio.without_balances:
        tree |= {"balances": {}, "wallets": {}}
    return {
        "id": name,
        **{key: table for key, table in tree.items() if table},
        "positions": [*_positions(portfolio, k, names), *(
            row for j in apart.get(name, ()) for row in _isolated(portfolio, j, names))],
        "orders": _orders(portfolio, k, names),
    }


def _balances(book: Book, k: int) -> Tree:
    """Return what lies in no wallet, before loans."""
    # Exact sums, because what is written apart may be larger than what is left.
    own = book.balances[k].astype(object)
    for table in book.wallets.values():
        own = own - table[k]
    return _money(book, own if book.loans is None else own + book.loans[k])


def _money(book: Book, amounts: Any) -> Tree:
    return {a.code: _scaled(int(amount), -a.decimals)
            for a, amount in zip(book.assets, amounts, strict=True)}


def _loans(book: Book, k: int) -> dict[str, Tree]:
    owed = {} if book.loans is None else _money(book, book.loans[k])
    return {code: {"amount": text} for code, text in owed.items() if Decimal(text)}


def _roles(book: Book, k: int) -> Tree:
    roles = np.zeros(len(book.assets), np.uint8) if book.roles is None else book.roles[k]
    return {a.code: ROLES[role] for a, role in zip(book.assets, roles, strict=True) if role}


def _positions(portfolio: Portfolio, k: int, names: dict[str, str]) -> list[Tree]:
    book = portfolio.book
    return [_position(portfolio, p, names)
            for p in range(book.row_pointer[k], book.row_pointer[k + 1])]


def _isolated(portfolio: Portfolio, k: int, names: dict[str, str]) -> list[Tree]:
    book = portfolio.book
    own = {} if str(book.accounts[k]) in portfolio.without_balances else _money(
        book, book.balances[k])
    rows = []
    for p, row in zip(range(book.row_pointer[k], book.row_pointer[k + 1]),
                      _positions(portfolio, k, names), strict=True):
        settlement = book.catalogue.instruments[book.instrument[p]].settlement
        margin = {"isolated_margin": own[settlement]} if settlement in own else {}
        rows.append(row | {"isolated": True} | margin)
    return rows


def _position(portfolio: Portfolio, p: int, names: dict[str, str]) -> Tree:
    book = portfolio.book
    instrument = book.catalogue.instruments[book.instrument[p]]
    cost = int(book.entry_cost[p])
    row: Tree = {"instrument": names[instrument.id],
                 "quantity": _scaled(int(book.lots[p]), instrument.lot_exponent)}
    if cost != UNKNOWN:
        row["entry_cost"] = _scaled(cost, -decimals_of(instrument.settlement))
    given = _known((name, amounts[p]) for name, amounts in book.position_given.items())
    return row | ({"given": given} if given else {})


def _orders(portfolio: Portfolio, k: int, names: dict[str, str]) -> list[Tree]:
    book = portfolio.book
    rows = []
    for o in range(book.order_pointer[k], book.order_pointer[k + 1]):
        instrument = book.catalogue.instruments[book.order_instrument[o]]
        rows.append({"instrument": names[instrument.id],
                     "quantity": _scaled(int(book.order_lots[o]), instrument.lot_exponent),
                     **_known((name, stated[o]) for name, stated in book.order_given.items())})
    return rows


def _known(pairs: Any) -> Tree:
    return {key: _text(float(number)) for key, number in pairs if not np.isnan(number)}


def _text(number: float) -> str:
    return repr(int(number)) if number == int(number) and abs(number) < 2**53 else repr(number)


def _scaled(integer: int, exponent: int) -> str:
    return f"{Decimal(integer).scaleb(exponent):f}"


def _decimal(top: int, bottom: int) -> str:
    return f"{(Decimal(top) / Decimal(bottom)).normalize():f}"
