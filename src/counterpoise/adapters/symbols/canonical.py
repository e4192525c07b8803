"""Our own names, read back: `BTC-USD:BTC-20240628-70000-C`, `BTC-USDT-SPOT`.

The inverse of `instruments.contracts.canonical_id`. Contract size and expiry time are part of the
name; lot and settlement window are not and follow the rule of `instruments.listing`.
"""

import re
from typing import Final

from counterpoise.instruments.contracts import Instrument, Right
from counterpoise.instruments.listing import Listing, future, option, perpetual, spot
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import parse_instant

_NUMBER: Final = r"\d+(?:\.\d+)?(?:e[+-]\d+)?"
_NAME: Final = re.compile(
    r"(?P<coin>[A-Z0-9]+)-(?P<quote>[A-Z0-9]+)"
    r"(?:-SPOT|:(?P<settlement>[A-Z0-9]+)-"
    r"(?:PERP|(?P<day>\d{8})(?:T(?P<time>\d{4}))?"
    rf"(?:-(?P<strike>{_NUMBER})-(?P<right>[CP]))?)(?:\*(?P<size>{_NUMBER}))?)", re.ASCII)
EXAMPLES: Final = "BTC-USD:BTC-PERP, BTC-USD:BTC-20240628-70000-C or BTC-USDT-SPOT"


def parse(symbol: str, contract_size: float | None = None) -> Instrument:
    """Return the contract of a canonical id; the id says its size, so none may be given.

    Raises
    ------
    BadInput
        If it is not a canonical id.
    """
    found = _NAME.fullmatch(symbol)
    if found is None or contract_size is not None:
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, symbol[:60],
                        f"is not one of our names; write it like {EXAMPLES}")
    if not found["settlement"]:
        return spot(found["coin"], found["quote"])
    listing = Listing(underlying=found["coin"], quote=found["quote"],
                      settlement=found["settlement"], multiplier=float(found["size"] or 1))
    if not found["day"]:
        return perpetual(listing)
    expiry = _expiry(found["day"], found["time"] or "0800", symbol)
    if not found["strike"]:
        return future(listing, expiry)
    return option(listing, expiry=expiry, strike=float(found["strike"]),
                  right=Right(found["right"]))


def _expiry(day: str, time: str, symbol: str) -> int:
    text = f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:]}:00+00:00"
    return parse_instant(text, subject=symbol)


def compose(instrument: Instrument) -> str | None:
    """Return the canonical id."""
    return instrument.id
