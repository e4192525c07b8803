"""Which changes an account may make, judged by its margin before and after."""

from typing import Any

import numpy as np

from counterpoise.margin.requirement import Floats

Bools = np.ndarray[Any, np.dtype[np.bool_]]


def admitted(*, owned: Floats, initial_before: Floats, initial_after: Floats) -> Bools:
    """Return whether a change is let in: it is covered, or it asks for no more than before.

    `owned` is what the requirement is compared with after the change; all are [change], in one
    currency. A number that is missing or infinite lets nothing in. Source of the rule: Paradex
    documentation, risk checks; other venues state the same as "less or equally risky".
    """
    covered = owned >= initial_after
    known = np.isfinite(owned) & np.isfinite(initial_after)
    return np.asarray((covered | (initial_after <= initial_before)) & known)
