"""Was the distribution that a model forecast right: how often, how much, and as a whole?

For models that state a law of P&L (`backtest.law`); of the others there is nothing to judge, and
the reason is said instead. Windows longer than a day overlap: p-values are the worst of the
interleaved samples, which do not.
"""

from typing import Any, Final

import numpy as np

from counterpoise.backtest.coverage import dynamic_quantile
from counterpoise.backtest.density import berkowitz, kolmogorov_smirnov
from counterpoise.backtest.law import draw_from_tail
from counterpoise.backtest.scoring import fz0
from counterpoise.backtest.series import Series, Terms
from counterpoise.backtest.shortfall_tests import (
    HITS_MIN,
    acerbi_szekely_z1,
    acerbi_szekely_z2,
    conditional_calibration,
    exceedance_residuals,
    regression_intercept,
    simulated_p_value,
)
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
BINS: Final = 10
"""Of the histogram of the probability integral transform."""
_SEED: Final = 16
_CELLS: Final = 4_000_000
_PATHS: Final = (1_000, 10_000)
_NAN: Final = float("nan")


@frozen
class Forecast:
    """A forecast distribution judged: what it said of the tail and of everything, one portfolio.

    z1, z2            Acerbi and Szekely: 0 is right, negative: shortfall too small; for 250 days at
                      97.5 % yellow from -0.70, red from -1.8
    z2_p_value        how often draws of the model's own law (`law.draw_from_tail`) give a Z2 as low
    fz0               mean score of P&L over its mean absolute value
    calibration, residuals, intercept
                      p-values of the tests of the shortfall
    dynamic_quantile  p-value of Engle and Manganelli's test of the value at risk
    berkowitz, kolmogorov
                      p-values of the tests of the whole law
    histogram         days by tenth of the law in which the P&L came true, the worst losses first
    """

    days: int
    breaches: int
    z1: float
    z2: float
    z2_p_value: float
    fz0: float
    calibration: float
    residuals: float
    intercept: float
    dynamic_quantile: float
    berkowitz: float
    kolmogorov: float
    histogram: tuple[int, ...]


def forecast_of(series: Series, terms: Terms) -> Forecast | str:
    """Return the judgement of a forecast distribution, or why there is none."""
    known = forecast_days(series)
    h, alpha = terms.horizon_days, tail_probability(terms)
    why = _too_little(series, int(known.sum()), terms)
    if why:
        return why
    pnl, q, e = -series.loss[known], series.quantile[known], series.tail_mean[known]
    u, beyond, tail = series.transform[known], series.beyond[known], series.tail[known]
    unit = float(np.abs(pnl).mean()) or 1.0
    samples = [slice(k, None, h) for k in range(h)]
    p_values = [_p_values(pnl[s], -q[s], -e[s], alpha) for s in samples]
    simulated = [_z2_p_value((pnl[s], q[s], e[s]), (beyond[s], tail[s]), alpha) for s in samples]
    return Forecast(
        days=len(pnl), breaches=int((pnl < -q).sum()), z2_p_value=min(simulated),
        z1=float(acerbi_szekely_z1(pnl, q, e)), z2=float(acerbi_szekely_z2(pnl, q, e, alpha)),
        fz0=float(fz0(pnl / unit, -q / unit, -e / unit, alpha).mean()),
        calibration=min(p[0] for p in p_values), residuals=min(p[1] for p in p_values),
        intercept=min(p[2] for p in p_values), dynamic_quantile=min(p[3] for p in p_values),
        berkowitz=min(float(berkowitz(u[s]).p_value) for s in samples),
        kolmogorov=min(float(kolmogorov_smirnov(u[s]).p_value) for s in samples),
        histogram=tuple(np.histogram(u, bins=BINS, range=(0.0, 1.0))[0].tolist()))


def forecast_days(series: Series) -> Any:
    """Return the days [day] on which a law says what is lost in its tail: a loss."""
    return (np.isfinite(series.transform) & (series.quantile > 0)
            & (series.tail_mean >= series.quantile))


def tail_probability(terms: Terms) -> float:
    """Return the probability of the forecast tail."""
    return round(1 - terms.forecast_level, 12)


def days_wanted(terms: Terms) -> int:
    """Return how many days of forecasts are judged at least: two in the tail of each sample."""
    return int(np.ceil(max(2 / tail_probability(terms), 20))) * terms.horizon_days


def _too_little(series: Series, days: int, terms: Terms) -> str:
    """Return why there is too little to judge, "" where there is enough."""
    wanted = days_wanted(terms)
    if days >= wanted:
        return ""
    if series.no_law:
        return max(series.no_law, key=lambda sentence: series.no_law[sentence])
    no_loss = int((np.isfinite(series.transform) & (series.quantile <= 0)).sum())
    return (f"{days} day(s) of forecasts, where a tail of "
            f"{100 * tail_probability(terms):g} % takes {wanted}"
            + (f"; on {no_loss} the value at risk is no loss" if no_loss else ""))


def _p_values(pnl: Floats, q: Floats, e: Floats,
              alpha: float) -> tuple[float, float, float, float]:
    """Return p-values of calibration, exceedance residuals, intercept and dynamic quantile."""
    residuals = exceedance_residuals(pnl, q, e, scale=-e, seed=_SEED)
    enough = len(pnl) * alpha >= HITS_MIN
    intercept = float(regression_intercept(pnl, q, e, alpha).p_value) if enough else _NAN
    return (float(conditional_calibration(pnl, q, e, alpha).p_value), float(residuals.p_value),
            intercept, float(dynamic_quantile(pnl < q, q, alpha).p_value))


def _z2_p_value(forecast: tuple[Floats, Floats, Floats], law: tuple[Floats, Floats],
                alpha: float) -> float:
    """Return how often the model's own law gives a Z2 as low as that of (P&L, VaR, ES).

    10,000 paths, fewer for long samples but 1,000 at least; every run draws the same.
    """
    pnl, q, e = forecast
    return simulated_p_value(
        float(acerbi_szekely_z2(pnl, q, e, alpha)),
        lambda returns: acerbi_szekely_z2(returns, q, e, alpha), draw_from_tail(*law),
        seed=_SEED, paths=int(np.clip(_CELLS // len(pnl), *_PATHS)))
