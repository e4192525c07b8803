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
    dynamic_quantile,
    independence,
    interleaved,
    kupiec,
    kupiec_power,
    over_interleaved,
    too_many,
    traffic_light,
)
from counterpoise.backtest.forecast import Forecast, forecast_of
from counterpoise.backtest.procyclicality import Procyclicality, procyclicality
from counterpoise.backtest.replay import Observation
from counterpoise.backtest.scoring import holm
from counterpoise.backtest.series import Series, Terms, series_of
from counterpoise.values.frozen import frozen, replaced

Floats = np.ndarray[Any, np.dtype[np.float64]]
MARGINS: Final = ("initial", "maintenance")
LINES: Final = ("raw", "buffered", "final")
_WARNING: Final = 1.10
_LOOK_BACK: Final = 30
_NAN: Final = float("nan")
_LAGS_DAYS: Final = 18
"""Days that the dynamic quantile test needs for its four lags."""


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
    dynamic_quantile         (worst, mean) p-value of Engle and Manganelli's test, the margin as
                             forecast; NaN in samples of fewer than 18 days
    duration                 p-value of the worst sample; NaN with fewer than two exceptions
    too_many                 exact one-sided p-value of the worst sample, and `holm` adjusted for
                             the number of portfolios
    power                    of Kupiec's test in one sample where the rate is twice the stated one
    zone                     of the traffic light: 0 green, 1 yellow, 2 red, the worst sample
    size                     {sum, mean, largest} shortfall as share of the margin of its day
    largest                  largest loss over margin of all days, 1 = just covered
    mean_margin              USD
    forecast, no_forecast    of the model's own distribution, or why there is nothing to judge
    """

    portfolio: str
    observations: int
    exceptions: dict[str, float]
    coverage: float
    kupiec: tuple[float, float]
    independence: tuple[float, float]
    conditional: tuple[float, float]
    dynamic_quantile: tuple[float, float]
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
    no_forecast: str


def judged(observations: tuple[Observation, ...], terms: Terms) -> tuple[Judgement, ...]:
    """Return the judgement of every portfolio, in the order in which they first stand."""
    return judged_series(series_of(observations, terms.margin), terms)


def judged_series(series: dict[str, Series], terms: Terms) -> tuple[Judgement, ...]:
    """Return the same of {portfolio: series}, where the caller has them."""
    found = [_judgement(name, one, terms) for name, one in series.items()]
    adjusted = holm(np.array([j.too_many for j in found], np.float64))
    return tuple(replaced(j, holm=float(p)) for j, p in zip(found, adjusted, strict=True))


def _judgement(name: str, series: Series, terms: Terms) -> Judgement:
    hits = series.shortfall > 0
    n, p, h = len(hits), round(1 - terms.level, 12), terms.horizon_days
    share = _shares(series)
    samples = [s for s in interleaved(hits, h) if len(s) > 1]
    rate = [kupiec(int(s.sum()), len(s), p) for s in samples]
    high = [float(too_many(int(s.sum()), len(s), p)) for s in samples]
    enough, told = bool(samples), forecast_of(series, terms)
    return Judgement(
        portfolio=name, observations=n, coverage=1 - hits.mean() if n else _NAN,
        exceptions=_exceptions(series, hits),
        kupiec=_worst_mean([float(v.p_value) for v in rate]),
        independence=over_interleaved(independence, hits, h) if enough else (_NAN, _NAN),
        conditional=over_interleaved(lambda s: _conditional(s, p), hits, h) if enough else (
            _NAN, _NAN),
        dynamic_quantile=_dynamic_quantile(series, hits, terms),
        duration=over_interleaved(duration_test, hits, h)[0] if enough else _NAN,
        too_many=min(high, default=_NAN), holm=_NAN,
        power=kupiec_power(len(samples[0]), min(2 * p, 0.5), p) if enough else _NAN,
        zone=max((int(traffic_light(int(s.sum()), len(s), p)) for s in samples), default=0),
        size={"sum": float(share[hits].sum()), "largest": float(share.max(initial=0.0)),
              "mean": float(share[hits].mean()) if hits.any() else 0.0},
        largest=_largest(series), mean_margin=float(series.margin.mean()) if n else _NAN,
        stability=_stability(series), exceedances=_exceedances(series), failures=series.failures,
        forecast=None if isinstance(told, str) else told,
        no_forecast=told if isinstance(told, str) else "")


def _dynamic_quantile(series: Series, hits: Any, terms: Terms) -> tuple[float, float]:
    """Return (worst, mean) p-value over the interleaved samples that are long enough."""
    samples = [slice(k, None, terms.horizon_days) for k in range(terms.horizon_days)]
    return _worst_mean([
        float(dynamic_quantile(hits[s], series.margin[s], round(1 - terms.level, 12)).p_value)
        for s in samples if len(hits[s]) >= _LAGS_DAYS])


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
