"""What does safety cost? Breaches against the average requirement, at the same number of breaches.

Two requirements are comparable when both are exceeded equally often: each is multiplied by one
constant until it is. Losses and requirements are positive amounts of the same unit, [day]; a breach
is a day on which the loss is larger than the requirement.
"""

from typing import Any

import numpy as np

from counterpoise.values.failure import Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]


def breaches_of(loss: Floats, requirement: Floats) -> int:
    """Return on how many days [day] the loss was larger than the requirement."""
    return int(np.count_nonzero(np.asarray(loss) > np.asarray(requirement)))


def scale_to_breaches(loss: Floats, requirement: Floats, breaches: int) -> float:
    """Return the least factor on a requirement [day] that leaves at most `breaches` of them.

    It is the (breaches + 1)-th largest loss over requirement: that day is just covered.

    Raises
    ------
    BadInput
        If a requirement is not positive, or there are not more days than breaches.
    """
    loss, requirement = np.asarray(loss, np.float64), np.asarray(requirement, np.float64)
    if not (requirement > 0).all():
        raise bad_input(Reason.BAD_VALUE, "requirement", "must be positive on every day")
    if not 0 <= breaches < len(loss):
        raise bad_input(Reason.BAD_VALUE, "breaches", f"{breaches} of {len(loss)} days; give a "
                        "number from 0 to below the number of days")
    ratio = loss / requirement
    return float(np.partition(ratio, len(ratio) - 1 - breaches)[len(ratio) - 1 - breaches])


def trade_off(losses: tuple[Floats, ...], requirements: tuple[Floats, ...],
              factors: Floats) -> tuple[Counts, Floats]:
    """Return, by factor, the breaches of all series and the mean over series of their mean.

    Parameters
    ----------
    losses, requirements : one [day] per series.
    factors : [factor] on every requirement.
    """
    ratios = np.sort(np.concatenate([loss / need for loss, need
                                     in zip(losses, requirements, strict=True)]))
    count = len(ratios) - np.searchsorted(ratios, factors, side="right")
    mean = float(np.mean([need.mean() for need in requirements]))
    return np.asarray(count, np.int64), np.asarray(factors * mean)
