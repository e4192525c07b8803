"""How much: integers of lots and of smallest units, and the bounds they keep.

A quantity is an integer of lots (a lot is a power of ten of the contract's unit); money is an
integer of the asset's smallest unit. Both fit a signed 64-bit integer or are refused. Numbers cross
into them in `values.decimals`; from there on everything nets exactly, whatever the order.
"""

from typing import Final

INT64_MAX: Final = 2**63 - 1
LOTS_MAX: Final = 2**62
"""Largest absolute position or order in lots: two of them still add without overflow."""
UNKNOWN: Final = -(2**63)
"""Stands in an integer money column for an amount that nobody stated; never zero."""


def power_of_ten(exponent: int) -> float:
    """Return the float64 nearest to 10**exponent (decimal text, so that no libm is involved)."""
    return float(f"1e{exponent}")
