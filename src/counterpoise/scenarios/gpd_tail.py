"""How far does a tail reach beyond what was seen? The generalised Pareto tail of losses.

    P(L > x) = (N_u / n) (1 + xi (x - u) / b)^(-1/xi)   for x >= u;  exp(-(x - u) / b) at xi = 0
    VaR_p    = u + (b / xi) ((n (1-p) / N_u)^-xi - 1)
    ES_p     = VaR_p / (1 - xi) + (b - xi u) / (1 - xi)      for xi < 1

u is the threshold, N_u of n losses lie above it. The tail is fitted in `calibration.tails`. Source:
A. McNeil and R. Frey, "Estimation of tail-related risk measures for heteroscedastic financial time
series", Journal of Empirical Finance 7, 2000; McNeil, Frey and Embrechts, "Quantitative Risk
Management", 5.2.
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
EXCEEDANCES_MIN: Final = 50
NEARLY_EXPONENTIAL: Final = 1e-9
"""|xi| below this is taken as 0: the difference is far below the error of any fit."""


@frozen
class GpdTail:
    """A fitted tail of losses, loss > 0, in the units of the losses.

    threshold u, shape xi < 1, scale b > 0; `exceedances` N_u >= 50 of `observations` n.
    """

    threshold: float
    shape: float
    scale: float
    exceedances: int
    observations: int

    def __post_init__(self) -> None:
        """Refuse a tail without a mean, without a scale, or of too few losses."""
        wrong: list[str] = []
        if not self.shape < 1:
            wrong.append(f"has shape {self.shape:.4g}: from 1 on the mean of the tail is infinite "
                         "and no expected shortfall exists; take another threshold or more data")
        if not 0 < self.scale < np.inf or not -np.inf < self.threshold < np.inf:
            wrong.append(f"has scale {self.scale!r} above threshold {self.threshold!r}; the scale "
                         "is above 0 and both are finite")
        if not EXCEEDANCES_MIN <= self.exceedances <= self.observations:
            wrong.append(f"rests on {self.exceedances} losses of {self.observations}; at least "
                         f"{EXCEEDANCES_MIN} must lie above the threshold")
        if wrong:
            raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject="tail", sentence=text)
                             for text in wrong))


def tail_share(tail: GpdTail) -> float:
    """Return the probability of a loss above the threshold, N_u / n."""
    return tail.exceedances / tail.observations


def tail_loss(tail: GpdTail, beyond: Floats) -> Floats:
    """Return the losses that are exceeded with the probabilities `beyond`, elementwise.

    Raises
    ------
    BadInput
        If a probability is not above 0, or larger than that of the threshold.
    """
    ratio = beyond / tail_share(tail)
    if not np.all((ratio > 0) & (ratio <= 1 + 1e-12)):
        raise bad_input(Reason.BAD_VALUE, "tail", "knows only probabilities above 0 and at most "
                        f"{tail_share(tail):.4g}, that of its threshold")
    depth = -_core.log(np.ascontiguousarray(np.minimum(ratio, 1.0)))
    if abs(tail.shape) < NEARLY_EXPONENTIAL:
        return tail.threshold + tail.scale * depth
    stretch: Floats = _core.expm1(tail.shape * depth) / tail.shape
    return tail.threshold + tail.scale * stretch


def tail_value_at_risk(tail: GpdTail, level: float) -> float:
    """Return the value at risk at `level`, loss > 0.

    Raises
    ------
    BadInput
        If the level lies below that of the threshold, or is not below 1.
    """
    return float(tail_loss(tail, np.array([1.0 - level]))[0])


def tail_expected_shortfall(tail: GpdTail, level: float) -> float:
    """Return the expected shortfall at `level`, loss > 0; raises as `tail_value_at_risk`."""
    quantile = tail_value_at_risk(tail, level)
    return (quantile + tail.scale - tail.shape * tail.threshold) / (1.0 - tail.shape)
