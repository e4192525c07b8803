"""How moves beyond the grid count: scaled down by their size, dampened by a fixed amount.

For a move m beyond the range R, with P&L x:

    weight   x factor R/|m|; in coin also x (1 + m)/(1 + sign(m) R): the USD P&L at the edge price
    dampener towards zero by min((max(|m|/R, 1) - 1) D / price, |x|), for gains and losses alike

Source: Deribit `pme/simulate` example (weights exact, direction of the dampener); size of the
dampener secondary. Paradex's tail weights are the same R/|m|.
"""

from typing import Any

import numpy as np

from counterpoise.margin.requirement import Floats
from counterpoise.values.frozen import frozen

Bools = np.ndarray[Any, np.dtype[np.bool_]]


@frozen
class ExtendedTable:
    """Terms by risk unit, [unit].

    `price_range` R; `factor` of the table; `dampener` D in USD; `price` USD per unit of the pool's
    currency; `in_coin` True where the P&L is in the underlying itself; `dampener_at_edge` says that
    D becomes coins at the edge bucket's price R away, instead of at `price`.
    """

    price_range: Floats
    factor: Floats
    dampener: Floats
    price: Floats
    in_coin: Bools
    dampener_at_edge: bool


def weights(table: ExtendedTable, move: Floats, extended: slice) -> Floats:
    """Return the weight of each scenario, [unit, scenario]; 1 outside the `extended` columns.

    `move` is [unit, scenario].
    """
    out = np.ones(move.shape)
    m, reach = move[:, extended], table.price_range[:, None]
    edge = (1 + m) / (1 + np.sign(m) * reach)
    out[:, extended] = (table.factor[:, None] * (reach / np.abs(m))
                        * np.where(table.in_coin[:, None], edge, 1.0))
    return out


def dampeners(table: ExtendedTable, move: Floats, extended: slice) -> Floats:
    """Return how far each scenario's P&L moves towards zero, [unit, scenario], pool currency."""
    out = np.zeros(move.shape)
    m, reach = move[:, extended], table.price_range[:, None]
    at_edge = table.in_coin[:, None] & table.dampener_at_edge
    price = table.price[:, None] * np.where(at_edge, 1 + np.sign(m) * reach, 1.0)
    size = (np.maximum(np.abs(m) / reach, 1) - 1) * table.dampener[:, None] / price
    out[:, extended] = np.nan_to_num(size)  # a unit without parameters fails by its weights
    return out
