"""What the core must answer: the same formulas in plain NumPy, SciPy, fractions and mpmath.

Slow and obvious on purpose; a reference for tests, not a second path of the product.
"""

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from scipy.special import ndtr

Floats = np.ndarray[Any, np.dtype[np.float64]]
DIGITS = 50


def exact_fma(a: float, b: float, c: float) -> float:
    """Return a b + c rounded once, by rational arithmetic; a, b, c finite."""
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c
    try:
        return float(exact)
    except OverflowError:
        return float("inf") if exact > 0 else float("-inf")


def ulps_off(actual: float, exact: mpmath.mpf) -> float:
    """Return |actual - exact| in units of the last place of the exact number."""
    return float(abs(mpmath.mpf(actual) - exact) / mpmath.mpf(float(np.spacing(abs(float(exact))))))


def exact_black(*, forward: float, strike: float, years: float, volatility: float, right: int,
                rate: float = 0.0) -> mpmath.mpf:
    """Return the Black-76 value with 50 digits."""
    with mpmath.workdps(DIGITS):
        f, k, t, sigma = (mpmath.mpf(float(x)) for x in (forward, strike, years, volatility))
        s = sigma * mpmath.sqrt(t)
        discount = mpmath.exp(-mpmath.mpf(float(rate)) * t)
        if s == 0:
            return discount * max(right * (f - k), mpmath.mpf(0))
        d1 = mpmath.log(f / k) / s + s / 2
        return discount * right * (f * mpmath.ncdf(right * d1) - k * mpmath.ncdf(right * (d1 - s)))


def black(*, forward: Any, strike: Any, years: Any, volatility: Any, right: Any,
          rate: Any = 0.0) -> Floats:
    """Return Black-76 values in double precision, with broadcasting."""
    f, k, t, sigma = (np.asarray(x, np.float64) for x in (forward, strike, years, volatility))
    s = sigma * np.sqrt(t)
    with np.errstate(divide="ignore", invalid="ignore"):
        d1 = np.log(f / k) / s + s / 2
        live = right * (f * ndtr(right * d1) - k * ndtr(right * (d1 - s)))
    return np.exp(-np.asarray(rate) * t) * np.where(s > 0, live, np.maximum(right * (f - k), 0))


def shocked_volatility(volatility: float, shift: float, years: float, rule: Any) -> float:
    """Return a volatility after a shift under a `VolRule`, years unshifted."""
    if shift == 0:
        return volatility
    days = max(years * 365, rule.days_floor)
    if rule.whole_days:
        days = float(np.ceil(days - 1e-9))
    power = rule.power_short if days < rule.switch_days else rule.power_long
    x = shift * (30 / days) ** power
    moved = volatility * (1 + x) if rule.relative else volatility + x
    return max(moved, rule.floor_up if shift > 0 else 0.0)


def delta_one_pnl(*, unit: float, price: float, base: float, move: Floats, mode: int) -> Floats:
    """Return P&L per lot of a spot, perpetual or future; mode 0 linear, 1 coin, 2 quote."""
    shocked = price + base * move
    if mode == 0:
        return unit * (shocked - price)
    return unit * (1 / price - 1 / shocked) if mode == 1 else unit * base * move / price


def option_pnl(*, unit: float, price: float, base: float, strike: float, years: float,
               volatility: float, rate: float, right: int, mode: int, move: Floats,
               shift: Floats, passed: Floats, rule: Any) -> tuple[float, Floats]:
    """Return value and P&L per lot of an option over scenarios; `passed` in years."""
    def value(forward: Any, sigma: Any, left: Any) -> Floats:
        v = black(forward=forward, strike=strike, years=left, volatility=sigma, right=right,
                  rate=rate)
        return unit * (v / forward if mode == 1 else v)

    sigmas = np.array([shocked_volatility(volatility, x, years, rule) for x in shift])
    now = value(np.float64(price), volatility, years)
    then = value(price + base * move, sigmas, np.maximum(years - passed, 0.0))
    return float(now), then - now


def transformed(raw: Floats, key: Any, transform: Any) -> Floats:
    """Return P&L vectors [row, scenario] after weights, gain rule and dampener."""
    v = raw if transform.weight is None else raw * transform.weight[key]
    steps = [_gains, _dampened] if not transform.dampen_first else [_dampened, _gains]
    for step in steps:
        v = step(v, key, transform)
    return v


def _gains(v: Floats, key: Any, transform: Any) -> Floats:
    if transform.gain_factor is None:
        return v
    capped = np.minimum(v * transform.gain_factor[key, None], transform.gain_cap[key, None])
    return np.where(v > 0, capped, v)


def _dampened(v: Floats, key: Any, transform: Any) -> Floats:
    if transform.dampener is None:
        return v
    return v - np.sign(v) * np.minimum(transform.dampener[key], np.abs(v))


def raw_vectors(rows: Any, pnl: Floats) -> Floats:
    """Return sum of lots x pnl by row, position by position, with exact fma where cheap enough."""
    out = np.zeros((len(rows), pnl.shape[1]))
    for row in range(len(rows)):
        for p in range(rows.pointer[row], rows.pointer[row + 1]):
            terms = zip(pnl[rows.instrument[p]], out[row], strict=True)
            out[row] = [exact_fma(float(rows.lots[p]), float(x), float(v)) for x, v in terms]
    return out


def worst(vectors: Floats) -> tuple[Floats, Any]:
    """Return the loss >= 0 and the lowest scenario with the least P&L, by row."""
    if vectors.shape[1] == 0:
        return np.zeros(len(vectors)), np.zeros(len(vectors), np.int32)
    least = vectors.min(axis=1)
    return np.where(least < 0, -least, 0.0), vectors.argmin(axis=1).astype(np.int32)


def segment_vectors(rows: Any, pnl: Floats, transform: Any, unit: Any) -> tuple[Floats, Floats]:
    """Return P&L before and after the unit's transforms of `SegmentRows`, both [row, state]."""
    state = np.arange(pnl.shape[1]) if transform.state is None else transform.state
    raw = np.zeros((len(rows), int(state.max(initial=-1)) + 1))
    for row in range(len(rows)):
        for g in range(rows.segments[row], rows.segments[row + 1]):
            raw[row] = raw[row] + _segment(rows, g, pnl, state, transform)
    shaped = transformed(raw, rows.unit, unit).copy()
    shaped[:, :1] = np.where(np.isnan(shaped[:, :1]), np.nan, 0.0)
    return raw, shaped


def _segment(rows: Any, g: int, pnl: Floats, state: Any, transform: Any) -> Floats:
    x, base = np.zeros(pnl.shape[1]), 0.0
    for p in range(rows.positions[g], rows.positions[g + 1]):
        quantity, i = float(rows.quantity[p]), rows.instrument[p]
        x = np.array([exact_fma(quantity, float(a), float(b))
                      for a, b in zip(pnl[i], x, strict=True)])
        base = exact_fma(quantity, float(transform.base[i]), base) if (
            transform.base is not None) else 0.0
    y = np.array([x[state == k].min() for k in range(int(state.max(initial=-1)) + 1)])
    if transform.up is not None:
        key, t = rows.segment[g], base + y
        gain = np.minimum(transform.up[key] * t, transform.cap[key])
        y = np.where(t < 0, transform.down[key] * t, gain) - base
    return y if transform.absolute is None else np.where(transform.absolute, -np.abs(y), y)
