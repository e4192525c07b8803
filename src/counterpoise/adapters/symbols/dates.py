"""How venues write an expiry day: `28JUN24`, `7JAN26` or `240628`, always 08:00 UTC.

Two-digit years mean 2000 to 2099.
"""

from typing import Final

from counterpoise.instruments.contracts import EXPIRY_TIME_NS
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import DAY_NS, day_text, instant_of_day

_NAMES: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                 "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS: Final = {name: k for k, name in enumerate(_NAMES, 1)}


def expiry_of_day_month(text: str, *, subject: str) -> int:
    """Return the expiry (ns) of `28JUN24`.

    Raises
    ------
    BadInput
        If there is no such day.
    """
    return _expiry(text[-2:], _MONTHS.get(text[-5:-2], 0), text[:-5], subject)


def expiry_of_digits(text: str, *, subject: str) -> int:
    """Return the expiry (ns) of `240628` or `20240628`.

    Raises
    ------
    BadInput
        If there is no such day.
    """
    return _expiry(text[-6:-4], int(text[-4:-2]), text[-2:], subject)


def _expiry(year: str, month: int, day: str, subject: str) -> int:
    try:
        return instant_of_day(2000 + int(year), month, int(day)) + EXPIRY_TIME_NS
    except ValueError:
        raise bad_input(Reason.BAD_TIME, subject, "names an expiry day that does not exist; "
                        "check day, month and year") from None


def day_month(expiry: int) -> str | None:
    """Return `7JAN26` for an expiry at 08:00 UTC of 2000 to 2099, None for any other."""
    digits = day_digits(expiry)
    if digits is None:
        return None
    return f"{int(digits[4:])}{_NAMES[int(digits[2:4]) - 1]}{digits[:2]}"


def day_digits(expiry: int) -> str | None:
    """Return `260107` for an expiry at 08:00 UTC of 2000 to 2099, None for any other."""
    text = day_text(expiry)
    if expiry % DAY_NS != EXPIRY_TIME_NS or not text.startswith("20"):
        return None
    return text[2:].replace("-", "")
