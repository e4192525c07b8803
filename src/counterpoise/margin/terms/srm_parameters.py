"""What Derive's standard margin is told: rates by market, weights by asset, the peg of cash."""

from counterpoise.margin.terms.ranges import require_ranges
from counterpoise.values.frozen import frozen


@frozen
class SrmPerpetual:
    """Rates as fractions of the mark per contract."""

    initial: float
    maintenance: float

    def __post_init__(self) -> None:
        """Refuse rates that have no meaning."""
        require_ranges(self, {"initial": (0, 10), "maintenance": (0, 10)})


@frozen
class SrmOption:
    """Rates of naked short options as fractions of spot (`put_mark_maintenance`: of the mark).

    most, least              initial: `most` less how far out of the money, at least `least`
    unpaired_initial, unpaired_maintenance
                             of the forward per call sold beyond those bought
    maintenance_offset       initial margin of a put is at least this times its maintenance
    """

    most: float
    least: float
    call_maintenance: float
    put_maintenance: float
    put_mark_maintenance: float
    unpaired_initial: float
    unpaired_maintenance: float
    maintenance_offset: float

    def __post_init__(self) -> None:
        """Refuse rates that have no meaning."""
        require_ranges(self, {
            "most": (0, 10), "least": (0, 10), "call_maintenance": (0, 10),
            "put_maintenance": (0, 10), "put_mark_maintenance": (0, 10),
            "unpaired_initial": (0, 10), "unpaired_maintenance": (0, 10),
            "maintenance_offset": (0, 10)})


@frozen
class SrmOracle:
    """Below these confidences doubt is charged with `factor` on notional, initial margin only."""

    perpetual_threshold: float
    option_threshold: float
    factor: float

    def __post_init__(self) -> None:
        """Refuse thresholds that have no meaning."""
        require_ranges(self, {"perpetual_threshold": (0, 1), "option_threshold": (0, 1),
                              "factor": (0, 10)})


@frozen
class SrmMarket:
    """Everything that may differ from market to market."""

    perpetual: SrmPerpetual
    option: SrmOption
    oracle: SrmOracle


@frozen
class SrmAsset:
    """An asset that counts: `factor` of its value, for initial margin times `initial_scale`."""

    factor: float
    initial_scale: float
    confidence_threshold: float
    oracle_factor: float

    def __post_init__(self) -> None:
        """Refuse weights that have no meaning."""
        require_ranges(self, {"factor": (0, 10), "initial_scale": (0, 10),
                              "confidence_threshold": (0, 1), "oracle_factor": (0, 10)})


@frozen
class SrmPeg:
    """Below `threshold` the price of cash is charged on what could make the account owe cash."""

    threshold: float
    factor: float

    def __post_init__(self) -> None:
        """Refuse values that have no meaning."""
        require_ranges(self, {"threshold": (0, 1), "factor": (0, 100)})


@frozen
class SrmParameters:
    """All parameters; `market` and `asset` are keyed by small letters."""

    market: dict[str, SrmMarket]
    asset: dict[str, SrmAsset]
    peg: SrmPeg

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        odd = [(f"market.{name}.{part}", f"odd parameter: maintenance above initial margin "
                f"for {what} of {name.upper()}") for name, m in self.market.items()
               for part, what, wrong in _turned_around(m) if wrong]
        odd += [(f"asset.{name}", f"odd parameter: {name.upper()} counts for more than it is worth")
                for name, b in self.asset.items() if b.factor * max(1.0, b.initial_scale) > 1]
        return tuple(odd)


def _turned_around(m: SrmMarket) -> tuple[tuple[str, str, bool], ...]:
    perpetual, option = m.perpetual, m.option
    return (("perpetual", "perpetuals", perpetual.maintenance > perpetual.initial),
            ("option", "naked calls", option.call_maintenance > min(option.least, option.most)),
            ("option", "naked puts", option.maintenance_offset < 1),
            ("option", "unpaired calls", option.unpaired_maintenance > option.unpaired_initial))
