"""Factor histories for tests: seeded, with a volatility that clusters and a tail that is fat."""

from typing import Any

import numpy as np

from counterpoise.scenarios.factors import FactorHistory, factor_named
from counterpoise.scenarios.variance import GjrTerms
from counterpoise.values.time import DAY_NS

START = 18_000 * DAY_NS
GJR = GjrTerms(mean=0.0, omega=2e-6, alpha=0.05, gamma=0.06, beta=0.9)


def history(names: tuple[str, ...], move: Any, **changes: Any) -> FactorHistory:
    """Return a history of days that follow one another, moves [day, factor]."""
    moves = np.asarray(move, np.float64).reshape(-1, len(names))
    given = {"factors": tuple(factor_named(n) for n in names), "move": moves,
             "day": START + DAY_NS * np.arange(len(moves)), "source": "made for a test"}
    return FactorHistory(**given | changes)


def clustered(names: tuple[str, ...], days: int, seed: int = 1,
              correlation: float = 0.6) -> FactorHistory:
    """Return GJR-GARCH moves with t residuals of five degrees that share a market shock."""
    chance = np.random.default_rng(seed)
    market, own = chance.standard_t(5, (days, 1)), chance.standard_t(5, (days, len(names)))
    residual = (np.sqrt(correlation) * market + np.sqrt(1 - correlation) * own) * np.sqrt(3 / 5)
    move = np.zeros_like(residual)
    variance = np.full(len(names), 2e-6 / (1 - 0.98))
    for t in range(days):
        move[t] = np.sqrt(variance) * residual[t]
        alpha = GJR.alpha + np.where(move[t] < 0, GJR.gamma, 0.0)
        variance = GJR.omega + alpha * move[t] ** 2 + GJR.beta * variance
    return history(names, move)
