"""What must a forecast beat? Plain history, normal GARCH, and a grid that never moves."""

from typing import Any

import numpy as np

from counterpoise.calibration.prediction.tail import TailForecast, filtered_tail

Floats = np.ndarray[Any, np.dtype[np.float64]]


def plain_history(log_return: Floats, *, level: float, window_days: int) -> TailForecast:
    """Return historical simulation: the last `window_days` returns as they were, each coin's own.

    `log_return` is [row, coin], NaN where unknown.
    """
    ones = np.ones((2, len(log_return) + 1, log_return.shape[1]))
    return filtered_tail(log_return, ones, level=level, window_days=window_days, own_share=1.0)


def normal_tail(variance: Floats, *, level: float) -> TailForecast:
    """Return the tails of a normal log return without mean, of variances [row + 1, coin].

    With q the normal quantile, s the deviation and a = 1 - level, the expected shortfalls are the
    conditional means of a lognormal price: 1 - exp(s^2/2) P(Z < -q - s) / a for the long,
    exp(s^2/2) P(Z > q - s) / a - 1 for the short.
    """
    from scipy.stats import norm

    deviation, tail = np.sqrt(variance), 1 - level
    q = float(norm.ppf(level))
    growth = np.exp(variance / 2) / tail
    return TailForecast(
        level=level,
        value_at_risk=np.stack([-np.expm1(-q * deviation), np.expm1(q * deviation)]),
        shortfall=np.stack([1 - growth * norm.cdf(-q - deviation),
                            growth * norm.sf(q - deviation) - 1]))
