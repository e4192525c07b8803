"""Which surface without any static arbitrage fits the quotes? SSVI with a correlation per expiry.

With theta the total variance at the money and right / 2, left / 2 the slopes of the wings,

    2 w = u + sqrt(u^2 + right left k^2),   u = theta + (right - left) k / 2

which is SSVI with theta phi (1 + rho) = right and theta phi (1 - rho) = left. Sources: J. Gatheral
and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014); S.
Hendriks and C. Martini, "The extended SSVI volatility surface", J. Computational Finance 22 (2019).
The three numbers are linear in time between expiries; before the first they shrink to nothing with
time, after the last theta alone grows. All of it, not only the expiries, is free of butterflies and
calendar spreads: proof in docs/methodology/surfaces.md.
"""

from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.market.surface import ArbitrageFinding, FitDiagnostics, Floats
from counterpoise.market.surfaces.arbitrage import svi_findings
from counterpoise.market.surfaces.smiles import Smiles, diagnostics, variances, years_by_quote
from counterpoise.values.frozen import frozen

FLAT: Final = 1e-12
"""Wings that rise by less have no SVI form with numbers of ordinary size: they are flat."""


@frozen
class SsviSurface:
    """SSVI smiles: `years` [slice] rising, `wings` [slice, 3] theta, right, left."""

    years: Floats
    wings: Floats
    fit: FitDiagnostics

    def volatility(self, log_moneyness: Floats, years: Floats) -> Floats:
        """Return annualised volatility, fraction, at k = ln(K/F) and years >= 0, elementwise."""
        assert np.all(years >= 0.0) and np.all(np.isfinite(log_moneyness)), "years >= 0, finite k"
        time = np.maximum(years, self.years[0])
        variance = _core.ssvi_variance(wings=self.wings_at(time),
                                       log_moneyness=np.ascontiguousarray(log_moneyness))
        volatility: Floats = np.sqrt(variance / time)
        return volatility

    def wings_at(self, years: Floats) -> Floats:
        """Return theta, right, left [row, 3] at years > 0 [row]: a smile at any time."""
        first, last = self.years[0], self.years[-1]
        time = np.maximum(years, first)
        after = np.searchsorted(self.years, time)
        low, high = np.clip(after - 1, 0, None), np.clip(after, None, len(self.years) - 1)
        gap = self.years[high] - self.years[low]
        share = np.where(gap > 0.0, (time - self.years[low]) / np.where(gap > 0.0, gap, 1.0), 0.0)
        rows = self.wings[low] + share[:, None] * (self.wings[high] - self.wings[low])
        rows[:, 0] += np.maximum(time - last, 0.0) * (self.wings[-1, 0] / last)
        scale = np.minimum(years / first, 1.0)
        scaled: Floats = rows * scale[:, None]
        return scaled

    def findings(self) -> tuple[ArbitrageFinding, ...]:
        """Return where the expiries allow butterflies or calendar spreads: none after a fit."""
        return svi_findings(self.years, svi_parameters(self.wings))


def svi_parameters(wings: Floats) -> Floats:
    """Return the same smiles as raw SVI, [slice, 5] a, b, rho, m, sigma."""
    theta, total = wings[:, 0], wings[:, 1] + wings[:, 2]
    bent = total > FLAT
    live = np.where(bent, total, 1.0)
    rho = np.where(bent, (wings[:, 1] - wings[:, 2]) / live, 0.0)
    rest = np.where(bent, 4.0 * wings[:, 1] * wings[:, 2] / (live * live), 1.0)  # 1 - rho^2
    width = 2.0 * theta / live
    level = np.where(bent, 0.5 * theta * rest, theta)
    return np.stack((level, np.where(bent, 0.25 * total, 0.0), rho, -rho * width,
                     np.sqrt(rest) * width), axis=1)


def fit_ssvi(quotes: Smiles) -> SsviSurface:
    """Fit all expiries together by least squares, free of static arbitrage.

    Guaranteed by construction: wings at most 4, (right + left) max(right, left) <= 8 theta, theta,
    right and left do not fall with time, (right + left) / theta does not rise. Neither wing is less
    than 1/2000 of the other, so that volatility is above zero everywhere.
    """
    variance, weight = variances(quotes)
    wings, _, evaluations = _core.ssvi_fit(
        pointer=quotes.pointer, log_moneyness=quotes.log_moneyness, variance=variance,
        weight=weight)
    fitted = _core.ssvi_variance(wings=np.repeat(wings, np.diff(quotes.pointer), axis=0),
                                 log_moneyness=quotes.log_moneyness)
    return SsviSurface(years=quotes.years, wings=wings,
                       fit=diagnostics(quotes, np.sqrt(fitted / years_by_quote(quotes)),
                                       evaluations))
