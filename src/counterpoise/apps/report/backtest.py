"""How is a backtest told: as text for a terminal, and as one JSON object?"""

from collections.abc import Callable
from typing import Final

from counterpoise.apps.backtest import Run
from counterpoise.apps.report.document import Object
from counterpoise.apps.report.table import heading, percent, table
from counterpoise.backtest.coverage import ZONES, expected_zone_shares
from counterpoise.backtest.events import StressEvent, overlapping
from counterpoise.backtest.forecast import Forecast
from counterpoise.backtest.forecast_comparison import (
    ForecastComparison,
    Tally,
    compared_forecasts,
    tallies,
)
from counterpoise.backtest.procyclicality import Procyclicality
from counterpoise.backtest.results import Judgement, judged_series
from counterpoise.backtest.series import Series, Terms, series_of
from counterpoise.values.frozen import frozen
from counterpoise.values.time import format_instant

_SHOWN: Final = 12
SIMULATED: Final = "SIMULATED MARKET"
NOT_COMPLIANCE: Final = ("Shapes and levels follow public standards of clearing houses; this is no "
                         "claim of compliance with any.")


@frozen
class Told:
    """A run judged: what every report is made of."""

    run: Run
    terms: Terms
    judgements: dict[str, tuple[Judgement, ...]]
    series: dict[str, dict[str, Series]]
    comparisons: tuple[ForecastComparison, ...]


def told(run: Run, terms: Terms) -> Told:
    """Return the run judged under these terms."""
    series = {m: series_of(seen, terms.margin) for m, seen in run.seen.items()}
    return Told(run=run, terms=terms, series=series,
                judgements={m: judged_series(own, terms) for m, own in series.items()},
                comparisons=compared_forecasts(series, terms))


def not_forecast(judgements: tuple[Judgement, ...]) -> dict[str, int]:
    """Return {why a distribution is not judged: portfolios}, the most frequent reason first."""
    said = [j.no_forecast for j in judgements if j.no_forecast]
    return dict(sorted(((why, said.count(why)) for why in dict.fromkeys(said)),
                       key=lambda pair: -pair[1]))


def no_comparison(found: Told) -> str:
    """Return why no forecasts are compared, "" where some are."""
    if found.comparisons:
        return ""
    told = [m for m, js in found.judgements.items() if any(j.forecast for j in js)]
    return (f"takes two models that forecast a distribution; here {len(told)} of "
            f"{len(found.judgements)} do")


def source_words(run: Run) -> str:
    """Return where the numbers come from; simulated ones in capitals."""
    return f"{SIMULATED} ({run.source})" if run.simulated else run.source


def day(instant: int) -> str:
    """Return the UTC minute of an instant."""
    return format_instant(instant)[:16] + "Z"


def zone_shares(judgements: tuple[Judgement, ...]) -> list[float]:
    """Return the share of portfolios in each zone."""
    return [sum(j.zone == z for j in judgements) / max(len(judgements), 1)
            for z in range(len(ZONES))]


def expected_shares(judgements: tuple[Judgement, ...], terms: Terms) -> list[float]:
    """Return the shares of right models in each zone, were portfolios independent."""
    n = max((j.observations for j in judgements), default=0) // terms.horizon_days
    if not n:
        return [float("nan")] * len(ZONES)
    return [float(x) for x in expected_zone_shares(n, round(1 - terms.level, 12))]


def backtest_text(found: Told, *, bold: bool = False) -> list[str]:
    """Return the report as lines: a table per model, then exceedances and events."""
    run, terms = found.run, found.terms
    lines = [heading(f"Backtest: {terms.margin} margin against clean losses of "
                     f"{terms.horizon_days} day(s), {percent(terms.level)} wanted", bold=bold),
             source_words(run), f"question {run.digest[:16]}", ""]
    for model, judgements in found.judgements.items():
        shares, expected = zone_shares(judgements), expected_shares(judgements, terms)
        lines += [heading(f"{model}, parameters {run.versions[model]}", bold=bold),
                  *table(_HEADER, [_row(j) for j in judgements]),
                  "zones: " + ", ".join(f"{z} {percent(s, 0)} (right models {percent(e)})"
                                        for z, s, e in zip(ZONES, shares, expected, strict=True)),
                  *_forecasts(judgements), *_exceedances(judgements), *_failures(judgements), ""]
    lines += _events(found, bold=bold)
    return [*lines, *_comparisons(found), _EXPLAINED, NOT_COMPLIANCE]


_HEADER: Final = ("portfolio", "days", "exceeded", "raw", "coverage", "Kupiec p", "indep. p",
                  "DQ p", "1-sided p", "Holm", "power", "zone", "worst", "mean margin",
                  "peak/trough", "30 d rise")
_EXPLAINED: Final = (
    "exceeded: days with a loss beyond the margin; raw: beyond the raw model alone, ? where it is "
    "no addend; p-values: the worst of samples that do not overlap; power: of Kupiec's test where "
    "the true rate is twice the stated one; worst: largest loss over margin; margins in USD")


def _row(j: Judgement) -> tuple[str, ...]:
    s = j.stability
    return (j.portfolio, str(j.observations), _count(j.exceptions["final"]),
            _count(j.exceptions["raw"]), percent(j.coverage, 2), _p(j.kupiec[0]),
            _p(j.independence[0]), _p(j.dynamic_quantile[0]), _p(j.too_many), _p(j.holm),
            _p(j.power), ZONES[j.zone], _p(j.largest),
            "?" if j.mean_margin != j.mean_margin else f"{j.mean_margin:,.0f}",
            _p(float(s.peak_to_trough)) if s else "?", percent(float(s.rise_30d), 0) if s else "?")


def _count(n: float) -> str:
    return "?" if n != n else f"{n:.0f}"


def _p(x: float) -> str:
    return "?" if x != x else f"{x:.3f}" if abs(x) < 10 else f"{x:.1f}"


def _exceedances(judgements: tuple[Judgement, ...]) -> list[str]:
    every = sorted(((e, j.portfolio) for j in judgements for e in j.exceedances),
                   key=lambda found: -found[0].shortfall / max(found[0].margin, 1e-9))
    if not every:
        return ["no loss was larger than the margin"]
    rows = [(day(e.at), name, f"{e.loss:,.0f}", f"{e.margin:,.0f}", percent(
        e.shortfall / e.margin if e.margin > 0 else float("nan"), 0), str(e.lead_days), e.worst)
        for e, name in every[:_SHOWN]]
    more = [f"and {len(every) - _SHOWN} more; --json lists them all"] if len(
        every) > _SHOWN else []
    return ["", *table(("margin of", "portfolio", "loss USD", "margin USD", "short of margin",
                        "lead days", "scenario behind the margin"), rows, left=(0, 1, 6)), *more]


def _forecasts(judgements: tuple[Judgement, ...]) -> list[str]:
    """Return what the forecast distribution of a model was worth, where it has one."""
    rows = [(j.portfolio, str(f.days), str(f.breaches),
             *(_p(getattr(f, name)) for name in _FORECAST[2:]))
            for j in judgements if (f := j.forecast) is not None]
    absent = [f"no forecast judged for {count} portfolio(s): {why}"
              for why, count in not_forecast(judgements).items()]
    if not rows:
        return absent[:_SHOWN]
    return ["", "forecast distribution: Acerbi-Szekely (0 right, negative: shortfall too small), "
            "score, p-values; z2 p: from draws of the model's own law",
            *table(("portfolio", *_WORDS), rows), *absent[:_SHOWN]]


def tally_words(tally: Tally) -> str:
    """Return one sentence about a pair of models."""
    return (f"{tally.first} against {tally.second}: of {tally.portfolios} portfolios the first "
            f"scores better on {tally.first_better} ({tally.first_significant} significantly), the "
            f"second on {tally.second_better} ({tally.second_significant})")


def _comparisons(found: Told) -> list[str]:
    """Return who forecast better, pair by pair; nothing where one model ran."""
    if len(found.judgements) < 2:
        return []
    why = no_comparison(found)
    words = [f"comparison of forecasts {why}"] if why else [
        tally_words(one) for one in tallies(found.comparisons)]
    return ["forecasts compared by FZ0, Diebold-Mariano at 5 %:", *words, ""]


def _failures(judgements: tuple[Judgement, ...]) -> list[str]:
    said: dict[str, list[int]] = {}
    for j in judgements:
        for sentence, days in j.failures.items():
            said.setdefault(sentence, []).append(days)
    return [f"without a number: {len(days)} portfolio(s), up to {max(days)} days: {sentence}"
            for sentence, days in sorted(said.items(), key=lambda s: -max(s[1]))[:_SHOWN]]


def events_of(found: Told) -> dict[StressEvent, list[tuple[str, str, Series, int]]]:
    """Return {event: [(model, portfolio, series, row)]}, the largest loss over margin of each.

    None on simulated days, whose dates mean nothing.
    """
    if found.run.simulated:
        return {}
    pages: dict[StressEvent, list[tuple[str, str, Series, int]]] = {}
    for model, portfolios in found.series.items():
        for name, series in portfolios.items():
            for event, rows in _by_event(series).items():
                row = max(rows, key=lambda k: _ratio(series, k))
                pages.setdefault(event, []).append((model, name, series, row))
    return dict(sorted(pages.items(), key=lambda page: page[0].first))


def _by_event(series: Series) -> dict[StressEvent, list[int]]:
    found: dict[StressEvent, list[int]] = {}
    for k, (at, until) in enumerate(zip(series.at.tolist(), series.until.tolist(), strict=True)):
        for event in overlapping(at, until):
            found.setdefault(event, []).append(k)
    return found


def _ratio(series: Series, row: int) -> float:
    margin = float(series.margin[row])
    return float(series.loss[row]) / margin if margin > 0 else float("-inf")


def _events(found: Told, *, bold: bool) -> list[str]:
    lines: list[str] = []
    for event, page in events_of(found).items():
        worst = max(page, key=lambda one: _ratio(one[2], one[3]))
        short = sum(bool(s.shortfall[k] > 0) for _, _, s, k in page)
        model, name, series, row = worst
        before = day(int(series.at[row]))
        lines.append(f"{event.name}, {day(event.first)[:10]}: {short} of {len(page)} exceeded; "
                     f"largest {_p(_ratio(series, row))} of the margin of {before} ({model}, "
                     f"{name})")
    return [heading("Events: margin of the day before against the loss", bold=bold), *lines,
            ""] if lines else []


def backtest_document(found: Told) -> Object:
    """Return the JSON object: every judgement, exceedance and event; null where not known."""
    run, terms = found.run, found.terms
    return {
        "source": run.source, "simulated": run.simulated, "question_digest": run.digest,
        "margin": terms.margin, "level": terms.level, "horizon_days": terms.horizon_days,
        "models": {model: {
            "parameters": run.versions[model],
            "zones": {z: {"share": s, "expected": _null(e)} for z, s, e in zip(
                ZONES, zone_shares(js), expected_shares(js, terms), strict=True)},
            "portfolios": [_judgement(j) for j in js]}
            for model, js in found.judgements.items()},
        "events": [{"name": e.name, "date": day(e.first)[:10], "portfolios": [
            {"model": m, "portfolio": n} | _row_document(s, k) for m, n, s, k in page]}
            for e, page in events_of(found).items()],
        "forecast_comparisons": _comparison_documents(found),
        "no_forecast_comparison": no_comparison(found) or None,
        "note": NOT_COMPLIANCE}


def _judgement(j: Judgement) -> Object:
    pairs: dict[str, Callable[[Judgement], tuple[float, float]]] = {
        "kupiec": lambda x: x.kupiec, "independence": lambda x: x.independence,
        "conditional_coverage": lambda x: x.conditional,
        "dynamic_quantile": lambda x: x.dynamic_quantile}
    return {
        "portfolio": j.portfolio, "number_of_observations": j.observations,
        "exceptions": {k: _null(v) for k, v in j.exceptions.items()}, "coverage": _null(j.coverage),
        "p_values": {name: {"worst": _null(of(j)[0]), "mean": _null(of(j)[1])}
                     for name, of in pairs.items()} | {
            "duration": _null(j.duration), "one_sided": _null(j.too_many), "holm": _null(j.holm)},
        "power": _null(j.power), "zone": ZONES[j.zone],
        "shortfall_of_margin": {k: _null(v) for k, v in j.size.items()},
        "largest_loss_over_margin": _null(j.largest), "mean_margin_usd": _null(j.mean_margin),
        "procyclicality": None if j.stability is None else _stability(j.stability),
        "exceedances": [{
            "at": format_instant(e.at), "until": format_instant(e.until), "loss_usd": e.loss,
            "margin_usd": e.margin, "shortfall_usd": e.shortfall, "lead_days": e.lead_days,
            "worst_scenario": e.worst} for e in j.exceedances],
        "forecast": None if j.forecast is None else _forecast(j.forecast),
        "no_forecast": j.no_forecast or None,
        "without_number": j.failures}


_FORECAST: Final = ("days", "breaches", "z1", "z2", "z2_p_value", "fz0", "calibration",
                    "residuals", "intercept", "dynamic_quantile", "berkowitz", "kolmogorov")
_WORDS: Final = ("days", "breaches", "z1", "z2", "z2 p", "fz0", "calibration", "residuals",
                 "intercept", "DQ", "berkowitz", "kolmogorov")


def _forecast(forecast: Forecast) -> Object:
    return {name: _null(getattr(forecast, name)) for name in _FORECAST} | {
        "histogram": list(forecast.histogram)}


def _comparison_documents(found: Told) -> list[Object]:
    return [{
        "first": t.first, "second": t.second, "score": "fz0", "level": found.terms.forecast_level,
        "portfolios_compared": t.portfolios, "first_better": t.first_better,
        "first_significantly_better": t.first_significant, "second_better": t.second_better,
        "second_significantly_better": t.second_significant,
        "portfolios": [{"portfolio": one.portfolio, "days": one.days,
                        "difference": one.difference, "p_value": _null(one.p_value),
                        "holm": _null(one.holm)}
                       for one in found.comparisons
                       if (one.first, one.second) == (t.first, t.second)]}
        for t in tallies(found.comparisons)]


def _stability(s: Procyclicality) -> Object:
    names = ("peak_to_trough", "rise_1d", "rise_5d", "rise_30d", "std_log_change",
             "days_above_10pc", "days_above_25pc")
    return {name: float(getattr(s, name)) for name in names}


def _row_document(series: Series, row: int) -> Object:
    return {"at": format_instant(int(series.at[row])),
            "until": format_instant(int(series.until[row])),
            "margin_usd": float(series.margin[row]), "loss_usd": float(series.loss[row]),
            "shortfall_usd": float(series.shortfall[row])}


def _null(x: float) -> float | None:
    return x if abs(x) < float("inf") else None
