"""Which of two forecasts was better, and is the difference more than chance?

Returns and their forecasts are signed: a loss is negative, so that the value at risk `q` and the
expected shortfall `e` of a tail of probability alpha are e <= q < 0. Scores are losses: less is
better. The mean of FZ0 is least for the true (q, e), that of the pinball loss for the true q, that
of QLIKE for the true variance.

    FZ0 = -I (q - r) / (alpha e) + q/e + ln(-e) - 1,   I = 1{r <= q}

Sources: A. Patton, J. Ziegel and R. Chen, Journal of Econometrics 211(2), 2019, equation 6; A.
Patton, Journal of Econometrics 160(1), 2011 (QLIKE); F. Diebold and R. Mariano, Journal of Business
and Economic Statistics 13(3), 1995; D. Harvey, S. Leybourne and P. Newbold, International Journal
of Forecasting 13(2), 1997; W. Newey and K. West, Econometrica 55(3), 1987; S. Holm, Scandinavian
Journal of Statistics 6(2), 1979.
"""

from typing import Any

import numpy as np

from counterpoise.risk.student import t_upper_tail
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]


@frozen
class Comparison:
    """Two forecasts on the same days: Diebold and Mariano's test of equal mean score.

    mean_difference  mean score of the first less that of the second: negative, the first is better
    statistic        that over its standard error, with the small-sample factor
    p_value          two-sided, Student's t with n - 1 degrees of freedom
    first_worse      one-sided p-value: small where the first is worse than by chance
    """

    mean_difference: float
    statistic: float
    p_value: float
    first_worse: float


def fz0(returns: Floats, quantile: Floats, shortfall: Floats, alpha: float) -> Floats:
    """Return the FZ0 score of (quantile, shortfall) forecasts, all as returns; arrays broadcast.

    Raises
    ------
    BadInput
        If alpha is no probability, a return is not finite, or not shortfall <= quantile and
        shortfall < 0.
    """
    r, q, e = (np.asarray(x, np.float64) for x in (returns, quantile, shortfall))
    _refuse_alpha(alpha)
    _refuse_unknown(r)
    if not ((e <= q) & (e < 0)).all():
        raise bad_input(Reason.BAD_VALUE, "shortfall", "must be negative and not above the "
                        "quantile: forecasts are returns here, a loss is negative")
    beyond = np.where(r <= q, q - r, 0.0)
    return np.asarray(-beyond / (alpha * e) + q / e + np.log(-e) - 1)


def pinball(returns: Floats, quantile: Floats, alpha: float) -> Floats:
    """Return the quantile score (alpha - I)(r - q), in the unit of the returns; arrays broadcast.

    Raises
    ------
    BadInput
        If alpha is no probability.
    """
    r, q = np.asarray(returns, np.float64), np.asarray(quantile, np.float64)
    _refuse_alpha(alpha)
    _refuse_unknown(r + q)
    return np.asarray((alpha - (r <= q)) * (r - q))


def qlike(realised_variance: Floats, forecast_variance: Floats) -> Floats:
    """Return ln(f) + v/f of a variance forecast f and a realised variance v >= 0.

    Raises
    ------
    BadInput
        If a forecast is not positive or a realised variance negative.
    """
    v, f = (np.asarray(x, np.float64) for x in (realised_variance, forecast_variance))
    if not ((f > 0).all() and (v >= 0).all()):
        raise bad_input(Reason.BAD_VALUE, "forecast_variance", "must be positive, and realised "
                        "variances not negative")
    return np.asarray(np.log(f) + v / f)


def diebold_mariano(first: Floats, second: Floats, *, horizon_days: int = 1,
                    lags: int | None = None) -> Comparison:
    """Return the test that two series of scores [day] have the same mean.

    The long-run variance has Bartlett weights over `lags`: by default the larger of horizon - 1
    and floor(4 (n/100)^(2/9)). Identical series compare equal, with p-value 1.

    Raises
    ------
    BadInput
        If the series differ in length, have fewer than 3 days, or `lags` is below horizon - 1.
    """
    n = len(first)
    if lags is None:
        lags = min(max(horizon_days - 1, int(4 * (n / 100) ** (2 / 9))), max(n - 1, 0))
    _refuse_comparison(first, second, horizon_days, lags)
    d = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    mean, variance = float(d.mean()), long_run_variance(d, lags)
    if variance <= 0:
        return Comparison(mean_difference=mean, statistic=0.0, p_value=1.0, first_worse=0.5)
    h = horizon_days
    factor = ((n + 1 - 2 * h + h * (h - 1) / n) / n) ** 0.5
    statistic = mean / (variance / n) ** 0.5 * factor
    return Comparison(mean_difference=mean, statistic=statistic,
                      p_value=min(2 * t_upper_tail(abs(statistic), n - 1), 1.0),
                      first_worse=t_upper_tail(statistic, n - 1))


def long_run_variance(series: Floats, lags: int) -> float:
    """Return the variance of sqrt(n) times the mean of a series [day], Bartlett weights."""
    x = np.asarray(series, np.float64) - np.mean(series)
    n = len(x)
    covariances = [float(x[k:] @ x[:n - k]) / n for k in range(lags + 1)]
    return covariances[0] + 2 * sum((1 - k / (lags + 1)) * covariances[k]
                                    for k in range(1, lags + 1))


def holm(p_values: Floats) -> Floats:
    """Return p-values adjusted for being the smallest of many, [test]; NaN stays and counts not.

    Each is at most the chance that any of the true hypotheses is rejected at that value.
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    order = order[np.isfinite(p[order])]
    adjusted = np.full(p.shape, np.nan)
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def _refuse_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise bad_input(Reason.BAD_VALUE, "alpha", f"{alpha} must lie above 0 and below 1, like "
                        "0.025")


def _refuse_unknown(numbers: Floats) -> None:
    if not np.isfinite(numbers).all():
        raise bad_input(Reason.NOT_FINITE, "returns", "must be finite on every day; leave days "
                        "without a price out")


def _refuse_comparison(first: Floats, second: Floats, horizon: int, lags: int) -> None:
    if np.shape(first) != np.shape(second) or np.ndim(first) != 1 or len(first) < 3:
        raise bad_input(Reason.BAD_VALUE, "scores", f"have shapes {np.shape(first)} and "
                        f"{np.shape(second)}; give two series of the same days, at least 3")
    _refuse_unknown(np.asarray(first) + np.asarray(second))
    if not (horizon - 1 <= lags < len(first)):
        raise bad_input(Reason.BAD_VALUE, "lags", f"{lags} must be at least horizon - 1 = "
                        f"{horizon - 1} and less than the {len(first)} days")
