"""A backtest as one HTML page that a risk committee can read and archive: no outside assets.

Summary first, then each model: coverage of every portfolio, the exceedances, pictures of margin
against loss for the portfolios with the largest losses over margin, the stress events one by one.
"""

from collections.abc import Iterable
from html import escape
from typing import Final

import numpy as np

from counterpoise.apps.report.backtest import (
    NOT_COMPLIANCE,
    Told,
    day,
    events_of,
    expected_shares,
    no_comparison,
    not_forecast,
    source_words,
    tally_words,
    zone_shares,
)
from counterpoise.apps.report.histogram import histogram
from counterpoise.apps.report.lines import Line, picture
from counterpoise.apps.report.table import percent
from counterpoise.apps.report.writing import writing
from counterpoise.backtest.coverage import ZONES
from counterpoise.backtest.forecast_comparison import tallies
from counterpoise.backtest.results import Judgement
from counterpoise.backtest.series import Series

PICTURES_MAX: Final = 8
_EXCEEDANCES_MAX: Final = 200
_STYLE: Final = """
body{font:14px/1.45 system-ui,sans-serif;color:#222;max-width:1500px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em}h2{margin-top:2.2em;border-bottom:2px solid #222}h3{margin-bottom:.2em}
table{border-collapse:collapse;font-size:12px;margin:.6em 0}
td,th{padding:2px 6px;text-align:right;border-bottom:1px solid #ddd}td{white-space:nowrap}
td:first-child,th:first-child,td.text{text-align:left}th{background:#f3f3f0;position:sticky;top:0}
.green{background:#d9efd9}.yellow{background:#fbf0c0}.red{background:#f6cfcb}
.warn{background:#f6cfcb;padding:.5em 1em;font-weight:600}.note{color:#555;font-size:12.5px}
svg{width:100%;max-width:900px;font:10px sans-serif}svg .grid{stroke:#e4e4e0}
svg .end{text-anchor:end}svg .mid{text-anchor:middle}
.small{display:flex;flex-wrap:wrap}figure{width:170px;margin:4px}figcaption{font-size:11px}
"""


def backtest_page(found: Told) -> str:
    """Return the page."""
    run, terms = found.run, found.terms
    warn = ('<p class="warn">SIMULATED MARKET: these numbers are generated from a seed, not '
            "observed.</p>" if run.simulated else "")
    models = "".join(_model(found, model) for model in found.judgements)
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Margin backtest</title>'
            f"<style>{_STYLE}</style><h1>Would the margin have held?</h1>{warn}"
            f"<p>{escape(terms.margin)} margin of each day against the clean loss of the same, "
            f"frozen portfolio over the next {terms.horizon_days} day(s): repriced at the market "
            f"of the end, no trades, no fees, option decay and expiries inside. "
            f"Wanted: {percent(terms.level)} of days covered.</p>"
            f"<p>{escape(source_words(run))}. Question {escape(run.digest)}.</p>"
            f"{_summary(found)}{models}{_comparisons(found)}{_events(found)}"
            f'<p class="note">{_NOTES} {escape(NOT_COMPLIANCE)}</p></html>')


_NOTES: Final = (
    "Exceeded by raw, buffered, final: the raw model, with floors and buffers, and the margin as "
    "charged; a dash where a model states no such addend. Windows longer than a day overlap: tests "
    "are on interleaved samples, the worst p-value is shown. One-sided: the exact binomial chance "
    "of so many exceedances or more under the stated rate; Holm: adjusted for the number of "
    "portfolios. Dynamic quantile: whether hits follow hits or the size of the margin, two-sided. "
    "Power: how probably Kupiec's test would notice twice the stated rate. Lead: days "
    "for which the margin had stood 10 % above its lowest of the last 30 days. Worst: largest loss "
    "over margin.")


def write_page(found: Told, path: str) -> None:
    """Write the page.

    Raises
    ------
    BadInput
        If it cannot be written.
    """
    with writing(path), open(path, "w", encoding="utf-8") as file:
        file.write(backtest_page(found))


def _summary(found: Told) -> str:
    rows = []
    for model, judgements in found.judgements.items():
        told = [j for j in judgements if j.observations]
        exceeded = sum(j.exceptions["final"] for j in told)
        total = sum(j.observations for j in told)
        worst = max(told, key=lambda j: j.largest if j.largest == j.largest else -1, default=None)
        shares, expected = zone_shares(judgements), expected_shares(judgements, found.terms)
        rows.append((model, str(len(told)), f"{total:,}", f"{exceeded:,.0f}",
                     percent(1 - exceeded / total if total else float("nan"), 2),
                     *(f"{percent(s, 0)} ({percent(e)})" for s, e in zip(
                         shares, expected, strict=True)),
                     "" if worst is None else f"{worst.largest:.2f} ({worst.portfolio})"))
    return "<h2>Summary</h2>" + _table(
        ("model", "portfolios", "portfolio-days", "exceeded", "covered",
         *(f"{z} (right models)" for z in ZONES), "largest loss over margin"), rows)


def _model(found: Told, model: str) -> str:
    judgements, series = found.judgements[model], found.series[model]
    worst = sorted((j for j in judgements if j.observations and j.largest == j.largest),
                   key=lambda j: -j.largest)[:PICTURES_MAX]
    pictures = "".join(f"<h3>{escape(j.portfolio)}</h3>{_picture(series[j.portfolio])}"
                       for j in worst)
    return (f"<h2>{escape(model)}</h2><p>Parameters {escape(found.run.versions[model])}.</p>"
            f"{_coverage(judgements)}{_forecasts(judgements)}{_exceedances(judgements)}"
            f"<h3>Margin against loss: the portfolios that came closest</h3>{pictures}")


def _coverage(judgements: tuple[Judgement, ...]) -> str:
    header = ("portfolio", "days", "exceeded raw", "buffered", "final", "covered", "Kupiec p",
              "independence p", "dynamic quantile p", "duration p", "one-sided p", "Holm", "power",
              "zone", "largest / margin", "mean short / margin", "mean margin, USD",
              "peak / trough", "rise 1 d", "rise 5 d", "rise 30 d")
    rows = "".join(
        f"<tr>{_cells(_coverage_row(j))}</tr>".replace("<td>zone:", f'<td class="{ZONES[j.zone]}">')
        for j in judgements)
    return f"<table><tr>{_heads(header)}</tr>{rows}</table>"


def _coverage_row(j: Judgement) -> tuple[str, ...]:
    s = j.stability
    steady = [percent(float(x), 0) for x in (s.rise_1d, s.rise_5d, s.rise_30d)] if s else ["–"] * 3
    return (j.portfolio, str(j.observations), *(_n(j.exceptions[k], 0) for k in (
        "raw", "buffered", "final")), percent(j.coverage, 2), _n(j.kupiec[0]),
        *(_n(p) for p in (j.independence[0], j.dynamic_quantile[0], j.duration, j.too_many, j.holm,
                          j.power)),
        f"zone:{ZONES[j.zone]}", _n(j.largest, 2), percent(j.size["mean"], 0),
        _n(j.mean_margin, 0), _n(float(s.peak_to_trough), 2) if s else "–", *steady)


def _forecasts(judgements: tuple[Judgement, ...]) -> str:
    """Return tests and pictures of the forecast distributions, and why others have none."""
    absent = "".join(f"<p>No forecast is judged for {count} portfolio(s): {escape(why)}.</p>"
                     for why, count in not_forecast(judgements).items())
    told = [(j.portfolio, f) for j in judgements if (f := j.forecast) is not None]
    if not told:
        return absent
    rows = [(name, str(f.days), str(f.breaches), *(_n(x) for x in (
        f.z1, f.z2, f.z2_p_value, f.fz0, f.calibration, f.residuals, f.intercept,
        f.dynamic_quantile, f.berkowitz, f.kolmogorov))) for name, f in told]
    pictures = "".join(f"<figure>{histogram(f.histogram)}<figcaption>{escape(name)}</figcaption>"
                       "</figure>" for name, f in told)
    return "<h3>Forecast distribution</h3>" + _table(
        ("portfolio", "days", "beyond VaR", "Z1", "Z2", "Z2 p", "FZ0", "calibration p",
         "residuals p", "intercept p", "dynamic quantile p", "Berkowitz p", "Kolmogorov p"),
        rows) + f'{absent}<p class="note">{_PIT}</p><div class="small">{pictures}</div>'


_PIT: Final = (
    "Z2 p: how often draws of the model's own law, its tail in 16 equally likely steps, give a Z2 "
    "as low. Below, the probability integral transform: days by the tenth of the forecast law in "
    "which the P&amp;L came true, the worst losses on the left. A right law fills every tenth "
    "alike (line); 95 % of single bars of a right law and independent days end inside the band.")


def _comparisons(found: Told) -> str:
    """Return who forecast the tail better, pair by pair; nothing where one model ran."""
    if len(found.judgements) < 2:
        return ""
    head, why = "<h2>Forecasts compared</h2>", no_comparison(found)
    if why:
        return f"{head}<p>A comparison {escape(why)}.</p>"
    pairs = "".join(
        f"<p>{escape(tally_words(pair))} (5 %).</p>" + _table(
            ("portfolio", "days", "mean FZ0, first less second", "Diebold-Mariano p", "Holm"),
            [(one.portfolio, str(one.days), _n(one.difference, 4), _n(one.p_value), _n(one.holm))
             for one in found.comparisons if (one.first, one.second) == (pair.first, pair.second)])
        for pair in tallies(found.comparisons))
    return f"{head}<p>FZ0 of value at risk and expected shortfall, less is better.</p>{pairs}"


def _exceedances(judgements: tuple[Judgement, ...]) -> str:
    every = sorted(((e, j.portfolio) for j in judgements for e in j.exceedances),
                   key=lambda one: (one[0].at, one[1]))
    if not every:
        return "<p>No loss was larger than the margin.</p>"
    rows = [(day(e.at), name, _n(e.loss, 0), _n(e.margin, 0), _n(e.shortfall, 0), percent(
        e.shortfall / e.margin if e.margin > 0 else float("nan"), 0), str(e.lead_days), e.worst)
        for e, name in every[:_EXCEEDANCES_MAX]]
    more = f"<p>and {len(every) - _EXCEEDANCES_MAX} more.</p>" if len(
        every) > _EXCEEDANCES_MAX else ""
    return f"<h3>Exceedances ({len(every)})</h3>" + _table(
        ("margin of", "portfolio", "loss, USD", "margin, USD", "short, USD", "short / margin",
         "lead, days", "scenario behind the margin"), rows) + more


def _events(found: Told) -> str:
    pages = []
    for event, page in events_of(found).items():
        rows = [(f"{model}: {name}", day(int(s.at[k])), _n(float(s.margin[k]), 0),
                 _n(float(s.loss[k]), 0), _n(float(s.shortfall[k]), 0),
                 percent(float(s.loss[k] / s.margin[k]) if s.margin[k] > 0 else float("nan"), 0))
                for model, name, s, k in sorted(page, key=lambda one: -_of_margin(one[2], one[3]))]
        pages.append(f"<h3>{escape(event.name)}, {day(event.first)[:10]}</h3>" + _table(
            ("portfolio", "margin of", "margin, USD", "loss, USD", "short, USD", "loss / margin"),
            rows[:15]))
    return "<h2>Stress events</h2>" + "".join(pages) if pages else ""


def _of_margin(series: Series, row: int) -> float:
    return float(series.loss[row] / series.margin[row]) if series.margin[row] > 0 else -np.inf


def _picture(series: Series) -> str:
    hit = series.shortfall > 0
    return picture([
        Line(name="raw model", at=series.at, y=series.raw, colour="#9cc3ea"),
        Line(name="margin", at=series.at, y=series.margin, colour="#1f5fa8"),
        Line(name="loss of the period", at=series.at, y=np.maximum(series.loss, 0.0),
             colour="#888888"),
        Line(name="exceeded", at=series.at[hit], y=series.loss[hit], colour="#c0392b",
             kind="dots")], unit="USD")


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return f"<table><tr>{_heads(header)}</tr>{body}</table>"


def _heads(header: tuple[str, ...]) -> str:
    return "".join(f"<th>{escape(h)}</th>" for h in header)


def _cells(row: tuple[str, ...]) -> str:
    return "".join(f"<td>{escape(cell)}</td>" for cell in row)


def _n(x: float, decimals: int = 3) -> str:
    return "–" if x != x else f"{x:,.{decimals}f}"
