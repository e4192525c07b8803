"""Is the whole forecast law right, or only one quantile? Tests of u = F(r), r what came true.

Under the right law u is uniform and independent from day to day, and z = Phi^-1(u) standard normal.
Windows of several days overlap: test interleaved samples (`coverage.interleaved`). Sources: F.
Diebold, T. Gunther and A. Tay, International Economic Review 39(4), 1998; J. Berkowitz, Journal of
Business and Economic Statistics 19(4), 2001, equations 6 and 8; M. Stephens, Journal of the Royal
Statistical Society B 32, 1970, for Kolmogorov's distance in small samples.
"""

from typing import Any, Final

import numpy as np

from counterpoise.backtest.coverage import Verdict
from counterpoise.risk.distributions import (
    chi2_upper_tail,
    normal_density,
    normal_quantile,
    normal_upper_tail,
)
from counterpoise.values.failure import Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
_TERMS: Final = 60
_STEPS: Final = 200


def probability_transform(scenarios: Floats, realised: Floats) -> Floats:
    """Return u [day] of what came true among equally likely scenarios [day, scenario].

    (number below + half the ties + 1/2) / (n + 1): never 0 or 1, uniform to 1/n.
    """
    seen = np.asarray(realised, np.float64)[:, None]
    below, ties = (scenarios < seen).sum(axis=1), (scenarios == seen).sum(axis=1)
    return np.asarray((below + ties / 2 + 0.5) / (scenarios.shape[1] + 1))


def berkowitz(u: Floats) -> Verdict:
    """Return Berkowitz's test of mean 0, variance 1 and no autocorrelation of z, chi2(3).

    `u` is [day], in (0, 1); likelihoods are conditional on the first day.

    Raises
    ------
    BadInput
        If there are fewer than 10 days or a value is not in (0, 1).
    """
    z = normal_quantile(_inside(u))
    before, after = z[:-1], z[1:]
    centred = before - before.mean()
    spread = float(centred @ centred)
    slope = float(centred @ after) / spread if spread > 0 else 0.0
    residual = after - after.mean() - slope * centred
    variance = max(float(residual @ residual) / len(after), 1e-300)
    statistic = float(after @ after) - len(after) * (1 + np.log(variance))
    return _chi2(statistic, 3)


def berkowitz_tail(u: Floats, tail: float = 0.05) -> Verdict:
    """Return Berkowitz's test of the lower tail alone, chi2(2): z above it counts as censored.

    Raises
    ------
    BadInput
        As `berkowitz`, or if the tail is not above 0 and below 1.
    """
    if not 0 < tail < 1:
        raise bad_input(Reason.BAD_VALUE, "tail", f"{tail} must lie above 0 and below 1")
    z = normal_quantile(_inside(u))
    cut = float(normal_quantile(tail))
    low, above = z[z < cut], int((z >= cut).sum())
    if len(low) < 2:
        return Verdict(statistic=np.array(np.nan), p_value=np.array(np.nan))
    right = _censored(low, above, cut, 1.0, 0.0)[0]
    return _chi2(2 * (_best_censored(low, above, cut) - right), 2)


def kolmogorov_smirnov(u: Floats) -> Verdict:
    """Return the largest distance between the law of `u` [day] and the uniform one.

    The p-value is Kolmogorov's, with Stephens' correction for small samples.

    Raises
    ------
    BadInput
        As `berkowitz`.
    """
    ordered = np.sort(_inside(u))
    n = len(ordered)
    steps = np.arange(n + 1) / n
    distance = float(max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()))
    x = (n ** 0.5 + 0.12 + 0.11 / n ** 0.5) * distance
    k = np.arange(1, _TERMS + 1)
    p = float((2 * (-1.0) ** (k - 1) * np.exp(-2 * (k * x) ** 2)).sum()) if x > 0.2 else 1.0
    return Verdict(statistic=np.array(distance), p_value=np.array(min(max(p, 0.0), 1.0)))


def _best_censored(low: Floats, above: int, cut: float) -> float:
    """Return the largest censored log-likelihood, concave in (1/sigma, mu/sigma): Newton."""
    h, d = 1.0, 0.0
    value, gradient, hessian = _censored(low, above, cut, h, d)
    for _ in range(_STEPS):
        step = np.linalg.solve(hessian - 1e-12 * np.eye(2), gradient)
        size = 1.0
        while h - size * step[0] <= 0:
            size /= 2
        trial = _censored(low, above, cut, h - size * step[0], d - size * step[1])
        while trial[0] < value and size > 1e-10:
            size /= 2
            trial = _censored(low, above, cut, h - size * step[0], d - size * step[1])
        if trial[0] - value <= 1e-12 * max(abs(value), 1.0):
            return max(value, trial[0])
        h, d = h - size * step[0], d - size * step[1]
        value, gradient, hessian = trial
    return value


def _censored(low: Floats, above: int, cut: float, h: float,
              d: float) -> tuple[float, Floats, Floats]:
    """Return log-likelihood, gradient and Hessian in h = 1/sigma, d = mu/sigma."""
    n, residual = len(low), h * low - d
    a = h * cut - d
    beyond = max(float(normal_upper_tail(a)), 1e-300)
    mills = float(normal_density(a)) / beyond
    bend = mills * (mills - a)
    value = (n * (float(np.log(h)) - 0.5 * float(np.log(2 * np.pi)))
             - float(residual @ residual) / 2 + above * float(np.log(beyond)))
    gradient = np.array([n / h - float(low @ residual) - above * mills * cut,
                         float(residual.sum()) + above * mills])
    cross = float(low.sum()) + above * bend * cut
    hessian = np.array([[-n / h ** 2 - float(low @ low) - above * bend * cut ** 2, cross],
                        [cross, -n - above * bend]])
    return value, gradient, hessian


def _inside(u: Floats) -> Floats:
    u = np.asarray(u, np.float64)
    if u.ndim != 1 or len(u) < 10 or not ((u > 0) & (u < 1)).all():
        raise bad_input(Reason.BAD_VALUE, "u", "must be 10 or more values above 0 and below 1, one "
                        "per day")
    return u


def _chi2(statistic: float, degrees: int) -> Verdict:
    statistic = max(statistic, 0.0)
    return Verdict(statistic=np.array(statistic), p_value=chi2_upper_tail(statistic, degrees))
