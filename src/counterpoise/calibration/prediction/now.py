"""How volatile is it now? The forecast for the day after the last, where it has earned its place.

A margin model scales its scenarios by a deviation for tomorrow. For each coin the combination is
taken only where it was better out of sample than EWMA(0.97), the plain filter, over the last
`days`: the lower mean QLIKE of forecasts that were made the day before. Elsewhere EWMA stays.
"""

from typing import Any, Final

import numpy as np

from counterpoise.calibration.prediction.daily_panel import DailyPanel
from counterpoise.calibration.prediction.features import features
from counterpoise.calibration.prediction.forecast import Forecast, variance_forecast
from counterpoise.calibration.prediction.parameters import PredictionParameters
from counterpoise.calibration.prediction.tail import SIDES
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
COMPARED_DAYS: Final = 500


@frozen
class VolatilityNow:
    """The state of volatility of one coin for one day; fractions per day, of notional.

    day         days since 1970-01-01 of the day that is forecast
    source      `combination` or `ewma`: whichever was better over the days compared
    deviation   forecast by the source; NaN where the coin has too few days
    shortfall   {side: expected shortfall} at the level of the parameters, of the combination
    qlike       {source: mean QLIKE} over the days compared, less is better
    """

    coin: str
    day: int
    source: str
    deviation: float
    shortfall: dict[str, float]
    qlike: dict[str, float]


def volatility_now(panel: DailyPanel, found: Forecast,
                   parameters: PredictionParameters) -> tuple[VolatilityNow, ...]:
    """Return the state of every coin for the day after the panel's last one."""
    ewma = variance_forecast("ewma", panel, features(panel), parameters)
    named = {"combination": found.variance, "ewma": ewma}
    return tuple(_of_coin(panel, found, named, coin) for coin in range(len(panel.coins)))


def mean_qlike(variance: Floats, move: Floats) -> float:
    """Return the mean of ln v + r^2 / v over days [day] with both; NaN where there are none."""
    known = np.isfinite(variance) & np.isfinite(move)
    if not known.any():
        return float("nan")
    return float(np.mean(np.log(variance[known]) + move[known] ** 2 / variance[known]))


def _of_coin(panel: DailyPanel, found: Forecast, named: dict[str, Floats],
             coin: int) -> VolatilityNow:
    both = np.isfinite(named["combination"][:-1, coin]) & np.isfinite(panel.log_return[:, coin])
    rows = np.flatnonzero(both)[-COMPARED_DAYS:]
    qlike = {name: mean_qlike(variance[rows, coin], panel.log_return[rows, coin])
             for name, variance in named.items()}
    source = "combination" if qlike["combination"] < qlike["ewma"] else "ewma"
    return VolatilityNow(
        coin=panel.coins[coin], day=int(panel.day[-1]) + 1, source=source, qlike=qlike,
        deviation=float(np.sqrt(named[source][-1, coin])),
        shortfall={side: float(found.tail.shortfall[k, -1, coin])
                   for k, side in enumerate(SIDES)})
