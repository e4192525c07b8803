"""How do the rule books differ, as a picture? Initial and maintenance margin as bars, by model.

PNG by matplotlib, HTML by plotly, both from the extra `plot`.
"""

from typing import Final

from counterpoise.apps.comparison import Comparison, ModelMargin
from counterpoise.apps.report.comparison import NUMERAIRE
from counterpoise.apps.report.pictures import refuse_undrawable
from counterpoise.apps.report.source import source_line
from counterpoise.apps.report.writing import writing
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import day_text, format_instant

_INITIAL: Final = "#1f4e79"
_MAINTENANCE: Final = "#9dc3e6"


def draw(comparison: Comparison, path: str) -> None:
    """Write the bars of one account to `path`, whose ending says which kind.

    Raises
    ------
    BadInput
        If the ending is unknown, the extra `plot` is missing, the file cannot be written, or no
        model gives a number.
    """
    refuse_undrawable(path)
    rows = [row for row in comparison.rows if row.initial == row.initial]
    if not rows:
        raise bad_input(Reason.NOT_APPLICABLE, path, "has nothing to draw: no model gives a number")
    market = comparison.portfolio.market
    title = (f"{rows[0].account}: margin by rule book, {format_instant(market.as_of)[:16]}Z\n"
             f"{source_line(market)}")
    with writing(path):
        (_png if path.lower().endswith(".png") else _html)(rows, path, title)


def _names(rows: list[ModelMargin]) -> list[str]:
    days = {row.parameters_as_of for row in rows}
    return [row.model if len(days) == 1 else f"{row.model}, {day_text(row.parameters_as_of)}"
            for row in rows]


def _png(rows: list[ModelMargin], path: str, title: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 1.6 + 0.55 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    place = [float(k) for k in range(len(rows))]
    axis.barh([k - 0.2 for k in place], [row.initial for row in rows], 0.4, color=_INITIAL,
              label="initial")
    axis.barh([k + 0.2 for k in place], [row.maintenance for row in rows], 0.4,
              color=_MAINTENANCE, label="maintenance")
    axis.set_yticks(place, _names(rows))
    axis.invert_yaxis()
    axis.set_xlabel(f"margin, {NUMERAIRE}")
    axis.legend()
    figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=110, metadata={"Software": "counterpoise"})


def _html(rows: list[ModelMargin], path: str, title: str) -> None:
    from plotly.graph_objects import Bar, Figure

    names = _names(rows)
    figure = Figure([
        Bar(y=names, x=[row.initial for row in rows], name="initial", orientation="h",
            marker_color=_INITIAL),
        Bar(y=names, x=[row.maintenance for row in rows], name="maintenance", orientation="h",
            marker_color=_MAINTENANCE)])
    figure.update_layout(title=title.replace("\n", "<br>"), template="simple_white",
                         barmode="group", height=200 + 60 * len(rows))
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title_text=f"margin, {NUMERAIRE}")
    figure.write_html(path, include_plotlyjs=True)
