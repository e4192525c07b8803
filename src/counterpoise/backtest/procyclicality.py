"""Does the margin of an unchanged portfolio leap when markets fall, and what does calming it cost?

Metrics of a margin series [..., day] (any positive unit), and the tools of EMIR Article 28(1) as
pure functions of such series: a buffer of 25 % that may be used up, a weight on stressed margin, a
floor from long-run volatility; and a limit on the rise per day, which is no tool of that list and
costs coverage. Sources: D. Murphy, M. Vasios and N. Vause, "An investigation into the
procyclicality of risk-based initial margin models", Bank of England Financial Stability Paper 29,
2014; Commission Delegated Regulation (EU) 153/2013, Article 28.
"""

from typing import Any, Final

import numpy as np

from counterpoise.margin.terms.buffer import charged
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
RISES_DAYS: Final = (1, 5, 30)


@frozen
class Procyclicality:
    """How a margin series moves, [series]; rises are fractions, 0.5 = half as much again.

    peak_to_trough   largest margin over smallest
    rise_1d ...      largest rise over at most 1, 5, 30 days
    std_log_change   standard deviation of daily log changes (divisor n - 1)
    days_above_10pc  days on which the margin rose by more than 10 %, and 25 %
    """

    peak_to_trough: Floats
    rise_1d: Floats
    rise_5d: Floats
    rise_30d: Floats
    std_log_change: Floats
    days_above_10pc: Floats
    days_above_25pc: Floats


def procyclicality(margin: Floats) -> Procyclicality:
    """Return the metrics of a positive margin series [..., day].

    Raises
    ------
    BadInput
        If there are fewer than three days or a margin is not positive and finite.
    """
    margin = _positive(margin, least=3)
    daily = margin[..., 1:] / margin[..., :-1] - 1
    rises = {f"rise_{n}d": largest_rise(margin, n) for n in RISES_DAYS}
    return Procyclicality(
        peak_to_trough=peak_to_trough(margin), **rises,
        std_log_change=np.asarray(np.diff(np.log(margin), axis=-1).std(axis=-1, ddof=1)),
        days_above_10pc=np.asarray((daily > 0.10).sum(axis=-1), np.float64),
        days_above_25pc=np.asarray((daily > 0.25).sum(axis=-1), np.float64))


def peak_to_trough(margin: Floats) -> Floats:
    """Return the largest margin over the smallest, 1 or more, of a series [..., day].

    Raises
    ------
    BadInput
        If a margin is not positive and finite.
    """
    margin = _positive(margin, least=1)
    return np.asarray(margin.max(axis=-1) / margin.min(axis=-1))


def largest_rise(margin: Floats, days: int) -> Floats:
    """Return max over t and k <= days of margin[t] / margin[t-k] - 1; negative if it only falls.

    Raises
    ------
    BadInput
        If there are fewer than two days or a margin is not positive and finite.
    """
    margin = _positive(margin, least=2)
    steps = range(1, min(days, margin.shape[-1] - 1) + 1)
    rises = np.stack([(margin[..., k:] / margin[..., :-k]).max(axis=-1) for k in steps])
    return np.asarray(rises.max(axis=0) - 1)


def cost(margin: Floats, reference: Floats) -> Floats:
    """Return mean margin over mean reference of the same book, such as its expected shortfall."""
    return np.asarray(np.mean(margin, axis=-1) / np.mean(reference, axis=-1))


def buffered(margin: Floats, share: float = 0.25) -> Floats:
    """Return the margin with an exhaustible buffer: Article 28(1)(a), series [..., day].

        charged[t] = max(model[t], min((1 + share) model[t], charged[t-1])), at first (1 + share)

    While the model rises the charge stands still until the buffer is used, then follows; it is
    never below the model, nor above 1 + share times it.

    Raises
    ------
    BadInput
        If a margin is not positive and finite, or the share negative.
    """
    margin = _positive(margin, least=1)
    _refuse_negative(share, "share")
    return np.moveaxis(charged(np.moveaxis(margin, -1, 0), share), 0, -1)


def stress_weighted(margin: Floats, stressed: Floats | float, weight: float = 0.25) -> Floats:
    """Return (1 - weight) margin + weight stressed margin: Article 28(1)(b), the linear reading.

    Raises
    ------
    BadInput
        If the weight lies outside 0 to 1.
    """
    if not 0 <= weight <= 1:
        raise bad_input(Reason.BAD_VALUE, "weight", f"{weight} must lie between 0 and 1, like 0.25")
    return np.asarray((1 - weight) * np.asarray(margin) + weight * np.asarray(stressed))


def floored(margin: Floats, floor: Floats | float) -> Floats:
    """Return the margin, at least that from long-run volatility: Article 28(1)(c)."""
    return np.maximum(margin, floor)


def speed_limited(margin: Floats, limit: float) -> Floats:
    """Return the margin with its daily rise capped at the fraction `limit`, series [..., day].

    What is held back is caught up on the following days under the same cap. This lowers coverage:
    report it beside.

    Raises
    ------
    BadInput
        If a margin is not positive and finite, or the limit negative.
    """
    margin = _positive(margin, least=1)
    _refuse_negative(limit, "limit")
    charged = margin.copy()
    for t in range(1, margin.shape[-1]):
        charged[..., t] = np.minimum(margin[..., t], (1 + limit) * charged[..., t - 1])
    return charged


def _positive(margin: Floats, least: int) -> Floats:
    margin = np.asarray(margin, np.float64)
    if margin.ndim == 0 or margin.shape[-1] < least:
        raise bad_input(Reason.BAD_VALUE, "margin", f"needs at least {least} days")
    if not (np.isfinite(margin) & (margin > 0)).all():
        raise bad_input(Reason.BAD_VALUE, "margin", "must be positive and finite on every day: "
                        "ratios are taken of it")
    return margin


def _refuse_negative(number: float, subject: str) -> None:
    if not 0 <= number < np.inf:
        raise bad_input(Reason.BAD_VALUE, subject, f"{number} must be 0 or more, like 0.25")
