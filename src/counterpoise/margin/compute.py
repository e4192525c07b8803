"""What is required, against what is owned: the one path to a margin number.

    scenarios -> risk arrays (one pricing pass) -> requirement (whole book) -> equity -> status

The command line, explanations, what-if questions and every later caller come through here.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.valuation import equity_of
from counterpoise.margin.model import EquityRule, MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
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
    """

    requirements: Requirements
    equity_rule: EquityRule
    equity: Floats
    margin_balance: Floats
    initial_excess: Floats
    maintenance_excess: Floats
    status: np.ndarray[Any, np.dtype[np.uint8]]
    no_entry: np.ndarray[Any, np.dtype[np.bool_]]


def compute_margin(book: Book, market: MarketSnapshot, *, model: MarginModel,
                   version: ParameterVersion, arrays: tuple[RiskArrays, ...] | None = None,
                   threads: int = 1) -> AccountMargin:
    """Return the margin of every account and pool of a book.

    Parameters
    ----------
    arrays
        The priced scenario sets of this very market, model and version, from `priced`, where the
        caller has them already; priced here otherwise.
    threads
        How many threads the kernels use; the result has the same bits for any number.
    """
    assert book.catalogue is market.catalogue
    if arrays is None:
        arrays = priced(market, model=model, version=version, threads=threads)
    requirements = model.requirement(book, arrays, market, version.parameters, threads)
    return _against_equity(book, market, requirements, model.equity(version.parameters))


def priced(market: MarketSnapshot, *, model: MarginModel, version: ParameterVersion,
           threads: int = 1) -> tuple[RiskArrays, ...]:
    """Return the risk arrays of every scenario set of the model: one pricing pass for all books."""
    return tuple(risk_arrays(market, scenarios, threads=threads)
                 for scenarios in model.scenarios(market, version.parameters))


def _against_equity(book: Book, market: MarketSnapshot, requirements: Requirements,
                    rule: EquityRule) -> AccountMargin:
    owned = equity_of(book, market, option_value=rule.option_value)
    column = np.array([owned.assets.index(p) for p in requirements.pools], np.int32)
    at = requirements.account, column[requirements.pool]
    equity = owned.amount[at]
    haircut = np.array([rule.haircuts.get(p, 0.0) for p in requirements.pools])
    balance = equity - haircut[requirements.pool] * np.maximum(equity, 0)
    initial_excess = balance - requirements.initial
    maintenance_excess = balance - requirements.maintenance
    return AccountMargin(
        requirements=requirements, equity_rule=rule, equity=equity, margin_balance=balance,
        initial_excess=initial_excess, maintenance_excess=maintenance_excess,
        status=_status(balance, initial_excess, maintenance_excess), no_entry=owned.no_entry[at])


def _status(balance: Floats, initial_excess: Floats,
            maintenance_excess: Floats) -> np.ndarray[Any, np.dtype[np.uint8]]:
    level = np.where(initial_excess >= 0, 0, 1)
    level = np.where(maintenance_excess < 0, np.where(balance < 0, 3, 2), level)
    unknown = ~(np.isfinite(initial_excess) & np.isfinite(maintenance_excess))
    return np.where(unknown, 4, level).astype(np.uint8)


def by_risk(margins: AccountMargin) -> Indices:
    """Return the rows from the riskiest to the safest: by status, then by maintenance excess.

    Nothing is divided, so an account with no requirement or no equity has its place too.
    """
    return np.lexsort((margins.maintenance_excess, -margins.status.astype(np.int8))).astype(
        np.int32)
