"""What a contract promises: spot, perpetual, future or European option, with its payoff.

With price P (quote per unit of underlying) and multiplier u, one contract is worth, in its
settlement asset: LINEAR u P (settled in the quote asset), INVERSE -u / P (u in quote units,
settled in the underlying), QUANTO u P (settled in a third asset at a fixed rate of one).
An inverse option on one coin pays max(+-(P - K), 0) / P coins per unit of multiplier.
No venue field stands here: venue symbols are mapped in `adapters.symbols`.
"""

from enum import StrEnum
from typing import Final

from counterpoise.values.assets import is_asset_code
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, INSTANT_MAX, day_text, format_instant

EXPIRY_TIME_NS: Final = 8 * 3600 * 10**9
"""Expiries stand at 08:00 UTC unless a contract says otherwise."""
SETTLEMENT_WINDOW_NS: Final = 1800 * 10**9
"""Index averaging before expiry: 30 minutes at every venue in scope."""
SMALLEST: Final = 1e-12
"""Multipliers and strikes are at least this: a smaller one is a shifted point, and powers of ten
stay within what a ledger counts."""


class Payoff(StrEnum):
    """In which asset, and how, a price move is paid."""

    LINEAR = "linear"
    INVERSE = "inverse"
    QUANTO = "quanto"


class Right(StrEnum):
    """What an option entitles its holder to do at the strike."""

    CALL = "C"
    PUT = "P"


@frozen
class Spot:
    """The asset itself, paid in `quote` at once. Quantities are in units of `underlying`."""

    id: str
    underlying: str
    quote: str
    lot_exponent: int

    def __post_init__(self) -> None:
        _require(self.id, [*_assets(self.underlying, self.quote), *_lot(self.lot_exponent)])

    @property
    def settlement(self) -> str:
        """The asset that its P&L is paid in: the quote asset."""
        return self.quote

    @property
    def payoff(self) -> Payoff:
        """Always linear."""
        return Payoff.LINEAR

    @property
    def multiplier(self) -> float:
        """Always one unit of the underlying."""
        return 1.0


@frozen
class Perpetual:
    """A future without expiry, held to the index by funding.

    `multiplier` is in units of underlying per contract (linear, quanto) or in quote units per
    contract (inverse); `lot_exponent` says that a lot is 10**lot_exponent contracts.
    """

    id: str
    underlying: str
    quote: str
    settlement: str
    payoff: Payoff
    multiplier: float
    lot_exponent: int

    def __post_init__(self) -> None:
        _require(self.id, _contract(self))


@frozen
class Future:
    """A dated future; `expiry` and `settlement_window_ns` (index averaging before it) in ns."""

    id: str
    underlying: str
    quote: str
    settlement: str
    payoff: Payoff
    multiplier: float
    lot_exponent: int
    expiry: int
    settlement_window_ns: int = SETTLEMENT_WINDOW_NS

    def __post_init__(self) -> None:
        _require(self.id, [*_contract(self), *_expiry(self)])


@frozen
class Option:
    """A European option on the forward of its expiry; `strike` in quote per unit of underlying.

    `multiplier` is in units of underlying per contract for every payoff.
    """

    id: str
    underlying: str
    quote: str
    settlement: str
    payoff: Payoff
    multiplier: float
    lot_exponent: int
    expiry: int
    strike: float
    right: Right
    settlement_window_ns: int = SETTLEMENT_WINDOW_NS

    def __post_init__(self) -> None:
        good = SMALLEST <= self.strike < 1e12
        strike = [] if good else [f"strike {self.strike} must lie between {SMALLEST} and 1e12"]
        _require(self.id, [*_contract(self), *_expiry(self), *strike])


type_of_contract = Perpetual | Future | Option
Instrument = Spot | Perpetual | Future | Option


def payoff_of(*, underlying: str, quote: str, settlement: str) -> Payoff:
    """Return the payoff that the settlement asset implies."""
    if settlement == underlying:
        return Payoff.INVERSE
    return Payoff.LINEAR if settlement == quote else Payoff.QUANTO


def canonical_id(*, underlying: str, quote: str, settlement: str, tail: str,
                 multiplier: float = 1.0) -> str:
    """Return our own name of a contract.

    `BTC-USD:BTC-PERP`, `BTC-USD:BTC-20240628`, `BTC-USD:BTC-20240628-70000-C`, and `BTC-USDT-SPOT`
    for spot (`settlement` empty). A contract size other than one is part of the name
    (`BTC-USDT:USDT-PERP*0.01`); so is an expiry at another time than 08:00 UTC (`20240628T1600`).
    """
    settled = f":{settlement}" if settlement else ""
    size = "" if multiplier == 1 else f"*{multiplier:.15g}"
    return f"{underlying}-{quote}{settled}-{tail}{size}"


def expiry_text(expiry: int) -> str:
    """Return the expiry part of a canonical id, `YYYYMMDD` with `Thhmm` unless 08:00 UTC."""
    day = day_text(expiry).replace("-", "")
    if expiry % DAY_NS == EXPIRY_TIME_NS:
        return day
    return f"{day}T{format_instant(expiry)[11:16].replace(':', '')}"


def strike_text(strike: float) -> str:
    """Return the strike as it stands in a canonical id: 70000, 0.05."""
    return f"{strike:.15g}"


def _contract(c: Perpetual | Future | Option) -> list[str]:
    implied = payoff_of(underlying=c.underlying, quote=c.quote, settlement=c.settlement)
    payoff = [] if c.payoff is implied else [
        f"payoff {c.payoff} does not fit settlement in {c.settlement}: that is {implied}"]
    size = [] if SMALLEST <= c.multiplier < 1e9 else [
        f"multiplier {c.multiplier} must lie between {SMALLEST} and 1e9"]
    return [*_assets(c.underlying, c.quote, c.settlement), *payoff, *size, *_lot(c.lot_exponent)]


def _assets(*codes: str) -> list[str]:
    return [f"{code!r} is not an asset code" for code in codes if not is_asset_code(code)]


def _lot(exponent: int) -> list[str]:
    return [] if -12 <= exponent <= 6 else [f"lot exponent {exponent} must lie in -12..6"]


def _expiry(c: Future | Option) -> list[str]:
    good = 0 < c.expiry < INSTANT_MAX and 0 <= c.settlement_window_ns <= DAY_NS
    return [] if good else ["expiry must lie between 1970 and 2116, settlement window 0 to 24 "
                            "hours"]


def _require(subject: str, wrong: list[str]) -> None:
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=w)
                         for w in wrong))
