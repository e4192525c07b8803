"""When: an instant is an integer of nanoseconds since 1970-01-01T00:00:00Z (UTC, no leap seconds).

Year fractions are ACT/365 fixed, t = (b - a) / 31,536,000 s, the convention of every venue here.
Only text is parsed and printed here; the present moment is always an argument.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from counterpoise.values.failure import BadInput, Reason, bad_input

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
YEAR_NS: Final = 365 * DAY_NS
INSTANT_MAX: Final = 2**62
"""Instants lie before this one, in 2116: sums and differences of two fit in 64 bits."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


def parse_instant(text: str, *, subject: str = "time") -> int:
    """Return the instant that ISO 8601 `text` names; a zone (`Z` or `+hh:mm`) is required.

    Raises
    ------
    BadInput
        If the text is not a time, has no zone, or lies outside 1970..2200.
    """
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise _bad(text, subject, "is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise _bad(text, subject, "has no time zone; append Z for UTC")
    instant = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    if not 0 <= instant <= 230 * YEAR_NS:
        raise _bad(text, subject, "lies outside 1970 to 2199")
    return instant


def _bad(text: object, subject: str, why: str) -> BadInput:
    return bad_input(Reason.BAD_TIME, subject, f"{str(text)[:60]!r} {why}; "
                     "write it like 2026-02-05T21:29:37Z")


def format_instant(instant: int) -> str:
    """Return the ISO 8601 text of an instant, to the microsecond where it has a fraction."""
    moment = _EPOCH + timedelta(microseconds=instant // 1000)
    return moment.isoformat().replace("+00:00", "Z")


def day_text(instant: int) -> str:
    """Return the UTC day of an instant, `2024-06-28`."""
    return date.fromordinal(_EPOCH_DAY + instant // DAY_NS).isoformat()


def instant_of_day(year: int, month: int, day: int) -> int:
    """Return the instant at which a UTC day begins.

    Raises
    ------
    ValueError
        If there is no such day.
    """
    return (date(year, month, day).toordinal() - _EPOCH_DAY) * DAY_NS


def years_between(start: int, end: int) -> float:
    """Return the ACT/365 year fraction from `start` to `end`, negative when `end` is earlier."""
    return (end - start) / YEAR_NS
