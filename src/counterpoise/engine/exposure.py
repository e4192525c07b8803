"""What of the collateral counts within the limits of a segment, as they act now?

How much all accounts hold of an asset with a cap on the platform is looked at when a snapshot is
assembled and when limits begin to act; between, it stands, so that accounts do not see one another.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from counterpoise.collateral.limits import Counts, ExposureLimits, assets_named, counts_of
from counterpoise.engine.state import Shard, State
from counterpoise.margin.model import CrossEquity
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.quantity import power_of_ten

_HALF = 32
"""Integers are added up in two halves, so that no sum of 64 bits overflows."""


def limits_of(state: State, segment: int) -> ExposureLimits | None:
    """Return the limits that act on a segment, None without any."""
    held = state.exposure.get(segment)
    return None if held is None else held.acting


def limits_at(state: State, segment: int, instant: int) -> ExposureLimits | None:
    """Return the limits that act on a segment at an instant (ns), as decreed so far."""
    held = state.exposure.get(segment)
    due = [] if held is None else [one for since, one in held.waiting if since <= instant]
    return due[-1] if due else limits_of(state, segment)


def counts_in(state: State, segment: int) -> Counts | None:
    """Return what of the assets counts in a segment, None where everything does."""
    limits = limits_of(state, segment)
    return None if limits is None else counts_under(state, segment, limits, state.pledged)


def counts_under(state: State, segment: int, limits: ExposureLimits,
                 pledged: dict[str, int]) -> Counts | None:
    """Return what of the assets counts in a segment under limits; `pledged` as `pledged_in`.

    Limits of what counts have a place where margin is over all assets; elsewhere None.
    """
    if not _is_over_all_assets(state, segment):
        return None
    whole = {a.code: pledged.get(a.code, 0) * power_of_ten(-a.decimals) for a in state.assets}
    return counts_of(limits, whole, whole)


def _is_over_all_assets(state: State, segment: int) -> bool:
    held = state.segments[segment]
    return held.version is not None and isinstance(
        state.equipment.models[held.model].equity(held.version.parameters), CrossEquity)


def unfit_limits(state: State, segment: int, limits: ExposureLimits) -> list[Failure]:
    """Return why limits have no place in a segment; none is the good answer."""
    known, held = {a.code for a in state.assets}, state.segments[segment]
    wrong = [Failure(reason=Reason.UNKNOWN_ASSET, subject=code[:60], sentence="is no asset of this "
                     "ledger") for code in assets_named(limits) if code not in known]
    if not limits.platform and not limits.counterparties or _is_over_all_assets(state, segment):
        return wrong
    return [*wrong, Failure(
        reason=Reason.NO_PARAMETERS, subject=held.name, sentence="has no parameters yet; activate "
        "a version first") if held.version is None else Failure(
        reason=Reason.NOT_APPLICABLE, subject=held.model, sentence="margins each settlement asset "
        "by itself; caps of the platform and counterparties have no place in it")]


def pledged_in(state: State, shards: Sequence[Shard]) -> dict[str, int]:
    """Return what all accounts hold of each asset with a cap, amounts > 0, smallest units."""
    return owned_by_all(state, shards, {code for one in state.exposure.values() if one.acting
                                        for code in one.acting.platform})


def owned_by_all(state: State, shards: Sequence[Shard], codes: set[str]) -> dict[str, int]:
    """Return what all accounts hold of some assets, amounts > 0, smallest units."""
    return {a.code: sum_of_owned(shards, k) for k, a in enumerate(state.assets)
            if a.code in codes}


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
