"""Which portfolios show what netting is worth? Eleven that every trader knows, on any market.

Each is chosen by the same rule on every day: the expiry nearest to a tenor, the strike nearest to a
multiple of its forward; sizes are whole contracts, entries at the mark. A portfolio that the market
cannot build, such as a linear box where no linear option is quoted, is left out.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from counterpoise.backtest.shelf import (
    CALL,
    INVERSE,
    LINEAR,
    PUT,
    Legs,
    Shelf,
    contract_deltas,
    future,
    hedged,
    of_kind,
    option,
    perpetual,
    shelf_of,
)
from counterpoise.instruments.catalogue import FUTURE, OPTION
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.time import DAY_NS

SIZE: Final = 10.0
MAKER_OPTIONS: Final = 400
MAKER_SEED: Final = 20260205


def model_portfolios(market: MarketSnapshot, coin: str = "BTC") -> dict[str, Legs]:
    """Return {name: [(catalogue column, contracts)]} of the portfolios this market can build."""
    delta = contract_deltas(market)
    inverse, linear = (shelf_of(market, coin, p, delta) for p in (INVERSE, LINEAR))
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


def _outright(shelf: Shelf) -> Legs:
    return perpetual(shelf, SIZE)


def _covered_call(shelf: Shelf) -> Legs:
    return perpetual(shelf, SIZE) + option(shelf, 30, 1.10, CALL, -SIZE)


def _protective_put(shelf: Shelf) -> Legs:
    return perpetual(shelf, SIZE) + option(shelf, 30, 0.90, PUT, SIZE)


def _straddle(shelf: Shelf) -> Legs:
    return option(shelf, 30, 1.0, CALL, -SIZE) + option(shelf, 30, 1.0, PUT, -SIZE)


def _iron_condor(shelf: Shelf) -> Legs:
    return (option(shelf, 30, 0.80, PUT, SIZE) + option(shelf, 30, 0.90, PUT, -SIZE)
            + option(shelf, 30, 1.10, CALL, -SIZE) + option(shelf, 30, 1.20, CALL, SIZE))


def _calendar(shelf: Shelf) -> Legs:
    return option(shelf, 90, 1.0, CALL, SIZE) + option(shelf, 30, 1.0, CALL, -SIZE)


def _box(shelf: Shelf) -> Legs:
    return (option(shelf, 60, 0.90, CALL, SIZE) + option(shelf, 60, 0.90, PUT, -SIZE)
            + option(shelf, 60, 1.10, CALL, -SIZE) + option(shelf, 60, 1.10, PUT, SIZE))


def _claim(shelf: Shelf) -> Legs:
    """Sell futures of the box's expiry for the dollars that the box pays: the same coins."""
    legs, terms = _box(shelf), shelf.market.catalogue
    if not legs:
        return []
    low, high = (terms.strike[legs[k][0]] for k in (0, 2))
    expiry = terms.expiry[legs[0][0]]
    future = np.flatnonzero(of_kind(shelf, FUTURE) & (terms.expiry == expiry))
    return [(int(future[0]), -SIZE * float(high - low))] if len(future) else []


def _basis(shelf: Shelf) -> Legs:
    return perpetual(shelf, SIZE) + future(shelf, 90, -SIZE)


def _short_gamma(shelf: Shelf) -> Legs:
    return hedged(shelf, option(shelf, 7, 1.0, CALL, -5 * SIZE)
                   + option(shelf, 7, 1.0, PUT, -5 * SIZE))


def _market_maker(shelf: Shelf) -> Legs:
    """Quote everything: seeded sizes in up to 400 options near the money, delta hedged."""
    market, terms = shelf.market, shelf.market.catalogue
    options = np.flatnonzero(of_kind(shelf, OPTION) & (market.quality == 0)
                             & (terms.expiry > market.as_of + DAY_NS))
    distance = np.abs(terms.strike[options] / market.forward[options] - 1)
    chosen = np.sort(options[np.argsort(distance, kind="stable")[:MAKER_OPTIONS]])
    if len(chosen) < MAKER_OPTIONS:
        return []
    draws = np.random.Generator(np.random.PCG64(MAKER_SEED)).random(len(chosen))
    sizes = np.rint(80 * (draws - 0.5)) / 2
    return hedged(shelf, [(int(c), float(n)) for c, n in zip(chosen, sizes, strict=True) if n])
