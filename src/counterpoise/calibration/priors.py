"""What may a factor do of which little or no history exists? A stated prior, never silently zero.

Basis by tenor, term and skew are known only where option chains are. Longer series tell of the same
things, and their daily moves stand in on days on which the factor itself is not known:

    vol        the move of the longest volatility, times the ratio of both deviations where known;
               before there is one of 1,000 days, that of realised volatility on days without it
    basis(T)   x = 3 x 365 (x_slow + (x_funding - x_slow) (1 - a^T) / (T (1 - a))): funding expected
               over T days (expectations hypothesis of the carry); it reverts by a factor a per day
               to its slow mean, an EWMA of 0.97, without which all long tenors would move alike
    term       x = -0.30 (x_vol + x_realised) / 2: a volatility of T days moves by (30 / T)^0.30,
               as in Deribit's portfolio margin; realised is ln of the EWMA(0.94) deviation
    skew       level sqrt(30) / 2 x E[r x_vol] / sqrt(E[r^2]) over 30 days: the slope rho nu / 2 of
               lognormal stochastic volatility, times sqrt(T)

Own moves always come first. Of n days on which both are known, own and prior are blended: the prior
is scaled by s^2 = (m + n q) / (m + n), q the ratio of their mean squares and m the days that the
prior weighs. All of it is *our reading*; sources: J. Campbell and R. Shiller, "Yield spreads and
interest rate movements", Review of Economic Studies 58, 1991; P. Hagan, D. Kumar, A. Lesniewski and
D. Woodward, "Managing smile risk", Wilmott, 2002 (the slope at beta = 1).
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from counterpoise.market.basis_factors import TENORS
from counterpoise.scenarios.factors import PRIORS, Factor, FactorHistory, factor_name
from counterpoise.scenarios.variance import ewma_variance
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Columns = dict[Factor, Floats]
OWN_ENOUGH: Final = 1000
"""Own days from which a factor needs no prior; a volatility is carried through its gaps."""
TERM_POWER: Final = 0.30
REALISED_DECAY: Final = 0.94
SKEW_DAYS: Final = 30
FUNDINGS_PER_YEAR: Final = 3 * 365
REVERSION_MAX: Final = 0.995
SLOW_DECAY: Final = 0.97
_RUN_MIN: Final = 30
READINGS: Final = {
    "vol": "the longest volatility's moves in the ratio of deviations, realised ones before it",
    "term": "-0.30 times the mean move of implied and realised volatility",
    "skew": "slope of lognormal stochastic volatility, from 30 days of price and volatility",
    "basis": "funding expected over the tenor, reverting to its slow mean as it did"}


@frozen
class Prior:
    """How much of a factor is a stated prior.

    own      days on which the factor itself is known
    days     days on which the prior stands in
    weight   of the prior in its scale, 1 without own days beside it
    scale    by which its moves were multiplied
    """

    factor: Factor
    own: int
    days: int
    weight: float
    scale: float
    reading: str


def prior_words(prior: Prior) -> str:
    """Return one line that says what of a factor is a prior."""
    return (f"{factor_name(prior.factor)}: stated prior (our reading) on {prior.days} days, known "
            f"on {prior.own}; weight {prior.weight:.2f}, scale {prior.scale:.2f}; {prior.reading}")


def with_priors(history: FactorHistory, prior_days: int,
                subjects: Sequence[str] = ()) -> tuple[FactorHistory, tuple[Prior, ...]]:
    """Return the history with stated priors where factors are not known, and what they are.

    Coins with a price and a volatility or funding are completed; where `subjects` are named, those
    of them that have a price. `prior_days` is the weight m of a prior, none where it is 0. The
    history given is not changed.
    """
    own: Columns = dict(zip(history.factors, history.move.T, strict=True))
    columns, priors = dict(own), list[Prior]()
    for coin in _coins(own, subjects) if prior_days else ():
        for factor in _wanted(coin, own):
            guess = _prior(factor, columns, history, prior_days)
            move = own.get(factor, np.full(len(history.day), np.nan))
            known = np.isfinite(move)
            if factor.kind != "vol" and np.count_nonzero(known) >= OWN_ENOUGH:
                continue
            scale, weight = _blend(move, guess, prior_days)
            filled = np.where(known, move, scale * guess)
            days = int(np.count_nonzero(np.isfinite(filled) & ~known))
            if days:
                columns[factor] = filled
                priors.append(Prior(factor=factor, own=int(np.count_nonzero(known)), days=days,
                                    weight=weight, scale=scale, reading=READINGS[factor.kind]))
    if not priors:
        return history, ()
    source = f"{history.source}; {PRIORS}" + ", ".join(
        factor_name(p.factor) for p in priors)
    return FactorHistory(factors=tuple(columns), day=history.day, source=source, move=(
        np.ascontiguousarray(np.stack(list(columns.values()), axis=1)))), tuple(priors)


def _coins(own: Columns, subjects: Sequence[str]) -> list[str]:
    priced = [f.subject for f in own if f.kind == "price" and f.against == "USD"]
    told = {f.subject for f in own if f.kind in ("vol", "funding")}
    return [c for c in priced if c in (subjects or told)]


def _wanted(coin: str, own: Columns) -> list[Factor]:
    """Return the factors that a prior may stand in for: tenors that any coin has, else the usual.

    The volatility is first, for slopes follow it.
    """
    tenors = sorted({f.tenor_days for f in own if f.tenor_days}) or [t for t in TENORS if t]
    return [*(Factor(subject=coin, kind=kind) for kind in ("vol", "term", "skew")),
            *(Factor(subject=coin, kind="basis", tenor_days=t) for t in tenors)]


def _prior(factor: Factor, columns: Columns, history: FactorHistory, prior_days: int) -> Floats:
    """Return the prior's moves [day] of a factor, NaN where it says nothing."""
    coin = factor.subject
    price = columns[Factor(subject=coin, kind="price")]
    if factor.kind == "basis":
        funding = _own_or_longest(columns, coin, "funding")
        return _carry(funding, history.day, factor.tenor_days)
    own = dict(zip(history.factors, history.move.T, strict=True))
    implied = own.get(Factor(subject=coin, kind="vol"), np.full(len(price), np.nan))
    longest = _in_proportion(_own_or_longest(own, "", "vol"), implied)
    if factor.kind == "vol":
        return _vol(longest, _realised(price), prior_days)
    if factor.kind == "term":
        vol = columns.get(Factor(subject=coin, kind="vol"), implied)
        slope: Floats = -TERM_POWER * (vol + _realised(price)) / 2.0
        return slope
    # What realised volatility and price have in common is noise about the skewness of the price.
    scale = _blend(implied, longest, prior_days)[0]
    return _skew(price, np.where(np.isfinite(implied), implied, scale * longest), history.day)


def _own_or_longest(columns: Columns, coin: str, kind: str) -> Floats:
    found = [(f.subject == coin, np.count_nonzero(np.isfinite(x)), -k, x)
             for k, (f, x) in enumerate(columns.items()) if f.kind == kind]
    length = len(next(iter(columns.values())))
    return max(found, key=lambda one: one[:3])[3] if found else np.full(length, np.nan)


def _vol(longest: Floats, realised: Floats, prior_days: int) -> Floats:
    """Return the moves of the longest volatility, and while it is young realised ones before it."""
    known = np.isfinite(longest)
    if np.count_nonzero(known) >= OWN_ENOUGH:
        return longest
    scale, _ = _blend(longest, realised, prior_days)
    move: Floats = np.where(known, longest, scale * realised)
    return move


def _in_proportion(longest: Floats, vol: Floats) -> Floats:
    ratio, _ = _ratio(vol, longest)
    move: Floats = longest * np.sqrt(ratio)
    return move


def _ratio(own: Floats, guess: Floats) -> tuple[float, int]:
    """Return the ratio of mean squares on the days both are known, 1 where none, and the days."""
    both = np.isfinite(own) & np.isfinite(guess)
    total = float(np.sum(guess[both] ** 2))
    if total <= 0.0:
        return 1.0, 0
    return float(np.sum(own[both] ** 2)) / total, int(np.count_nonzero(both))


def _blend(own: Floats, guess: Floats, prior_days: int) -> tuple[float, float]:
    ratio, n = _ratio(own, guess)
    weight = prior_days / (prior_days + n)
    return float(np.sqrt(weight + (1.0 - weight) * ratio)), weight


def _carry(funding: Floats, day: Any, tenor: int) -> Floats:
    """Return the moves of the funding expected over a tenor, per year."""
    runs = _runs(funding, day)
    a = reversion_of([np.cumsum(funding[run]) for run in runs])
    share = (1.0 - a ** tenor) / (tenor * (1.0 - a))
    slow = np.full(len(funding), np.nan)
    for run in runs:
        slow[run] = _slow_moves(funding[run])
    carry: Floats = FUNDINGS_PER_YEAR * (slow + (funding - slow) * share)
    return carry


def _runs(funding: Floats, day: Any) -> list[Any]:
    """Return the rows of unbroken runs of known days, those of at least 30."""
    known = np.isfinite(funding)
    follows = np.diff(day, prepend=day[0]) == DAY_NS
    breaks = np.flatnonzero(~known | ~follows)
    parts = [part[known[part]] for part in np.split(np.arange(len(funding)), breaks)]
    return [part for part in parts if len(part) >= _RUN_MIN]


def _slow_moves(funding: Floats) -> Floats:
    """Return the moves of the slow mean of a run of funding, from its moves [day]."""
    mean, level, moves = 0.0, 0.0, []
    for move in funding.tolist():
        level += move
        moves.append((1.0 - SLOW_DECAY) * (level - mean))
        mean += moves[-1]
    return np.array(moves)


def reversion_of(levels: Sequence[Floats]) -> float:
    """Return the factor per day by which levels [day] come back to their mean, run by run.

    Least squares of the level on that of the day before, each run about its own mean; 0 where
    there is none: nothing lasts, and a long tenor moves by its slow mean alone.
    """
    above = below = 0.0
    for one in levels:
        level = one - np.mean(one)
        above += float(np.sum(level[1:] * level[:-1]))
        below += float(np.sum(level[:-1] ** 2))
    return min(max(above / below, 0.0), REVERSION_MAX) if below > 0.0 else 0.0


def _realised(price: Floats) -> Floats:
    """Return the moves of ln of the EWMA deviation, as each day ends."""
    variance = ewma_variance(price[:, None], REALISED_DECAY)[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        move = 0.5 * np.log(variance[1:] / variance[:-1])
    known: Floats = np.where(np.isfinite(move) & np.isfinite(price), move, np.nan)
    return known


def _skew(price: Floats, vol: Floats, day: Any) -> Floats:
    move = np.full(len(price), np.nan)
    both = np.flatnonzero(np.isfinite(price) & np.isfinite(vol))
    if len(both) <= SKEW_DAYS:
        return move
    product, square = (_trailing(x[both]) for x in (price * vol, price * price))
    level = np.sqrt(SKEW_DAYS) / 2.0 * product / np.sqrt(np.maximum(square, 1e-300))
    ends = day[both][SKEW_DAYS - 1:]
    follows = np.flatnonzero(np.diff(ends) == DAY_NS) + 1
    move[both[SKEW_DAYS - 1:][follows]] = level[follows] - level[follows - 1]
    return move


def _trailing(x: Floats) -> Floats:
    mean: Floats = np.lib.stride_tricks.sliding_window_view(x, SKEW_DAYS).mean(axis=1)
    return mean
