"""Which contracts is a hypothetical portfolio made of? Picked by one rule on every day.

The expiry nearest to a tenor, the strike nearest to a multiple of the forward or to a delta; sizes
are whole contracts, entries at the mark. What the market does not list picks nothing.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.catalogue import FUTURE, OPTION, PERPETUAL
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.sensitivities import UNITS, per_lot
from counterpoise.values.assets import asset
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import UNKNOWN, power_of_ten
from counterpoise.values.time import DAY_NS

INVERSE: Final = 1
LINEAR: Final = 0
CALL: Final = 1
PUT: Final = -1
Legs = list[tuple[int, float]]
"""(catalogue column, contracts), bought > 0."""
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Columns = np.ndarray[Any, np.dtype[np.intp]]


@frozen
class Shelf:
    """The contracts of one coin and payoff that portfolios are made of, as catalogue columns.

    `delta` is the premium-adjusted delta of one contract in coins, [instrument], NaN without one.
    """

    market: MarketSnapshot
    underlying: int
    payoff: int
    delta: Floats


def shelf_of(market: MarketSnapshot, coin: str, payoff: int, delta: Floats | None = None) -> Shelf:
    """Return the shelf of a coin; `delta` from `contract_deltas` where the caller has it."""
    return Shelf(market=market, underlying=market.catalogue.underlyings.index(coin), payoff=payoff,
                 delta=contract_deltas(market) if delta is None else delta)


def contract_deltas(market: MarketSnapshot) -> Floats:
    """Return the premium-adjusted delta of one contract in coins, [instrument]."""
    lots = np.array([power_of_ten(c.lot_exponent) for c in market.catalogue.instruments])
    return np.asarray(per_lot(market)[:, list(UNITS).index("premium_adjusted_delta")] / lots)


def book_of_portfolios(market: MarketSnapshot, portfolios: dict[str, Legs]) -> Book:
    """Return a book with one account per portfolio, entered at the mark, without balances."""
    rows = [(k, column, contracts) for k, legs in enumerate(portfolios.values())
            for column, contracts in legs]
    return _book(market, np.array(list(portfolios)), rows)


def book_of_legs(market: MarketSnapshot, portfolios: dict[str, Legs]) -> Book:
    """Return a book with one account per leg, named after its portfolio."""
    rows = [(name, column, contracts) for name, legs in portfolios.items()
            for column, contracts in legs]
    return _book(market, np.array([f"{name} {k}" for k, (name, _, _) in enumerate(rows)]),
                 [(k, column, contracts) for k, (_, column, contracts) in enumerate(rows)])


def _book(market: MarketSnapshot, accounts: np.ndarray[Any, Any],
          rows: list[tuple[int, int, float]]) -> Book:
    terms = market.catalogue
    exponents = np.array([terms.instruments[c].lot_exponent for _, c, _ in rows])
    lots = np.array([round(n / power_of_ten(int(e))) for (_, _, n), e in
                     zip(rows, exponents, strict=True)], np.int64)
    column = np.array([c for _, c, _ in rows], np.int32)
    units = np.array([asset(s).decimals for s in terms.settlements])[terms.settlement[column]]
    cost = lots * contract_values(market)[column] * np.array([power_of_ten(int(d)) for d in units])
    known = np.isfinite(cost)
    entry = np.where(known, np.ceil(np.where(known, cost, 0.0)), UNKNOWN).astype(np.int64)
    return book_of(catalogue=terms, accounts=accounts, positions=Entries(
        account=np.array([a for a, _, _ in rows], np.int64), instrument=column, lots=lots,
        entry_cost=entry))


def hedged(shelf: Shelf, legs: Legs) -> Legs:
    """Return the legs with a perpetual against their premium-adjusted delta."""
    coins = sum(n * shelf.delta[c] for c, n in legs)
    return legs + perpetual(shelf, -float(coins)) if coins == coins and legs else []


def perpetual(shelf: Shelf, coins: float) -> Legs:
    """Return the coin's perpetual, that many coins of it."""
    found = np.flatnonzero(of_kind(shelf, PERPETUAL))
    return [(int(found[0]), contracts(shelf, int(found[0]), coins))] if len(found) else []


def future(shelf: Shelf, days: float, coins: float) -> Legs:
    """Return the dated future nearest to that many days, that many coins of it."""
    found = np.flatnonzero(of_kind(shelf, FUTURE))
    if not len(found):
        return []
    column = int(found[np.argmin(np.abs(days_left(shelf, found) - days))])
    return [(column, contracts(shelf, column, coins))]


def contracts(shelf: Shelf, column: int, coins: float) -> float:
    """Return whole contracts for that many coins; inverse futures count in dollars."""
    mark = float(shelf.market.mark[column])
    reference = mark if mark == mark else float(shelf.market.index[shelf.underlying])
    return coins if shelf.payoff == LINEAR else float(round(coins * reference / 10) * 10)


def option(shelf: Shelf, days: float, moneyness: float, right: int, size: float) -> Legs:
    """Return the option nearest to a tenor and then to a multiple of its forward."""
    near = _nearest_expiry(shelf, days, right)
    if not len(near):
        return []
    terms, forward = shelf.market.catalogue, shelf.market.forward[near]
    return [(int(near[np.argmin(np.abs(terms.strike[near] - moneyness * forward))]), size)]


def option_at_delta(shelf: Shelf, days: float, delta: float, size: float) -> Legs:
    """Return the option nearest to a tenor and then to a delta: a call > 0, a put < 0."""
    near = _nearest_expiry(shelf, days, CALL if delta > 0 else PUT)
    away = np.abs(shelf.delta[near] - delta)
    known = np.isfinite(away)
    return [(int(near[known][np.argmin(away[known])]), size)] if known.any() else []


def _nearest_expiry(shelf: Shelf, days: float, right: int) -> Columns:
    found = np.flatnonzero(of_kind(shelf, OPTION) & (shelf.market.catalogue.right == right))
    if not len(found):
        return found
    away = np.abs(days_left(shelf, found) - days)
    return np.asarray(found[away == away.min()])


def of_kind(shelf: Shelf, kind: int) -> Flags:
    """Return which instruments are of this kind and of the shelf, [instrument]."""
    terms = shelf.market.catalogue
    return np.asarray((terms.kind == kind) & (terms.payoff == shelf.payoff)
                      & (terms.underlying == shelf.underlying))


def days_left(shelf: Shelf, columns: Columns) -> Floats:
    """Return the days to expiry of some instruments."""
    return np.asarray((shelf.market.catalogue.expiry[columns] - shelf.market.as_of) / DAY_NS)
