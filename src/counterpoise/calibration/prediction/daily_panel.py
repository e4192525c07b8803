"""What did the coins do, day by day, and what was known at the end of each day?

One row per calendar day (UTC), one column per coin; NaN where a day was not seen, never filled. A
forecast for a row may use the rows above it and nothing else: `until` cuts a panel so that a test,
or a protocol, can prove it.
"""

from typing import Any, Final

import numpy as np

from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
COLUMNS: Final = ("log_return", "range_variance", "realised_variance", "implied_variance",
                  "funding")


@frozen
class DailyPanel:
    """The history of coins, by UTC day; every figure is known at the end of its day.

    coins              [coin] codes, distinct
    day                [row] days since 1970-01-01, every calendar day once, increasing by one
    log_return         [row, coin] close to close over the day
    range_variance     [row, coin] Parkinson's variance of the day from its high and low
    realised_variance  [row, coin] sum of squared returns inside the day (hourly, or 4-hourly)
    implied_variance   [row, coin] daily variance from a 30-day volatility index; the coin's own
    funding            [row, coin] mean funding rate of the day, per 8 hours, > 0: longs pay
    """

    coins: tuple[str, ...]
    day: Ints
    log_return: Floats
    range_variance: Floats
    realised_variance: Floats
    implied_variance: Floats
    funding: Floats

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit, days with holes, infinities and negative variances."""
        if len(set(self.coins)) != len(self.coins) or not self.coins:
            raise bad_input(Reason.DUPLICATE, "coins", "must name at least one coin, each once")
        if not bool(np.all(np.diff(self.day) == 1)):
            raise bad_input(Reason.BAD_TIME, "day", "must hold every calendar day once, in order")
        for name in COLUMNS:
            column = getattr(self, name)
            if column.shape != (len(self.day), len(self.coins)):
                raise bad_input(Reason.BAD_VALUE, name, f"has the shape {column.shape}; a panel of "
                                f"{len(self.day)} days and {len(self.coins)} coins needs it by "
                                "day and coin")
            if bool(np.any(np.isinf(column))) or (
                    name.endswith("variance") and bool(np.any(column < 0))):
                raise bad_input(Reason.NOT_FINITE, name, "holds infinities or negative variances; "
                                "an unknown day is NaN")


def until(panel: DailyPanel, day: int) -> DailyPanel:
    """Return the panel as it was known at the end of `day` (days since 1970-01-01)."""
    rows = panel.day <= day
    cut = {name: getattr(panel, name)[rows] for name in COLUMNS}
    return replaced(panel, day=panel.day[rows], **cut)


def panel_digest(panel: DailyPanel) -> str:
    """Return the SHA-256 of every number of a panel, in single precision.

    A reader's logarithm may differ in the last bit of a double from one machine to the next.
    """
    return sha256_of(",".join(panel.coins), panel.day,
                     *(getattr(panel, name).astype(np.float32) for name in COLUMNS))
