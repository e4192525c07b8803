"""How much does an amount come to when every part of it has a rate of its own?

    marginal(A) = sum over tiers of rate[k] x (the part of A between up_to[k-1] and up_to[k])

The one tier primitive: collateral ratios by quantity, position brackets (a bracket table with a
"cumulative deduction" says the same), minimum charges and borrow tiers are all this sum.
"""

from collections.abc import Sequence

import numpy as np

from counterpoise.market.snapshot import Floats


def marginal(amount: Floats, up_to: Sequence[float] | Floats,
             rate: Sequence[float] | Floats) -> Floats:
    """Return the sum over tiers of (part of the amount inside the tier) x rate.

    Parameters
    ----------
    amount
        Not negative, any shape; NaN gives NaN.
    up_to
        Upper end of each tier, increasing from above 0, in the unit of the amount: [tier], or
        [..., tier] where tiers differ along the amount's axes. The last may be infinite; what lies
        beyond the last counts nothing.
    rate
        Rate inside each tier, same shape; the result is in unit of amount x unit of rate.
    """
    ends, rates = np.asarray(up_to, np.float64), np.asarray(rate, np.float64)
    assert ends.shape == rates.shape
    out = np.zeros(np.broadcast_shapes(np.shape(amount), ends.shape[:-1]))
    start: Floats = np.zeros(ends.shape[:-1])
    for k in range(ends.shape[-1]):
        inside = np.maximum(np.minimum(amount, ends[..., k]) - start, 0.0)
        out = out + inside * rates[..., k]
        start = ends[..., k]
    return out
