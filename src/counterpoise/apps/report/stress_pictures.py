"""How does a stress look? Losses by event, heat maps of price and volatility, a path with its call.

One HTML page by plotly, from the extra `plot`, without assets from elsewhere: it can be mailed.
What the text says of its numbers, our readings among it, stands below the pictures.
"""

from html import escape
from typing import Any, Final

import numpy as np

from counterpoise.apps.report.reverse import HEADER, reverse_notes, reverse_rows
from counterpoise.apps.report.source import source_line
from counterpoise.apps.report.stress import stress_notes
from counterpoise.apps.report.table import amount
from counterpoise.apps.report.writing import writing
from counterpoise.apps.stress import DAYS, PRICES, VOLS, StressReport
from counterpoise.margin.stress import losses
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import format_instant

_LOSS: Final = "#b03a2e"
_NEED: Final = "#1f4e79"
_BALANCE: Final = "#222222"
_TALL: Final = 380


def refuse_undrawable(path: str) -> None:
    """Refuse a picture that could not be drawn, before anything is computed for it.

    Raises
    ------
    BadInput
        If the ending is not .html or the extra `plot` is missing.
    """
    if not path.lower().endswith(".html"):
        raise bad_input(Reason.BAD_VALUE, path, "has an ending that is no report here; use .html")
    try:
        import plotly.graph_objects
        import plotly.subplots  # noqa: F401
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, path, "needs the extra for pictures: "
                        "pip install counterpoise[plot]") from None


def draw(report: StressReport, path: str, *, name: str = "") -> None:
    """Write the page of one account to `path`: every pool has its rows of pictures.

    Raises
    ------
    BadInput
        If the file cannot be written, or as `refuse_undrawable`.
    """
    refuse_undrawable(path)
    from plotly.subplots import make_subplots

    rows = len(report.answer.pools)
    days = [f"price and volatility, {_later(day)}" for day in DAYS]
    blocks = [[{"colspan": 2}, None, {}], [{}, {}, {}]]
    titles = [t for pool in report.answer.pools for t in (
        f"{pool.account}, {pool.currency}: loss by event, initial margin dashed",
        f"{report.path_event}: balance and maintenance by minute", *days)]
    last: list[list[Any]] = [] if report.reverse is None else [
        [{"type": "table", "colspan": 3}, None, None]]
    figure: Any = make_subplots(rows=2 * max(rows, 1) + len(last), cols=3,
                                specs=blocks * max(rows, 1) + last,
                                subplot_titles=titles, horizontal_spacing=0.1)
    for row in range(rows):
        _events(figure, report, row)
        _path(figure, report, row)
        _cubes(figure, report, row)
    _reverse(figure, report, 2 * max(rows, 1) + 1)
    market = report.question.portfolio.market
    figure.update_layout(
        title=f"{name}: {report.answer.model.title}, stress of "
        f"{format_instant(report.question.portfolio.as_of)[:16]}Z<br>{source_line(market)}",
        height=160 + _TALL * (2 * max(rows, 1) + len(last)), template="simple_white",
        showlegend=False)
    figure.update_annotations(font_size=12)
    with writing(path), open(path, "w", encoding="utf-8") as file:
        file.write(_page(figure, report, name))


def _page(figure: Any, report: StressReport, name: str) -> str:
    """Return the whole page: the pictures, and what to know about their numbers."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in stress_notes(report))
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Stress of '
            f"{escape(name)}</title></head><body style=\"font-family:sans-serif\">"
            f"{figure.to_html(full_html=False, include_plotlyjs=True)}"
            f"<h3>What to know about these numbers</h3><ul>{notes}</ul></body></html>\n")


def _later(days: float) -> str:
    return "at once" if days == 0 else "a day later" if days == 1 else f"{days:g} days later"


def _events(figure: Any, report: StressReport, row: int) -> None:
    from plotly.graph_objects import Bar

    lost = losses(report.events)[1:, row]
    order = np.argsort(np.nan_to_num(lost), kind="stable")
    place = {"row": 2 * row + 1, "col": 1}
    currency = report.answer.pools[row].currency
    figure.add_trace(Bar(y=[report.events.labels[1 + k] for k in order.tolist()], x=lost[order],
                         orientation="h", marker_color=_LOSS,
                         text=[amount(float(lost[k]), currency) for k in order.tolist()]), **place)
    initial = report.events.initial[0, row]
    if initial == initial:
        figure.add_vline(x=float(initial), line={"dash": "dash", "color": _NEED, "width": 2},
                         opacity=1.0, **place)
    figure.update_xaxes(title_text=f"loss, {currency}", **place)


def _path(figure: Any, report: StressReport, row: int) -> None:
    from plotly.graph_objects import Scatter

    place = {"row": 2 * row + 1, "col": 3}
    for values, colour, label in ((report.path.balance, _BALANCE, "margin balance"),
                                  (report.path.maintenance, _NEED, "maintenance")):
        figure.add_trace(Scatter(x=report.path_minutes, y=values[:, row], mode="lines", name=label,
                                 line={"color": colour}), **place)
        # Named at its end: a legend would stand for the pictures of every row at once.
        figure.add_annotation(x=float(report.path_minutes[-1]), y=float(values[-1, row]),
                              text=label, showarrow=False, xanchor="right", yshift=9,
                              font={"color": colour, "size": 12}, **place)
    figure.update_xaxes(title_text="minute", **place)
    figure.update_yaxes(title_text=report.answer.pools[row].currency, **place)


def _cubes(figure: Any, report: StressReport, row: int) -> None:
    from plotly.graph_objects import Heatmap

    currency = report.answer.pools[row].currency
    whole = 2 * len(report.answer.pools) + (report.reverse is not None)
    tables = [-losses(cube)[1:, row].reshape(len(VOLS), len(PRICES)) for cube in report.cube]
    limit = float(np.nanmax(np.abs(np.stack(tables)), initial=0.0)) or 1.0
    for column, pnl in enumerate(tables, 1):
        place = {"row": 2 * row + 2, "col": column}
        figure.add_trace(Heatmap(
            x=[100 * p for p in PRICES], y=[100 * v for v in VOLS], z=pnl, zmin=-limit, zmax=limit,
            colorscale="RdBu", showscale=column == len(tables),
            colorbar={"title": f"P&L, {currency}", "len": 0.8 / whole, "yanchor": "bottom",
                      "y": 1 - (2 * row + 2) / whole},
            hovertemplate="price %{x} %, volatility %{y} %: %{z:,.2f}<extra></extra>"), **place)
        figure.update_xaxes(title_text="price move, %", **place)
        figure.update_yaxes(title_text="volatility, % of itself", **place)


def _reverse(figure: Any, report: StressReport, row: int) -> None:
    from plotly.graph_objects import Table

    if report.reverse is None:
        return
    columns = [list(c) for c in zip(*reverse_rows(report.reverse), strict=True)]
    before = ["note", *[""] * (len(HEADER) - 3)]
    for note in reverse_notes(report.reverse):
        for column, text in zip(columns, (*before, note, ""), strict=True):
            column.append(text)
    figure.add_trace(Table(header={"values": list(HEADER), "align": "left"},
                           cells={"values": columns, "align": "left"},
                           columnwidth=[2, 2, 1, 2, 8, 3]), row=row, col=1)
