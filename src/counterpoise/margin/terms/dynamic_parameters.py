"""What is `dynamic` told? Its joint moves, and how their tails become a requirement.

Joint moves are arrays and come in a file of their own (`adapters.dynamic_file`); the rest are
numbers that can be changed one by one. A part that is None is left out of the requirement. Nothing
has a default where the user must think: level, horizon and maintenance are stated.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

import numpy as np

from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.margin.terms.ranges import require_choice, require_ranges
from counterpoise.scenarios.factors import PRIORS, JointMoves, factor_name
from counterpoise.scenarios.joint import Dynamics
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

NUMERAIRE: Final = "USD"
_MISFIT: Final = 1e-9


@frozen
class DynamicMoves:
    """The joint moves, all over one horizon and over the same factors.

    base        volatility as of now (filtered), dependence as estimated
    stress      the stressed period and its events
    floor       the moves of `base` at the long-run volatility
    breaks      {name: the moves of `base` under another dependence}: `all_up`, `hedge_broken`
    """

    base: JointMoves
    stress: JointMoves | None = None
    floor: JointMoves | None = None
    breaks: dict[str, JointMoves] = {}


@frozen
class GeneralTerms:
    """What every tail is measured at, and how moves of factors reach prices.

    level             of expected shortfall, e.g. 0.975
    horizon_days      that of the moves: stated twice, so that nobody scales one by accident
    smile             sticky_strike or sticky_moneyness
    funding           charged or left_out
    passing_days      time that passes in every scenario
    still             kinds of factors that stand still where an underlying has none
    simulated         the moves were generated, not observed
    """

    level: float
    horizon_days: float
    smile: str
    funding: str
    passing_days: float
    still: tuple[str, ...]
    simulated: bool

    def __post_init__(self) -> None:
        """Refuse levels that have no tail and words that have no meaning."""
        require_ranges(self, {"level": (0.5, 0.99999), "horizon_days": (1e-3, 365)})
        dynamics_in(self)


def dynamics_in(general: GeneralTerms) -> Dynamics:
    """Return how moves of factors reach prices; raises BadInput where the words have no meaning."""
    return Dynamics(smile=cast(Any, general.smile), funding=cast(Any, general.funding),
                    passing_days=general.passing_days, still=general.still)


@frozen
class MaintenanceTerms:
    """Maintenance margin: a `fraction` of the addends, or every tail at a `level` of its own."""

    fraction: float | None = None
    level: float | None = None

    def __post_init__(self) -> None:
        """Refuse none and both."""
        if (self.fraction is None) == (self.level is None):
            raise _bad("maintenance", "is a fraction or a level of its own; state one of them")
        if self.fraction is not None:
            require_ranges(self, {"fraction": (0.01, 1)})
        else:
            require_ranges(self, {"level": (0.5, 0.99999)})


@frozen
class FloorTerms:
    """The floor: `share` of the shortfall at the long-run volatility.

    `years` of history are behind that volatility, which `history` says in words.
    """

    share: float
    years: float
    history: str

    def __post_init__(self) -> None:
        """Refuse shares and lengths that have no meaning: a volatility of no years is none."""
        require_ranges(self, {"share": (0, 10), "years": (0, 100)})
        if self.years == 0:
            raise _bad("years", "is 0; give the years of history behind the floor, above 0")


@frozen
class StressTerms:
    """How stress counts: `weight` of it, measured at `level` over the stress moves.

    reading   blend: (1 - weight) x current + weight x stressed shortfall
              sample: shortfall of one sample in which stress moves have that share of the weight
    """

    weight: float
    level: float
    reading: str

    def __post_init__(self) -> None:
        """Refuse weights outside 0 to 1 and other readings."""
        require_ranges(self, {"weight": (0, 1), "level": (0, 0.99999)})
        require_choice(self, "reading", ("blend", "sample"))


@frozen
class CorrelationTerms:
    """Which of the broken dependences count: names of `DynamicMoves.breaks`, each once."""

    sets: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse none and repeated ones."""
        if not self.sets or len(set(self.sets)) < len(self.sets):
            raise _bad("sets", "names at least one broken dependence, each once; to leave the part "
                       "out set correlation to null")


@frozen
class ImpactTerms:
    """What closing costs, common to all underlyings; see `margin.terms.impact`.

    coefficient     Y of the square-root law
    participation   share of the daily volume that a liquidation may be
    threshold       of the daily volume: what is larger is concentrated
    multiple        charge per day's standard deviation, e.g. 2.338 (normal shortfall at 97.5 %)
    follow_market   take the market's own volume and depth where they are lower
    """

    coefficient: float
    participation: float
    threshold: float
    multiple: float
    follow_market: bool

    def __post_init__(self) -> None:
        """Refuse numbers that have no meaning."""
        require_ranges(self, {"coefficient": (0, 100), "participation": (1e-6, 1),
                              "threshold": (0, 1000), "multiple": (0, 100)})


@frozen
class LiquidityTerms:
    """How deep the market of an underlying is, under stress; by its code.

    volume_usd         traded in a day, USD
    depth_usd          what one side of the book takes within 1 %, USD
    half_spread        fraction of the price
    daily_volatility   of the price, fraction
    vega_volume_usd    options traded in a day, USD of vega per volatility point
    daily_vol_move     of the volatility, points (1 = 0.01)
    vol_spread         half of bid to ask of a volatility, points
    """

    volume_usd: float
    depth_usd: float
    half_spread: float
    daily_volatility: float
    vega_volume_usd: float
    daily_vol_move: float
    vol_spread: float

    def __post_init__(self) -> None:
        """Refuse markets without volume or depth, and negative costs."""
        require_ranges(self, {
            "volume_usd": (1, 1e14), "depth_usd": (1, 1e14), "half_spread": (0, 1),
            "daily_volatility": (0, 10), "vega_volume_usd": (1e-3, 1e12),
            "daily_vol_move": (0, 1000), "vol_spread": (0, 1000)})


@frozen
class IssuerTerms:
    """Who stands behind an asset, and what is left of it when that issuer or venue fails.

    `shocks` {asset or underlying: fraction of its price} move beside it, e.g. {"btc": -0.2}: none
    by default. The shocks of all assets of one issuer count together.
    """

    issuer: str
    recovery: float
    shocks: dict[str, float] = {}

    def __post_init__(self) -> None:
        """Refuse no name, recoveries outside 0 to 1, and prices that fall to nothing or on."""
        require_ranges(self, {"recovery": (0, 1)})
        if not self.issuer.strip():
            raise _bad("issuer", "has no name; say who stands behind the asset, for the assets of "
                       "one issuer fail together")
        wrong = [Failure(reason=Reason.BAD_VALUE, subject=f"shocks.{code[:40]}", sentence=(
            f"{size:g} is a fraction of the price above -1 and at most 10, of a code in lower case")
            ) for code, size in self.shocks.items()
            if not -1 < size <= 10 or code != code.lower()]
        if wrong:
            raise BadInput(*wrong)


@frozen
class BufferTerms:
    """The anti-procyclicality buffer: `size` 0.25 is 25 % above the model (EMIR, article 28)."""

    size: float

    def __post_init__(self) -> None:
        """Refuse sizes that have no meaning."""
        require_ranges(self, {"size": (0, 10)})


@frozen
class DynamicParameters:
    """Parameters of `dynamic`; `liquidity` {underlying: terms}, `wrong_way` {asset: terms}.

    Keys are codes in lower case. A part that is None, or an empty table, is left out.
    """

    moves: DynamicMoves
    general: GeneralTerms
    maintenance: MaintenanceTerms
    collateral: CollateralSchedule
    floor: FloorTerms | None = None
    stress: StressTerms | None = None
    correlation: CorrelationTerms | None = None
    impact: ImpactTerms | None = None
    liquidity: dict[str, LiquidityTerms] = {}
    wrong_way: dict[str, IssuerTerms] | None = None
    buffer: BufferTerms | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together, all at once."""
        wrong = [Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence)
                 for subject, sentence in (*_missing_parts(self), *_misfits(self), *_thin(self))]
        if wrong:
            raise BadInput(*wrong)

    def identity(self) -> str:
        """Return a text that is equal for equal parameters alone: the arrays by their digest."""
        own = {name: getattr(self, name) for name in self.__fields__  # type: ignore[attr-defined]
               if name != "moves"}
        from counterpoise.values.digest import text_of  # no margin number needs it

        return text_of((own, tuple((n, moves_digest(m)) for n, m in sets_of(self.moves))))

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        found = [("collateral", sentence) for _, sentence in self.collateral.oddities()]
        if self.general.horizon_days < 1:
            found.append(("general", f"odd parameter: a horizon of {self.general.horizon_days:g} "
                          "days"))
        _, mark, named = self.moves.base.method.partition(PRIORS)
        if mark:
            found.append(("moves", f"{mark}{named.split(';')[0]}: not all of their moves were "
                          "observed"))
        return tuple(found)


def falls_of(wrong_way: dict[str, IssuerTerms]) -> dict[str, dict[str, float]]:
    """Return {issuer: {code: fraction}}: what it issued to recovery, and the shocks beside it."""
    out: dict[str, dict[str, float]] = {}
    for code, terms in sorted(wrong_way.items()):
        own = out.setdefault(terms.issuer, {})
        own |= {k: x for k, x in terms.shocks.items() if k not in own}
        own[code] = terms.recovery - 1.0
    return out


def sets_of(moves: DynamicMoves) -> tuple[tuple[str, JointMoves], ...]:
    """Return (name, moves) of all sets: base, stress and floor where there are, then breaks."""
    named = (("base", moves.base), ("stress", moves.stress), ("floor", moves.floor),
             *((f"breaks.{name}", one) for name, one in sorted(moves.breaks.items())))
    return tuple((name, one) for name, one in named if one is not None)


def moves_digest(moves: JointMoves) -> str:
    """Return the SHA-256 of all fields of joint moves."""
    from counterpoise.values.digest import sha256_of  # no margin number needs it

    return sha256_of(repr((tuple(factor_name(f) for f in moves.factors), moves.labels,
                           moves.horizon_days, moves.method)), moves.move, moves.weight)


def alike(weight: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Say whether all scenarios weigh the same."""
    return bool(np.all(weight == weight[:1]))


def _missing_parts(p: DynamicParameters) -> Iterator[tuple[str, str]]:
    if p.stress is not None and p.moves.stress is None:
        yield "stress", "needs stress moves; the file of moves has none, so set stress to null"
    if p.floor is not None and p.moves.floor is None:
        yield "floor", "needs floor moves; the file of moves has none, so set floor to null"
    for name in () if p.correlation is None else p.correlation.sets:
        if name not in p.moves.breaks:
            yield "correlation.sets", (f"{name[:40]!r} is no broken dependence of the moves; they "
                                       f"have {', '.join(sorted(p.moves.breaks)) or 'none'}")
    if p.impact is not None and not p.liquidity:
        yield "liquidity", "is missing; impact needs volume and depth of each underlying"
    for part, table in (("liquidity", p.liquidity), ("wrong_way", p.wrong_way or {})):
        for code in table:
            if code != code.lower():
                yield f"{part}.{code[:40]}", f"is written in lower case: {code[:40].lower()}"
    yield from _shocks_missing(p)
    if p.collateral.numeraire != NUMERAIRE:
        yield "collateral.numeraire", f"must be {NUMERAIRE}, the one currency of the account"


def _shocks_missing(p: DynamicParameters) -> Iterator[tuple[str, str]]:
    known = {f.subject.lower() for f in p.moves.base.factors if f.kind in ("price", "peg")}
    said: dict[tuple[str, str], float] = {}
    for asset, terms in sorted((p.wrong_way or {}).items()):
        for code, size in sorted(terms.shocks.items()):
            subject = f"wrong_way.{asset[:40]}.shocks.{code[:40]}"
            if code not in known:
                yield subject, "has no price or peg factor among the joint moves"
            if said.setdefault((terms.issuer, code), size) != size:
                yield subject, f"differs from that of another asset of {terms.issuer[:40]}"


def _misfits(p: DynamicParameters) -> Iterator[tuple[str, str]]:
    factors = set(p.moves.base.factors)
    for name, moves in sets_of(p.moves):
        days = p.general.horizon_days
        if abs(moves.horizon_days - days) > _MISFIT * days:
            yield f"moves.{name}", (f"span {moves.horizon_days:g} days, general.horizon_days is "
                                    f"{days:g}; moves are not rescaled, make them anew")
        if set(moves.factors) != factors:
            odd = sorted(map(factor_name, factors ^ set(moves.factors)))
            yield f"moves.{name}", ("has other factors than the base moves: " + ", ".join(odd[:9]))


def _thin(p: DynamicParameters) -> Iterator[tuple[str, str]]:
    """Name the sets that hold no tail of their level."""
    level = max(p.general.level, p.maintenance.level or 0.0)
    for name, moves in sets_of(p.moves):
        stressed = name == "stress"
        need = level if not stressed else 0.0 if p.stress is None else p.stress.level
        total = float(np.add.reduce(moves.weight))
        share = moves.weight / total if total > 0 else moves.weight
        effective = 1 / float(np.add.reduce(share * share)) if total > 0 else 0.0
        if effective * (1 - need) < 1 - _MISFIT:
            yield f"moves.{name}", (f"are worth {effective:.4g} equal scenarios, which hold no "
                                    f"tail of {1 - need:g}; give more of them or a lower level")


def _bad(subject: str, sentence: str) -> BadInput:
    return BadInput(Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence))
