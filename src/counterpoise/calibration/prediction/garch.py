"""What does GARCH(1,1) forecast, when its terms come from the past alone?

Normal GARCH of each coin by itself, fitted on all its days before each block; the recursion then
runs on, with the new terms, from two years before the block (what lies further back has decayed).
Where a fit does not converge, or finds no clustering at all (a corner that its optimiser falls
into now and then, not what daily prices do), the terms of the block before stay; before the first
fit they are those of RiskMetrics, EWMA(0.94).
"""

from typing import Any, Final

import numpy as np

from counterpoise.calibration.prediction.walk_forward import blocks
from counterpoise.calibration.volatility import OBSERVATIONS_MIN, fit_garch, fit_gjr
from counterpoise.scenarios.variance import GjrTerms, gjr_variance
from counterpoise.values.failure import BadInput

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
MEMORY_DAYS: Final = 730
RISK_METRICS: Final = GjrTerms(mean=0.0, omega=0.0, alpha=0.06, gamma=0.0, beta=0.94)
REACTION_MIN: Final = 1e-3
"""alpha + gamma / 2 below this is no clustering."""


def garch_variance(day: Ints, move: Floats, *, months: int, leverage: bool = False) -> Floats:
    """Return the walk-forward forecasts [row + 1, coin] of moves [row, coin], NaN where unknown.

    With `leverage` GJR-GARCH with Student t innovations instead of normal GARCH(1,1). A coin has
    forecasts once 250 of its days are known at the start of a block.

    Raises
    ------
    BadInput
        If the extra is missing.
    """
    columns = [_column(day, move[:, k], months, leverage) for k in range(move.shape[1])]
    return np.stack(columns, axis=1)


def _column(day: Ints, move: Floats, months: int, leverage: bool) -> Floats:
    forecast, terms = np.full(len(move) + 1, np.nan), RISK_METRICS
    for block in blocks(day, months):
        known = move[:block.start]
        if int(np.isfinite(known).sum()) < OBSERVATIONS_MIN:
            continue
        terms = _terms(known, terms, leverage)
        begin = max(block.start - MEMORY_DAYS, 0)
        # Near a persistence of 1 the long-run level is no place to begin.
        first = np.array([np.nanmean(known * known)])
        run = gjr_variance(move[begin:block.stop][:, None], terms, first=first)[:, 0]
        forecast[block] = run[block.start - begin:block.stop - begin]
    return forecast


def _terms(known: Floats, before: GjrTerms, leverage: bool) -> GjrTerms:
    from importlib.util import find_spec

    try:
        fit = fit_gjr(known) if leverage else fit_garch(known, innovations="normal")
    except BadInput:
        if find_spec("arch") is None:
            raise
        return before
    return fit.terms if fit.terms.alpha + fit.terms.gamma / 2 >= REACTION_MIN else before
