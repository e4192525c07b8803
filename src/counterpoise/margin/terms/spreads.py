"""Which opposite deltas offset, one spread definition after the other.

A definition takes legs in stated proportions; what one spread takes is gone for the next. The loop
is over definitions; every account is matched at once. Source: CME Group public SPAN pages; the
steps are in docs/methodology/span.md.
"""

from typing import Any

import numpy as np

from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.span_parameters import CalendarSpread
from counterpoise.values.frozen import frozen

Ints = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class Matched:
    """How many spreads each row forms, [row], and what is left of its deltas, [leg, row]."""

    spreads: Floats
    left: Floats


def matched(delta: Floats, *, ratio: Floats, side: Floats) -> Matched:
    """Match one spread of several legs in every row at once.

    Parameters
    ----------
    delta
        [leg, row] net deltas.
    ratio
        [leg] delta that one spread takes from each leg, above 0.
    side
        [leg] +1 or -1: legs of one sign must stand on one side of the market and those of the
        other sign on the other, else no spread is formed. NaN deltas give NaN.
    """
    possible = delta * (side / ratio)[:, None]
    least, most = np.minimum.reduce(possible, axis=0), np.maximum.reduce(possible, axis=0)
    spreads = np.maximum(np.maximum(least, -most), 0.0)
    taken = np.sign(least) * spreads * (side * ratio)[:, None]
    return Matched(spreads=spreads, left=delta - taken)


def calendar_charges(delta: Floats, spreads: tuple[CalendarSpread, ...],
                     ) -> tuple[Floats, Floats]:
    """Return the charge of rows [row] and the deltas left [tier, row], of one commodity.

    `delta` is [tier, row]. Rates are as stated: times the price where they are fractions of it.
    """
    left, charge = delta.copy(), np.zeros(delta.shape[1])
    for spread in spreads:
        legs = [spread.tier_a - 1, spread.tier_b - 1]
        found = matched(left[legs], ratio=np.array([spread.ratio_a, spread.ratio_b]),
                        side=np.array([1.0, -1.0]))
        left[legs] = found.left
        charge += found.spreads * spread.rate
    return charge, left
