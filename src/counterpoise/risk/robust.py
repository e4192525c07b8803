"""What a far quantile would be, from a nearer one that is better known: PRISMA's robust VaR.

    VaR_p = VaR_q t(p, n) / t(q, n)

t is the quantile of Student's t with n degrees of freedom: its tail carries the value at risk from
the anchor level q, where there is enough history, to the level p. Source: Eurex Clearing, circular
014/21 (PRISMA); docs/methodology/tail_measures.md.
"""

from typing import Any

import numpy as np

from counterpoise.risk.student import t_quantile
from counterpoise.values.failure import Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]


def tail_scaling(*, anchor: float, level: float, degrees: int) -> float:
    """Return t(level, degrees) / t(anchor, degrees), at least 1.

    Raises
    ------
    BadInput
        If not 0.5 < anchor <= level < 1 or the degrees of freedom are not whole.
    """
    if not 0.5 < anchor <= level:
        raise bad_input(Reason.BAD_VALUE, "anchor", f"{anchor} must lie above 0.5 and at most at "
                        f"the level {level}")
    return t_quantile(level, degrees) / t_quantile(anchor, degrees)


def robust_value_at_risk(anchored: Floats, *, anchor: float, level: float,
                         degrees: int) -> Floats:
    """Return the value at risk at `level` from that at `anchor`, any shape, positive = loss."""
    return np.asarray(anchored * tail_scaling(anchor=anchor, level=level, degrees=degrees))
