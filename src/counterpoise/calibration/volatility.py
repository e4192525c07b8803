"""Which recursion of variance does a history of moves suggest? EWMA decay, GARCH and GJR terms.

The decay is the one of a grid with the least mean QLIKE, log v + r^2 / v, of its own one-day
forecasts (A. Patton, Journal of Econometrics 160, 2011). GARCH and GJR terms are maximum likelihood
by the package `arch`, Student t innovations unless asked otherwise; they may differ in the last
digits between machines and enter a margin model only as a hashed parameter set. The recursions are
those of `scenarios.variance`. Days that are not known are left out of a fit, as if the days around
them followed each other: *our reading*.
"""

import math
from typing import Any, Final, Literal

import numpy as np

from counterpoise.calibration.one_thread import one_thread
from counterpoise.scenarios.variance import (
    GjrTerms,
    ewma_variance,
    gjr_variance,
    persistence,
    standardised,
)
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Innovations = Literal["t", "normal"]
DECAYS: Final = (0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99)
OBSERVATIONS_MIN: Final = 250
BURN_IN: Final = 60
"""Days whose forecasts are not scored: a recursion still remembers where it began."""
_NEARLY_ONE: Final = 1e-6
"""A persistence this close to 1 has no half-life: optimisers stop a hair before their bound."""
_PERCENT: Final = 100.0
"""`arch` converges on numbers of the order of one; daily moves are percents."""


@frozen
class EwmaFit:
    """A decay, the mean QLIKE of each decay of the grid, and over how many days."""

    decay: float
    qlike: dict[float, float]
    observations: int


@frozen
class GjrFit:
    """Fitted terms with their diagnostics.

    degrees         of freedom of the innovations; infinite for normal ones
    errors          robust standard errors {name: value} of the terms and of `degrees`
    log_likelihood  of the moves as fractions
    """

    terms: GjrTerms
    degrees: float
    errors: dict[str, float]
    log_likelihood: float
    observations: int


def fit_ewma(move: Floats, decays: tuple[float, ...] = DECAYS) -> EwmaFit:
    """Return the decay of the grid that forecasts the moves [day] of one factor best.

    Raises
    ------
    BadInput
        If fewer than 250 moves are known, or all of them are 0.
    """
    known = known_moves(move)
    first = np.full(len(decays), np.mean(known[:BURN_IN] ** 2))
    beside = np.repeat(known[:, None], len(decays), axis=1)
    variance = ewma_variance(beside, np.array(decays), first=first)[BURN_IN:-1]
    scores = np.mean(np.log(variance) + beside[BURN_IN:] ** 2 / variance, axis=0)
    qlike = dict(zip(decays, scores.tolist(), strict=True))
    return EwmaFit(decay=min(qlike, key=lambda d: (qlike[d], d)), qlike=qlike,
                   observations=len(known))


def fit_garch(move: Floats, *, innovations: Innovations = "t") -> GjrFit:
    """Return the GARCH(1,1) terms of the moves [day] of one factor: no leverage, gamma = 0.

    Raises
    ------
    BadInput
        If fewer than 250 moves are known, the fit does not converge or the extra is missing.
    """
    return _fitted(known_moves(move), leverage=0, innovations=innovations)


def fit_gjr(move: Floats, *, innovations: Innovations = "t") -> GjrFit:
    """Return the GJR-GARCH(1,1) terms of the moves [day] of one factor; raises as `fit_garch`."""
    return _fitted(known_moves(move), leverage=1, innovations=innovations)


def _fitted(known: Floats, *, leverage: int, innovations: Innovations) -> GjrFit:
    try:
        from arch import arch_model
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, "GARCH fit", "needs the package arch; install it "
                        "with: pip install 'counterpoise[calibration]'") from None
    model = arch_model(_PERCENT * known, mean="Constant", vol="GARCH", p=1, o=leverage, q=1,
                       dist=innovations, rescale=False)
    with one_thread():
        found = model.fit(disp="off", show_warning=False)
    if found.convergence_flag != 0 or not np.all(np.isfinite(found.params)):
        raise bad_input(Reason.BAD_VALUE, "GARCH fit", f"does not converge on {len(known)} moves; "
                        "take EWMA or a longer history")
    values, errors = dict(found.params), dict(found.std_err)
    terms = {"mean": ("mu", _PERCENT), "omega": ("omega", _PERCENT ** 2), "alpha": ("alpha[1]", 1),
             "gamma": ("gamma[1]", 1), "beta": ("beta[1]", 1), "degrees": ("nu", 1)}
    scaled = {name: float(values.get(key, 0.0)) / unit for name, (key, unit) in terms.items()}
    degrees = scaled.pop("degrees") or math.inf
    return GjrFit(terms=_inside(scaled), degrees=degrees, observations=len(known),
                  errors={name: float(errors[key]) / unit for name, (key, unit) in terms.items()
                          if key in errors},
                  log_likelihood=float(found.loglikelihood) + len(known) * math.log(_PERCENT))


def _inside(terms: dict[str, float]) -> GjrTerms:
    """Return the terms without the rounding by which an optimiser leaves its bounds."""
    alpha, beta = max(terms["alpha"], 0.0), max(terms["beta"], 0.0)
    gamma = max(terms["gamma"], -alpha)
    excess = max(alpha + gamma / 2 + beta - 1.0, 0.0)
    return GjrTerms(mean=terms["mean"], omega=max(terms["omega"], 0.0), alpha=alpha, gamma=gamma,
                    beta=max(beta - excess, 0.0))


def known_moves(move: Floats) -> Floats:
    """Return the known moves [day] of one factor.

    Raises
    ------
    BadInput
        If fewer than 250 are known, or all of them are 0.
    """
    known = move[np.isfinite(move)]
    if len(known) < OBSERVATIONS_MIN or not np.any(known):
        raise bad_input(Reason.BAD_VALUE, "volatility fit", f"has {len(known)} known moves, "
                        f"{np.count_nonzero(known)} of them not 0; at least {OBSERVATIONS_MIN} "
                        "days are wanted")
    return known


def half_life_days(decay: float) -> float:
    """Return the days after which half of a shock is left, for a decay or a persistence per day."""
    if decay <= 0:
        return 0.0
    return math.log(0.5) / math.log(decay) if decay < 1 - _NEARLY_ONE else math.inf


def residuals_of(move: Floats, fit: GjrFit) -> Floats:
    """Return the moves [day] by the deviation the fitted terms forecast for them; NaN in gaps."""
    column = move[:, None]
    return standardised(column, gjr_variance(column, fit.terms), mean=fit.terms.mean)[:, 0]


def fit_half_life_days(fit: GjrFit) -> float:
    """Return the half-life of a shock to variance under fitted terms, in days."""
    return half_life_days(persistence(fit.terms))
