"""How much of every position to close at once, and who bears what the insurance fund cannot.

    ratio(x) = (1 - x) MM / (account value - x fee MM)     share = least step x: ratio < target

Source: Paradex documentation, liquidations and socialised losses. Its text states a fee of 70 %,
its printed table follows from 50 %: the fee is a parameter.
"""

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]


def closing_share(account_value: Floats, maintenance: Floats, *, fee: float = 0.5,
                 step: float = 0.2, target: float = 0.9) -> Floats:
    """Return the share of all positions to close, [account], a multiple of `step` from 0 to 1.

    0 where account value covers the maintenance margin already; 1 where no smaller share brings
    the ratio below `target`. NaN where a number is missing.
    """
    steps = np.arange(1, round(1 / step) + 1) * step
    left = (1 - steps) * maintenance[:, None]
    value = account_value[:, None] - steps * fee * maintenance[:, None]
    enough = left < target * value
    share = np.where(enough.any(axis=1), steps[enough.argmax(axis=1)], 1.0)
    share = np.where(account_value >= maintenance, 0.0, share)
    return np.where(np.isfinite(account_value) & np.isfinite(maintenance), share, np.nan)


def socialised_share(shortfall: float, balances: float, *, with_shortfall: bool = True) -> float:
    """Return the part that withdrawals lose while the insurance fund is `shortfall` short.

    `balances` is the sum of what all accounts hold. The printed formula divides by balances and
    shortfall; the printed example by balances alone (`with_shortfall` False).
    """
    if shortfall <= 0:
        return 0.0
    return min(1.0, shortfall / (balances + shortfall if with_shortfall else balances))
