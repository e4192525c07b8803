"""What number does this text say? The one crossing from decimal text to integers and back."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation, localcontext
from typing import Final

from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.quantity import INT64_MAX, LOTS_MAX

EXPONENT_MAX: Final = 60
EXPONENT_MIN: Final = -325
"""Numbers outside are mistakes: nothing is that large, and float64 would make the small ones zero
(far options are worth 1e-200; that is still a number)."""


def parse_decimal(number: object, *, subject: str) -> Decimal:
    """Return the exact decimal that `number` (text, int or float) shows.

    A float counts as the decimal text that Python prints for it. Text with a comma, spaces inside,
    NaN, infinities, booleans and more than 60 characters are refused.
    """
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    text = repr(number) if is_number else number
    if not isinstance(text, str) or len(text) > 60:
        raise bad_input(Reason.NOT_A_NUMBER, subject, f"{str(number)[:40]!r} is not a number; "
                        'write it like "1234.5"')
    if "," in text:
        raise bad_input(Reason.NOT_A_NUMBER, subject, f"{text!r} has a comma; write decimals with "
                        "a point and no thousands separator, like 1234.5")
    try:
        # Decimal also reads "1_000" and digits of other scripts: no venue writes those.
        value = Decimal(text.strip() if text.isascii() and "_" not in text else "no number")
    except InvalidOperation:
        raise bad_input(Reason.NOT_A_NUMBER, subject, f"{text[:40]!r} is not a number; "
                        'write it like "1234.5"') from None
    if not value.is_finite():
        raise bad_input(Reason.NOT_FINITE, subject, f"{text} is not a finite number; "
                        "leave the key out if the number is not known")
    if value and not EXPONENT_MIN < value.adjusted() < EXPONENT_MAX:
        raise bad_input(Reason.ABSURD_QUANTITY, subject, f"{text[:40]} is beyond any amount; "
                        "check the exponent")
    return value


def parse_float(number: object, *, subject: str) -> float:
    """Return the float64 nearest to `number`, under the rules of `parse_decimal`."""
    value = float(parse_decimal(number, subject=subject))
    if value in (float("inf"), float("-inf")):
        raise bad_input(Reason.NOT_FINITE, subject, f"{number!r} is beyond float64")
    return value


def to_lots(quantity: Decimal, *, lot_exponent: int, subject: str) -> int:
    """Return `quantity` (in contract units) as integer lots of `10**lot_exponent` units.

    Raises
    ------
    BadInput
        If the quantity is not a whole number of lots or exceeds `LOTS_MAX`.
    """
    if quantity and quantity.adjusted() - lot_exponent > 19:
        raise _too_large(quantity, subject)
    with localcontext() as context:
        context.prec = 80
        lots = quantity.scaleb(-lot_exponent)
        whole = lots.to_integral_value()
    if lots != whole:
        raise bad_input(Reason.BAD_VALUE, subject, f"{quantity} is not a whole number of lots of "
                        f"1e{lot_exponent}; round it to the lot")
    if abs(whole) > LOTS_MAX:
        raise _too_large(quantity, subject)
    return int(whole)


def _too_large(quantity: Decimal, subject: str) -> Exception:
    return bad_input(Reason.ABSURD_QUANTITY, subject, f"{quantity} is larger than this engine's "
                     f"limit of {LOTS_MAX} lots; check the unit")


def to_smallest_unit(amount: Decimal, *, decimals: int, against: str, subject: str) -> int:
    """Return `amount` as an integer of `10**-decimals`, rounded against the account.

    `against` is "credit" for what the account owns (rounded down) and "debit" for what it owes or
    paid (rounded up).
    """
    with localcontext() as context:
        context.prec = 80
        rounding = ROUND_FLOOR if against == "credit" else ROUND_CEILING
        units = amount.scaleb(decimals).to_integral_value(rounding)
    if abs(units) > INT64_MAX:
        raise bad_input(Reason.ABSURD_QUANTITY, subject, f"{amount} does not fit this asset's "
                        f"ledger of {decimals} decimals; check the unit")
    return int(units)
