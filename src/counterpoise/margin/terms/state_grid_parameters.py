"""The numbers of a rule book that scans prices by volatility states and adds contingencies.

Bybit's portfolio margin and its relatives (Dederi) are this rule book with numbers of their own.
What each number does: docs/methodology/bybit.md.
"""

from typing import Final

from counterpoise.collateral.schedule import AssetTerms, CollateralSchedule, listed_schedule
from counterpoise.margin.terms.ranges import require_choice, require_ranges
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

NUMERAIRE: Final = "USD"
IV_CHOICES: Final = ("expiry", "unit")
TENORS: Final = ("30/days", "days/30")
OTHER: Final = "other"


@frozen
class ShockParameters:
    """Shocks of one underlying.

    price_range               largest price move, fraction of the contract's own price
    vol_up, vol_down          relative volatility moves at 30 days, both given positive
    short_power, long_power   of the tenor scaling, below and from 30 days to expiry
    """

    price_range: float
    vol_up: float
    vol_down: float
    short_power: float
    long_power: float

    def __post_init__(self) -> None:
        """Refuse ranges and powers that have no meaning."""
        require_ranges(self, {"price_range": (0.001, 0.99), "vol_up": (0, 20), "vol_down": (0, 20),
                              "short_power": (0, 2), "long_power": (0, 2)})


@frozen
class GeneralParameters:
    """What all units share.

    im_factor         initial over maintenance margin of the units
    buckets           price steps on each side of zero
    initial_minimum   least initial margin of an account with positions, USD
    whole_days        days to expiry are rounded up
    whole_seconds     the valuation time is truncated to whole seconds
    """

    im_factor: float
    buckets: int
    initial_minimum: float
    whole_days: bool
    whole_seconds: bool

    def __post_init__(self) -> None:
        """Refuse an initial margin below the maintenance margin, and grids without steps."""
        require_ranges(self, {"im_factor": (1, 10), "buckets": (1, 1000),
                              "initial_minimum": (0, 1e12)})


@frozen
class ContingencyParameters:
    """Charges beside the scan, all fractions.

    future        of the gross size of futures and perpetuals at the index
    short_option  of the options sold net of those bought, expiry by expiry, at the index
    basis         per year between the expiries of deltas that offset, of their size at the index
    vega          volatility per day between the expiries of vegas that offset
    stablecoin    of the deltas in one quote currency that offset those in another, at the index
    """

    future: float
    short_option: float
    basis: float
    vega: float
    stablecoin: float

    def __post_init__(self) -> None:
        """Refuse rates that have no meaning."""
        require_ranges(self, {"future": (0, 1), "short_option": (0, 1), "basis": (0, 1),
                              "vega": (0, 1), "stablecoin": (0, 1)})


@frozen
class BorrowTiers:
    """Margin rates of what is borrowed: `up_to` the ends of all tiers but the last, in the coin."""

    up_to: tuple[float, ...]
    mm_rate: tuple[float, ...]
    im_rate: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse tiers that do not increase and rates that have no meaning."""
        if not len(self.mm_rate) == len(self.im_rate) == len(self.up_to) + 1:
            raise bad_input(Reason.BAD_VALUE, "mm_rate", f"{len(self.mm_rate)} maintenance and "
                            f"{len(self.im_rate)} initial rates for {len(self.up_to)} ends; give "
                            "one of each more than ends")
        if not all(a < b for a, b in zip((0.0, *self.up_to), self.up_to, strict=False)):
            raise bad_input(Reason.BAD_VALUE, "up_to", f"{list(self.up_to)[:9]} must increase "
                            "from above 0")
        if not all(0 <= mm <= im <= 1 for mm, im in zip(self.mm_rate, self.im_rate, strict=True)):
            raise bad_input(Reason.BAD_VALUE, "im_rate", f"{list(self.im_rate)[:9]} must lie "
                            f"between the maintenance rates {list(self.mm_rate)[:9]} and 1")


@frozen
class Readings:
    """Choices that no published number settles; each is *our reading* (methodology page).

    iv_choice   the worst volatility state of a price is chosen by "expiry" or by "unit"
    vol_tenor   volatility moves are scaled by "30/days" or by "days/30", to the power
    """

    iv_choice: str
    vol_tenor: str

    def __post_init__(self) -> None:
        """Refuse a reading that there is not."""
        require_choice(self, "iv_choice", IV_CHOICES)
        require_choice(self, "vol_tenor", TENORS)


@frozen
class StateGridParameters:
    """Shocks keyed by underlying, collateral and borrow tiers by asset, in small letters.

    `borrow` has an entry "other" for assets that it does not list.
    """

    general: GeneralParameters
    asset: dict[str, ShockParameters]
    contingency: ContingencyParameters
    collateral: dict[str, AssetTerms]
    borrow: dict[str, BorrowTiers]
    readings: Readings

    def __post_init__(self) -> None:
        """Refuse borrow tiers that leave an asset without a rate."""
        if OTHER not in self.borrow:
            raise bad_input(Reason.BAD_VALUE, "borrow", f"has no entry {OTHER!r} for assets that "
                            "it does not list")

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        wide = tuple((f"asset.{name}", f"odd parameter: vol_down {shocks.vol_down:g} of {name} "
                      "takes the whole volatility away at 30 days")
                     for name, shocks in sorted(self.asset.items()) if shocks.vol_down >= 1)
        falling = tuple((f"borrow.{name}", f"odd parameter: {field} {b:g} of a larger loan of "
                         f"{name} is below {a:g}")
                        for name, tiers in sorted(self.borrow.items())
                        for field in ("mm_rate", "im_rate")
                        for a, b in zip(getattr(tiers, field), getattr(tiers, field)[1:],
                                        strict=False) if b < a)
        return (*wide, *falling, *schedule_of(self).oddities())


def schedule_of(parameters: StateGridParameters) -> CollateralSchedule:
    """Return which assets count as collateral, in USD; one that is not listed counts nothing."""
    return listed_schedule(parameters.collateral, NUMERAIRE)
