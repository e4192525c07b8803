"""How bad is a bad day under a law with a formula: normal, Student's t, Cornish-Fisher?

    normal          VaR = -m + s z          ES = -m + s phi(z) / (1 - p)
    Student's t     VaR = -m + c q          ES = -m + c f(q) / (1 - p) (n + q^2) / (n - 1)
    Cornish-Fisher  VaR = -m - s h(-z),     h(z) = z + (z^2 - 1) S / 6 + (z^3 - 3z) K / 24
                                                   - (2 z^3 - 5z) S^2 / 36

of P&L with mean m, standard deviation s, skewness S, excess kurtosis K; z and q are the quantiles
at p, f the density of t, c its scale: s sqrt((n - 2) / n) has the standard deviation s. S and K are
inputs of the expansion, not the moments that come out of it. It is a quantile only where h rises
for every z; outside of that domain it is refused, not clipped. Sources: A. McNeil, R. Frey and P.
Embrechts, "Quantitative Risk Management", 2.2.4; D. Maillard, "A user's guide to the Cornish Fisher
expansion", 2012. Never use the expansion for books of options.
"""

from typing import Any

import numpy as np

from counterpoise.risk.distributions import normal_density, normal_quantile
from counterpoise.risk.student import t_density, t_quantile
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]


@frozen
class Moments:
    """Moments of P&L, gain > 0, all of one shape; `ddof` says how the deviation was divided."""

    mean: Floats
    deviation: Floats
    skewness: Floats
    excess_kurtosis: Floats
    ddof: int


def moments_of(vectors: Floats, *, ddof: int = 1) -> Moments:
    """Return the moments of P&L vectors [row, scenario], [row]; every column counts alike.

    The variance is the sum of squares over (n - ddof): 1 of a sample, 0 of a population. Skewness
    and kurtosis are those of the population; both are 0 where nothing varies.

    Raises
    ------
    BadInput
        If there are not more scenarios than `ddof`.
    """
    count = vectors.shape[1]
    if ddof not in (0, 1) or count <= ddof:
        raise bad_input(Reason.BAD_VALUE, "ddof", f"{ddof} with {count} scenarios; give 0 or 1 and "
                        "more scenarios than that")
    mean = np.add.reduce(np.ascontiguousarray(vectors), axis=1) / count
    away = vectors - mean[:, None]
    square = away * away
    second, third, fourth = (np.add.reduce(np.ascontiguousarray(x), axis=1) / count
                             for x in (square, square * away, square * square))
    varies = second > 0
    scale = np.where(varies, second, 1.0)
    return Moments(
        mean=mean, deviation=np.sqrt(second * count / (count - ddof)), ddof=ddof,
        skewness=np.where(varies, third / (scale * np.sqrt(scale)), 0.0),
        excess_kurtosis=np.where(varies, fourth / (scale * scale) - 3.0, 0.0))


def normal_value_at_risk(moments: Moments, *, level: float) -> Floats:
    """Return the value at risk of a normal law with this mean and deviation, loss > 0.

    Raises
    ------
    BadInput
        If the level is not above 0 and below 1.
    """
    return np.asarray(-moments.mean + moments.deviation * _z(level))


def normal_expected_shortfall(moments: Moments, *, level: float) -> Floats:
    """Return the expected shortfall of a normal law with this mean and deviation, loss > 0.

    Raises
    ------
    BadInput
        As `normal_value_at_risk`.
    """
    tail = float(normal_density(_z(level))) / (1 - level)
    return np.asarray(-moments.mean + moments.deviation * tail)


def t_value_at_risk(*, mean: Floats, scale: Floats, degrees: int, level: float) -> Floats:
    """Return the value at risk of mean + scale x Student's t (unscaled), loss > 0.

    Raises
    ------
    BadInput
        If the level is not above 0 and below 1, or the degrees of freedom are not whole.
    """
    return np.asarray(-mean + scale * t_quantile(level, degrees))


def t_expected_shortfall(*, mean: Floats, scale: Floats, degrees: int, level: float) -> Floats:
    """Return the expected shortfall of mean + scale x Student's t (unscaled), loss > 0.

    Raises
    ------
    BadInput
        As `t_value_at_risk`, and with one degree of freedom: that tail has no mean.
    """
    q = t_quantile(level, degrees)
    if degrees < 2:
        raise bad_input(Reason.BAD_VALUE, "degrees", "of freedom must be 2 or more; the tail of a "
                        "Cauchy law has no mean")
    tail = t_density(q, degrees) / (1 - level) * (degrees + q * q) / (degrees - 1)
    return np.asarray(-mean + scale * tail)


def t_scale(deviation: Floats, degrees: int) -> Floats:
    """Return the scale at which Student's t has this standard deviation.

    Raises
    ------
    BadInput
        If there are fewer than three degrees of freedom: the variance is infinite.
    """
    if degrees < 3:
        raise bad_input(Reason.BAD_VALUE, "degrees", f"{degrees} of freedom have no variance; give "
                        "3 or more")
    return np.asarray(deviation * np.sqrt((degrees - 2) / degrees))


def cornish_fisher_value_at_risk(moments: Moments, *, level: float) -> Floats:
    """Return the value at risk of the Cornish-Fisher expansion, loss > 0.

    Raises
    ------
    BadInput
        If skewness and kurtosis lie outside the domain, or the level not between 0 and 1.
    """
    s, k = moments.skewness, moments.excess_kurtosis
    inside = cornish_fisher_domain(s, k)
    if not inside.all():
        worst = int(np.argmin(inside))
        raise bad_input(Reason.BAD_VALUE, "cornish-fisher", f"skewness {s[worst]:.4g} with excess "
                        f"kurtosis {k[worst]:.4g} lies outside the domain in which the expansion "
                        "is a quantile; take the historical or Student measure")
    z = -_z(level)
    moved = (z + (z * z - 1) * s / 6 + (z * z * z - 3 * z) * k / 24
             - (2 * z * z * z - 5 * z) * s * s / 36)
    return np.asarray(-moments.mean - moments.deviation * moved)


def cornish_fisher_domain(skewness: Floats,
                          excess_kurtosis: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say where the expansion rises for every z: S and K of its domain (Maillard 2012)."""
    s, k = skewness, excess_kurtosis
    a, c = k / 8 - s * s / 6, 1 - k / 8 + 5 * s * s / 36
    return np.asarray((a >= 0) & (c >= 0) & (s * s / 9 - 4 * a * c <= 0))


def _z(level: float) -> float:
    if not 0 < level < 1:
        raise bad_input(Reason.BAD_VALUE, "level", f"{level} is no level; give a fraction between "
                        "0 and 1, like 0.975")
    return float(normal_quantile(level))
