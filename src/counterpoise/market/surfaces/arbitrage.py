"""Where do SVI smiles allow arbitrage? Butterflies, steep wings, and variance that falls with time.

Butterflies: Durrleman's g >= 0 at 2,000 points k = m + sigma sinh(tau), |tau| <= 8, and slopes of
the wings b (1 +- rho) <= 2 (Lee 2004), beyond which g is negative in the end. Calendars: the next
expiry's variance at 1,001 points |k| <= 5, dense at the money, and its slopes in the wings.
"""

from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.market.surface import ArbitrageFinding, Floats

SLOPE_MAX: Final = 2.0
REACH: Final = 5.0
POINTS: Final = 1001
ROUNDING: Final = 1e-12
"""Relative slack of comparisons that a rounding could decide."""
INFINITE: Final = float("inf")


def svi_findings(years: Floats, parameters: Floats) -> tuple[ArbitrageFinding, ...]:
    """Return where SVI smiles [slice, 5], a, b, rho, m, sigma, allow static arbitrage."""
    found: list[ArbitrageFinding] = []
    for slice_findings in (_butterflies, _steep_wings, _calendars, _crossing_wings):
        found += slice_findings(years, parameters)
    return tuple(found)


def _butterflies(years: Floats, parameters: Floats) -> list[ArbitrageFinding]:
    least, at = _core.svi_dip(parameters)
    return [ArbitrageFinding(
        kind="butterfly", years=float(t), log_moneyness=float(k), amount=float(-g),
        sentence=f"expiry in {t:.4f} years: the density is negative at k = {k:.4f} (g = {g:.3g}), "
                 "so that a butterfly there costs less than nothing")
        for t, g, k in zip(years, least, at, strict=True) if g < 0]


def _slopes(parameters: Floats) -> Floats:
    """Return how fast variance rises to the right and to the left, [slice, 2]."""
    b, rho = parameters[:, 1], parameters[:, 2]
    return np.stack((b * (1.0 + rho), b * (1.0 - rho)), axis=1)


def _steep_wings(years: Floats, parameters: Floats) -> list[ArbitrageFinding]:
    slopes = _slopes(parameters)
    rows, sides = np.nonzero(slopes > SLOPE_MAX * (1.0 + ROUNDING))
    return [_wing(float(years[i]), int(side), float(slopes[i, side]))
            for i, side in zip(rows, sides, strict=True)]


def _wing(years: float, side: int, slope: float) -> ArbitrageFinding:
    name, sign = (("right", 1.0), ("left", -1.0))[side]
    return ArbitrageFinding(
        kind="wing", years=years, log_moneyness=sign * INFINITE, amount=slope - SLOPE_MAX,
        sentence=f"expiry in {years:.4f} years: variance rises by {slope:.4f} per unit of k in the "
                 f"{name} wing; more than 2 prices far options above their bound")


def _calendars(years: Floats, parameters: Floats) -> list[ArbitrageFinding]:
    t = np.linspace(-1.0, 1.0, POINTS)
    k, count = REACH * t * np.abs(t), len(years)
    rows = np.repeat(np.arange(count, dtype=np.int32), POINTS)
    variance = _core.svi_curve(parameters=parameters, slice=rows,
                               log_moneyness=np.tile(k, count))[0].reshape(count, POINTS)
    rise = np.diff(variance, axis=0) + ROUNDING * variance[1:]
    worst = rise.argmin(axis=1) if count > 1 else np.zeros(0, np.int64)
    return [ArbitrageFinding(
        kind="calendar", years=float(years[i + 1]), log_moneyness=float(k[j]),
        amount=float(-rise[i, j]),
        sentence=f"expiry in {years[i + 1]:.4f} years: total variance at k = {k[j]:.4f} is "
                 f"{-rise[i, j]:.3g} below that of the expiry in {years[i]:.4f} years")
        for i, j in enumerate(worst) if rise[i, j] < 0]


def _crossing_wings(years: Floats, parameters: Floats) -> list[ArbitrageFinding]:
    slopes = _slopes(parameters)
    fall = slopes[:-1] * (1.0 - ROUNDING) - slopes[1:]
    return [ArbitrageFinding(
        kind="calendar", years=float(years[i + 1]), log_moneyness=INFINITE * (1 - 2 * int(side)),
        amount=float(fall[i, side]),
        sentence=f"expiry in {years[i + 1]:.4f} years: the {('right', 'left')[side]} wing rises "
                 f"by {fall[i, side]:.3g} less than that of the expiry in {years[i]:.4f} years and "
                 "falls below it in the end")
        for i, side in zip(*np.nonzero(fall > 0), strict=True)]
