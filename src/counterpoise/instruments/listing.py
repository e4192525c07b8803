"""How a contract of a product line gets its canonical id, payoff and lot.

A `Listing` is what all contracts of one line share; a verb per kind makes the contract. The lot
rule: 1e-9 contracts for BTC and ETH and for inverse perpetuals and futures (whose contracts are
counted in quote units), 1e-6 contracts for everything else.
"""

from typing import Final

from counterpoise.instruments.contracts import (
    SETTLEMENT_WINDOW_NS,
    Future,
    Option,
    Payoff,
    Perpetual,
    Right,
    Spot,
    canonical_id,
    expiry_text,
    payoff_of,
    strike_text,
)
from counterpoise.values.frozen import frozen

_FINE_LOT: Final = -9
_USUAL_LOT: Final = -6
_FINE_UNDERLYINGS: Final = frozenset({"BTC", "ETH"})


@frozen
class Listing:
    """The common terms of a product line; `multiplier` as in `contracts` (contract size)."""

    underlying: str
    quote: str
    settlement: str
    multiplier: float = 1.0


def spot(underlying: str, quote: str) -> Spot:
    """Return the spot pair."""
    name = canonical_id(underlying=underlying, quote=quote, settlement="", tail="SPOT")
    return Spot(id=name, underlying=underlying, quote=quote,
                lot_exponent=lot_exponent(underlying, counted_in_quote=False))


def perpetual(listing: Listing) -> Perpetual:
    """Return the perpetual of the line."""
    payoff = _payoff(listing)
    return Perpetual(id=_name(listing, "PERP"), underlying=listing.underlying, quote=listing.quote,
                     settlement=listing.settlement, payoff=payoff, multiplier=listing.multiplier,
                     lot_exponent=_delta_one_lot(listing, payoff))


def future(listing: Listing, expiry: int) -> Future:
    """Return the dated future of the line; `expiry` in ns."""
    payoff = _payoff(listing)
    return Future(id=_name(listing, expiry_text(expiry)), underlying=listing.underlying,
                  quote=listing.quote, settlement=listing.settlement, payoff=payoff,
                  multiplier=listing.multiplier, expiry=expiry,
                  settlement_window_ns=SETTLEMENT_WINDOW_NS,
                  lot_exponent=_delta_one_lot(listing, payoff))


def option(listing: Listing, *, expiry: int, strike: float, right: Right) -> Option:
    """Return the European option of the line; `expiry` in ns, `strike` in quote per underlying."""
    tail = f"{expiry_text(expiry)}-{strike_text(strike)}-{right}"
    return Option(id=_name(listing, tail), underlying=listing.underlying, quote=listing.quote,
                  settlement=listing.settlement, payoff=_payoff(listing),
                  multiplier=listing.multiplier, expiry=expiry, strike=strike, right=right,
                  settlement_window_ns=SETTLEMENT_WINDOW_NS,
                  lot_exponent=lot_exponent(listing.underlying, counted_in_quote=False))


def lot_exponent(underlying: str, *, counted_in_quote: bool) -> int:
    """Return e such that a lot is 10**e contracts, by the rule of this module."""
    fine = counted_in_quote or underlying in _FINE_UNDERLYINGS
    return _FINE_LOT if fine else _USUAL_LOT


def _delta_one_lot(listing: Listing, payoff: Payoff) -> int:
    return lot_exponent(listing.underlying, counted_in_quote=payoff is Payoff.INVERSE)


def _payoff(listing: Listing) -> Payoff:
    return payoff_of(underlying=listing.underlying, quote=listing.quote,
                     settlement=listing.settlement)


def _name(listing: Listing, tail: str) -> str:
    return canonical_id(underlying=listing.underlying, quote=listing.quote,
                        settlement=listing.settlement, tail=tail, multiplier=listing.multiplier)
