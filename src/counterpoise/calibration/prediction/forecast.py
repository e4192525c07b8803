"""The forecast of record: variance by a combination, tails by residuals, trees on the factor.

    variance    geometric mean of the forecasts that the parameters name
    deviation   sqrt(variance) times the boosted factor, each side by itself
    tail        filtered historical simulation, own and pooled residuals

Every number for day t is made with the rows before t: cutting the panel at t-1, or changing what
came after, changes no bit of it.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from counterpoise.calibration.prediction.boosting import boosted_factor, boosting_columns
from counterpoise.calibration.prediction.daily_panel import DailyPanel
from counterpoise.calibration.prediction.features import features
from counterpoise.calibration.prediction.garch import garch_variance
from counterpoise.calibration.prediction.har import har_variance, regressors
from counterpoise.calibration.prediction.parameters import PredictionParameters
from counterpoise.calibration.prediction.tail import SIGNS, TailForecast, filtered_tail
from counterpoise.calibration.prediction.walk_forward import geometric_mean, known_before
from counterpoise.scenarios.variance import ewma_variance
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
CALENDAR: Final = ("har_return", "har_range")
"""Forecasts that know whether a day is one of the weekend."""
EWMA_DECAY: Final = 0.97
EWMA_BURN_IN_DAYS: Final = 30


@frozen
class Forecast:
    """What was forecast for each day of a panel, and for the day after it.

    parts      {name: variance [row + 1, coin]} of each forecast of the combination
    variance   [row + 1, coin] combined, fractions squared per day
    factor     [side, row + 1, coin] on the deviation
    tail       value at risk and expected shortfall of both sides
    """

    parts: dict[str, Floats]
    variance: Floats
    factor: Floats
    tail: TailForecast


def forecast(panel: DailyPanel, parameters: PredictionParameters) -> Forecast:
    """Return the walk-forward forecasts of a panel under a configuration.

    Raises
    ------
    BadInput
        If the extra `calibration` is missing.
    """
    known = features(panel)
    parts = {name: variance_forecast(name, panel, known, parameters)
             for name in parameters.forecasts}
    variance = geometric_mean(*parts.values())
    columns = boosting_columns(known, variance)
    deviation = np.sqrt(variance)
    factor = np.stack([boosted_factor(panel.day, columns, -sign * panel.log_return / deviation[:-1],
                                      parameters.boosting) for sign in SIGNS])
    tail = filtered_tail(panel.log_return, factor * deviation, level=parameters.level,
                         window_days=parameters.window_days, own_share=parameters.own_share,
                         residual_max=parameters.residual_max)
    return Forecast(parts=parts, variance=variance, factor=factor, tail=tail)


def variance_forecast(name: str, panel: DailyPanel, known: dict[str, Floats],
                      parameters: PredictionParameters, *,
                      asked: dict[str, Floats] | None = None) -> Floats:
    """Return one forecast of `FORECASTS`, [row + 1, coin]; `known` are the panel's features.

    `asked` are other features to forecast for, by terms fitted to `known`: see `working_days`.
    """
    square = panel.log_return * panel.log_return
    rows = regressors(known if asked is None else asked) if name in CALENDAR else None
    makers: dict[str, Callable[[], Floats]] = {
        "har_return": lambda: _har(panel, known, square, parameters, rows),
        "har_range": lambda: _har(panel, known, panel.range_variance, parameters, rows),
        "garch": lambda: garch_variance(panel.day, panel.log_return, months=parameters.months),
        "gjr": lambda: garch_variance(panel.day, panel.log_return, months=parameters.months,
                                      leverage=True),
        "ewma": lambda: _ewma(panel.log_return)}
    return makers[name]()


def working_days(known: dict[str, Floats]) -> dict[str, Floats]:
    """Return features as if every day to forecast were a working day."""
    return known | {"weekend": np.zeros_like(known["weekend"])}


def _har(panel: DailyPanel, known: dict[str, Floats], target: Floats,
         parameters: PredictionParameters, asked: Floats | None) -> Floats:
    return har_variance(panel.day, regressors(known), target, months=parameters.months,
                        pull=parameters.pull, asked=asked)


def _ewma(move: Floats) -> Floats:
    ready = known_before(np.isfinite(move), EWMA_BURN_IN_DAYS)
    return np.where(ready, ewma_variance(move, EWMA_DECAY), np.nan)
