"""How do factors move together? DCC correlation of residuals, and the t copula's degrees.

    Q(t) = (1 - a - b) Qbar + a z(t-1) z(t-1)' + b Q(t-1),   R(t) = Q(t) with a unit diagonal

z are residuals, Qbar their long-run correlation; a and b maximise the normal likelihood of R (R.
Engle, Journal of Business and Economic Statistics 20, 2002). The copula's correlation is that of
the ranks, sin(pi tau / 2) of Kendall's tau, and its degrees of freedom maximise the likelihood on
a grid of whole numbers (McNeil, Frey and Embrechts, "Quantitative Risk Management", 7.5).
"""

import math
from typing import Any, Final

import numpy as np

from counterpoise.scenarios.correlation import nearest_correlation
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
DEGREES: Final = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50, 100)
ROWS_MIN: Final = 250
EIGENVALUE_MIN: Final = 1e-8
_SUM_MAX: Final = 0.9995
_STARTS: Final = ((0.01, 0.97), (0.02, 0.95), (0.03, 0.93), (0.05, 0.90), (0.10, 0.80))


@frozen
class DccFit:
    """Fitted DCC(1,1) dynamics.

    a, b           of the recursion, >= 0, a + b < 1
    long_run       [factor, factor] Qbar, unit diagonal
    forecast       [factor, factor] correlation forecast for the day after the last
    log_likelihood of the correlation part; `constant` that of Qbar on every day
    """

    a: float
    b: float
    long_run: Floats
    forecast: Floats
    log_likelihood: float
    constant: float
    observations: int


@frozen
class CopulaFit:
    """A t copula: correlation [factor, factor], degrees, and the likelihood of each degree."""

    correlation: Floats
    degrees: int
    profile: dict[int, float]
    observations: int


def complete_days(residual: Floats) -> Floats:
    """Return the rows of residuals [day, factor] on which every factor is known.

    Raises
    ------
    BadInput
        If there are fewer than 250, or a factor that never moves.
    """
    rows = residual[np.isfinite(residual).all(axis=1)]
    if len(rows) < ROWS_MIN or not np.all(np.std(rows, axis=0) > 0):
        raise bad_input(Reason.BAD_VALUE, "dependence", f"has {len(rows)} days on which every "
                        f"factor is known, or one that never moves; at least {ROWS_MIN} days are "
                        "wanted")
    return rows


def fit_dcc(residual: Floats) -> DccFit:
    """Return the DCC(1,1) fit of residuals [day, factor]; days that lack a factor are left out.

    Raises
    ------
    BadInput
        As `complete_days`.
    """
    from scipy.optimize import minimize

    z = complete_days(residual)
    z = z / np.std(z, axis=0)
    long_run = correlation_repaired(np.corrcoef(z.T).reshape(z.shape[1], -1))
    square = z[:, :, None] * z[:, None, :]

    def loss(ab: Floats) -> float:
        return -_log_likelihood(_dynamics(square, long_run, ab)[:-1], z)

    start = min(_STARTS, key=lambda ab: loss(np.array(ab)))
    found = minimize(loss, np.array(start), method="Nelder-Mead",
                     options={"xatol": 1e-5, "fatol": 1e-4, "maxiter": 200})
    a, b = _inside(found.x)
    constant = _log_likelihood(np.broadcast_to(long_run, square.shape), z)
    forecast = _with_unit_diagonal(_dynamics(square, long_run, np.array([a, b]))[-1:])[0]
    return DccFit(a=a, b=b, long_run=long_run, forecast=forecast, constant=constant,
                  log_likelihood=-float(found.fun), observations=len(z))


def _inside(ab: Floats) -> tuple[float, float]:
    a, b = max(float(ab[0]), 0.0), max(float(ab[1]), 0.0)
    shrink = min(1.0, _SUM_MAX / max(a + b, 1e-300))
    return a * shrink, b * shrink


def _dynamics(square: Floats, long_run: Floats, ab: Floats) -> Floats:
    """Return Q [day + 1, factor, factor]; the first is the long-run correlation."""
    from scipy.signal import lfilter

    a, b = _inside(ab)
    count = long_run.shape[0]
    driven = ((1.0 - a - b) * long_run + a * square).reshape(len(square), -1)
    later, _ = lfilter([1.0], [1.0, -b], driven, axis=0, zi=b * long_run.reshape(1, -1))
    return np.concatenate([long_run[None], later.reshape(-1, count, count)])


def _with_unit_diagonal(q: Floats) -> Floats:
    deviation = np.sqrt(np.diagonal(q, axis1=1, axis2=2))
    unit: Floats = q / (deviation[:, :, None] * deviation[:, None, :])
    return unit


def _log_likelihood(q: Floats, z: Floats) -> float:
    root = np.linalg.cholesky(_with_unit_diagonal(q))
    half_log = np.log(np.diagonal(root, axis1=1, axis2=2)).sum()
    white = np.linalg.solve(root, z[:, :, None])[:, :, 0]
    return float(-half_log - 0.5 * (white * white).sum() + 0.5 * (z * z).sum())


def fit_t_copula(residual: Floats, degrees: tuple[int, ...] = DEGREES) -> CopulaFit:
    """Return the t copula of residuals [day, factor]; days that lack a factor are left out.

    The degrees are the most likely ones of the grid; at its last, 100, a t copula is a normal one
    for every purpose here.

    Raises
    ------
    BadInput
        As `complete_days`.
    """
    from scipy.special import stdtrit
    from scipy.stats import rankdata

    rows = complete_days(residual)
    uniform = rankdata(rows, axis=0) / (len(rows) + 1)
    correlation = rank_correlation(rows)
    profile = {nu: _copula_log_likelihood(stdtrit(nu, uniform), correlation, nu) for nu in degrees}
    return CopulaFit(correlation=correlation, degrees=max(profile, key=lambda nu: profile[nu]),
                     profile=profile, observations=len(rows))


def rank_correlation(residual: Floats) -> Floats:
    """Return sin(pi tau / 2) [factor, factor] of residuals [day, factor], pair by pair, repaired.

    A pair counts on the days on which both are known; 0 where there are fewer than 250 of them.
    """
    from scipy.stats import kendalltau

    count = residual.shape[1]
    found = np.eye(count)
    known = np.isfinite(residual)
    for i in range(count):
        for j in range(i):
            both = known[:, i] & known[:, j]
            if both.sum() >= ROWS_MIN:
                tau = float(kendalltau(residual[both, i], residual[both, j]).statistic)
                found[i, j] = found[j, i] = math.sin(math.pi * tau / 2)
    return correlation_repaired(found)


def _copula_log_likelihood(x: Floats, correlation: Floats, nu: int) -> float:
    from scipy.special import gammaln

    count = x.shape[1]
    root = np.linalg.cholesky(correlation)
    white = np.linalg.solve(root, x.T)
    joint = (gammaln((nu + count) / 2) - gammaln(nu / 2) - np.log(np.diagonal(root)).sum()
             - (nu + count) / 2 * np.log1p((white * white).sum(axis=0) / nu))
    each = (gammaln((nu + 1) / 2) - gammaln(nu / 2) - (nu + 1) / 2 * np.log1p(x * x / nu))
    return float(joint.sum() - each.sum())


def correlation_repaired(matrix: Floats) -> Floats:
    """Return the nearest correlation matrix with eigenvalues of at least 1e-8 (Higham, 2002)."""
    symmetric = (matrix + matrix.T) / 2
    if np.all(np.diagonal(symmetric) == 1.0) and _least(symmetric) >= EIGENVALUE_MIN:
        return symmetric
    nearest = nearest_correlation(symmetric, eigenvalue_least=EIGENVALUE_MIN, tolerance=1e-6)
    # What the tolerance leaves below zero is lifted by a hair of independence.
    short = max(EIGENVALUE_MIN - _least(nearest), 0.0)
    repaired: Floats = (nearest + 2 * short * np.eye(len(nearest))) / (1 + 2 * short)
    return repaired


def _least(matrix: Floats) -> float:
    return float(np.linalg.eigvalsh(matrix)[0])


def tail_dependence(correlation: float, degrees: int) -> float:
    """Return the coefficient of tail dependence of a t copula: 2 t_{n+1}(-sqrt((n+1)(1-r)/(1+r))).

    The probability that one is beyond a far quantile given that the other is (QRM, 7.38).
    """
    from scipy.special import stdtr

    reach = math.sqrt((degrees + 1) * (1 - correlation) / (1 + correlation))
    return float(2 * stdtr(degrees + 1, -reach))
