"""Deribit's names: `BTC-PERPETUAL`, `BTC-28JUN24-70000-C`, `BTC_USDC-PERPETUAL`, `BTC_USDC`.

Contract size here: quantities are Deribit's `amount`, that is USD for inverse perpetuals and
futures (multiplier 1 USD) and coins for options and for everything linear (multiplier 1 coin).
Deribit's `contracts` are larger (10 USD; 10 SOL, 1000 XRP, ...): multiply before they get here, or
give that size as `contract_size`. Decimal strikes are written with a `d`: `0d625`.
Source: docs.deribit.com, "Naming" (instrument naming conventions).
"""

import re
from typing import Final

from counterpoise.adapters.symbols.dates import day_month, expiry_of_day_month
from counterpoise.instruments.contracts import Future, Instrument, Option, Perpetual, Right, Spot
from counterpoise.instruments.contracts import strike_text as plain_strike
from counterpoise.instruments.listing import Listing, future, option, perpetual, spot
from counterpoise.values.failure import Reason, bad_input

_NAME: Final = re.compile(
    r"(?P<coin>[A-Z0-9]+)(?:_(?P<quote>[A-Z0-9]+))?"
    r"(?:-(?:(?P<perpetual>PERPETUAL)|(?P<expiry>\d{1,2}[A-Z]{3}\d\d)"
    r"(?:-(?P<strike>\d+(?:d\d+)?)-(?P<right>[CP]))?))?", re.ASCII)
EXAMPLES: Final = "BTC-PERPETUAL, BTC-28JUN24, BTC-28JUN24-70000-C or BTC_USDC-PERPETUAL"


def parse(symbol: str, contract_size: float | None = None) -> Instrument:
    """Return the contract that Deribit calls `symbol`.

    Raises
    ------
    BadInput
        If it is not a Deribit name.
    """
    found = _NAME.fullmatch(symbol)
    if found is None or not (found["quote"] or "-" in symbol):
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, symbol[:60],
                        f"is not a Deribit name; write it like {EXAMPLES}")
    coin, quote = found["coin"], found["quote"]
    if "-" not in symbol:
        return spot(coin, quote)
    listing = Listing(underlying=coin, quote=quote or "USD", settlement=quote or coin,
                      multiplier=contract_size or 1.0)
    if found["perpetual"]:
        return perpetual(listing)
    expiry = expiry_of_day_month(found["expiry"], subject=symbol)
    if not found["strike"]:
        return future(listing, expiry)
    return option(listing, expiry=expiry, strike=float(found["strike"].replace("d", ".")),
                  right=Right(found["right"]))


def compose(instrument: Instrument) -> str | None:
    """Return the text that would name `instrument`, None where the dialect has no form for it."""
    inverse = instrument.settlement == instrument.underlying
    coin = instrument.underlying if inverse else f"{instrument.underlying}_{instrument.quote}"
    match instrument:
        case Spot():
            return coin
        case Perpetual():
            return f"{coin}-PERPETUAL"
        case Future(expiry=expiry):
            return f"{coin}-{day_month(expiry)}"
        case Option(expiry=expiry, strike=strike, right=right):
            return f"{coin}-{day_month(expiry)}-{plain_strike(strike).replace('.', 'd')}-{right}"
