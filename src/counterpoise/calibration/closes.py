"""Which factors do daily closes tell of? Prices, pegs, and the premium of a perpetual.

    price              ln(close)                                  of spot, else of the perpetual
    peg                ln(close of the token / close of `against`)   on the same venue
    basis of tenor 0   ln(close of the perpetual / close of spot)    on the same venue

A quote in a dollar stablecoin is read as one in USD (*our reading*): its own peg is then a factor
beside it only where a price in USD says so. Closes of a perpetual stand in for a mark, those of
spot for an index: a proxy, said so in the source.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from counterpoise.calibration.factor_levels import Flags, Floats, Ints, Levels
from counterpoise.scenarios.factors import Factor
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

DOLLARS: Final = frozenset({"USD", "USDT", "USDC", "BUSD", "FDUSD", "DAI", "TUSD"})
SPOT: Final = "spot"
PERPETUAL: Final = "perp"


@frozen
class Closes:
    """The closes of one symbol in one market.

    market  spot or perp; day [row] UTC days, increasing; close [row] > 0, in `quote`, at the end
    of the day; whole [row] whether no bar of the day is missing.
    """

    symbol: str
    venue: str
    market: str
    quote: str
    day: Ints
    close: Floats
    whole: Flags

    def __post_init__(self) -> None:
        """Refuse closes that are no price and days out of order."""
        name = f"{self.symbol} on {self.venue}"
        if not np.all((self.close > 0) & (self.close < np.inf)):
            raise bad_input(Reason.ABSURD_PRICE, name, "has a close that is not above 0; leave the "
                            "day out")
        if not np.all(np.diff(self.day) > 0):
            raise bad_input(Reason.DUPLICATE, name, "has a day twice; keep one close")


def label(closes: Closes) -> str:
    """Return where closes come from: `binance spot in USDT`."""
    return f"{closes.venue} {closes.market} in {closes.quote}"


def preferred(series: Sequence[Closes]) -> tuple[Closes, ...]:
    """Return the series by preference: spot before perpetuals, then those with more days."""
    return tuple(sorted(series, key=lambda c: (c.market != SPOT, -len(c.day), c.venue, c.quote)))


def price_levels(series: Sequence[Closes]) -> tuple[Levels, ...]:
    """Return ln(close) of each series by preference."""
    return tuple(Levels(factor=Factor(subject=c.symbol, kind="price", against=_against(c)),
                        day=c.day, level=np.log(c.close), source=label(c))
                 for c in preferred(series))


def peg_levels(series: Sequence[Closes], staked: dict[str, str],
               coins: Sequence[Closes]) -> tuple[Levels, ...]:
    """Return the pegs of tokens; `staked` {token: coin} says what a staking token is held to.

    `coins` are the closes of those coins; a day counts where both are known.

    Raises
    ------
    BadInput
        If a staked token's coin has no closes on the token's venue in the same quote.
    """
    found = []
    for c in preferred(series):
        coin = staked.get(c.symbol)
        if coin is None:
            found.append(Levels(factor=Factor(subject=c.symbol, kind="peg", against=_against(c)),
                                day=c.day, level=np.log(c.close), source=label(c)))
            continue
        beside = [k for k in preferred(coins) if (k.symbol, k.venue, k.quote) == (
            coin, c.venue, c.quote)]
        if not beside:
            raise bad_input(Reason.MISSING_PRICE, c.symbol, f"is held to {coin}, which has no "
                            f"closes on {c.venue} in {c.quote}; give them among the prices")
        day, mine, theirs = np.intersect1d(c.day, beside[0].day, return_indices=True)
        found.append(Levels(factor=Factor(subject=c.symbol, kind="peg", against=coin), day=day,
                            level=np.log(c.close[mine] / beside[0].close[theirs]),
                            source=f"{label(c)} over {label(beside[0])}"))
    return tuple(found)


def premium_levels(series: Sequence[Closes]) -> tuple[Levels, ...]:
    """Return the premium of perpetuals over spot, where one venue has both on whole days."""
    found = []
    for perp in (c for c in preferred(series) if c.market == PERPETUAL):
        for spot in (c for c in series if (c.symbol, c.venue, c.market, c.quote) == (
                perp.symbol, perp.venue, SPOT, perp.quote)):
            day, a, b = np.intersect1d(perp.day[perp.whole], spot.day[spot.whole],
                                       return_indices=True)
            level = np.log(perp.close[perp.whole][a] / spot.close[spot.whole][b])
            found.append(Levels(
                factor=Factor(subject=perp.symbol, kind="basis", tenor_days=0), day=day,
                level=level, source=f"{perp.venue} close of the perpetual over that of spot, a "
                "proxy of mark over index"))
    return tuple(found)


def _against(closes: Closes) -> str:
    return "USD" if closes.quote in DOLLARS else closes.quote

