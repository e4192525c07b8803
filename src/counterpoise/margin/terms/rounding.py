"""How a venue rounds its figures, and what rounding adds."""

import numpy as np

from counterpoise.margin.requirement import Floats


def rounded(amount: Floats, decimals: int) -> Floats:
    """Return `amount` rounded half to even at `decimals` digits after the point."""
    return np.asarray(np.round(amount, decimals))


def with_rounding(parts: dict[str, Floats], total: Floats) -> dict[str, Floats]:
    """Return `parts` with the addend `rounding` that makes them sum to `total`."""
    return parts | {"rounding": total - added_up(parts)}


def added_up(parts: dict[str, Floats]) -> Floats:
    """Return the sum of the addends, [row], each row in their order whatever rows stand beside it.

    A reduction over the stacked addends would add eight and more of a single row in pairs.
    """
    columns = list(parts.values())
    total = columns[0]
    for column in columns[1:]:
        total = total + column
    return total
