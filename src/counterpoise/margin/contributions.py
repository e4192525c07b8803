"""Which position the requirement comes from: Euler contributions that sum to it.

A requirement that is homogeneous of degree one in the positions is the sum of position x derivative
(Euler). Contributions may be negative: that position hedges the others.
"""

from typing import Any

import numpy as np

from counterpoise.margin.pools import summed
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.values.frozen import frozen


@frozen
class Contributions:
    """Contributions of the positions of a book, in the order of its position columns.

    `components` names the columns of `initial` and `maintenance` [position, component], pool
    currency, positive = needs collateral. The positions of a requirement row add up to its
    component of that name; components that no position causes (given amounts, rounding) are absent.
    """

    components: tuple[str, ...]
    initial: Floats
    maintenance: Floats


Order = np.ndarray[Any, np.dtype[np.int64]] | None


def contributions_of(shares: dict[str, tuple[Floats, Order]], *,
                     maintenance_factor: float) -> Contributions:
    """Return contributions from {component: (share by position, its order)}.

    The order is the place in the book of every share, None if they stand in book order already.
    """
    initial = np.stack([_in_book_order(*share) for share in shares.values()], axis=1)
    return Contributions(components=tuple(shares), initial=initial,
                         maintenance=maintenance_factor * initial)


def shared_out(weight: Floats, row: Indices, total: Floats) -> Floats:
    """Divide the total of each row among its positions in proportion to `weight`, [position]."""
    whole = summed(row, weight, len(total))
    return weight * np.divide(total, whole, out=np.zeros(len(total)), where=whole != 0)[row]


def _in_book_order(share: Floats, order: Order) -> Floats:
    if order is None:
        return share
    out = np.empty_like(share)
    out[order] = share
    return out
