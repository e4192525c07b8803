"""How far do factors go in several days? Shocks compounded through the volatility recursion.

    x_d = mean + e min(max(s_d / s_e, low), high),   s_d^2 = mean over models of v_d
    v_(d+1) = omega + (alpha + gamma 1{x_d < mean}) (x_d - mean)^2 + beta v_d      for each model

so a bad first day makes the second one wilder, which no factor of sqrt(h) does. e is a shock that
came when the volatility was s_e: a residual drawn from history, or a standardised draw with
s_e = 1. Models, such as GJR-GARCH and EWMA, run side by side and their variances are averaged.
"""

from typing import Any, Final

import numpy as np

from counterpoise.scenarios.factors import FactorHistory, Floats, factor_name
from counterpoise.scenarios.variance import GjrTerms, ewma_variance, gjr_variance
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

FREE: Final = (0.0, float("inf"))
"""No bounds on the ratio of volatilities."""


@frozen
class VolatilityNow:
    """Where the volatility of every factor stands, by one or more models averaged alike.

    terms     [model][factor] of the recursion; EWMA is `ewma_terms`
    variance  [model, factor] forecast for the next day, > 0
    """

    terms: tuple[tuple[GjrTerms, ...], ...]
    variance: Floats

    def __post_init__(self) -> None:
        """Refuse a variance that is none."""
        assert self.variance.shape == (len(self.terms), len(self.terms[0]))
        if not np.all((self.variance > 0) & (self.variance < np.inf)):
            raise BadInput(Failure(reason=Reason.MISSING_NUMBER, subject="volatility", sentence=(
                "has no forecast for now for every factor and model; give variances above 0")))


@frozen
class Shocks:
    """What a history did beyond its mean, with the volatility that was expected that day.

    excess, deviation  [day, factor], NaN where the day is not known; deviation > 0
    """

    history: FactorHistory
    excess: Floats
    deviation: Floats


def ewma_terms(decay: float) -> GjrTerms:
    """Return the recursion v' = decay v + (1 - decay) x^2 as the terms of one without a level."""
    return GjrTerms(mean=0.0, omega=0.0, alpha=1.0 - decay, gamma=0.0, beta=decay)


def shocks_of(history: FactorHistory,
              terms: tuple[tuple[GjrTerms, ...], ...]) -> tuple[Shocks, VolatilityNow]:
    """Return the shocks of a history under models [model][factor], and the volatility after it.

    Raises
    ------
    BadInput
        If a factor has no known move, naming each.
    """
    assert all(len(model) == len(history.factors) for model in terms)
    unknown = [f for k, f in enumerate(history.factors)
               if not np.isfinite(history.move[:, k]).any()]
    if unknown:
        raise BadInput(*(Failure(reason=Reason.MISSING_NUMBER, subject=factor_name(f), sentence=(
            "has no known move; leave it out")) for f in unknown))
    variance = np.stack([_by_model(history.move, model) for model in terms])
    average = _average(variance)
    with np.errstate(invalid="ignore"):
        deviation = np.sqrt(np.where(average[:-1] > 0, average[:-1], np.nan))
    excess = history.move - _means(terms)[:, 0]
    return (Shocks(history=history, excess=excess, deviation=deviation),
            VolatilityNow(terms=terms, variance=np.ascontiguousarray(variance[:, -1])))


def _by_model(move: Floats, model: tuple[GjrTerms, ...]) -> Floats:
    columns = [_without_level(move[:, k:k + 1], one.beta)
               if 0.0 <= one.beta < 1.0 and one == ewma_terms(one.beta)
               else gjr_variance(move[:, k:k + 1], one) for k, one in enumerate(model)]
    return np.concatenate(columns, axis=1)


def _without_level(move: Floats, decay: float) -> Floats:
    """Return EWMA forecasts; none for the first known move, which would be its own forecast."""
    variance = ewma_variance(move, decay)
    variance[int(np.flatnonzero(np.isfinite(move[:, 0]))[0])] = np.nan
    return variance


def _average(variance: Floats) -> Floats:
    """Return the mean over the first axis, added in its order."""
    total = np.zeros(variance.shape[1:])
    for one in variance:
        total = total + one
    return total / len(variance)


def _means(terms: tuple[tuple[GjrTerms, ...], ...]) -> Floats:
    """Return the mean move of each factor over its models, [factor, 1]."""
    return _average(np.array([[[one.mean] for one in model] for model in terms]))


def compounded(excess: Floats, deviation: Floats | None, volatility: VolatilityNow, *,
               clip: tuple[float, float] = FREE) -> Floats:
    """Return the moves [path, factor] over all days of shocks [day, factor, path].

    `deviation` is that of each shock, None for standardised ones.
    """
    def column(name: str) -> Floats:
        return np.array([[[getattr(one, name)] for one in model] for model in volatility.terms])

    omega, alpha, gamma, beta, own_mean = (
        column(name) for name in ("omega", "alpha", "gamma", "beta", "mean"))
    mean = _means(volatility.terms)
    variance: Any = volatility.variance[:, :, None]
    total = np.zeros(excess.shape[1:])
    for day in range(len(excess)):
        scale = np.sqrt(_average(variance))
        ratio = scale if deviation is None else scale / deviation[day]
        move = mean + excess[day] * np.minimum(np.maximum(ratio, clip[0]), clip[1])
        total += move
        beyond = move - own_mean
        variance = omega + (alpha + np.where(beyond < 0, gamma, 0.0)) * (beyond * beyond) \
            + beta * variance
    return np.ascontiguousarray(total.T)
