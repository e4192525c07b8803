"""What a clearing house states for SPAN: scan ranges, spreads, credits, minima, by commodity.

A *combined commodity* is what nets: here one underlying settled in one asset, keyed
`underlying_settlement` (`btc_usdc`). Its contract months fall into *tiers* by days to expiry.
Scan ranges and rates are fractions of the underlying's price, or money per unit of underlying.
Source: CME Group public SPAN pages ("pubspan"); docs/methodology/span.md.
"""

from typing import Final

from counterpoise.margin.terms.ranges import require_choice, require_ranges
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

LARGEST: Final = 1e12
"""Largest scan range or rate in money per unit of underlying."""


@frozen
class Tier:
    """Contract months that are scanned, charged and spread alike.

    days                       days to expiry, at most; contracts without expiry have 0 days
    price_scan_range           move covered in full, fraction of the price or money
    volatility_scan_range      move of volatility, fraction of it or points (`General`)
    short_option_minimum       per unit of underlying in short options
    delivery_spread_rate       per unit of composite delta inside calendar spreads
    delivery_outright_rate     per unit of composite delta outside them
    """

    days: float
    price_scan_range: float
    volatility_scan_range: float
    short_option_minimum: float = 0.0
    delivery_spread_rate: float = 0.0
    delivery_outright_rate: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning, all at once."""
        require_ranges(self, {
            "days": (0, 1e6), "price_scan_range": (0, LARGEST), "volatility_scan_range": (0, 10),
            "short_option_minimum": (0, LARGEST), "delivery_spread_rate": (0, LARGEST),
            "delivery_outright_rate": (0, LARGEST)})


@frozen
class CalendarSpread:
    """Opposite deltas of two tiers (numbered from 1) and what each spread of them is charged.

    One spread takes `ratio_a` of delta from one tier and `ratio_b` from the other. `rate` is per
    spread, fraction of the price or money.
    """

    tier_a: int
    tier_b: int
    rate: float
    ratio_a: float = 1.0
    ratio_b: float = 1.0

    def __post_init__(self) -> None:
        """Refuse spreads that cannot be formed."""
        require_ranges(self, {"tier_a": (1, 1000), "tier_b": (1, 1000), "rate": (0, LARGEST),
                              "ratio_a": (1e-9, 1e9), "ratio_b": (1e-9, 1e9)})
        if self.tier_a == self.tier_b:
            raise bad_input(Reason.BAD_VALUE, "tier_b", f"{self.tier_b} is tier_a too; a calendar "
                            "spread has two tiers")


@frozen
class Commodity:
    """One combined commodity.

    amounts                ranges and rates are a "fraction" of the underlying's price or "money"
    tiers                  by increasing days; the last one also holds all later months
    calendar_spreads       in order of priority: what one spread takes is gone for the next
    short_option_method    number of short options: "both" calls and puts, or the "greater"
    exposure_rate          charged beside SPAN on the notional of futures and short options
    """

    amounts: str
    tiers: tuple[Tier, ...]
    calendar_spreads: tuple[CalendarSpread, ...] = ()
    short_option_method: str = "both"
    exposure_rate: float = 0.0

    def __post_init__(self) -> None:
        """Refuse tiers out of order and spreads of tiers that there are not."""
        require_choice(self, "amounts", ("fraction", "money"))
        require_choice(self, "short_option_method", ("both", "greater"))
        require_ranges(self, {"exposure_rate": (0, 10)})
        days = [tier.days for tier in self.tiers]
        if not days or any(b <= a for a, b in zip(days, days[1:], strict=False)):
            raise bad_input(Reason.BAD_VALUE, "tiers", f"the days {days[:20]} must increase, and "
                            "there must be at least one tier")
        missing = {t for s in self.calendar_spreads for t in (s.tier_a, s.tier_b) if t > len(days)}
        if missing:
            raise bad_input(Reason.BAD_VALUE, "calendar_spreads", f"names tier {min(missing)}; "
                            f"there are {len(days)}")


@frozen
class CreditLeg:
    """One commodity of an inter-commodity spread: its delta per spread and its market side."""

    commodity: str
    ratio: float
    side: str

    def __post_init__(self) -> None:
        """Refuse legs without a size or a side."""
        require_ranges(self, {"ratio": (1e-9, 1e9)})
        require_choice(self, "side", ("a", "b"))


@frozen
class InterCommoditySpread:
    """Deltas of commodities that offset, and the `credit` on each leg's price risk, a fraction.

    All legs of side "a" must be on one side of the market and all legs of side "b" on the other.
    Spreads with a smaller `priority` are formed first.
    """

    priority: int
    credit: float
    legs: tuple[CreditLeg, ...]

    def __post_init__(self) -> None:
        """Refuse credits above the whole risk and spreads that do not span commodities."""
        require_ranges(self, {"priority": (0, 1e6), "credit": (0, 1)})
        if len({leg.commodity for leg in self.legs}) < max(2, len(self.legs)):
            raise bad_input(Reason.BAD_VALUE, "legs", "must be two or more different commodities")


@frozen
class General:
    """What all commodities share.

    extreme_move_multiplier          price scan ranges of scenarios 15 and 16, and
    extreme_move_covered_fraction    the part of their loss that counts
    lookahead_days                   time that passes in every scenario
    volatility_relative              volatility scan ranges are fractions of it, else points
    delta_weights                    composite delta: weight of a price move of 0, 1/3, 2/3 and 1
    weighted_price_risk              "normal", "scanrange" or "scanrange_cap"
    option_style                     "premium" (net option value counts) or "futures"
    initial_factor                   initial over maintenance requirement
    risk_arrays                      "computed" here, or "read" from the clearing house's file
    files_per_day                    how often the clearing house states anew, for information
    """

    extreme_move_multiplier: float
    extreme_move_covered_fraction: float
    lookahead_days: float
    volatility_relative: bool
    delta_weights: tuple[float, ...]
    weighted_price_risk: str = "scanrange_cap"
    option_style: str = "premium"
    initial_factor: float = 1.0
    risk_arrays: str = "computed"
    files_per_day: int = 1

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        require_ranges(self, {
            "extreme_move_multiplier": (0, 100), "extreme_move_covered_fraction": (0, 1),
            "lookahead_days": (0, 365), "initial_factor": (1, 100)})
        require_choice(self, "weighted_price_risk", ("normal", "scanrange", "scanrange_cap"))
        require_choice(self, "option_style", ("premium", "futures"))
        require_choice(self, "risk_arrays", ("computed", "read"))
        if len(self.delta_weights) != 4 or not all(0 < w <= 1 for w in self.delta_weights):
            raise bad_input(Reason.BAD_VALUE, "delta_weights", f"{self.delta_weights[:8]} must be "
                            "four weights above 0, at most 1")


@frozen
class SpanParameters:
    """All parameters; `commodity` is keyed `underlying_settlement`, `inter_commodity` by a name."""

    general: General
    commodity: dict[str, Commodity]
    inter_commodity: dict[str, InterCommoditySpread] = {}

    def __post_init__(self) -> None:
        """Refuse moves that leave no price."""
        if self.general.risk_arrays == "read":
            return
        most = 1 / max(self.general.extreme_move_multiplier, 1.0)
        for key, of in self.commodity.items():
            widest = max(tier.price_scan_range for tier in of.tiers)
            if of.amounts == "fraction" and widest >= most:
                raise bad_input(Reason.BAD_VALUE, f"commodity.{key}.tiers", f"a price scan range "
                                f"of {widest:g} leaves no price in the extreme scenarios; it must "
                                f"stay below {most:g}")

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        dear = tuple((f"commodity.{key}", f"odd parameter: a calendar spread of {key} is charged "
                      f"{spread.rate:g}, more than both its legs' scan ranges")
                     for key, of in self.commodity.items() for spread in of.calendar_spreads
                     if spread.rate > _both_legs(of, spread))
        return dear + tuple(
            (f"inter_commodity.{name}", f"odd parameter: {name} never gives credit, {why}")
            for name, spread in self.inter_commodity.items()
            if (why := _no_credit(spread, self.commodity)))


def _no_credit(spread: InterCommoditySpread, commodity: dict[str, Commodity]) -> str:
    """Return why a spread is never formed, "" where it can be."""
    keys = [leg.commodity for leg in spread.legs]
    unknown = [key for key in keys if key not in commodity]
    if unknown:
        return f"there is no commodity {unknown[0]}"
    paid = sorted({key.rsplit("_", 1)[-1] for key in keys})
    return "" if len(paid) == 1 else "its legs are settled in " + " and ".join(paid)


def _both_legs(of: Commodity, spread: CalendarSpread) -> float:
    a, b = of.tiers[spread.tier_a - 1], of.tiers[spread.tier_b - 1]
    return spread.ratio_a * a.price_scan_range + spread.ratio_b * b.price_scan_range
