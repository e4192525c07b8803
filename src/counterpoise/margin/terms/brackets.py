"""What a position needs when its rate rises with its size: brackets of notional.

    margin = sum over brackets of rate x (part of the notional inside the bracket)

Venues print the same sum as `rate x notional - cum`, where the cumulative amount `cum` of a bracket
makes the margin continuous at its floor (Binance), or as a maximum leverage by tier with a
maintenance deduction (Hyperliquid).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.tiers import marginal
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.instruments.contracts import Instrument
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.verdicts import alike
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

_NO_TABLE: Final = -1


@frozen
class Brackets:
    """Rates by notional: `up_to` are the upper ends of all brackets but the last, increasing.

    Notional is in the settlement asset; `rate` has one fraction for each bracket. Above the largest
    position that a venue allows the last rate goes on.
    """

    up_to: tuple[float, ...]
    rate: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse brackets that do not increase and rates that have no meaning."""
        if len(self.rate) != len(self.up_to) + 1:
            raise bad_input(Reason.BAD_VALUE, "rate", f"{len(self.rate)} rates for "
                            f"{len(self.up_to)} ends; give one rate more than ends")
        if not all(a < b for a, b in pairwise((0.0, *self.up_to))):
            raise bad_input(Reason.BAD_VALUE, "up_to", f"{list(self.up_to)[:9]} must increase "
                            "from above 0")
        if not all(0 <= rate <= 1 for rate in self.rate):
            raise bad_input(Reason.BAD_VALUE, "rate", f"{list(self.rate)[:9]} must lie between 0 "
                            "and 1")


def falling_rate(name: str, brackets: Brackets) -> tuple[tuple[str, str], ...]:
    """Return (section, sentence) where a larger position has a lower rate, which is odd."""
    return tuple((name, f"odd parameter: rate {b:g} above {end:g} is below {a:g}")
                 for end, (a, b) in zip(brackets.up_to, pairwise(brackets.rate), strict=True)
                 if b < a)


@frozen
class BracketTables:
    """The brackets of every instrument: `of` [instrument] indexes `tables`, -1 where none apply."""

    tables: tuple[Brackets, ...]
    of: Indices


def bracket_tables(terms: Catalogue,
                   brackets_of: Callable[[Instrument], Brackets | None]) -> BracketTables:
    """Return the brackets of every instrument, each table once.

    `brackets_of` may look at underlying, settlement, payoff and kind alone.
    """
    first, kind = alike(terms)
    place: dict[Brackets, int] = {}
    found = [brackets_of(terms.instruments[k]) for k in first]
    of = [_NO_TABLE if b is None else place.setdefault(b, len(place)) for b in found]
    return BracketTables(tables=tuple(place), of=np.array(of, np.int32)[kind])


def bracketed(book: Book, tables: BracketTables, value: Floats) -> Floats:
    """Return the margin of every position by itself, [position], in its settlement asset.

    `value` is the contract value per lot, [instrument], of either sign; NaN where an instrument has
    no brackets or no value.
    """
    notional = np.abs(book.lots * value[book.instrument])
    of = tables.of[book.instrument]
    margin = np.full(len(notional), np.nan)
    for k, table in enumerate(tables.tables):
        mine = of == k
        margin[mine] = marginal(notional[mine], (*table.up_to, np.inf), table.rate)
    return margin
