"""Which open orders go first when an account falls below its initial margin."""

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


def cancelled(position: float, size: Floats, price: Floats) -> Bools:
    """Return the orders of one market to cancel, [order].

    First all orders on the side of the position, then, of those against it, the most passive until
    the rest together are no larger than the position: an order goes whole. `size` is signed, buy >
    0; without a position every order goes. Of equal prices the later order goes first. Source:
    Paradex documentation, deleveraging.
    """
    adds = size * position >= 0
    against = np.flatnonzero(~adds)
    # Away from the market is passive: a high sell, a low buy.
    eager = against[np.argsort(np.sign(position) * price[against], kind="stable")]
    kept = np.cumsum(np.abs(size[eager])) <= abs(position)
    out = np.ones(len(size), bool)
    out[eager[kept]] = False
    return out
