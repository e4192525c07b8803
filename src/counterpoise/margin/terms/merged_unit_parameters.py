"""What OKX's risk units are measured by: parameters of MR1 to MR9, of loans and of equity.

Coins fall into three groups. The middle group of MR1 (`middle_spot`) and that of MR4, MR6 and MR7
(`middle`) were published apart; `btc_eth` is one for all, every other coin is in `other`. Sources
and dates: `margin/models/parameters/okx_pm.json` and docs/methodology/okx_pm.md.
"""

from itertools import pairwise
from typing import Final

import numpy as np

from counterpoise.collateral.schedule import AssetTerms
from counterpoise.collateral.tiers import marginal
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.ranges import require_choice, require_ranges
from counterpoise.margin.terms.stablecoin_hedge import StablecoinTiers
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

FLAT: Final = "flat"
ANNUALISED: Final = "annualised"
MERGED: Final = "underlying"
NO_SPOT: Final = "none"
LARGE: Final = "btc_eth"
MIDDLE_SPOT: Final = "middle_spot"
MIDDLE: Final = "middle"
OTHER: Final = "other"


@frozen
class GeneralParameters:
    """What all units share.

    unit                 "underlying": one unit for a coin; "quote": one for each coin and quote
    spot_offset          before the merge, the quote whose unit spot joins; "none": no unit
    imr_factor           initial over maintenance margin of a unit
    extreme_factor       share of the loss at the extreme move that counts (MR6)
    basis                "flat" or "annualised" (MR4)
    reduction_fee_rate   fee on loans that the margin ratio adds to the maintenance margin
    """

    unit: str
    spot_offset: str
    imr_factor: float
    extreme_factor: float
    basis: str
    reduction_fee_rate: float

    def __post_init__(self) -> None:
        """Refuse choices that there are not and factors that have no meaning."""
        require_choice(self, "unit", (MERGED, "quote"))
        require_choice(self, "spot_offset", (NO_SPOT, "USDT", "USDC", "USD"))
        require_choice(self, "basis", (FLAT, ANNUALISED))
        require_ranges(self, {"imr_factor": (0, 100), "extreme_factor": (0, 1),
                              "reduction_fee_rate": (0, 1)})


@frozen
class SpotMoves:
    """MR1: the moves of the index above zero, increasing fractions; each is taken both ways."""

    up_to: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse moves that leave no price."""
        if not self.up_to or not all(a < b for a, b in pairwise((0.0, *self.up_to, 1.0))):
            raise bad_input(Reason.BAD_VALUE, "up_to", f"{list(self.up_to)[:9]} must increase "
                            "between 0 and 1")


@frozen
class VolatilityShocks:
    """MR1: shifts of volatility by days to expiry, the same up and down; the worse of two.

    `points` are added (0.3 is 30 points), `percent` are fractions of the volatility; both lie on a
    straight line between the `days` given.
    """

    days: tuple[float, ...]
    points: tuple[float, ...]
    percent: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse tables with gaps and shifts that have no meaning."""
        if not self.days or not all(a < b for a, b in pairwise((-1.0, *self.days))):
            raise bad_input(Reason.BAD_VALUE, "days", f"{list(self.days)[:9]} must increase")
        for name in ("points", "percent"):
            shifts = getattr(self, name)
            if len(shifts) != len(self.days) or not all(0 <= x <= 20 for x in shifts):
                raise bad_input(Reason.BAD_VALUE, name, f"{list(shifts)[:9]} must be one number "
                                "between 0 and 20 for each of the days")


@frozen
class OptionCharges:
    """MR2, MR3 and MR5, which OKX names and does not publish: *our reading*.

    theta_days        time that passes in MR2
    term_volatility   move of one expiry's volatility against another's in MR3, points (0.05 is 5)
    rate_move         move of the discount rate in MR5
    """

    theta_days: float
    term_volatility: float
    rate_move: float

    def __post_init__(self) -> None:
        """Refuse moves that have no meaning."""
        require_ranges(self, {"theta_days": (0, 30), "term_volatility": (0, 5),
                              "rate_move": (0, 1)})


@frozen
class ExtremeMove:
    """MR6: the move of the index, a fraction, taken both ways."""

    move: float

    def __post_init__(self) -> None:
        """Refuse a move that leaves no price."""
        require_ranges(self, {"move": (0, 0.99)})


@frozen
class BasisRates:
    """MR4: `flat` on the cash delta of every leg; `annualised` on cash delta x years to expiry."""

    flat: float
    annualised: float

    def __post_init__(self) -> None:
        """Refuse rates that have no meaning."""
        require_ranges(self, {"flat": (0, 1), "annualised": (0, 10)})


@frozen
class MinimumCharge:
    """MR7: `rate` on gross cash delta gives a raw charge; each part of it has a `multiplier`.

    `up_to` are the upper ends of all tiers of the raw charge but the last, USD.
    """

    rate: float
    up_to: tuple[float, ...]
    multiplier: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse tiers that do not increase and multipliers that have no meaning."""
        require_ranges(self, {"rate": (0, 1)})
        _require_tiers(self.up_to, "multiplier", self.multiplier, 1000.0)


@frozen
class BorrowTiers:
    """MR8: rates on what is owed; `up_to` are the ends of all tiers but the last, units owed."""

    up_to: tuple[float, ...]
    mmr: tuple[float, ...]
    imr: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse tiers that do not increase and rates that have no meaning."""
        _require_tiers(self.up_to, "mmr", self.mmr, 10.0)
        _require_tiers(self.up_to, "imr", self.imr, 10.0)


@frozen
class MergedUnitParameters:
    """All parameters; groups of coins, tables keyed by group, loans and collateral by asset."""

    general: GeneralParameters
    groups: dict[str, tuple[str, ...]]
    spot: dict[str, SpotMoves]
    extreme: dict[str, ExtremeMove]
    basis: dict[str, BasisRates]
    minimum: dict[str, MinimumCharge]
    volatility: VolatilityShocks
    options: OptionCharges
    stablecoin: StablecoinTiers
    borrow: dict[str, BorrowTiers]
    collateral: dict[str, AssetTerms]

    def __post_init__(self) -> None:
        """Refuse tables without a group that coins can fall into, and grids of unequal shape."""
        for name, keys in (("spot", (LARGE, MIDDLE_SPOT, OTHER)), ("borrow", (OTHER,)),
                           *((n, (LARGE, MIDDLE, OTHER)) for n in ("extreme", "basis",
                                                                   "minimum"))):
            missing = [key for key in keys if key not in getattr(self, name)]
            if missing:
                raise bad_input(Reason.MISSING_NUMBER, f"{name}.{missing[0]}", "is missing; every "
                                "group of coins needs its numbers")
        if len({len(moves.up_to) for moves in self.spot.values()}) > 1:
            raise bad_input(Reason.BAD_VALUE, "spot", "must have as many moves in each group")

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        odd = [("general", f"odd parameter: imr_factor {self.general.imr_factor:g} puts the "
                "initial margin below the maintenance margin")] * (self.general.imr_factor < 1)
        odd += [(f"borrow.{key}", f"odd parameter: mmr {m:g} of {key} is above imr {i:g}")
                for key, tiers in sorted(self.borrow.items())
                for m, i in zip(tiers.mmr, tiers.imr, strict=True) if m > i]
        odd += [(f"minimum.{key}", f"odd parameter: multiplier {b:g} of a larger charge is below "
                 f"{a:g}") for key, charge in sorted(self.minimum.items())
                for a, b in pairwise(charge.multiplier) if b < a]
        odd += [(f"extreme.{key}", f"odd parameter: extreme move {extreme.move:g} of {key} is "
                 f"below the largest move of MR1, {self.spot[near].up_to[-1]:g}")
                for key, near in ((LARGE, LARGE), (MIDDLE, MIDDLE_SPOT), (OTHER, OTHER))
                if (extreme := self.extreme[key]).move < self.spot[near].up_to[-1]]
        return tuple(odd)


def group_of(parameters: MergedUnitParameters, coin: str, middle: str = MIDDLE) -> str:
    """Return the group of a coin; `middle` names the middle group that is meant."""
    for group in (LARGE, middle):
        if coin in parameters.groups.get(group, ()):
            return group
    return OTHER


def borrow_margins(parameters: MergedUnitParameters, asset: str,
                   owed: Floats) -> tuple[Floats, Floats]:
    """Return the maintenance and initial margin of what is owed, both in units of the asset."""
    tiers = parameters.borrow.get(asset.lower(), parameters.borrow[OTHER])
    ends = (*tiers.up_to, np.inf)
    return marginal(owed, ends, tiers.mmr), marginal(owed, ends, tiers.imr)


def _require_tiers(up_to: tuple[float, ...], name: str, values: tuple[float, ...],
                   most: float) -> None:
    if not all(a < b for a, b in pairwise((0.0, *up_to))):
        raise bad_input(Reason.BAD_VALUE, "up_to", f"{list(up_to)[:9]} must increase from above 0")
    if len(values) != len(up_to) + 1:
        raise bad_input(Reason.BAD_VALUE, name, f"has {len(values)} numbers for {len(up_to)} ends; "
                        "give one more than ends")
    if not all(0 <= value <= most for value in values):
        raise bad_input(Reason.BAD_VALUE, name, f"{list(values)[:9]} must lie between 0 and "
                        f"{most:g}")
