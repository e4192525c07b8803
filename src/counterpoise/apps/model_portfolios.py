"""Which portfolios show what netting is worth? Eleven that every trader knows, on any market.

Each is chosen by the same rule on every day: the expiry nearest to a tenor, the strike nearest to a
multiple of its forward; sizes are whole contracts, entries at the mark. A portfolio that the market
cannot build, such as a linear box where no linear option is quoted, is left out.
"""

from collections.abc import Callable
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
SIZE: Final = 10.0
MAKER_OPTIONS: Final = 400
MAKER_SEED: Final = 20260205
Legs = list[tuple[int, float]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@frozen
class Shelf:
    """The contracts of one coin and payoff that portfolios are made of, as catalogue columns."""

    market: MarketSnapshot
    underlying: int
    payoff: int


def model_portfolios(market: MarketSnapshot, coin: str = "BTC") -> dict[str, Legs]:
    """Return {name: [(catalogue column, contracts)]} of the portfolios this market can build."""
    k = market.catalogue.underlyings.index(coin)
    inverse, linear = (Shelf(market=market, underlying=k, payoff=p) for p in (INVERSE, LINEAR))
    recipes: dict[str, tuple[Callable[[Shelf], Legs], Shelf]] = {
        "outright perpetual": (_outright, inverse),
        "covered call": (_covered_call, inverse),
        "protective put": (_protective_put, inverse),
        "short straddle": (_straddle, inverse),
        "iron condor": (_iron_condor, inverse),
        "calendar": (_calendar, inverse),
        "box, coin-settled": (_box, inverse),
        "same claim by a future": (_claim, inverse),
        "box, linear": (_box, linear),
        "basis trade": (_basis, inverse),
        "short gamma, delta-hedged": (_short_gamma, inverse),
        f"market maker, {MAKER_OPTIONS} options": (_market_maker, inverse)}
    built = {name: recipe(shelf) for name, (recipe, shelf) in recipes.items()}
    return {name: legs for name, legs in built.items() if legs}


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


def _outright(shelf: Shelf) -> Legs:
    return _perpetual(shelf, SIZE)


def _covered_call(shelf: Shelf) -> Legs:
    return _perpetual(shelf, SIZE) + _option(shelf, 30, 1.10, CALL, -SIZE)


def _protective_put(shelf: Shelf) -> Legs:
    return _perpetual(shelf, SIZE) + _option(shelf, 30, 0.90, PUT, SIZE)


def _straddle(shelf: Shelf) -> Legs:
    return _option(shelf, 30, 1.0, CALL, -SIZE) + _option(shelf, 30, 1.0, PUT, -SIZE)


def _iron_condor(shelf: Shelf) -> Legs:
    return (_option(shelf, 30, 0.80, PUT, SIZE) + _option(shelf, 30, 0.90, PUT, -SIZE)
            + _option(shelf, 30, 1.10, CALL, -SIZE) + _option(shelf, 30, 1.20, CALL, SIZE))


def _calendar(shelf: Shelf) -> Legs:
    return _option(shelf, 90, 1.0, CALL, SIZE) + _option(shelf, 30, 1.0, CALL, -SIZE)


def _box(shelf: Shelf) -> Legs:
    return (_option(shelf, 60, 0.90, CALL, SIZE) + _option(shelf, 60, 0.90, PUT, -SIZE)
            + _option(shelf, 60, 1.10, CALL, -SIZE) + _option(shelf, 60, 1.10, PUT, SIZE))


def _claim(shelf: Shelf) -> Legs:
    """Sell futures of the box's expiry for the dollars that the box pays: the same coins."""
    legs, terms = _box(shelf), shelf.market.catalogue
    if not legs:
        return []
    low, high = (terms.strike[legs[k][0]] for k in (0, 2))
    expiry = terms.expiry[legs[0][0]]
    future = np.flatnonzero(_mine(shelf, FUTURE) & (terms.expiry == expiry))
    return [(int(future[0]), -SIZE * float(high - low))] if len(future) else []


def _basis(shelf: Shelf) -> Legs:
    return _perpetual(shelf, SIZE) + _future(shelf, 90, -SIZE)


def _short_gamma(shelf: Shelf) -> Legs:
    return _hedged(shelf, _option(shelf, 7, 1.0, CALL, -5 * SIZE)
                   + _option(shelf, 7, 1.0, PUT, -5 * SIZE))


def _market_maker(shelf: Shelf) -> Legs:
    """Quote everything: seeded sizes in up to 400 options near the money, delta hedged."""
    market, terms = shelf.market, shelf.market.catalogue
    options = np.flatnonzero(_mine(shelf, OPTION) & (market.quality == 0)
                             & (terms.expiry > market.as_of + DAY_NS))
    distance = np.abs(terms.strike[options] / market.forward[options] - 1)
    chosen = np.sort(options[np.argsort(distance, kind="stable")[:MAKER_OPTIONS]])
    if len(chosen) < MAKER_OPTIONS:
        return []
    draws = np.random.Generator(np.random.PCG64(MAKER_SEED)).random(len(chosen))
    sizes = np.rint(80 * (draws - 0.5)) / 2
    return _hedged(shelf, [(int(c), float(n)) for c, n in zip(chosen, sizes, strict=True) if n])


def _hedged(shelf: Shelf, legs: Legs) -> Legs:
    """Return the legs with a perpetual against their premium-adjusted delta."""
    terms = shelf.market.catalogue
    delta = per_lot(shelf.market)[:, list(UNITS).index("premium_adjusted_delta")]
    coins = sum(n / power_of_ten(terms.instruments[c].lot_exponent) * delta[c] for c, n in legs)
    return legs + _perpetual(shelf, -float(coins)) if coins == coins and legs else []


def _perpetual(shelf: Shelf, coins: float) -> Legs:
    found = np.flatnonzero(_mine(shelf, PERPETUAL))
    return [(int(found[0]), _contracts(shelf, int(found[0]), coins))] if len(found) else []


def _future(shelf: Shelf, days: float, coins: float) -> Legs:
    found = np.flatnonzero(_mine(shelf, FUTURE))
    if not len(found):
        return []
    column = int(found[np.argmin(np.abs(_days(shelf, found) - days))])
    return [(column, _contracts(shelf, column, coins))]


def _contracts(shelf: Shelf, column: int, coins: float) -> float:
    """Return whole contracts for that many coins; inverse futures count in dollars."""
    mark = float(shelf.market.mark[column])
    reference = mark if mark == mark else float(shelf.market.index[shelf.underlying])
    return coins if shelf.payoff == LINEAR else float(round(coins * reference / 10) * 10)


def _option(shelf: Shelf, days: float, moneyness: float, right: int, size: float) -> Legs:
    terms, market = shelf.market.catalogue, shelf.market
    found = np.flatnonzero(_mine(shelf, OPTION) & (terms.right == right))
    if not len(found):
        return []
    away = np.abs(_days(shelf, found) - days)
    near = found[away == away.min()]
    strike = moneyness * market.forward[near]
    return [(int(near[np.argmin(np.abs(terms.strike[near] - strike))]), size)]


def _mine(shelf: Shelf, kind: int) -> Flags:
    terms = shelf.market.catalogue
    mine: Flags = ((terms.kind == kind) & (terms.payoff == shelf.payoff)
                   & (terms.underlying == shelf.underlying))
    return mine


def _days(shelf: Shelf, columns: np.ndarray[Any, Any]) -> Floats:
    days: Floats = (shelf.market.catalogue.expiry[columns] - shelf.market.as_of) / DAY_NS
    return days
