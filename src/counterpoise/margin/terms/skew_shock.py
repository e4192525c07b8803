"""Where does a scenario take a volatility? Up, down, or tilted by moneyness.

With d days to expiry, T in years, k = ln(K/F):

    tenor = (30 / max(d, floor))^p,  p short up to 30 days, long beyond
    up      max(vol (1 + range_up tenor), least_up)
    down    vol max(0, 1 - range_down tenor)
    linear  vol max(0, 1 + t), t = k cap / k*, at most cap for k >= 0, at least -cap for k < 0
    absolute: the same with |k|
    cap = slope sqrt(T) + base,  k* = max(least, sqrt(T) width (static + scale sqrt(T)))

The cap of a long expiry may fall below zero; the published portfolios say that it is then used as
it is.

Source: Derive v2, PMRM_2 (docs.derive.xyz, PM2).
"""

from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.ranges import require_ranges
from counterpoise.values.frozen import frozen

DIRECTIONS: Final = ("none", "up", "down", "linear", "absolute")
"""What a scenario may do to a volatility; the last two tilt the smile."""
TILTS: Final = ("linear", "absolute")
_SWITCH_DAYS: Final = 30.0


@frozen
class VolatilityParameters:
    """Shocks of the level; `days_floor` in days, ranges as fractions of the volatility."""

    range_up: float
    range_down: float
    short_term_power: float
    long_term_power: float
    days_floor: float
    least_up: float

    def __post_init__(self) -> None:
        """Refuse shocks that have no meaning."""
        require_ranges(self, {"range_up": (0, 100), "range_down": (0, 100),
                              "short_term_power": (-10, 10), "long_term_power": (-10, 10),
                              "days_floor": (0, 3650), "least_up": (0, 100)})


@frozen
class SkewParameters:
    """Shocks of the slope: caps of the tilt at expiry and per root year, width of the smile."""

    linear_cap: float
    linear_cap_slope: float
    absolute_cap: float
    absolute_cap_slope: float
    least_width: float
    width_scale: float
    width_static: float
    width_slope: float

    def __post_init__(self) -> None:
        """Refuse shocks that have no meaning."""
        require_ranges(self, {
            "linear_cap": (0, 100), "absolute_cap": (0, 100), "linear_cap_slope": (-100, 100),
            "absolute_cap_slope": (-100, 100), "least_width": (0, 100), "width_scale": (0, 100),
            "width_static": (-100, 100), "width_slope": (-100, 100)})


@frozen
class Smiles:
    """Options to be shocked, [option]: volatility, forward and strike in quote, years > 0."""

    volatility: Floats
    forward: Floats
    strike: Floats
    years: Floats


def volatility_shifts(smiles: Smiles, level: VolatilityParameters,
                      skew: SkewParameters) -> Floats:
    """Return the shifted volatility less the present one, [direction, option], points.

    Directions are `DIRECTIONS`; 0 where the option has no volatility or forward.
    """
    vol = smiles.volatility
    with np.errstate(invalid="ignore", divide="ignore"):
        up, down = level_factors(smiles.years, level)
        k = _core.log(smiles.strike / smiles.forward)
        shifted = (vol, np.maximum(vol * up, level.least_up), vol * down,
                   vol * _tilt(k, smiles.years, skew, skew.linear_cap, skew.linear_cap_slope),
                   vol * _tilt(np.abs(k), smiles.years, skew, skew.absolute_cap,
                               skew.absolute_cap_slope))
    shifts = np.stack([each - vol for each in shifted])
    return np.where(np.isfinite(shifts), shifts, 0.0)


def level_factors(years: Floats, level: VolatilityParameters) -> tuple[Floats, Floats]:
    """Return what a volatility is multiplied with, upward and downward, elementwise."""
    days = years * 365.0
    power = np.where(days <= _SWITCH_DAYS, level.short_term_power, level.long_term_power)
    tenor = _core.power(_SWITCH_DAYS / np.maximum(days, level.days_floor), power)
    return 1.0 + level.range_up * tenor, np.maximum(0.0, 1.0 - level.range_down * tenor)


def _tilt(moneyness: Floats, years: Floats, skew: SkewParameters, base: float,
          slope: float) -> Floats:
    root = np.sqrt(years)
    cap = slope * root + base
    wide = root * skew.width_scale * (skew.width_static + skew.width_slope * root)
    tilt = np.where(moneyness == 0, 0.0, moneyness * cap / np.maximum(skew.least_width, wide))
    bounded = np.where(moneyness >= 0, np.minimum(tilt, cap), np.maximum(tilt, -cap))
    return np.maximum(0.0, 1.0 + bounded)
