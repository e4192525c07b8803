"""How large is a move of tomorrow expected to be? Variance by recursion, from moves known today.

    EWMA    v(t) = lambda v(t-1) + (1 - lambda) r(t-1)^2
    GJR     v(t) = omega + (alpha + gamma 1{e < 0}) e(t-1)^2 + beta v(t-1),   e = r - mean

v(t) is the forecast for day t made with what is known at the end of day t-1; the move of day t
does not enter it. On a day that is not known the forecast stays. Only the recursions are here, with
the same bits everywhere; their terms are fitted in `calibration.volatility`. Source: J.P. Morgan,
"RiskMetrics Technical Document", 1996; L. Glosten, R. Jagannathan and D. Runkle, Journal of Finance
48, 1993; GARCH(1,1) of Bollerslev (1986) is GJR with gamma = 0.
"""

from typing import Any, Final

import numpy as np

from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
PERSISTENCE_MAX: Final = 1.0
LEVEL_UNTIL: Final = 0.999


@frozen
class GjrTerms:
    """The terms of a GJR-GARCH(1,1) recursion, in squared units of the moves per day.

    mean of the moves; omega > 0; alpha and alpha + gamma >= 0; beta >= 0; persistence
    alpha + gamma / 2 + beta at most 1, at which there is no long-run level.
    """

    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float

    def __post_init__(self) -> None:
        """Refuse terms that make no variance."""
        wrong = [f"{name} is {value!r}" for name, value, least in (
            ("omega", self.omega, 0.0), ("alpha", self.alpha, 0.0), ("beta", self.beta, 0.0),
            ("alpha + gamma", self.alpha + self.gamma, 0.0)) if not least <= value < np.inf]
        if not persistence(self) <= PERSISTENCE_MAX + 1e-9 or not -1 < self.mean < 1:
            wrong.append(f"persistence is {persistence(self)!r}, mean {self.mean!r}")
        if wrong:
            raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject="GARCH terms", sentence=(
                f"{text}; give omega, alpha, alpha + gamma and beta of at least 0 with alpha + "
                "gamma / 2 + beta at most 1, and a mean between -1 and 1")) for text in wrong))


def persistence(terms: GjrTerms) -> float:
    """Return what is left of an excess of variance after a day, for symmetric innovations."""
    return terms.alpha + terms.gamma / 2 + terms.beta


def long_run_variance(terms: GjrTerms) -> float:
    """Return the variance that forecasts return to, per day; infinite at a persistence of 1."""
    left = 1.0 - persistence(terms)
    return terms.omega / left if left > 0 else float("inf")


def has_level(terms: GjrTerms) -> bool:
    """Say whether there is a long-run level: beyond a persistence of 0.999 a fit does not tell."""
    return persistence(terms) <= LEVEL_UNTIL


def ewma_variance(move: Floats, decay: "float | Floats", *,
                  first: Floats | None = None) -> Floats:
    """Return the forecasts [day + 1, factor] of moves [day, factor], fractions squared per day.

    The last row is the forecast for the day after the last. `decay` is one for all or [factor].
    `first` [factor] is the forecast for the first day; without it, it is the square of the first
    known move, which is known only a day later, and NaN before that move.

    Raises
    ------
    BadInput
        If `decay` lies outside [0, 1) or `first` holds a number below 0.
    """
    keep = np.broadcast_to(np.asarray(decay, np.float64), move.shape[1:])
    if not np.all((keep >= 0) & (keep < 1)):
        raise bad_input(Reason.BAD_VALUE, "decay", f"{decay} is none; give a fraction from 0 to "
                        "below 1, like 0.97")
    square = move * move
    return _recursion(square, _first(move, first), keep=keep,
                      take=np.broadcast_to(1.0 - keep, square.shape), add=0.0)


def gjr_variance(move: Floats, terms: GjrTerms, *, first: Floats | None = None) -> Floats:
    """Return the forecasts [day + 1, factor] of moves [day, factor] by one set of terms.

    As `ewma_variance`; without `first` the recursion begins at the long-run level, or at the
    square of the first known move where there is none (`has_level`).

    Raises
    ------
    BadInput
        If `first` holds a number below 0.
    """
    shock = move - terms.mean
    if first is None and has_level(terms):
        first = np.full(move.shape[1], long_run_variance(terms))
    take = np.where(shock < 0, terms.alpha + terms.gamma, terms.alpha)
    return _recursion(shock * shock, _first(shock, first), keep=terms.beta, take=take,
                      add=terms.omega)


def standardised(move: Floats, variance: Floats, *, mean: float = 0.0) -> Floats:
    """Return moves [day, factor] by their own forecast deviation; NaN where that is 0 or unknown.

    `variance` is [day + 1, factor], as the recursions give it.
    """
    known = variance[:-1] > 0
    deviation = np.sqrt(np.where(known, variance[:-1], 1.0))
    return np.where(known, (move - mean) / deviation, np.nan)


def _first(move: Floats, first: Floats | None) -> Floats:
    """Return the forecast [factor] of the first day; -1 where the first known move gives it."""
    if first is None:
        return np.full(move.shape[1], -1.0)
    if not np.all((first >= 0) & (first < np.inf)):
        raise bad_input(Reason.BAD_VALUE, "first variance", "must be finite and at least 0 for "
                        "every factor")
    return first


def _recursion(square: Floats, first: Floats, *, keep: "float | Floats", take: Floats,
               add: float) -> Floats:
    variance = np.empty((len(square) + 1, square.shape[1]))
    known = square == square
    now = first
    for t in range(len(square)):
        now = np.where((now < 0) & known[t], square[t], now)
        variance[t] = now
        now = np.where(known[t], add + take[t] * square[t] + keep * now, now)
    variance[-1] = now
    return np.where(variance < 0, np.nan, variance)
