"""What is the worst that options of one expiry could pay? The pay-off scanned at the held strikes.

    worst = min over P in {0, strikes} of sum of q max(right (P - K), 0)

Between strikes the pay-off is linear in the settlement price P, so that its least value below the
last strike stands at one of them or at 0; beyond the last one it falls without end where more calls
are sold than bought (`net_calls` < 0), which a rule book charges by itself. The scan walks up the
strikes of all segments at once: one running value and slope each, so that a segment's numbers do
not depend on what stands beside it. Source: Derive v2, SRM, maximum loss.
"""

from typing import Any

import numpy as np

from counterpoise.margin.pools import summed
from counterpoise.margin.requirement import Floats
from counterpoise.values.frozen import frozen

Ints = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class Legs:
    """Options in runs of one account and expiry, strikes rising inside a run.

    pointer   [segment + 1]
    strike    [leg] quote per unit of underlying
    right     [leg] +1 call, -1 put
    coins     [leg] units of underlying, long > 0
    """

    pointer: Ints
    strike: Floats
    right: Floats
    coins: Floats


@frozen
class SettlementLoss:
    """Of each segment: the least pay-off, in quote, where it stands, and its net long calls."""

    worst: Floats
    price: Floats
    net_calls: Floats


def settlement_loss(legs: Legs) -> SettlementLoss:
    """Return the least pay-off of every segment, [segment]; of equal prices the lowest counts."""
    size = np.diff(legs.pointer)
    segment = np.repeat(np.arange(len(size), dtype=np.int32), size)
    puts = np.where(legs.right < 0, legs.coins, 0.0)
    value = summed(segment, puts * legs.strike, len(size))
    slope = -summed(segment, puts, len(size))
    worst, price, before = value.copy(), np.zeros(len(size)), np.zeros(len(size))
    for rank in range(int(size.max(initial=0))):  # over the legs of one expiry, not over accounts
        now = np.flatnonzero(size > rank)
        leg = legs.pointer[now] + rank
        value[now] += slope[now] * (legs.strike[leg] - before[now])
        slope[now] += legs.coins[leg]
        before[now] = legs.strike[leg]
        lower = now[value[now] < worst[now]]
        worst[lower], price[lower] = value[lower], before[lower]
    return SettlementLoss(worst=worst, price=price, net_calls=summed(
        segment, legs.coins - puts, len(size)))
