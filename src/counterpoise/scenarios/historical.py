"""What if the past happened again tomorrow? Days as they were, or scaled to today's volatility.

    historical            x* = the move over h days that ended on day t
    filtered historical   x* = x_t min(max(s_now / s_t, low), high)

s_t is the volatility that was forecast for day t with what was known the day before, s_now the
forecast of today. All factors take the same date, which keeps what held between them. Only days
with a known move of every factor count, and only windows of days that follow one another: nothing
is filled in. Sources: J. Hull and A. White, "Incorporating volatility updating into the historical
simulation method for value at risk", Journal of Risk 1, 1998; G. Barone-Adesi, K. Giannopoulos and
L. Vosper, Journal of Futures Markets 19, 1999.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from counterpoise.scenarios.factors import Factor, FactorHistory, Floats, JointMoves, factor_name
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.time import DAY_NS, day_text

Rows = np.ndarray[Any, np.dtype[np.int64]]
Windows = Literal["overlapping", "separate"]


def history_of(history: FactorHistory, factors: Sequence[Factor], *, first: int,
               last: int) -> FactorHistory:
    """Return the history of some factors from instant `first` to `last`, ends included.

    Raises
    ------
    BadInput
        If a factor has no history, naming each, or no day lies in the range.
    """
    column = {factor: k for k, factor in enumerate(history.factors)}
    missing = [f for f in factors if f not in column]
    if missing:
        raise BadInput(*(Failure(reason=Reason.MISSING_NUMBER, subject=factor_name(f), sentence=(
            "has no history; give its moves, or leave it out")) for f in missing))
    days = (history.day >= first) & (history.day <= last)
    if not days.any():
        raise bad_input(Reason.BAD_TIME, "factor history", "has no day in that range")
    at = [column[f] for f in factors]
    return FactorHistory(factors=tuple(factors), day=history.day[days],
                         move=np.ascontiguousarray(history.move[days][:, at]),
                         source=history.source)


def window_starts(day: Rows, known: Floats, length: int) -> Rows:
    """Return where windows of `length` days begin that follow one another and are all known.

    `known` is [day, factor], NaN where a number is not known.
    """
    good = np.logical_and.reduce(np.isfinite(known), axis=1)
    count = len(day) - length + 1
    if count <= 0:
        return np.zeros(0, np.int64)
    whole = day[length - 1:] - day[:count] == (length - 1) * DAY_NS
    for later in range(length):
        whole &= good[later:later + count]
    return np.flatnonzero(whole)


def historical(history: FactorHistory, *, horizon_days: int, windows: Windows) -> JointMoves:
    """Return the moves over every `horizon_days` of the history, day after day added up.

    Windows are `overlapping`, one from every day, or `separate`, so that no day counts twice.

    Raises
    ------
    BadInput
        If the horizon is no whole number of days from 1, or no window is known whole.
    """
    refuse_horizon(horizon_days)
    starts = window_starts(history.day, history.move, horizon_days)
    if windows == "separate":
        starts = _apart(starts, horizon_days)
    refuse_none(len(starts), horizon_days)
    total = np.zeros((len(starts), len(history.factors)))
    for later in range(horizon_days):
        total += history.move[starts + later]
    return JointMoves(
        factors=history.factors, move=total, weight=np.ones(len(starts)),
        labels=tuple(day_text(t) for t in history.day[starts + horizon_days - 1].tolist()),
        horizon_days=float(horizon_days),
        method=f"historical, {horizon_days} days, {windows}, {span_of(history)}")


def filtered_historical(history: FactorHistory, deviation: Floats, *,
                        clip: tuple[float, float]) -> JointMoves:
    """Return the one-day moves of the history at the volatility of now.

    Parameters
    ----------
    deviation
        [day + 1, factor] the volatility forecast for each day from what was known before it, > 0;
        the last row is the forecast for the day after the history, which is now.
    clip
        Least and largest ratio of the volatility now to that of the day.

    Raises
    ------
    BadInput
        If the bounds are no ratios, or no day has every move and every forecast.
    """
    assert deviation.shape == (len(history.day) + 1, len(history.factors))
    refuse_clip(clip)
    now = deviation[-1]
    if not np.all((now > 0) & (now < np.inf)):
        raise bad_input(Reason.MISSING_NUMBER, "volatility", "has no forecast for now for every "
                        "factor; give one above 0")
    usable = np.where(deviation[:-1] > 0, deviation[:-1], np.nan)
    ratio = np.minimum(np.maximum(now / usable, clip[0]), clip[1])
    scaled = history.move * ratio
    rows = window_starts(history.day, scaled, 1)
    refuse_none(len(rows), 1)
    return JointMoves(
        factors=history.factors, move=np.ascontiguousarray(scaled[rows]),
        weight=np.ones(len(rows)), horizon_days=1.0,
        labels=tuple(day_text(t) for t in history.day[rows].tolist()),
        method=f"filtered historical, ratio {clip[0]:g} to {clip[1]:g}, {span_of(history)}")


def span_of(history: FactorHistory) -> str:
    """Return which days a history spans and how many of them are known whole, for a method."""
    whole = int(np.count_nonzero(np.isfinite(history.move).all(axis=1)))
    return (f"{day_text(int(history.day[0]))} to {day_text(int(history.day[-1]))}, {whole} days "
            f"known whole; {history.source}")


def refuse_horizon(horizon_days: int) -> None:
    """Refuse what is no whole number of days."""
    if horizon_days != int(horizon_days) or not 1 <= horizon_days <= 365:
        raise bad_input(Reason.BAD_VALUE, "horizon", f"{horizon_days} must be a whole number of "
                        "days, 1 to 365")


def refuse_clip(clip: tuple[float, float]) -> None:
    """Refuse what does not bound a ratio."""
    if not 0 < clip[0] <= 1 <= clip[1] <= 1000:
        raise bad_input(Reason.BAD_VALUE, "clip", f"{clip} must be a ratio above 0 and at most 1, "
                        "and one of at least 1, like (0.25, 4)")


def refuse_none(count: int, length: int) -> None:
    """Refuse a history without a whole window."""
    if count == 0:
        raise bad_input(Reason.MISSING_NUMBER, "factor history", f"has no {length} days in a row "
                        "on which every factor is known; give more days, or fewer factors")


def _apart(starts: Rows, length: int) -> Rows:
    kept, free = [], -1
    for start in starts.tolist():
        if start >= free:
            kept.append(start)
            free = start + length
    return np.array(kept, np.int64)
