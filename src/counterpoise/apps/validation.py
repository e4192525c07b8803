"""Would the forecasts have held? Every coin, long and short, against three benchmarks.

A series is one coin on one side; its requirement is the forecast expected shortfall of a linear
contract of notional 1, one day ahead. Per series and period: coverage (Kupiec at 1 %,
Christoffersen's independence and joint test), FZ0 against plain historical simulation and normal
GARCH with Diebold-Mariano, and the average requirement beside a grid of +-16 % that never moves, at
the grid's number of breaches. Warm-up days are no part of it.
"""

from typing import Any, Final

import numpy as np

from counterpoise.backtest.coverage import conditional_coverage, independence, kupiec
from counterpoise.backtest.scoring import diebold_mariano, fz0
from counterpoise.backtest.trade_off import breaches_of, scale_to_breaches
from counterpoise.calibration.prediction.benchmarks import normal_tail, plain_history
from counterpoise.calibration.prediction.daily_panel import DailyPanel
from counterpoise.calibration.prediction.forecast import Forecast, forecast, variance_forecast
from counterpoise.calibration.prediction.parameters import PredictionParameters
from counterpoise.calibration.prediction.tail import SIDES, TailForecast, pnl_of
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
COVERAGE: Final = 0.01
"""How often a requirement may be exceeded."""
GRID: Final = 0.16
SIZE: Final = 0.05
DAYS_MIN: Final = 30
"""Of a series that is judged at all."""
GRID_BREACHES_MIN: Final = 3
"""A grid exceeded less often says nothing about the cost of the same safety."""


@frozen
class Forecasts:
    """The forecast of record and its benchmarks, on the same panel."""

    ours: Forecast
    history: TailForecast
    garch: TailForecast


@frozen
class Series:
    """How one coin did on one side in one period; p-values, scores (less is better) and means.

    fz0_to_history, fz0_to_garch      mean FZ0 less that of the benchmark: negative, ours is better
    worse_than_history, ..._garch     one-sided p-value of being worse, Diebold-Mariano
    scaled_to_grid   mean requirement over the grid's, at the grid's number of breaches
    """

    coin: str
    side: str
    days: int
    breaches: int
    kupiec: float
    independence: float
    conditional: float
    fz0: float
    fz0_to_history: float
    fz0_to_garch: float
    worse_than_history: float
    worse_than_garch: float
    mean_requirement: float
    grid_breaches: int
    scaled_to_grid: float


@frozen
class Counts:
    """How many series meet each aim; `weighed` of them have 3 breaches of the grid or more."""

    series: int
    covered: int
    better_than_history: int
    better_than_garch: int
    significantly_worse: int
    weighed: int
    cheaper: int
    cheaper_of_all: int


def forecasts_of(panel: DailyPanel, parameters: PredictionParameters) -> Forecasts:
    """Return the walk-forward forecasts of a panel and those of the benchmarks."""
    ours = forecast(panel, parameters)
    variance = ours.parts.get("garch")
    if variance is None:
        variance = variance_forecast("garch", panel, {}, parameters)
    return Forecasts(
        ours=ours, garch=normal_tail(variance, level=parameters.level),
        history=plain_history(panel.log_return, level=parameters.level,
                              window_days=parameters.window_days))


def judged(panel: DailyPanel, found: Forecasts, *, first: int, last: int) -> tuple[Series, ...]:
    """Return the series of a period, days since 1970-01-01 inclusive, without those of few days."""
    inside = (panel.day >= first) & (panel.day <= last)
    return tuple(_series(panel, found, coin, side, days)
                 for side in range(len(SIDES)) for coin in range(len(panel.coins))
                 if len(days := days_of(panel, found.ours.tail, coin, inside)) >= DAYS_MIN)


def days_of(panel: DailyPanel, tail: TailForecast, coin: int, inside: Any) -> Any:
    """Return the rows of a coin with a return and a forecast."""
    known = np.isfinite(panel.log_return[:, coin]) & np.isfinite(tail.shortfall[0, :-1, coin])
    return np.flatnonzero(known & inside)


def losses_of(panel: DailyPanel, coin: int, side: int, rows: Any) -> Floats:
    """Return the losses [day] of a linear contract of notional 1, loss > 0."""
    return -pnl_of(panel.log_return[rows, coin], side)


def _series(panel: DailyPanel, found: Forecasts, coin: int, side: int, rows: Any) -> Series:
    loss = losses_of(panel, coin, side, rows)
    need = found.ours.tail.shortfall[side, rows, coin]
    hits = loss > need
    scores = [_scores(tail, loss, (side, rows, coin))
              for tail in (found.ours.tail, found.history, found.garch)]
    history, garch = (diebold_mariano(scores[0], other) for other in scores[1:])
    grid = breaches_of(loss, np.full(len(loss), GRID))
    return Series(
        coin=panel.coins[coin], side=SIDES[side], days=len(rows), breaches=int(hits.sum()),
        kupiec=float(kupiec(int(hits.sum()), len(hits), COVERAGE).p_value),
        independence=float(independence(hits).p_value),
        conditional=float(conditional_coverage(hits, COVERAGE).p_value),
        fz0=float(scores[0].mean()), fz0_to_history=history.mean_difference,
        fz0_to_garch=garch.mean_difference, worse_than_history=history.first_worse,
        worse_than_garch=garch.first_worse, mean_requirement=float(need.mean()),
        grid_breaches=grid,
        scaled_to_grid=scale_to_breaches(loss, need, grid) * float(need.mean()) / GRID)


def _scores(tail: TailForecast, loss: Floats, at: tuple[int, Any, int]) -> Floats:
    return fz0(-loss, -tail.value_at_risk[at], -tail.shortfall[at], 1 - tail.level)


def counted(series: tuple[Series, ...]) -> Counts:
    """Return how many series meet each aim, at a test size of 5 %."""
    weighed = [s for s in series if s.grid_breaches >= GRID_BREACHES_MIN]
    return Counts(
        series=len(series),
        covered=sum(min(s.kupiec, s.independence, s.conditional) > SIZE for s in series),
        better_than_history=sum(s.fz0_to_history < 0 for s in series),
        better_than_garch=sum(s.fz0_to_garch < 0 for s in series),
        significantly_worse=sum(min(s.worse_than_history, s.worse_than_garch) < SIZE
                                for s in series),
        weighed=len(weighed), cheaper=sum(s.scaled_to_grid < 1 for s in weighed),
        cheaper_of_all=sum(s.scaled_to_grid < 1 for s in series))
