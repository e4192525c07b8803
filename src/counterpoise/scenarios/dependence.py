"""What if the factors hung together otherwise? The same moves under another correlation.

    scores K = normal quantile of rank / (n + 1);  C = their correlation = Q Q';  R = P P'
    K* = K Q'^-1 P',   moves of each factor reordered to the ranks of its column of K*

Every factor keeps its moves, only their meetings change, and the ranks of the base run are where
the new ones come from, so that a difference of two requirements is dependence and not chance.
Source: R. Iman and W. Conover, "A distribution-free approach to inducing rank correlation among
input variables", Communications in Statistics B 11, 1982.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np

from counterpoise.scenarios.correlation import (
    nearest_correlation,
    refuse_unless_symmetric,
    root_of,
)
from counterpoise.scenarios.distributions import normal_quantile
from counterpoise.scenarios.factors import Factor, Floats, JointMoves
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import replaced

EIGENVALUE_LEAST: Final = 1e-6
Broken = Literal["flipped", "zero"]


def score_correlation(moves: JointMoves) -> Floats:
    """Return the correlation of the normal scores, [factor, factor]; 0 where a factor stands still.

    Raises
    ------
    BadInput
        If there are fewer scenarios than factors and one, or they do not count alike.
    """
    return _correlation(_scores(moves), moving(moves))


def moving(moves: JointMoves) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return which factors move at all, [factor]."""
    return np.asarray((moves.move != moves.move[:1]).any(axis=0))


def redependenced(moves: JointMoves, correlation: Floats) -> JointMoves:
    """Return the moves with the rank dependence of `correlation` [factor, factor].

    Factors that stand still stay. Labels of days no longer name a day.

    Raises
    ------
    BadInput
        If `correlation` is none, or as `score_correlation`.
    """
    at = np.flatnonzero(moving(moves))
    scores = _scores(moves)[at]
    wanted = root_of(np.ascontiguousarray(correlation[np.ix_(at, at)]))
    present = root_of(nearest_correlation(_correlation(scores, np.ones(len(at), bool)),
                                          eigenvalue_least=EIGENVALUE_LEAST))
    white = np.empty_like(scores)
    for j in range(len(at)):
        left = scores[j].copy()
        for k in range(j):
            left -= present[j, k] * white[k]
        white[j] = left / present[j, j]
    out = moves.move.copy()
    for j, column in enumerate(at.tolist()):
        mixed = np.zeros(len(out))
        for k in range(j + 1):
            mixed += wanted[j, k] * white[k]
        out[:, column] = np.sort(moves.move[:, column])[_ranks(mixed)]
    return replaced(moves, move=out,
                    labels=tuple(f"reordered {k + 1}" for k in range(len(out))),
                    method=f"{moves.method}; ranks reordered to correlation "
                    f"{sha256_of('', correlation)[:16]}")


def _ranks(column: Floats) -> "np.ndarray[Any, np.dtype[np.int64]]":
    ranks = np.empty(len(column), np.int64)
    ranks[np.argsort(column, kind="stable")] = np.arange(len(column))
    return ranks


def _scores(moves: JointMoves) -> Floats:
    """Return the normal scores, [factor, scenario]."""
    count = len(moves.move)
    if count <= len(moves.factors) + 1 or not np.all(moves.weight == moves.weight[:1]):
        raise bad_input(Reason.BAD_VALUE, "joint moves", f"{count} scenarios have no ranks to "
                        f"reorder for {len(moves.factors)} factors; give more, all of one weight")
    quantiles = normal_quantile(np.arange(1, count + 1) / (count + 1.0))
    return np.stack([quantiles[_ranks(column)] for column in np.ascontiguousarray(moves.move.T)])


def _correlation(scores: Floats, moves_at_all: "np.ndarray[Any, np.dtype[np.bool_]]") -> Floats:
    count = len(scores)
    out = np.zeros((count, count))
    for j in range(count):
        for k in range(j):
            if moves_at_all[j] and moves_at_all[k]:
                out[j, k] = out[k, j] = np.add.reduce(scores[j] * scores[k])
    square = np.add.reduce(scores[0] * scores[0]) if count else 1.0
    out /= square
    out[np.arange(count), np.arange(count)] = 1.0
    return out


def all_up(correlation: Floats, factors: Sequence[Factor], *, least: float) -> Floats:
    """Return the nearest correlation in which all prices are correlated by at least `least`.

    Raises
    ------
    BadInput
        If `least` is no correlation below 1, or the matrix is none.
    """
    _refuse_share(least, "least")
    prices = _prices(factors)
    pairs = prices[:, None] & prices[None, :]
    raised = np.where(pairs, np.maximum(correlation, least), correlation)
    return _repaired(raised)


def hedge_broken(correlation: Floats, factors: Sequence[Factor], *, broken: Broken) -> Floats:
    """Return the nearest correlation in which prices of different coins no longer hedge.

    Every pair of prices is `zero`, or `flipped` in sign.
    """
    prices = _prices(factors)
    return pairs_broken(correlation, prices[:, None] & prices[None, :], broken=broken)


def pairs_broken(correlation: Floats, pairs: "np.ndarray[Any, np.dtype[np.bool_]]", *,
                 broken: Broken) -> Floats:
    """Return the nearest correlation in which the marked pairs [factor, factor] are broken."""
    assert pairs.shape == correlation.shape and bool(np.array_equal(pairs, pairs.T))
    return _repaired(np.where(pairs, -correlation if broken == "flipped" else 0.0, correlation))


def towards_one(correlation: Floats, share: float) -> Floats:
    """Return (1 - share) R + share 11'; raises BadInput if the share lies outside 0 to 1."""
    _refuse_share(share, "share")
    return np.asarray((1.0 - share) * correlation + share)


def towards_independence(correlation: Floats, share: float) -> Floats:
    """Return (1 - share) R + share I; raises BadInput if the share lies outside 0 to 1."""
    _refuse_share(share, "share")
    out = (1.0 - share) * correlation
    out[np.arange(len(out)), np.arange(len(out))] = 1.0
    return out


def _prices(factors: Sequence[Factor]) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    return np.array([factor.kind == "price" for factor in factors], bool)


def _repaired(matrix: Floats) -> Floats:
    refuse_unless_symmetric(matrix)
    out = matrix.copy()
    out[np.arange(len(out)), np.arange(len(out))] = 1.0
    return nearest_correlation(out, eigenvalue_least=EIGENVALUE_LEAST, tolerance=1e-8)


def _refuse_share(share: float, what: str) -> None:
    if not 0 <= share <= 1:
        raise bad_input(Reason.BAD_VALUE, what, f"{share} must be a fraction from 0 to 1")
