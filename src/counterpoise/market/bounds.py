"""Which numbers are absurd? The bounds, written down with their reasons.

A number beyond its bound is a typing error, a wrong unit or a broken feed, never a market: it
becomes NaN with a Quality bit, and in a portfolio file an error. The bounds are wide on purpose;
a quote inside them may still be wrong. Prices are compared with the index; without one, premiums
with the option's own forward, other prices with the median of their underlying. A zero mark of an
option is legal: far from the money, half a tick rounds to zero.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.quotes import Quotes, index_by_instrument, unsplit
from counterpoise.market.snapshot import Quality
from counterpoise.values.frozen import frozen
from counterpoise.values.time import SECOND_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

PRICE_MAX: Final = 1e9
"""No coin is quoted above a billion dollars; larger is cents, satoshi or a shifted point."""
VOLATILITY_MAX: Final = 10.0
"""1000 % a year. The fast market of February 2026 took mark volatilities to 350 %; above 1000 %
somebody wrote percent where a fraction was wanted."""
OFF_INDEX_MAX: Final = 0.5
"""Forwards, perpetuals and futures within 50 % of the index: carry and funding keep them within a
few percent of it; beyond 50 % stands the price of another coin, or another unit."""
PREMIUM_SLACK: Final = 1.1
"""An option is worth at most its underlying (call) or its strike (put); 10 % slack for the time
between two quotes."""
COINS_MAX: Final = 10.0
"""Coins that a coin-settled option may cost where nobody says the price of the coin: a put struck
at ten times the price is nowhere listed."""
RATE_MAX: Final = 5.0
"""500 % a year, either sign; beyond it somebody wrote percent."""
AGE_MAX_NS: Final = 300 * SECOND_NS
"""Five minutes. Quotes of liquid contracts change every second; an older one is STALE."""


@frozen
class Bound:
    """One bound: which instruments break it, the Quality it sets, what would be right."""

    column: str
    quality: Quality
    broken: Callable[[Quotes], Mask]
    sentence: str


def _outside(values: Floats, low: float, high: float) -> Mask:
    # NaN is missing, not absurd: comparisons with it are False.
    return (values < low) | (values > high)


def is_option(quotes: Quotes) -> Mask:
    """Return which instruments are options, [instrument]."""
    mask: Mask = quotes.catalogue.kind == OPTION
    return mask


def _price_not_positive(q: Quotes) -> Mask:
    return np.where(is_option(q), q.mark < 0, q.mark <= 0)


def _price_too_large(q: Quotes) -> Mask:
    return q.mark > PRICE_MAX


def _mark_off(q: Quotes) -> Mask:
    return ~is_option(q) & _off_reference(q.mark, q)


def _premium_too_large(q: Quotes) -> Mask:
    price = _index_or_forward(q)
    coin = q.catalogue.payoff == 1
    premium = np.where(coin, q.mark * price, q.mark)
    most = PREMIUM_SLACK * np.where(q.catalogue.right == 1, price, q.catalogue.strike)
    blind = coin & np.isnan(price) & (q.mark > COINS_MAX)
    mask: Mask = is_option(q) & ((premium > most) | blind)
    return mask


def _forward_not_positive(q: Quotes) -> Mask:
    return is_option(q) & (q.forward <= 0)


def _forward_off(q: Quotes) -> Mask:
    return is_option(q) & _off_reference(q.forward, q)


def _average_off(q: Quotes) -> Mask:
    ratio = q.average / _index_or_forward(q)
    return is_option(q) & ((q.average <= 0) | ~np.isfinite(q.average) & ~np.isnan(q.average)
                           | _outside(ratio, 1 - OFF_INDEX_MAX, 1 + OFF_INDEX_MAX))


def _index_or_forward(q: Quotes) -> Floats:
    index = _positive(index_by_instrument(q))
    return np.where(np.isnan(index), _positive(q.forward), index)


def _off_reference(price: Floats, q: Quotes) -> Mask:
    index = _positive(index_by_instrument(q))
    low, high = (index, index) if not np.isnan(index).any() else _medians(q, index)
    mask: Mask = (price / high < 1 - OFF_INDEX_MAX) | (price / low > 1 + OFF_INDEX_MAX)
    return mask


def _medians(q: Quotes, index: Floats) -> tuple[Floats, Floats]:
    """Return lower and upper median of the prices of each instrument's underlying.

    That is the index where there is one. Of two prices far apart each is far from the other: which
    one is wrong cannot be known.
    """
    price = _positive(np.where(is_option(q), q.forward, q.mark))
    known = np.flatnonzero(np.isfinite(price))
    group = q.catalogue.underlying[known]
    order = known[np.lexsort((price[known], group))]
    count = np.bincount(group, minlength=len(q.catalogue.underlyings))
    start = np.cumsum(count) - count
    medians = []
    for back in (1, 0):
        at = start + np.maximum(count - back, 0) // 2
        found = np.full(len(count), np.nan)
        found[count > 0] = price[order[at[count > 0]]]
        medians.append(np.where(np.isnan(index), found[q.catalogue.underlying], index))
    return medians[0], medians[1]


def _volatility_outside(q: Quotes) -> Mask:
    return is_option(q) & ((q.volatility <= 0) | (q.volatility > VOLATILITY_MAX))


def _rate_outside(q: Quotes) -> Mask:
    return is_option(q) & _outside(q.rate, -RATE_MAX, RATE_MAX)


def _positive(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)


BOUNDS: Final = (
    Bound(column="mark", quality=Quality.ABSURD_PRICE, broken=_price_not_positive,
          sentence="a price is above zero (an option's premium at least zero)"),
    Bound(column="mark", quality=Quality.ABSURD_PRICE, broken=_price_too_large,
          sentence="a price is at most 1e9; check the unit"),
    Bound(column="mark", quality=Quality.ABSURD_PRICE, broken=_mark_off,
          sentence="is more than 50 % away from the index (without one, from the other prices "
          "of its underlying); check coin, unit and index"),
    Bound(column="mark", quality=Quality.ABSURD_PRICE, broken=_premium_too_large,
          sentence="is above what the option can ever pay; premiums of coin-settled options are in "
          "coin, of others in the settlement asset"),
    Bound(column="forward", quality=Quality.ABSURD_PRICE, broken=_forward_not_positive,
          sentence="a forward is above zero, in the settlement window each of its parts"),
    Bound(column="forward", quality=Quality.ABSURD_PRICE, broken=_forward_off,
          sentence="is more than 50 % away from the index (without one, from the other prices "
          "of its underlying); check coin, unit and index"),
    Bound(column="average", quality=Quality.ABSURD_PRICE, broken=_average_off,
          sentence="an index average of the settlement window is above zero and within 50 % of the "
          "index; check coin and unit"),
    Bound(column="volatility", quality=Quality.ABSURD_VOLATILITY, broken=_volatility_outside,
          sentence="a volatility lies between 0 and 10 (1000 %) as a fraction: 0.55 for 55 %"),
    Bound(column="rate", quality=Quality.ABSURD_PRICE, broken=_rate_outside,
          sentence="a rate lies between -5 and 5 as a fraction: 0.05 for 5 %"),
)
FIXED: Final = Bound(
    column="forward_fixed", quality=Quality.ABSURD_PRICE, broken=_average_off,
    sentence="a fixed part of a forward is the index average so far times the share of the "
    "settlement window that is gone, and none before; this one is not within 50 % of that")


def absurd_index(quotes: Quotes) -> Mask:
    """Return which indices are not a price, [underlying]."""
    return (quotes.index <= 0) | (quotes.index > PRICE_MAX)


def apart(quotes: Quotes, prices: dict[str, float]) -> Mask:
    """Return whose index and stated USD price cannot both be right, [underlying].

    They are one number from two sources; beyond `OFF_INDEX_MAX` of the index one of them is the
    price of another coin, or in another unit, and nothing tells which.
    """
    price = np.array([prices.get(u, np.nan) for u in quotes.catalogue.underlyings], np.float64)
    with np.errstate(invalid="ignore"):
        return np.abs(price - quotes.index) > OFF_INDEX_MAX * quotes.index


def absurdities(quotes: Quotes, as_of: int) -> tuple[tuple[Bound, Mask], ...]:
    """Return the broken bounds at `as_of` (ns), each with the instruments that break it.

    Inside the settlement window the stated parts of a forward are judged as what they are parts of.
    """
    whole = unsplit(quotes, as_of)
    stated = ~np.isnan(quotes.forward_fixed)
    found = []
    with np.errstate(invalid="ignore"):
        for bound in BOUNDS:
            mask = bound.broken(whole)
            found.append((bound, mask & ~stated if bound.column == "average" else mask))
        found.append((FIXED, _average_off(whole) & stated))
    return tuple((bound, mask) for bound, mask in found if mask.any())


def is_stale(quotes: Quotes) -> Mask:
    """Return which quotes are older than `AGE_MAX_NS`, [instrument]."""
    return quotes.age_ns > AGE_MAX_NS


def needs(quotes: Quotes) -> tuple[tuple[Quality, Mask], ...]:
    """Return what each instrument is missing, [instrument]."""
    option = quotes.catalogue.kind == OPTION
    return (
        (Quality.MISSING_MARK, np.isnan(quotes.mark)),
        (Quality.MISSING_FORWARD, option & np.isnan(quotes.forward)),
        (Quality.MISSING_VOLATILITY, option & np.isnan(quotes.volatility)),
        (Quality.MISSING_INDEX, np.isnan(index_by_instrument(quotes))),
    )
