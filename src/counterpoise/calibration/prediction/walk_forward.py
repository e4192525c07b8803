"""How is a forecaster kept from knowing the future? By blocks of days and the rows before them.

A forecaster is fitted again at the first day of each block, on the rows above it; inside the block
its terms stay. Every table of forecasts is [row + 1, coin]: row t is for day t and made with rows
0 ... t-1, the last row is for the day after the panel.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
TEN_YEARS_DAYS: Final = 3652


def blocks(day: Ints, months: int) -> Iterator[slice]:
    """Yield the rows of each block of whole calendar months, the day after the last one included.

    Blocks begin where the count of months since 1970-01 is a multiple of `months`, so that a
    longer panel has the same blocks as a shorter one, and more.
    """
    days = np.concatenate([day, day[-1:] + 1])
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    starts = np.flatnonzero(np.diff(month // months, prepend=-1))
    yield from (slice(int(a), int(b))
                for a, b in zip(starts, [*starts[1:], len(days)], strict=True))


def known_before(known: Any, count: int) -> Any:
    """Return [row + 1, coin]: at least `count` days of the coin are known before this row."""
    first = np.zeros((1, known.shape[1]), np.int64)
    return np.concatenate([first, np.cumsum(known, axis=0)]) >= count


def long_run_deviation(move: Floats, days: int = TEN_YEARS_DAYS) -> Floats:
    """Return [row + 1, coin]: root mean square of the known moves before, of so many days at most.

    NaN before the first.
    """
    known = np.isfinite(move)
    start = np.zeros((1, move.shape[1]))
    square = np.concatenate([start, np.cumsum(np.where(known, move, 0.0) ** 2, axis=0)])
    count = np.concatenate([start, np.cumsum(known, axis=0)])
    begin = np.maximum(np.arange(len(square)) - days, 0)
    seen = count - count[begin]
    mean = np.where(seen > 0, square - square[begin], np.nan) / np.maximum(seen, 1)
    return np.asarray(np.sqrt(mean))


def geometric_mean(*tables: Floats) -> Floats:
    """Return the geometric mean of forecasts of equal shape; NaN where one of them is unknown."""
    return np.asarray(np.exp(sum(np.log(table) for table in tables) / len(tables)))
