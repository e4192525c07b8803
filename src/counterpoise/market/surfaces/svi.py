"""Which smile does each expiry have on its own? Raw SVI, five parameters per expiry.

    w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)),  w = volatility^2 T

J. Gatheral, "A parsimonious arbitrage-free implied volatility parameterization", Global Derivatives
(2004). Between expiries w is linear in time at each k; before the first, volatility is that of the
first; after the last, variance grows everywhere by the last one's at the money. So expiries that do
not cross make no calendar arbitrage, and before the first expiry a smile without butterflies stays
so (docs/methodology/surfaces.md); in between and after, `findings` is about the expiries only.
"""

from typing import Any

import numpy as np

from counterpoise import _core
from counterpoise.market.surface import ArbitrageFinding, FitDiagnostics, Floats
from counterpoise.market.surfaces.arbitrage import svi_findings
from counterpoise.market.surfaces.smiles import Smiles, diagnostics, variances, years_by_quote
from counterpoise.values.frozen import frozen

Rows = np.ndarray[Any, np.dtype[np.int32]]


@frozen
class SviSurface:
    """SVI smiles: `years` [slice] rising, `parameters` [slice, 5] a, b, rho, m, sigma."""

    years: Floats
    parameters: Floats
    fit: FitDiagnostics

    def volatility(self, log_moneyness: Floats, years: Floats) -> Floats:
        """Return annualised volatility, fraction, at k = ln(K/F) and years >= 0, elementwise."""
        assert np.all(years >= 0.0) and np.all(np.isfinite(log_moneyness)), "years >= 0, finite k"
        first, last = self.years[0], self.years[-1]
        after = np.searchsorted(self.years, years).astype(np.int32)
        low = np.clip(after - 1, 0, None).astype(np.int32)
        high = np.clip(after, None, len(self.years) - 1).astype(np.int32)
        below, above = (self._variance(rows, log_moneyness) for rows in (low, high))
        gap = self.years[high] - self.years[low]
        share = np.where(gap > 0.0, (years - self.years[low]) / np.where(gap > 0.0, gap, 1.0), 0.0)
        middle = self._variance(np.array([len(self.years) - 1], np.int32), np.zeros(1))[0]
        beyond = np.maximum(years - last, 0.0) * (middle / last)
        time = np.maximum(years, first)
        volatility: Floats = np.sqrt((below + share * (above - below) + beyond) / time)
        return volatility

    def _variance(self, rows: Rows, log_moneyness: Floats) -> Floats:
        return _core.svi_curve(parameters=self.parameters, slice=rows,
                               log_moneyness=np.ascontiguousarray(log_moneyness))[0]

    def findings(self) -> tuple[ArbitrageFinding, ...]:
        """Return where the expiries allow butterflies or calendar spreads for less than nothing."""
        return svi_findings(self.years, self.parameters)


def fit_svi(quotes: Smiles) -> SviSurface:
    """Fit each expiry by least squares, wings rising by at most 2; arbitrage is reported only."""
    return _fitted(quotes, clear=False)


def fit_svi_without_butterflies(quotes: Smiles) -> SviSurface:
    """Fit each expiry by least squares among smiles without a butterfly arbitrage.

    Guaranteed: Durrleman's g is above zero at the 2,000 points of `findings`, and the wings rise by
    at most 2. A free fit that keeps this is returned as it is; otherwise the best smile found,
    which costs a few percent of rmse as a rule. Calendars are reported, not prevented: see `ssvi`.
    """
    return _fitted(quotes, clear=True)


def _fitted(quotes: Smiles, *, clear: bool) -> SviSurface:
    variance, weight = variances(quotes)
    parameters, _, evaluations = _core.svi_fit(
        pointer=quotes.pointer, log_moneyness=quotes.log_moneyness, variance=variance,
        weight=weight, clear=clear)
    rows = np.repeat(np.arange(len(quotes.years), dtype=np.int32), np.diff(quotes.pointer))
    fitted = _core.svi_curve(parameters=parameters, slice=rows,
                             log_moneyness=quotes.log_moneyness)[0]
    volatility = np.sqrt(np.maximum(fitted, 0.0) / years_by_quote(quotes))
    return SviSurface(years=quotes.years, parameters=parameters,
                      fit=diagnostics(quotes, volatility, evaluations))
