"""What it costs to close a position that is large for its market: PRISMA's liquidity add-on.

    factor  piecewise linear in |quantity| / market capacity, flat beyond the last node
    charge  VaR of the position x factor + (ask - bid) / (ask + bid) x value
    total   max(floor, VaR of the portfolio / sum of the positions' VaR) x sum of charges

The table of factors is a parameter: Eurex publishes the one in force. Source: Eurex Clearing,
circular 014/21 (PRISMA).
"""

from typing import Any

import numpy as np

from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]


@frozen
class LiquidityTable:
    """Nodes of the liquidity factor: `size` relative to market capacity, increasing from 0."""

    size: tuple[float, ...]
    factor: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse nodes out of order and negative factors."""
        rising = all(b > a for a, b in zip(self.size, self.size[1:], strict=False))
        if not (rising and self.size[:1] == (0,) and len(self.size) == len(self.factor)):
            raise bad_input(Reason.BAD_VALUE, "size", f"{self.size[:10]} must increase from 0, "
                            "with one factor each")
        if not all(0 <= f <= 100 for f in self.factor):
            raise bad_input(Reason.BAD_VALUE, "factor", f"{self.factor[:10]} must lie between 0 "
                            "and 100")


def liquidity_factor(size: Floats, table: LiquidityTable) -> Floats:
    """Return the factor at relative sizes >= 0, any shape: linear between nodes, then flat."""
    nodes, factors = np.array(table.size), np.array(table.factor)
    if len(nodes) == 1:
        return np.full(size.shape, factors[0])
    k = np.clip(np.searchsorted(nodes, size, side="right") - 1, 0, len(nodes) - 2)
    share = np.clip((size - nodes[k]) / (nodes[k + 1] - nodes[k]), 0.0, 1.0)
    return np.asarray(factors[k] + share * (factors[k + 1] - factors[k]))


def liquidity_charge(value_at_risk: Floats, *, size: Floats, table: LiquidityTable, value: Floats,
                     half_spread: Floats) -> Floats:
    """Return the charge of every position before the portfolio's share, positive = cost.

    `value_at_risk` and `value` of the whole position are positive, `half_spread` is
    (ask - bid) / (ask + bid), `size` is |quantity| over market capacity; all of one shape.
    """
    return value_at_risk * liquidity_factor(size, table) + half_spread * value


def portfolio_share(portfolio: float, positions: Floats, floor: float) -> float:
    """Return max(floor, VaR of the portfolio / sum of the positions' VaR), the floor for none."""
    whole = float(np.add.reduce(positions))
    return max(floor, portfolio / whole) if whole > 0 else floor
