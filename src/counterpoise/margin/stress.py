"""What would an account lose, and which margin would have held? Stress through the one path.

    loss          margin balance now - margin balance after the scenario
    shortfall     what the account would owe: -(margin balance after), where that is negative
    held by       the part of the loss that the requirement of now covers, requirement / loss

Every scenario is a market of its own (`risk.moved_market`) in which `compute_margin` is asked
again: equity, requirement and status are the model's, collateral moves in the same scenario, and
nothing is estimated from sensitivities. Orders stay open; positions stay as they are.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.compute import AccountMargin, compute_margin
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Floats
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.moved_market import MovedMarkets, moved_market
from counterpoise.values.frozen import frozen


@frozen
class StressedMargins:
    """The margins of a book in every scenario, [scenario, row]; row 0 of the scenarios is today.

    Rows are those of `today.requirements`; amounts in the currency of the row's pool. A row whose
    number is missing in a scenario is NaN there. `status` indexes `compute.STATUS`.
    """

    labels: tuple[str, ...]
    today: AccountMargin
    balance: Floats
    initial: Floats
    maintenance: Floats
    status: np.ndarray[Any, np.dtype[np.uint8]]


def stressed(book: Book, moved: MovedMarkets, *, model: MarginModel,
             version: ParameterVersion) -> StressedMargins:
    """Return the margins of a book today and in every scenario."""
    return gathered(tuple(margins_by_scenario(book, moved, model=model, version=version)),
                    moved.scenarios.labels)


def margins_by_scenario(book: Book, moved: MovedMarkets, *, model: MarginModel,
                        version: ParameterVersion) -> Iterator[AccountMargin]:
    """Yield the margins of a book today, then after each scenario: for progress on long work."""
    for scenario in range(len(moved.scenarios)):
        market = moved.market if scenario == 0 else moved_market(moved, scenario)
        yield margins_in(book, market, model=model, version=version)


def margins_in(book: Book, market: MarketSnapshot, *, model: MarginModel,
               version: ParameterVersion) -> AccountMargin:
    """Return the margins of a book in one market."""
    return compute_margin(book, market, model=model, version=version)


def gathered(margins: tuple[AccountMargin, ...], labels: tuple[str, ...]) -> StressedMargins:
    """Return the margins of one book in several markets of one catalogue as one table."""
    today = margins[0]
    required = today.requirements
    assert all(np.array_equal(m.requirements.account, required.account)
               and np.array_equal(m.requirements.pool, required.pool) for m in margins)
    return StressedMargins(
        labels=labels, today=today, balance=np.stack([m.margin_balance for m in margins]),
        initial=np.stack([m.requirements.initial for m in margins]),
        maintenance=np.stack([m.requirements.maintenance for m in margins]),
        status=np.stack([m.status for m in margins]))


def losses(found: StressedMargins) -> Floats:
    """Return what every row loses against today, [scenario, row], loss > 0."""
    return np.asarray(found.balance[:1] - found.balance)


def shortfalls(found: StressedMargins) -> Floats:
    """Return what every row would owe, [scenario, row], at least 0; NaN where it is not known."""
    return np.asarray(np.maximum(-found.balance, 0.0))


def level_that_held(found: StressedMargins) -> Floats:
    """Return how many times the initial requirement of today covers the loss, [scenario, row].

    1.2 says that an account that had 1.2 times its initial requirement would have come out at
    zero; at most 0 where nothing is lost, infinite where nothing is required.
    """
    lost, required = losses(found), found.initial[:1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(lost <= 0, 0.0, lost / required)
