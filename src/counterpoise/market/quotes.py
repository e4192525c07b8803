"""What was quoted for each instrument, before anyone judged it: columns with NaN where silent."""

from typing import Any

import numpy as np

from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.values.frozen import frozen

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


def whole_forward(quotes: Quotes) -> Floats:
    """Return variable plus stated fixed part of the forward, [instrument]."""
    return quotes.forward + np.where(np.isnan(quotes.forward_fixed), 0.0, quotes.forward_fixed)


def is_option(quotes: Quotes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which instruments are options, [instrument]."""
    option: np.ndarray[Any, np.dtype[np.bool_]] = quotes.catalogue.kind == OPTION
    return option
