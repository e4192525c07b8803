"""How heavy is a tail? Maximum likelihood of the generalised Pareto tail above a threshold.

With theta = xi / b the likelihood of exceedances y has one free number: xi(theta) = mean log(1 +
theta y), and theta maximises  -N (log(xi / theta) + xi + 1)  (S. Grimshaw, Technometrics 35, 1993).
Standard errors by the expected information, which exists for xi > -1/2 (R. Smith, Annals of
Statistics 15, 1987):  se(xi) = (1 + xi) / sqrt(N),  se(b) = b sqrt(2 (1 + xi) / N).
"""

import math
from typing import Any, Final

import numpy as np

from counterpoise.scenarios.gpd_tail import EXCEEDANCES_MIN, GpdTail
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
SCAN_SHARES: Final = (0.04, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15)
_GRID: Final = 400
_SPAN: Final = 1e4
"""theta is sought from 1e-4 to 1e4 over the mean exceedance, and down to its bound -1 / max."""


@frozen
class TailFit:
    """A fitted tail, the standard errors of its shape and scale, and its log-likelihood."""

    tail: GpdTail
    shape_error: float
    scale_error: float
    log_likelihood: float


@frozen
class ScanRow:
    """One threshold of a scan: its share of the losses, and the fit or why there is none."""

    share: float
    fit: TailFit | None
    refusal: str


def fit_tail(losses: Floats, *, share: float) -> TailFit:
    """Return the tail of the largest `share` of losses [loss], loss > 0, NaN left out.

    The threshold is the largest loss that does not belong to the share.

    Raises
    ------
    BadInput
        If fewer than 50 losses lie above the threshold, or the fitted shape is 1 or more.
    """
    ordered = np.sort(losses[np.isfinite(losses)])
    count = int(round(share * len(ordered)))
    if not 0 < share < 1 or count < EXCEEDANCES_MIN:
        raise bad_input(Reason.BAD_VALUE, "tail", f"{share:g} of {len(ordered)} losses are {count};"
                        f" at least {EXCEEDANCES_MIN} must lie above the threshold")
    return fit_tail_above(ordered, threshold=float(ordered[-count - 1]))


def fit_tail_above(losses: Floats, *, threshold: float) -> TailFit:
    """Return the tail of losses [loss] above a threshold; NaN left out.

    Raises
    ------
    BadInput
        As `fit_tail`.
    """
    known = losses[np.isfinite(losses)]
    beyond = np.sort(known[known > threshold] - threshold)
    if len(beyond) < EXCEEDANCES_MIN:
        raise bad_input(Reason.BAD_VALUE, "tail", f"has {len(beyond)} losses above {threshold:g}; "
                        f"at least {EXCEEDANCES_MIN} are wanted")
    theta, likelihood = _most_likely(beyond)
    shape, scale = _shape_and_scale(theta, beyond)
    tail = GpdTail(threshold=threshold, shape=shape, scale=scale, exceedances=len(beyond),
                   observations=len(known))
    information = max(1.0 + shape, 0.0)
    return TailFit(tail=tail, shape_error=information / math.sqrt(len(beyond)),
                   scale_error=scale * math.sqrt(2.0 * information / len(beyond)),
                   log_likelihood=likelihood)


def _shape_and_scale(theta: float, beyond: Floats) -> tuple[float, float]:
    if theta == 0.0:
        return 0.0, float(np.mean(beyond))
    shape = float(np.mean(np.log1p(theta * beyond)))
    return shape, shape / theta


def _most_likely(beyond: Floats) -> tuple[float, float]:
    from scipy.optimize import minimize_scalar

    def loss(theta: float) -> float:
        shape, scale = _shape_and_scale(theta, beyond)
        return math.log(scale) + shape + 1.0

    mean, largest = float(np.mean(beyond)), float(beyond[-1])
    up = np.geomspace(1 / _SPAN, _SPAN, _GRID) / mean
    # Closer than 1e-4 to the bound the likelihood has no maximum, it grows without end.
    down = -(1.0 - np.geomspace(1e-4, 1 - 1e-4, _GRID)) / largest
    grid = np.sort(np.concatenate([down, [0.0], up]))
    values = _losses(grid, beyond)
    best = int(np.argmin(values))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(loss, bounds=(float(low), float(high)), method="bounded",
                            options={"xatol": 1e-12 / mean})
    theta = float(found.x) if found.fun < values[best] else float(grid[best])
    return theta, -len(beyond) * loss(theta)


def _losses(grid: Floats, beyond: Floats) -> Floats:
    """Return log(scale) + shape + 1 for each theta of a grid."""
    shape = np.mean(np.log1p(grid[:, None] * beyond), axis=1)
    zero = grid == 0.0
    scale = np.where(zero, np.mean(beyond), shape / np.where(zero, 1.0, grid))
    values: Floats = np.log(scale) + shape + 1.0
    return values


def scan(losses: Floats, shares: tuple[float, ...] = SCAN_SHARES) -> tuple[ScanRow, ...]:
    """Return the fit at each share of the losses: a tail is believed where the shape is level."""
    return tuple(_row(losses, share) for share in shares)


def _row(losses: Floats, share: float) -> ScanRow:
    try:
        return ScanRow(share=share, fit=fit_tail(losses, share=share), refusal="")
    except BadInput as refused:
        return ScanRow(share=share, fit=None, refusal=refused.failures[0].sentence)
