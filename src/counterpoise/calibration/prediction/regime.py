"""Has the market changed its temper? A signal that rises with forecasts, before losses are booked.

The signal of a coin for day t is on when the deviation forecast for t is `on` times its median over
the last `window_days` forecasts, or when the market's implied volatility rose by `implied_rise` in
a day; it goes off when the forecast is back below `off` times that median. What is raised while it
is on, and by how much, is the model's business; how often it was on for nothing is `alarms`. The
levels are *our reading*: no source prescribes them.
"""

from typing import Any

import numpy as np

from counterpoise.calibration.prediction.daily_panel import DailyPanel
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@frozen
class RegimeParameters:
    """When the signal goes on and off; ratios of deviations, the rise as a fraction."""

    on: float
    off: float
    window_days: int
    implied_rise: float

    def __post_init__(self) -> None:
        """Refuse a signal that could not go off."""
        if not (0 < self.off <= self.on < np.inf and self.window_days >= 30
                and self.implied_rise > 0):
            raise bad_input(Reason.BAD_VALUE, "regime", "needs 0 < off <= on, a window of at least "
                            "30 days and a rise above 0")


@frozen
class Alarms:
    """How a signal did: starts of the signal, and days of large losses.

    raised    times it went on
    idle      of them, followed by no large loss within the horizon: false alarms
    losses    days of large losses
    foreseen  of them, with the signal on before the day began
    days, days_on   known days, and those with the signal on
    """

    raised: int
    idle: int
    losses: int
    foreseen: int
    days: int
    days_on: int


def regime_signal(panel: DailyPanel, variance: Floats, parameters: RegimeParameters) -> Flags:
    """Return [row + 1, coin]: is the signal on for the day, by what was known the day before?

    `variance` is [row + 1, coin], forecast for the day; off where it is unknown.
    """
    deviation = np.sqrt(variance)
    signal = np.zeros(deviation.shape, bool)
    jump = _implied_jump(panel, parameters.implied_rise)
    now = np.zeros(deviation.shape[1], bool)
    for row in range(parameters.window_days, len(deviation)):
        past = deviation[row - parameters.window_days:row]
        full = np.isfinite(past).all(axis=0) & np.isfinite(deviation[row])
        usual = np.where(full, np.median(np.where(full, past, 1.0), axis=0), np.inf)
        ratio = np.where(full, deviation[row], 0.0) / usual
        now = (ratio >= parameters.on) | (jump[row] & full) | (now & (ratio >= parameters.off))
        signal[row] = now
    return signal


def _implied_jump(panel: DailyPanel, rise: float) -> Flags:
    """Return [row + 1]: did BTC's implied volatility rise by the fraction on the day before?"""
    leader = panel.coins.index("BTC") if "BTC" in panel.coins else 0
    level = np.sqrt(panel.implied_variance[:, leader])
    jump = np.zeros(len(level) + 1, bool)
    jump[2:] = level[1:] >= (1 + rise) * level[:-1]
    return jump


def alarms(signal: Flags, large_loss: Flags, *, horizon_days: int) -> Alarms:
    """Return how the signal of one coin did against its days of large losses, both [day].

    A start of the signal is idle when none of the `horizon_days` days from it on had a large loss.
    """
    starts = np.flatnonzero(signal & ~np.concatenate([[False], signal[:-1]]))
    idle = sum(not large_loss[start:start + horizon_days].any() for start in starts)
    return Alarms(raised=len(starts), idle=int(idle), losses=int(large_loss.sum()),
                  foreseen=int((signal & large_loss).sum()), days=len(signal),
                  days_on=int(signal.sum()))
