"""What is known at the end of a day that says something about the next one?

Every feature is a table [row + 1, coin]: row t holds what was known at the end of day t-1. Logs of
variances are of Parkinson's range variance, averaged with weights that decay by day:

    last, fast, middle, slow   decays 0, 0.70, 0.94 and 0.99: HAR's day, week, month and quarter
    market_last, market_slow   means over the coins of the logs at decays 0 and 0.85
    implied                    ln(DVOL variance / BTC's own variance, middle) less its mean so far;
                               0 where there is none: the term then drops out; BTC is the
                               first coin where the panel has no column of that name
    weekend                    1 where day t is a Saturday or Sunday (UTC): no forecast, a calendar

and for boosting, with NaN where unknown: funding, the return of the last day against its deviation
(its fall alone, its size), of 5 and 20 days, and hourly variance against range variance. Sources:
M. Parkinson, Journal of Business 53(1), 1980; F. Corsi, Journal of Financial Econometrics 7(2),
2009 (HAR; exponential weights are *our reading*).
"""

from typing import Any, Final

import numpy as np

from counterpoise.calibration.prediction.daily_panel import DailyPanel
from counterpoise.calibration.prediction.walk_forward import known_before
from counterpoise.scenarios.variance import ewma_variance

Floats = np.ndarray[Any, np.dtype[np.float64]]
DECAYS: Final = {"last": 0.0, "fast": 0.70, "middle": 0.94, "slow": 0.99}
VARIANCES: Final = tuple(DECAYS)
REGRESSORS: Final = (*VARIANCES, "implied", "weekend")
BURN_IN_DAYS: Final = 30
VARIANCE_MIN: Final = 1e-6
"""A day that did not move at all: 0.1 % squared."""
MARKET_DECAY: Final = 0.85
IMPLIED_DAYS_MIN: Final = 60
RETURN_DEVIATIONS_MAX: Final = 4.0
_SATURDAY: Final = 5
_THURSDAY: Final = 3
"""The weekday of 1970-01-01, Monday being 0."""


def features(panel: DailyPanel) -> dict[str, Floats]:
    """Return {name: [row + 1, coin]} as the module says; NaN in a coin's first 30 known days."""
    logs = {name: _log_variance(panel, decay) for name, decay in DECAYS.items()}
    deviation = np.exp(0.5 * logs["middle"])
    last_return = _yesterday(panel.log_return) / deviation
    size = np.clip(last_return, -RETURN_DEVIATIONS_MAX, RETURN_DEVIATIONS_MAX)
    return logs | {
        "implied": _implied(panel, logs["middle"]), "weekend": _weekend(panel),
        "market_last": _market(panel, logs["last"]),
        "market_slow": _market(panel, _log_variance(panel, MARKET_DECAY)),
        "inside": _yesterday(_log(panel.realised_variance)) - _yesterday(
            _log(panel.range_variance)),
        "funding": _wide(_yesterday(panel.funding)[:, _leader(panel)], deviation.shape),
        "fall": np.minimum(size, 0.0), "size": np.abs(size),
        "week": _move(panel, 5) / deviation, "month": _move(panel, 20) / deviation}


def _log_variance(panel: DailyPanel, decay: float) -> Floats:
    floored = np.maximum(panel.range_variance, VARIANCE_MIN)
    variance = ewma_variance(np.sqrt(floored), decay)
    ready = known_before(np.isfinite(floored), BURN_IN_DAYS)
    return np.log(np.where(ready, variance, np.nan))


def _log(variance: Floats) -> Floats:
    return np.log(np.maximum(variance, VARIANCE_MIN))


def _yesterday(column: Floats) -> Floats:
    """Return [row + 1, coin]: what the day before each row says."""
    return np.concatenate([np.full((1, column.shape[1]), np.nan), column])


def _market(panel: DailyPanel, logs: Floats) -> Floats:
    known = np.isfinite(logs)
    count = known.sum(axis=1, keepdims=True)
    total = np.where(known, logs, 0.0).sum(axis=1, keepdims=True)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.broadcast_to(mean, logs.shape)


def _implied(panel: DailyPanel, middle: Floats) -> Floats:
    leader = _leader(panel)
    excess = _log(_yesterday(panel.implied_variance)[:, leader]) - middle[:, leader]
    known = np.isfinite(excess)
    count = np.cumsum(known)
    mean = np.cumsum(np.where(known, excess, 0.0)) / np.maximum(count, 1)
    centred = np.where(known & (count > IMPLIED_DAYS_MIN), excess - mean, 0.0)
    return _wide(centred, middle.shape)


def _leader(panel: DailyPanel) -> int:
    """Return the column of BTC, whose index and funding speak for the market."""
    return panel.coins.index("BTC") if "BTC" in panel.coins else 0


def _wide(series: Floats, shape: tuple[int, ...]) -> Floats:
    return np.broadcast_to(series[:, None], shape)


def _weekend(panel: DailyPanel) -> Floats:
    day = np.concatenate([panel.day, panel.day[-1:] + 1])
    weekend = (day + _THURSDAY) % 7 >= _SATURDAY
    return _wide(weekend.astype(np.float64), (len(day), len(panel.coins)))


def _move(panel: DailyPanel, days: int) -> Floats:
    """Return the sum of the returns of the last calendar days; days not known add nothing."""
    total = np.concatenate([np.zeros((1, len(panel.coins))),
                            np.cumsum(np.nan_to_num(panel.log_return), axis=0)])
    before = np.concatenate([np.zeros((days, len(panel.coins))), total])[:len(total)]
    return np.asarray(total - before)
