"""How does the risk of an account look? P&L over price and volatility, and by position.

Left the heat map of each risk unit with the cells that the model counts and the worst of them
ringed; right the P&L over price, position by position, at unchanged volatility. PNG by matplotlib,
HTML by plotly, both from the extra `plot`.
"""

from typing import Any, Final

import numpy as np

from counterpoise.apps.answer import Answer
from counterpoise.apps.report.source import source_line
from counterpoise.apps.report.table import amount
from counterpoise.apps.report.writing import writing
from counterpoise.apps.surface import Surface, surfaces
from counterpoise.margin.worst import in_words
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import format_instant

_KINDS: Final = (".png", ".html")
_INK: Final = "#222222"


def refuse_undrawable(path: str) -> None:
    """Refuse a picture that could not be drawn, before anything is computed for it.

    Raises
    ------
    BadInput
        If the ending is unknown or the extra `plot` is missing.
    """
    try:
        if _kind(path) == ".png":
            import matplotlib.backends.backend_agg
            import matplotlib.figure  # noqa: F401
        else:
            import plotly.graph_objects
            import plotly.subplots  # noqa: F401
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, path, "needs the extra for pictures: "
                        "pip install counterpoise[plot]") from None


def _kind(path: str) -> str:
    kind = path[path.rfind("."):].lower() if "." in path else ""
    if kind not in _KINDS:
        raise bad_input(Reason.BAD_VALUE, path, "has an ending that is no picture here; use .png "
                        "or .html")
    return kind


def draw(answer: Answer, path: str, *, name: str = "") -> None:
    """Write the picture of one account to `path`, whose ending says which kind.

    Raises
    ------
    BadInput
        If the ending is unknown, the extra `plot` is missing, the file cannot be written, or there
        is nothing to draw.
    """
    refuse_undrawable(path)
    drawn = surfaces(answer)
    title = _title(answer, name)
    with writing(path):
        (_png if _kind(path) == ".png" else _html)(drawn, path, title)


def _title(answer: Answer, name: str) -> str:
    pools = ", ".join(f"initial {amount(p.initial, p.currency)} {p.currency}"
                      for p in answer.pools if p.initial == p.initial)
    about = f"{name}: " if name else ""
    return (f"{about}{answer.model.title}, {format_instant(answer.portfolio.as_of)[:16]}Z, "
            f"{pools}\n{source_line(answer.portfolio.market)}")


def _worst_text(surface: Surface) -> str:
    cell = surface.worst
    return "" if cell is None else (
        f"worst: {in_words(cell)}, {amount(-cell.loss, surface.currency)} {surface.currency}")


def _worst_at(surface: Surface) -> tuple[float, float]:
    """Return (move, shift) of the worst cell."""
    assert surface.worst is not None
    moves, shifts = surface.counted
    k = surface.worst.scenario - 1
    return float(moves[k]), float(shifts[k])


def _shown_cells(surface: Surface) -> np.ndarray[Any, Any]:
    moves, shifts = surface.counted
    inside = (moves >= surface.move[0]) & (moves <= surface.move[-1])
    return np.stack([100 * moves[inside], 100 * shifts[inside]])


def _shift_axis(surface: Surface) -> str:
    return f"30-day volatility shift, {'% of itself' if surface.relative else 'vol points'}"


def _png(drawn: tuple[Surface, ...], path: str, title: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 1.0 + 4.6 * len(drawn)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(drawn), 2, squeeze=False)
    figure.suptitle(title, fontsize=11, color=_INK)
    for (left, right), surface in zip(axes, drawn, strict=True):
        _heat(figure, left, surface)
        _lines(right, surface)
    figure.savefig(path, dpi=110, metadata={"Software": "counterpoise"})


def _heat(figure: Any, axis: Any, surface: Surface) -> None:
    limit = float(np.nanmax(np.abs(surface.pnl))) or 1.0
    mesh = axis.pcolormesh(100 * surface.move, 100 * surface.shift, surface.pnl, cmap="RdBu",
                           vmin=-limit, vmax=limit, shading="nearest", rasterized=True)
    if surface.pnl.min() < 0 < surface.pnl.max():
        axis.contour(100 * surface.move, 100 * surface.shift, surface.pnl, levels=[0.0],
                     colors=_INK, linewidths=0.8)
    axis.plot(*_shown_cells(surface), ".", color=_INK, markersize=3)
    move, shift = _worst_at(surface)
    axis.plot([100 * move], [100 * shift], "o", markersize=13, markerfacecolor="none",
              markeredgecolor="#d4a000", markeredgewidth=2.5)
    axis.set_title(f"{surface.unit}   {_worst_text(surface)}", fontsize=10)
    axis.set_xlabel("price move, %")
    axis.set_ylabel(_shift_axis(surface))
    figure.colorbar(mesh, ax=axis, label=f"profit and loss, {surface.currency}")


def _lines(axis: Any, surface: Surface) -> None:
    for name, curve in surface.curves.items():
        axis.plot(100 * surface.move, curve, linewidth=1.0, label=name)
    axis.plot(100 * surface.move, np.sum(list(surface.curves.values()), axis=0), color=_INK,
              linewidth=2.2, label="together")
    axis.axhline(0.0, color="#999999", linewidth=0.6)
    axis.set_title("by position, volatility unchanged", fontsize=10)
    axis.set_xlabel("price move, %")
    axis.set_ylabel(f"profit and loss, {surface.currency}")
    axis.legend(fontsize=7)


def _html(drawn: tuple[Surface, ...], path: str, title: str) -> None:
    from plotly.graph_objects import Figure
    from plotly.subplots import make_subplots

    titles = [t for s in drawn for t in (f"{s.unit}   {_worst_text(s)}",
                                         "by position, volatility unchanged")]
    figure: Figure = make_subplots(rows=len(drawn), cols=2, subplot_titles=titles,
                                   horizontal_spacing=0.16)
    for row, surface in enumerate(drawn, 1):
        _html_row(figure, row, surface)
    figure.update_layout(title=title.replace("\n", "<br>"), height=150 + 430 * len(drawn),
                         template="simple_white")
    figure.write_html(path, include_plotlyjs=True)


def _html_row(figure: Any, row: int, surface: Surface) -> None:
    from plotly.graph_objects import Heatmap, Scatter

    move = 100 * surface.move
    figure.add_trace(Heatmap(x=move, y=100 * surface.shift, z=surface.pnl, zmid=0.0,
                             colorscale="RdBu", colorbar={"x": 0.43, "title": surface.currency}),
                     row=row, col=1)
    moves, shifts = _shown_cells(surface)
    figure.add_trace(Scatter(x=moves, y=shifts, mode="markers", name="counted by the model",
                             marker={"color": _INK, "size": 4}, showlegend=False), row=row, col=1)
    worst = _worst_at(surface)
    figure.add_trace(Scatter(x=[100 * worst[0]], y=[100 * worst[1]], mode="markers",
                             name=_worst_text(surface), showlegend=False,
                             marker={"symbol": "circle-open", "size": 18, "color": "#d4a000",
                                     "line": {"width": 3}}), row=row, col=1)
    whole = {"together": np.sum(list(surface.curves.values()), axis=0)}
    for name, curve in (surface.curves | whole).items():
        figure.add_trace(Scatter(x=move, y=curve, mode="lines", name=name), row=row, col=2)
    figure.update_xaxes(title_text="price move, %", row=row)
    figure.update_yaxes(title_text=_shift_axis(surface), row=row, col=1)
    figure.update_yaxes(title_text=f"profit and loss, {surface.currency}", row=row, col=2)
