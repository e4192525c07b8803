"""On which days did crypto markets break? The events that every backtest shows one by one.

Dates are UTC days, first and last of the fall. Sizes are told from the prices replayed, not from
here. Source: public price records of these days; the names are the usual ones.
"""

from typing import Final

from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, parse_instant


@frozen
class StressEvent:
    """One event: its name, and first and last day of the fall (ns at 00:00 UTC)."""

    name: str
    first: int
    last: int


def _event(name: str, first: str, last: str) -> StressEvent:
    return StressEvent(name=name, first=parse_instant(first + "T00:00:00Z"),
                       last=parse_instant(last + "T00:00:00Z"))


EVENTS: Final = (
    _event("Covid", "2020-03-12", "2020-03-13"),
    _event("leverage flush", "2021-04-18", "2021-04-18"),
    _event("China ban", "2021-05-19", "2021-05-19"),
    _event("El Salvador day", "2021-09-07", "2021-09-07"),
    _event("weekend of December 2021", "2021-12-04", "2021-12-04"),
    _event("Terra", "2022-05-09", "2022-05-12"),
    _event("Celsius and 3AC", "2022-06-13", "2022-06-18"),
    _event("FTX", "2022-11-08", "2022-11-10"),
    _event("SVB and USDC", "2023-03-10", "2023-03-11"),
    _event("August gap", "2023-08-17", "2023-08-17"),
    _event("April 2024", "2024-04-12", "2024-04-13"),
    _event("yen carry", "2024-08-05", "2024-08-05"),
    _event("tariff, February 2025", "2025-02-02", "2025-02-03"),
    _event("tariff crash", "2025-10-10", "2025-10-11"),
    _event("January 2026", "2026-01-29", "2026-02-01"),
    _event("5 February 2026", "2026-02-05", "2026-02-05"),
)


def overlapping(begin: int, end: int) -> tuple[StressEvent, ...]:
    """Return the events of which a day lies, in whole or part, in the period (begin, end]."""
    return tuple(e for e in EVENTS if begin < e.last + DAY_NS and end > e.first)
