"""What would a crisis that did happen do today? Named events as joint moves of all factors.

Each number of an event is published by its source, measured on market data of the days, or *our
reading* where neither says anything; the event says which. A factor that an event does not name
moves as its factor `other` of that kind; a kind that it does not name at all stands still only if
the event says so. The numbers are in `stress_events.json`, read by `adapters.stress_events`.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from counterpoise import _core
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.scenarios.factors import (
    KINDS,
    Factor,
    Floats,
    JointMoves,
    factor_name,
)
from counterpoise.scenarios.moved_assets import STABLECOINS
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

Origin = Literal["published", "data", "our reading"]
OTHER: Final = "other"
TENORS: Final = (0, 30, 90)
CONFIDENCE: Final = {"H": "high", "M": "medium", "L": "low", "U": "unconfirmed"}


@frozen
class EventMove:
    """The move of one factor, in the units of its kind, and where it comes from."""

    factor: Factor
    move: float
    origin: Origin


@frozen
class StressEvent:
    """A named event: `confidence` in its published sizes, H, M, L or U; `still` kinds do not move.

    An event without moves is known by name only: there is nothing to replay.
    """

    name: str
    title: str
    dates: str
    confidence: str
    sources: tuple[str, ...]
    note: str
    still: tuple[str, ...]
    moves: tuple[EventMove, ...]

    def __post_init__(self) -> None:
        """Refuse an unknown confidence or kind, and a factor that moves twice."""
        if self.confidence not in CONFIDENCE or any(kind not in KINDS for kind in self.still):
            raise bad_input(Reason.BAD_VALUE, self.name, "has confidence H, M, L or U, and stands "
                            "still in kinds of factors: " + ", ".join(KINDS))
        names = [factor_name(m.factor) for m in self.moves]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise bad_input(Reason.DUPLICATE, self.name, f"moves {twice[0]} twice")


def log_ratio(before: float, after: float, subject: str) -> float:
    """Return ln(after / before), as the event's move of a price or a volatility.

    Raises
    ------
    BadInput
        If either is not above 0.
    """
    if not (0 < before < np.inf and 0 < after < np.inf):
        raise bad_input(Reason.BAD_VALUE, subject, f"goes from {before} to {after}; both are above "
                        "0")
    return float(_core.log(np.array([after / before]))[0])


def event_moves(events: Sequence[StressEvent], market: MarketSnapshot, *,
                horizon_days: float) -> JointMoves:
    """Return one scenario per event that has moves, for every underlying and asset of a market.

    Raises
    ------
    BadInput
        If an event says nothing about a factor of this market, naming each.
    """
    told = [event for event in events if event.moves]
    factors = factors_of_market(market)
    failures: list[Failure] = []
    rows = [[_moved(event, factor, failures) for factor in factors] for event in told]
    if failures:
        raise BadInput(*failures)
    names = ", ".join(event.name for event in told)
    return JointMoves(
        factors=factors, labels=tuple(f"{e.title} ({e.dates})" for e in told),
        move=np.array(rows, np.float64).reshape(len(told), len(factors)),
        weight=np.ones(len(told)), horizon_days=horizon_days, method=f"stress events: {names}")


def factors_of_market(market: MarketSnapshot) -> tuple[Factor, ...]:
    """Return all factors that instruments and assets of a market can follow, funding left out."""
    codes = market.catalogue.underlyings
    own = [Factor(subject=code, kind="peg" if code in STABLECOINS else "price") for code in codes]
    for code in codes:
        own += [Factor(subject=code, kind="basis", tenor_days=t) for t in TENORS]
        own += [Factor(subject=code, kind=kind) for kind in ("vol", "term", "skew")]
    beside = sorted(set(market.assets) - set(codes) - {"USD"})
    return (*own, *(Factor(subject=code, kind="peg" if code in STABLECOINS else "price")
                    for code in beside))


def _moved(event: StressEvent, factor: Factor, failures: list[Failure]) -> float:
    known = {m.factor: m.move for m in event.moves}
    fallback = Factor(subject=OTHER, kind=factor.kind, tenor_days=factor.tenor_days)
    for one in (factor, fallback):
        if one in known:
            return known[one]
    if factor.kind not in event.still:
        failures.append(Failure(reason=Reason.MISSING_NUMBER, subject=event.name, sentence=(
            f"says nothing of {factor_name(factor)}; give it, or {factor_name(fallback)} for all "
            f"that are not named, or let {factor.kind} stand still")))
    return 0.0


def readings_of(event: StressEvent) -> tuple[str, ...]:
    """Return the factors of an event whose move is our reading."""
    return tuple(factor_name(m.factor) for m in event.moves if m.origin == "our reading")


def moves_by_origin(event: StressEvent) -> dict[str, int]:
    """Return how many numbers of an event are published, measured and our reading."""
    origins = [m.origin for m in event.moves]
    return {origin: origins.count(origin)
            for origin in ("published", "data", "our reading")}


def row_of(moves: JointMoves, factor: Factor) -> Floats:
    """Return the moves of one factor, [scenario]."""
    return moves.move[:, moves.factors.index(factor)]
