"""Bybit's names: `BTCUSDT`, `BTCPERP`, `BTC-26JUN26`, `BTC-25SEP26-80000-C-USDT`, `BTCUSDM26`.

Contract size here: quantities are Bybit's `size`, that is coins for linear contracts and options
(multiplier 1 coin) and USD for inverse ones (multiplier 1 USD). `BTCUSDT` is the perpetual: Bybit
tells its spot pair apart only by category, so spot has no name of its own here. Inverse futures
carry the month letter of their quarter and expire on its last Friday.
Source: bybit-exchange.github.io/docs/v5/enum#symbol.
"""

import re
from typing import Final

from counterpoise.adapters.symbols.dates import day_digits, day_month, expiry_of_day_month
from counterpoise.instruments.contracts import (
    Future,
    Instrument,
    Option,
    Payoff,
    Perpetual,
    Right,
    Spot,
    strike_text,
)
from counterpoise.instruments.listing import Listing, future, option, perpetual
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import DAY_NS, parse_instant

_PERPETUAL: Final = re.compile(r"([A-Z0-9]+?)(USDT|PERP|USD)")
_QUARTER: Final = re.compile(r"([A-Z0-9]+?)USD([HMUZ])(\d\d)", re.ASCII)
_DATED: Final = re.compile(
    r"(?P<coin>[A-Z0-9]+?)(?P<quote>USDT)?-(?P<expiry>\d{1,2}[A-Z]{3}\d\d)"
    r"(?:-(?P<strike>\d+(?:\.\d+)?)-(?P<right>[CP])(?:-(?P<settled>USDT))?)?", re.ASCII)
_QUARTER_MONTHS: Final = {"H": "03", "M": "06", "U": "09", "Z": "12"}
EXAMPLES: Final = "BTCUSDT, BTCPERP, BTC-26JUN26, BTC-25SEP26-80000-C-USDT or BTCUSD"


def parse(symbol: str, contract_size: float | None = None) -> Instrument:
    """Return the contract that Bybit calls `symbol`.

    Raises
    ------
    BadInput
        If it is not a Bybit name.
    """
    size = contract_size or 1.0
    if found := _QUARTER.fullmatch(symbol):
        listing = Listing(underlying=found[1], quote="USD", settlement=found[1], multiplier=size)
        return future(listing, _last_friday(found[3], _QUARTER_MONTHS[found[2]], symbol))
    if found := _PERPETUAL.fullmatch(symbol):
        quote = {"USDT": "USDT", "PERP": "USDC", "USD": "USD"}[found[2]]
        settlement = found[1] if quote == "USD" else quote
        return perpetual(Listing(underlying=found[1], quote=quote, settlement=settlement,
                                 multiplier=size))
    if found := _DATED.fullmatch(symbol):
        return _dated(found, size)
    raise bad_input(Reason.UNKNOWN_INSTRUMENT, symbol[:60],
                    f"is not a Bybit name; write it like {EXAMPLES}")


def _dated(found: re.Match[str], size: float) -> Instrument:
    expiry = expiry_of_day_month(found["expiry"], subject=found[0])
    quote = found["quote"] or found["settled"] or "USDC"
    listing = Listing(underlying=found["coin"], quote=quote, settlement=quote, multiplier=size)
    if not found["strike"]:
        return future(listing, expiry)
    return option(listing, expiry=expiry, strike=float(found["strike"]),
                  right=Right(found["right"]))


def _last_friday(year: str, month: str, symbol: str) -> int:
    last_day = parse_instant(f"20{year}-{month}-{'31' if month in ('03', '12') else '30'}T08:00Z",
                             subject=symbol)
    # Day 0 of the epoch was a Thursday, so Fridays are the days 1 modulo 7.
    return last_day - (last_day // DAY_NS - 1) % 7 * DAY_NS


def compose(instrument: Instrument) -> str | None:
    """Return the text that would name `instrument`, None where the dialect has no form for it."""
    coin, quote = instrument.underlying, instrument.quote
    match instrument:
        case Spot():
            return None
        case Perpetual(payoff=Payoff.INVERSE):
            return f"{coin}USD"
        case Perpetual():
            return f"{coin}PERP" if quote == "USDC" else f"{coin}{quote}"
        case Future(payoff=Payoff.INVERSE, expiry=expiry):
            return f"{coin}USD{_quarter(expiry)}"
        case Future(expiry=expiry):
            return f"{coin}{_suffix(quote)}-{day_month(expiry)}"
        case Option(expiry=expiry, strike=strike, right=right):
            settled = f"-{quote}" if quote != "USDC" else ""
            return f"{coin}-{day_month(expiry)}-{strike_text(strike)}-{right}{settled}"


def _suffix(quote: str) -> str:
    return "" if quote == "USDC" else quote


def _quarter(expiry: int) -> str:
    digits = day_digits(expiry) or "000000"
    letters = {month: letter for letter, month in _QUARTER_MONTHS.items()}
    return f"{letters.get(digits[2:4], '?')}{digits[:2]}"
