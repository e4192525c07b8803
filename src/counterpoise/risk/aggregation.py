"""What a book would lose: positions summed over a risk array and reduced to the worst scenario.

A row is the positions of one account that net with each other: one (account, key), where the key is
the risk unit that a model declares for each instrument. With v_s = sum of lots x pnl over the row,

    v_s <- weight v_s;  gains <- min(gain_factor v_s, gain_cap);  |v_s| <- max(|v_s| - dampener, 0)
    loss = -min(0, min_s v_s)

The sum is one chain of fused multiply-adds in canonical order, so it has the same bits for any
number of threads and on any CPU (docs/decisions).
"""

from typing import Any

import numpy as np

from counterpoise import _core
from counterpoise.pricing.kernel import Kernels
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Columns = np.ndarray[Any, np.dtype[np.int32]]


@frozen
class Rows:
    """Positions by (account, key), sorted by both; inside a row in canonical order.

    pointer       [row + 1] entries of the position columns by row
    account, key  [row]
    instrument    [position] column of the risk array
    lots          [position] signed
    order         [position] place in the book, None where rows and book order are the same
    """

    pointer: Ints
    account: Columns
    key: Columns
    instrument: Columns
    lots: Ints
    order: Ints | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.account)


@frozen
class UnitTransform:
    """What a model does to a unit's P&L vector before it takes the worst; None is the identity.

    weight        [key, scenario] multiplies every P&L
    gain_factor   [key] share of a gain that counts, and
    gain_cap      [key] the most that a gain may count; both or neither
    dampener      [key, scenario] >= 0, moves every P&L towards zero by at most that amount
    dampen_first  the dampener acts before the gain rule, not after it
    """

    weight: Floats | None = None
    gain_factor: Floats | None = None
    gain_cap: Floats | None = None
    dampener: Floats | None = None
    dampen_first: bool = False

    def __post_init__(self) -> None:
        """Check signs; a mistake here is the programmer's."""
        assert self.dampener is None or bool(np.all(self.dampener >= 0))
        assert (self.gain_factor is None) == (self.gain_cap is None)


IDENTITY = UnitTransform()


def grouped(*, row_pointer: Ints, instrument: Columns, lots: Ints, key: Columns) -> Rows:
    """Return the rows of a compressed book under `key` [instrument]; negative keys are left out."""
    pointer, account, keys, order = _core.group(row_pointer=row_pointer, instrument=instrument,
                                                key=key)
    if order is None:
        return Rows(pointer=pointer, account=account, key=keys, instrument=instrument, lots=lots)
    return Rows(pointer=pointer, account=account, key=keys, instrument=instrument[order],
                lots=lots[order], order=order)


def worst_loss(rows: Rows, pnl: Floats, transform: UnitTransform = IDENTITY, *,
               threads: int = 1, kernels: Kernels = _core) -> tuple[Floats, Columns]:
    """Return each row's worst loss (>= 0, in the currency of `pnl`) and its scenario.

    `pnl` is [instrument, scenario] per lot, gain > 0. Of equal worst scenarios the lowest is
    named. A row that holds a failed instrument (NaN) has loss NaN and scenario 0.
    """
    return kernels.worst_loss(pointer=rows.pointer, key=rows.key, instrument=rows.instrument,
                              lots=rows.lots, pnl=pnl, weight=transform.weight,
                              gain_factor=transform.gain_factor, gain_cap=transform.gain_cap,
                              dampener=transform.dampener, dampen_first=transform.dampen_first,
                              threads=threads)


def loss_vectors(rows: Rows, pnl: Floats, transform: UnitTransform = IDENTITY, *,
                 threads: int = 1, kernels: Kernels = _core) -> tuple[Floats, Floats]:
    """Return each row's P&L before and after the transform, both [row, scenario], gain > 0."""
    return kernels.loss_vectors(pointer=rows.pointer, key=rows.key, instrument=rows.instrument,
                                lots=rows.lots, pnl=pnl, weight=transform.weight,
                                gain_factor=transform.gain_factor, gain_cap=transform.gain_cap,
                                dampener=transform.dampener, dampen_first=transform.dampen_first,
                                threads=threads)


def exposures(rows: Rows, columns: Floats, *, threads: int = 1) -> tuple[Floats, Floats, Floats]:
    """Return net, long and gross sums of lots x `columns` [instrument, column], each [row, column].

    Net adds signed lots, long only positive ones, gross the absolute value of every product.
    """
    return _core.exposures(pointer=rows.pointer, instrument=rows.instrument, lots=rows.lots,
                           columns=columns, threads=threads)
