"""Student's t distribution with whole degrees of freedom, on the core's own functions.

    P(T <= t) = 1 - I_x(n/2, 1/2) / 2 for t >= 0,  x = n / (n + t^2)

I is the regularised incomplete beta function, here by its continued fraction. Source: Abramowitz
and Stegun, "Handbook of Mathematical Functions", 26.7.1 and 26.5.8; W. Lentz, Applied Optics 15,
1976, for the evaluation.
"""

import math
from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.values.failure import Reason, bad_input

DEGREES_MAX: Final = 1000
_TERMS: Final = 500
_TINY: Final = 1e-300
_NEAR: Final = 1e-16


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
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _upper_tail(middle, degrees) > 1 - level else (low, middle)
    return (low + high) / 2


def _refuse(level: float, degrees: int) -> None:
    if not 0 < level < 1:
        raise bad_input(Reason.BAD_VALUE, "level", f"{level} is no level; give a fraction between "
                        "0 and 1, like 0.99")
    if degrees != int(degrees) or not 1 <= degrees <= DEGREES_MAX:
        raise bad_input(Reason.BAD_VALUE, "degrees", f"{degrees} must be a whole number of degrees "
                        f"of freedom, 1 to {DEGREES_MAX}")


def _upper_tail(t: float, degrees: int) -> float:
    """Return P(T > t) for t >= 0."""
    x = degrees / (degrees + t * t)
    return _incomplete_beta(x, degrees) / 2


def _incomplete_beta(x: float, degrees: int) -> float:
    """Return I_x(degrees/2, 1/2), by the fraction that converges on this side of the mean."""
    a, b = degrees / 2, 0.5
    if x >= (a + 1) / (a + b + 2):
        return 1 - _term(1 - x, b, a, degrees)
    return _term(x, a, b, degrees)


def _term(x: float, a: float, b: float, degrees: int) -> float:
    if x <= 0:
        return 0.0
    logs = _core.log(np.array([x, 1 - x]))
    power = float(_core.exp(np.array([a * logs[0] + b * logs[1]]))[0])
    return power * _fraction(x, a, b) / (a * _beta_of_half(degrees))


def _beta_of_half(degrees: int) -> float:
    """Return B(degrees/2, 1/2), from B(1/2, 1/2) = pi, B(1, 1/2) = 2, B(a+1, b) = B a/(a+b)."""
    a, beta = (0.5, math.pi) if degrees % 2 else (1.0, 2.0)
    while a < degrees / 2:
        beta, a = beta * a / (a + 0.5), a + 1
    return beta


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function (Lentz's method)."""
    c, d = 1.0, _away(1 - (a + b) * x / (a + 1))
    d = 1 / d
    value = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d, c = 1 / _away(1 + step * d), _away(1 + step / c)
            value *= d * c
        if abs(d * c - 1) < _NEAR:
            break
    return value


def _away(number: float) -> float:
    return number if abs(number) > _TINY else _TINY
