"""Student's t distribution with whole degrees of freedom, on the core's own functions.

    P(T <= t) = 1 - I_x(n/2, 1/2) / 2 for t >= 0,  x = n / (n + t^2)

I is the regularised incomplete beta function, from `scenarios.distributions`. Source: Abramowitz
and Stegun, "Handbook of Mathematical Functions", 26.7.1 and 26.5.8.
"""

from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.scenarios.distributions import DEGREES_MAX, beta_of_half, two_tails
from counterpoise.values.failure import Reason, bad_input

_ROUNDS: Final = 11
_PARTS: Final = np.linspace(0.0, 1.0, 33)
"""Each round cuts the interval to a 32nd: 11 of them are 55 halvings."""


def t_quantile(level: float, degrees: int) -> float:
    """Return the quantile of Student's t (unscaled) at `level`, to about 12 digits.

    Raises
    ------
    BadInput
        If the level is not above 0 and below 1, or the degrees of freedom are not whole and 1 to
        1000.
    """
    _refuse(level, degrees)
    if level < 0.5:
        return -t_quantile(1 - level, degrees)
    low, high = 0.0, 1.0
    while _upper_tail(high, degrees) > 1 - level:
        low, high = high, 2 * high
    for _ in range(_ROUNDS):
        points = low + (high - low) * _PARTS
        beyond = two_tails(points * points, degrees) / 2 > 1 - level
        at = int(np.count_nonzero(beyond[1:-1]))
        low, high = float(points[at]), float(points[at + 1])
    return (low + high) / 2


def t_upper_tail(t: float, degrees: int) -> float:
    """Return P(T > t) of Student's t (unscaled), any whole degrees of freedom from 1 on.

    Raises
    ------
    BadInput
        If the degrees of freedom are not whole and at least 1, or `t` is not a number.
    """
    if degrees != int(degrees) or degrees < 1 or t != t:
        raise bad_input(Reason.BAD_VALUE, "degrees", f"{degrees} and {t} must be a whole number of "
                        "degrees of freedom from 1 on, and a number")
    return _upper_tail(t, degrees) if t >= 0 else 1 - _upper_tail(-t, degrees)


def t_density(t: float, degrees: int) -> float:
    """Return the density of Student's t (unscaled) at `t`, to about 14 digits.

    Raises
    ------
    BadInput
        If the degrees of freedom are not whole and 1 to 1000.
    """
    _refuse(0.5, degrees)
    power = -(degrees + 1) / 2 * float(_core.log1p(np.array([t * t / degrees]))[0])
    return float(_core.exp(np.array([power]))[0]) / (
        float(np.sqrt(degrees)) * beta_of_half(degrees))


def _refuse(level: float, degrees: int) -> None:
    if not 0 < level < 1:
        raise bad_input(Reason.BAD_VALUE, "level", f"{level} is no level; give a fraction between "
                        "0 and 1, like 0.99")
    if degrees != int(degrees) or not 1 <= degrees <= DEGREES_MAX:
        raise bad_input(Reason.BAD_VALUE, "degrees", f"{degrees} must be a whole number of degrees "
                        f"of freedom, 1 to {DEGREES_MAX}")


def _upper_tail(t: float, degrees: int) -> float:
    """Return P(T > t) for t >= 0."""
    return float(two_tails(np.array([t * t]), degrees)[0]) / 2
