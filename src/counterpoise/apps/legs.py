"""Which position does the requirement come from, and what would closing it change?

A leg is one position of one account in words: its share of the requirement (Euler contributions,
they add up to the components that positions cause) and the change if it were closed.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from counterpoise.accounts.book import rows_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.symbols.names import symbol_of
from counterpoise.apps.answer import Answer, margin_of
from counterpoise.instruments.contracts import Instrument
from counterpoise.margin.explain import closing_each, parts
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import pool_of_instrument, position_accounts
from counterpoise.margin.requirement import Floats
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import power_of_ten

Work = tuple[int, slice]
Tracked = Callable[[Sequence[Work]], Iterator[Work]]


@frozen
class Leg:
    """One position of an account; amounts in `currency`, positive = needs collateral.

    `quantity` in contracts, long > 0; `components` split `initial`, its contribution. `closing_*`
    is the change of the requirement of its pool if it were closed at no cost, NaN where not asked.
    """

    account: str
    currency: str
    instrument: str
    quantity: float
    initial: float
    maintenance: float
    components: dict[str, float]
    closing_initial: float
    closing_maintenance: float


@frozen
class Explanation:
    """An answer, its legs in the order of the book, and the same under standard margin."""

    answer: Answer
    standard: Answer | None
    legs: tuple[Leg, ...]


def explain(portfolio: Portfolio, *, model: str | None = None, threads: int = 1,
            parameters_as_of: int | None = None, tracked: Tracked = iter,
            parameters_file: str | None = None) -> Explanation:
    """Return the margin of a portfolio explained down to the position.

    `tracked` is given the runs of positions and yields them again: where somebody watches. The
    other arguments are those of `margin_of`.

    Raises
    ------
    BadInput
        As `margin_of`.
    """
    answer = margin_of(portfolio, model=model, threads=threads,
                       parameters_as_of=parameters_as_of, parameters_file=parameters_file)
    closing = _closing(answer, tracked)
    return Explanation(answer=answer, standard=standard_margin(answer),
                       legs=_legs(answer, closing))


def contributing(answer: Answer) -> tuple[Leg, ...]:
    """Return the legs with their contributions alone."""
    unknown = np.full((len(answer.portfolio.book.instrument), 2), np.nan)
    return _legs(answer, unknown)


def standard_margin(answer: Answer) -> Answer | None:
    """Return the same portfolio under standard margin.

    None if that is what was asked, or if all assets of an account are one pool: standard margin
    has a pool for each, so that there is nothing to set beside it.
    """
    if answer.model.name == "standard" or isinstance(answer.margins.equity_rule, CrossEquity):
        return None
    return margin_of(answer.portfolio, model="standard", readings=False,
                     parameters_as_of=answer.parameters_as_of)


def name_of(instrument: Instrument, symbols: str) -> str:
    """Return the instrument's name in the dialect of the file, else its canonical id."""
    try:
        return symbol_of(instrument, symbols)
    except BadInput:
        return instrument.id


def _closing(answer: Answer, tracked: Tracked) -> Floats:
    """Return the change of (initial, maintenance) by closing each position, [position, 2]."""
    book = answer.portfolio.book
    work = [(account, part) for account in range(len(book))
            for part in parts(rows_of(book, account, account + 1))]
    out = [closing_each(rows_of(book, account, account + 1), answer.portfolio.market,
                        model=answer.model, version=answer.version, arrays=answer.arrays, part=part)
           for account, part in tracked(work)]
    return np.concatenate([np.zeros((0, 2)), *out])


def _legs(answer: Answer, closing: Floats) -> tuple[Leg, ...]:
    portfolio = answer.portfolio
    book, terms = portfolio.book, portfolio.book.catalogue
    shares = answer.model.contributions(book, answer.arrays, portfolio.market,
                                        answer.version.parameters)
    accounts = book.accounts[position_accounts(book.row_pointer)].tolist()
    pools = answer.margins.requirements.pools
    pool_of = pool_of_instrument(book, pools).tolist()
    legs = []
    for k, (column, lots) in enumerate(zip(book.instrument.tolist(), book.lots.tolist(),
                                           strict=True)):
        contract = terms.instruments[column]
        legs.append(Leg(
            account=str(accounts[k]), currency=pools[pool_of[column]],
            instrument=name_of(contract, portfolio.symbols),
            quantity=lots * power_of_ten(contract.lot_exponent),
            initial=float(shares.initial[k].sum()), maintenance=float(shares.maintenance[k].sum()),
            components=dict(zip(shares.components, shares.initial[k].tolist(), strict=True)),
            closing_initial=float(closing[k, 0]), closing_maintenance=float(closing[k, 1])))
    return tuple(legs)
