"""Does a volatility surface keep the promises that every caller relies on?

`check_surface` runs the battery and returns what is broken as sentences. It is part of the package
so that a surface from elsewhere can run it too. It knows the surface by its protocol alone: option
prices show whether a surface that reports no arbitrage really has none.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.market.surface import ArbitrageFinding, Floats, Surface
from counterpoise.values.frozen import frozen

DEVIATIONS: Final = 6.0
"""How far from the money prices are looked at, in standard deviations of each expiry."""
STRIKES: Final = 241
ROUNDING: Final = 2e-14
"""Of the forward: what the rounding of two prices can feign."""


@frozen
class Trial:
    """What a check runs on: a surface, its expiries, and seeded random questions."""

    surface: Surface
    years: Floats
    log_moneyness: Floats
    random_years: Floats


def check_surface(surface: Surface, years: Floats, *, seed: int = 1,
                  questions: int = 200) -> tuple[str, ...]:
    """Return a sentence for every promise that the surface breaks; none is the good answer.

    `years` are the expiries that `findings` speaks of, rising; random questions reach from zero to
    twice the last one, |k| <= 2.
    """
    rng = np.random.default_rng(seed)
    trial = Trial(surface=surface, years=np.array(years, np.float64),
                  log_moneyness=rng.uniform(-2.0, 2.0, questions),
                  random_years=rng.uniform(0.0, 2.0 * float(years[-1]), questions))
    wrong_shape = tuple(_shapes(trial))
    return wrong_shape or tuple(sentence for check in _CHECKS for sentence in check(trial))


def _shapes(trial: Trial) -> Iterator[str]:
    for count in (len(trial.log_moneyness), 1, 0):
        answer: Any = trial.surface.volatility(trial.log_moneyness[:count],
                                               trial.random_years[:count])
        if not (isinstance(answer, np.ndarray) and answer.shape == (count,)
                and answer.dtype == np.float64):
            yield f"{count} questions must have as many answers, one float64 each"


def _answers(trial: Trial) -> Iterator[str]:
    k, years = trial.log_moneyness, trial.random_years
    answer = trial.surface.volatility(k, years)
    for row in np.flatnonzero(~((answer > 0.0) & (answer < np.inf)))[:3]:
        yield (f"volatility at k = {k[row]:.4f} in {years[row]:.4f} years is {answer[row]}; it "
               "must be a number above zero")


def _same_answers(trial: Trial) -> Iterator[str]:
    k, years = trial.log_moneyness, trial.random_years
    once = trial.surface.volatility(k, years)
    if once.tobytes() != trial.surface.volatility(k, years).tobytes():
        yield "the same question asked twice has two answers"
    back = trial.surface.volatility(k[::-1].copy(), years[::-1].copy())[::-1]
    alone = np.array([trial.surface.volatility(k[i:i + 1], years[i:i + 1])[0]
                      for i in range(min(len(k), 20))])
    if once.tobytes() != back.tobytes() or once[:len(alone)].tobytes() != alone.tobytes():
        yield "an answer depends on the other questions of the call"


def _findings(trial: Trial) -> Iterator[str]:
    for finding in trial.surface.findings():
        if not isinstance(finding, ArbitrageFinding):
            yield f"{finding!r} is no ArbitrageFinding"
        elif not finding.amount > 0.0:
            yield f"a finding must say by how much, above zero, not {finding.amount}"
        elif finding.kind == "calendar" and np.isfinite(finding.log_moneyness):
            yield from _unfounded(trial, finding)


def _unfounded(trial: Trial, finding: ArbitrageFinding) -> Iterator[str]:
    upto = trial.years[trial.years <= finding.years * (1.0 + 1e-12)]
    variance = _variance(trial.surface, np.full(len(upto), finding.log_moneyness), upto)
    if not len(variance) or variance[-1] >= np.max(variance[:-1], initial=0.0):
        yield f"no variance falls where the surface says so: {finding.sentence}"


def _calendars(trial: Trial) -> Iterator[str]:
    if trial.surface.findings():
        return
    last = trial.years[-1]
    width = DEVIATIONS * np.sqrt(_variance(trial.surface, np.zeros(1), last[None])[0])
    k = np.linspace(-width, width, STRIKES)
    variance = np.stack([_variance(trial.surface, k, np.full(STRIKES, t)) for t in trial.years])
    fall = variance[:-1] * (1.0 - 1e-12) - variance[1:]
    for i in np.flatnonzero((fall > 0.0).any(axis=1)):
        yield (f"no arbitrage is reported, but at k = {k[fall[i].argmax()]:.4f} total variance "
               f"falls by {fall[i].max():.3g} up to {trial.years[i + 1]:.4f} years")


def _butterflies(trial: Trial) -> Iterator[str]:
    if trial.surface.findings():
        return
    for t in trial.years:
        k, calls = _call_prices(trial.surface, float(t))
        step = np.diff(_core.exp(k))
        slope = np.diff(calls) / step
        bend, slack = np.diff(slope), ROUNDING / np.minimum(step[1:], step[:-1])
        worst = int((bend + slack).argmin())
        if bend[worst] < -slack[worst]:
            yield (f"no arbitrage is reported, but in {t:.4f} years calls are not convex in the "
                   f"strike at k = {k[worst + 1]:.4f}")
        if np.any(slope > slack.max()) or np.any(slope < -1.0 - slack.max()):
            yield (f"no arbitrage is reported, but in {t:.4f} years a call spread costs less than "
                   "nothing or more than it can pay")


def _call_prices(surface: Surface, years: float) -> tuple[Floats, Floats]:
    """Return log-moneyness and undiscounted calls on a forward of 1."""
    time = np.full(STRIKES, years)
    width = DEVIATIONS * np.sqrt(_variance(surface, np.zeros(1), time[:1])[0])
    k = np.linspace(-width, width, STRIKES)
    calls = _core.black76(
        forward=np.ones(STRIKES), strike=_core.exp(k), years=time,
        volatility=surface.volatility(k, time), right=np.ones(STRIKES, np.int8),
        rate=np.zeros(STRIKES))[0]
    return k, calls


def _variance(surface: Surface, log_moneyness: Floats, years: Floats) -> Floats:
    volatility = surface.volatility(log_moneyness, years)
    return volatility * volatility * years


_CHECKS: Final = (_answers, _same_answers, _findings, _calendars, _butterflies)
