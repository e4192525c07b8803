"""Which portfolios does a backtest rebuild every day? The standard hypothetical set.

Each probes one part of a rule book: outrights the price scan; short options gamma and the
volatility shock; calendars the term structure; boxes a risk that is none; risk reversals and
butterflies the skew; spreads and baskets what coins have in common. About one million dollars of
underlying each, in contracts of coins that have inverse ones, else linear; entries at the mark. A
portfolio that a market cannot build is left out there.
"""

from typing import Final

from counterpoise.backtest.shelf import (
    CALL,
    INVERSE,
    LINEAR,
    PUT,
    Floats,
    Legs,
    Shelf,
    contract_deltas,
    future,
    hedged,
    of_kind,
    option,
    option_at_delta,
    perpetual,
    shelf_of,
)
from counterpoise.instruments.catalogue import PERPETUAL
from counterpoise.market.snapshot import MarketSnapshot

NOTIONAL_USD: Final = 1_000_000.0
TENORS_DAYS: Final = (7, 30, 90)
BASKET: Final = {"BTC": 0.6, "ETH": 0.4}


def hypothetical_portfolios(market: MarketSnapshot) -> dict[str, Legs]:
    """Return {name: [(catalogue column, contracts)]} of what this market can build."""
    delta = contract_deltas(market)
    shelves = {coin: _shelf(market, coin, delta) for coin in market.catalogue.underlyings}
    built: dict[str, Legs] = {}
    for coin, shelf in shelves.items():
        own = _delta_one(shelf) | _options(shelf) | _short_options(shelf)
        built |= {f"{coin} {name}": legs for name, legs in own.items()}
    return {name: legs for name, legs in (built | _across(shelves)).items() if legs}


def _shelf(market: MarketSnapshot, coin: str, delta: Floats) -> Shelf:
    inverse = shelf_of(market, coin, INVERSE, delta)
    return inverse if of_kind(inverse, PERPETUAL).any() else shelf_of(market, coin, LINEAR, delta)


def _coins(shelf: Shelf) -> float:
    """Return how many coins a portfolio is about, to a thousandth of its size."""
    exact = NOTIONAL_USD / float(shelf.market.index[shelf.underlying])
    digits = 3 - len(f"{exact:.0f}") if exact >= 1 else 6
    return float(round(exact, max(digits, 0) if exact < 1000 else digits)) if exact > 0 else 0.0


def _delta_one(shelf: Shelf) -> dict[str, Legs]:
    n = _coins(shelf)
    front, back = future(shelf, 30, n), future(shelf, 90, -n)
    return {"long": perpetual(shelf, n), "short": perpetual(shelf, -n),
            "basis": _both(future(shelf, 90, n), perpetual(shelf, -n)),
            "calendar, futures": _both(front, back) if front[:1] != back[:1] else []}


def _options(shelf: Shelf) -> dict[str, Legs]:
    n = _coins(shelf)
    straddle = _both(option(shelf, 30, 1.0, CALL, -n), option(shelf, 30, 1.0, PUT, -n))
    wings = _both(option_at_delta(shelf, 30, 0.25, n), option_at_delta(shelf, 30, -0.25, n))
    box = [option(shelf, 60, 0.90, CALL, n), option(shelf, 60, 0.90, PUT, -n),
           option(shelf, 60, 1.10, CALL, -n), option(shelf, 60, 1.10, PUT, n)]
    gamma = _both(option(shelf, 7, 1.0, CALL, -n), option(shelf, 7, 1.0, PUT, -n))
    return {
        "short straddle 30d": straddle, "short strangle 30d": [(c, -q) for c, q in wings],
        "butterfly 30d": _both(straddle, wings),
        "risk reversal 30d": _both(option_at_delta(shelf, 30, 0.25, n),
                                   option_at_delta(shelf, 30, -0.25, -n)),
        "calendar, options": _both(option(shelf, 30, 1.0, CALL, n), _same_strike(shelf, n)),
        "box 60d": [leg for one in box for leg in one] if all(box) else [],
        "short gamma 7d, hedged": hedged(shelf, gamma)}


def _same_strike(shelf: Shelf, coins: float) -> Legs:
    """Return a short call of about 90 days at the strike of the 30-day one."""
    front = option(shelf, 30, 1.0, CALL, coins)
    if not front:
        return []
    strike = float(shelf.market.catalogue.strike[front[0][0]])
    forward = float(shelf.market.forward[front[0][0]])
    back = option(shelf, 90, strike / forward, CALL, -coins)
    return back if back[0][0] != front[0][0] else []


def _short_options(shelf: Shelf) -> dict[str, Legs]:
    """Return short calls and puts at the money, at 25 and at 10 delta, of every tenor."""
    n = _coins(shelf)
    found = {}
    for days in TENORS_DAYS:
        for right, sign in ((CALL, 1), (PUT, -1)):
            kind = "call" if right == CALL else "put"
            found[f"short {kind} ATM {days}d"] = option(shelf, days, 1.0, right, -n)
            for delta in (0.25, 0.10):
                found[f"short {kind} {100 * delta:.0f}-delta {days}d"] = option_at_delta(
                    shelf, days, sign * delta, -n)
    return found


def _across(shelves: dict[str, Shelf]) -> dict[str, Legs]:
    if not BASKET.keys() <= shelves.keys():
        return {}
    btc, eth = shelves["BTC"], shelves["ETH"]
    long = [leg for coin, share in BASKET.items()
            for leg in perpetual(shelves[coin], share * _coins(shelves[coin]))]
    return {"BTC long, ETH short": _both(perpetual(btc, _coins(btc)), perpetual(eth, -_coins(eth))),
            "60/40 long": long, "60/40 short": [(c, -n) for c, n in long]}


def _both(first: Legs, second: Legs) -> Legs:
    """Return the legs of two parts; nothing where either cannot be built."""
    return first + second if first and second else []
