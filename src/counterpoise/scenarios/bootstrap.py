"""What could several days bring? Blocks of days that did happen, at the volatility of now.

Shocks of whole days, all factors together, are put one after another and compounded through the
volatility recursion (`scenarios.paths`). Blocks of several days keep what lingers from one day to
the next beyond volatility. Either every run of days in the history is taken once, or blocks are
drawn with equal chances. Sources: H. Kunsch, "The jackknife and the bootstrap for general
stationary observations", Annals of Statistics 17, 1989; Barone-Adesi, Giannopoulos and Vosper
(1999).
"""

from typing import Final

import numpy as np

from counterpoise.scenarios.factors import Floats, JointMoves
from counterpoise.scenarios.historical import (
    Rows,
    refuse_clip,
    refuse_horizon,
    refuse_none,
    span_of,
    window_starts,
)
from counterpoise.scenarios.paths import Shocks, VolatilityNow, compounded
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import day_text

DRAWS_MAX: Final = 10_000_000


@frozen
class Draws:
    """How many scenarios are drawn, and the seed that makes them the same again."""

    count: int
    seed: int

    def __post_init__(self) -> None:
        """Refuse counts and seeds that are none."""
        if not 1 <= self.count <= DRAWS_MAX or self.seed < 0:
            raise bad_input(Reason.BAD_VALUE, "draws", f"{self.count} draws with seed {self.seed}: "
                            f"give 1 to {DRAWS_MAX} draws and a seed of at least 0")


def filtered_paths(shocks: Shocks, volatility: VolatilityNow, *, horizon_days: int,
                   clip: tuple[float, float]) -> JointMoves:
    """Return one scenario for every run of `horizon_days` in the history, its shocks in order.

    For one day this is filtered historical simulation.

    Raises
    ------
    BadInput
        If the horizon or the bounds are none, or no run is known whole.
    """
    refuse_horizon(horizon_days)
    refuse_clip(clip)
    starts = _starts(shocks, horizon_days)
    rows = starts[:, None] + np.arange(horizon_days)
    ends = shocks.history.day[rows[:, -1]]
    return JointMoves(
        factors=shocks.history.factors, labels=tuple(day_text(t) for t in ends.tolist()),
        move=_moves(shocks, volatility, rows, clip), weight=np.ones(len(rows)),
        horizon_days=float(horizon_days),
        method=f"filtered paths, {horizon_days} days, ratio {clip[0]:g} to {clip[1]:g}, "
        f"{volatility_words(volatility)}, {span_of(shocks.history)}")


def block_bootstrap(shocks: Shocks, volatility: VolatilityNow, draws: Draws, *, horizon_days: int,
                    block_days: int, clip: tuple[float, float]) -> JointMoves:
    """Return drawn paths of `horizon_days`, put together from blocks of `block_days`.

    A last block is cut to the horizon. Raises as `filtered_paths`.
    """
    refuse_horizon(horizon_days)
    refuse_horizon(block_days)
    refuse_clip(clip)
    starts = _starts(shocks, block_days)
    blocks = -(-horizon_days // block_days)
    chance = np.random.Generator(np.random.PCG64(draws.seed))
    first = starts[chance.integers(len(starts), size=(draws.count, blocks))]
    rows = (first[:, :, None] + np.arange(block_days)).reshape(draws.count, -1)[:, :horizon_days]
    return JointMoves(
        factors=shocks.history.factors, labels=tuple(f"draw {k + 1}" for k in range(draws.count)),
        move=_moves(shocks, volatility, rows, clip), weight=np.ones(draws.count),
        horizon_days=float(horizon_days),
        method=f"block bootstrap, {horizon_days} days in blocks of {block_days}, {draws.count} "
        f"draws, seed {draws.seed}, ratio {clip[0]:g} to {clip[1]:g}, "
        f"{volatility_words(volatility)}, {span_of(shocks.history)}")


def _starts(shocks: Shocks, length: int) -> Rows:
    starts = window_starts(shocks.history.day, shocks.excess / shocks.deviation, length)
    refuse_none(len(starts), length)
    return starts


def _moves(shocks: Shocks, volatility: VolatilityNow, rows: Rows,
           clip: tuple[float, float]) -> Floats:
    # [path, day] of history to [day, factor, path] of shocks.
    excess, deviation = (np.ascontiguousarray(column[rows].transpose(1, 2, 0))
                         for column in (shocks.excess, shocks.deviation))
    return compounded(excess, deviation, volatility, clip=clip)


def volatility_words(volatility: VolatilityNow) -> str:
    """Return the models of the volatility and where it stands, for a method and its digest."""
    from counterpoise.values.digest import sha256_of

    words = repr(volatility.terms)
    return (f"{len(volatility.terms)} volatility models, "
            f"digest {sha256_of(words, volatility.variance)[:16]}")
