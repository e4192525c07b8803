"""How volatile is it now? The forecast for the day after the last, where it has earned its place.

A margin model scales its scenarios by a deviation for tomorrow. For each coin the combination is
taken only where it was better out of sample than EWMA(0.97), the plain filter, over the last
`days`: the lower mean QLIKE of forecasts that were made the day before. Elsewhere EWMA stays.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from counterpoise.calibration.prediction.daily_panel import DailyPanel, until
from counterpoise.calibration.prediction.features import features
from counterpoise.calibration.prediction.forecast import CALENDAR, variance_forecast, working_days
from counterpoise.calibration.prediction.parameters import PredictionParameters
from counterpoise.calibration.prediction.walk_forward import geometric_mean
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Track = Callable[[Sequence[Any]], Iterable[Any]]
COMPARED_DAYS: Final = 500


@frozen
class PastVariances:
    """What was forecast for every day of a panel and the day after it, each with the past alone.

    combination, ewma   variances [row + 1, coin], fractions squared per day, NaN where unknown
    working             the combination as if every day were a working day
    """

    panel: DailyPanel
    combination: Floats
    working: Floats
    ewma: Floats


@frozen
class VolatilityNow:
    """The state of volatility of one coin for one day; fractions per day, of notional.

    day         days since 1970-01-01 of the day that is forecast
    source      `combination` or `ewma`: whichever was better over the days compared
    deviation   forecast by the source; NaN where the coin has too few days
    compared    days on which both were known, at most 500
    qlike       {source: mean QLIKE} over the days compared, less is better
    """

    coin: str
    day: int
    source: str
    deviation: float
    compared: int
    qlike: dict[str, float]


def past_variances(panel: DailyPanel, parameters: PredictionParameters, *,
                   track: Track = iter) -> PastVariances:
    """Return the walk-forward variance forecasts of a panel under a configuration.

    `track` wraps the names of the forecasts while they are made, for a progress bar.

    Raises
    ------
    BadInput
        If the extra `calibration` is missing.
    """
    known = features(panel)
    parts = [variance_forecast(name, panel, known, parameters)
             for name in track(parameters.forecasts)]
    working = [variance_forecast(name, panel, known, parameters, asked=working_days(known))
               if name in CALENDAR else part
               for name, part in zip(parameters.forecasts, parts, strict=True)]
    return PastVariances(
        panel=panel, combination=geometric_mean(*parts), working=geometric_mean(*working),
        ewma=variance_forecast("ewma", panel, known, parameters))


def as_known(past: PastVariances, day: int) -> PastVariances:
    """Return the forecasts that had been made at the end of `day` (days since 1970-01-01).

    Equal in every bit to those of a panel that ends there: no forecast knows the future.
    """
    panel = until(past.panel, day)
    rows = len(panel.day) + 1
    return PastVariances(panel=panel, combination=past.combination[:rows], ewma=past.ewma[:rows],
                         working=past.working[:rows])


def volatility_now(past: PastVariances) -> tuple[VolatilityNow, ...]:
    """Return the state of every coin for the day after the panel's last one."""
    return tuple(_of_coin(past, coin) for coin in range(len(past.panel.coins)))


def mean_qlike(variance: Floats, move: Floats) -> float:
    """Return the mean of ln v + r^2 / v over days [day] with both; NaN where there are none."""
    known = np.isfinite(variance) & np.isfinite(move)
    if not known.any():
        return float("nan")
    return float(np.mean(np.log(variance[known]) + move[known] ** 2 / variance[known]))


def compared_rows(past: PastVariances, coin: int) -> Any:
    """Return the rows of the panel over which a coin's forecasts are compared."""
    both = np.isfinite(past.combination[:-1, coin]) & np.isfinite(past.panel.log_return[:, coin])
    return np.flatnonzero(both)[-COMPARED_DAYS:]


def _of_coin(past: PastVariances, coin: int) -> VolatilityNow:
    panel, rows = past.panel, compared_rows(past, coin)
    named = {"combination": past.combination, "ewma": past.ewma}
    qlike = {name: mean_qlike(variance[rows, coin], panel.log_return[rows, coin])
             for name, variance in named.items()}
    source = "combination" if qlike["combination"] < qlike["ewma"] else "ewma"
    return VolatilityNow(
        coin=panel.coins[coin], day=int(panel.day[-1]) + 1, source=source, qlike=qlike,
        deviation=float(np.sqrt(named[source][-1, coin])), compared=len(rows))
