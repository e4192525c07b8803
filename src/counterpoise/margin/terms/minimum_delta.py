"""The least charge on a book's delta, whatever its scenarios say.

    hedged = (gross - |net|) / 2        charge = (unhedged |net| + hedged_factor hedged) S

Source: Paradex documentation, portfolio margin, minimum delta requirement.
"""

import numpy as np

from counterpoise.margin.requirement import Floats


def hedged_delta(net: Floats, gross: Floats) -> Floats:
    """Return the delta that nets out, >= 0, from sum of deltas and sum of |delta|, alike in unit.

    It is half of what is left of the gross: each hedged coin stands in it twice.
    """
    return np.asarray((gross - np.abs(net)) / 2)


def minimum_delta_charge(net: Floats, gross: Floats, *, per_net: Floats,
                         per_hedged: Floats) -> Floats:
    """Return the charge, >= 0; `per_net` and `per_hedged` are money per unit of delta."""
    return np.asarray(per_net * np.abs(net) + per_hedged * hedged_delta(net, gross))
