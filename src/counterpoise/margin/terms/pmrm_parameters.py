"""What PMRM_2 is told: scenarios and factors by market, haircuts by asset."""

from typing import Final

from counterpoise.margin.terms.ranges import require_ranges
from counterpoise.margin.terms.skew_shock import (
    DIRECTIONS,
    TILTS,
    SkewParameters,
    VolatilityParameters,
)
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

SCENARIOS_MAX: Final = 40


@frozen
class GridParameters:
    """Scenarios, [scenario]: spot multipliers, what volatility does, the share that counts."""

    spot: tuple[float, ...]
    volatility: tuple[str, ...]
    damping: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse lists that do not fit together, naming every violation."""
        wrong = [Failure(reason=Reason.BAD_VALUE, subject=name, sentence=sentence)
                 for broken, name, sentence in _grid_rules(self) if broken]
        if wrong:
            raise BadInput(*wrong)


def _grid_rules(grid: GridParameters) -> tuple[tuple[bool, str, str], ...]:
    tilted = [s for s, v in zip(grid.spot, grid.volatility, strict=False) if v in TILTS]
    twice = any(grid.volatility.count(tilt) > 1 for tilt in TILTS)
    return (
        (not len(grid.spot) == len(grid.volatility) == len(grid.damping), "spot",
         f"has {len(grid.spot)} entries, volatility {len(grid.volatility)}, damping "
         f"{len(grid.damping)}; they must be as many"),
        (not 0 < len(grid.spot) <= SCENARIOS_MAX, "spot",
         f"has {len(grid.spot)} entries; use 1 to {SCENARIOS_MAX}"),
        (not all(0 < s <= 1000 for s in grid.spot), "spot",
         "every multiplier must lie above 0 and at most at 1000"),
        (not set(grid.volatility) <= set(DIRECTIONS), "volatility",
         "every entry must be one of " + ", ".join(DIRECTIONS)),
        (not all(0 <= d <= 1000 for d in grid.damping), "damping",
         "every entry must lie between 0 and 1000"),
        (twice or any(s != 1 for s in tilted), "volatility",
         "linear and absolute stand at most once each, both with spot 1"))


@frozen
class DiscountParameters:
    """Factors on the shocked value of an expiry, by its sign.

    value >= 0 counts long_base exp(-T (r long_rate_scale + long_rate_add)) of itself, value < 0
    short_base exp(T (r short_rate_scale + short_rate_add)), at most 1 over the discount factor.
    """

    long_base: float
    short_base: float
    long_rate_scale: float
    long_rate_add: float
    short_rate_scale: float
    short_rate_add: float

    def __post_init__(self) -> None:
        """Refuse factors that have no meaning."""
        require_ranges(self, {"long_base": (0, 10), "short_base": (0, 10),
                              "long_rate_scale": (0, 100), "long_rate_add": (0, 100),
                              "short_rate_scale": (0, 100), "short_rate_add": (0, 100)})


@frozen
class BasisParameters:
    """Forwards move to `up` and `down` times themselves; loss counts add + multiply x years."""

    up: float
    down: float
    add: float
    multiply: float

    def __post_init__(self) -> None:
        """Refuse moves that have no meaning."""
        require_ranges(self, {"up": (1, 1000), "down": (1e-6, 1), "add": (0, 100),
                              "multiply": (0, 100)})


@frozen
class ContingencyParameters:
    """Charges as fractions of spot per coin: maintenance, and what initial margin adds to it."""

    perpetual_maintenance: float
    perpetual_initial: float
    option_maintenance: float
    option_initial: float

    def __post_init__(self) -> None:
        """Refuse fractions that have no meaning."""
        require_ranges(self, dict.fromkeys(self.__fields__, (0, 1)))  # type: ignore[attr-defined]


@frozen
class PmrmMarket:
    """Everything that may differ from market to market."""

    grid: GridParameters
    discount: DiscountParameters
    basis: BasisParameters
    volatility: VolatilityParameters
    skew: SkewParameters
    contingency: ContingencyParameters


@frozen
class PmrmCollateral:
    """An asset that counts: haircuts as fractions of its value, initial on top of maintenance.

    `offsets` is the market whose risk it cancels, moving with its spot; empty for none.
    """

    maintenance_haircut: float
    initial_haircut: float
    offsets: str

    def __post_init__(self) -> None:
        """Refuse haircuts that have no meaning."""
        require_ranges(self, {"maintenance_haircut": (0, 1), "initial_haircut": (0, 1)})


@frozen
class PmrmGeneral:
    """What all markets share; thresholds as fractions.

    peg_threshold, peg_factor     below the threshold the price of cash raises the initial factor
    confidence_threshold, confidence_margin
                                  below the threshold doubt is charged on notional
    """

    initial_factor: float
    maintenance_factor: float
    peg_threshold: float
    peg_factor: float
    confidence_threshold: float
    confidence_margin: float

    def __post_init__(self) -> None:
        """Refuse factors that have no meaning."""
        require_ranges(self, {"initial_factor": (0, 10), "maintenance_factor": (0, 10),
                              "peg_threshold": (0, 1), "peg_factor": (0, 20),
                              "confidence_threshold": (0, 1), "confidence_margin": (0, 10)})


@frozen
class PmrmParameters:
    """All parameters; `market` and `collateral` are keyed by small letters."""

    general: PmrmGeneral
    market: dict[str, PmrmMarket]
    collateral: dict[str, PmrmCollateral]

    def __post_init__(self) -> None:
        """Refuse markets whose lists do not go together: scenario s is one world for all."""
        shapes = {tuple(v in TILTS for v in m.grid.volatility) for m in self.market.values()}
        if len(shapes) != 1:
            raise BadInput(Failure(reason=Reason.BAD_VALUE, subject="market", sentence=(
                "needs at least one grid, all of one length, tilted in the same scenarios; "
                "scenario s must be one joint world")))

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        general = self.general
        odd = [(f"market.{name}.discount", f"odd parameter: {sentence}")
               for name, m in self.market.items() for sentence in _odd_discounts(m.discount)]
        odd += [(f"market.{name}.grid", f"odd parameter: damping {max(m.grid.damping):g} of "
                 f"{name.upper()} makes a loss larger") for name, m in self.market.items()
                if max(m.grid.damping) > 1]
        if general.maintenance_factor > general.initial_factor:
            odd.append(("general", f"odd parameter: maintenance_factor "
                        f"{general.maintenance_factor:g} above initial_factor "
                        f"{general.initial_factor:g}"))
        return (*odd, *((f"collateral.{name}", "odd parameter: haircuts of "
                         f"{name.upper()} above its value") for name, c in self.collateral.items()
                        if c.maintenance_haircut + c.initial_haircut > 1))


def _odd_discounts(discount: DiscountParameters) -> list[str]:
    odd = []
    if discount.long_base > 1:
        odd.append(f"long_base {discount.long_base:g} makes positive values worth more")
    if discount.short_base < 1:
        odd.append(f"short_base {discount.short_base:g} makes negative values cost less")
    return odd
