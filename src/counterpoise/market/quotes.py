"""What was quoted for each instrument, before anyone judged it: columns with NaN where silent."""

from typing import Any

import numpy as np

from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.values.frozen import frozen, replaced

Floats = np.ndarray[Any, np.dtype[np.float64]]


@frozen
class Quotes:
    """Raw numbers in catalogue order; NaN is "nobody said".

    mark            [instrument] as in `MarketSnapshot`
    forward         [instrument] options: the forward of the expiry, before any part of it is fixed;
                    where `forward_fixed` is stated, its variable part
    forward_fixed   [instrument] options: stated fixed part of the forward
    average         [instrument] index average since the settlement window opened
    volatility      [instrument] annualised, fraction
    rate            [instrument] continuously compounded, fraction; NaN is undiscounted
    age_ns          [instrument] age of the oldest number
    index           [underlying] USD
    """

    catalogue: Catalogue
    mark: Floats
    forward: Floats
    forward_fixed: Floats
    average: Floats
    volatility: Floats
    rate: Floats
    age_ns: np.ndarray[Any, np.dtype[np.int64]]
    index: Floats


def silence(catalogue: Catalogue) -> dict[str, Any]:
    """Return writable columns of `Quotes` in which nobody has said anything yet."""
    unknown = ("mark", "forward", "forward_fixed", "average", "volatility", "rate")
    columns: dict[str, Any] = {name: np.full(len(catalogue), np.nan) for name in unknown}
    return columns | {"age_ns": np.zeros(len(catalogue), np.int64),
                      "index": np.full(len(catalogue.underlyings), np.nan)}


def index_by_instrument(quotes: Quotes) -> Floats:
    """Return the index of each instrument's underlying, [instrument]."""
    if not len(quotes.catalogue):
        return np.zeros(0)
    by_instrument: Floats = quotes.index[quotes.catalogue.underlying]
    return by_instrument


def window_share(catalogue: Catalogue, as_of: int) -> Floats:
    """Return the share of the settlement window that is gone, options inside it, else 0."""
    window = catalogue.settlement_window_ns
    gone = as_of - (catalogue.expiry - window)
    inside = (catalogue.kind == OPTION) & (gone > 0) & (gone < window)
    share: Floats = np.where(inside, gone / np.maximum(window, 1), 0.0)
    return share


def unsplit(quotes: Quotes, as_of: int) -> Quotes:
    """Return the quotes with each stated split of a forward undone, as prices to be judged.

    With the share w of the window gone, a fixed part is the average a w and a variable part the
    forward f (1 - w): back come a and f. Outside the window there is no average; a fixed part that
    is stated there all the same gives an infinite one.
    """
    share = window_share(quotes.catalogue, as_of)
    stated = ~np.isnan(quotes.forward_fixed)
    with np.errstate(divide="ignore", invalid="ignore"):
        implied = quotes.forward_fixed / share
    average = np.where(stated, implied, np.where(share > 0, quotes.average, np.nan))
    return replaced(quotes, average=average, forward_fixed=np.full(len(share), np.nan),
                    forward=np.where(stated, quotes.forward / (1.0 - share), quotes.forward))
