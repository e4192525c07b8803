"""How does a column of decimal text become a column of exact integers, ten million at a time?

The same rules as for one number (`values.quantity`, `adapters.portfolio.accounts`), written as SQL
over whole columns: lots are exact or refused, entry costs are rounded up. Decimal text keeps 18
decimals; binary floats, which have no decimals, count as the nearest lot if that is within float
precision. Entry prices keep 12 decimals, rounded against the account.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from counterpoise.instruments.contracts import Instrument, Option, Payoff
from counterpoise.values.assets import decimals_of
from counterpoise.values.failure import Reason
from counterpoise.values.quantity import LOTS_MAX

PRICE_DECIMALS: Final = 12
_NUMBER: Final = r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
PROBLEMS: Final = (
    (Reason.UNKNOWN_INSTRUMENT, "has no instrument in some row; every row needs one"),
    (Reason.MISSING_NUMBER, "has no quantity; a missing number is never taken as zero"),
    (Reason.NOT_A_NUMBER, "quantity {0} is not a number; write decimals with a point and no "
     "thousands separator, like 1234.5"),
    (Reason.BAD_VALUE, "quantity {0} is not a whole number of lots, or beyond this engine's limit; "
     "round it to the lot or check the unit"),
    (Reason.BAD_VALUE, "quantity {0} contradicts its side; with a side the quantity is positive, "
     "or negative for short"),
    (Reason.NOT_A_NUMBER, "entry price {0} is not a price; it is a number above zero (an option's "
     "premium at least zero), or empty where it is not known"),
    (Reason.ABSURD_QUANTITY, "quantity {0} costs more at entry than a ledger can count; check "
     "quantity and entry price"),
    (Reason.UNKNOWN_ASSET, "currency {0} is not what this instrument settles in; check currency "
     "and instrument"),
    (Reason.BAD_VALUE, "has no account in some row; every row needs one where the file has the "
     "column"),
    (Reason.BAD_VALUE, "unit {0} is not what its contracts are counted in; write contracts, or "
     "give it in a portfolio file, where the mark turns one into the other"),
)
"""What can be wrong with a row, in the order of the numbers 1, 2, ... in column `problem`."""


def cost_ratio(instrument: Instrument) -> tuple[int, int]:
    """Return (a, b) such that the entry cost in smallest units is the ceiling of

    lots x price x a / b (linear, options) or -lots / price x a / b (inverse futures), where price
    is in units of 10**-12.
    """
    scale = instrument.lot_exponent + decimals_of(instrument.settlement)
    scale += PRICE_DECIMALS if is_inverse(instrument) else -PRICE_DECIMALS
    ratio = Fraction(repr(instrument.multiplier)) * Fraction(10)**scale
    return ratio.numerator, ratio.denominator


def is_inverse(instrument: Instrument) -> bool:
    """Say whether its contracts are counted in quote units (inverse perpetuals and futures)."""
    return instrument.payoff is Payoff.INVERSE and not isinstance(instrument, Option)


def counted_in(instrument: Instrument) -> str:
    """Return the unit of the portfolio file that is the same as one contract, else `contracts`."""
    if instrument.multiplier != 1:
        return "contracts"
    return "quote" if is_inverse(instrument) else "coin"


def lots_sql(quantity: str, exponents: list[int], *, is_float: bool) -> str:
    """Return SQL for the lots of column `quantity`, NULL where it is no whole number of lots.

    `names.exponent` says the lot of the row.
    """
    cases = " ".join(f"WHEN {e} THEN {_lots_of(quantity, -e, is_float)}" for e in exponents)
    return f"CASE names.exponent {cases} END"


def _lots_of(quantity: str, decimals: int, is_float: bool) -> str:
    lots = scaled_sql(quantity, decimals)
    near = f"TRY_CAST({quantity} AS DECIMAL(25, {decimals}))"
    if is_float:
        exact = f"abs({near}::DOUBLE - {quantity}) <= 1e-15 * abs({quantity})"
    else:
        exact = (f"NOT contains({quantity}, '_') "
                 f"AND {near} = TRY_CAST({quantity} AS DECIMAL(38, 18)) "
                 f"AND ({near} <> 0 OR TRY_CAST({quantity} AS DOUBLE) = 0)")
    most = f"{Decimal(LOTS_MAX).scaleb(-decimals):f}::DECIMAL(25, {decimals})"
    return f"CASE WHEN {exact} AND abs({near}) <= {most} THEN {lots} END"


def scaled_sql(number: str, decimals: int) -> str:
    """Return SQL for `number` (text or float) x 10**decimals, rounded to an integer.

    Whole and fractional part apart: each is exact in 64 bits, and the product of decimals that it
    replaces is several times slower. Numbers that are too large for that take the slow way.
    """
    narrow, wide = f"TRY_CAST({number} AS DECIMAL(18, {decimals}))", (
        f"TRY_CAST({number} AS DECIMAL(25, {decimals}))")
    power = 10**decimals
    fast = (f"trunc({narrow})::BIGINT * {power} + "
            f"round(({narrow} - trunc({narrow}))::DOUBLE * {power})::BIGINT")
    slow = f"TRY_CAST({wide} * {power}::DECIMAL(13, 0) AS HUGEINT)"
    return f"CASE WHEN {narrow} IS NOT NULL THEN ({fast})::HUGEINT ELSE {slow} END"


def is_number_sql(text: str) -> str:
    """Return SQL that says whether a text column holds one plain decimal number."""
    return f"regexp_full_match({text}, '{_NUMBER}')"


def signed_sql(lots: str, side: str) -> str:
    """Return SQL for lots with the sign of a side column applied, NULL where they contradict."""
    word = f"lower(trim(coalesce({side}::VARCHAR, '')))"
    return (f"CASE WHEN {word} IN ('', 'net', 'both', 'zero') THEN {lots} "
            f"WHEN {word} IN ('buy', 'long') AND {lots} >= 0 THEN {lots} "
            f"WHEN {word} IN ('sell', 'short') THEN -abs({lots}) END")


def price_sql(price: str, lots: str) -> str:
    """Return SQL for a price text in units of 10**-12, rounded up for longs, down for shorts."""
    exact, near = f"TRY_CAST({price} AS DECIMAL(38, 18))", f"TRY_CAST({price} AS DECIMAL(25, 12))"
    away = (f"CASE WHEN {near} = {exact} THEN 0 WHEN {lots} > 0 AND {near} < {exact} THEN 1 "
            f"WHEN {lots} < 0 AND {near} > {exact} THEN -1 ELSE 0 END")
    return (f"CASE WHEN NOT contains({price}, '_') "
            f"THEN {scaled_sql(price, PRICE_DECIMALS)} + {away} END")


def cost_parts_sql(price: str, lots: str) -> tuple[str, str]:
    """Return SQL (top, bottom) such that the entry cost is the ceiling of top / bottom.

    `price` is in units of 10**-12; `names.a`, `names.b` and `names.inverse` are those of
    `cost_ratio` and `is_inverse`. NULL where it does not fit.
    """
    top = (f"TRY(CASE WHEN names.inverse THEN -{lots}::HUGEINT * names.a "
           f"ELSE {lots}::HUGEINT * {price} * names.a END)")
    bottom = f"TRY(CASE WHEN names.inverse THEN nullif({price}, 0) * names.b ELSE names.b END)"
    return top, bottom


def ceiling_sql(top: str, bottom: str) -> str:
    """Return SQL for the ceiling of top / bottom (128-bit integers, bottom > 0), NULL past 64 bits.

    Division of 128-bit integers is slow, so the quotient is estimated in float64, which is off by
    at most one below 1e15, and put right by the exact remainder.
    """
    near = f"round({top}::DOUBLE / {bottom}::DOUBLE)"
    whole = f"TRY_CAST({near} AS BIGINT)"
    rest = f"({top} - {whole}::HUGEINT * {bottom})"
    fast = (f"{whole} + CASE WHEN {rest} > {bottom} THEN 2 WHEN {rest} > 0 THEN 1 "
            f"WHEN {rest} > -{bottom} THEN 0 ELSE -1 END")
    carry = f"CASE WHEN {top} % {bottom} > 0 THEN 1 ELSE 0 END"
    slow = f"TRY_CAST({top} // {bottom} + {carry} AS BIGINT)"
    return f"CASE WHEN abs({near}) < 1e15 THEN {fast} ELSE {slow} END"
