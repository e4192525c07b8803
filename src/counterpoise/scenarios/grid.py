"""Which price and volatility moves a grid model looks at, as a ScenarioSet.

A grid is price buckets m_j = range x j / buckets per side, lowest price first, each with its
volatility states, then extreme moves with a volatility state of their own. Underlyings may differ
in range and shifts; they share the shape, so that scenario s means the same cell for all.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from counterpoise.scenarios.scenario_set import Base, Floats, Numeraire, ScenarioSet, VolRule
from counterpoise.values.frozen import frozen

VOL_STATES: Final = {"up": 0, "same": 1, "down": 2}


@frozen
class Grid:
    """The grid of one underlying.

    price_range     largest move of the price buckets, fraction, e.g. 0.16
    buckets         buckets on each side of zero
    vol_up          upward volatility shift at 30 days (fraction if the rule is relative)
    vol_down        downward shift, given positive
    vol_states      volatility states of each bucket, in this order
    extreme_moves   moves beyond the range, each taken with `extreme_vol` alone
    """

    price_range: float
    buckets: int
    vol_up: float
    vol_down: float
    vol_states: tuple[str, ...]
    extreme_moves: tuple[float, ...]
    extreme_vol: str
    vol_rule: VolRule


@frozen
class ShockTerms:
    """What moves are fractions of, by kind, and the numeraire of the P&L (see ScenarioSet)."""

    spot: Base
    delta_one: Base
    option: Base
    numeraire: Numeraire


def grid_scenarios(*, underlyings: Sequence[str], grids: Sequence[Grid],
                   terms: ShockTerms) -> ScenarioSet:
    """Return scenario 0, the buckets (lowest price first, then volatility state), the extremes.

    `grids` is one per underlying and equal in shape (buckets, states, number of extremes).
    """
    shape = grids[0]
    assert all(_shape(g) == _shape(shape) for g in grids)
    moves = np.stack([_moves(g) for g in grids], axis=1)
    return ScenarioSet(
        labels=_labels(shape), factors=tuple(underlyings), move=moves,
        vol_shift=np.stack([_vol_shifts(g) for g in grids], axis=1),
        vol_rules=tuple(g.vol_rule for g in grids), time_shift_days=np.zeros(len(moves)),
        weight=np.concatenate(([0.0], np.ones(len(moves) - 1))), base_spot=terms.spot,
        base_delta_one=terms.delta_one, base_option=terms.option, numeraire=terms.numeraire)


def extreme_slice(grid: Grid) -> slice:
    """Return where the extreme moves stand among the scenarios."""
    start = 1 + (2 * grid.buckets + 1) * len(grid.vol_states)
    return slice(start, start + len(grid.extreme_moves))


def _shape(grid: Grid) -> tuple[object, ...]:
    return grid.buckets, grid.vol_states, len(grid.extreme_moves), grid.extreme_vol


def _moves(grid: Grid) -> Floats:
    steps = np.arange(-grid.buckets, grid.buckets + 1)
    buckets = grid.price_range * steps / grid.buckets
    inner = np.repeat(buckets, len(grid.vol_states))
    return np.concatenate(([0.0], inner, grid.extreme_moves))


def _vol_shifts(grid: Grid) -> Floats:
    shift = {"up": grid.vol_up, "same": 0.0, "down": -grid.vol_down}
    states = [shift[s] for s in grid.vol_states]
    extremes = [shift[grid.extreme_vol]] * len(grid.extreme_moves)
    return np.array([0.0, *states * (2 * grid.buckets + 1), *extremes])


def _labels(grid: Grid) -> tuple[str, ...]:
    inner = [f"price {j:+d}/{grid.buckets}, vol {state}"
             for j in range(-grid.buckets, grid.buckets + 1) for state in grid.vol_states]
    extremes = [f"extended {move:+.0%}, vol {grid.extreme_vol}" for move in grid.extreme_moves]
    return ("unshocked", *inner, *extremes)
