"""How much would this portfolio need under each rule book? One row per account, model and date.

Amounts are US dollars over all pools, so that rows can be laid side by side. A model that does not
apply to an account is a row without numbers that says why.
"""

import math
import os
from typing import Final

from counterpoise.adapters.dated_document import dated_document
from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.apps.answer import Answer, PoolMargin, margin_of
from counterpoise.margin.account_totals import AccountTotals, account_totals
from counterpoise.margin.requirement import Floats
from counterpoise.margin.restated import restated
from counterpoise.margin.worst import WorstScenario
from counterpoise.market.snapshot import price_of, usd_price
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced

UNKNOWN: Final = float("nan")
CASH: Final = ("USDC", "USDT", "USD")
"""In which linear contracts a model that does not cover an account is asked again, in order."""


@frozen
class ModelMargin:
    """What one account needs under one model; USD, NaN where `failures` says why.

    `components` and `maintenance_components` add up to `initial` and `maintenance`;
    `parameters_as_of` is the instant whose parameters were taken; `worst` the scenarios behind the
    losses, largest first within a pool.
    """

    account: str
    model: str
    title: str
    parameters_as_of: int
    initial: float
    maintenance: float
    components: dict[str, float]
    maintenance_components: dict[str, float]
    equity: float
    margin_balance: float
    leverage: float
    worst: tuple[WorstScenario, ...]
    failures: tuple[Failure, ...]
    our_readings: tuple[str, ...]
    notes: tuple[str, ...]


@frozen
class Comparison:
    """A portfolio and its rows, sorted by account; models and dates in the order asked for."""

    portfolio: Portfolio
    rows: tuple[ModelMargin, ...]


def compare(portfolio: Portfolio, *, models: tuple[str, ...] = (), days: tuple[int, ...] = (),
            restate: bool = False, parameters: str | None = None, threads: int = 1) -> Comparison:
    """Return the portfolio under every model and with the parameters of every day.

    Parameters
    ----------
    models
        Names of margin models; default all there are.
    days
        Instants whose parameters to take; default that of the market.
    restate
        Ask a model that does not cover an account about the same risk in linear contracts settled
        in the first of `CASH` that it covers; the notes of the row say so.

    parameters
        Path of a dated document that is taken for the own parameters of the model it names, as
        `counterpoise calibrate` writes it; its rows say so.

    Raises
    ------
    BadInput
        If there is no model of a name, with all of them; if the parameters are none, or of no model
        asked for.
    """
    named = _known(models or model_names())
    files = _files(parameters, named, days or (portfolio.as_of,))
    ways = [(portfolio, ""), *(_in_cash(portfolio, cash) for cash in CASH if restate)]
    by_model = [_first_answers([_rows(*way, (name, files.get(name)), day, threads)
                                for way in ways])
                for name in named for day in days or (None,)]
    return Comparison(portfolio=portfolio, rows=tuple(
        row for account in range(len(portfolio.book)) for row in (r[account] for r in by_model)))


def _first_answers(ways: list[list[ModelMargin]]) -> list[ModelMargin]:
    """Return for each account the first row with a number, the very first where none has one."""
    return [next((row for row in rows if row.initial == row.initial), rows[0])
            for rows in zip(*ways, strict=True)]


def _in_cash(portfolio: Portfolio, cash: str) -> tuple[Portfolio, str]:
    """Return the portfolio in linear contracts and the sentence that says so."""
    book, market = restated(portfolio.book, portfolio.market, cash)
    taken = "" if price_of(portfolio.market, cash) > 0 else f", {cash} taken at a dollar"
    return replaced(portfolio, book=book, market=market), (
        f"restated as linear contracts settled in {cash}: same underlyings, expiries, strikes and "
        f"coins{taken}")


def _known(models: tuple[str, ...]) -> tuple[str, ...]:
    failures: list[Failure] = []
    for name in models:
        try:
            model_named(name)
        except BadInput as wrong:
            failures += wrong.failures
    if failures:
        raise BadInput(*failures)
    return tuple(dict.fromkeys(models))


def _files(path: str | None, named: tuple[str, ...], days: tuple[int, ...]) -> dict[str, str]:
    """Return {model: path} of the one model that a file of parameters is of."""
    if path is None:
        return {}
    of = dated_document(path).get("model", named[0] if len(named) == 1 else None)
    if of not in named:
        said = "does not say whose parameters these are" if of is None else (
            f"holds parameters of {str(of)[:40]!r}, which is not among the models compared")
        raise bad_input(Reason.UNKNOWN_MODEL, path, f"{said}; name its model with --models")
    for day in days:
        parameters_of(model_named(of), day, file=path)  # refused whole, not row by row
    return {of: path}


def _rows(portfolio: Portfolio, note: str, asked: tuple[str, str | None], day: int | None,
          threads: int) -> list[ModelMargin]:
    """Return one row per account of a model, with the parameters in a file where one is named.

    `note` says what was done to the portfolio, if anything.
    """
    name, file = asked
    try:
        answer = margin_of(portfolio, model=name, readings=False, parameters_as_of=day,
                           parameters_file=file, threads=threads)
    except BadInput as wrong:
        return [_without_numbers(portfolio, account, name, day, wrong.failures)
                for account in range(len(portfolio.book))]
    totals = account_totals(portfolio.book, portfolio.market, answer.margins)
    pools: dict[str, list[PoolMargin]] = {}
    for pool in answer.pools:
        pools.setdefault(pool.account, []).append(pool)
    rows = [_row(answer, totals, account, pools) for account in range(len(portfolio.book))]
    told = () if file is None else (f"with the parameters in {os.path.basename(file)}",)
    said = (*told, note) if note else told
    return [replaced(row, notes=(*row.notes, *said)) for row in rows] if said else rows


def _row(answer: Answer, totals: AccountTotals, account: int,
         pools: dict[str, list[PoolMargin]]) -> ModelMargin:
    name = str(answer.portfolio.book.accounts[account])
    mine = pools.get(name, [])
    day = answer.parameters_as_of
    return ModelMargin(
        account=name, model=answer.model.name, title=answer.model.title,
        parameters_as_of=answer.portfolio.as_of if day is None else day,
        initial=float(totals.initial[account]), maintenance=float(totals.maintenance[account]),
        components=_of(totals.initial_components, account),
        maintenance_components=_of(totals.maintenance_components, account),
        equity=float(totals.equity[account]), leverage=float(totals.leverage[account]),
        margin_balance=float(totals.margin_balance[account]),
        worst=tuple(cell for pool in mine for cell in pool.worst),
        failures=(*dict.fromkeys(f for pool in mine for f in pool.failures),
                  *_unpriced(answer, mine)),
        our_readings=answer.our_readings, notes=answer.notes)


def _unpriced(answer: Answer, pools: list[PoolMargin]) -> tuple[Failure, ...]:
    """Return a failure for each pool whose amounts are known but not worth anything known."""
    market = answer.portfolio.market
    return tuple(Failure(reason=Reason.MISSING_PRICE, subject=pool.currency, sentence=(
        f"{answer.model.name} needs its USD price to be compared; add it to market.assets"))
        for pool in pools
        if pool.initial == pool.initial and math.isnan(usd_price(market, pool.currency)))


def _of(columns: dict[str, Floats], account: int) -> dict[str, float]:
    return {name: float(column[account]) for name, column in columns.items()}


def _without_numbers(portfolio: Portfolio, account: int, name: str, day: int | None,
                     failures: tuple[Failure, ...]) -> ModelMargin:
    return ModelMargin(
        account=str(portfolio.book.accounts[account]), model=name, title=model_named(name).title,
        parameters_as_of=portfolio.as_of if day is None else day, initial=UNKNOWN,
        maintenance=UNKNOWN, components={}, maintenance_components={}, equity=UNKNOWN,
        margin_balance=UNKNOWN, leverage=UNKNOWN, worst=(), failures=failures, our_readings=(),
        notes=())
