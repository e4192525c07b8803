"""The validation of the forecasts as text, as one JSON object and as the trade-off picture."""

from typing import Any, Final

import numpy as np

from counterpoise.apps.report.document import number
from counterpoise.apps.report.pictures import refuse_undrawable
from counterpoise.apps.report.table import heading, percent, table
from counterpoise.apps.report.writing import writing
from counterpoise.apps.requirement_path import EventLoss, PathFigures
from counterpoise.apps.validation import COVERAGE, GRID, Counts, Series
from counterpoise.apps.validation_run import Alarmed, Curve, Judgement, Period, Score, same_days

_HEADER: Final = ("series", "days", "breaches", "Kupiec", "indep.", "joint", "FZ0", "to history",
                  "to GARCH", "requirement", "grid breaches", "scaled to grid")
_COLOURS: Final = ("#1f4e79", "#9dc3e6", "#7f7f7f", "#c00000")


def document(judgement: Judgement) -> dict[str, Any]:
    """Return everything as one JSON object: figures and counts, no prices."""
    frozen = judgement.frozen
    return {
        "configuration": {"digest": frozen.digest, "first_day": frozen.first_day,
                          "last_day": frozen.last_day, "panel_digest": frozen.panel_digest,
                          "data_digest": judgement.data_digest or None,
                          "same_data": same_days(judgement)},
        "periods": [_period(period) for period in judgement.periods],
        "forecasts": [_fields(score) for score in judgement.scores],
        "add_ons": [_fields(row) for row in judgement.figures],
        "events": [_fields(row) for row in judgement.events],
        "signal": [_fields(row) for row in judgement.signal],
        "trade_off": [{"name": c.name, "requirement": [float(x) for x in c.requirement],
                       "breaches": [int(x) for x in c.breaches]} for c in judgement.curves]}


def _period(period: Period) -> dict[str, Any]:
    return {"name": period.name, "first": period.first, "last": period.last,
            "counts": _fields(period.counts), "series": [_fields(s) for s in period.series]}


def _fields(value: Any) -> dict[str, Any]:
    found = {name: getattr(value, name) for name in value.__fields__}
    return {name: number(x) if isinstance(x, float) else x for name, x in found.items()}


def lines(judgement: Judgement, *, bold: bool = False) -> list[str]:
    """Return the tables for a terminal."""
    frozen = judgement.frozen
    found = [f"configuration {frozen.digest[:16]}, chosen on {frozen.first_day} to "
             f"{frozen.last_day}", _provenance(judgement)]
    for period in judgement.periods:
        found += ["", heading(f"{period.name}: {period.first} to {period.last}", bold=bold),
                  *table(_HEADER, [_series(s) for s in period.series]), *_counts(period.counts)]
    found += ["", heading("Variance forecasts, all days: QLIKE less that of GARCH, and coins on "
                          "which each is better", bold=bold), *_scores(judgement.scores)]
    found += ["", heading("Add-ons on", bold=bold), *_figures(judgement.figures)]
    found += ["", heading("Losses of the named days against the margin of the day before",
                          bold=bold), *_events(judgement.events)]
    return found + ["", heading("Volatility signal", bold=bold), *_signal(judgement.signal)]


def _provenance(judgement: Judgement) -> str:
    """Return whether the days that were read are those on which the configuration was chosen."""
    frozen, same = judgement.frozen, same_days(judgement)
    if same is None:
        return (f"data: read to {judgement.periods[-1].last}, before the freeze of "
                f"{frozen.last_day}: not compared with those it was chosen on")
    if same:
        return f"data: up to the freeze the very days it was chosen on, {frozen.panel_digest[:16]}"
    return (f"data: NOT the days it was chosen on: up to the freeze {judgement.data_digest[:16]}, "
            f"recorded {frozen.panel_digest[:16]}; the figures are of other data")


def _series(s: Series) -> tuple[str, ...]:
    return (f"{s.coin} {s.side}", str(s.days), str(s.breaches), f"{s.kupiec:.3f}",
            f"{s.independence:.3f}", f"{s.conditional:.3f}", f"{s.fz0:.4f}",
            f"{s.fz0_to_history:+.4f}", f"{s.fz0_to_garch:+.4f}", percent(s.mean_requirement),
            str(s.grid_breaches), f"{s.scaled_to_grid:.3f}")


def _counts(c: Counts) -> list[str]:
    return [f"coverage {percent(1 - COVERAGE, 0)}, Kupiec and Christoffersen not rejected: "
            f"{c.covered} of {c.series}",
            f"FZ0 better than history: {c.better_than_history}, than GARCH: "
            f"{c.better_than_garch}, significantly worse than either: {c.significantly_worse}",
            f"cheaper than a grid of {percent(GRID, 0)} at its breaches: {c.cheaper} of "
            f"{c.weighed} that have 3 or more ({c.cheaper_of_all} of all)"]


def _scores(scores: tuple[Score, ...]) -> list[str]:
    return table(("forecast", "QLIKE to GARCH", "better", "significantly", "coins"),
                 [(s.name, f"{s.to_garch:+.4f}", str(s.better), str(s.significantly), str(s.coins))
                  for s in scores])


def _figures(rows: tuple[PathFigures, ...]) -> list[str]:
    return table(("series", "days", "peak/trough raw", "calm", "cost calm", "cost charged",
                  "breaches raw", "calm", "charged", "coverage"),
                 [(f"{r.coin} {r.side}", str(r.days), f"{r.peak_to_trough_raw:.2f}",
                   f"{r.peak_to_trough_calm:.2f}", f"{r.cost_calm:.2f}", f"{r.cost_charged:.2f}",
                   str(r.breaches_raw), str(r.breaches_calm), str(r.breaches_charged),
                   percent(r.coverage_charged, 2)) for r in rows])


def _events(rows: tuple[EventLoss, ...]) -> list[str]:
    return table(("day", "series", "loss", "raw", "charged", "shortfall"),
                 [(r.date, f"{r.coin} {r.side}", percent(r.loss), percent(r.raw),
                   percent(r.charged), percent(r.shortfall)) for r in rows], left=(0, 1))


def _signal(rows: tuple[Alarmed, ...]) -> list[str]:
    return table(("period", "raised", "idle", "idle by chance", "large losses", "foreseen",
                  "days on"),
                 [(r.period, str(r.raised), percent(r.idle), percent(r.idle_by_chance),
                   str(r.losses), percent(r.foreseen), percent(r.days_on)) for r in rows])


def draw(curves: tuple[Curve, ...], path: str) -> None:
    """Write the trade-off, breaches against average requirement, as a .png or .html file.

    Raises
    ------
    BadInput
        If the ending is unknown, the extra `plot` is missing or the file cannot be written.
    """
    refuse_undrawable(path)
    with writing(path):
        (_png if path.lower().endswith(".png") else _html)(curves, path)


_TITLE: Final = "What safety costs: all series, one day ahead"
_ACROSS: Final = "average requirement, % of notional"
_UP: Final = "breaches, all series"


def _png(curves: tuple[Curve, ...], path: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    for curve, colour in zip(curves, _COLOURS, strict=False):
        axis.plot(100 * curve.requirement, curve.breaches, label=curve.name, color=colour)
        mark = int(np.argmin(np.abs(curve.factor - 1)))
        axis.plot(100 * curve.requirement[mark], curve.breaches[mark], "o", color=colour)
    axis.set_yscale("log")
    axis.set_xlabel(_ACROSS)
    axis.set_ylabel(_UP)
    axis.grid(alpha=0.3)
    axis.legend()
    figure.suptitle(_TITLE, fontsize=11)
    figure.savefig(path, dpi=110, metadata={"Software": "counterpoise"})


def _html(curves: tuple[Curve, ...], path: str) -> None:
    from plotly.graph_objects import Figure, Scatter

    figure = Figure([Scatter(x=100 * c.requirement, y=c.breaches, name=c.name, mode="lines",
                             line_color=colour)
                     for c, colour in zip(curves, _COLOURS, strict=False)])
    figure.update_layout(title=_TITLE, template="simple_white")
    figure.update_xaxes(title_text=_ACROSS)
    figure.update_yaxes(title_text=_UP, type="log")
    figure.write_html(path, include_plotlyjs=True)
