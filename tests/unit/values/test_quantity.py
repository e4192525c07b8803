"""The crossing from text to integers: exact, or refused."""

from decimal import Decimal

import pytest

from counterpoise.values.decimals import parse_decimal, parse_float, to_lots, to_smallest_unit
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.quantity import INT64_MAX, LOTS_MAX, power_of_ten


@pytest.mark.parametrize(("number", "value"), [
    ("1234.5", "1234.5"), (" -0.10 ", "-0.10"), ("1e-9", "1e-9"), (0.1, "0.1"), (7, "7"),
    ("+5", "5"), ("0", "0"), ("1E3", "1000"),
    ("2.5e-190", "2.5e-190")])
def test_number_is_read_as_it_shows(number, value):
    assert Decimal(value) == parse_decimal(number, subject="x")


@pytest.mark.parametrize(("number", "reason"), [
    ("", Reason.NOT_A_NUMBER), ("abc", Reason.NOT_A_NUMBER), ("1,5", Reason.NOT_A_NUMBER),
    ("1 000", Reason.NOT_A_NUMBER), ("1_000", Reason.NOT_A_NUMBER), ("١", Reason.NOT_A_NUMBER),
    (True, Reason.NOT_A_NUMBER), (None, Reason.NOT_A_NUMBER), ([1], Reason.NOT_A_NUMBER),
    ("0x10", Reason.NOT_A_NUMBER), ("1" * 61, Reason.NOT_A_NUMBER), ("nan", Reason.NOT_FINITE),
    ("-inf", Reason.NOT_FINITE), (float("nan"), Reason.NOT_FINITE), ("sNaN", Reason.NOT_FINITE),
    ("1e99", Reason.ABSURD_QUANTITY), ("1e-400", Reason.ABSURD_QUANTITY),
    ("1e999999999999999999999", Reason.NOT_A_NUMBER)])
def test_what_is_no_number_is_refused_and_named(number, reason):
    with pytest.raises(BadInput, match="^the price: ") as refused:
        parse_decimal(number, subject="the price")

    assert reason == refused.value.failures[0].reason


def test_float_is_the_nearest_to_the_text():
    assert 65910.57 == parse_float("65910.57", subject="x")


@pytest.mark.parametrize(("quantity", "lots"), [
    ("0.000000001", 1), ("-1.5", -1_500_000_000), ("0", 0), ("1e3", 10**12)])
def test_quantity_is_whole_lots(quantity, lots):
    assert lots == to_lots(Decimal(quantity), lot_exponent=-9, subject="x")


def test_lot_may_be_larger_than_a_contract():
    assert 5 == to_lots(Decimal(500), lot_exponent=2, subject="x")
    with pytest.raises(BadInput, match="whole number of lots"):
        to_lots(Decimal(550), lot_exponent=2, subject="x")


@pytest.mark.parametrize("quantity", ["0.0000000001", "1e-50", "-0.12345678901"])
def test_fraction_of_a_lot_is_refused_not_rounded(quantity):
    with pytest.raises(BadInput, match="whole number of lots"):
        to_lots(Decimal(quantity), lot_exponent=-9, subject="x")


def test_largest_size_fits_and_one_more_does_not():
    assert LOTS_MAX == to_lots(Decimal(LOTS_MAX).scaleb(-9), lot_exponent=-9, subject="x")
    with pytest.raises(BadInput, match="check the unit"):
        to_lots(Decimal(LOTS_MAX + 1).scaleb(-9), lot_exponent=-9, subject="x")
    with pytest.raises(BadInput, match="check the unit"):
        to_lots(Decimal("1e50"), lot_exponent=-9, subject="x")


@pytest.mark.parametrize(("amount", "against", "units"), [
    ("0.000000019", "credit", 1), ("-0.000000011", "credit", -2),
    ("0.000000011", "debit", 2), ("-0.000000019", "debit", -1), ("1", "credit", 10**8)])
def test_money_is_rounded_against_the_account(amount, against, units):
    assert units == to_smallest_unit(Decimal(amount), decimals=8, against=against, subject="x")


def test_money_beyond_64_bits_is_refused():
    assert INT64_MAX == to_smallest_unit(Decimal(INT64_MAX), decimals=0, against="credit",
                                         subject="x")
    with pytest.raises(BadInput, match="ledger"):
        to_smallest_unit(Decimal(INT64_MAX + 1), decimals=0, against="credit", subject="x")


def test_power_of_ten_is_the_nearest_float():
    assert [1e-9, 1.0, 1e6] == [power_of_ten(e) for e in (-9, 0, 6)]
