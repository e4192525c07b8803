"""On which terms may a balance be negative? Limits, interest and margin of what is owed, by asset.

    interest of an instant = owed x rate x interval / 365 days        simple, rounded up

An instant is a whole multiple of the interval since 1970; at each what is owed then is charged for
one interval (venues charge hourly on what is owed at the hour: OKX, "Interest calculation"; the
yearly rate over 365 days is *our reading*). A rate is an integer and a power of ten, so that
interest is exact. What is owed also needs margin, `initial` and `maintenance` of its value (OKX
MR8, Bybit borrow tiers: one tier here).
"""

from typing import Final

from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS

YEAR_NS: Final = 365 * DAY_NS
HOUR_NS: Final = DAY_NS // 24
_RATE_MAX: Final = 100
_MOST: Final = 2**63 - 1


@frozen
class BorrowTerms:
    """How one asset may be owed.

    account_max    smallest units that one account may owe; 0: none, and what losses leave owed is
                   charged all the same
    platform_max   smallest units that all accounts together may owe
    rate, rate_exponent   interest per year, rate x 10**rate_exponent, at most 100 (10,000 %)
    initial, maintenance  fraction of the value owed that is added to the requirements
    """

    account_max: int
    platform_max: int
    rate: int
    rate_exponent: int
    initial: float
    maintenance: float

    def __post_init__(self) -> None:
        """Refuse limits, rates and margins that have no meaning, all at once."""
        wrong = [(name, f"{value} must lie between 0 and {_MOST}") for name in (
            "account_max", "platform_max") if not 0 <= (value := getattr(self, name)) <= _MOST]
        if not -18 <= self.rate_exponent <= 0:
            wrong.append(("rate_exponent", f"{self.rate_exponent} must lie between -18 and 0"))
        elif not 0 <= self.rate <= _RATE_MAX * int("1" + "0" * -self.rate_exponent):
            wrong.append(("rate", f"{self.rate}e{self.rate_exponent} a year must lie between 0 "
                          f"and {_RATE_MAX}"))
        if not 0 <= self.maintenance <= self.initial <= 10:
            wrong.append(("initial", f"{self.initial} and maintenance {self.maintenance} must "
                          "satisfy 0 <= maintenance <= initial <= 10"))
        if wrong:
            raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=name, sentence=sentence)
                             for name, sentence in wrong))


@frozen
class Borrowing:
    """Terms by asset; what is not listed may not be borrowed, and is owed without interest."""

    assets: dict[str, BorrowTerms]
    interval_ns: int = HOUR_NS

    def __post_init__(self) -> None:
        """Refuse an interval that is too short to be counted or longer than a day."""
        if not DAY_NS // 1440 <= self.interval_ns <= DAY_NS or DAY_NS % self.interval_ns:
            raise BadInput(Failure(reason=Reason.BAD_VALUE, subject="interval_ns", sentence=(
                f"{self.interval_ns} must divide a day, and be a minute at least")))


NO_BORROWING: Final = Borrowing(assets={})


def instants_between(borrowing: Borrowing, before: int, after: int) -> int:
    """Return how many instants of interest lie in (before, after], ns."""
    return after // borrowing.interval_ns - before // borrowing.interval_ns


def interest_due(terms: BorrowTerms, owed: int, period_ns: int) -> int:
    """Return the interest on `owed` smallest units over a period, smallest units, rounded up."""
    year = YEAR_NS * int("1" + "0" * -terms.rate_exponent)
    return -(-owed * terms.rate * period_ns // year)


def least_balance(terms: BorrowTerms | None, balance: int, owed_by_all: int) -> int:
    """Return how low a balance may be brought: 0, or negative where the asset may be borrowed.

    `balance` is the account's now, `owed_by_all` what all accounts owe, smallest units. Where the
    platform is full an account may stay at what it owes and not owe more.
    """
    if terms is None:
        return 0
    room = max(terms.platform_max - owed_by_all, 0)
    return -min(terms.account_max, max(-balance, 0) + room)
