"""What did a calibration find, and how far is it to be trusted? A table, and a page with plots.

The page is one file of HTML with pictures inside it (SVG), no script and nothing from elsewhere.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

from counterpoise.apps.report.calibration_plots import plots
from counterpoise.apps.report.table import heading, percent, significant, table
from counterpoise.apps.report.writing import writing
from counterpoise.calibration.calibrate import Calibration

Object = dict[str, Any]
_STYLE: Final = ("body{font:15px/1.45 sans-serif;max-width:70em;margin:2em auto;color:#222}"
                 "table{border-collapse:collapse;font-size:13px}td,th{padding:.15em .7em;"
                 "text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child"
                 "{text-align:left}.warn{background:#fff3cd;padding:.6em}svg{max-width:100%;"
                 "height:auto}code{word-break:break-all}")
_FACTOR_HEAD: Final = ("factor", "moves", "now", "long run", "half-life", "decay", "tail index",
                       "drawn", "R squared")

_FILTER_HEAD: Final = ("factor", "filtered by", "days", "level", "QLIKE", "of EWMA",
                       "of the recursion", "why not the forecast")
_PRIOR_HEAD: Final = ("factor", "own days", "prior days", "weight", "scale", "from")


def calibration_lines(document: Object) -> list[str]:
    """Return a calibration as lines for a terminal."""
    together = document["dependence"]
    lines = [f"{document['source']}", f"as of {document['as_of']}, history "
             f"{document['history_digest'][:16]}", "", *table(
                 _FACTOR_HEAD, [_row(f) for f in document["factors"]])]
    lines += ["", heading("together"), f"  t copula of {together['copula_degrees']} degrees and "
              f"DCC a {together['dcc']['a']:.4f}, b {together['dcc']['b']:.4f} on "
              f"{together['days']} days of {len(together['factors'])} factors",
              f"  eigenvalues {_eigenvalues(together['eigenvalues'])}", "", heading("moves")]
    lines += [f"  {name}: {m['scenarios']} scenarios, {m['digest'][:16]}"
              for name, m in document["moves"].items()]
    if document["priors"]:
        lines += ["", heading("stated priors, our reading"), *table(
            _PRIOR_HEAD, _prior_rows(document))]
    if _filter_rows(document):
        lines += ["", heading(_filter_title(document)), *table(
            _FILTER_HEAD, _filter_rows(document)), _other_filters(document)]
    if document["left_out"]:
        lines += ["", heading("left out")]
        lines += [f"  {f['factor']} {f['why']}" for f in document["left_out"]]
    if "parameters_file" in document:
        lines += ["", f"parameters in {document['parameters_file']}, arrays "
                  f"{document['arrays_sha256'][:16]}"]
    return [*lines, "", *(f"{text}" for text in document["our_readings"])]


def _prior_rows(document: Object) -> list[list[str]]:
    return [[p["factor"], f"{p['own_days']:,}", f"{p['prior_days']:,}", percent(p["weight"], 0),
             f"{p['scale']:.2f}", p["reading"]] for p in document["priors"]]


def _filter_title(document: Object) -> str:
    forecast = document["forecast"]
    return (f"the forecast {forecast['name']}, frozen set {forecast['frozen_digest'][:16]}, on "
            f"data {forecast['data_digest'][:16]}")


def _filter_rows(document: Object) -> list[list[str]]:
    """Return the factors of which the forecast says something; none where it was not asked."""
    return [[f["factor"], one["name"], f"{one['days']:,}", f"{one['level']:.3f}",
             *(f"{one['qlike'][name]:.4f}" if one["qlike"].get(name) is not None else "?"
               for name in ("combination", "ewma", "gjr_ewma")), one["why"]]
            for f in document["factors"] if (one := f["filter"])["qlike"]]


def _other_filters(document: Object) -> str:
    """Return why the other factors keep their recursions, each reason once."""
    reasons: dict[str, list[str]] = {}
    for f in document["factors"]:
        if f["filter"]["why"] and not f["filter"]["qlike"]:
            reasons.setdefault(f["filter"]["why"], []).append(f["factor"])
    return "; ".join(f"{', '.join(names)}: by their recursions, {why}"
                     for why, names in reasons.items())


def _row(f: Object) -> list[str]:
    tail = f["lower_tail"]
    half = f["half_life_days"]
    return [f["factor"], f"{f['known']:,}", significant(f["deviation_now"], 3),
            significant(f["deviation_long_run"], 3), "none" if half is None else f"{half:.0f} d",
            "?" if f["ewma_decay"] is None else f"{f['ewma_decay']:g}",
            "?" if tail is None else f"{tail['shape']:.2f} ({tail['shape_error']:.2f})",
            percent(f["drawn_share"], 0), "" if f["drawn_r_squared"] is None
            else f"{f['drawn_r_squared']:.2f}"]


def _eigenvalues(values: Sequence[float]) -> str:
    shown = ", ".join(f"{v:.2f}" for v in values[:5])
    return f"{shown} ... {values[-1]:.2g}; the first carries {percent(values[0] / sum(values), 0)}"


def write_report(path: str, found: Calibration, document: Object) -> None:
    """Write the page of a calibration.

    Raises
    ------
    BadInput
        If the path cannot be written or the extra `plot` is missing.
    """
    page = "\n".join(_page(document, plots(found)))
    with writing(path), open(path, "w", encoding="utf-8") as file:
        file.write(page)


def _page(document: Object, pictures: dict[str, str]) -> Iterator[str]:
    title = f"Calibration of {document['as_of']}"
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    yield f"<style>{_STYLE}</style><h1>{title}</h1>"
    if document["simulated"]:
        yield ("<p class=warn>The history is SIMULATED. No margin that somebody depends on may "
               "rest on it.</p>")
    yield f"<p>{escape(document['source'])}</p>"
    yield from _settings(document)
    yield "<h2>Factors</h2><p>Deviations are per day. The half-life is that of a shock to " \
          "variance; the tail index that of falls of the residuals, with its standard error; " \
          "from 1 on there would be no expected shortfall.</p>"
    yield from _table(_FACTOR_HEAD, [_row(f) for f in document["factors"]])
    for name, picture in pictures.items():
        yield f"<h2>{escape(name)}</h2>{picture}"
    yield "<h2>Volatility recursions</h2>"
    yield from _table(("factor", "alpha", "gamma", "beta", "degrees", "or why not"), [
        [f["factor"], *_gjr(f["gjr"]), f["refusal"]] for f in document["factors"]])
    yield "<h2>Joint moves</h2>"
    yield from _table(("set", "scenarios", "digest", "how"), [
        [n, str(m["scenarios"]), m["digest"][:16], m["method"]]
        for n, m in document["moves"].items()])
    yield "<h2>Stated priors</h2><p>Our reading: moves of longer related series stand in where a " \
          "factor is not known. The weight is that of the prior in their scale.</p>"
    yield from _table(_PRIOR_HEAD, _prior_rows(document) or [["none", *[""] * 5]])
    if _filter_rows(document):
        yield f"<h2>Volatility by {escape(_filter_title(document))}</h2><p>It filters a price " \
              "where its mean QLIKE over the last days is below both others; its deviations were " \
              "multiplied by the level.</p>"
        yield from _table(_FILTER_HEAD, _filter_rows(document))
        yield f"<p>{escape(_other_filters(document))}</p>"
    yield "<h2>Left out</h2>"
    yield from _table(("factor", "why"), [[f["factor"], f["why"]] for f in document["left_out"]]
                      or [["none", ""]])
    yield "<h2>Readings</h2><ul>"
    yield from (f"<li>{escape(text)}</li>" for text in document["our_readings"])
    yield "</ul></html>"


def _settings(document: Object) -> Iterator[str]:
    rows = [["as of", document["as_of"]], ["level", f"{document['level']:g}"],
            *([name, str(value)] for name, value in document["terms"].items()),
            ["kinds that stand still where a coin has none", ", ".join(document["still"]) or "-"],
            ["history digest", document["history_digest"]], ["engine", document["engine"]]]
    if "arrays_sha256" in document:
        rows.append(["parameters file, SHA-256 of its arrays", document["parameters_file"] + " "
                     + document["arrays_sha256"]])
    yield from _table(("setting", "value"), rows)


def _gjr(terms: Object | None) -> list[str]:
    if terms is None:
        return ["-"] * 4
    errors = terms["errors"]
    cells = [f"{terms[n]:.3f}" + (f" ({errors[n]:.3f})" if errors.get(n) is not None else "")
             for n in ("alpha", "gamma", "beta")]
    return [*cells, "none" if terms["degrees"] is None else f"{terms['degrees']:.1f}"]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{escape(h)}</th>" for h in head) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</table>"
