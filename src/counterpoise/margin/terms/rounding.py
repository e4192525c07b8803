"""How a venue rounds its figures, and what rounding adds."""

import numpy as np

from counterpoise.margin.requirement import Floats


def rounded(amount: Floats, decimals: int) -> Floats:
    """Return `amount` rounded half to even at `decimals` digits after the point."""
    return np.asarray(np.round(amount, decimals))


def with_rounding(parts: dict[str, Floats], total: Floats) -> dict[str, Floats]:
    """Return `parts` with the addend `rounding` that makes them sum to `total`."""
    return parts | {"rounding": total - np.add.reduce(list(parts.values()))}
