"""Which probability has a value, and which value has a probability? Normal and Student's t.

    P(T <= t) = 1 - I_x(n/2, 1/2) / 2 for t >= 0,  x = n / (n + t^2)

for whole columns and on the core's own functions, so that a simulated move has the same bits
everywhere. Sources: Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.1, 26.5.8; W.
Lentz, Applied Optics 15, 1976; M. Wichura, "Algorithm AS 241: the percentage points of the normal
distribution", Applied Statistics 37, 1988 (PPND16, relative error below 1e-15).
"""

import math
from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.values.failure import Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
DEGREES_MAX: Final = 1000
_TERMS: Final = 500
_TINY: Final = 1e-300
_NEAR: Final = 1e-16
_BLOCK: Final = 8192
_CENTRE: Final = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3))
_MIDDLE: Final = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9))
_FAR: Final = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15))


def normal_quantile(probability: Floats) -> Floats:
    """Return the quantiles of the standard normal distribution, elementwise.

    Raises
    ------
    BadInput
        If a probability is not above 0 and below 1.
    """
    if not np.all((probability > 0) & (probability < 1)):
        raise bad_input(Reason.BAD_VALUE, "probability", "lies outside (0, 1); give fractions "
                        "between 0 and 1")
    q = probability - 0.5
    r = np.sqrt(-_core.log(np.ascontiguousarray(np.minimum(probability, 1.0 - probability))))
    far = np.where(r <= 5.0, _ratio(_MIDDLE, r - 1.6), _ratio(_FAR, r - 5.0))
    centre = q * _ratio(_CENTRE, 0.180625 - q * q)
    return np.where(np.abs(q) <= 0.425, centre, np.where(q < 0, -far, far))


def _ratio(terms: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    over, under = (np.full(x.shape, series[-1]) for series in terms)
    for k in range(len(terms[0]) - 2, -1, -1):
        over, under = over * x + terms[0][k], under * x + terms[1][k]
    value: Floats = over / under
    return value


def t_probability(t: Floats, degrees: int) -> Floats:
    """Return P(T <= t) of Student's t (unscaled) of any shape, to about 14 digits.

    Raises
    ------
    BadInput
        If the degrees of freedom are not whole and 1 to 1000.
    """
    if degrees != int(degrees) or not 1 <= degrees <= DEGREES_MAX:
        raise bad_input(Reason.BAD_VALUE, "degrees", f"{degrees} must be a whole number of degrees "
                        f"of freedom, 1 to {DEGREES_MAX}")
    flat = np.ascontiguousarray(t).ravel()
    out = np.empty(len(flat))
    for start in range(0, len(flat), _BLOCK):
        block = flat[start:start + _BLOCK]
        tail = two_tails(block * block, degrees) / 2.0
        out[start:start + _BLOCK] = np.where(block < 0, tail, 1.0 - tail)
    return out.reshape(t.shape)


def two_tails(square: Floats, degrees: int) -> Floats:
    """Return P(|T| > t) = I_x(degrees/2, 1/2) of squares t^2 [value], x = degrees/(degrees + t^2).

    By the fraction that converges on this side of the mean; any whole degrees from 1 on.
    """
    a, b = degrees / 2, 0.5
    x, rest = degrees / (degrees + square), square / (degrees + square)
    turned = x >= (a + 1) / (a + b + 2)
    out = np.empty(len(x))
    out[turned] = 1.0 - _term(rest[turned], x[turned], b, a, degrees)
    out[~turned] = _term(x[~turned], rest[~turned], a, b, degrees)
    return out


def _term(x: Floats, rest: Floats, a: float, b: float, degrees: int) -> Floats:
    """Return I_x(a, b) where `rest` is 1 - x."""
    inside = (x > 0.0) & (rest > 0.0)
    safe, left = np.where(inside, x, 0.5), np.where(inside, rest, 0.5)
    logs = a * _core.log(safe) + b * _core.log(left)
    value = _core.exp(logs) * _fraction(safe, a, b) / (a * beta_of_half(degrees))
    return np.where(inside, value, 0.0)


def beta_of_half(degrees: int) -> float:
    """Return B(degrees/2, 1/2), from B(1/2, 1/2) = pi, B(1, 1/2) = 2, B(a+1, b) = B a/(a+b)."""
    a, beta = (0.5, math.pi) if degrees % 2 else (1.0, 2.0)
    while a < degrees / 2:
        beta, a = beta * a / (a + 0.5), a + 1
    return beta


def _fraction(x: Floats, a: float, b: float) -> Floats:
    """Return the continued fraction of the incomplete beta function (Lentz's method)."""
    d = 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    c, value, open_ = np.ones(len(x)), d.copy(), np.ones(len(x), bool)
    for m in range(1, _TERMS):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                     -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d, c = 1.0 / _away(1.0 + step * d), _away(1.0 + step / c)
            value = np.where(open_, value * (d * c), value)
        open_ &= np.abs(d * c - 1.0) >= _NEAR
        if not open_.any():
            break
    return value


def _away(number: Floats) -> Floats:
    return np.where(np.abs(number) > _TINY, number, _TINY)
