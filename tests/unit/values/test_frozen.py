"""Frozen values: complete from birth, equal by content, never changed."""

import pickle

import numpy as np
import pytest

from counterpoise.values.assets import Asset, asset, decimals_of, is_asset_code
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced


@frozen
class Pair:
    """Two things, the second of which has a default."""

    first: object
    second: object = 2


def test_value_is_given_by_keyword_and_defaults_fill_in():
    assert (1, 2) == (Pair(first=1).first, Pair(first=1).second)


@pytest.mark.parametrize("fields", [{}, {"second": 1}, {"first": 1, "third": 3}])
def test_missing_or_unknown_field_is_a_mistake(fields):
    with pytest.raises(TypeError, match=r"missing|unknown"):
        Pair(**fields)


def test_value_cannot_be_changed():
    pair = Pair(first=1)
    with pytest.raises(AttributeError, match="immutable"):
        pair.first = 2
    with pytest.raises(AttributeError, match="immutable"):
        del pair.first
    with pytest.raises(AttributeError):
        pair.third = 3


def test_values_are_equal_by_content():
    a, b = (Pair(first=np.array([1.0, np.nan]), second={"x": np.array([1])}) for _ in range(2))

    assert a == b
    assert a != replaced(a, second={"x": np.array([2])})
    assert a != replaced(a, second={"y": np.array([1])})
    assert a != replaced(a, first=None) and replaced(a, first=None) != a
    assert Pair(first=1) != (1, 2)


def test_hash_follows_equality():
    assert hash(Pair(first=1)) == hash(Pair(first=1, second=2))


def test_arrays_of_a_value_are_read_only_and_the_caller_keeps_his():
    mine = np.zeros(2)
    pair = Pair(first=mine)
    with pytest.raises(ValueError, match="read-only"):
        pair.first[0] = 1
    mine[0] = 1

    assert 1 == pair.first[0]


def test_value_survives_pickling():
    assert Pair(first=(1, "x")) == pickle.loads(pickle.dumps(Pair(first=(1, "x"))))


@pytest.mark.parametrize(("code", "good"), [
    ("BTC", True), ("1000PEPE", True), ("btc", False), ("", False), ("BTC/USD", False),
    ("123", False), ("A" * 21, False), (5, False), ("ÄÖ", False)])
def test_asset_code_is_capitals_and_digits(code, good):
    assert good == is_asset_code(code)


def test_asset_has_the_decimals_of_its_ledger():
    assert [8, 6, 8] == [decimals_of(code) for code in ("BTC", "USDC", "UNHEARDOF")]
    assert Asset(code="BTC", decimals=8) == asset("BTC")


@pytest.mark.parametrize(("code", "decimals"), [("btc", 8), ("BTC", 13), ("BTC", -1)])
def test_impossible_asset_cannot_be_made(code, decimals):
    with pytest.raises(BadInput):
        Asset(code=code, decimals=decimals)


def test_bad_input_says_every_violation():
    wrong = BadInput(Failure(reason=Reason.STALE, subject="a", sentence="is old"),
                     *bad_input(Reason.EXPIRED, "b", "is over").failures)

    assert "a: is old; b: is over" == str(wrong)
    assert isinstance(wrong, ValueError)
