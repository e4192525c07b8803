"""Which weights on recent variances forecast the next day's best, over all coins together?

    ln v = c + sum_j w_j x_j

One regression for all coins, by the least mean QLIKE, ln v + y / v, plus a small pull to equal
weights on the variances: convex, so that the answer is unique. The target y is unbiased for the
variance: the squared return, or the range variance, which is less noisy but has a scale of its own
(the residuals take it up). Sources: F. Corsi, Journal of Financial Econometrics 7(2), 2009; A.
Patton, Journal of Econometrics 160(1), 2011; pooling over assets: T. Bollerslev, B. Hood, J. Huss
and L. Pedersen, Review of Financial Studies 31(7), 2018.
"""

from typing import Any, Final

import numpy as np

from counterpoise.calibration.one_thread import one_thread
from counterpoise.calibration.prediction.features import REGRESSORS, VARIANCES
from counterpoise.calibration.prediction.walk_forward import blocks
from counterpoise.values.failure import Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
OBSERVATIONS_MIN: Final = 400
TARGET_MIN: Final = 1e-8
_STEPS_MAX: Final = 60
_ENOUGH: Final = 1e-12


def prior() -> Floats:
    """Return the weights [1 + regressor] that the fit is pulled to: equal on the variances."""
    equal = [1 / len(VARIANCES) if name in VARIANCES else 0.0 for name in REGRESSORS]
    return np.array([0.0, *equal])


def regressors(features: dict[str, Floats]) -> Floats:
    """Return [row + 1, coin, 1 + regressor], a column of ones first."""
    columns = [features[name] for name in REGRESSORS]
    return np.stack([np.ones(columns[0].shape), *columns], axis=2)


def fit_weights(rows: Floats, target: Floats, *, pull: float, start: Floats) -> Floats:
    """Return the weights [column] of least mean QLIKE + pull |w - prior|^2, by Newton's method.

    Parameters
    ----------
    rows : [observation, column] known at the end of the day before.
    target : [observation] variances >= 0, fractions squared per day.

    Raises
    ------
    BadInput
        If there are fewer than 400 observations.
    """
    if len(target) < OBSERVATIONS_MIN:
        raise bad_input(Reason.BAD_VALUE, "variance regression", f"has {len(target)} observations; "
                        f"at least {OBSERVATIONS_MIN} are wanted")
    target = np.maximum(target, TARGET_MIN)
    # Far from the level of the target the curvature vanishes and Newton's step is of no use.
    level = np.log(np.mean(target * np.exp(-rows @ start)))
    weights = np.asarray(start + np.concatenate([[level], np.zeros(len(start) - 1)]))
    value = _objective(rows, target, weights, pull)
    for _ in range(_STEPS_MAX):
        step = _newton_step(rows, target, weights, pull)
        share = 1.0
        while (lower := _objective(rows, target, weights - share * step, pull)) > value:
            share /= 2
            if share < _ENOUGH:
                return weights
        weights = np.asarray(weights - share * step)
        gain, value = value - lower, lower
        if gain < _ENOUGH:
            break
    return weights


def _objective(rows: Floats, target: Floats, weights: Floats, pull: float) -> float:
    log_variance = rows @ weights
    away = weights - prior()
    with np.errstate(over="ignore"):
        score = float(np.mean(target * np.exp(-log_variance) + log_variance))
    return score + float(pull * away @ away)


def _newton_step(rows: Floats, target: Floats, weights: Floats, pull: float) -> Floats:
    ratio = target * np.exp(-rows @ weights)
    slope = rows.T @ (1 - ratio) / len(target) + 2 * pull * (weights - prior())
    curve = (rows * ratio[:, None]).T @ rows / len(target) + 2 * pull * np.eye(len(weights))
    return np.asarray(np.linalg.solve(curve, slope))


def har_variance(day: Ints, rows: Floats, target: Floats, *, months: int, pull: float,
                 asked: Floats | None = None) -> Floats:
    """Return the walk-forward forecasts [row + 1, coin] of all coins; NaN before there are enough.

    Parameters
    ----------
    day : [row] days since 1970-01-01.
    rows : [row + 1, coin, column] of `regressors`.
    target : [row, coin] variance of the day, NaN where unknown.
    asked : what the forecasts are for, as `rows`; by default `rows`, which the fits always see.
    """
    asked = rows if asked is None else asked
    usable = np.asarray(np.isfinite(rows).all(axis=2))
    seen = np.asarray(usable[:-1] & np.isfinite(target))
    forecast, weights = np.full(usable.shape, np.nan), prior()
    for block in blocks(day, months):
        past = seen[:block.start]
        if int(past.sum()) < OBSERVATIONS_MIN:
            continue
        inside = np.where(usable[block, :, None], asked[block], 0.0)
        with one_thread():
            weights = fit_weights(rows[:block.start][past], target[:block.start][past], pull=pull,
                                  start=weights)
            log_variance = inside @ weights
        forecast[block] = np.where(usable[block], np.exp(log_variance), np.nan)
    return forecast
