"""What does the account hold in the simulation, its own positions and those of the request, and
what does that need?

A simulated position is entered at the mark, so that it brings no profit or loss of its own.
"""

from decimal import Decimal
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of, entries_of
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.accounts import entry_cost, lots_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.market.snapshot import Floats, MarketSnapshot
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced

POSITIONS_MAX: Final = 1000
"""More than any venue takes in one request."""


@frozen
class Wanted:
    """One simulated position: the venue's name, signed size as text, and what the size counts."""

    name: str
    size: str
    unit: str
    entry_price: str | None = None


def simulated_book(portfolio: Portfolio, wanted: list[Wanted], *, symbols: str,
                   keep: bool) -> Book:
    """Return the account of the portfolio with the wanted positions.

    `keep` adds them to what it holds and has ordered; without, they are all it holds. Balances and
    given amounts stay.

    Raises
    ------
    BadInput
        If the portfolio has several accounts, or a position cannot be held: each is named.
    """
    book = portfolio.book
    if len(book) != 1:
        raise bad_input(Reason.NOT_APPLICABLE, "portfolio", "has several accounts; a simulation is "
                        "of one")
    if len(wanted) > POSITIONS_MAX:
        raise bad_input(Reason.TOO_LARGE, "positions", f"are {len(wanted)}; a request has at most "
                        f"{POSITIONS_MAX}")
    added = _entries(portfolio, wanted, symbols)
    if not keep:
        return book_of(catalogue=book.catalogue, accounts=book.accounts, positions=added,
                       balances=(book.assets, book.balances), given=book.given)
    held = entries_of(book.row_pointer, book.instrument, book.lots, book.entry_cost)
    both = replaced(held, **{name: np.concatenate((getattr(held, name), getattr(added, name)))
                             for name in ("account", "instrument", "lots", "entry_cost")})
    return book_of(catalogue=book.catalogue, accounts=book.accounts, positions=both,
                   orders=entries_of(book.order_pointer, book.order_instrument, book.order_lots),
                   balances=(book.assets, book.balances), given=book.given)


def _entries(portfolio: Portfolio, wanted: list[Wanted], symbols: str) -> Entries:
    rows: list[tuple[int, int, int]] = []
    failures: list[Failure] = []
    for one in wanted:
        try:
            rows.append(_entry(portfolio, one, symbols))
        except BadInput as wrong:
            failures += wrong.failures
    if failures:
        raise BadInput(*failures)
    columns = np.array(rows, np.int64).reshape(len(rows), 3)
    return Entries(account=np.zeros(len(rows), np.int64), instrument=columns[:, 0].astype(np.int32),
                   lots=columns[:, 1].copy(), entry_cost=columns[:, 2].copy())


def _entry(portfolio: Portfolio, one: Wanted, symbols: str) -> tuple[int, int, int]:
    market = portfolio.market
    named = instrument_of(one.name, symbols)
    column = market.catalogue.column.get(named.id)
    if column is None:
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, one.name, "is not in the market of the "
                        "portfolio; add its quote, or give a snapshot that lists it")
    contract = market.catalogue.instruments[column]
    row: dict[str, Any] = {"quantity": one.size, "unit": one.unit}
    lots = lots_of(row, contract, market, one.name)
    price = one.entry_price or repr(float(market.mark[column]))
    if not Decimal(price) > 0:
        raise bad_input(Reason.MISSING_MARK, one.name, "has no mark to enter it at; add it to the "
                        "market")
    return column, lots, entry_cost(contract, lots, Decimal(price), one.name)




def sizes_in_coin(book: Book, market: MarketSnapshot) -> Floats:
    """Return the signed size of every position in coin, [position]; inverse futures at the mark."""
    terms = market.catalogue
    inverse = (terms.payoff == 1) & (terms.kind != OPTION)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.where(inverse, terms.unit / market.mark, terms.unit)
    return np.asarray(book.lots * unit[book.instrument])


@frozen
class Simulation:
    """One account margined: its book, the model with its parameters, and what came out."""

    portfolio: Portfolio
    book: Book
    model: MarginModel
    version: ParameterVersion
    arrays: tuple[RiskArrays, ...]
    margins: AccountMargin


def simulation_of(portfolio: Portfolio, book: Book, *, model: str) -> Simulation:
    """Return a book on the portfolio's market under a model, with the portfolio's overrides.

    Raises
    ------
    BadInput
        With every failure, where the account has a requirement without a number.
    """
    rules = model_named(model)
    own = portfolio.overrides if portfolio.model in (None, model) else None
    version = parameters_of(rules, portfolio.as_of, own)
    arrays = priced(portfolio.market, model=rules, version=version)
    margins = compute_margin(book, portfolio.market, model=rules, version=version, arrays=arrays)
    if margins.requirements.failures:
        raise BadInput(*margins.requirements.failures)
    return Simulation(portfolio=portfolio, book=book, model=rules, version=version, arrays=arrays,
                      margins=margins)
