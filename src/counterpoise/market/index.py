"""What is an asset worth when several venues quote it? One index, by a stated rule.

    m     = weighted median of the live quotes
    index = sum of weight x min(max(quote, m (1 - cap)), m (1 + cap)) / sum of weight
    band  = weighted median of |quote - m| / m

A quote is live while it is young enough, on depth enough, and after the last restart. Fewer live
quotes than the rule asks for make no index. With a cap of 0 the index is the median itself. Each
source capped around the median is Deribit's index (0.5 %, "Index prices"); the band as a measure of
confidence, 1 - band, is *our reading*: half of the weight lies within it, and one venue alone, be
it arbitrarily wrong, moves neither far.
"""

from typing import Any

import numpy as np

from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Counts = np.ndarray[Any, np.dtype[np.int64]]
WEIGHT_MAX = 1_000_000
VENUES_MAX = 100


@frozen
class IndexRule:
    """How one price is made of venues' quotes.

    weights       {venue: its weight, an integer of at least 1}; other venues are not asked
    age_max_ns    a quote is live this long
    sources_min   live quotes that an index needs
    cap           a quote counts at most this fraction away from the median
    depth_min     USD that a venue's book must hold for its quote to be live; 0: not asked for
    band_max      above this fraction the price is not trusted: nobody is called by it
    """

    weights: dict[str, int]
    age_max_ns: int
    sources_min: int = 3
    cap: float = 0.005
    depth_min: float = 0.0
    band_max: float = 0.02

    def __post_init__(self) -> None:
        """Refuse a rule that could never make a price, or whose numbers have no meaning."""
        n = len(self.weights)
        wrong = [("weights", f"are {n}; name 1 to {VENUES_MAX} venues")] * (
            not 0 < n <= VENUES_MAX)
        wrong += [("weights", f"{weight} of {venue[:40]!r} must lie between 1 and {WEIGHT_MAX}, "
                   "the name within 1 to 40 characters") for venue, weight in self.weights.items()
                  if not 1 <= weight <= WEIGHT_MAX or not 0 < len(venue) <= 40]
        wrong += [(name, f"{getattr(self, name)} must lie between {low:g} and {high:g}")
                  for name, low, high in (
                      ("age_max_ns", 1, DAY_NS), ("sources_min", 1, max(n, 1)), ("cap", 0, 1),
                      ("depth_min", 0, 1e15), ("band_max", 0, 1))
                  if not low <= getattr(self, name) <= high]
        if wrong:
            raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=name, sentence=sentence)
                             for name, sentence in wrong))


def index_of(quote: Floats, weight: Counts, *, cap: Floats) -> tuple[Floats, Floats]:
    """Return index and band of every price, [price]; NaN where no quote has weight.

    Parameters
    ----------
    quote, weight
        [price, venue]; a quote counts where its weight is above 0, and must be > 0 there.
    cap
        Fraction, [price].
    """
    median = weighted_median(quote, weight)[:, None]
    with np.errstate(invalid="ignore"):
        capped = np.minimum(np.maximum(quote, median * (1.0 - cap[:, None])),
                            median * (1.0 + cap[:, None]))
        away = np.abs(quote - median) / median
    total, mass = np.zeros(len(quote)), np.zeros(len(quote), np.int64)
    for k in range(quote.shape[1]):
        counts = weight[:, k] > 0
        total = total + np.where(counts, weight[:, k] * capped[:, k], 0.0)
        mass = mass + weight[:, k]
    index = np.where(mass > 0, total / np.maximum(mass, 1), np.nan)
    # Rounding of the mean must not leave what its own parts span.
    low, high = (np.where(weight > 0, capped, fill) for fill in (np.inf, -np.inf))
    index = np.minimum(np.maximum(index, np.minimum.reduce(low, axis=1)),
                       np.maximum.reduce(high, axis=1))
    return np.where(mass > 0, index, np.nan), weighted_median(away, weight)


def weighted_median(value: Floats, weight: Counts) -> Floats:
    """Return the value with half of the weight on either side, [price]; NaN without weight.

    Where one value ends exactly at half of the weight it is the mean of that and the next one.
    """
    counts = weight > 0
    order = np.argsort(np.where(counts, value, np.inf), axis=1, kind="stable")
    sorted_value = np.take_along_axis(np.where(counts, value, np.inf), order, axis=1)
    mass = np.add.accumulate(np.take_along_axis(weight, order, axis=1), axis=1)
    total = mass[:, -1:]
    row = np.arange(len(value))
    low = sorted_value[row, np.argmax(2 * mass >= total, axis=1)]
    high = sorted_value[row, np.argmax(2 * mass > total, axis=1)]
    with np.errstate(invalid="ignore"):
        middle = low + (high - low) / 2
    return np.where(total[:, 0] > 0, middle, np.nan)
