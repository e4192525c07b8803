"""How a venue rounds its figures, and what rounding adds."""

import numpy as np

from counterpoise.margin.requirement import Floats


def rounded(amount: Floats, decimals: int) -> Floats:
    """Return `amount` rounded half to even at `decimals` digits after the point."""
    return np.asarray(np.round(amount, decimals))


def added_up(parts: dict[str, Floats]) -> Floats:
    """Return the sum of addends, one after the other: one row has the same bits as among many.

    (NumPy adds eight or more addends in another order where there is one row alone.)
    """
    total, *more = parts.values()
    for part in more:
        total = total + part
    return total


def with_rounding(parts: dict[str, Floats], total: Floats) -> dict[str, Floats]:
    """Return `parts` with the addend `rounding` that makes them sum to `total`."""
    return parts | {"rounding": total - added_up(parts)}
