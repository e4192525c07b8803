"""What would be charged day by day: the raw forecast, calmed, and with every add-on?

For one coin and side, from requirements [day] that are fractions of notional:

    calm       at least what the long-run volatility asks: raw max(1, long-run / forecast deviation)
    stressed   3/4 of that + 1/4 of the largest raw requirement so far
    charged    a buffer of 25 % on stressed that rises use up, and a quarter more while the
               volatility signal is on

These are the tools (c), (b) and (a) of EMIR Article 28(1), of which one suffices. Long-run is the
root mean square of the returns of ten years, or of all so far where there are fewer. Each step is
`backtest.procyclicality`'s; every figure is known the day before.
"""

from typing import Any, Final

import numpy as np

from counterpoise.apps.validation import DAYS_MIN, days_of, losses_of
from counterpoise.backtest.procyclicality import (
    buffered,
    cost,
    floored,
    peak_to_trough,
    stress_weighted,
)
from counterpoise.backtest.trade_off import breaches_of
from counterpoise.calibration.prediction.daily_panel import DailyPanel
from counterpoise.calibration.prediction.forecast import Forecast
from counterpoise.calibration.prediction.regime import Alarms, alarms
from counterpoise.calibration.prediction.tail import SIDES
from counterpoise.calibration.prediction.walk_forward import long_run_deviation
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
BUFFER: Final = 0.25
STRESS_WEIGHT: Final = 0.25
SIGNAL_RISE: Final = 0.25
HORIZON_DAYS: Final = 10
USUAL_DAYS: Final = 365
EVENTS: Final = ("2020-03-12", "2021-05-19", "2022-11-09", "2025-10-10", "2026-02-05")


@frozen
class Path:
    """The requirements of one coin on one side, [day] each, with its losses (> 0: a loss)."""

    coin: str
    side: str
    day: Any
    loss: Floats
    raw: Floats
    calm: Floats
    charged: Floats
    signal: Any


@frozen
class PathFigures:
    """What the tools do to a path: peak over trough, mean over the raw mean, breaches, coverage."""

    coin: str
    side: str
    days: int
    peak_to_trough_raw: float
    peak_to_trough_calm: float
    cost_calm: float
    cost_charged: float
    breaches_raw: int
    breaches_calm: int
    breaches_charged: int
    coverage_charged: float


@frozen
class EventLoss:
    """A loss of a named day, against what was charged the day before; fractions of notional."""

    date: str
    coin: str
    side: str
    loss: float
    raw: float
    charged: float
    shortfall: float


def paths_of(panel: DailyPanel, found: Forecast, signal: Any) -> tuple[Path, ...]:
    """Return the path of every coin, long and short, over its days with a forecast."""
    everywhere = np.ones(len(panel.day), bool)
    return tuple(
        _path(panel, found, signal, coin, side, rows)
        for side in range(len(SIDES)) for coin in range(len(panel.coins))
        if len(rows := days_of(panel, found.tail, coin, everywhere)) >= DAYS_MIN)


def _path(panel: DailyPanel, found: Forecast, signal: Any, coin: int, side: int,
          rows: Any) -> Path:
    raw = found.tail.shortfall[side, rows, coin]
    long_run = long_run_deviation(panel.log_return)[rows, coin]
    calm = floored(raw, raw * long_run / np.sqrt(found.variance[rows, coin]))
    stressed = stress_weighted(calm, np.maximum.accumulate(raw), STRESS_WEIGHT)
    on = signal[rows, coin]
    return Path(coin=panel.coins[coin], side=SIDES[side], day=panel.day[rows], raw=raw, calm=calm,
                loss=losses_of(panel, coin, side, rows), signal=on,
                charged=buffered(stressed, BUFFER) * np.where(on, 1 + SIGNAL_RISE, 1.0))


def figures_of(path: Path) -> PathFigures:
    """Return what the tools do to one path."""
    hits = breaches_of(path.loss, path.charged)
    return PathFigures(
        coin=path.coin, side=path.side, days=len(path.day),
        peak_to_trough_raw=float(peak_to_trough(path.raw)),
        peak_to_trough_calm=float(peak_to_trough(path.calm)),
        cost_calm=float(cost(path.calm, path.raw)),
        cost_charged=float(cost(path.charged, path.raw)),
        breaches_raw=breaches_of(path.loss, path.raw),
        breaches_calm=breaches_of(path.loss, path.calm), breaches_charged=hits,
        coverage_charged=1 - hits / len(path.day))


def event_losses(paths: tuple[Path, ...]) -> tuple[EventLoss, ...]:
    """Return every loss of the named days, in their order, with its shortfall."""
    found = []
    for date in EVENTS:
        day = int(np.datetime64(date, "D").astype(np.int64))
        for path in paths:
            for k in np.flatnonzero((path.day == day) & (path.loss > 0)):
                found.append(EventLoss(
                    date=date, coin=path.coin, side=path.side, loss=float(path.loss[k]),
                    raw=float(path.raw[k]), charged=float(path.charged[k]),
                    shortfall=max(float(path.loss[k] - path.charged[k]), 0.0)))
    return tuple(found)


def alarms_of(path: Path, *, first: int, last: int) -> Alarms:
    """Return how the signal did on one path from day `first` to `last`.

    A large loss is one above the usual requirement: the median raw one of the year before, which
    is what a grid set once a year would hold.
    """
    inside, large = _large_losses(path, first, last)
    return alarms(path.signal[inside], large, horizon_days=HORIZON_DAYS)


def by_chance(path: Path, *, first: int, last: int) -> float:
    """Return the share of days that no large loss follows within the horizon: idle by chance."""
    large = _large_losses(path, first, last)[1]
    if not len(large):
        return float("nan")
    return float(np.mean([not large[k:k + HORIZON_DAYS].any() for k in range(len(large))]))


def _large_losses(path: Path, first: int, last: int) -> tuple[Any, Any]:
    """Return which days of the path are asked about, and on which of them the loss was large."""
    usual = np.full(len(path.raw), np.inf)
    for k in range(USUAL_DAYS, len(usual)):
        usual[k] = np.median(path.raw[k - USUAL_DAYS:k])
    inside = (path.day >= first) & (path.day <= last) & np.isfinite(usual)
    return inside, (path.loss > usual)[inside]
