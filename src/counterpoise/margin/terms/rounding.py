"""How addends make a total: in one order, and with what rounding adds."""

from functools import reduce
from operator import add

import numpy as np

from counterpoise.margin.requirement import Floats


def rounded(amount: Floats, decimals: int) -> Floats:
    """Return `amount` rounded half to even at `decimals` digits after the point."""
    return np.asarray(np.round(amount, decimals))


def added_up(parts: dict[str, Floats]) -> Floats:
    """Return the sum of the addends, one after the other: the same bits for one row and for many.

    NumPy's reduction of a list of columns adds in another order where there is one row.
    """
    return reduce(add, parts.values())


def added_rows(rows: Floats) -> Floats:
    """Return the sum over the first axis, row after row: the same bits for one column and many."""
    return np.asarray(reduce(add, rows, np.zeros(rows.shape[1:])))


def with_rounding(parts: dict[str, Floats], total: Floats) -> dict[str, Floats]:
    """Return `parts` with the addend `rounding` that makes them sum to `total`."""
    return parts | {"rounding": total - added_up(parts)}
