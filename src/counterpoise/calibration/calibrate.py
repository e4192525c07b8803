"""Which joint moves does a factor history suggest for the margin model, and how sure are they?

The job, values in and values out: choose the factors, fit each by itself (`factor_fits`), complete
young ones (`completion`), fit how they move together (`dependence`), and make the four kinds of
joint moves that `dynamic` reads, all over one horizon and over the same factors:

    base    every run of days, at the volatility of now (filtered paths), or Monte Carlo
    floor   the same at the long-run volatility
    stress  the days around the worst moves of the longest prices, as they were
    breaks  base in the order of a changed dependence (`broken_dependence`)

The same history and settings give the same result on one machine; fits may differ in their last
digits on another, which is why the margin path reads the written, hashed file and nothing else.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal

import numpy as np

from counterpoise.calibration.broken_dependence import BREAKS, broken_correlation, reordered
from counterpoise.calibration.completion import (
    KNOWN_MIN,
    Completed,
    anchors_of,
    completed,
    rarely_known,
)
from counterpoise.calibration.dependence import (
    CopulaFit,
    DccFit,
    correlation_repaired,
    fit_dcc,
    fit_t_copula,
    rank_correlation,
)
from counterpoise.calibration.factor_fits import FIT_MIN, FittedFactors, fit_factors
from counterpoise.calibration.factor_levels import FactorRecord
from counterpoise.calibration.price_filter import PriceForecasts, filter_words
from counterpoise.calibration.priors import Prior, with_priors
from counterpoise.calibration.tails import fit_tail
from counterpoise.scenarios.bootstrap import Draws, filtered_paths
from counterpoise.scenarios.factors import PRIORS, Factor, FactorHistory, JointMoves, factor_name
from counterpoise.scenarios.gpd_tail import GpdTail
from counterpoise.scenarios.historical import historical
from counterpoise.scenarios.margins import Margin
from counterpoise.scenarios.montecarlo import FactorModel, TCopula, monte_carlo
from counterpoise.scenarios.paths import VolatilityNow
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS, day_text

Floats = np.ndarray[Any, np.dtype[np.float64]]
Track = Callable[[Sequence[Any]], Iterable[Any]]
Method = Literal["filtered", "monte_carlo"]
DEPENDENCE_MAX: Final = 24
"""Factors in the DCC and copula fits: those with the longest histories; all are in the ranks."""
_LONG_DAYS: Final = 1000
_TAIL_SHARES: Final = (0.06, 0.08, 0.10, 0.12, 0.15)
_PREFERRED: Final = {"price": 0, "vol": 1}
_SHOCK_LIMIT: Final = 30.0
_APART: Final = 15


@frozen
class CalibrationTerms:
    """How a calibration is made; what has no default the user chooses.

    horizon_days    whole days that the moves span
    method          filtered: paths of the past; monte_carlo: draws of the fitted distribution
    scenarios       drawn by Monte Carlo; filtered paths are as many as the history has
    seed            of everything that is drawn
    decay           of the EWMA variance that stands beside GJR
    clip            least and largest ratio of volatility now to that of a day
    tail_share      of residuals in each generalised Pareto tail
    stress_windows  how many windows around the worst days make the stress set
    floor_years     of history behind the long-run volatility
    stale_days      a factor whose last move is older is left out, pegs of 500 known days apart
    prior_days      own days that a stated prior of a young factor weighs; 0: no priors
    """

    horizon_days: int
    method: Method = "filtered"
    scenarios: int = 10_000
    seed: int = 1
    decay: float = 0.97
    clip: tuple[float, float] = (0.25, 4.0)
    tail_share: float = 0.10
    stress_windows: int = 250
    floor_years: float = 10.0
    stale_days: int = 90
    prior_days: int = 100

    def __post_init__(self) -> None:
        """Refuse numbers that have no meaning, all at once."""
        wrong = [(name, why) for name, fine, why in (
            ("horizon_days", 1 <= self.horizon_days <= 30, "a whole number from 1 to 30"),
            ("method", self.method in ("filtered", "monte_carlo"), "filtered or monte_carlo"),
            ("scenarios", 100 <= self.scenarios <= 1_000_000, "100 to 1,000,000"),
            ("seed", self.seed >= 0, "at least 0"), ("decay", 0.5 <= self.decay < 1, "0.5 to 1"),
            ("tail_share", 0.01 <= self.tail_share <= 0.25, "0.01 to 0.25"),
            ("stress_windows", 50 <= self.stress_windows <= 5000, "50 to 5000"),
            ("floor_years", 1 <= self.floor_years <= 100, "1 to 100"),
            ("stale_days", 1 <= self.stale_days <= 5000, "1 to 5000"),
            ("prior_days", 0 <= self.prior_days <= 5000, "0 to 5000")) if not fine]
        if wrong:
            raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=name, sentence=(
                f"is {getattr(self, name)!r}; give {why}")) for name, why in wrong))


@frozen
class Calibration:
    """The joint moves, what they rest on, and what was left out.

    as_of        instant (ns) at which the history ends
    moves        base, floor, stress and the breaks by name
    correlation  [factor, factor] of the ranks of the completed residuals
    dependence   the factors of `dcc` and `copula`, those with the longest histories
    left_out     (factor, why)
    priors       what of young factors is a stated prior
    """

    terms: CalibrationTerms
    as_of: int
    source: str
    fitted: FittedFactors
    completed: Completed
    moves: dict[str, JointMoves]
    correlation: Floats
    dependence: tuple[Factor, ...]
    dcc: DccFit
    copula: CopulaFit
    left_out: tuple[tuple[Factor, str], ...]
    priors: tuple[Prior, ...]


def calibrate(record: FactorRecord, terms: CalibrationTerms, *, subjects: Sequence[str] = (),
              forecasts: PriceForecasts | None = None, track: Track = iter) -> Calibration:
    """Return the calibration on a factor history; `subjects` are the codes wanted, none for all.

    With `forecasts` prices are filtered by them where they won (`price_filter`). `track` wraps the
    factors while they are fitted, for a progress bar.

    Raises
    ------
    BadInput
        If the history lacks a wanted code, is too short for a fit, or holds no price; if the
        forecasts are of other days.
    """
    _refuse_absent(record.history, subjects)
    complete, priors = with_priors(record.history, terms.prior_days, subjects)
    history, left_out = _chosen(complete, terms, subjects)
    fitted, rare = _fitted(history, terms, forecasts, track)
    history, left_out = fitted.shocks.history, left_out + rare
    priors = tuple(p for p in priors if p.factor in history.factors)
    whole = completed(fitted.shocks, anchors_of(history), years=terms.floor_years,
                      seed=terms.seed)
    residual = fitted.shocks.excess / fitted.shocks.deviation
    guessed = [history.factors.index(p.factor) for p in priors]
    observed = residual.copy()
    observed[:, guessed] = np.nan  # a prior follows others by construction: no evidence of them
    longest = _longest(observed, history.factors)
    long = np.ascontiguousarray(residual[:, list(longest)])
    dcc, copula = fit_dcc(long), fit_t_copula(long)
    shocks = whole.shocks.excess / whole.shocks.deviation
    correlation = rank_correlation(shocks)
    moves = _moves(fitted, whole, terms, _Together(
        ranks=correlation, current=dcc.forecast, longest=longest, degrees=copula.degrees))
    return Calibration(
        terms=terms, as_of=int(history.day[-1]), source=history.source, fitted=fitted,
        completed=whole, moves=moves, correlation=correlation, copula=copula, dcc=dcc,
        dependence=tuple(history.factors[k] for k in longest), left_out=left_out,
        priors=priors)


def _refuse_absent(history: FactorHistory, subjects: Sequence[str]) -> None:
    known = {f.subject for f in history.factors}
    absent = [code for code in subjects if code not in known]
    if absent:
        raise BadInput(*(Failure(reason=Reason.UNKNOWN_ASSET, subject=code, sentence=(
            "has no factor in the history; it has " + ", ".join(sorted(known))[:200]))
            for code in absent))


def _chosen(history: FactorHistory, terms: CalibrationTerms, subjects: Sequence[str],
            ) -> tuple[FactorHistory, tuple[tuple[Factor, str], ...]]:
    """Return the history of the factors that are used, and why the others are not."""
    kept, left_out = [], []
    for k, factor in enumerate(history.factors):
        if subjects and factor.subject not in subjects:
            continue
        why = _unfit(history, k, terms)
        if why:
            left_out.append((factor, why))
        else:
            kept.append(k)
    if not kept:
        raise bad_input(Reason.MISSING_NUMBER, "factor history", "has no factor that can be "
                        "calibrated: " + "; ".join(f"{factor_name(f)} {why}"
                                                   for f, why in left_out)[:300])
    days = np.isfinite(history.move[:, kept]).any(axis=1)
    return FactorHistory(
        factors=tuple(history.factors[k] for k in kept), day=history.day[days],
        move=np.ascontiguousarray(history.move[days][:, kept]),
        source=history.source), tuple(left_out)


def _unfit(history: FactorHistory, column: int, terms: CalibrationTerms) -> str:
    """Return why a factor cannot be used, an empty text where it can."""
    move = history.move[:, column]
    known = np.flatnonzero(np.isfinite(move))
    if len(known) < KNOWN_MIN:
        return f"has {len(known)} known moves; at least {KNOWN_MIN} are wanted"
    if not np.any(move[known]):
        return "never moves"
    last = int(history.day[known[-1]])
    old = (int(history.day[-1]) - last) // DAY_NS
    timeless = history.factors[column].kind == "peg" and len(known) >= FIT_MIN
    if old > terms.stale_days and not timeless:
        return f"is last known on {day_text(last)}, {old} days before the history ends"
    return ""


def _fitted(history: FactorHistory, terms: CalibrationTerms, forecasts: PriceForecasts | None,
            track: Track) -> tuple[FittedFactors, tuple[tuple[Factor, str], ...]]:
    """Return the fits of what can be completed, and why the others are left out.

    A recursion says nothing of its first days, so that only the fits show how many days are left.
    """
    fitted = fit_factors(history, decay=terms.decay, tail_share=terms.tail_share,
                         forecasts=forecasts, track=track)
    anchors = anchors_of(history)
    rare = {f: why for f, why in rarely_known(fitted.shocks, anchors).items() if f not in anchors}
    if not rare:
        return fitted, ()
    kept = [k for k, f in enumerate(history.factors) if f not in rare]
    left = replaced(history, factors=tuple(history.factors[k] for k in kept),
                    move=np.ascontiguousarray(history.move[:, kept]))
    return (fit_factors(left, decay=terms.decay, tail_share=terms.tail_share, forecasts=forecasts),
            tuple(rare.items()))


def _longest(residual: Floats, factors: tuple[Factor, ...]) -> tuple[int, ...]:
    """Return the columns for the joint fits, at most 24: those that leave 1,000 common days.

    Prices come first, then volatilities, then the others, each the longest history first. Where
    the first of them has fewer days, as many as it has times 0.9 are enough.
    """
    known = np.isfinite(residual)
    counts = np.count_nonzero(known, axis=0).tolist()
    order = sorted(range(len(factors)), key=lambda k: (
        _PREFERRED.get(factors[k].kind, len(_PREFERRED)), -counts[k], k))
    least = min(_LONG_DAYS, int(0.9 * counts[order[0]]))
    common, chosen = np.ones(len(residual), bool), list[int]()
    for k in order:
        if len(chosen) < DEPENDENCE_MAX and np.count_nonzero(common & known[:, k]) >= least:
            common &= known[:, k]
            chosen.append(k)
    return tuple(sorted(chosen))


@frozen
class _Together:
    """How the factors hang together: ranks of all, DCC of the longest, the copula's degrees."""

    ranks: Floats
    current: Floats
    longest: tuple[int, ...]
    degrees: int


def _moves(fitted: FittedFactors, whole: Completed, terms: CalibrationTerms,
           together: _Together) -> dict[str, JointMoves]:
    calm = VolatilityNow(terms=fitted.volatility.terms, variance=np.ascontiguousarray(
        np.broadcast_to(whole.long_run ** 2, fitted.volatility.variance.shape)))
    words = filter_words(fitted.filters, whole.shocks.history.factors)
    base, floor = (_with_words(_base(whole, v, terms, together), words)
                   for v in (fitted.volatility, calm))
    broken = {name: reordered(
        base, broken_correlation(together.ranks, base.factors, name), degrees=_degrees(together),
        seed=terms.seed, name=name) for name in BREAKS}
    sets = {"base": base, "floor": floor, "stress": _stress(whole, terms), **broken}
    return {name: _labelled(moves, whole.shocks.history.source) for name, moves in sets.items()}


def _with_words(moves: JointMoves, words: str) -> JointMoves:
    """Return moves whose method says which prices the forecast filtered, where it did."""
    return replaced(moves, method=f"{moves.method}; {words}") if words else moves


def _labelled(moves: JointMoves, source: str) -> JointMoves:
    """Return moves whose method names the factors with stated priors, where there are any."""
    _, mark, named = source.partition(PRIORS)
    if not mark or PRIORS in moves.method:
        return moves
    return replaced(moves, method=f"{moves.method}; {mark}{named.split(';')[0]}")


def _degrees(together: _Together) -> int:
    return max(together.degrees, 3)


def _base(whole: Completed, volatility: VolatilityNow, terms: CalibrationTerms,
          together: _Together) -> JointMoves:
    if terms.method == "filtered":
        return filtered_paths(whole.shocks, volatility, horizon_days=terms.horizon_days,
                              clip=terms.clip)
    ranks = together.ranks.copy()
    ranks[np.ix_(together.longest, together.longest)] = together.current
    residual = whole.shocks.excess / whole.shocks.deviation
    model = FactorModel(
        factors=whole.shocks.history.factors, volatility=volatility, shock_limit=_SHOCK_LIMIT,
        margins=tuple(_margin(residual[:, k], terms) for k in range(residual.shape[1])),
        copula=TCopula(degrees=_degrees(together), correlation=correlation_repaired(ranks)))
    return monte_carlo(model, Draws(count=terms.scenarios, seed=terms.seed),
                       horizon_days=terms.horizon_days)


def _margin(residual: Floats, terms: CalibrationTerms) -> Margin:
    return Margin(centre=np.sort(residual), lower=_tail(-residual, terms.tail_share),
                  upper=_tail(residual, terms.tail_share))


def _tail(losses: Floats, share: float) -> GpdTail:
    """Return the tail at the share, or at the first other one of the scan that has a mean."""
    for one in _TAIL_SHARES:
        try:
            return fit_tail(losses, share=share).tail
        except BadInput:
            share = one
    return fit_tail(losses, share=share).tail


def _stress(whole: Completed, terms: CalibrationTerms) -> JointMoves:
    """Return windows within 15 days of the worst days of the anchors, the worst days first."""
    every = historical(whole.shocks.history, horizon_days=terms.horizon_days,
                       windows="overlapping")
    at = [whole.shocks.history.factors.index(f) for f in whole.anchors]
    size = np.mean(every.move[:, at] / whole.long_run[at], axis=1)
    chosen: set[int] = set()
    for worst in np.argsort(size, kind="stable").tolist():
        if len(chosen) >= terms.stress_windows:
            break
        chosen |= set(range(max(worst - _APART, 0), min(worst + _APART + 1, len(size))))
    rows = np.array(sorted(chosen))
    return JointMoves(
        factors=every.factors, labels=tuple(every.labels[k] for k in rows), move=every.move[rows],
        weight=np.ones(len(rows)), horizon_days=every.horizon_days,
        method=f"within {_APART} days of the worst {terms.horizon_days}-day moves of "
        f"{' and '.join(factor_name(f) for f in whole.anchors)}; {every.method}")
