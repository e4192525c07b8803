"""An impact report as one HTML page to be filed with a decision: no outside assets.

The summary by segment and pool, every step, a picture of what each account needs more, and the
accounts that would stand worse.
"""

from collections.abc import Iterable
from html import escape
from typing import Any, Final

import numpy as np

from counterpoise.apps.impact_report import ImpactReport
from counterpoise.apps.report.governance import (
    BEYOND_HEADER,
    GROUP_HEADER,
    LIMIT_HEADER,
    account_rows,
    beyond_rows,
    group_rows,
    limit_rows,
    worst_rows,
)
from counterpoise.apps.report.writing import writing
from counterpoise.governance.impact import Impact
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import format_instant

ROWS_MAX: Final = 500
_BINS: Final = (-np.inf, -0.5, -0.2, -0.1, -0.05, -1e-9, 1e-9, 0.05, 0.1, 0.2, 0.5, 1.0, np.inf)
_LABELS: Final = ("-50% or less", "-50..-20%", "-20..-10%", "-10..-5%", "-5..0%", "none",
                  "0..5%", "5..10%", "10..20%", "20..50%", "50..100%", "more")
_WIDTH: Final = 860
_ROW: Final = 20
_LEFT: Final = 110
_STYLE: Final = """
body{font:14px/1.45 system-ui,sans-serif;color:#222;max-width:1200px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em}h2{margin-top:2.2em;border-bottom:2px solid #222}
table{border-collapse:collapse;font-size:12px;margin:.6em 0}
td,th{padding:2px 6px;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}th{background:#f3f3f0}
.warn{background:#f6cfcb;padding:.5em 1em;font-weight:600}
svg{width:100%;max-width:900px;font:11px sans-serif}
"""


def write_page(report: ImpactReport, path: str) -> None:
    """Write the page.

    Raises
    ------
    BadInput
        As `refuse_unwritable`, or if it cannot be written.
    """
    refuse_unwritable(path)
    with writing(path), open(path, "w", encoding="utf-8") as file:
        file.write(impact_page(report))


def refuse_unwritable(path: str) -> None:
    """Refuse a name that does not end in .html.

    Raises
    ------
    BadInput
        If it does not.
    """
    if not path.lower().endswith((".html", ".htm")):
        raise bad_input(Reason.BAD_VALUE, path, "is no name of a page; end it with .html")


def impact_page(report: ImpactReport) -> str:
    """Return the page."""
    asked, market = report.proposal, report.market
    warn = ('<p class="warn">SIMULATED MARKET: these numbers are generated from a seed, not '
            "observed.</p>" if market.simulated else "")
    beyond = [s for step in report.steps for s in step.beyond]
    judged = "".join(f'<p class="warn">Beyond the limits of impact: {escape(s)}</p>'
                     for s in beyond) or "<p>Nothing of it is beyond the limits of impact.</p>"
    steps = "".join(
        f"<h3>Version {s.number}, from {format_instant(s.effective_from)[:19]}Z</h3>"
        f"{_groups(s.impact)}" for s in report.steps) if len(report.steps) > 1 else ""
    worst = worst_rows(report.whole)
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Impact</title>'
            f"<style>{_STYLE}</style><h1>What {escape(asked.id)} would do to "
            f"{escape(asked.segment)}</h1>{warn}<p>“{escape(asked.reason)}”, proposed by "
            f"{escape(asked.proposed_by)}. Every account under the terms in force and under the "
            f"proposed ones, at {format_instant(market.as_of)[:19]}Z, record {report.record} of "
            f"the log, {escape(market.source)}.</p>{judged}"
            f"<h2>By segment and pool</h2>{_groups(report.whole)}{steps}{_exposure(report)}"
            f"<h2>How much more initial margin, by account</h2>{_picture(report.whole)}"
            f"<h2>Accounts that would stand worse, or need more</h2>"
            + _table(("account", "pool", "initial now", "then", "has", "stands", "would stand"),
                     account_rows(report, worst[:ROWS_MAX]))
            + (f"<p>and {len(worst) - ROWS_MAX} more.</p>" if len(worst) > ROWS_MAX else "")
            + f"<p>Impact {report.digest}: what approvals refer to.</p></html>")


def _groups(impact: Impact) -> str:
    return _table(GROUP_HEADER, group_rows(impact))


def _exposure(report: ImpactReport) -> str:
    """Return who is beyond which limit of exposure, where the limits are what changes."""
    if not report.exposure:
        return ""
    rows = beyond_rows(report)
    return ("<h2>Limits of exposure</h2>" + _table(LIMIT_HEADER, limit_rows(report))
            + "<h2>Who is beyond them</h2>" + _table(BEYOND_HEADER, rows[:ROWS_MAX])
            + (f"<p>and {len(rows) - ROWS_MAX} more.</p>" if len(rows) > ROWS_MAX else ""))


def _picture(impact: Impact) -> str:
    """Return bars: how many accounts need so much more, as a fraction of what they needed."""
    before, after = impact.initial_before, impact.initial_after
    known = (before > 0) & np.isfinite(after)
    share: Any = after[known] / before[known] - 1
    counts = [int(np.count_nonzero((share > low) & (share <= high)))
              for low, high in zip(_BINS, _BINS[1:], strict=False)]
    most, out = max(*counts, 1), []
    for k, (label, count) in enumerate(zip(_LABELS, counts, strict=True)):
        y, width = _ROW * k, (_WIDTH - _LEFT - 60) * count / most
        colour = "#4878a8" if k < 5 else "#999999" if k == 5 else "#c0392b"
        out.append(f'<text x="{_LEFT - 6}" y="{y + 14}" text-anchor="end">{escape(label)}</text>'
                   f'<rect x="{_LEFT}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 6}" '
                   f'fill="{colour}"/><text x="{_LEFT + width + 5:.1f}" y="{y + 14}">{count}'
                   "</text>")
    return (f'<svg viewBox="0 0 {_WIDTH} {_ROW * len(_LABELS)}" role="img" '
            f'xmlns="http://www.w3.org/2000/svg">{"".join(out)}</svg>')


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
                   for row in rows)
    return f"<table><tr>{''.join(f'<th>{escape(h)}</th>' for h in header)}</tr>{body}</table>"
