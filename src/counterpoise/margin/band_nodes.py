"""Which moved markets does a safe band compare with, and what do they look like?

Nodes are today's market moved by fractions of price and volatility. A cell is the nodes around a
place: price below and above, and where there are several volatilities, those below and above.
"""

from typing import Final

import numpy as np

from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.compute import priced
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Indices
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS

_TENOR_DAYS: Final = 30.0
_RISE_MAX: Final = 2.0


@frozen
class BandGrid:
    """Where the nodes stand: fractions of price and of volatility at 30 days, both increasing.

    Both hold 0.0. One volatility makes cells of two nodes, more of them cells of four.
    """

    moves: tuple[float, ...] = (-0.15, -0.08, -0.03, 0.0, 0.03, 0.08, 0.15)
    vols: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        """Check the order; a mistake here is the programmer's."""
        assert 0.0 in self.moves and 0.0 in self.vols and len(self.moves) > 1
        assert all(a < b for a, b in zip(self.moves, self.moves[1:], strict=False))
        assert all(a < b for a, b in zip(self.vols, self.vols[1:], strict=False))

    def __len__(self) -> int:
        """Return the number of nodes, today's market included."""
        return len(self.moves) * len(self.vols)


def centre(grid: BandGrid) -> int:
    """Return which node is today's market; nodes run over moves, then over volatilities."""
    return grid.moves.index(0.0) * len(grid.vols) + grid.vols.index(0.0)


def cells(grid: BandGrid) -> list[tuple[int, ...]]:
    """Return the nodes of every cell: price below and above, at each of its volatilities."""
    width = len(grid.vols)
    return [tuple(j * width + v for v in range(m, min(m + 2, width)) for j in (i, i + 1))
            for i in range(len(grid.moves) - 1) for m in range(max(width - 1, 1))]


def cells_at(grid: BandGrid, move: float) -> list[int]:
    """Return which cells hold a price that moved by `move`; none beyond the outermost nodes."""
    layers = max(len(grid.vols) - 1, 1)
    if not grid.moves[0] <= move <= grid.moves[-1]:
        return []
    i = min(int(np.searchsorted(grid.moves, move, side="right")) - 1, len(grid.moves) - 2)
    return [i * layers + m for m in range(layers)]


def nodes(market: MarketSnapshot, moved: Indices, *, model: MarginModel,
          version: ParameterVersion, grid: BandGrid) -> list[tuple[MarketSnapshot, RiskArrays]]:
    """Return every node with its risk arrays; `moved` are the underlyings that move."""
    (own,) = priced(market, model=model, version=version)
    out = []
    for move in grid.moves:
        for vol in grid.vols:
            there = shifted(market, moved, move=move, vol=vol)
            (found,) = priced(there, model=model, version=version)
            out.append((remarked(there, found, own), found))
    return out


def shifted(market: MarketSnapshot, moved: Indices, *, move: float, vol: float) -> MarketSnapshot:
    """Return the market with the underlyings `moved` elsewhere, marks of options not yet adjusted.

    `move` is the fraction by which indices, marks and forwards move, `vol` the fraction by which
    volatilities rise at 30 days, times sqrt(30 / days) but at most twice that at other tenors.
    """
    terms = market.catalogue
    mine = np.isin(terms.underlying, moved)
    option = terms.kind == OPTION
    grown = np.where(mine, 1.0 + move, 1.0)
    days = np.maximum(terms.expiry - market.as_of, 1) / DAY_NS
    rise = 1.0 + vol * np.minimum(np.sqrt(_TENOR_DAYS / days), _RISE_MAX)
    index = market.index.copy()
    index[moved] *= 1.0 + move
    return replaced(
        market, index=index, mark=np.where(option, market.mark, market.mark * grown),
        forward=market.forward * grown,
        volatility=np.where(mine & option, market.volatility * rise, market.volatility))


def remarked(there: MarketSnapshot, found: RiskArrays, own: RiskArrays) -> MarketSnapshot:
    """Return a shifted market whose options' marks moved as their model values did."""
    terms = there.catalogue
    change = (found.value - own.value) / terms.unit
    return replaced(there, mark=np.where(terms.kind == OPTION, there.mark + change, there.mark))
