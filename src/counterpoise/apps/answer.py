"""How much margin does this portfolio need? The whole answer, for the command line and Python.

One `PoolMargin` for each account and pool, with what a person asks next: against which equity, made
of what, in which scenario, on which readings. Every number comes from `margin.compute`; here it is
only given its names.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.accounts.given import names_read
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.margin.compute import STATUS, AccountMargin, compute_margin, priced
from counterpoise.margin.explain import ReadingRange, over_readings
from counterpoise.margin.figures import figures_of
from counterpoise.margin.leverage import leverage_of
from counterpoise.margin.model import CrossEquity, MarginModel
from counterpoise.margin.parameter_version import ParameterVersion, notes_on
from counterpoise.margin.pools import pool_of_instrument
from counterpoise.margin.requirement import Floats, Requirements
from counterpoise.margin.worst import WorstScenario, worst_scenarios
from counterpoise.market.quality import instrument_failure
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import format_instant

DEFAULT_MODEL: Final = "deribit_spm"
"""Taken where neither the portfolio nor the caller names a model; every answer says which."""
_FIGURES: Final = ("equity", "margin_balance", "initial_excess", "maintenance_excess")

Bools = np.ndarray[Any, np.dtype[np.bool_]]


@frozen
class Range:
    """The smallest and largest requirement over the readings, pool currency, and their number."""

    initial: tuple[float, float]
    maintenance: tuple[float, float]
    readings: int


@frozen
class PoolMargin:
    """What one account needs in one pool; amounts in `currency`, NaN where `failures` says why.

    `initial_components` and `maintenance_components` add up to `initial` and `maintenance`;
    `candidates` lost a max. `equity` counts what the model counts; `margin_balance` is equity after
    haircuts; an excess is margin balance less requirement, negative when more is needed. `status`
    is one of `margin.compute.STATUS`. `figures` are the venue's own ratios, where it has some.
    """

    account: str
    currency: str
    initial: float
    maintenance: float
    initial_components: dict[str, float]
    maintenance_components: dict[str, float]
    candidates: dict[str, float]
    equity: float
    margin_balance: float
    initial_excess: float
    maintenance_excess: float
    leverage: float
    figures: dict[str, float]
    status: str
    worst: tuple[WorstScenario, ...]
    failures: tuple[Failure, ...]
    range: Range | None


@frozen
class Answer:
    """The margins of a portfolio under one model, `pools` sorted by account and pool.

    `arrays` are the priced scenario sets, `margins` the same rows as columns; `our_readings` says
    what the venue does not publish, `notes` what was used outside its dates or set aside.
    `parameters_as_of` is the instant whose parameters were asked for, None for the market's.
    """

    portfolio: Portfolio
    model: MarginModel
    version: ParameterVersion
    arrays: tuple[RiskArrays, ...]
    margins: AccountMargin
    pools: tuple[PoolMargin, ...]
    our_readings: tuple[str, ...]
    notes: tuple[str, ...]
    parameters_as_of: int | None = None


def margin_of(portfolio: Portfolio, *, model: str | None = None, readings: bool = True,
              parameters_as_of: int | None = None, threads: int = 1,
              parameters_file: str | None = None) -> Answer:
    """Return what every account of a portfolio needs.

    Parameters
    ----------
    model
        Name of the margin model; default the portfolio's own, else `DEFAULT_MODEL`.
    readings
        Also compute the range of the requirement over the model's switchable readings.
    parameters_as_of
        Take the parameters in force at this instant; default that of the market. Prices, times to
        expiry and positions stay those of the portfolio.
    threads
        For the kernels; the numbers have the same bits for any number.
    parameters_file
        Take the dated parameters in this file instead of the model's own.

    Raises
    ------
    BadInput
        If there is no such model, or the portfolio overrides parameters that it does not have.
    """
    named = model_named(model or portfolio.model or DEFAULT_MODEL)
    own = portfolio.model in (None, named.name)
    version = parameters_of(
        named, portfolio.as_of if parameters_as_of is None else parameters_as_of,
        portfolio.overrides if own else None, parameters_file)
    book, market = portfolio.book, portfolio.market
    arrays = priced(market, model=named, version=version, threads=threads)
    margins = _where_stated(portfolio, compute_margin(
        book, market, model=named, version=version, arrays=arrays, threads=threads))
    ranged = over_readings(book, market, model=named, version=version) if readings else None
    shown = figures_of(named, margins, book, arrays, market, version.parameters)
    return Answer(portfolio=portfolio, model=named, version=version, arrays=arrays,
                  parameters_as_of=parameters_as_of, margins=margins,
                  pools=_pools(portfolio, margins, arrays, ranged, shown),
                  our_readings=named.our_readings(book, market, version.parameters),
                  notes=(*notes_on(version, book), *_set_aside(portfolio, named, own=own),
                         *_other_date(market, parameters_as_of), *_not_read(named, book),
                         *_assumed(portfolio, named)))


def _assumed(portfolio: Portfolio, model: MarginModel) -> tuple[str, ...]:
    """Return a sentence on accounts whose requirement depends on an equity that is not stated."""
    book, unknown = portfolio.book, equity_unknown(portfolio)
    if "equity" in book.given:
        unknown = unknown & np.isnan(book.given["equity"]).all(axis=1)
    unstated = book.accounts[unknown].tolist()
    if not (getattr(model, "equity_is_a_position", False) and unstated):
        return ()
    return (f"{model.name} margins what an account owns; {', '.join(map(str, unstated[:9]))} "
            "without balances is margined as if it owned nothing",)


def _not_read(model: MarginModel, book: Book) -> tuple[str, ...]:
    """Return a sentence on the amounts that are stated and that the model does not use."""
    stated = sorted((book.given.keys() | book.position_given.keys()) - names_read(model))
    return (f"stated and not used by {model.name}: {', '.join(stated)}",) if stated else ()


def _set_aside(portfolio: Portfolio, model: MarginModel, *, own: bool) -> tuple[str, ...]:
    return () if own or not portfolio.overrides else (
        f"parameters of the file belong to {portfolio.model}; {model.name} does not use them",)


def _other_date(market: MarketSnapshot, parameters_as_of: int | None) -> tuple[str, ...]:
    return () if parameters_as_of is None else (
        f"parameters in force at {format_instant(parameters_as_of)}; the market is that of "
        f"{format_instant(market.as_of)}",)


def equity_unknown(portfolio: Portfolio) -> Bools:
    """Return which accounts state no balances, so that what they own is not known, [account]."""
    book = portfolio.book
    if not book.assets:
        return np.ones(len(book), bool)
    return np.array([str(a) in portfolio.without_balances for a in book.accounts.tolist()], bool)


def _where_stated(portfolio: Portfolio, margins: AccountMargin) -> AccountMargin:
    """Return the margins with NaN in place of equity where neither balance nor equity is stated."""
    required = margins.requirements
    unknown = equity_unknown(portfolio)[required.account] & ~_equity_given(portfolio, margins)
    figures = {name: np.where(unknown, np.nan, getattr(margins, name)) for name in _FIGURES}
    status = np.where(unknown, STATUS.index("unknown"), margins.status).astype(np.uint8)
    return replaced(margins, status=status, no_entry=margins.no_entry & ~unknown, **figures)


def _equity_given(portfolio: Portfolio, margins: AccountMargin) -> Bools:
    """Return in which requirement rows the account states its equity itself, [row].

    An account whose assets are one pool states it by asset, of any asset.
    """
    book, required = portfolio.book, margins.requirements
    out = np.zeros(len(required), bool)
    for k, a in enumerate(book.assets if "equity" in book.given else ()):
        stated = np.isfinite(book.given["equity"][required.account, k])
        mine = (isinstance(margins.equity_rule, CrossEquity)
                or required.pool == required.pools.index(a.code))
        out |= stated & mine
    return out


def _pools(portfolio: Portfolio, margins: AccountMargin, arrays: tuple[RiskArrays, ...],
           ranged: ReadingRange | None, shown: dict[str, Floats]) -> tuple[PoolMargin, ...]:
    required = margins.requirements
    names = portfolio.book.accounts[required.account].tolist()
    worst = worst_scenarios(required, arrays)
    figures = {name: getattr(margins, name).tolist() for name in _FIGURES}
    figures["leverage"] = leverage_of(portfolio.book, portfolio.market, margins).tolist()
    parts = {name: _by_row(getattr(required, name), len(required)) for name in (
        "initial_components", "maintenance_components", "candidates")}
    parts["figures"] = _by_row(shown, len(required))
    initial, maintenance = required.initial.tolist(), required.maintenance.tolist()
    unstated = (equity_unknown(portfolio)[required.account]
                & ~_equity_given(portfolio, margins)).tolist()
    return tuple(PoolMargin(
        account=str(names[row]), currency=required.pools[required.pool[row]],
        initial=initial[row], maintenance=maintenance[row],
        status=STATUS[margins.status[row]], worst=worst.get(row, ()),
        failures=_failures(portfolio, margins, row, unstated=unstated[row]),
        range=_range(ranged, row),
        **{name: column[row] for name, column in (figures | parts).items()},
    ) for row in range(len(required)))


def _every_failure(portfolio: Portfolio, required: Requirements, row: int) -> tuple[Failure, ...]:
    """Return the failure of a row and those of all other bad quotes that its pool holds."""
    book, market, account = portfolio.book, portfolio.market, int(required.account[row])
    pool_of = pool_of_instrument(book, required.pools)
    held = np.concatenate([column[pointer[account]:pointer[account + 1]] for pointer, column in (
        (book.row_pointer, book.instrument), (book.order_pointer, book.order_instrument))])
    first = required.failures[int(required.failure[row])]
    others = [instrument_failure(market, int(k)) for k in np.unique(held)
              if market.quality[k] and pool_of[k] == required.pool[row]]
    return (first, *(f for f in others if f.subject != first.subject))


def _by_row(columns: dict[str, Floats], rows: int) -> list[dict[str, float]]:
    lists = {name: column.tolist() for name, column in columns.items()}
    return [{name: values[row] for name, values in lists.items()} for row in range(rows)]


def _failures(portfolio: Portfolio, margins: AccountMargin, row: int, *,
              unstated: bool) -> tuple[Failure, ...]:
    required = margins.requirements
    index = int(required.failure[row])
    account = str(portfolio.book.accounts[required.account[row]])
    found: tuple[Failure, ...] = (
        _every_failure(portfolio, required, row) if index >= 0 else ())
    if unstated:
        found += (no_balances(account),)
    elif bool(margins.no_entry[row]):
        found += (Failure(reason=Reason.MISSING_ENTRY, subject=account, sentence=(
            "has a position without entry price, so its equity is not known; add entry_price, or "
            "state equity")),)
    return found + tuple(
        Failure(reason=Reason.MISSING_PRICE, subject=asset, sentence=(
            f"is held by {account} and has no price in {required.pools[0]}, so its equity is not "
            "known; add it to market.assets"))
        for asset, rows in margins.no_price.items()
        if rows[row] and asset not in {f.subject for f in found})


def no_balances(account: str) -> Failure:
    """Return why the equity of an account without balances is not known."""
    return Failure(reason=Reason.MISSING_NUMBER, subject=account, sentence=(
        "has no balances stated, so its equity is not known; state them, 0 where there is none"))


def _range(ranged: ReadingRange | None, row: int) -> Range | None:
    if ranged is None or ranged.readings < 2:
        return None
    return Range(
        initial=(float(ranged.initial_low[row]), float(ranged.initial_high[row])),
        maintenance=(float(ranged.maintenance_low[row]), float(ranged.maintenance_high[row])),
        readings=ranged.readings)
