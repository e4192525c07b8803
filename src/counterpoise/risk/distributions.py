"""How likely is a figure under a named law? Tails and quantiles for tests of margin numbers.

    chi-squared  P(X > x) = Q(k/2, x/2),  Q the regularised upper incomplete gamma function
    normal       P(Z > z) = Q(1/2, z^2/2) / 2 for z >= 0
    binomial     P(X <= x) from sums of exact logarithms of factorials

Vectorised, on the core's own exp and log, so that a p-value has the same bits everywhere. Student's
t is in `risk.student`, the normal quantile in `scenarios.distributions`. Source: Abramowitz and
Stegun, "Handbook of Mathematical Functions", 6.5.29 and 6.5.31 (series and continued fraction of
Q), 26.4 (chi-squared), 26.1.20 (binomial).
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.scenarios import distributions
from counterpoise.values.failure import Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
_TERMS: Final = 300
_HALF_LOG_PI: Final = 0.57236494292470008707
_HALF_LOG_2PI: Final = 0.91893853320467274178
_NEAR: Final = 3.0
_FAR: Final = 100.0
"""Where the series hands over to the fraction, and a place where that is quick."""
_LOG_TINY: Final = -745.0
_TINY: Final = 1e-300


def chi2_upper_tail(x: Floats | float, degrees: int) -> Floats:
    """Return P(X > x) of chi-squared with whole `degrees` of freedom, shape of `x`; 1 for x <= 0.

    Raises
    ------
    BadInput
        If the degrees of freedom are no whole number from 1 on.
    """
    if degrees != int(degrees) or degrees < 1:
        raise bad_input(Reason.BAD_VALUE, "degrees", f"{degrees} must be a whole number of degrees "
                        "of freedom, 1 or more")
    values = np.asarray(x, np.float64)
    tail = _upper_gamma(degrees, np.maximum(values, 0.0).reshape(-1) / 2).reshape(values.shape)
    return np.where(np.isnan(values), np.nan, tail)


def normal_upper_tail(z: Floats | float) -> Floats:
    """Return P(Z > z) of the standard normal, shape of `z`, to about 14 digits in either tail."""
    values = np.asarray(z, np.float64)
    half = _upper_gamma(1, values.reshape(-1) * values.reshape(-1) / 2).reshape(values.shape) / 2
    return np.where(np.isnan(values), np.nan, np.where(values >= 0, half, 1 - half))


def normal_below(z: Floats | float) -> Floats:
    """Return P(Z <= z) of the standard normal, shape of `z`."""
    return normal_upper_tail(-np.asarray(z, np.float64))


def normal_density(z: Floats | float) -> Floats:
    """Return the standard normal density, shape of `z`."""
    values = np.asarray(z, np.float64)
    log_density = -values * values / 2 - _HALF_LOG_2PI
    return _exp(log_density.reshape(-1)).reshape(values.shape)


def normal_quantile(level: Floats | float) -> Floats:
    """Return the standard normal quantile of `level`, shape of `level`; -inf at 0, inf at 1.

    Raises
    ------
    BadInput
        If a level lies outside 0 to 1.
    """
    levels = np.asarray(level, np.float64)
    if not ((levels >= 0) & (levels <= 1)).all():
        raise bad_input(Reason.BAD_VALUE, "level", "is no probability; give fractions from 0 to 1")
    flat = levels.reshape(-1)
    inside = (flat > 0) & (flat < 1)
    z = distributions.normal_quantile(np.where(inside, flat, 0.5))
    return np.where(inside, z, np.where(flat > 0.5, np.inf, -np.inf)).reshape(levels.shape) + 0.0


def binomial_cumulative(trials: int, probability: float) -> Floats:
    """Return P(X <= x) of the binomial law for x = 0, ..., trials, [trials + 1].

    Raises
    ------
    BadInput
        If trials are no whole number from 0 on, or the probability is not above 0 and below 1.
    """
    return np.minimum(np.cumsum(binomial_mass(trials, probability)), 1.0)


def binomial_upper_tail(trials: int, probability: float) -> Floats:
    """Return P(X >= x) of the binomial law for x = 0, ..., trials, [trials + 1].

    Summed from the far end, so that small tails keep their digits.

    Raises
    ------
    BadInput
        As `binomial_cumulative`.
    """
    return np.minimum(np.cumsum(binomial_mass(trials, probability)[::-1])[::-1], 1.0)


def binomial_mass(trials: int, probability: float) -> Floats:
    """Return P(X = x) of the binomial law for x = 0, ..., trials, [trials + 1].

    Raises
    ------
    BadInput
        As `binomial_cumulative`.
    """
    if trials != int(trials) or trials < 0:
        raise bad_input(Reason.BAD_VALUE, "trials", f"{trials} must be a whole number, 0 or more")
    if not 0 < probability < 1:
        raise bad_input(Reason.BAD_VALUE, "probability", f"{probability} must lie above 0 and "
                        "below 1")
    x = np.arange(trials + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(_core.log(np.arange(1.0, trials + 1)))])
    logs = _core.log(np.array([probability, 1 - probability]))
    return _exp(log_factorial[trials] - log_factorial - log_factorial[::-1] + x * logs[0]
                + (trials - x) * logs[1])


def _exp(logs: Floats) -> Floats:
    return np.where(logs > _LOG_TINY, _core.exp(np.maximum(logs, _LOG_TINY)), 0.0)


def _upper_gamma(twice: int, x: Floats) -> Floats:
    """Return Q(twice/2, x) for x >= 0, [value]: by the series below a + 1, else by the fraction."""
    a = twice / 2
    finite = np.where(np.isfinite(x), x, 0.0)
    positive = np.maximum(finite, _TINY)
    front = _exp(a * _core.log(positive) - finite - _log_gamma(twice))
    near = finite < a + _NEAR
    small = 1 - front * _series(a, np.where(near, finite, 0.0))
    large = front * _fraction(a, np.where(near, _FAR, finite))
    tail = np.where(near, small, large)
    return np.where(np.isposinf(x), 0.0, np.clip(np.where(finite <= 0, 1.0, tail), 0.0, 1.0))


def _series(a: float, x: Floats) -> Floats:
    term = np.full(x.shape, 1 / a)
    total = term
    for n in range(1, _TERMS):
        term = term * x / (a + n)
        total = total + term
        if not (term > total * 1e-17).any():
            break
    return total


def _fraction(a: float, x: Floats) -> Floats:
    """Return the continued fraction of Q without its front factor (Lentz's method)."""
    b = x + 1 - a
    c = np.full(x.shape, 1 / _TINY)
    d = 1 / b
    value = d
    for n in range(1, _TERMS):
        top = -n * (n - a)
        b = b + 2
        d = 1 / _away(top * d + b)
        c = _away(b + top / c)
        value = value * d * c
        if not (np.abs(d * c - 1) > 4e-16).any():
            break
    return value


def _away(numbers: Floats) -> Floats:
    return np.where(np.abs(numbers) > _TINY, numbers, _TINY)


def _log_gamma(twice: int) -> float:
    """Return ln Gamma(twice/2), from Gamma(1) = 1, Gamma(1/2) = sqrt(pi), Gamma(a+1) = a Gamma."""
    begin = 1 if twice % 2 else 2
    steps = np.arange(begin, twice, 2) / 2
    start = _HALF_LOG_PI if twice % 2 else 0.0
    return float(start + np.add.reduce(_core.log(np.ascontiguousarray(steps))))
