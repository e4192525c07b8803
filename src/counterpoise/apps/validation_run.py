"""The whole judgement of the frozen forecasts: before the freeze, after it, and over all years."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from counterpoise.adapters.daily_history import read_daily_panel
from counterpoise.adapters.prediction_file import FrozenPrediction, frozen_prediction
from counterpoise.apps.requirement_path import (
    EventLoss,
    Path,
    PathFigures,
    alarms_of,
    by_chance,
    event_losses,
    figures_of,
    paths_of,
)
from counterpoise.apps.validation import (
    DAYS_MIN,
    GRID,
    Counts,
    Forecasts,
    Series,
    counted,
    days_of,
    forecasts_of,
    judged,
    losses_of,
)
from counterpoise.backtest.scoring import diebold_mariano, qlike
from counterpoise.backtest.trade_off import trade_off
from counterpoise.calibration.prediction.daily_panel import DailyPanel, panel_digest
from counterpoise.calibration.prediction.daily_panel import until as known_until
from counterpoise.calibration.prediction.features import features
from counterpoise.calibration.prediction.forecast import variance_forecast
from counterpoise.calibration.prediction.regime import regime_signal
from counterpoise.calibration.prediction.tail import SIDES
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, day_text

LAST_DAY: Final = "2026-03-24"
FACTORS: Final = np.concatenate([np.linspace(0.4, 1.0, 61), np.linspace(1.02, 2.5, 75)])
SIZE: Final = 0.05


@frozen
class Period:
    """One span of days with its series and how many meet each aim."""

    name: str
    first: str
    last: str
    counts: Counts
    series: tuple[Series, ...]


@frozen
class Score:
    """A variance forecast beside GARCH: mean QLIKE difference (negative, it is better), coins won.

    better         coins with the lower mean, `significantly` by Diebold-Mariano at 5 %, one-sided
    """

    name: str
    to_garch: float
    better: int
    significantly: int
    coins: int


@frozen
class Alarmed:
    """The signal over all series of a period; shares, except counts `raised` and `losses`."""

    period: str
    raised: int
    idle: float
    idle_by_chance: float
    losses: int
    foreseen: float
    days_on: float


@frozen
class Curve:
    """Breaches of all series and the average requirement, by `factor` on every requirement."""

    name: str
    factor: Any
    requirement: Any
    breaches: Any


@frozen
class Judgement:
    """Everything that the validation says.

    data_digest of the days up to the freeze as they were read, empty where they end before it
    """

    frozen: FrozenPrediction
    data_digest: str
    periods: tuple[Period, ...]
    scores: tuple[Score, ...]
    figures: tuple[PathFigures, ...]
    events: tuple[EventLoss, ...]
    signal: tuple[Alarmed, ...]
    curves: tuple[Curve, ...]


def validation_of(folder: str, *, until: str = LAST_DAY, configuration: str | None = None,
                  step: Callable[[str], None] = lambda name: None) -> Judgement:
    """Return the judgement of the frozen configuration on a folder of market data.

    `step` hears the name of each part as it begins.

    Raises
    ------
    BadInput
        If data or configuration cannot be read, or an extra is missing.
    """
    chosen = frozen_prediction(configuration)
    step("history")
    panel = read_daily_panel(folder, coins=chosen.coins, until=until)
    step("forecasts")
    found = forecasts_of(panel, chosen.parameters)
    signal = regime_signal(panel, found.ours.variance, chosen.regime)
    paths = paths_of(panel, found.ours, signal)
    step("scores")
    spans = _spans(panel, chosen)
    return Judgement(
        frozen=chosen, data_digest=_digest_to_the_freeze(panel, chosen),
        periods=tuple(_period(panel, found, *span) for span in spans),
        scores=_scores(panel, found, chosen), figures=tuple(figures_of(p) for p in paths),
        events=event_losses(paths), signal=tuple(_alarmed(paths, *span) for span in spans),
        curves=_curves(panel, found))


def same_days(judgement: Judgement) -> bool | None:
    """Say whether the days up to the freeze are those it was chosen on; None: they are not all."""
    found = judgement.data_digest
    return found == judgement.frozen.panel_digest if found else None


def _digest_to_the_freeze(panel: DailyPanel, chosen: FrozenPrediction) -> str:
    freeze = _freeze(chosen)
    return panel_digest(known_until(panel, freeze)) if panel.day[-1] >= freeze else ""


def _freeze(chosen: FrozenPrediction) -> int:
    return int(np.datetime64(chosen.last_day, "D").astype(np.int64))


def _spans(panel: DailyPanel, chosen: FrozenPrediction) -> list[tuple[str, int, int]]:
    freeze = _freeze(chosen)
    last = int(panel.day[-1])
    before = ("up to the freeze", int(panel.day[0]), min(freeze, last))
    if last <= freeze:
        return [before]
    return [before, ("after the freeze", freeze + 1, last), ("all years", int(panel.day[0]), last)]


def _period(panel: DailyPanel, found: Forecasts, name: str, first: int, last: int) -> Period:
    series = judged(panel, found, first=first, last=last)
    return Period(name=name, first=day_text(first * DAY_NS), last=day_text(last * DAY_NS),
                  counts=counted(series), series=series)


def _scores(panel: DailyPanel, found: Forecasts, chosen: FrozenPrediction) -> tuple[Score, ...]:
    known = features(panel)
    ewma = variance_forecast("ewma", panel, known, chosen.parameters)
    named = found.ours.parts | {"ewma": ewma, "combination": found.ours.variance}
    return tuple(_score(panel, name, variance, found) for name, variance in named.items()
                 if name != "garch")


def _score(panel: DailyPanel, name: str, variance: Any, found: Forecasts) -> Score:
    results = []
    for coin in range(len(panel.coins)):
        rows = days_of(panel, found.ours.tail, coin, np.ones(len(panel.day), bool))
        if len(rows) < DAYS_MIN:
            continue
        square = panel.log_return[rows, coin] ** 2
        results.append(diebold_mariano(qlike(square, variance[rows, coin]),
                                       qlike(square, found.ours.parts["garch"][rows, coin])))
    return Score(name=name, to_garch=float(np.mean([r.mean_difference for r in results])),
                 better=sum(r.mean_difference < 0 for r in results),
                 significantly=sum(1 - r.first_worse < SIZE for r in results), coins=len(results))


def _alarmed(paths: tuple[Path, ...], name: str, first: int, last: int) -> Alarmed:
    rows = [alarms_of(path, first=first, last=last) for path in paths]
    chance = [c for p in paths if (c := by_chance(p, first=first, last=last)) == c]
    raised, losses = sum(r.raised for r in rows), sum(r.losses for r in rows)
    return Alarmed(
        period=name, raised=raised, idle=sum(r.idle for r in rows) / max(raised, 1), losses=losses,
        idle_by_chance=float(np.mean(chance)) if chance else float("nan"),
        foreseen=sum(r.foreseen for r in rows) / max(losses, 1),
        days_on=sum(r.days_on for r in rows) / max(sum(r.days for r in rows), 1))


def _curves(panel: DailyPanel, found: Forecasts) -> tuple[Curve, ...]:
    everywhere = np.ones(len(panel.day), bool)
    places = [(side, rows, coin)
              for side in range(len(SIDES)) for coin in range(len(panel.coins))
              if len(rows := days_of(panel, found.ours.tail, coin, everywhere)) >= DAYS_MIN]
    losses = tuple(losses_of(panel, coin, side, rows) for side, rows, coin in places)
    tails = {"forecast": found.ours.tail, "normal GARCH": found.garch,
             "plain history": found.history}
    needs = {name: tuple(tail.shortfall[at] for at in places) for name, tail in tails.items()}
    needs["grid 16 %"] = tuple(np.full(len(loss), GRID) for loss in losses)
    curves = []
    for name, need in needs.items():
        breaches, mean = trade_off(losses, need, FACTORS)
        curves.append(Curve(name=name, factor=FACTORS, requirement=mean, breaches=breaches))
    return tuple(curves)
