"""Which raw SVI smile does a surface have at a time to expiry? a, b, rho, m, sigma, if any.

An SSVI surface is raw SVI at every time. An SVI surface is so at its expiries and outside of them;
between two it is a mean of two smiles, which is none.
"""

from typing import Final

import numpy as np

from counterpoise.market.surface import Floats
from counterpoise.market.surfaces.ssvi import SsviSurface, svi_parameters
from counterpoise.market.surfaces.svi import SviSurface

RawSurface = SviSurface | SsviSurface
SAME_EXPIRY: Final = 1e-9
"""Relative: closer times to expiry are one, since years are a quotient."""


def raw_svi(surface: RawSurface, years: Floats) -> Floats:
    """Return raw SVI [row, 5] at times to expiry > 0 [row], in years; NaN where there is none."""
    match surface:
        case SsviSurface():
            return svi_parameters(surface.wings_at(years))
        case SviSurface():
            return _of_slices(surface, years)


def _of_slices(surface: SviSurface, years: Floats) -> Floats:
    first, last = surface.years[0], surface.years[-1]
    nearest = np.argmin(np.abs(surface.years - years[:, None]), axis=1)
    found: Floats = surface.parameters[nearest]
    inside = (years > first) & (years < last)
    apart = np.abs(surface.years[nearest] - years) > SAME_EXPIRY * years
    found[inside & apart] = np.nan
    found[:, :2] *= np.minimum(years / first, 1.0)[:, None]
    beyond = np.maximum(years - last, 0.0) / last
    at_the_money = surface.volatility(np.zeros(1), surface.years[-1:])[0]
    found[:, 0] += beyond * (at_the_money * at_the_money * last)
    return found
