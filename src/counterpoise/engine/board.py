"""What was quoted last, how fresh is it, and what did the index average in its last half hour?

A *key* is a price: of an instrument, of an underlying (its index), of an asset. A key is fresh
while its quote is young enough, stands on enough sources and came after the last restart; it is
*trusted* once it has been fresh for the calm time of the rules without a break. Nobody is called or
liquidated by a price that is not trusted (docs/methodology/engine.md).

The delivery average is over time: an index counts from the batch that brought it to the next,
inside the settlement window of each expiry.
"""

from typing import Any, Final

import numpy as np

from counterpoise.instruments.catalogue import Catalogue
from counterpoise.market.index import IndexRule
from counterpoise.values.assets import Asset
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Counts = np.ndarray[Any, np.dtype[np.uint16]]
SILENT: Final = -(2**62)
"""The time of a quote that never came; what is not fresh is fresh since then."""


@frozen
class Quoted:
    """Keys of one kind, [key]: time and sources of the last quote, fresh since when or SILENT."""

    at: Ints
    sources: Counts
    fresh_since: Ints


@frozen
class VenueQuotes:
    """The last quote of every price at every venue, [price, venue].

    `names` are those of `rules`, sorted; `price` USD and `depth` USD are NaN where nobody spoke,
    `at` is SILENT there.
    """

    rules: dict[str, IndexRule]
    names: tuple[str, ...]
    venues: tuple[str, ...]
    price: Floats
    at: Ints
    depth: Floats


def no_venues(rules: dict[str, IndexRule]) -> VenueQuotes:
    """Return what venues quoted for some rules before any spoke."""
    names = tuple(sorted(rules))
    venues = tuple(sorted({venue for rule in rules.values() for venue in rule.weights}))
    shape = (len(names), len(venues))
    return VenueQuotes(rules={name: rules[name] for name in names}, names=names, venues=venues,
                       price=np.full(shape, np.nan), at=np.full(shape, SILENT),
                       depth=np.full(shape, np.nan))


@frozen
class Board:
    """The latest quotes.

    sequence            of the last market batch
    mark, forward, volatility   [instrument], NaN where nobody spoke
    index               [underlying], USD
    price               [asset], USD
    index_band, price_band   how far venues' quotes lie around them, fraction, [underlying] and
                        [asset]; 0 where no rule makes the price of venues' quotes
    venues              the rules, and the quotes that stand
    instruments, underlyings, assets   how fresh they are
    window_sum, window_ns   [instrument] index x time inside the settlement window so far, and the
                        time that it covers; index in USD, time in ns
    """

    sequence: int
    mark: Floats
    forward: Floats
    volatility: Floats
    index: Floats
    price: Floats
    index_band: Floats
    price_band: Floats
    venues: VenueQuotes
    instruments: Quoted
    underlyings: Quoted
    assets: Quoted
    window_sum: Floats
    window_ns: Ints


def silent_board(catalogue: Catalogue, assets: tuple[Asset, ...]) -> Board:
    """Return a board on which nothing was quoted yet."""
    n = len(catalogue)
    return Board(sequence=-1, mark=np.full(n, np.nan), forward=np.full(n, np.nan),
                 volatility=np.full(n, np.nan), index=np.full(len(catalogue.underlyings), np.nan),
                 price=np.full(len(assets), np.nan), instruments=unheard(n),
                 index_band=np.zeros(len(catalogue.underlyings)),
                 price_band=np.zeros(len(assets)), venues=no_venues({}),
                 underlyings=unheard(len(catalogue.underlyings)), assets=unheard(len(assets)),
                 window_sum=np.zeros(n), window_ns=np.zeros(n, np.int64))


def unheard(count: int) -> Quoted:
    """Return keys that nobody has quoted."""
    return Quoted(at=np.full(count, SILENT), sources=np.zeros(count, np.uint16),
                  fresh_since=np.full(count, SILENT))
