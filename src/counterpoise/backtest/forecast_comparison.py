"""Which of two models forecast the tail better on the same days, and is it more than chance?

Every pair of models that state a law of P&L is compared by the FZ0 score of value at risk and
expected shortfall, portfolio by portfolio, with Diebold and Mariano's test. Scores judge how sharp
and how right a forecast is together; a grid of shocks forecasts nothing and is not compared.
"""

from itertools import combinations
from typing import Final

import numpy as np

from counterpoise.backtest.forecast import days_wanted, forecast_days, tail_probability
from counterpoise.backtest.scoring import diebold_mariano, fz0, holm
from counterpoise.backtest.series import Series, Terms
from counterpoise.values.frozen import frozen, replaced

SIGNIFICANT: Final = 0.05
_SAME: Final = 1e-9


@frozen
class ForecastComparison:
    """Two models on one portfolio: `difference` is the mean FZ0 of the first less the second's.

    Less is better: a negative difference says that the first forecast better. `p_value` is
    two-sided, `holm` adjusted for the number of portfolios of the pair.
    """

    first: str
    second: str
    portfolio: str
    days: int
    difference: float
    p_value: float
    holm: float


@frozen
class Tally:
    """One pair over all portfolios: how often each was better, and significantly (5 %) so."""

    first: str
    second: str
    portfolios: int
    first_better: int
    first_significant: int
    second_better: int
    second_significant: int


def compared_forecasts(series: dict[str, dict[str, Series]],
                       terms: Terms) -> tuple[ForecastComparison, ...]:
    """Return the comparisons of {model: {portfolio: series}}, pair by pair, where there are any."""
    found: list[ForecastComparison] = []
    for first, second in combinations(series, 2):
        pair = [one for name in series[first] if name in series[second]
                for one in _one((first, second), name, (series[first][name], series[second][name]),
                                terms)]
        adjusted = holm(np.array([one.p_value for one in pair], np.float64))
        found += [replaced(one, holm=float(p)) for one, p in zip(pair, adjusted, strict=True)]
    return tuple(found)


def tallies(found: tuple[ForecastComparison, ...]) -> tuple[Tally, ...]:
    """Return one tally per pair, in order."""
    pairs = dict.fromkeys((one.first, one.second) for one in found)
    return tuple(_tally(pair, [one for one in found if (one.first, one.second) == pair])
                 for pair in pairs)


def _tally(pair: tuple[str, str], own: list[ForecastComparison]) -> Tally:
    first = [one for one in own if one.difference < 0]
    second = [one for one in own if one.difference > 0]
    return Tally(first=pair[0], second=pair[1], portfolios=len(own), first_better=len(first),
                 first_significant=sum(one.p_value < SIGNIFICANT for one in first),
                 second_better=len(second),
                 second_significant=sum(one.p_value < SIGNIFICANT for one in second))


def _one(models: tuple[str, str], portfolio: str, pair: tuple[Series, Series],
         terms: Terms) -> list[ForecastComparison]:
    """Return the comparison on the days both forecast the same loss; none where too few are."""
    a, b = (np.flatnonzero(forecast_days(one)) for one in pair)
    _, left, right = np.intersect1d(pair[0].at[a], pair[1].at[b], return_indices=True)
    a, b = a[left], b[right]
    loss = pair[0].loss[a]
    unit = float(np.abs(loss).mean()) if len(loss) else 0.0
    same = np.abs(loss - pair[1].loss[b]) <= _SAME * unit
    if unit == 0 or int(same.sum()) < days_wanted(terms):
        return []
    scores = [fz0(-loss[same] / unit, -one.quantile[rows][same] / unit,
                  -one.tail_mean[rows][same] / unit, tail_probability(terms))
              for one, rows in zip(pair, (a, b), strict=True)]
    told = diebold_mariano(*scores, horizon_days=terms.horizon_days)
    return [ForecastComparison(
        first=models[0], second=models[1], portfolio=portfolio, days=int(same.sum()),
        difference=told.mean_difference, p_value=told.p_value, holm=float("nan"))]
