"""What TIMS looks at: ten price points per class group, and which class groups share losses.

    points = -down (5/5 .. 1/5), then up (1/5 .. 5/5): five each side, the unmoved price is none

A *class group* is one underlying (settled in one asset); its *class* says how far its price is
moved. Class groups of one *product group* offset. Source: OCC customer portfolio margin, FINRA Rule
4210(g), Cboe Rule 10.4; docs/methodology/tims.md.
"""

from typing import Final

import numpy as np

from counterpoise.instruments.catalogue import OPTION, SPOT
from counterpoise.instruments.contracts import Instrument, Payoff
from counterpoise.margin.pools import Bools
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.ranges import require_choice, require_ranges
from counterpoise.margin.terms.risk_matrix import pairs_of, unit_names
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.scenarios.scenario_set import ScenarioSet, VolRule
from counterpoise.values.failure import Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

POINTS: Final = 5
"""Price points on each side."""
_FLAT: Final = VolRule(relative=True, power_short=0.0, power_long=0.0, switch_days=30.0,
                       days_floor=1.0, whole_days=False, floor_up=0.0)


@frozen
class ClassRange:
    """How far a class is moved, `down` and `up` as fractions of the index, both positive.

    minimum    per unit of underlying in derivatives, long and short both counted: "money" of the
               settlement asset or a "fraction" of the price, as `amounts` says
    """

    down: float
    up: float
    minimum: float
    amounts: str

    def __post_init__(self) -> None:
        """Refuse moves that leave no price and negative minima."""
        require_ranges(self, {"down": (0.0001, 0.99), "up": (0.0001, 100), "minimum": (0, 1e9)})
        require_choice(self, "amounts", ("fraction", "money"))


@frozen
class ClassGroup:
    """Which class a class group is moved as and which product group it offsets in ("" for none)."""

    of_class: str
    product_group: str = ""


@frozen
class ProductGroup:
    """The part of a class group's gain that may offset losses of others in its product group."""

    offset: float

    def __post_init__(self) -> None:
        """Refuse parts outside 0..1."""
        require_ranges(self, {"offset": (0, 1)})


@frozen
class TimsParameters:
    """All parameters; `class_group` is keyed `underlying_settlement`, the others by name."""

    class_range: dict[str, ClassRange]
    class_group: dict[str, ClassGroup]
    product_group: dict[str, ProductGroup]

    def __post_init__(self) -> None:
        """Refuse names that lead nowhere."""
        for key, group in self.class_group.items():
            if group.of_class not in self.class_range:
                raise bad_input(Reason.BAD_VALUE, f"class_group.{key}.of_class", "is no class; use "
                                "one of " + ", ".join(sorted(self.class_range)))
            if group.product_group and group.product_group not in self.product_group:
                raise bad_input(Reason.BAD_VALUE, f"class_group.{key}.product_group", "is no "
                                "product group; use one of "
                                + ", ".join(sorted(self.product_group)))


@frozen
class ClassGroups:
    """Class groups of a catalogue and what they net in.

    name, of          [unit] keys; [instrument] unit of each
    unit              [segment] units again, those that net with each other side by side
    net, offset       [segment] its netting, a product group or itself alone; the part of its gains
                      that counts there
    net_name          [netting]
    segment           [instrument]
    minimum           [instrument] per lot, pool currency, 0 for spot
    """

    name: tuple[str, ...]
    of: Indices
    unit: Indices
    net: Indices
    offset: Floats
    net_name: tuple[str, ...]
    segment: Indices
    minimum: Floats


def class_groups_of(market: MarketSnapshot, parameters: TimsParameters,
                    coins: Floats) -> ClassGroups:
    """Return the class groups of a market; `coins` is the size of a lot of every instrument."""
    terms = market.catalogue
    of, underlying, settlement = pairs_of(terms)
    names = unit_names(terms)
    groups = [parameters.class_group.get(name) for name in names]
    paid = [terms.settlements[s] for s in settlement]
    nets = [f"{group.product_group} {asset}" if group and group.product_group else name
            for name, group, asset in zip(names, groups, paid, strict=True)]
    net_name = tuple(sorted(set(nets)))
    offset = np.array([parameters.product_group[group.product_group].offset
                       if group and group.product_group else 1.0 for group in groups])
    in_coin = [terms.underlyings[u] == asset for u, asset in zip(underlying, paid, strict=True)]
    minimum = np.array([_minimum(parameters, group, 1.0 if coin else price)
                        for group, coin, price in zip(
                            groups, in_coin, market.index[underlying].tolist(), strict=True)])
    net = np.array([net_name.index(n) for n in nets], np.int32)
    unit = np.argsort(net, kind="stable").astype(np.int32)
    segment_of = np.argsort(unit).astype(np.int32)
    return ClassGroups(
        name=names, of=of, unit=unit, net=net[unit], offset=offset[unit], net_name=net_name,
        segment=segment_of[of],
        minimum=np.where(terms.kind == SPOT, 0.0, minimum[of] * coins))


def _minimum(parameters: TimsParameters, group: ClassGroup | None, price: float) -> float:
    if group is None:
        return 0.0
    of_class = parameters.class_range[group.of_class]
    return of_class.minimum * (price if of_class.amounts == "fraction" else 1.0)


def point_scenarios(market: MarketSnapshot, parameters: TimsParameters) -> ScenarioSet:
    """Return scenario 0 and the ten points, lowest price first, moves of the index."""
    terms = market.catalogue
    of, underlying, _ = pairs_of(terms)
    names = unit_names(terms)
    ranges = [_range_of(name, parameters) for name in names]
    moves = np.stack([points(r) for r in ranges] or [np.zeros(2 * POINTS)], axis=1)
    count = len(ranges) or 1
    factors = tuple(f"{terms.underlyings[u]} {name}" for u, name in zip(
        underlying, names, strict=True)) or ("",)
    return ScenarioSet(
        labels=("unshocked", *(f"point {k + 1} of {2 * POINTS}" for k in range(2 * POINTS))),
        factors=factors, factor_of=of, move=np.concatenate((np.zeros((1, count)), moves)),
        vol_shift=np.zeros((2 * POINTS + 1, count)), vol_rules=(_FLAT,) * count,
        time_shift_days=np.zeros(2 * POINTS + 1),
        weight=np.array([0.0, *[1.0] * 2 * POINTS]), base_spot="index", base_delta_one="index",
        base_option="index", numeraire="settlement")


def points(of_class: ClassRange) -> Floats:
    """Return the ten price moves of a class, fractions, increasing."""
    steps = np.arange(1, POINTS + 1) / POINTS
    return np.concatenate((-of_class.down * steps[::-1], of_class.up * steps))


def _range_of(name: str, parameters: TimsParameters) -> ClassRange:
    # A class group without parameters gets the moves of a known one and then a Failure, no number.
    group = parameters.class_group.get(name)
    known = next(iter(parameters.class_range))
    return parameters.class_range[known if group is None else group.of_class]


def judged(market: MarketSnapshot, parameters: TimsParameters) -> tuple[Bools, dict[int, Failure]]:
    """Return which instruments have no TIMS number, and why where the snapshot does not say."""

    def judge(contract: Instrument) -> Failure | None:
        key = f"{contract.underlying}_{contract.settlement}".lower()
        if contract.payoff is Payoff.QUANTO:
            reason, sentence = Reason.NOT_APPLICABLE, (
                "TIMS covers spot, linear and coin-settled contracts")
        elif key not in parameters.class_group:
            reason, sentence = Reason.NO_PARAMETERS, (
                f"{key} has no class; state class_group.{key}")
        else:
            return None
        return Failure(reason=reason, subject=contract.id, sentence=sentence)

    return verdicts(market.catalogue, judge)


def lot_coins(market: MarketSnapshot, delta: Floats) -> Floats:
    """Return the units of underlying in one lot, [instrument]; `delta` is that of futures."""
    terms = market.catalogue
    return np.where((terms.payoff == 1) & (terms.kind != OPTION), np.abs(delta), terms.unit)
