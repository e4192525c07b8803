"""Which move has which probability? Empirical in the centre, generalised Pareto in the tails.

    F^-1(u) = -(loss exceeded with probability u)      u below the share of the lower tail
              the quantile of the sample, R type 5     between
              loss exceeded with probability 1 - u     u above the share of the upper tail

The tails are fitted in `calibration.tails`; that of falls as losses. The centre is held between the
two thresholds, so that the quantiles rise throughout. Source: A. McNeil and R. Frey, Journal of
Empirical Finance 7, 2000, section 2; Hyndman and Fan (1996) for the sample's quantiles.
"""

from typing import Final

import numpy as np

from counterpoise.scenarios.factors import Floats
from counterpoise.scenarios.gpd_tail import GpdTail, tail_loss, tail_share
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

SAMPLE_MIN: Final = 100


@frozen
class Margin:
    """The distribution of one factor's standardised residual.

    centre  [residual] sorted      lower, upper  tails of falls (as losses) and of rises
    """

    centre: Floats
    lower: GpdTail
    upper: GpdTail

    def __post_init__(self) -> None:
        """Refuse a sample that is short or unsorted, and tails that meet."""
        sorted_ = bool(np.all(np.isfinite(self.centre)) and np.all(np.diff(self.centre) >= 0))
        if len(self.centre) < SAMPLE_MIN or not sorted_:
            raise bad_input(Reason.BAD_VALUE, "margin", f"needs at least {SAMPLE_MIN} residuals, "
                            "finite and sorted")
        meet = -self.lower.threshold >= self.upper.threshold
        if meet or tail_share(self.lower) + tail_share(self.upper) >= 1:
            raise bad_input(Reason.BAD_VALUE, "margin", "has tails that meet; take smaller ones")


def quantile(margin: Margin, probability: Floats) -> Floats:
    """Return the residuals of probabilities in (0, 1), [draw]."""
    falls, rises = tail_share(margin.lower), tail_share(margin.upper)
    low, high = probability < falls, probability > 1.0 - rises
    out = np.minimum(np.maximum(_central(margin.centre, probability), -margin.lower.threshold),
                     margin.upper.threshold)
    out[low] = -tail_loss(margin.lower, probability[low])
    out[high] = tail_loss(margin.upper, 1.0 - probability[high])
    return out


def _central(sample: Floats, probability: Floats) -> Floats:
    count = len(sample)
    place = np.minimum(np.maximum(probability * count - 0.5, 0.0), count - 1.0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, count - 1)
    found: Floats = sample[below] + (place - below) * (sample[above] - sample[below])
    return found
