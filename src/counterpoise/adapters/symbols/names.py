"""Which instrument does a venue mean by a name, and what does the venue call an instrument?

A printed name always reads back as the same instrument: where a venue has no such name (another
contract size, an expiry at another hour) printing refuses instead.
"""

from importlib import import_module
from types import ModuleType
from typing import Final

from counterpoise.instruments.contracts import Instrument
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input

_DIALECTS: Final = {"deribit": "deribit", "okx": "okx", "bybit": "bybit", "ccxt": "ccxt",
                    "counterpoise": "canonical"}
VENUES: Final = tuple(_DIALECTS)
"""Whose names can be read and printed; "counterpoise" are our canonical ids."""
SYMBOL_LENGTH_MAX: Final = 80


def instrument_of(symbol: str, venue: str, *, contract_size: float | None = None) -> Instrument:
    """Return the contract that `venue` calls `symbol`.

    `contract_size` (underlying or quote units per contract) overrides the venue's usual one.

    Raises
    ------
    BadInput
        If the venue is unknown or has no such name; the sentence says whose name it may be.
    """
    dialect = _dialect(venue)
    if not symbol.strip():
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, "instrument", "has an empty name")
    if len(symbol) > SYMBOL_LENGTH_MAX:
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, symbol[:60],
                        f"has {len(symbol)} characters; no instrument name is that long")
    try:
        found: Instrument = dialect.parse(symbol, contract_size)
    except BadInput as wrong:
        raise _with_hint(wrong, symbol, venue) from None
    return found


def symbol_of(instrument: Instrument, venue: str, *, contract_size: float | None = None) -> str:
    """Return what `venue` calls `instrument`; it reads back as the same instrument.

    Raises
    ------
    BadInput
        If the venue is unknown or has no name for this contract.
    """
    dialect = _dialect(venue)
    text = dialect.compose(instrument)
    if text is None or not _reads_back(text, instrument, dialect, contract_size):
        raise bad_input(Reason.NOT_APPLICABLE, instrument.id,
                        f"has no name at {venue}; use its canonical id")
    return str(text)


def _reads_back(text: str, instrument: Instrument, dialect: ModuleType,
                contract_size: float | None) -> bool:
    try:
        return bool(dialect.parse(text, contract_size) == instrument)
    except BadInput:
        return False


def _dialect(venue: str) -> ModuleType:
    if venue not in _DIALECTS:
        raise bad_input(Reason.BAD_VALUE, "symbols", f"{venue[:40]!r} is not a dialect of names; "
                        f"use one of {', '.join(VENUES)}")
    # Only the dialect in use is loaded: compiling five grammars would cost a cold start 2 ms.
    return import_module(f"counterpoise.adapters.symbols.{_DIALECTS[venue]}")


def _with_hint(wrong: BadInput, symbol: str, venue: str) -> BadInput:
    first = wrong.failures[0]
    others = [v for v in VENUES if v != venue and _is_name(symbol, _dialect(v))]
    if first.reason is not Reason.UNKNOWN_INSTRUMENT or not others:
        return wrong
    hint = f' (it reads like a name of {" or ".join(others)}: set "symbols" accordingly)'
    return BadInput(Failure(reason=first.reason, subject=first.subject,
                            sentence=first.sentence + hint), *wrong.failures[1:])


def _is_name(symbol: str, dialect: ModuleType) -> bool:
    try:
        dialect.parse(symbol)
    except BadInput:
        return False
    return True
