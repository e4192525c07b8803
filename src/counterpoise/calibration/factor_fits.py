"""What does the history of each factor say by itself? Volatility, its half-life, and its tails.

The variance of a factor is the plain average of two recursions (`scenarios.variance`): GJR-GARCH
with Student t innovations, fitted, and EWMA with a stated decay. Where fewer days are known than a
fit needs, or the fit does not converge, EWMA stands alone and the fit says so. Tails are those of
the residuals, each side by itself. Where a forecast has won, it filters a coin's price in the place
of the recursions (`price_filter`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from counterpoise.calibration.price_filter import Filters, PriceForecasts, filtered_by
from counterpoise.calibration.tails import SCAN_SHARES, ScanRow, TailFit, fit_tail, scan
from counterpoise.calibration.volatility import (
    EwmaFit,
    GjrFit,
    fit_ewma,
    fit_gjr,
    fit_half_life_days,
    half_life_days,
)
from counterpoise.scenarios.factors import Factor, FactorHistory
from counterpoise.scenarios.paths import Shocks, VolatilityNow, ewma_terms, shocks_of
from counterpoise.scenarios.variance import GjrTerms, has_level
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Track = Callable[[Sequence[Any]], Iterable[Any]]
FIT_MIN: Final = 500
"""Known moves from which a GJR fit is trusted; fewer leave its persistence to chance."""
WARM_UP: Final = 20
WINDOW_DAYS: Final = 365
_WINDOW_SHARE: Final = 0.15
_WINDOW_MIN: Final = 340


@frozen
class WindowFit:
    """One factor over one year: its daily deviation and the shape of its lower tail, NaN if none.

    `last_day` is the index of the last day in the history.
    """

    last_day: int
    deviation: float
    shape: float


@frozen
class FactorFit:
    """What was fitted to one factor.

    gjr       None where EWMA stands alone, with the reason in `refusal`
    ewma      the decay that forecasts best, None under 250 known moves; a diagnostic
    lower, upper   tails of the residuals at the stated share, None where refused: `tail_refusal`
    windows   year by year: is the factor the same one throughout?
    """

    factor: Factor
    known: int
    gjr: GjrFit | None
    refusal: str
    ewma: EwmaFit | None
    half_life_days: float
    lower: TailFit | None
    upper: TailFit | None
    tail_refusal: str
    scan: tuple[ScanRow, ...]
    windows: tuple[WindowFit, ...]


@frozen
class FittedFactors:
    """All factors of a history with their fits, their shocks and where volatility stands."""

    fits: tuple[FactorFit, ...]
    shocks: Shocks
    volatility: VolatilityNow
    filters: Filters


def fit_factors(history: FactorHistory, *, decay: float, tail_share: float,
                forecasts: PriceForecasts | None = None, track: Track = iter) -> FittedFactors:
    """Return the fits of every factor, each by itself; prices by `forecasts` where they won.

    Raises
    ------
    BadInput
        If a factor has no known move, `decay` is none, or the forecasts are of other days.
    """
    fits: list[FactorFit] = []
    models: list[GjrTerms] = []
    for column in track(range(len(history.factors))):
        gjr, refusal = _gjr(history.move[:, column])
        models.append(gjr.terms if gjr is not None else ewma_terms(decay))
        fits.append(_fit(history, column, gjr=gjr, refusal=refusal, decay=decay))
    ewma = (ewma_terms(decay),) * len(models)
    shocks, volatility = shocks_of(history, (tuple(models), ewma))
    shocks, volatility, filters = filtered_by(forecasts, _warmed_up(shocks, models), volatility)
    residual = shocks.excess / shocks.deviation
    return FittedFactors(
        fits=tuple(_with_tails(f, residual[:, k], tail_share) for k, f in enumerate(fits)),
        shocks=shocks, volatility=volatility, filters=filters)


def _warmed_up(shocks: Shocks, models: Sequence[GjrTerms]) -> Shocks:
    """Return the shocks without the first 20 known days of recursions that begin nowhere.

    Without a long-run level the first forecast is one squared move; after a still day every move
    would look immense.
    """
    deviation = shocks.deviation.copy()
    for k, terms in enumerate(models):
        if not has_level(terms) or terms.omega == 0.0:
            deviation[np.flatnonzero(np.isfinite(shocks.history.move[:, k]))[:WARM_UP], k] = np.nan
    return Shocks(history=shocks.history, excess=shocks.excess, deviation=deviation)


def _gjr(move: Floats) -> tuple[GjrFit | None, str]:
    known = int(np.count_nonzero(np.isfinite(move)))
    if known < FIT_MIN:
        return None, f"{known} known moves, fewer than {FIT_MIN}: EWMA alone"
    scale = float(np.nanstd(move))
    # Fits see numbers of one size; a peg moves a thousandth of what a coin moves.
    try:
        fit = fit_gjr(move * (_TYPICAL / scale))
    except BadInput as refused:
        return None, f"{refused.failures[0].sentence}: EWMA alone"
    return _scaled(fit, scale / _TYPICAL), ""


_TYPICAL: Final = 0.03


def _scaled(fit: GjrFit, unit: float) -> GjrFit:
    """Return a fit in units of the moves, of which `unit` was one when it was made."""
    power = {"mean": unit, "omega": unit * unit}
    terms = fit.terms
    return GjrFit(
        terms=GjrTerms(mean=terms.mean * unit, omega=terms.omega * unit * unit, alpha=terms.alpha,
                       gamma=terms.gamma, beta=terms.beta),
        degrees=fit.degrees, observations=fit.observations,
        errors={name: error * power.get(name, 1.0) for name, error in fit.errors.items()},
        log_likelihood=fit.log_likelihood - fit.observations * float(np.log(unit)))


def _fit(history: FactorHistory, column: int, *, gjr: GjrFit | None, refusal: str,
         decay: float) -> FactorFit:
    move = history.move[:, column]
    try:
        ewma = fit_ewma(move)
    except BadInput:
        ewma = None
    return FactorFit(
        factor=history.factors[column], known=int(np.count_nonzero(np.isfinite(move))), gjr=gjr,
        refusal=refusal, ewma=ewma, lower=None, upper=None, tail_refusal="", scan=(),
        half_life_days=half_life_days(decay) if gjr is None else fit_half_life_days(gjr),
        windows=_windows(move))


def _with_tails(fit: FactorFit, residual: Floats, share: float) -> FactorFit:
    sides: dict[str, Any] = {"lower": None, "upper": None}
    refusals = []
    for side, sign in (("lower", -1.0), ("upper", 1.0)):
        try:
            sides[side] = fit_tail(sign * residual, share=share)
        except BadInput as refused:
            refusals.append(f"{side} tail {refused.failures[0].sentence}")
    fields = {n: getattr(fit, n) for n in fit.__fields__}  # type: ignore[attr-defined]
    return FactorFit(**fields | sides | {
        "tail_refusal": "; ".join(refusals), "scan": scan(-residual, SCAN_SHARES)})


def _windows(move: Floats) -> tuple[WindowFit, ...]:
    """Return the years of the history, the last one ending with it, but those with many gaps."""
    found = []
    for end in range(len(move), WINDOW_DAYS - 1, -WINDOW_DAYS):
        part = move[end - WINDOW_DAYS:end]
        if np.count_nonzero(np.isfinite(part)) < _WINDOW_MIN:
            continue
        try:
            shape = fit_tail(-part, share=_WINDOW_SHARE).tail.shape
        except BadInput:
            shape = float("nan")
        found.append(WindowFit(last_day=end - 1, deviation=float(np.nanstd(part)), shape=shape))
    return tuple(reversed(found))
