"""What a unit would lose when a rule treats parts of it by themselves: segments, such as expiries.

With x_s = sum of quantity x pnl over a segment's positions, S(t) = min(up t, cap) for t >= 0 and
down t for t < 0, and b the sum of quantity x base,

    y <- min of x_s over the scenarios s of one price state      worst of the vol states
    y <- S(b + y) - b                                            signed scale, on P&L or on value
    y <- -|y| in flagged states                                  minus absolute
    w <- unit transform of the sum of y over the segments, 0 in state 0
    loss = -min(0, min w)

Each part is optional. Segments are added in the order of their keys and every sum is one chain in
canonical order: same bits on any CPU and any number of threads (docs/decisions, 4 and 5).
"""

from typing import Any

import numpy as np

from counterpoise import _core
from counterpoise.risk.aggregation import (
    IDENTITY,
    Columns,
    Floats,
    Ints,
    Rows,
    UnitTransform,
    grouped,
)
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@frozen
class RealRows:
    """Quantities that are no whole lots: spot in use, a hedge delta, a balance.

    pointer     [account + 1] entries by account, in the order of the book
    instrument  [entry] row of the risk array
    quantity    [entry] lots, signed, fractions allowed
    segment     [entry] key
    """

    pointer: Ints
    instrument: Columns
    quantity: Floats
    segment: Columns

    def __post_init__(self) -> None:
        """Check that every entry has a segment; a mistake here is the programmer's."""
        assert bool(np.all(self.segment >= 0))


@frozen
class SegmentRows:
    """Units of accounts as runs of segments; sorted by account, unit and segment.

    account, unit  [row]
    segments       [row + 1] segments by row
    segment        [segment of a row] key
    positions      [segment of a row + 1] positions by segment
    instrument     [position] row of the risk array
    quantity       [position] lots
    """

    account: Columns
    unit: Columns
    segments: Ints
    segment: Columns
    positions: Ints
    instrument: Columns
    quantity: Floats

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.account)


@frozen
class SegmentTransform:
    """What a model does to each segment before it adds them up; None is the identity.

    state     [scenario] price state: 0 for scenario 0 alone, then equal or one more from scenario
              to scenario; the least P&L of its scenarios (its vol states) counts
    up, down  [segment, state] what a gain and a loss are multiplied with, and
    cap       [segment] the most that a gain may count, on value if `base` is given; all or none
    base      [instrument] unshocked value per lot that the scale acts on together with the P&L, 0
              where it acts on P&L alone
    absolute  [state] True where any P&L counts as a loss of its size
    """

    state: Columns | None = None
    up: Floats | None = None
    down: Floats | None = None
    cap: Floats | None = None
    base: Floats | None = None
    absolute: Flags | None = None

    def __post_init__(self) -> None:
        """Check that parts come together; a mistake here is the programmer's."""
        assert (self.up is None) == (self.down is None) == (self.cap is None)
        assert self.base is None or self.up is not None


PLAIN = SegmentTransform()


def segmented(*, row_pointer: Ints, instrument: Columns, lots: Ints, segment: Columns,
              unit: Columns, real: RealRows | None = None) -> SegmentRows:
    """Return the rows of a compressed book under `segment` [instrument] and its real rows.

    `unit` [segment] is the risk unit of each segment and never falls from one to the next; a
    negative segment leaves the instrument out.
    """
    assert bool(np.all(unit[1:] >= unit[:-1])), "segments must be numbered unit by unit"
    rows = grouped(row_pointer=row_pointer, instrument=instrument, lots=lots, key=segment)
    held = _held(rows)
    if real is not None:
        assert len(real.pointer) == len(row_pointer), "real rows of another book"
        held = _merged(held, _real(real), len(unit))
    own = unit[held.key]
    new = np.ones(len(own), np.bool_)
    new[1:] = (held.account[1:] != held.account[:-1]) | (own[1:] != own[:-1])
    first = np.flatnonzero(new)
    return SegmentRows(account=held.account[first], unit=own[first],
                       segments=np.append(first, len(own)), segment=held.key,
                       positions=held.pointer, instrument=held.instrument, quantity=held.quantity)


def price_states(scenarios: ScenarioSet) -> Columns:
    """Return the state of each scenario: neighbours with the same moves and time are one."""
    same = (np.all(scenarios.move[1:] == scenarios.move[:-1], axis=1)
            & (scenarios.time_shift_days[1:] == scenarios.time_shift_days[:-1]))
    same[:1] = False  # the unshocked world stands alone
    return np.concatenate(([0], np.cumsum(~same))).astype(np.int32)


def worst_of_segments(rows: SegmentRows, pnl: Floats, transform: SegmentTransform = PLAIN,
                      unit: UnitTransform = IDENTITY, *, threads: int = 1,
                      ) -> tuple[Floats, Columns]:
    """Return each row's worst loss (>= 0, in the currency of `pnl`) and its state.

    `pnl` is [instrument, scenario] per lot, gain > 0; the arrays of `unit` are [unit, state]. Of
    equal worst states the lowest is named; `np.searchsorted(transform.state, state)` is its first
    scenario. NaN anywhere in a row makes its loss NaN, its state 0.
    """
    return _core.worst_of_segments(**_arguments(rows, pnl, transform, unit), threads=threads)


def vectors_of_segments(rows: SegmentRows, pnl: Floats, transform: SegmentTransform = PLAIN,
                        unit: UnitTransform = IDENTITY, *, threads: int = 1,
                        ) -> tuple[Floats, Floats]:
    """Return each row's P&L before and after the unit transform, both [row, state], gain > 0.

    Before it, segments are transformed and added; after it, state 0 is 0. Meant for the rows that
    someone looks at: a book's worth of vectors is rows x states of memory.
    """
    return _core.vectors_of_segments(**_arguments(rows, pnl, transform, unit), threads=threads)


@frozen
class _Held:
    """Segments of accounts, sorted by account and key, with their positions."""

    pointer: Ints
    account: Columns
    key: Columns
    instrument: Columns
    quantity: Floats


def _held(rows: Rows) -> _Held:
    return _Held(pointer=rows.pointer, account=rows.account, key=rows.key,
                 instrument=rows.instrument, quantity=rows.lots.astype(np.float64))


def _real(real: RealRows) -> _Held:
    """Return real rows by account and segment, inside by instrument and quantity."""
    account = np.repeat(np.arange(len(real.pointer) - 1, dtype=np.int32), np.diff(real.pointer))
    code = account * (1 + real.segment.max(initial=0).astype(np.int64)) + real.segment
    order = np.arange(len(code))
    if np.any(code[1:] <= code[:-1]):
        order = np.lexsort((real.quantity, real.instrument, code))
    account, key = account[order], real.segment[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (account[1:] != account[:-1]) | (key[1:] != key[:-1])
    first = np.flatnonzero(new)
    return _Held(pointer=np.append(first, len(order)), account=account[first], key=key[first],
                 instrument=real.instrument[order], quantity=real.quantity[order])


def _merged(lots: _Held, real: _Held, keys: int) -> _Held:
    """Return the segments of both; where both have one, its lots come before its real rows."""
    both = (lots, real)
    rows, count = _places([part.account.astype(np.int64) * keys + part.key for part in both])
    sizes = np.zeros((2, count), np.int64)
    account, key = np.empty(count, np.int32), np.empty(count, np.int32)
    for size, part, row in zip(sizes, both, rows, strict=True):
        size[row], account[row], key[row] = np.diff(part.pointer), part.account, part.key
    pointer = np.concatenate(([0], np.cumsum(sizes[0] + sizes[1])))
    starts = (pointer[rows[0]], pointer[rows[1]] + sizes[0, rows[1]])
    instrument, quantity = np.empty(pointer[-1], np.int32), np.empty(pointer[-1])
    for part, start in zip(both, starts, strict=True):
        place = np.repeat(start - part.pointer[:-1], np.diff(part.pointer))
        place += np.arange(len(place))
        instrument[place], quantity[place] = part.instrument, part.quantity
    return _Held(pointer=pointer, account=account, key=key, instrument=instrument,
                 quantity=quantity)


def _places(codes: list[Ints]) -> tuple[tuple[Ints, Ints], int]:
    """Return the places of two rising lists in their union, and its length."""
    first, second = codes
    before = np.searchsorted(first, second)
    new = np.ones(len(second), np.bool_)
    inside = before < len(first)
    new[inside] = first[before[inside]] != second[inside]
    inserted = np.cumsum(np.bincount(before[new], minlength=len(first) + 1))
    return ((np.arange(len(first)) + inserted[:-1], before + np.cumsum(new) - new),
            len(first) + int(np.count_nonzero(new)))


def _arguments(rows: SegmentRows, pnl: Floats, transform: SegmentTransform,
               unit: UnitTransform) -> dict[str, Any]:
    absolute = transform.absolute
    return {"segments": rows.segments, "key": rows.unit, "positions": rows.positions,
            "segment": rows.segment, "instrument": rows.instrument, "quantity": rows.quantity,
            "pnl": pnl, "state": transform.state, "up": _whole(transform.up),
            "down": _whole(transform.down), "cap": transform.cap, "base": transform.base,
            "absolute": None if absolute is None else absolute.view(np.uint8),
            "weight": unit.weight, "gain_factor": unit.gain_factor, "gain_cap": unit.gain_cap,
            "dampener": unit.dampener, "dampen_first": unit.dampen_first}


def _whole(table: Floats | None) -> Floats | None:
    """Return a table that was perhaps broadcast as one that lies in memory."""
    return None if table is None else np.ascontiguousarray(table)
