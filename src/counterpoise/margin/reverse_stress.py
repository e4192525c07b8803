"""What is the smallest move that breaks this account? Searched through the path to a margin number.

The excess e(x) of an account after joint moves x is its margin balance less its initial or its
maintenance requirement, or less 0, of the pool that has least of it in USD. The length of a move is
Mahalanobis',

    |x| = sqrt(x' S^-1 x),   x = L z with L L' = S,   |x| = |z|

so a length of 3 is a move of three standard deviations in its direction. Factors that change
nothing in the account, alone or beside a large move of all others, are left out: under the
covariance of the rest the shortest move has the same length. Search (`margin.breaking_rays`): rays
along each factor alone, each factor with what the others do on average beside it, the eigenvectors
of the correlation, pairs of the four strongest, and the steepest fall of the excess today; the
shortest of each region is turned until it no longer shortens; then a disc of two directions and,
with more than two factors, points spread over all directions are tested below that length. The
result breaks the account and is the shortest found. With at most two factors that matter, rays and
disc reach the whole space, at their points; with more, nothing says that no shorter move exists.
`first_order` is e(0) / |g|, which no breaking move undercuts where the excess is convex in z
(bought options, longs): a bound only then.
Source: A. Hasofer and N. Lind (1974); R. Rackwitz and B. Fiessler, "Structural reliability under
combined random load sequences", Computers and Structures 9, 1978.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.breaking_rays import (
    Excess,
    Ray,
    distinct,
    inside_ball,
    inside_disc,
    norm,
    shortest_rays,
    slope_at,
    turned,
)
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.market.snapshot import Floats, MarketSnapshot, usd_price
from counterpoise.market.surfaces.raw import RawSurface
from counterpoise.risk.moved_market import moved_market, moved_markets
from counterpoise.scenarios.correlation import eigenvalues, nearest_correlation, root_of
from counterpoise.scenarios.factors import Factor, JointMoves, factor_name
from counterpoise.scenarios.joint import Dynamics, joint_scenarios_with_gaps
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Indices = np.ndarray[Any, np.dtype[np.int64]]
Broken = Literal["below_initial", "below_maintenance", "bankrupt"]
REACH: Final = 15.0
"""No factor moves by more than this in the search: e^15 is three million."""
WHOLE: Final = 2
"""Factors that matter of which a line or a disc is the whole space."""
_TRIED: Final = (-4.0, -1.0, 1.0, 4.0)
_STRONGEST: Final = 4
_DISCS: Final = 20


@frozen
class Spread:
    """How factors move together over the horizon: deviation [factor] > 0 and correlation."""

    factors: tuple[Factor, ...]
    deviation: Floats
    correlation: Floats
    horizon_days: float

    def __post_init__(self) -> None:
        """Refuse deviations that are none; the correlation is checked where its root is taken."""
        count = len(self.factors)
        assert self.deviation.shape == (count,) and self.correlation.shape == (count, count)
        if not np.all((self.deviation > 0) & (self.deviation < 5)):
            raise bad_input(Reason.BAD_VALUE, "spread", "needs a standard deviation above 0 and "
                            "below 5 for every factor")


def spread_of(moves: JointMoves) -> Spread:
    """Return how the factors of joint moves spread about their mean, weighted; still ones left out.

    Raises
    ------
    BadInput
        If nothing moves, or a factor moves by more than a spread may.
    """
    share = moves.weight / float(np.add.reduce(moves.weight))
    columns = np.ascontiguousarray(moves.move.T)
    apart = np.stack([c - float(np.add.reduce(share * c)) for c in columns])
    covariance = np.array([[float(np.add.reduce(share * a * b)) for b in apart] for a in apart])
    variance = covariance[np.arange(len(apart)), np.arange(len(apart))]
    at = np.flatnonzero(variance > 1e-18)
    if not len(at):
        raise bad_input(Reason.BAD_VALUE, "spread", "has no factor that moves")
    deviation = np.sqrt(variance[at])
    correlation = covariance[np.ix_(at, at)] / (deviation[:, None] * deviation[None, :])
    correlation[np.arange(len(at)), np.arange(len(at))] = 1.0
    return Spread(factors=tuple(moves.factors[k] for k in at.tolist()), deviation=deviation,
                  correlation=nearest_correlation(correlation), horizon_days=moves.horizon_days)


@frozen
class Question:
    """Which account, under which rules, is to be broken in which way."""

    book: Book
    market: MarketSnapshot
    model: MarginModel
    version: ParameterVersion
    dynamics: Dynamics
    broken: Broken
    surfaces: Mapping[tuple[str, str], RawSurface] | None = None


@frozen
class BreakingMove:
    """A move that breaks the account: where it goes, how long it is, and what is left after it.

    way      how it was found: the ray that was walked, and whether it was turned
    move     [factor] in the units of each kind        length  in standard deviations
    excess   USD, at most 0: what is left at the move
    """

    way: str
    factors: tuple[Factor, ...]
    move: Floats
    length: float
    excess: float


@frozen
class ReverseStress:
    """The breaking moves, shortest first, empty where no ray up to `LENGTH_MAX` breaks.

    One move per way to break: those that point in much the same direction are one.

    excess_now    USD before any move; at most 0 where the account is broken already
    factors       those that change the account, by name
    first_order   e(0) / |slope today|: a lower bound where the excess is convex, else none
    tested        markets in which the margin was computed
    whole_space   at most two factors matter, and the line or the disc of them was walked
    """

    excess_now: float
    moves: tuple[BreakingMove, ...]
    factors: tuple[str, ...] = ()
    first_order: float = float("inf")
    tested: int = 0
    whole_space: bool = False


def reverse_stress(question: Question, spread: Spread) -> ReverseStress:
    """Return the smallest moves that break an account, shortest first.

    Raises
    ------
    BadInput
        If the book has not exactly one account, its margin is not known today, or the spread is
        none.
    """
    if len(question.book) != 1:
        raise bad_input(Reason.NOT_APPLICABLE, "reverse stress", f"breaks one account; this book "
                        f"has {len(question.book)}")
    start = float(_left(question, spread, np.zeros((1, len(spread.factors))))[0])
    if start != start:
        raise bad_input(Reason.MISSING_NUMBER, "reverse stress", "needs a margin that is known "
                        "today, and joint moves of every contract and asset of the account; "
                        "counterpoise margin says what is missing")
    at = _that_matter(question, spread, start) if start > 0 else np.empty(0, np.int64)
    if not len(at):
        return ReverseStress(excess_now=start, moves=())
    search = _Search(question=question, spread=spread, at=at, root=root_of(
        np.ascontiguousarray(spread.correlation[np.ix_(at, at)])))
    tested = 0

    def excess(z: Floats) -> Floats:
        nonlocal tested
        tested += len(z)
        return _left(question, spread, _moves(search, z))

    slope = slope_at(excess, np.zeros(len(at)))
    found = shortest_rays(excess, _starts(search, slope))
    found = _checked(excess, found, _eigenrays(search))
    return ReverseStress(
        excess_now=start, moves=tuple(_move(search, ray) for ray in distinct(found)),
        factors=_names(search), tested=tested, whole_space=bool(found) and len(at) <= WHOLE,
        first_order=start / norm(slope) if norm(slope) > 0 else float("inf"))


def _checked(excess: Excess, found: list[Ray], eigenrays: list[Floats]) -> list[Ray]:
    """Test a disc and the ball below the shortest length; what breaks there starts anew."""
    for _ in range(_DISCS if found else 0):
        best = min(found, key=lambda ray: ray.length)
        across = [ray.direction for ray in distinct(found)[1:]] + eigenrays
        second = max(across, key=lambda z: norm(z - float(np.add.reduce(z * best.direction))
                                                * best.direction), default=best.direction)
        shorter = inside_disc(excess, best.length, best.direction, second)
        if shorter is None and len(best.direction) > WHOLE:
            shorter = inside_ball(excess, best.length, len(best.direction))
        if shorter is None:
            break
        found = [*found, turned(excess, shorter)]
    return found


@frozen
class _Search:
    """The account as a function of standardised moves z of factors `at`, x = deviation (L z)."""

    question: Question
    spread: Spread
    at: Indices
    root: Floats


def _that_matter(question: Question, spread: Spread, start: float) -> Indices:
    """Return the factors that change the account, today or beside a move of all others."""
    count = len(spread.factors)
    out = np.zeros(count, bool)
    for beside in (0.0, -2.0, 2.0):
        around = np.full(count, beside)
        still = start if beside == 0.0 else _left(question, spread,
                                                  (around * spread.deviation)[None])[0]
        points = np.repeat(around[None], count * len(_TRIED), axis=0)
        points[np.arange(len(points)), np.repeat(np.arange(count), len(_TRIED))] += np.tile(
            _TRIED, count)
        changed = _left(question, spread, points * spread.deviation) != still
        out |= np.logical_or.reduce(changed.reshape(count, len(_TRIED)), axis=1)
    return np.flatnonzero(out).astype(np.int64)


def _moves(search: _Search, z: Floats) -> Floats:
    """Return the moves [point, factor of the spread] of standardised ones; 0 for all others."""
    out = np.zeros((len(z), len(search.spread.factors)))
    for j, column in enumerate(search.at.tolist()):
        for k in range(j + 1):
            out[:, column] += search.root[j, k] * z[:, k]
    return out * search.spread.deviation


def _left(asked: Question, spread: Spread, move: Floats) -> Floats:
    """Return what is left of the account in USD after moves [point, factor]."""
    moves = JointMoves(
        factors=spread.factors, labels=tuple(f"point {k}" for k in range(len(move))),
        move=np.clip(move, -REACH, REACH), weight=np.ones(len(move)),
        horizon_days=spread.horizon_days, method="reverse stress")
    made = joint_scenarios_with_gaps(moves, asked.market, asked.dynamics, surfaces=asked.surfaces)
    moved = moved_markets(asked.market, moves, made, still=asked.dynamics.still)
    return np.array([_excess(asked, moved_market(moved, 1 + k)) for k in range(len(move))])


def _excess(asked: Question, market: MarketSnapshot) -> float:
    margins = compute_margin(asked.book, market, model=asked.model, version=asked.version)
    required = margins.requirements
    usd = np.array([usd_price(market, code) for code in required.pools])[required.pool]
    kept = margins.margin_balance
    if asked.broken != "bankrupt":
        kept = kept - (required.initial if asked.broken == "below_initial"
                       else required.maintenance)
    # One pool that breaks breaks the account: what another has left does not count for it.
    return float(np.minimum.reduce(kept * usd)) if len(kept) else float("nan")


def _starts(search: _Search, slope: Floats) -> list[tuple[str, Floats]]:
    """Return (way, direction) of all rays that are walked first, both senses of each."""
    names, alone = _names(search), _alone(search.root)
    out = [(f"{name} alone", row) for name, row in zip(names, alone, strict=True)]
    if len(names) > 1:
        out += [(f"{name} and what goes with it", row)
                for name, row in zip(names, search.root, strict=True)]
        out += [(f"principal direction {k + 1}", z) for k, z in enumerate(_eigenrays(search))]
    # Along a factor alone the excess changes by the slope along its standardised move.
    fall = np.array([abs(float(np.add.reduce(slope * row))) / norm(row) for row in alone])
    strongest = np.argsort(-np.nan_to_num(fall), kind="stable")[:_STRONGEST].tolist()
    for k, first in enumerate(strongest):
        for second in strongest[k + 1:]:
            both = f"{names[first]} and {names[second]}"
            out += [(both, alone[first] + sign * alone[second]) for sign in (1.0, -1.0)]
    if len(names) > 1 and norm(slope) > 0:
        out.append(("steepest fall today", slope))
    return [(way, sign * z) for way, z in out for sign in (-1.0, 1.0)]


def _eigenrays(search: _Search) -> list[Floats]:
    """Return the eigenvectors of the correlation as standardised moves, the leading one first."""
    own = np.ascontiguousarray(search.spread.correlation[np.ix_(search.at, search.at)])
    vectors = eigenvalues(own)[1]
    return [_solved(search.root, np.ascontiguousarray(vectors[:, k]))
            for k in range(len(own) - 1, -1, -1)]


def _alone(root: Floats) -> list[Floats]:
    """Return the standardised moves of each factor that leave all others where they are."""
    return [_solved(root, row) for row in np.diag(np.ones(len(root)))]


def _solved(root: Floats, wanted: Floats) -> Floats:
    """Return z with L z = wanted."""
    out = np.zeros(len(wanted))
    for k in range(len(wanted)):
        left = wanted[k]
        for earlier in range(k):
            left = left - root[k, earlier] * out[earlier]
        out[k] = left / root[k, k]
    return out


def _names(search: _Search) -> tuple[str, ...]:
    return tuple(factor_name(search.spread.factors[k]) for k in search.at.tolist())


def _move(search: _Search, ray: Ray) -> BreakingMove:
    move = _moves(search, ray.length * ray.direction[None])
    return BreakingMove(
        way=ray.way, factors=tuple(search.spread.factors[k] for k in search.at.tolist()),
        move=move[0, search.at], length=ray.length,
        excess=float(_left(search.question, search.spread, move)[0]))
