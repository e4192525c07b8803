"""What is required, against what is owned: the one path to a margin number.

    scenarios -> risk arrays (one pricing pass) -> requirement (whole book) -> equity -> status

The command line, explanations, what-if questions and every later caller come through here.
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.collateral.counting import Counted, counted_prices, withheld_gains
from counterpoise.collateral.cross import (
    AssetAmounts,
    CrossOwned,
    asset_amounts,
    cross_owned,
    prices_in,
)
from counterpoise.collateral.valuation import Cash, Equity, Owners, equity_of, with_value
from counterpoise.margin.layout import Ints, Layout
from counterpoise.margin.model import (
    CrossEquity,
    EquityRule,
    MarginModel,
    PricedMarket,
    UnitModel,
    is_unit_model,
)
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.pools import Bools
from counterpoise.margin.requirement import Floats, Indices, Requirements
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays, risk_arrays
from counterpoise.values.frozen import frozen

STATUS: Final = ("healthy", "below_initial", "below_maintenance", "bankrupt", "unknown")
"""From best to worst: equity >= IM; MM <= equity < IM; 0 <= equity < MM; equity < 0 and < MM."""


@frozen
class AccountMargin:
    """The rows a person reads, aligned with the rows of `requirements`; pool currency.

    equity                 balance, unrealised P&L and, where the model says so, option value
    margin_balance         equity after haircuts (positive amounts only): what is compared
    initial_excess         margin_balance - initial, negative when more is needed
    maintenance_excess     margin_balance - maintenance
    status                 index into `STATUS`
    no_entry               True where equity is NaN because an entry price is missing
    no_price               {asset: [row]} True where equity is NaN because the account holds that
                           asset and it has no price; empty where margin is segregated
    """

    requirements: Requirements
    equity_rule: EquityRule | CrossEquity
    equity: Floats
    margin_balance: Floats
    initial_excess: Floats
    maintenance_excess: Floats
    status: np.ndarray[Any, np.dtype[np.uint8]]
    no_entry: np.ndarray[Any, np.dtype[np.bool_]]
    no_price: dict[str, np.ndarray[Any, np.dtype[np.bool_]]]


def compute_margin(book: Book | Layout, market: MarketSnapshot, *, model: MarginModel,
                   version: ParameterVersion,
                   arrays: PricedMarket | tuple[RiskArrays, ...] | None = None,
                   threads: int = 1) -> AccountMargin:
    """Return the margin of every account and pool of a book.

    Parameters
    ----------
    book
        The accounts, or their layout under this model (`laid_out`) where the caller has it already.
    arrays
        The priced scenario sets of this very market, model and version, from `priced`, where the
        caller has them already; priced here otherwise. Who computes again and again at one market
        keeps a `priced_market`.
    threads
        How many threads the kernels use; the result has the same bits for any number.
    """
    held = book.book if isinstance(book, Layout) else book
    assert held.catalogue is market.catalogue
    if arrays is None:
        arrays = priced(market, model=model, version=version, threads=threads)
    if isinstance(arrays, PricedMarket):
        assert arrays.market is market and arrays.parameters is version.parameters
        now = arrays
        book = book if isinstance(book, Layout) else laid_out(book, model, threads=threads)
    else:
        now = PricedMarket(market=market, arrays=arrays, parameters=version.parameters)
    if isinstance(book, Layout):
        assert is_unit_model(model)
        results = model.measured(book, now, tuple(range(len(book.blocks))), threads)
        return margins_of(book, results, now, model, threads=threads)
    requirements = model.requirement(book, now.arrays, market, version.parameters, threads)
    return against_equity(book, market, requirements, model.equity(version.parameters),
                          threads=threads)


def laid_out(book: Book, model: MarginModel, *, threads: int = 1) -> Book | Layout:
    """Return what `compute_margin` takes instead of the book, to be kept while positions stand."""
    return model.layout(book, threads) if is_unit_model(model) else book


def margins_of(layout: Layout, results: tuple[Any, ...], now: PricedMarket, model: UnitModel, *,
               rows: Ints | None = None, threads: int = 1) -> AccountMargin:
    """Return the margins of the requirement rows `rows`, all where None, of measured units."""
    needs, value = model.required(layout, results, now, rows, threads)
    rule = model.equity(now.parameters)
    if isinstance(rule, CrossEquity):
        return against_equity(layout.book, now.market, needs, rule, threads=threads)
    cash = layout.cash if rows is None else Cash(
        amount=np.take(layout.cash.amount, rows), stated=_flags(layout.cash.stated, rows),
        no_entry=_flags(layout.cash.no_entry, rows))
    return _compared(needs, with_value(cash, value), rule, threads)


def _flags(given: Bools, rows: Ints) -> Bools:
    """Return the flags of `rows`; where none is set, which is usual, no row is looked up."""
    return np.take(given, rows) if given.any() else np.zeros(len(rows), bool)


def priced(market: MarketSnapshot, *, model: MarginModel, version: ParameterVersion,
           threads: int = 1) -> tuple[RiskArrays, ...]:
    """Return the risk arrays of every scenario set of the model: one pricing pass for all books."""
    return tuple(risk_arrays(market, scenarios, threads=threads)
                 for scenarios in model.scenarios(market, version.parameters))


def priced_market(market: MarketSnapshot, *, model: MarginModel, version: ParameterVersion,
                  threads: int = 1) -> PricedMarket:
    """Return a market priced for a model, with all that it derives of market and parameters."""
    now = PricedMarket(market=market, parameters=version.parameters, arrays=priced(
        market, model=model, version=version, threads=threads))
    return model.with_terms(now) if is_unit_model(model) else now


def against_equity(book: Book, market: MarketSnapshot, requirements: Requirements,
                   rule: EquityRule | CrossEquity, *, threads: int = 1) -> AccountMargin:
    """Return requirement rows, sorted by account, with what each owns beside it."""
    if isinstance(rule, CrossEquity):
        return _against_all_assets(book, market, requirements, rule, threads)
    owned = equity_of(book, market, Owners(assets=requirements.pools, account=requirements.account,
                                           asset=requirements.pool),
                      option_value=rule.option_value, threads=threads)
    return _compared(requirements, owned, rule, threads)


def _compared(requirements: Requirements, owned: Equity, rule: EquityRule,
              threads: int) -> AccountMargin:
    pools = requirements.pools
    balance, above, over, status = _core.standing(
        owned=owned.amount, initial=requirements.initial, maintenance=requirements.maintenance,
        pool=requirements.pool, haircut=np.array([rule.haircuts.get(p, 0.0) for p in pools]),
        threads=threads)
    return AccountMargin(
        requirements=requirements, equity_rule=rule, equity=owned.amount, margin_balance=balance,
        initial_excess=above, maintenance_excess=over, status=status, no_entry=owned.no_entry,
        no_price={})


def _against_all_assets(book: Book, market: MarketSnapshot, requirements: Requirements,
                        rule: CrossEquity, threads: int) -> AccountMargin:
    assert requirements.pools == (rule.numeraire,)
    if rule.borrowing:
        from counterpoise.margin.terms.loans import with_loans  # few accounts have such terms

        requirements = with_loans(requirements, book, market, rule.borrowing)
    owned = owned_in_all(book, market, rule, requirements.account, threads=threads)
    balance, above, over, status = _core.standing(
        owned=owned.balance, initial=requirements.initial, maintenance=requirements.maintenance,
        pool=requirements.pool, haircut=np.zeros(1), threads=threads)
    return AccountMargin(
        requirements=requirements, equity_rule=rule, equity=owned.equity, margin_balance=balance,
        initial_excess=above, maintenance_excess=over, status=status, no_entry=owned.no_entry,
        no_price=owned.no_price)


def owned_in_all(book: Book, market: MarketSnapshot, rule: CrossEquity, accounts: Indices, *,
                 threads: int = 1) -> CrossOwned:
    """Return what `accounts`, increasing indices, own over all assets by a rule, weighed by it."""
    amounts = asset_amounts(book, market, accounts=accounts, numeraire=rule.numeraire,
                            option_value=rule.option_value, threads=threads)
    priced = _counted(book, market, amounts, (rule, accounts))
    return cross_owned(amounts, rule.schedule, priced, rule.counts)


def _counted(book: Book, market: MarketSnapshot, amounts: AssetAmounts,
             asked: tuple[CrossEquity, Indices]) -> Counted | None:
    rule, accounts = asked
    if not rule.counting:
        return None
    market_prices = dict(zip(amounts.assets, amounts.price.tolist(), strict=True))
    redeemed = tuple(sorted({t.redeems for t in rule.counting.values()} - {""}))
    market_prices |= dict(zip(redeemed, prices_in(market, redeemed, rule.numeraire).tolist(),
                              strict=True))
    prices = counted_prices(rule.counting, market, market_prices)
    return Counted(price=np.array([prices[code] for code in amounts.assets]),
                   withheld=withheld_gains(book, market, terms=rule.counting, accounts=accounts,
                                           assets=amounts.assets, option_value=rule.option_value))


def by_risk(margins: AccountMargin) -> Indices:
    """Return the rows from the riskiest to the safest: by status, then by maintenance excess.

    Nothing is divided, so an account with no requirement or no equity has its place too.
    """
    return np.lexsort((margins.maintenance_excess, -margins.status.astype(np.int8))).astype(
        np.int32)
