"""Joint moves for tests: a few factors, made by hand or from a seed."""

from typing import Any

import numpy as np

from counterpoise.scenarios.factors import JointMoves, factor_named
from counterpoise.scenarios.joint import Dynamics

STILL = ("basis", "vol", "term", "skew", "funding", "peg")
STICKY_STRIKE = Dynamics(smile="sticky_strike", passing_days=0.0, funding="left_out", still=())
PRICES_ONLY = Dynamics(smile="sticky_strike", passing_days=0.0, funding="left_out", still=STILL)
BTC = ("BTC price", "BTC basis 0", "BTC basis 30", "BTC basis 90", "BTC vol", "BTC term",
       "BTC skew", "BTC funding")


def joint_moves(names: "tuple[str, ...] | list[str]", move: Any, **changes: Any) -> JointMoves:
    """Return moves of the named factors, [scenario, factor], over one day."""
    moves = np.asarray(move, np.float64).reshape(-1, len(names))
    given = {"factors": tuple(factor_named(n) for n in names),
             "labels": tuple(f"row {k}" for k in range(len(moves))), "move": moves,
             "weight": np.ones(len(moves)), "horizon_days": 1.0, "method": "made for a test"}
    return JointMoves(**given | changes)


def drawn(names: "tuple[str, ...] | list[str]", count: int, seed: int = 1) -> JointMoves:
    """Return random moves: a tenth for prices and volatilities, less for the others."""
    size = {"price": 0.1, "peg": 0.02, "basis": 0.02, "vol": 0.2, "term": 0.05, "skew": 0.05,
            "funding": 1e-4}
    scale = np.array([size[factor_named(n).kind] for n in names])
    rows = np.random.default_rng(seed).standard_normal((count, len(names))) * scale
    return joint_moves(names, rows)
