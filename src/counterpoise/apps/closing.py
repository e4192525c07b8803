"""What does it cost to close all of an account, and in a thin market? The impact law of `dynamic`.

    cost = x (half spread + max(Y s sqrt(x / V), 0.5 % min(x / D, 1)))      margin.terms.impact

on the gross delta x of an underlying, since closing everything nets nothing. In the thin market
volume V and depth D are 2/89 of themselves; *our reading*: the source gives the depth alone.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.terms.dynamic_parameters import DynamicParameters
from counterpoise.margin.terms.impact import closing_cost, impact_market
from counterpoise.market.snapshot import Floats, MarketSnapshot
from counterpoise.values.frozen import frozen

DEPTH_LEFT: Final = 2.0 / 89.0
"""Of the depth of the order books: 89 to 2 million USD on 10 October 2025."""
_THINNED: Final = ("volume_usd", "depth_usd")


@frozen
class Closing:
    """What it costs to close what an account holds of one underlying, USD.

    `notional` is the gross delta; NaN in depth and costs where nobody said how deep the market is.
    """

    account: str
    underlying: str
    notional: float
    depth: float
    cost: float
    stressed: float


def closings(book: Book, market: MarketSnapshot, delta: Floats,
             parameters: DynamicParameters) -> Iterator[Closing]:
    """Yield what closing costs, by account and underlying; `delta` [instrument] of one lot."""
    terms = market.catalogue
    law = parameters.impact
    known = impact_market(market, parameters).terms
    for account, name in enumerate(book.accounts.tolist()):
        mine = slice(int(book.row_pointer[account]), int(book.row_pointer[account + 1]))
        at, lots = book.instrument[mine], book.lots[mine]
        for u in sorted(set(terms.underlying[at].tolist())):
            own = terms.underlying[at] == u
            gross = np.abs(lots[own] * delta[at[own]])
            notional = np.array([float(np.add.reduce(gross)) * float(market.index[u])])
            deep = {field: column[u:u + 1] for field, column in known.items()}
            thin = deep | {field: DEPTH_LEFT * deep[field] for field in _THINNED}
            cost, stressed = (np.array([np.nan]) if law is None else closing_cost(
                notional, one, coefficient=law.coefficient) for one in (deep, thin))
            yield Closing(account=str(name), underlying=terms.underlyings[u],
                          notional=float(notional[0]), depth=float(deep["depth_usd"][0]),
                          cost=float(cost[0]), stressed=float(stressed[0]))
