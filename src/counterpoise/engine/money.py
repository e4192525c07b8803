"""What does a trade cost, to the smallest unit? Exact integers, rounded against the account.

With q lots, multiplier u, a lot of l contracts and price P, what the account pays is

    linear future, option, spot    q l u P          inverse future    -q l u / P

in the settlement asset (spot: the quote asset), rounded up: who pays pays a little more, who
receives receives a little less. A position's *entry cost* is the sum of what its lots cost. Lots
that are closed take their share of it with them, c = ceil(cost x closed / held), and realise

    - value of the closing trade - c

which is the venues' convention: the average entry stands while a position is reduced, quantity
weighted for linear contracts, value weighted (the harmonic mean) for inverse ones. A trade through
zero is two, one that closes and one that opens. An option's premium is paid at once; its entry cost
is kept for the average and is no debt. Source of the convention: Deribit, "Inverse futures", and
Bybit, "Average entry price", on closing part of a position.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Final

from counterpoise.instruments.contracts import Instrument, Option, Payoff, Right, Spot
from counterpoise.values.assets import Asset
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import INT64_MAX, LOTS_MAX

EXPONENT_MAX: Final = 18
"""Prices and rates are an integer times ten to the power of -18 to 18."""
POSITION_MAX: Final = LOTS_MAX // 2
"""Lots of a position, and of an account's orders for a contract: filled they can be counted."""
_TENS: Final = tuple(int("1" + "0" * k) for k in range(129))
Held = tuple[int, int]


@frozen
class Worth:
    """How an instrument's price becomes money.

    size, power    a lot's size is size x 10**power, smallest units of `asset` per quote included
    asset, other   columns of the ledger's assets: what is paid; spot: what is delivered, else -1
    inverse        value is -size / price
    premium        paid at once and not owed: options
    delivered      spot: smallest units of `other` per lot are 10**delivered
    """

    column: int
    size: int
    power: int
    asset: int
    other: int
    inverse: bool
    premium: bool
    delivered: int
    expiry: int


def worth_of(instrument: Instrument, column: int, assets: tuple[Asset, ...]) -> Worth:
    """Return how the prices of an instrument become money."""
    place = {a.code: k for k, a in enumerate(assets)}
    size, power = exact(instrument.multiplier)
    paid = instrument.quote if isinstance(instrument, Spot) else instrument.settlement
    spot = isinstance(instrument, Spot)
    other = place[instrument.underlying] if spot else -1
    option = isinstance(instrument, Option)
    return Worth(
        column=column, size=size, asset=place[paid], other=other, premium=option,
        power=power + instrument.lot_exponent + assets[place[paid]].decimals,
        inverse=instrument.payoff is Payoff.INVERSE and not option,
        delivered=instrument.lot_exponent + assets[other].decimals if spot else 0,
        expiry=getattr(instrument, "expiry", 0))


def exact(number: float) -> tuple[int, int]:
    """Return the integer and the power of ten of the shortest decimal that is this float."""
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    assert isinstance(exponent, int)
    whole = int("".join(map(str, digits)))
    return -whole if sign else whole, exponent


def paid(worth: Worth, lots: int, price: int, exponent: int) -> int:
    """Return what an account pays for `lots` at a price, smallest units of `worth.asset`.

    Negative is received; rounded up, against the account. An inverse contract needs a price > 0.
    """
    if worth.inverse:
        return _ratio(-lots * worth.size, price, worth.power - exponent)
    return _ratio(lots * worth.size * price, 1, worth.power + exponent)


def delivered(worth: Worth, lots: int, subject: str) -> int:
    """Return what spot of `lots` delivers, smallest units of the underlying, bought > 0.

    Raises
    ------
    BadInput
        If that is no whole number of them.
    """
    units, rest = divmod(lots * _TENS[max(worth.delivered, 0)], _TENS[max(-worth.delivered, 0)])
    if rest:
        raise bad_input(Reason.BAD_VALUE, subject, f"{lots} lots are no whole number of the "
                        "asset's smallest unit; trade a multiple")
    return units


def handed_over(worth: Worth, lots: int, price: tuple[int, int]) -> tuple[int, int]:
    """Return (asset, smallest units, at least 0) that spot of `lots` at a price hands over.

    Bought at that price or better it is at most the price, sold what is sold; rounded up.
    """
    if lots > 0:
        return worth.asset, paid(worth, lots, *price)
    units = lots * _TENS[max(worth.delivered, 0)] // _TENS[max(-worth.delivered, 0)]
    return worth.other, -units


def _ratio(numerator: int, denominator: int, power: int) -> int:
    """Return numerator / denominator x 10**power, rounded up."""
    if power >= 0:
        return -(-numerator * _TENS[power] // denominator)
    return -(-numerator // (denominator * _TENS[-power]))


def share_of(cost: int, closed: int, held: int) -> int:
    """Return the part of a cost that `closed` of `held` lots (both > 0) take along, rounded up."""
    return -(-cost * closed // held)


def traded(worth: Worth, held: Held, lots: int, price: tuple[int, int]) -> tuple[Held, int, int]:
    """Return a position after a trade of `lots`, what the trade cost, and what it realised.

    The cost is the sum of `paid` over its closing and its opening part.
    """
    old, cost = held
    if old == 0 or (old > 0) == (lots > 0):
        value = paid(worth, lots, *price)
        return (old + lots, cost + value), value, 0
    if abs(lots) <= abs(old):
        value = paid(worth, lots, *price)
        gone = share_of(cost, abs(lots), abs(old))
        return (old + lots, cost - gone), value, -value - gone
    closing, opening = paid(worth, -old, *price), paid(worth, lots + old, *price)
    return (lots + old, opening), closing + opening, -closing - cost


def average_entry(worth: Worth, held: Held) -> float:
    """Return the average entry price of a position that is open, quote units.

    The price at which its lots would have cost its entry cost; NaN where an inverse one cost 0.
    """
    lots, cost = held
    size, cost = (lots * worth.size * _TENS[max(worth.power, 0)],
                  cost * _TENS[max(-worth.power, 0)])
    if worth.inverse:
        return -size / cost if cost else float("nan")
    return cost / size


def funding_paid(worth: Worth, lots: int, rate: tuple[int, int], price: tuple[int, int]) -> int:
    """Return the funding that a holder of `lots` pays, smallest units; longs pay a rate > 0."""
    if worth.inverse:
        return _ratio(lots * worth.size * rate[0], price[0], worth.power + rate[1] - price[1])
    return _ratio(lots * worth.size * rate[0] * price[0], 1, worth.power + rate[1] + price[1])


def expiry_paid(worth: Worth, contract: Instrument, lots: int, price: tuple[int, int]) -> int:
    """Return what closing `lots` (signed) at the delivery price costs, smallest units.

    As `instruments.payoff.settlement_value`, to the unit: futures at the price itself, options at
    what they pay, coin-settled ones at that over the price.
    """
    if not isinstance(contract, Option):
        return paid(worth, lots, *price)
    strike, power = exact(contract.strike)
    low = min(power, price[1])
    gap = price[0] * _TENS[price[1] - low] - strike * _TENS[power - low]
    gain = max(gap if contract.right is Right.CALL else -gap, 0)
    if contract.payoff is Payoff.INVERSE:
        return _ratio(lots * worth.size * gain, price[0], worth.power + low - price[1])
    return _ratio(lots * worth.size * gain, 1, worth.power + low)


def total_of(amounts: Iterable[int]) -> int:
    """Return the sum of integers, exact at any size."""
    return reduce(add, amounts, 0)


def check_money(subject: str, *amounts: int, room: int = 1) -> None:
    """Refuse amounts beyond 64 bits, or the part of them that `room` leaves (`groups.room_of`).

    Raises
    ------
    BadInput
        If one is.
    """
    for amount in amounts:
        if not -INT64_MAX <= amount * room <= INT64_MAX:
            raise bad_input(Reason.ABSURD_QUANTITY, subject, "would hold more of an asset than its "
                            "ledger of 64 bits can count; check the unit")


def lots_ordered(orders: Mapping[str, tuple[int, int, int, int]], column: int) -> int:
    """Return the lots of all orders for the contract of a catalogue column, bought and sold."""
    return total_of([abs(lots) for of, lots, _, _ in orders.values() if of == column])


def check_lots(subject: str, lots: int, *, room: int = 1) -> None:
    """Refuse lots beyond the part of `POSITION_MAX` that `room` leaves.

    Raises
    ------
    BadInput
        If they are.
    """
    if not -POSITION_MAX <= lots * room <= POSITION_MAX:
        raise bad_input(Reason.ABSURD_QUANTITY, subject, f"{lots} lots exceed the limit of "
                        f"{POSITION_MAX // room}; check the unit")
