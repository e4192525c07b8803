"""Which pictures show whether a calibration can be trusted? Six, as SVG text.

Volatility through time, half-lives, tails over thresholds, dependence, stability from year to
year, and how far the joint moves reach. The same calibration draws the same bytes.
"""

from collections.abc import Callable
from io import StringIO
from typing import Any, Final

import numpy as np

from counterpoise.calibration.calibrate import Calibration
from counterpoise.risk.measures import expected_shortfall_of
from counterpoise.scenarios.factors import factor_name
from counterpoise.values.failure import BadInput
from counterpoise.values.time import YEAR_NS

_SHOWN: Final = 8
_YEAR_DAYS: Final = 365.0
_LEVEL: Final = 0.975
_EPOCH_YEAR: Final = 1970


def plots(found: Calibration) -> dict[str, str]:
    """Return {title: SVG} of a calibration."""
    drawn: dict[str, tuple[Callable[[Any, Calibration], None], tuple[float, float]]] = {
        "Volatility expected for each day": (_volatility, (11, 4)),
        "Half-life of a shock to variance": (_half_lives, (11, 4)),
        "Tail index of falls over the share of residuals in the tail": (_tails, (11, 4)),
        "Correlation now, its eigenvalues, and the degrees of the copula": (_together, (13, 4.5)),
        "From year to year": (_stability, (11, 4)),
        "Expected shortfall of the joint moves, 97.5 %": (_reach, (11, 4))}
    return {title: _svg(draw, found, size) for title, (draw, size) in drawn.items()}


def _svg(draw: Callable[[Any, Calibration], None], found: Calibration,
         size: tuple[float, float]) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "counterpoise", "svg.fonttype": "path"}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure, found)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": "counterpoise"})
    return text.getvalue()[text.getvalue().index("<svg"):]


def _years(day: Any) -> Any:
    return _EPOCH_YEAR + day / YEAR_NS * (_YEAR_DAYS / 365.25)


def _prices(found: Calibration) -> list[int]:
    """Return the columns of the prices with the longest histories."""
    fits = found.fitted.fits
    prices = [k for k, f in enumerate(fits) if f.factor.kind == "price"]
    return sorted(prices, key=lambda k: -fits[k].known)[:_SHOWN]


def _volatility(figure: Any, found: Calibration) -> None:
    axis = figure.subplots()
    shocks = found.fitted.shocks
    for k in _prices(found)[:3]:
        axis.plot(_years(shocks.history.day), 100 * np.sqrt(_YEAR_DAYS) * shocks.deviation[:, k],
                  linewidth=0.8, label=factor_name(shocks.history.factors[k]))
        axis.axhline(100 * np.sqrt(_YEAR_DAYS) * found.completed.long_run[k], linewidth=0.6,
                     linestyle="--", color=axis.lines[-1].get_color())
    axis.set_ylabel("% per year (dashed: long run)")
    axis.legend(fontsize=8)


def _half_lives(figure: Any, found: Calibration) -> None:
    axis = figure.subplots()
    finite = [f for f in found.fitted.fits if np.isfinite(f.half_life_days)]
    axis.bar(range(len(finite)), [min(f.half_life_days, 1000.0) for f in finite], color="#4878a8")
    axis.set_xticks(range(len(finite)), [factor_name(f.factor) for f in finite], rotation=90,
                    fontsize=7)
    axis.set_yscale("log")
    axis.set_ylabel("days (above 1,000 cut)")


def _tails(figure: Any, found: Calibration) -> None:
    axis = figure.subplots()
    for k in _prices(found):
        fit = found.fitted.fits[k]
        rows = [(r.share, r.fit) for r in fit.scan if r.fit is not None]
        if rows:
            axis.errorbar([100 * s for s, _ in rows], [t.tail.shape for _, t in rows],
                          [t.shape_error for _, t in rows], capsize=2, linewidth=1,
                          label=factor_name(fit.factor))
    axis.axhline(0.0, color="#999999", linewidth=0.6)
    axis.set_xlabel("% of residuals in the tail")
    axis.set_ylabel("xi, with its standard error")
    if axis.get_legend_handles_labels()[1]:
        axis.legend(fontsize=7, ncols=2)


def _together(figure: Any, found: Calibration) -> None:
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.6, 1, 1))
    names = [factor_name(f) for f in found.dependence]
    mesh = left.imshow(found.dcc.forecast, cmap="RdBu", vmin=-1, vmax=1)
    left.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
    left.set_yticks(range(len(names)), names, fontsize=6)
    figure.colorbar(mesh, ax=left)
    values = np.linalg.eigvalsh(found.correlation)[::-1]
    middle.semilogy(range(1, len(values) + 1), np.maximum(values, 1e-9), ".-", color="#4878a8")
    middle.set_xlabel("eigenvalue, all factors")
    degrees = list(found.copula.profile)
    best = max(found.copula.profile.values())
    right.semilogx(degrees, [found.copula.profile[n] - best for n in degrees], ".-",
                   color="#4878a8")
    right.set_xlabel("degrees of freedom")
    right.set_ylabel("log-likelihood below the best")


def _stability(figure: Any, found: Calibration) -> None:
    left, right = figure.subplots(1, 2)
    day = found.fitted.shocks.history.day
    for k in _prices(found):
        fit = found.fitted.fits[k]
        when = [_years(day[w.last_day]) for w in fit.windows]
        left.plot(when, [100 * w.deviation for w in fit.windows], ".-", linewidth=1,
                  label=factor_name(fit.factor))
        right.plot(when, [w.shape for w in fit.windows], ".-", linewidth=1)
    left.set_ylabel("deviation, % per day, year to date")
    right.set_ylabel("tail index of falls, year to date")
    if left.get_legend_handles_labels()[1]:
        left.legend(fontsize=7)


def _reach(figure: Any, found: Calibration) -> None:
    axis = figure.subplots()
    columns = _prices(found)
    sets = [n for n in ("base", "floor", "stress") if n in found.moves]
    for place, name in enumerate(sets):
        moves = found.moves[name]
        try:
            fall = expected_shortfall_of(np.ascontiguousarray(moves.move[:, columns].T),
                                         level=_LEVEL)
        except BadInput:
            continue
        axis.bar(np.arange(len(columns)) + 0.27 * place, 100 * (1 - np.exp(-fall)), 0.25,
                 label=name)
    axis.set_xticks(np.arange(len(columns)) + 0.27, [
        factor_name(found.moves["base"].factors[k]) for k in columns])
    axis.set_ylabel(f"fall, %, over {found.terms.horizon_days} days")
    axis.legend(fontsize=8)
