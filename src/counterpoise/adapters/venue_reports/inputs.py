"""Which inputs did the venue use, beside ours, and what is the account with them?"""

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
    codes = [a.code for a in book.assets]
    given = dict(book.given)
    for figure in report.figures:
        if figure.only_venue and figure.pool in codes:
            name = figure.parts[0]
            amounts = given.get(name, np.full(book.balances.shape, np.nan)).copy()
            amounts[0, codes.index(figure.pool)] = figure.amount
            given[name] = amounts
    return replaced(book, given=given)


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
