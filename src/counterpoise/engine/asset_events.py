"""What was said of assets? What may be owed of them, how they count, how their prices are made.

Events as in `engine.events`: a client id, a time of their own, judged and applied by `step`.
"""

from counterpoise.collateral.borrowing import Borrowing
from counterpoise.values.frozen import frozen


@frozen
class BorrowingChanged:
    """A segment's accounts may owe assets on these terms from `effective_from` (ns) on."""

    client_id: str
    time: int
    segment: str
    borrowing: Borrowing
    effective_from: int
