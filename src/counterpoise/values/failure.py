"""Why a number is missing: a reason from a closed list, the thing it is about, and a sentence.

A `Failure` stands in the row of one account or instrument in place of a number. `BadInput` is
raised at the boundary and carries every violation found, not only the first.
"""

from enum import StrEnum

from counterpoise.values.frozen import frozen


class Reason(StrEnum):
    """The closed list of reasons; the value is what JSON output shows."""

    MISSING_MARK = "missing_mark"
    MISSING_FORWARD = "missing_forward"
    MISSING_VOLATILITY = "missing_volatility"
    MISSING_INDEX = "missing_index"
    MISSING_PRICE = "missing_price"
    MISSING_ENTRY = "missing_entry"
    MISSING_NUMBER = "missing_number"
    ABSURD_PRICE = "absurd_price"
    ABSURD_VOLATILITY = "absurd_volatility"
    ABSURD_QUANTITY = "absurd_quantity"
    NOT_FINITE = "not_finite"
    NOT_A_NUMBER = "not_a_number"
    STALE = "stale"
    EXPIRED = "expired"
    DUPLICATE = "duplicate"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    UNKNOWN_ASSET = "unknown_asset"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_MODEL = "unknown_model"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    BAD_TIME = "bad_time"
    BAD_VALUE = "bad_value"
    ODD_PARAMETERS = "odd_parameters"
    NO_PARAMETERS = "no_parameters"
    NOT_APPLICABLE = "not_applicable"
    MISSING_EXTRA = "missing_extra"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_SEGMENT = "unknown_segment"
    UNKNOWN_WITHDRAWAL = "unknown_withdrawal"
    LATE = "late"
    OTHER_CONTENT = "other_content"
    OUT_OF_SEQUENCE = "out_of_sequence"
    NOT_COVERED = "not_covered"
    DEGRADED = "degraded"
    NOT_EMPTY = "not_empty"
    CLOSED = "closed"
    NOT_ELIGIBLE = "not_eligible"
    OVER_LIMIT = "over_limit"


@frozen
class Failure:
    """One missing number: its reason, what it is about, and what would be right."""

    reason: Reason
    subject: str
    sentence: str


class BadInput(ValueError):
    """Input that cannot be used; `failures` lists every violation, at least one."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = failures
        super().__init__("; ".join(f"{f.subject}: {f.sentence}" for f in failures))


def bad_input(reason: Reason, subject: str, sentence: str) -> BadInput:
    """Make the exception for one violation; the caller raises it."""
    return BadInput(Failure(reason=reason, subject=subject, sentence=sentence))
