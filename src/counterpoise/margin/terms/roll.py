"""What it costs to roll or unwind expiries that do not net: a charge on each expiry's net delta.

    charge[unit] = sum over expiries e of |delta_e| x rate_e

Gross over expiries: a perpetual (its own expiry) does not net with a dated future. The charge is
the segment charge of `_core.add_ons`; here are its segments and each position's share of it.
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.risk.aggregation import exposures, grouped


def expiry_segments(terms: Catalogue, unit: Indices) -> Indices:
    """Return the segment of every instrument, [instrument]: a number per (unit, expiry)."""
    tenors, tenor = np.unique(terms.expiry, return_inverse=True)
    return np.asarray(unit * len(tenors) + tenor, np.int32)


def roll_shares(book: Book, *, segment: Indices, delta: Floats, rate: Floats,
                ) -> tuple[Floats, "np.ndarray[Any, np.dtype[np.int64]] | None"]:
    """Return each position's share of the roll charge and their places in the book.

    `delta` (per lot) and `rate` (pool currency per unit of delta) are [instrument]; the shares of a
    unit row sum to its charge. The places are None where shares stand in book order.
    """
    by_expiry = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                        key=segment)
    net, _, _ = exposures(by_expiry, delta[:, None])
    sign = np.repeat(np.sign(net[:, 0]), np.diff(by_expiry.pointer))
    return sign * by_expiry.lots * (delta * rate)[by_expiry.instrument], by_expiry.order
