"""What a volatility surface is: volatilities by strike and time, and where it allows arbitrage.

    w(k, T) = volatility^2 T,  k = ln(K/F)

No static arbitrage means two things: at each expiry no butterfly costs less than nothing, and w
does not fall with T at any k (Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces",
Quantitative Finance 14, 2014, section 2). A surface says where it breaks either.
"""

from typing import Any, Literal, Protocol

import numpy as np

from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class ArbitrageFinding:
    """One place where a surface allows a static arbitrage.

    kind           "butterfly": a negative density; "calendar": variance that falls with time;
                   "wing": variance that rises faster than 2 |k|, so that a far option costs more
                   than its bound
    years          expiry where it happens, the later one of a calendar
    log_moneyness  k of the worst place; infinite in a wing
    amount         how bad, > 0: minus Durrleman's g, the fall of total variance, the excess slope
    sentence       the same for a person
    """

    kind: Literal["butterfly", "calendar", "wing"]
    years: float
    log_moneyness: float
    amount: float
    sentence: str


@frozen
class FitDiagnostics:
    """How well each smile fits, [slice].

    quotes       number of quotes
    rmse         root of the weighted mean squared error of volatility, fraction
    worst        largest error of volatility at any quote, whatever its weight, fraction
    evaluations  how often the search computed the misfit
    """

    quotes: Counts
    rmse: Floats
    worst: Floats
    evaluations: Counts


class Surface(Protocol):
    """Volatilities of one underlying: frozen, elementwise, one answer to one question."""

    def volatility(self, log_moneyness: Floats, years: Floats) -> Floats:
        """Return annualised volatility, fraction, at k = ln(K/F) and years >= 0, elementwise."""

    def findings(self) -> tuple[ArbitrageFinding, ...]:
        """Return where the surface allows static arbitrage; () where it is free of it."""
