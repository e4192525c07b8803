"""What was said of assets? What may be owed of them, how they count, how their prices are made.

Events as in `engine.events`: a client id, a time of their own, judged and applied by `step`.
"""

from typing import Any

import numpy as np

from counterpoise.collateral.borrowing import Borrowing
from counterpoise.collateral.counting import CountingTerms
from counterpoise.market.index import IndexRule
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class BorrowingChanged:
    """A segment's accounts may owe assets on these terms from `effective_from` (ns) on."""

    client_id: str
    time: int
    segment: str
    borrowing: Borrowing
    effective_from: int


@frozen
class CountingChanged:
    """A segment's collateral counts at the prices of these terms from `effective_from` (ns) on.

    `counting` {asset or underlying: terms} stands for all that was said before.
    """

    client_id: str
    time: int
    segment: str
    counting: dict[str, CountingTerms]
    effective_from: int


@frozen
class IndexRulesChanged:
    """From now on `rules` {underlying or asset: rule} make these prices of venues' quotes.

    They stand for all that was said before; any other price comes by market batches.
    """

    client_id: str
    time: int
    rules: dict[str, IndexRule]


@frozen
class VenuesQuoted:
    """What venues quote, by row: `name` at `venue` costs `price` USD.

    `at` is the time of the quote (ns), `depth` what the venue's book holds near it, USD, NaN where
    nobody said.
    """

    client_id: str
    time: int
    name: tuple[str, ...]
    venue: tuple[str, ...]
    price: Floats
    at: Ints
    depth: Floats


AssetEvent = BorrowingChanged | CountingChanged | IndexRulesChanged | VenuesQuoted
