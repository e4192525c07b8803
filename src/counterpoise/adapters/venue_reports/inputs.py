"""Which inputs did the venue use, beside ours, and what is the account with them?"""

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.adapters.venue_reports.report import Report
from counterpoise.adapters.venue_requests.simulated import Wanted, simulated_book, sizes_in_coin
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.reconciliation import AGREES, Line
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.assets import asset
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import power_of_ten

_STAMP: Final = "timestamp"
_SIZE: Final = 1e-8
"""Sizes in coin come from whole dollars: so far they may differ and be the same position."""


def inputs_beside(portfolio: Portfolio, report: Report,
                  version: ParameterVersion) -> tuple[Line, ...]:
    """Return a line for every price, size and parameter that the report holds."""
    market = portfolio.market
    known = market.catalogue.underlyings
    prices = [(f"index {name}", float(market.index[known.index(name)]), price)
              for name, price in report.indices.items() if name in known]
    prices += [(f"mark {name}", float(market.mark[column]), report.marks[name])
               for name, column in _columns(portfolio, report, tuple(report.marks))]
    lines = [_line(name, ours, theirs, report.tolerance.relative * abs(theirs),
                   "the prices are not of the same moment") for name, ours, theirs in prices]
    lines += [_line(f"size of {name}", ours, theirs, _SIZE, "the positions are not the same")
              for name, ours, theirs in _sizes(portfolio, report)]
    lines += [_line(f"parameter {name}", ours, theirs, 0.0, "the parameters are of another date")
              for name, ours, theirs in _parameters(version.parameters, report.parameters)]
    lines += [_line(f"{name} {code}", ours, theirs, report.tolerance.relative * abs(theirs),
                    f"only the venue computes it; state it under account.given.{name}")
              for name, code, ours, theirs in _amounts(portfolio.book, report)]
    return tuple(lines)


def _line(name: str, ours: float, theirs: float, near: float, cause: str) -> Line:
    return Line(pool="", name=name, ours=ours, theirs=theirs, difference=ours - theirs,
                cause=AGREES if abs(ours - theirs) <= near else cause)


def _columns(portfolio: Portfolio, report: Report,
             names: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    for name in names:
        column = portfolio.market.catalogue.column.get(instrument_of(name, report.symbols).id)
        if column is not None:
            yield name, column


def _sizes(portfolio: Portfolio, report: Report) -> Iterator[tuple[str, float, float]]:
    book, terms = portfolio.book, portfolio.book.catalogue
    contracts = [float(n) * power_of_ten(terms.instruments[k].lot_exponent) for k, n in zip(
        book.instrument.tolist(), book.lots.tolist(), strict=True)]
    sizes = (contracts if report.unit == "contracts"
             else sizes_in_coin(book, portfolio.market).tolist())
    held = dict(zip(book.instrument.tolist(), sizes, strict=True))
    for name, column in _columns(portfolio, report, tuple(report.sizes)):
        yield name, held.get(column, 0.0), float(report.sizes[name])


def _parameters(ours: Any, theirs: Any, path: str = "") -> Iterator[tuple[str, float, float]]:
    """Yield (name, ours, theirs) of the numbers that both have."""
    for key, other in theirs.items():
        own = ours.get(key) if isinstance(ours, dict) else getattr(ours, str(key), None)
        if isinstance(other, dict):
            yield from () if own is None else _parameters(own, other, f"{path}{key}.")
        elif isinstance(own, int | float) and isinstance(other, int | float) and key != _STAMP:
            yield f"{path}{key}", float(own), float(other)


def _amounts(book: Book, report: Report) -> Iterator[tuple[str, str, float, float]]:
    """Yield (name, asset, ours, theirs) of stated amounts; NaN where the account states none."""
    codes = [a.code for a in book.assets]
    for name, amounts in report.stated.items():
        for code, theirs in amounts.items():
            known = name in book.given and code in codes
            yield name, code, float(
                book.given[name][0, codes.index(code)]) if known else math.nan, theirs


def at_their_prices(portfolio: Portfolio, report: Report) -> MarketSnapshot:
    """Return the market with the indices and marks of the report."""
    market, terms = portfolio.market, portfolio.market.catalogue
    mark, forward, index = market.mark.copy(), market.forward.copy(), market.index.copy()
    for name, column in _columns(portfolio, report, tuple(report.marks)):
        mark[column] = report.marks[name]
        if terms.kind[column] != OPTION:
            forward[column] = report.marks[name]
    for name, price in report.indices.items():
        if name in terms.underlyings:
            index[terms.underlyings.index(name)] = price
    return replaced(market, mark=mark, forward=forward, index=index)


def with_their_parameters(portfolio: Portfolio, report: Report,
                          rules: MarginModel) -> ParameterVersion | None:
    """Return the parameters of the report, None where it has none that the rule book knows."""
    if not report.parameters:
        return None
    try:
        return parameters_of(rules, portfolio.as_of, report.parameters)
    except BadInput:
        return None


def with_their_amounts(book: Book, report: Report) -> Book:
    """Return the book with the amounts that only the venue computes as the report states them."""
    wider = _with_assets(book, {code for amounts in report.stated.values() for code in amounts})
    codes = [a.code for a in wider.assets]
    told = [(f.parts[0], f.pool, f.amount) for f in report.figures if f.only_venue]
    told += [(name, code, amount) for name, amounts in report.stated.items()
             for code, amount in amounts.items()]
    given = dict(wider.given)
    for name, code, amount in told:
        if code in codes:
            table = given.get(name, np.full(wider.balances.shape, np.nan)).copy()
            table[0, codes.index(code)] = amount
            given[name] = table
    return replaced(wider, given=given)


def _with_assets(book: Book, codes: set[str]) -> Book:
    """Return the book with columns for more assets, of which nobody holds anything."""
    known = {a.code: a for a in book.assets}
    assets = tuple(known.get(code) or asset(code) for code in sorted({*known, *codes}))
    place = [assets.index(a) for a in book.assets]

    def wider(table: Any, empty: float) -> Any:
        out = np.full((len(book), len(assets)), empty, table.dtype)
        out[:, place] = table
        return out

    return replaced(
        book, assets=assets, balances=wider(book.balances, 0),
        given={name: wider(table, np.nan) for name, table in book.given.items()},
        wallets={name: wider(table, 0) for name, table in book.wallets.items()},
        loans=None if book.loans is None else wider(book.loans, 0),
        roles=None if book.roles is None else wider(book.roles, 0))


def with_their_positions(portfolio: Portfolio, report: Report) -> Book:
    """Return the account with the positions of the report, as it is where they cannot be held."""
    wanted = [Wanted(name=name, size=size, unit=report.unit)
              for name, size in report.sizes.items()]
    if not wanted:
        return portfolio.book
    try:
        return simulated_book(portfolio, wanted, symbols=report.symbols, keep=False)
    except BadInput:
        return portfolio.book
