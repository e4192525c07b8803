"""What does a published table say between its points? A straight line; beyond its ends, the end."""

from collections.abc import Sequence

import numpy as np

from counterpoise.margin.requirement import Floats


def interpolated(at: Floats, points: Sequence[float], values: Sequence[float]) -> Floats:
    """Return the piecewise linear function through (`points`, `values`) at `at`, any shape.

    `points` increase; before the first and after the last the end value holds. NaN gives NaN.
    """
    known, told = np.asarray(points, np.float64), np.asarray(values, np.float64)
    assert known.shape == told.shape and bool(np.all(known[1:] > known[:-1]))
    out = np.full(np.shape(at), told[0]) + 0 * np.asarray(at)
    for k in range(len(known) - 1):
        share = np.clip((at - known[k]) / (known[k + 1] - known[k]), 0.0, 1.0)
        out = out + share * (told[k + 1] - told[k])
    return out
