"""What rule books without netting share: each position's margin by itself, added up by row.

    requirement[row] = sum over addends of sum over the row's positions of margin[position]

Binance's brackets, Hyperliquid's tiers, Coinbase's rates and every standard option margin are this
sum with another margin function.
"""

from collections.abc import Callable

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import prices_in
from counterpoise.instruments.contracts import Instrument
from counterpoise.margin.pools import (
    Bools,
    PoolRows,
    failing_rows,
    given_amount,
    given_in_numeraire,
    pool_of_instrument,
    position_accounts,
    summed,
)
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.orders import worse_side
from counterpoise.margin.terms.rounding import added_up, with_rounding
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import Failure


def summed_by_row(book: Book, rows: PoolRows, margin: Floats) -> Floats:
    """Return the sum of `margin` [position] over the positions of every row, [row]."""
    place = pool_of_instrument(book, rows.pools)[book.instrument]
    row = rows.row_of[position_accounts(book.row_pointer), place]
    return summed(row, margin, len(rows))


def requirements_of(rows: PoolRows, *, initial: dict[str, Floats], maintenance: dict[str, Floats],
                    failed: tuple[Indices, tuple[Failure, ...]]) -> Requirements:
    """Return the requirement rows whose addends are given, [row], without a worst scenario.

    `failed` is what `margin.pools.failing_rows` returns; a failed row has no number.
    """
    failure, failures = failed
    totals = [np.where(failure < 0, added_up(parts), np.nan)
              for parts in (initial, maintenance)]
    nothing = np.zeros(0, np.int32)
    return Requirements(
        pools=rows.pools, account=rows.account, pool=rows.pool, initial=totals[0],
        maintenance=totals[1], initial_components=with_rounding(initial, totals[0]),
        maintenance_components=with_rounding(maintenance, totals[1]), candidates={},
        failure=failure, failures=failures, worst=WorstScenarios(
            units=(), row=nothing, unit=nothing, scenario=nothing, loss=np.zeros(0)))


def stated_amount(book: Book, rows: PoolRows, market: MarketSnapshot, name: str) -> Floats:
    """Return what accounts state for `name` by row, in its currency; NaN where they state nothing.

    Where an account is one row, amounts of all assets are converted and added.
    """
    if len(rows.pools) > 1:
        return given_amount(book, rows, name)
    codes = tuple(a.code for a in book.assets)
    return given_in_numeraire(book, rows, name, prices_in(market, codes, rows.pools[0]))


def open_orders(book: Book, rows: PoolRows, market: MarketSnapshot,
                margin_of: Callable[[Book], Floats]) -> Floats:
    """Return what open orders add, [row]: the `open_orders_margin` stated, else `worse_side`."""
    stated = stated_amount(book, rows, market, "open_orders_margin")
    return np.where(np.isfinite(stated), stated, worse_side(book, rows, margin_of))


def failing(book: Book, rows: PoolRows, market: MarketSnapshot, *, unused: int,
            judge: Callable[[Instrument], Failure | None],
            ) -> tuple[Indices, tuple[Failure, ...]]:
    """Return the failing rows as `margin.pools.failing_rows` does.

    A row fails by an instrument that `judge` bars (see `verdicts`) or whose quote has a flaw
    outside `unused`, the `Quality` bits that the rule book does not look at.
    """
    barred, why = verdicts(market.catalogue, judge, held_or_ordered(book))
    flawed = (market.quality & ~np.uint16(unused)) != 0
    return failing_rows(book, rows, barred | flawed, market, why)


def held_or_ordered(book: Book) -> Bools:
    """Return which instruments any account holds or has an order in, [instrument]."""
    places = np.concatenate((book.instrument, book.order_instrument))
    return np.bincount(places, minlength=len(book.catalogue)) > 0
