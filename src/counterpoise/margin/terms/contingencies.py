"""What books paid for risks that no price move shows: charges of the portfolio margins before 2024.

    matched      rate x min(long, short)             futures, or vega, that offset across expiries
    per strike   rate x max(-(calls + puts), 0)      net short options of one strike
    gross        rate x sum of sizes                 options held at all
    shock        factor x (30 / days)^power          relative change of implied volatility

Source: Deribit, portfolio margin pages of 2017-18 and 2019-23; docs/methodology/deribit_spm.md.
"""

import numpy as np

from counterpoise import _core
from counterpoise.margin.requirement import Floats


def matched_charge(long: Floats, short: Floats, rate: float) -> Floats:
    """Return the charge on what offsets: `long` and `short` sizes, both >= 0, elementwise."""
    return np.asarray(rate * np.minimum(long, short))


def net_short_charge(calls: Floats, puts: Floats, rate: float) -> Floats:
    """Return the charge on net short options; signed sizes of one strike, long > 0, elementwise."""
    return np.asarray(rate * np.maximum(-(calls + puts), 0.0))


def gross_charge(size: Floats, rate: float) -> Floats:
    """Return the charge on gross sizes, >= 0, elementwise."""
    return np.asarray(rate * np.abs(size))


def volatility_shock(days: Floats, *, factor: float, power: float) -> Floats:
    """Return the relative volatility shock of options with `days` > 0 to expiry, elementwise."""
    tenor = 30.0 / np.atleast_1d(np.asarray(days, np.float64))
    return np.asarray(factor * _core.power(tenor, np.full(tenor.shape, power)))
