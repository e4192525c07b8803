"""Which of several models asks for most? The worst case over models, and its name."""

import numpy as np

from counterpoise.risk.aggregation import Columns, Floats
from counterpoise.values.failure import Reason, bad_input


def worst_over_models(figures: dict[str, Floats]) -> tuple[Floats, Columns]:
    """Return the largest figure and the place of its model among `figures`, of one shape.

    Of equal figures the first counts; a NaN anywhere is NaN, since nobody knows the worst then.

    Raises
    ------
    BadInput
        If there is no model.
    """
    if not figures:
        raise bad_input(Reason.BAD_VALUE, "models", "are none; give at least one")
    stacked = np.stack(list(figures.values()))
    return (np.asarray(np.maximum.reduce(stacked, axis=0)),
            np.argmax(stacked, axis=0).astype(np.int32))
