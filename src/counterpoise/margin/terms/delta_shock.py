"""What it costs to close a delta too large for the market.

    D = delta of futures and short options, which long options may reduce but not flip
    shock = |D| min(slope max(|D| - threshold, 0), cap)

Source: the field names and units of Deribit's `pme/simulate` parameters; the formula is *our
reading* of them, no published example has a delta shock.
"""

import numpy as np

from counterpoise.margin.requirement import Floats
from counterpoise.risk.aggregation import Rows, exposures
from counterpoise.values.frozen import frozen


@frozen
class DeltaShock:
    """The shock in coins by unit row, and each row-ordered position's share of it (sums to it)."""

    shock: Floats
    share: Floats


def delta_shock(rows: Rows, *, delta: Floats, option_delta: Floats, slope: Floats,
                threshold: Floats, cap: Floats) -> DeltaShock:
    """Return the delta shock of every unit row.

    `delta` and `option_delta` (0 for non-options) are coins per lot, [instrument]; `slope` per
    coin, `threshold` in coins and `cap` (fraction) are [unit].
    """
    net, long, _ = exposures(rows, np.stack([delta, option_delta], axis=1))
    protection = long[:, 1]
    open_delta = net[:, 0] - protection
    both = open_delta + protection
    used = np.where(open_delta < 0, np.minimum(np.maximum(both, open_delta), 0),
                    np.maximum(np.minimum(both, open_delta), 0))
    size = np.abs(used)
    k = rows.key
    rate = np.minimum(slope[k] * np.maximum(size - threshold[k], 0), cap[k])
    return DeltaShock(shock=size * rate, share=_share(rows, delta, option_delta, used, both, rate))


def _share(rows: Rows, delta: Floats, option_delta: Floats, used: Floats, both: Floats,
           rate: Floats) -> Floats:
    row = np.repeat(np.arange(len(rows.key)), np.diff(rows.pointer))
    own = rows.lots * delta[rows.instrument]
    protects = (option_delta[rows.instrument] != 0) & (rows.lots > 0)
    counted = np.where((used == both)[row] | ~protects, own, 0.0)
    return counted * (np.sign(used) * rate)[row]
