"""What does a backtest say? Coverage, size of exceedances and stability, portfolio by portfolio.

From observations alone, so that a resumed run, a part of a run and a recorded one are judged alike.
Windows longer than a day overlap: tests are on interleaved samples, the worst p-value and the mean.
The number of portfolios makes small p-values likely: Holm's correction stands beside. An
*exceedance* is a day on which the loss was larger than the margin; its size is a share of the
margin. Its *lead time* is for how many days the margin of the same portfolio had stood 10 % above
its lowest of the 30 days before: 0, nothing warned (our reading).
"""

from typing import Any, Final

import numpy as np

from counterpoise.backtest.coverage import (
    Verdict,
    conditional_coverage,
    duration_test,
    independence,
    interleaved,
    kupiec,
    kupiec_power,
    over_interleaved,
    too_many,
    traffic_light,
)
from counterpoise.backtest.density import berkowitz, kolmogorov_smirnov
from counterpoise.backtest.procyclicality import Procyclicality, procyclicality
from counterpoise.backtest.replay import Observation
from counterpoise.backtest.scoring import fz0, holm
from counterpoise.backtest.shortfall_tests import (
    HITS_MIN,
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    conditional_calibration,
    exceedance_residuals,
    regression_intercept,
)
from counterpoise.values.frozen import frozen, replaced

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
MARGINS: Final = ("initial", "maintenance")
LINES: Final = ("raw", "buffered", "final")
_WARNING: Final = 1.10
_LOOK_BACK: Final = 30
_NAN: Final = float("nan")
_SEED: Final = 16
_FORECAST: Final = ("quantile", "tail_mean", "transform")


@frozen
class Terms:
    """What is judged: `margin` initial or maintenance, `level` of coverage, days of the horizon.

    `forecast_level` is that of the shortfall that the observations hold.
    """

    margin: str
    level: float
    horizon_days: int
    forecast_level: float = 0.975


@frozen
class Series:
    """One portfolio over the days it has numbers on, [day]; USD at the prices of each day.

    `failures` are {sentence: days} of the days without.
    """

    at: Ints
    until: Ints
    margin: Floats
    raw: Floats
    buffered: Floats
    loss: Floats
    shortfall: Floats
    worst: tuple[str, ...]
    failures: dict[str, int]
    quantile: Floats
    tail_mean: Floats
    transform: Floats


@frozen
class Forecast:
    """A forecast distribution judged: what it said of the tail and of everything, one portfolio.

    Statistics of Acerbi and Szekely (0 is right, negative: shortfall too small; for 250 days at
    97.5 % yellow from -0.70, red from -1.8), mean FZ0 score of P&L over its mean absolute value,
    p-values of the tests of shortfall and density; the worst over interleaved samples.
    """

    days: int
    breaches: int
    z1: float
    z2: float
    fz0: float
    calibration: float
    residuals: float
    intercept: float
    berkowitz: float
    kolmogorov: float


@frozen
class Exceedance:
    """A day that the margin did not cover: amounts in USD, `worst` the scenario in words."""

    at: int
    until: int
    loss: float
    margin: float
    shortfall: float
    lead_days: int
    worst: str


@frozen
class Judgement:
    """One portfolio: is it covered, by how much not, and how steady is its margin?

    exceptions by line       {raw, buffered, final: number}, NaN where a model states no such line
    coverage                 share of days covered by the final margin
    kupiec, independence, conditional
                             (worst, mean) p-value over interleaved samples
    duration                 p-value of the worst sample; NaN with fewer than two exceptions
    too_many                 exact one-sided p-value of the worst sample, and `holm` adjusted for
                             the number of portfolios
    power                    of Kupiec's test in one sample where the rate is twice the stated one
    zone                     of the traffic light: 0 green, 1 yellow, 2 red, the worst sample
    size                     {sum, mean, largest} shortfall as share of the margin of its day
    largest                  largest loss over margin of all days, 1 = just covered
    mean_margin              USD
    """

    portfolio: str
    observations: int
    exceptions: dict[str, float]
    coverage: float
    kupiec: tuple[float, float]
    independence: tuple[float, float]
    conditional: tuple[float, float]
    duration: float
    too_many: float
    holm: float
    power: float
    zone: int
    size: dict[str, float]
    largest: float
    mean_margin: float
    stability: Procyclicality | None
    exceedances: tuple[Exceedance, ...]
    failures: dict[str, int]
    forecast: Forecast | None


def series_of(observations: tuple[Observation, ...], margin: str) -> dict[str, Series]:
    """Return {portfolio: series} of observations in the order of their days."""
    rows: dict[str, list[tuple[Observation, int]]] = {}
    for seen in sorted(observations, key=lambda o: o.at):
        for k, name in enumerate(seen.portfolios):
            rows.setdefault(name, []).append((seen, k))
    return {name: _series(found, margin) for name, found in rows.items()}


def judged(observations: tuple[Observation, ...], terms: Terms) -> tuple[Judgement, ...]:
    """Return the judgement of every portfolio, in the order in which they first stand."""
    found = [_judgement(name, series, terms)
             for name, series in series_of(observations, terms.margin).items()]
    adjusted = holm(np.array([j.too_many for j in found], np.float64))
    return tuple(replaced(j, holm=float(p)) for j, p in zip(found, adjusted, strict=True))


def _series(found: list[tuple[Observation, int]], margin: str) -> Series:
    short = "shortfall" if margin == "initial" else "shortfall_maintenance"
    column = {name: np.array([getattr(o, name)[k] for o, k in found], np.float64)
              for name in (margin, "raw", "buffered", "loss", short, *_FORECAST)}
    told = (np.isfinite(column[margin]) & np.isfinite(column["loss"])
            & np.array([not o.failure[k] for o, k in found], bool))
    failures: dict[str, int] = {}
    for (o, k), good in zip(found, told.tolist(), strict=True):
        if not good:
            said = o.failure[k] or "a number is missing"
            failures[said] = failures.get(said, 0) + 1
    return Series(
        at=np.array([o.at for o, _ in found], np.int64)[told],
        until=np.array([o.until for o, _ in found], np.int64)[told],
        margin=column[margin][told], raw=column["raw"][told], buffered=column["buffered"][told],
        loss=column["loss"][told], shortfall=column[short][told],
        worst=tuple(o.worst[k] for (o, k), good in zip(found, told.tolist(), strict=True) if good),
        failures=failures, **{name: column[name][told] for name in _FORECAST})


def _judgement(name: str, series: Series, terms: Terms) -> Judgement:
    hits = series.shortfall > 0
    n, p, h = len(hits), round(1 - terms.level, 12), terms.horizon_days
    share = _shares(series)
    samples = [s for s in interleaved(hits, h) if len(s) > 1]
    rate = [kupiec(int(s.sum()), len(s), p) for s in samples]
    high = [float(too_many(int(s.sum()), len(s), p)) for s in samples]
    enough = bool(samples)
    return Judgement(
        portfolio=name, observations=n, coverage=1 - hits.mean() if n else _NAN,
        exceptions=_exceptions(series, hits),
        kupiec=_worst_mean([float(v.p_value) for v in rate]),
        independence=over_interleaved(independence, hits, h) if enough else (_NAN, _NAN),
        conditional=over_interleaved(lambda s: _conditional(s, p), hits, h) if enough else (
            _NAN, _NAN),
        duration=over_interleaved(duration_test, hits, h)[0] if enough else _NAN,
        too_many=min(high, default=_NAN), holm=_NAN,
        power=kupiec_power(len(samples[0]), min(2 * p, 0.5), p) if enough else _NAN,
        zone=max((int(traffic_light(int(s.sum()), len(s), p)) for s in samples), default=0),
        size={"sum": float(share[hits].sum()), "largest": float(share.max(initial=0.0)),
              "mean": float(share[hits].mean()) if hits.any() else 0.0},
        largest=_largest(series), mean_margin=float(series.margin.mean()) if n else _NAN,
        stability=_stability(series), exceedances=_exceedances(series), failures=series.failures,
        forecast=forecast_of(series, terms))


def forecast_of(series: Series, terms: Terms) -> Forecast | None:
    """Return the judgement of a forecast distribution; None where there is none or too little."""
    known = (np.isfinite(series.transform) & (series.quantile > 0)
             & (series.tail_mean >= series.quantile))
    n, h, alpha = int(known.sum()), terms.horizon_days, round(1 - terms.forecast_level, 12)
    if n // h < max(2 / alpha, 20):
        return None
    pnl, q, e = -series.loss[known], series.quantile[known], series.tail_mean[known]
    unit = float(np.abs(pnl).mean()) or 1.0
    samples = [slice(k, None, h) for k in range(h)]
    p_values = [_forecast_p(pnl[s], -q[s], -e[s], alpha) for s in samples]
    u = series.transform[known]
    density = [(float(berkowitz(u[s]).p_value), float(kolmogorov_smirnov(u[s]).p_value))
               for s in samples]
    return Forecast(
        days=n, breaches=int((pnl < -q).sum()),
        z1=float(acerbi_szekely_z1(pnl, q, e)), z2=float(acerbi_szekely_z2(pnl, q, e, alpha)),
        fz0=float(fz0(pnl / unit, -q / unit, -e / unit, alpha).mean()),
        calibration=min(p[0] for p in p_values), residuals=min(p[1] for p in p_values),
        intercept=min(p[2] for p in p_values), berkowitz=min(d[0] for d in density),
        kolmogorov=min(d[1] for d in density))


def _forecast_p(pnl: Floats, q: Floats, e: Floats, alpha: float) -> tuple[float, float, float]:
    """Return p-values of conditional calibration, exceedance residuals, regression intercept."""
    residuals = exceedance_residuals(pnl, q, e, scale=-e, seed=_SEED)
    enough = len(pnl) * alpha >= HITS_MIN
    intercept = float(regression_intercept(pnl, q, e, alpha).p_value) if enough else _NAN
    return (float(conditional_calibration(pnl, q, e, alpha).p_value), float(residuals.p_value),
            intercept)


def _conditional(hits: Any, probability: float) -> Verdict:
    return conditional_coverage(hits, probability)


def _worst_mean(p_values: list[float]) -> tuple[float, float]:
    return (min(p_values), float(np.mean(p_values))) if p_values else (_NAN, _NAN)


def _exceptions(series: Series, hits: Any) -> dict[str, float]:
    lines = {line: _NAN if np.isnan(getattr(series, line)).any() or not len(hits)
             else float((series.loss > getattr(series, line)).sum()) for line in LINES[:2]}
    return lines | {"final": float(hits.sum())}


def _shares(series: Series) -> Floats:
    """Return the shortfall as a share of the margin; of a margin of nothing it is infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(series.shortfall > 0, series.shortfall / series.margin, 0.0)


def _largest(series: Series) -> float:
    held = series.margin > 0
    return float((series.loss[held] / series.margin[held]).max()) if held.any() else _NAN


def _stability(series: Series) -> Procyclicality | None:
    """Return how the margin moves; None where it is nothing on some day, as for a long option."""
    steady = len(series.margin) > 2 and bool((series.margin > 0).all())
    return procyclicality(series.margin) if steady else None


def _exceedances(series: Series) -> tuple[Exceedance, ...]:
    return tuple(Exceedance(
        at=int(series.at[k]), until=int(series.until[k]), loss=float(series.loss[k]),
        margin=float(series.margin[k]), shortfall=float(series.shortfall[k]),
        lead_days=_lead_days(series.margin[max(k - _LOOK_BACK, 0):k + 1]), worst=series.worst[k])
        for k in np.flatnonzero(series.shortfall > 0).tolist())


def _lead_days(margin: Floats) -> int:
    """Return for how many days until the last one the margin had stood above the warning."""
    calm = margin < _WARNING * margin.min()
    return int(np.argmax(calm[::-1]))
