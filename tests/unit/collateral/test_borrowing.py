"""What may be owed, and what does it cost?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.collateral.borrowing import (
    HOUR_NS,
    YEAR_NS,
    Borrowing,
    BorrowTerms,
    instants_between,
    interest_due,
    least_balance,
)
from counterpoise.values.failure import BadInput

GOOD = {"account_max": 1_000, "platform_max": 5_000, "rate": 876, "rate_exponent": -2,
        "initial": 0.1, "maintenance": 0.02}
TERMS = BorrowTerms(**GOOD)


def test_hour_of_a_rate_of_876_percent_is_a_thousandth():
    assert 1_000 == interest_due(TERMS, 10**6, HOUR_NS)
    assert 1 == interest_due(TERMS, 1, HOUR_NS)


@given(owed=st.integers(1, 2**63), rate=st.integers(0, 10**6), hours=st.integers(1, 10**5))
def test_interest_is_rounded_up_by_less_than_a_unit(owed, rate, hours):
    terms = BorrowTerms(**GOOD | {"rate": rate, "rate_exponent": -6})
    exact = Fraction(owed * rate * hours * HOUR_NS, 10**6 * YEAR_NS)

    assert 0 <= interest_due(terms, owed, hours * HOUR_NS) - exact < 1


@given(before=st.integers(0, 10**19), middle=st.integers(0, 10**16), after=st.integers(0, 10**16))
def test_instants_add_up_wherever_the_time_is_cut(before, middle, after):
    held, one, two = Borrowing(assets={}), before + middle, before + middle + after

    assert instants_between(held, before, two) == (
        instants_between(held, before, one) + instants_between(held, one, two))


@pytest.mark.parametrize(("balance", "owed_by_all", "least"), [
    (0, 0, -1_000), (0, 4_700, -300), (0, 9_000, 0), (-200, 9_000, -200), (-2_000, 9_000, -1_000),
])
def test_limits_of_account_and_platform_both_hold(balance, owed_by_all, least):
    assert least == least_balance(TERMS, balance, owed_by_all)
    assert 0 == least_balance(None, balance, owed_by_all)


@pytest.mark.parametrize(("field", "value", "complaint"), [
    ("account_max", -1, "account_max"), ("platform_max", 2**63, "platform_max"),
    ("rate", -1, "rate"), ("rate", 10**5, "rate"), ("rate_exponent", 1, "rate_exponent"),
    ("initial", 0.01, "maintenance <= initial"), ("initial", float("nan"), "initial"),
    ("maintenance", -0.1, "maintenance"),
])
def test_terms_without_a_meaning_are_refused(field, value, complaint):
    with pytest.raises(BadInput, match=complaint):
        BorrowTerms(**GOOD | {field: value})


@pytest.mark.parametrize("interval_ns", [0, HOUR_NS + 1, 25 * HOUR_NS, 10**9])
def test_interval_that_does_not_divide_a_day_is_refused(interval_ns):
    with pytest.raises(BadInput, match="must divide a day"):
        Borrowing(assets={}, interval_ns=interval_ns)
