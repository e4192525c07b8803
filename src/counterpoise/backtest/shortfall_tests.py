"""Is the expected shortfall large enough, not only the value at risk?

Acerbi and Szekely's statistics take returns (loss negative) and positive amounts VaR and ES:

    Z1 = mean over hits of X / ES + 1,    Z2 = sum over hits of X / (n alpha ES) + 1

Zero is right, negative means ES too small; the p-value comes from paths drawn from the model's own
forecasts. The other tests take forecasts as returns, e <= q < 0: conditional calibration (Nolde and
Ziegel), exceedance residuals (McNeil and Frey), and the intercept of a regression of r - e (Bayer
and Dimitriadis), where it is the shortfall of r - e itself. Sources: C. Acerbi and B. Szekely,
"Backtesting expected shortfall", Risk, December 2014; N. Nolde and J. Ziegel, Annals of Applied
Statistics 11(4), 2017; A. McNeil and R. Frey, Journal of Empirical Finance 7(3-4), 2000; S. Bayer
and T. Dimitriadis, Journal of Financial Econometrics 20(3), 2022.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from counterpoise.backtest.coverage import Verdict
from counterpoise.risk.distributions import chi2_upper_tail, normal_below, normal_upper_tail
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
Draw = Callable[[np.random.Generator, int], Floats]
"""A model's forecasts as chance: draw(generator, paths) returns simulated returns [path, day]."""
PATHS: Final = 10_000
HITS_MIN: Final = 5
"""Observations in a tail below which a test of its mean says nothing."""
_BLOCK: Final = 2_000


def acerbi_szekely_z1(returns: Floats, value_at_risk: Floats, shortfall: Floats) -> Floats:
    """Return Z1 of returns [..., day] against positive amounts [day]; NaN where there is no hit.

    Raises
    ------
    BadInput
        If not 0 < value at risk <= shortfall on every day.
    """
    hits, ratio = _exceeded(returns, value_at_risk, shortfall)
    count = hits.sum(axis=-1)
    total = np.where(hits, ratio, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1) + 1, np.nan)


def acerbi_szekely_z2(returns: Floats, value_at_risk: Floats, shortfall: Floats,
                      alpha: float) -> Floats:
    """Return Z2 of returns [..., day] against positive amounts [day], alpha the tail probability.

    Raises
    ------
    BadInput
        As `acerbi_szekely_z1`, or if alpha is no probability.
    """
    _refuse_alpha(alpha)
    hits, ratio = _exceeded(returns, value_at_risk, shortfall)
    return np.asarray(np.where(hits, ratio, 0.0).sum(axis=-1) / (hits.shape[-1] * alpha) + 1)


def simulated_p_value(statistic: float, of: Callable[[Floats], Floats], draw: Draw, *, seed: int,
                      paths: int = PATHS) -> float:
    """Return how often a statistic of the model's own returns is as low as the one observed.

    (1 + number as low) / (1 + paths that have one), so that it is never zero; NaN where the
    observed statistic, or that of every path, is undefined. `of` takes returns [path, day].

    Raises
    ------
    BadInput
        If there are fewer than 1,000 paths.
    """
    if paths < 1000:
        raise bad_input(Reason.BAD_VALUE, "paths", f"{paths} paths are too few to tell a p-value; "
                        "give 1,000 or more, like 10,000")
    if statistic != statistic:
        return float("nan")
    generator = np.random.Generator(np.random.PCG64(seed))
    low = told = 0
    for begin in range(0, paths, _BLOCK):
        found = of(draw(generator, min(_BLOCK, paths - begin)))
        low += int((found <= statistic).sum())
        told += int(np.isfinite(found).sum())
    return (1 + low) / (1 + told) if told else float("nan")


def draw_from_scenarios(scenarios: Floats) -> Draw:
    """Return draws, day by day, of a model's own equally likely P&L [day, scenario]."""
    days = np.arange(len(scenarios))

    def draw(generator: np.random.Generator, paths: int) -> Floats:
        picked = generator.integers(scenarios.shape[1], size=(paths, len(days)))
        return np.asarray(scenarios[days, picked])

    return draw


def draw_from_student(scale: Floats, degrees: float) -> Draw:
    """Return draws of Student's t (unscaled) times a `scale` per day; infinite degrees: normal."""
    def draw(generator: np.random.Generator, paths: int) -> Floats:
        shape = (paths, len(scale))
        if np.isinf(degrees):
            return np.asarray(generator.standard_normal(shape) * scale)
        return np.asarray(generator.standard_t(degrees, shape) * scale)

    return draw


def conditional_calibration(returns: Floats, quantile: Floats, shortfall: Floats,
                            alpha: float) -> Verdict:
    """Return the simple conditional calibration test of (q, e), chi2(2), all as returns [day].

    n mean(V)' Omega^-1 mean(V) with V = (alpha - I, e - q + I (q - r)/alpha), Omega = V'V/n. Where
    Omega has no inverse its directions without variance say nothing and cost their degree.

    Raises
    ------
    BadInput
        If not e <= q < 0, shapes differ, or alpha is no probability.
    """
    r, q, e = _forecasts(returns, quantile, shortfall, alpha)
    hits = r <= q
    v = np.stack([alpha - hits, e - q + hits * (q - r) / alpha], axis=1)
    # In units of each column's own size, so that the rank is not a matter of the returns' unit.
    v = v / np.sqrt(np.mean(v * v, axis=0))
    mean, omega = v.mean(axis=0), v.T @ v / len(v)
    rank = int(np.linalg.matrix_rank(omega, tol=1e-10, hermitian=True))
    statistic = len(v) * mean @ np.linalg.pinv(omega, rcond=1e-10, hermitian=True) @ mean
    return Verdict(statistic=np.array(statistic), p_value=chi2_upper_tail(statistic, rank))


def shortfall_calibration(returns: Floats, quantile: Floats, shortfall: Floats, alpha: float,
                          scale: Floats) -> Verdict:
    """Return the one-sided general test: small p-values say that ES is too small.

    By the volatility forecast `scale` [day] the weights make V the standardised residual
    I (e - r) / (alpha scale); its mean over its root mean square is normal.

    Raises
    ------
    BadInput
        As `conditional_calibration`, or if a scale is not positive.
    """
    r, q, e = _forecasts(returns, quantile, shortfall, alpha)
    v = (r <= q) * (e - r) / (alpha * _positive(scale, len(r)))
    size = float(np.sqrt(np.mean(v * v)))
    statistic = np.array(len(v) ** 0.5 * float(v.mean()) / size if size else 0.0)
    return Verdict(statistic=statistic, p_value=normal_upper_tail(statistic))


def exceedance_residuals(returns: Floats, quantile: Floats, shortfall: Floats, *,
                         scale: Floats | float = 1.0, seed: int, paths: int = PATHS) -> Verdict:
    """Return McNeil and Frey's bootstrap test that (r - e)/scale has mean zero on hit days.

    One-sided: the p-value is small where losses beyond the quantile are larger than e says. NaN
    with fewer than five hits, of which a bootstrap makes too much.

    Raises
    ------
    BadInput
        As `shortfall_calibration`.
    """
    r, q, e = _forecasts(returns, quantile, shortfall, 0.5)
    residual = ((r - e) / _positive(np.broadcast_to(scale, r.shape), len(r)))[r <= q]
    statistic = _t_statistic(residual)
    if len(residual) < HITS_MIN or not np.isfinite(statistic):
        return Verdict(statistic=statistic, p_value=np.array(np.nan))
    generator = np.random.Generator(np.random.PCG64(seed))
    centred = residual - residual.mean()
    drawn = centred[generator.integers(len(centred), size=(paths, len(centred)))]
    simulated = _t_statistic(drawn)
    low = int((np.where(np.isfinite(simulated), simulated, 0.0) <= statistic).sum())
    return Verdict(statistic=statistic, p_value=np.array((1 + low) / (1 + paths)))


def regression_intercept(returns: Floats, quantile: Floats, shortfall: Floats,
                         alpha: float) -> Verdict:
    """Return the intercept test of ES regression, one-sided: small p-values say ES is too small.

    The regression of x = r - e on a constant under a joint loss has the sample quantile and the
    sample shortfall of x as its answer; the shortfall's variance is
    (Var(x | x <= q_x) + (1 - alpha)(q_x - e_x)^2) / (alpha n).

    Raises
    ------
    BadInput
        As `conditional_calibration`, or if fewer than two observations lie in the tail.
    """
    r, _, e = _forecasts(returns, quantile, shortfall, alpha)
    x = np.sort(r - e)
    count = int(np.floor(alpha * len(x) + 1e-9))
    if count < 2:
        raise bad_input(Reason.BAD_VALUE, "returns", f"{len(x)} days hold {count} observations in "
                        f"a tail of {alpha:g}; at least 2 are needed")
    tail = x[:count]
    intercept = float(tail.mean())
    variance = (float(tail.var()) + (1 - alpha) * (tail[-1] - intercept) ** 2) / (alpha * len(x))
    statistic = np.array(intercept / variance ** 0.5 if variance > 0 else 0.0)
    return Verdict(statistic=statistic, p_value=normal_below(statistic))


def _exceeded(returns: Floats, value_at_risk: Floats, shortfall: Floats) -> tuple[Any, Floats]:
    x, v, e = (np.asarray(a, np.float64) for a in (returns, value_at_risk, shortfall))
    if not (np.isfinite(x).all() and (v > 0).all() and (e >= v).all()):
        raise bad_input(Reason.BAD_VALUE, "shortfall", "and value at risk are positive amounts "
                        "here, the shortfall not the smaller, and returns are finite")
    return x < -v, x / e


def _forecasts(returns: Floats, quantile: Floats, shortfall: Floats,
               alpha: float) -> tuple[Floats, Floats, Floats]:
    _refuse_alpha(alpha)
    r, q, e = (np.asarray(a, np.float64) for a in (returns, quantile, shortfall))
    wrong = []
    if r.ndim != 1 or r.shape != q.shape or r.shape != e.shape or len(r) < 2:
        wrong.append(("returns", f"and forecasts have shapes {r.shape}, {q.shape} and {e.shape}; "
                      "give one of each for the same two or more days"))
    elif not (np.isfinite(r).all() and (e <= q).all() and (q < 0).all()):
        wrong.append(("shortfall", "and quantile are returns here: shortfall <= quantile < 0 on "
                      "every day, and returns are finite"))
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=s, sentence=w)
                         for s, w in wrong))
    return r, q, e


def _positive(scale: Floats, length: int) -> Floats:
    scale = np.asarray(scale, np.float64)
    if scale.shape != (length,) or not ((scale > 0) & np.isfinite(scale)).all():
        raise bad_input(Reason.BAD_VALUE, "scale", f"must be {length} positive volatilities")
    return scale


def _t_statistic(sample: Floats) -> Floats:
    n = sample.shape[-1]
    if n < 2:
        return np.array(np.nan)
    error = sample.std(axis=-1, ddof=1) / n ** 0.5
    known = error > 0
    return np.where(known, sample.mean(axis=-1) / np.where(known, error, 1.0), np.nan)


def _refuse_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise bad_input(Reason.BAD_VALUE, "alpha", f"{alpha} must lie above 0 and below 1, like "
                        "0.025")
