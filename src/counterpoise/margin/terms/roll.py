"""What it costs to roll or unwind expiries that do not net: a charge on each expiry's net delta.

    charge[unit] = sum over expiries e of |delta_e| x rate_e

Gross over expiries: a perpetual (its own expiry) does not net with a dated future.
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.risk.aggregation import Rows, exposures, grouped
from counterpoise.values.frozen import frozen


@frozen
class RollCharge:
    """The charge by unit row, and each position's share of it (shares sum to the charge).

    Shares are in segment order; `order` is each one's place in the book, None if the same.
    """

    charge: Floats
    share: Floats
    order: "np.ndarray[Any, np.dtype[np.int64]] | None"


def roll_charge(book: Book, rows: Rows, *, unit: Indices, delta: Floats,
                rate: Floats) -> RollCharge:
    """Return the roll charge of every unit row.

    `rows` are the unit rows of the book; `unit`, `delta` (per lot) and `rate` (pool currency per
    unit of delta, equal within an expiry) are [instrument].
    """
    segment, unit_of, rate_of = _segments(book.catalogue, unit, rate)
    by_expiry = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=segment)
    net, _, _ = exposures(by_expiry, delta[:, None])
    charges = np.abs(net[:, 0]) * rate_of[by_expiry.key]
    width = int(unit.max(initial=-1)) + 1
    wanted = rows.account.astype(np.int64) * width + rows.key
    found = np.searchsorted(
        wanted, by_expiry.account.astype(np.int64) * width + unit_of[by_expiry.key])
    charge = np.asarray(np.bincount(found, weights=charges, minlength=len(wanted)), np.float64)
    sign = np.repeat(np.sign(net[:, 0]), np.diff(by_expiry.pointer))
    share = sign * by_expiry.lots * (delta * rate)[by_expiry.instrument]
    return RollCharge(charge=charge, share=share, order=by_expiry.order)


def _segments(terms: Catalogue, unit: Indices, rate: Floats) -> tuple[Indices, Indices, Floats]:
    pairs = np.stack([unit.astype(np.int64), terms.expiry], axis=1)
    distinct, first, segment = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    return (segment.reshape(-1).astype(np.int32), distinct[:, 0].astype(np.int32),
            rate[first])
