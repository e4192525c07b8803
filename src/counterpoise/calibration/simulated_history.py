"""What could a factor history look like? A seeded one of three coins, plausible, never observed.

Moves are GJR-GARCH paths, see `scenarios.variance`, driven by shocks with one common part and a
common t mixing variable: fat joint tails, crashes in which volatility rises and the basis falls.
The history has what real ones have: a coin that is listed later, volatilities that begin later,
lost days. Shocks are seeded PCG64 draws, added and multiplied element by element.
"""

from typing import Any, Final

import numpy as np

from counterpoise.calibration.factor_levels import FactorRecord, coverage_of, day_end
from counterpoise.scenarios.factors import FactorHistory, factor_named
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, instant_of_day

Floats = np.ndarray[Any, np.dtype[np.float64]]
DEGREES: Final = 5
"""Degrees of freedom of the common mixing variable: those of the t copula of the shocks."""
ALPHA: Final = 0.04
GAMMA: Final = 0.05
BETA: Final = 0.92
LAST_DAY: Final = instant_of_day(2025, 12, 31) // DAY_NS
DAYS: Final = 2400
_BURN_IN: Final = 300
_LOST: Final = 3


@frozen
class SimulatedFactor:
    """How one factor is simulated: long-run daily deviation, loading on the common shock, start.

    `loading` is that of the shock, -1 to 1: two factors correlate by the product of theirs.
    `late` are the days at the beginning on which it is not known yet.
    """

    name: str
    deviation: float
    loading: float
    late: int = 0


FACTORS: Final = tuple(SimulatedFactor(name=n, deviation=d, loading=a, late=late)
                       for n, d, a, late in (
    ("BTC price", 0.034, 0.92, 0), ("ETH price", 0.043, 0.93, 0), ("SOL price", 0.058, 0.82, 900),
    ("BTC vol", 0.048, -0.55, 700), ("ETH vol", 0.048, -0.55, 700),
    ("BTC term", 0.020, 0.35, 700), ("ETH term", 0.020, 0.35, 700),
    ("BTC skew", 0.008, 0.25, 700), ("ETH skew", 0.008, 0.25, 700),
    ("BTC basis 0", 0.0003, 0.30, 300), ("ETH basis 0", 0.0004, 0.30, 300),
    ("BTC basis 30", 0.012, 0.45, 700), ("BTC basis 90", 0.006, 0.45, 700),
    ("ETH basis 30", 0.014, 0.45, 700), ("ETH basis 90", 0.007, 0.45, 700),
    ("BTC funding", 0.0001, 0.25, 300), ("ETH funding", 0.0001, 0.25, 300),
    ("USDC peg", 0.0006, 0.10, 300), ("STETH peg in ETH", 0.0015, 0.25, 900)))


def simulated_record(*, seed: int = 7, days: int = DAYS) -> FactorRecord:
    """Return a simulated factor history with its table of gaps, labelled as simulated."""
    chance = np.random.Generator(np.random.PCG64(seed))
    move = _moves(chance, days + _BURN_IN)[_BURN_IN:]
    for column, f in enumerate(FACTORS):
        late = min(f.late, days // 2)
        move[:late, column] = np.nan
        lost = late + 1 + (chance.random(_LOST) * (days - late - 2)).astype(np.int64)
        move[lost, column] = np.nan
    source = f"SIMULATED, seed {seed}, not observed"
    history = FactorHistory(
        factors=tuple(factor_named(f.name) for f in FACTORS), move=move, source=source,
        day=day_end(np.arange(LAST_DAY - days + 1, LAST_DAY + 1)))
    return coverage_of(history, source=source, why="a day lost on purpose")


def _moves(chance: np.random.Generator, days: int) -> Floats:
    loading = np.array([f.loading for f in FACTORS])
    own = np.sqrt(1.0 - loading * loading)
    # A sum of squared normals is chi-squared: the mixing variable of Student's t.
    squares = chance.standard_normal((days, DEGREES)) ** 2
    mixing = np.sqrt((DEGREES - 2) / np.add.reduce(squares, axis=1))
    shock = (loading * chance.standard_normal(days)[:, None]
             + own * chance.standard_normal((days, len(FACTORS)))) * mixing[:, None]
    long_run = np.array([f.deviation for f in FACTORS]) ** 2
    omega = long_run * (1.0 - ALPHA - GAMMA / 2 - BETA)
    variance: Floats = long_run
    move = np.empty(shock.shape)
    for t in range(days):
        move[t] = shock[t] * np.sqrt(variance)
        variance = omega + (ALPHA + GAMMA * (move[t] < 0)) * move[t] ** 2 + BETA * variance
    return move
