"""Which instruments there are, in one canonical order.

The order (underlying, expiry with spot and perpetual first, kind, settlement, strike, right,
quote, payoff, multiplier, id) is total. It is the column order of every array, it makes the
positions of an account contiguous by underlying and expiry, and it is why sums have the same bits
however positions were added.
"""

from collections import Counter
from typing import Any, Final

import numpy as np

from counterpoise.instruments.contracts import (
    Future,
    Instrument,
    Option,
    Payoff,
    Perpetual,
    Right,
    Spot,
)
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import power_of_ten

SPOT: Final = 0
PERPETUAL: Final = 1
FUTURE: Final = 2
OPTION: Final = 3
_KIND: Final = {Spot: SPOT, Perpetual: PERPETUAL, Future: FUTURE, Option: OPTION}
_PAYOFF: Final = {Payoff.LINEAR: 0, Payoff.INVERSE: 1, Payoff.QUANTO: 2}
NO_EXPIRY: Final = 0
INSTRUMENTS_MAX: Final = 1_000_000


@frozen
class Catalogue:
    """Instruments in canonical order with their contract terms as columns; build with `catalogue`.

    Axes: every array is [instrument]. `kind` is SPOT, PERPETUAL, FUTURE or OPTION; `payoff` 0
    linear, 1 inverse, 2 quanto; `right` +1 call, -1 put, 0 otherwise; `expiry` ns (NO_EXPIRY
    without one); `strike` quote per underlying (0 without one); `unit` is the contract multiplier
    times the lot: underlying (linear) or quote (inverse future) units per lot; `underlying` and
    `settlement` index `underlyings` and `settlements`, both sorted.
    """

    instruments: tuple[Instrument, ...]
    column: dict[str, int]
    underlyings: tuple[str, ...]
    settlements: tuple[str, ...]
    kind: np.ndarray[Any, np.dtype[np.uint8]]
    payoff: np.ndarray[Any, np.dtype[np.uint8]]
    right: np.ndarray[Any, np.dtype[np.int8]]
    expiry: np.ndarray[Any, np.dtype[np.int64]]
    settlement_window_ns: np.ndarray[Any, np.dtype[np.int64]]
    strike: np.ndarray[Any, np.dtype[np.float64]]
    unit: np.ndarray[Any, np.dtype[np.float64]]
    underlying: np.ndarray[Any, np.dtype[np.int32]]
    settlement: np.ndarray[Any, np.dtype[np.int32]]

    def __len__(self) -> int:
        """Return the number of instruments."""
        return len(self.instruments)


def catalogue(instruments: "list[Instrument] | tuple[Instrument, ...]") -> Catalogue:
    """Return the catalogue of `instruments`, whatever order they come in.

    Raises
    ------
    BadInput
        If an id stands twice, or there are more than `INSTRUMENTS_MAX`.
    """
    _refuse_too_many(len(instruments))
    ordered = tuple(sorted(instruments, key=_canonical_key))
    column = {c.id: k for k, c in enumerate(ordered)}
    if len(column) < len(ordered):
        _refuse_duplicates(ordered)
    underlyings = tuple(sorted({c.underlying for c in ordered}))
    settlements = tuple(sorted({c.settlement for c in ordered}))
    u_index = {u: k for k, u in enumerate(underlyings)}
    s_index = {s: k for k, s in enumerate(settlements)}
    return Catalogue(
        instruments=ordered,
        column=column,
        underlyings=underlyings,
        settlements=settlements,
        kind=np.array([_KIND[type(c)] for c in ordered], np.uint8),
        payoff=np.array([_PAYOFF[c.payoff] for c in ordered], np.uint8),
        right=np.array([_right(c) for c in ordered], np.int8),
        expiry=np.array([getattr(c, "expiry", NO_EXPIRY) for c in ordered], np.int64),
        settlement_window_ns=np.array(
            [getattr(c, "settlement_window_ns", 0) for c in ordered], np.int64),
        strike=np.array([getattr(c, "strike", 0.0) for c in ordered], np.float64),
        unit=np.array([_unit(c) for c in ordered], np.float64),
        underlying=np.array([u_index[c.underlying] for c in ordered], np.int32),
        settlement=np.array([s_index[c.settlement] for c in ordered], np.int32),
    )


def _canonical_key(c: Instrument) -> tuple[object, ...]:
    return (c.underlying, getattr(c, "expiry", NO_EXPIRY), _KIND[type(c)], c.settlement,
            getattr(c, "strike", 0.0), str(getattr(c, "right", "")), c.quote, c.payoff,
            c.multiplier, c.id)


def _right(c: Instrument) -> int:
    match c:
        case Option(right=Right.CALL):
            return 1
        case Option(right=Right.PUT):
            return -1
        case _:
            return 0


def _unit(c: Instrument) -> float:
    return c.multiplier * power_of_ten(c.lot_exponent)


def _refuse_too_many(count: int) -> None:
    if count > INSTRUMENTS_MAX:
        raise BadInput(Failure(reason=Reason.TOO_LARGE, subject="catalogue", sentence=(
            f"{count} instruments; at most {INSTRUMENTS_MAX} fit one catalogue")))


def _refuse_duplicates(ordered: tuple[Instrument, ...]) -> None:
    counts = Counter(c.id for c in ordered)
    raise BadInput(*(Failure(reason=Reason.DUPLICATE, subject=i, sentence="stands twice in the "
                             "catalogue; define each instrument once")
                     for i in sorted(i for i, count in counts.items() if count > 1)))
