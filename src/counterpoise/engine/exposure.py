"""What of the collateral counts within the limits of a segment, as they act now?

How much all accounts hold of an asset with a cap on the platform is looked at when a snapshot is
assembled and when limits begin to act; between, it stands, so that accounts do not see one another.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from counterpoise.collateral.limits import Counts, ExposureLimits, counts_of
from counterpoise.engine.state import Shard, State
from counterpoise.margin.model import CrossEquity
from counterpoise.values.quantity import power_of_ten

_HALF = 32
"""Integers are added up in two halves, so that no sum of 64 bits overflows."""


def limits_of(state: State, segment: int) -> ExposureLimits | None:
    """Return the limits that act on a segment, None without any."""
    held = state.exposure.get(segment)
    return None if held is None else held.acting


def counts_in(state: State, segment: int) -> Counts | None:
    """Return what of the assets counts in a segment, None where everything does.

    Limits of what counts have a place where margin is over all assets; elsewhere None.
    """
    limits, held = limits_of(state, segment), state.segments[segment]
    if limits is None or held.version is None or not isinstance(
            state.equipment.models[held.model].equity(held.version.parameters), CrossEquity):
        return None
    whole = {a.code: state.pledged.get(a.code, 0) * power_of_ten(-a.decimals)
             for a in state.assets}
    return counts_of(limits, whole, whole)


def pledged_in(state: State, shards: Sequence[Shard]) -> dict[str, int]:
    """Return what all accounts hold of each asset with a cap, amounts > 0, smallest units."""
    capped = {code for one in state.exposure.values() if one.acting
              for code in one.acting.platform}
    return {a.code: sum_of_owned(shards, k) for k, a in enumerate(state.assets)
            if a.code in capped}


def sum_of_owned(shards: Sequence[Shard], column: int) -> int:
    """Return the sum of the balances > 0 in a column of assets over all accounts, exactly."""
    total = 0
    for shard in shards:
        owned = shard.book.balances[:, column].copy()
        open_rows = [row for row in shard.overlay if row < len(owned)]
        owned[open_rows] = 0
        total += _exact(np.maximum(owned, 0))
        for row in shard.overlay.values():
            total += max(row.balances[column], 0)
    return total


def _exact(column: Any) -> int:
    high = np.add.reduce(column >> _HALF)
    return (int(high) << _HALF) + int(np.add.reduce(column & ((1 << _HALF) - 1)))
