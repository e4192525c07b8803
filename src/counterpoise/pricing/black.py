"""What a European option on a forward is worth, and how that value moves: Black-76.

    V = D w (F N(w d1) - K N(w d2)),  d1,2 = (ln(F/K) +- s^2/2) / s,  s = sigma sqrt(T),
    D = exp(-r T),  w = +1 for a call, -1 for a put

Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976).
At expiry or at zero volatility V = D max(w (F - K), 0).
"""

from typing import Any

import numpy as np

from counterpoise import _core
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Signs = np.ndarray[Any, np.dtype[np.int8]]


@frozen
class BlackValues:
    """Value and greeks per unit of underlying, in quote currency, [option].

    value   discounted premium
    delta   dV/dF, the forward delta, discount included (not premium-adjusted); at expiry or zero
            volatility w D in the money, w D / 2 at the money, 0 outside
    gamma   d2V/dF2
    vega    dV/dsigma per 1.00 of volatility
    theta   -dV/dT per year: what passing time adds, negative for a long option at rate 0
    rho     dV/dr per 1.00 of rate with the forward held fixed
    """

    value: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


def black76(*, forward: Floats, strike: Floats, years: Floats, volatility: Floats,
            right: Signs, rate: Floats) -> BlackValues:
    """Return Black-76 values and greeks of options, elementwise.

    `forward` and `strike` in quote per unit of underlying, `years` to expiry, `volatility`
    annualised as a fraction, `right` +1 call or -1 put, `rate` continuously compounded. Columns
    are NaN where an input is not finite, a price is not positive, or `years` or `volatility` is
    negative.
    """
    value, delta, gamma, vega, theta, rho = _core.black76(
        forward=forward, strike=strike, years=years, volatility=volatility, right=right, rate=rate)
    return BlackValues(value=value, delta=delta, gamma=gamma, vega=vega, theta=theta, rho=rho)
