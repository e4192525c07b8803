"""Which volatility does this option price imply, and how much of it does the price really know?

Black-76 inverted for sigma sqrt(T) by two steps of third order from a start that is right to 17 %
(method and proof: docs/methodology/surfaces.md). The answer's own error is below 2e-14 relative
for every price between the bounds. Whether the price carries that much is another matter: it is
rounded, and

    uncertainty = |d sigma / d price| x half a unit of the price's last place

tells what one rounding moves. Where it exceeds 2e-14 of the volatility the row is IMPRECISE: deep
in the money, where the premium hides behind the intrinsic value, and near the upper bound.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Signs = np.ndarray[Any, np.dtype[np.int8]]


class Condition(IntEnum):
    """What became of a quote: a volatility in the first two cases, a Failure in the others."""

    DETERMINED = 0
    IMPRECISE = 1
    NOT_FINITE = 2
    BAD_TERMS = 3
    EXPIRED = 4
    BELOW_INTRINSIC = 5
    AT_INTRINSIC = 6
    AT_BOUND = 7
    VANISHING = 8
    UNSOLVED = 9


_FAILURES: Final = {
    Condition.NOT_FINITE: (Reason.NOT_FINITE, "has a price, forward, strike, time or rate that is "
                                              "not a finite number; give every one of them"),
    Condition.BAD_TERMS: (Reason.BAD_VALUE, "needs a forward and a strike above zero, at most "
                                            "e^700 apart, and right +1 (call) or -1 (put)"),
    Condition.EXPIRED: (Reason.EXPIRED, "has no time left, so that no volatility acts on its "
                                        "price; settle it"),
    Condition.BELOW_INTRINSIC: (Reason.ABSURD_PRICE, "is priced below its intrinsic value, which "
                                                     "no volatility explains; check its price "
                                                     "and the forward"),
    Condition.AT_INTRINSIC: (Reason.MISSING_VOLATILITY, "is priced at its intrinsic value, which "
                                                        "every small volatility explains; quote "
                                                        "the option out of the money instead"),
    Condition.AT_BOUND: (Reason.ABSURD_PRICE, "is priced at or above what it can ever be worth, "
                                              "the discounted forward of a call or strike of a "
                                              "put; check its price and its unit"),
    Condition.VANISHING: (Reason.MISSING_VOLATILITY, "has a premium below 1e-301 of the underlying"
                                                     ", too little to read a volatility from"),
    Condition.UNSOLVED: (Reason.MISSING_VOLATILITY, "has a volatility that was not found; report "
                                                    "its price, forward, strike and time"),
}


@frozen
class ImpliedVolatilities:
    """Volatilities of quotes, [quote]; NaN exactly where `condition` says why there is none.

    volatility   annualised, fraction
    uncertainty  what a rounding of the price in its last place moves the volatility by, fraction
    condition    `Condition` of each quote
    """

    volatility: Floats
    uncertainty: Floats
    condition: np.ndarray[Any, np.dtype[np.uint8]]


def implied_volatility(*, price: Floats, forward: Floats, strike: Floats, years: Floats,
                       right: Signs, rate: Floats) -> ImpliedVolatilities:
    """Return the Black-76 volatility that each price implies, elementwise.

    Parameters
    ----------
    price : discounted premium in quote per unit of underlying (a premium in coin times its forward)
    forward, strike : quote per unit of underlying
    years : to expiry, ACT/365
    right : +1 call, -1 put
    rate : continuously compounded, annualised fraction

    In the money the intrinsic value is taken off without rounding. A rate other than 0 rounds the
    price three times more, which `uncertainty` counts.

    References
    ----------
    P. Jaeckel, "Let's be rational", Wilmott (2015), for the normalised problem and the use of
    Householder's steps; start, series and objective are ours.
    """
    volatility, uncertainty, condition = _core.implied_volatility(
        price=price, forward=forward, strike=strike, years=years, right=right, rate=rate)
    return ImpliedVolatilities(volatility=volatility, uncertainty=uncertainty, condition=condition)


def implied_failures(implied: ImpliedVolatilities, subjects: Sequence[str]) -> tuple[Failure, ...]:
    """Return a Failure for each quote without a volatility, in order; `subjects` name quotes."""
    assert len(subjects) == len(implied.condition), "one subject per quote"
    rows = np.flatnonzero(implied.condition > Condition.IMPRECISE)
    return tuple(_failure(Condition(int(implied.condition[row])), subjects[row])
                 for row in rows.tolist())


def _failure(condition: Condition, subject: str) -> Failure:
    reason, sentence = _FAILURES[condition]
    return Failure(reason=reason, subject=subject, sentence=sentence)
