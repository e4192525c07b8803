"""What it costs to close a delta too large for the market.

    D = delta of futures and short options, which long options may reduce but not flip
    shock = |D| min(slope max(|D| - threshold, 0), cap)

Source: the field names and units of Deribit's `pme/simulate` parameters; the formula is *our
reading* of them, no published example has a delta shock. The shock is the size charge of
`_core.add_ons`; here is each position's share of it.
"""

from typing import Any

import numpy as np

from counterpoise.margin.requirement import Floats
from counterpoise.risk.aggregation import Rows, exposures


def counted_delta(rows: Rows, *, delta: Floats,
                  option_delta: Floats) -> "tuple[Floats, np.ndarray[Any, np.dtype[np.bool_]]]":
    """Return D of every row in coins, and where long options reduce it, [row].

    `delta` and `option_delta` (0 for non-options) are coins per lot, [instrument].
    """
    net, long, _ = exposures(rows, np.stack([delta, option_delta], axis=1))
    bare = net[:, 0] - long[:, 1]
    flipped = np.sign(net[:, 0]) != np.sign(bare)
    helped = ~flipped & (np.abs(net[:, 0]) < np.abs(bare))
    return np.where(flipped, 0.0, np.where(helped, net[:, 0], bare)), helped


def delta_shares(rows: Rows, shock: Floats, *, delta: Floats, option_delta: Floats) -> Floats:
    """Return the share of every position in the delta shock of its unit row, in row order.

    `shock` is [unit row]; `delta` and `option_delta` (0 for non-options) are coins per lot,
    [instrument]. The shares of a row sum to its shock.
    """
    used, helped = counted_delta(rows, delta=delta, option_delta=option_delta)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(used != 0, shock / used, 0.0)
    row = np.repeat(np.arange(len(rows.key)), np.diff(rows.pointer))
    protects = (option_delta[rows.instrument] != 0) & (rows.lots > 0)
    counted = np.where(helped[row] | ~protects, rows.lots * delta[rows.instrument], 0.0)
    return counted * rate[row]
