"""What could a linear contract lose tomorrow? Filtered historical simulation, long and short.

    loss of the long = 1 - exp(s z),   of the short = exp(s z) - 1      per unit of notional

s is the forecast deviation, z the residuals of the past: log returns over the deviations that were
forecast for them. Value at risk and expected shortfall are those of `risk.measures`, over the
coin's own residuals and over those of all coins, averaged by `own_share`: the own ones know its
tail, all of them know it with less noise. Sources: J. Hull and A. White, Journal of Risk 1(1),
1998; G. Barone-Adesi, K. Giannopoulos and L. Vosper, Journal of Futures Markets 19(5), 1999.
"""

import math
from typing import Any, Final

import numpy as np

from counterpoise.risk.measures import expected_shortfall_of, value_at_risk_of
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
SIDES: Final = ("long", "short")
SIGNS: Final = (1.0, -1.0)
"""Of the log return in the P&L of each side."""
RESIDUALS_MIN: Final = 200
"""Of its own that a coin needs: five beyond the 97.5 % quantile."""


@frozen
class TailForecast:
    """Value at risk and expected shortfall [side, row + 1, coin], fractions of notional, > 0.

    `level` is that of both; NaN where there is no forecast.
    """

    level: float
    value_at_risk: Floats
    shortfall: Floats


def pnl_of(log_return: Floats, side: int) -> Floats:
    """Return the P&L of a linear contract per unit of notional, gain > 0, any shape."""
    return SIGNS[side] * np.expm1(log_return)


def filtered_tail(log_return: Floats, deviation: Floats, *, level: float, window_days: int,
                  own_share: float, residual_max: float = math.inf) -> TailForecast:
    """Return the tails of both sides by the residuals of the last `window_days` days.

    A coin has a forecast once it has `window_days` known returns and 200 residuals.

    Parameters
    ----------
    log_return : [row, coin] NaN where unknown.
    deviation : [side, row + 1, coin] forecast for each row before it was known.
    residual_max : larger residuals count as this. A day of 25 deviations, met again when the
        deviation is ten times as high, would ask a short for ten times its notional.
    """
    measures = np.full((2, *deviation.shape), np.nan)
    for side in range(len(SIDES)):
        residual = np.clip(log_return / deviation[side, :-1], -residual_max, residual_max)
        known = [np.flatnonzero(np.isfinite(residual[:, k])) for k in range(residual.shape[1])]
        for row in _rows_with_forecast(log_return, window_days):
            measures[:, side, row] = _tails_of_row(
                residual, known, deviation[side, row], row, side,
                (level, window_days, own_share))
    enough = _seen(log_return) >= window_days
    measures = np.where(enough, measures, np.nan)
    return TailForecast(level=level, value_at_risk=measures[0], shortfall=measures[1])


def _seen(log_return: Floats) -> Any:
    first = np.zeros((1, log_return.shape[1]), np.int64)
    return np.concatenate([first, np.cumsum(np.isfinite(log_return), axis=0)])


def _rows_with_forecast(log_return: Floats, window_days: int) -> Any:
    return np.flatnonzero((_seen(log_return) >= window_days).any(axis=1))


def _tails_of_row(residual: Floats, known: list[Any], deviation: Floats, row: int, side: int,
                  choices: tuple[float, int, float]) -> Floats:
    """Return [measure, coin]: both measures of every coin for one row."""
    level, window_days, own_share = choices
    recent = residual[max(row - window_days, 0):row]
    pooled = recent[np.isfinite(recent)]
    found = np.full((2, len(known)), np.nan)
    if len(pooled) < RESIDUALS_MIN:
        return found
    asked = [k for k in range(len(known)) if np.isfinite(deviation[k])]
    of_all = _measured(np.multiply.outer(deviation[asked], pooled), side, level)
    for place, k in enumerate(asked):
        before = known[k][:np.searchsorted(known[k], row)][-window_days:]
        if len(before) >= RESIDUALS_MIN:
            own = _measured(deviation[k] * residual[before, k][None, :], side, level)
            found[:, k] = own_share * own[:, 0] + (1 - own_share) * of_all[:, place]
    return found


def _measured(log_moves: Floats, side: int, level: float) -> Floats:
    """Return [measure, vector] of vectors [vector, residual] of log returns."""
    vectors = np.ascontiguousarray(pnl_of(log_moves, side))
    if not len(vectors):
        return np.empty((2, 0))
    return np.stack([value_at_risk_of(vectors, level=level),
                     expected_shortfall_of(vectors, level=level)])
