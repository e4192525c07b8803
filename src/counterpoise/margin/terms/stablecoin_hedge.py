"""What can a position in one dollar token lose against its hedge in another?

Per risk unit, cash deltas in USDT, USDC and USD of opposite sign are matched pair by pair, in the
order USDT-USD, USDT-USDC, USDC-USD; what a pair has matched is used up. The matched size of a pair
is charged tier by tier, at rates that rise as the cheaper of its two currencies falls:

    charge = sum over pairs of sum over tiers of rate_k(price) x (part of the matched size inside)

Source: OKX notice of 2024-11-25 (MR9); docs/methodology/okx_pm.md.
"""

from typing import Final

import numpy as np

from counterpoise.collateral.tiers import marginal
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.interpolated import interpolated
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

CURRENCIES: Final = ("USDT", "USDC", "USD")
"""The columns of cash deltas and prices."""
_PAIRS: Final = ((0, 2), (0, 1), (1, 2))


@frozen
class StablecoinTiers:
    """Rates by matched size and price.

    up_to    upper ends of all tiers but the last, USD, increasing
    price    USD prices at which rates are given, increasing; between them on a straight line
    rate     one list for each tier, one fraction for each price
    """

    up_to: tuple[float, ...]
    price: tuple[float, ...]
    rate: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        """Refuse tables with gaps, and rates that have no meaning."""
        rising = [(name, getattr(self, name)) for name in ("up_to", "price")]
        for name, ends in rising:
            if not all(a < b for a, b in zip((0.0, *ends), ends, strict=False)):
                raise bad_input(Reason.BAD_VALUE, name, f"{list(ends)[:9]} must increase from "
                                "above 0")
        if not self.price:
            raise bad_input(Reason.BAD_VALUE, "price", "is empty; give at least one")
        if len(self.rate) != len(self.up_to) + 1 or any(
                len(row) != len(self.price) for row in self.rate):
            raise bad_input(Reason.BAD_VALUE, "rate", "must have one list for each tier and in it "
                            "one rate for each price")
        if not all(0 <= rate <= 1 for row in self.rate for rate in row):
            raise bad_input(Reason.BAD_VALUE, "rate", "must lie between 0 and 1")


def stablecoin_charge(delta: Floats, price: Floats, tiers: StablecoinTiers) -> Floats:
    """Return the charge of every unit row, USD, [row].

    `delta` [row, currency] is the cash delta in USD, columns as in `CURRENCIES`; `price` [currency]
    their USD prices.
    """
    left = [delta[:, k] for k in range(len(CURRENCIES))]
    charge = np.zeros(len(delta))
    for a, b in _PAIRS:
        opposite = np.sign(left[a]) * np.sign(left[b]) < 0
        matched = np.where(opposite, np.minimum(np.abs(left[a]), np.abs(left[b])), 0.0)
        if matched.any():
            lower = np.minimum(price[a], price[b])
            rates = [float(interpolated(lower, tiers.price, row)) for row in tiers.rate]
            charge = charge + marginal(matched, (*tiers.up_to, np.inf), rates)
        left[a] = left[a] - np.sign(left[a]) * matched
        left[b] = left[b] - np.sign(left[b]) * matched
    return charge
