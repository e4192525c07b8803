"""ccxt's unified names: `BTC/USDT`, `BTC/USDT:USDT`, `BTC/USD:BTC-241227-100000-C`.

Contract size here: a unified name does not carry ccxt's `contractSize`, which differs by exchange.
Without an argument a contract is one coin (linear contracts and options) or one unit of the quote
asset (inverse perpetuals and futures); give `contract_size` where quantities are ccxt `contracts`.
Source: docs.ccxt.com, "Contract Naming Conventions".
"""

import re
from typing import Final

from counterpoise.adapters.symbols.dates import day_digits, expiry_of_digits
from counterpoise.instruments.contracts import (
    Future,
    Instrument,
    Option,
    Perpetual,
    Right,
    Spot,
    strike_text,
)
from counterpoise.instruments.listing import Listing, future, option, perpetual, spot
from counterpoise.values.failure import Reason, bad_input

_NAME: Final = re.compile(
    r"(?P<coin>[A-Z0-9]+)/(?P<quote>[A-Z0-9]+)"
    r"(?::(?P<settlement>[A-Z0-9]+)(?:-(?P<expiry>\d{6})"
    r"(?:-(?P<strike>\d+(?:\.\d+)?)-(?P<right>[CP]))?)?)?", re.ASCII)
EXAMPLES: Final = "BTC/USDT, BTC/USDT:USDT, BTC/USD:BTC-241227 or BTC/USD:BTC-241227-100000-C"


def parse(symbol: str, contract_size: float | None = None) -> Instrument:
    """Return the contract that ccxt calls `symbol`.

    Raises
    ------
    BadInput
        If it is not a unified name.
    """
    found = _NAME.fullmatch(symbol)
    if found is None:
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, symbol[:60],
                        f"is not a ccxt name; write it like {EXAMPLES}")
    if not found["settlement"]:
        return spot(found["coin"], found["quote"])
    listing = Listing(underlying=found["coin"], quote=found["quote"],
                      settlement=found["settlement"], multiplier=contract_size or 1.0)
    if not found["expiry"]:
        return perpetual(listing)
    expiry = expiry_of_digits(found["expiry"], subject=symbol)
    if not found["strike"]:
        return future(listing, expiry)
    return option(listing, expiry=expiry, strike=float(found["strike"]),
                  right=Right(found["right"]))


def compose(instrument: Instrument) -> str | None:
    """Return the text that would name `instrument`, None where the dialect has no form for it."""
    pair = f"{instrument.underlying}/{instrument.quote}"
    settled = f"{pair}:{instrument.settlement}"
    match instrument:
        case Spot():
            return pair
        case Perpetual():
            return settled
        case Future(expiry=expiry):
            return f"{settled}-{day_digits(expiry)}"
        case Option(expiry=expiry, strike=strike, right=right):
            return f"{settled}-{day_digits(expiry)}-{strike_text(strike)}-{right}"
