"""How much of one market an account could hold once its open orders fill.

    buy side = max(0, buys + position)        sell side = max(0, sells - position)

The margin uses the larger side. Source: Paradex documentation, risk system, open orders. Its
printed example of a pre-trade check counts the sells of a long position whole; that reading is the
switch `orders_net`, and it contradicts the formula.
"""

import numpy as np

from counterpoise.margin.requirement import Floats


def open_size(position: Floats, buys: Floats, sells: Floats, *, orders_net: bool = True) -> Floats:
    """Return the larger side, >= 0, in the unit of `position`; all arrays alike in shape.

    `position` is signed, long > 0; `buys` and `sells` are the open order sizes, >= 0. Without
    `orders_net`, orders against a position are not reduced by it.
    """
    if orders_net:
        return np.maximum(np.maximum(buys + position, sells - position), 0.0)
    return np.maximum(buys + np.maximum(position, 0.0), sells + np.maximum(-position, 0.0))
