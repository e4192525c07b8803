"""Which volatility does a price imply, to 40 digits? Newton's steps in arbitrary precision.

Slow and obvious on purpose; a reference for tests, not a second path of the product.
"""

import mpmath
import numpy as np

DIGITS = 70


def exact_value(forward: float, strike: float, deviation: mpmath.mpf, right: int) -> mpmath.mpf:
    """Return the undiscounted Black-76 value at sigma sqrt(T) = deviation."""
    f, k = mpmath.mpf(forward), mpmath.mpf(strike)
    d1 = mpmath.log(f / k) / deviation + deviation / 2
    return right * (f * mpmath.ncdf(right * d1) - k * mpmath.ncdf(right * (d1 - deviation)))


def exact_deviation(*, price: float, forward: float, strike: float, right: int,
                    guess: float) -> mpmath.mpf:
    """Return sigma sqrt(T) of a price taken as exact, by Newton's method from a close guess."""
    with mpmath.workdps(DIGITS):
        f, k, s = mpmath.mpf(forward), mpmath.mpf(strike), mpmath.mpf(guess)
        outside, side = mpmath.mpf(price), right
        if right * (f - k) > 0:
            outside, side = outside - abs(f - k), -right
        least = min(f, k)
        upper = outside > least / 2
        wanted = least - outside if upper else outside
        for _ in range(40):
            value = exact_value(forward, strike, s, side)
            part = least - value if upper else value
            vega = f * mpmath.npdf(mpmath.log(f / k) / s + s / 2)
            step = mpmath.log(part / wanted) * part / (vega if upper else -vega)
            s += max(min(step, s), -s / 2)
            if abs(step) < s * mpmath.mpf(10) ** -40:
                return s
        raise AssertionError(f"no volatility found for {price} at {forward}, {strike}, {right}")


def rounded_price(*, forward: float, strike: float, deviation: float, right: int) -> float:
    """Return the price nearest to the exact one."""
    with mpmath.workdps(DIGITS):
        return float(exact_value(forward, strike, mpmath.mpf(deviation), right))


def relative_errors(volatility: np.ndarray, rows: list[dict]) -> np.ndarray:
    """Return |sigma / exact sigma - 1| of each row of price, forward, strike, right; one year."""
    with mpmath.workdps(DIGITS):
        return np.array([
            float(abs(mpmath.mpf(float(v)) / exact_deviation(**row, guess=float(v)) - 1))
            for v, row in zip(volatility, rows, strict=True)])
