"""What does a replay see? Markets at their instants, and what came after, asked for apart.

A margin at t is computed from `market(t)` alone; what happened until t + h is asked of `again`,
`delivery_price` and `funding` afterwards. A world of recorded chains, of daily prices and of
simulated ones answer alike.
"""

from typing import Any, Protocol

import numpy as np

from counterpoise.market.snapshot import MarketSnapshot

Ints = np.ndarray[Any, np.dtype[np.int64]]


class World(Protocol):
    """A record of markets: frozen, the same answer to the same question."""

    @property
    def source(self) -> str:
        """One line that says where the numbers come from, proxies and simulation named."""

    @property
    def simulated(self) -> bool:
        """Whether the numbers were generated, not observed."""

    def days(self) -> Ints:
        """Return the instants (ns) at which margins can be computed, increasing."""

    def market(self, at: int) -> MarketSnapshot:
        """Return what was known of the market at one of `days`."""

    def again(self, held: MarketSnapshot, at: int) -> MarketSnapshot:
        """Return the market at another of `days`, with the instruments of `held` that live."""

    def delivery_price(self, underlying: str, expiry: int) -> float:
        """Return the price that contracts of this expiry settled at; NaN where not known."""

    def funding(self, underlying: str, begin: int, end: int) -> float:
        """Return the sum of funding rates in (begin, end], longs pay > 0; NaN where not known."""
