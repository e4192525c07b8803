"""OKX's names: `BTC-USDT-SWAP`, `BTC-USD-240628`, `BTC-USD-240628-70000-C`, spot `BTC-USDT`.

Contract size here: quantities are OKX's contracts (`pos`), so its contract value (`ctVal`, for
options `ctVal * ctMult`) rides in our multiplier and, where it is not one, in the canonical id:
`BTC-USDT:USDT-PERP*0.01`. The values below are the listed ones of the coins that we know; any other
coin needs its size as an argument or as a definition in the file. Contracts quoted in USD settle in
the coin (inverse), the others in their quote asset.
Source: www.okx.com/docs-v5, "Get instruments" (instId, ctVal, ctMult, ctValCcy).
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
    r"(?P<coin>[A-Z0-9]+)-(?P<quote>[A-Z0-9]+)"
    r"(?:-(?:(?P<swap>SWAP)|(?P<expiry>\d{6})"
    r"(?:-(?P<strike>\d+(?:\.\d+)?)-(?P<right>[CP]))?))?", re.ASCII)
EXAMPLES: Final = "BTC-USDT-SWAP, BTC-USD-240628 or BTC-USD-240628-70000-C"
_NOT_QUOTES: Final = ("PERPETUAL", "PERP", "SWAP")
_LINEAR_SIZE: Final = {"BTC": 0.01, "ETH": 0.1, "SOL": 1.0, "LTC": 1.0, "XRP": 100.0,
                       "DOGE": 1000.0}
_INVERSE_SIZE: Final = {"BTC": 100.0, "ETH": 10.0}
_OPTION_SIZE: Final = {"BTC": 0.01, "ETH": 0.1}


def parse(symbol: str, contract_size: float | None = None) -> Instrument:
    """Return the contract that OKX calls `symbol`.

    Raises
    ------
    BadInput
        If it is not an OKX name, or its contract size is neither given nor known.
    """
    found = _NAME.fullmatch(symbol)
    if found is None:
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, symbol[:60],
                        f"is not an OKX name; write it like {EXAMPLES}")
    coin, quote = found["coin"], found["quote"]
    if quote in _NOT_QUOTES or quote[0].isdigit():
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, symbol[:60], f"names no OKX pair: {quote} is no "
                        f"currency; write it like {EXAMPLES}")
    if not (found["swap"] or found["expiry"]):
        return spot(coin, quote)
    inverse = quote == "USD"
    known = _OPTION_SIZE if found["strike"] else _INVERSE_SIZE if inverse else _LINEAR_SIZE
    size = contract_size or known.get(coin)
    if size is None:
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, symbol, "has a contract value that we do not "
                        "know; define the instrument in the file with its multiplier (ctVal)")
    listing = Listing(underlying=coin, quote=quote, settlement=coin if inverse else quote,
                      multiplier=size)
    if found["swap"]:
        return perpetual(listing)
    expiry = expiry_of_digits(found["expiry"], subject=symbol)
    if not found["strike"]:
        return future(listing, expiry)
    return option(listing, expiry=expiry, strike=float(found["strike"]),
                  right=Right(found["right"]))


def compose(instrument: Instrument) -> str | None:
    """Return the text that would name `instrument`, None where the dialect has no form for it."""
    pair = f"{instrument.underlying}-{instrument.quote}"
    match instrument:
        case Spot():
            return pair
        case Perpetual():
            return f"{pair}-SWAP"
        case Future(expiry=expiry):
            return f"{pair}-{day_digits(expiry)}"
        case Option(expiry=expiry, strike=strike, right=right):
            return f"{pair}-{day_digits(expiry)}-{strike_text(strike)}-{right}"
