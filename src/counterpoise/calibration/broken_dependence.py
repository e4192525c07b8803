"""What if factors moved together otherwise than estimated? The same moves, in another order.

    all_up        prices of different coins correlate by at least 0.9
    hedge_broken  prices of different coins do not correlate: what offset another no longer does

Every factor keeps its own moves, each exactly once; the order of their ranks is that of a t copula
with the changed correlation, repaired to the nearest one that is a correlation (N. Higham, 2002).
So a requirement that rises under it rises by dependence alone. Source: R. Iman and W. Conover,
"A distribution-free approach to inducing rank correlation among input variables", Communications in
Statistics 11, 1982.
"""

from typing import Any, Final

import numpy as np

from counterpoise.calibration.dependence import correlation_repaired
from counterpoise.scenarios.correlation import root_of, through_root
from counterpoise.scenarios.factors import Factor, JointMoves
from counterpoise.values.failure import Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
ALL_UP: Final = 0.9
BREAKS: Final = ("all_up", "hedge_broken")


def broken_correlation(correlation: Floats, factors: tuple[Factor, ...], name: str) -> Floats:
    """Return the correlation [factor, factor] under a broken dependence.

    Raises
    ------
    BadInput
        If there is no such break.
    """
    if name not in BREAKS:
        raise bad_input(Reason.BAD_VALUE, "broken dependence", f"{name[:40]!r} is none; it is one "
                        "of " + ", ".join(BREAKS))
    price = np.array([f.kind == "price" for f in factors])
    subject = np.array([f.subject for f in factors])
    pairs = price[:, None] & price[None, :] & (subject[:, None] != subject[None, :])
    changed = np.maximum(correlation, ALL_UP) if name == "all_up" else 0.0
    return correlation_repaired(np.where(pairs, changed, correlation))


def reordered(moves: JointMoves, correlation: Floats, *, degrees: int, seed: int,
              name: str) -> JointMoves:
    """Return the moves with the ranks of a t copula; `name` says in the method what it stands for.

    Raises
    ------
    BadInput
        If the matrix is no correlation, or scenarios do not all weigh the same.
    """
    if not np.all(moves.weight == moves.weight[:1]):
        raise bad_input(Reason.BAD_VALUE, "broken dependence", "needs scenarios that all weigh the "
                        "same")
    count, factors = moves.move.shape
    chance = np.random.Generator(np.random.PCG64(seed))
    normal = chance.standard_normal((factors, count))
    mixing = np.sqrt(degrees / chance.chisquare(degrees, count))
    ranks = np.argsort(np.argsort(through_root(root_of(correlation), normal) * mixing, axis=1,
                                  kind="stable"), axis=1, kind="stable")
    move = np.take_along_axis(np.sort(moves.move, axis=0), ranks.T, axis=0)
    return JointMoves(
        factors=moves.factors, labels=tuple(f"{name} {k + 1}" for k in range(count)), move=move,
        weight=moves.weight, horizon_days=moves.horizon_days,
        method=f"{name}: ranks of a t copula of {degrees} degrees, seed {seed}, of {moves.method}")
