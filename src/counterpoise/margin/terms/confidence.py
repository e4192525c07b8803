"""How sure are the feeds, and what does doubt cost? The least confidence that a price rests on.

    penalty = (1 - confidence) x margin   where confidence < threshold, else 0

a fraction of notional. A confidence that nobody states counts as full: *our reading*, which the
model's sentences name. Source: Derive v2, oracle contingency of PMRM, PMRM_2 and SRM.
"""

from typing import Any

import numpy as np

from counterpoise.instruments.catalogue import OPTION, PERPETUAL
from counterpoise.margin.requirement import Floats
from counterpoise.market.conditions import column_of, confidence_in
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import frozen


@frozen
class Confidences:
    """Confidence 0 to 1, 1 where nobody said.

    index      [underlying] in the spot index
    perpetual  [underlying] in the mark of its perpetuals, the least of them
    option     [instrument] in forward, rate and volatility of an option; 1 for others
    """

    index: Floats
    perpetual: Floats
    option: Floats


def confidences_of(market: MarketSnapshot, *, with_rate: bool) -> Confidences:
    """Return the confidences of a market; `with_rate` counts that of the rate feed, too."""
    terms, said = market.catalogue, market.conditions
    kinds = ("forward", "volatility", "rate") if with_rate else ("forward", "volatility")
    own = _full(column_of(said, "confidence", terms))
    perpetual = np.ones(len(terms.underlyings))
    held = terms.kind == PERPETUAL
    np.minimum.at(perpetual, terms.underlying[held], own[held])
    return Confidences(
        index=_full(np.array([confidence_in(said, "index", u) for u in terms.underlyings])),
        perpetual=perpetual,
        option=np.where(terms.kind == OPTION, np.minimum(own, _by_expiry(market, kinds)), 1.0))


def asset_confidences(market: MarketSnapshot, assets: tuple[str, ...]) -> Floats:
    """Return the confidence in the price of each asset, [asset]."""
    return _full(np.array([confidence_in(market.conditions, "asset", code) for code in assets]))


def penalty(confidence: Floats, *, threshold: float, margin: float) -> Floats:
    """Return what is charged on notional, a fraction, elementwise."""
    return np.where(confidence < threshold, (1.0 - confidence) * margin, 0.0)


def _by_expiry(market: MarketSnapshot, kinds: tuple[str, ...]) -> Floats:
    """Return the least confidence in the feeds of every instrument's expiry, [instrument]."""
    terms = market.catalogue
    least = np.ones(len(terms))
    if not market.conditions.confidences:
        return least
    codes = np.stack((terms.underlying.astype(np.int64), terms.expiry), axis=1)
    pairs, of = np.unique(codes, axis=0, return_inverse=True)
    for kind in kinds:
        said = np.array([confidence_in(market.conditions, kind, terms.underlyings[u], e)
                         for u, e in pairs.tolist()])
        least = np.minimum(least, _full(said)[of.reshape(-1)])
    return least


def _full(confidence: np.ndarray[Any, Any]) -> Floats:
    """Return 1 where nobody said."""
    return np.where(np.isnan(confidence), 1.0, confidence).astype(np.float64)
