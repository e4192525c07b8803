"""Tables are plain text with numbers to the right."""

import math

import pytest

from counterpoise.apps.report.table import (
    amount,
    heading,
    percent,
    significant,
    table,
)


def test_numbers_stand_to_the_right_and_names_to_the_left():
    assert ["name     x", "ab     1.5", "abc   10.0"] == table(("name", "x"), [("ab", "1.5"),
                                                                        ("abc", "10.0")])


def test_bold_is_only_for_those_who_ask():
    assert "\x1b" not in "".join([heading("a"), *table(("a",), [("b",)])])
    assert "\x1b[1ma\x1b[0m" == heading("a", bold=True)


def test_short_row_ends_early():
    assert ["a  b", "1"] == table(("a", "b"), [("1",)])


@pytest.mark.parametrize(("value", "currency", "text"), [
    (1234.5, "USDC", "1,234.50"), (0.12345678, "BTC", "0.123457"), (math.nan, "BTC", "?"),
    (-0.0, "BTC", "0.000000"), (-1e-9, "BTC", "0.000000"), (-2.5, "USD", "-2.50")])
def test_amounts_have_the_digits_of_their_currency(value, currency, text):
    assert text == amount(value, currency)


@pytest.mark.parametrize(("value", "text"), [
    (0.0, "0"), (1234567.0, "1,234,567"), (0.000012345678, "0.0000123457"), (math.nan, "?"),
    (-12.5, "-12.5"), (100.0, "100")])
def test_significant_digits_are_never_in_powers_of_ten(value, text):
    assert text == significant(value)


def test_percents():
    assert ("12.5 %", "?") == (percent(0.125), percent(math.nan))
