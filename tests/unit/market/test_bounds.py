"""Each bound, just inside and just outside."""

import numpy as np
import pytest

from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.contracts import Right
from counterpoise.instruments.listing import Listing, option, perpetual
from counterpoise.market.bounds import BOUNDS, absurd_index, absurdities, needs
from counterpoise.market.quotes import Quotes, silence
from counterpoise.market.snapshot import Quality

COIN = Listing(underlying="BTC", quote="USD", settlement="BTC")
CASH = Listing(underlying="BTC", quote="USDC", settlement="USDC")
EXPIRY = 20_000 * 86_400 * 10**9 + 8 * 3600 * 10**9
CASES = [
    ("perpetual", "mark", 1e-9, None), ("perpetual", "mark", 0.0, "above zero"),
    ("perpetual", "mark", 1e9 * 1.01, "at most 1e9"),
    ("perpetual", "mark", 149.9, None), ("perpetual", "mark", 150.1, "50 %"),
    ("perpetual", "mark", 49.9, "50 %"),
    ("call", "mark", 0.0, None), ("call", "mark", -1e-9, "at least zero"),
    ("call", "mark", 1.09, None), ("call", "mark", 1.11, "can ever pay"),
    ("put", "mark", 2.19, None), ("put", "mark", 2.21, "can ever pay"),
    ("cash put", "mark", 219.0, None), ("cash put", "mark", 221.0, "can ever pay"),
    ("call", "forward", 149.9, None), ("call", "forward", 150.1, "50 %"),
    ("call", "forward", 0.0, "above zero"), ("call", "forward_fixed", -1.0, "above zero"),
    ("call", "volatility", 10.0, None), ("call", "volatility", 10.1, "0.55 for 55 %"),
    ("call", "volatility", 0.0, "between 0 and 10"),
    ("call", "rate", -5.0, None), ("call", "rate", 5.1, "0.05 for 5 %"),
    ("call", "mark", np.nan, None), ("call", "mark", np.inf, "at most 1e9"),
]


def one(kind, column, number, index=100.0):
    line = CASH if kind.startswith("cash") else COIN
    right = Right.CALL if kind == "call" else Right.PUT
    instrument = perpetual(line) if kind == "perpetual" else option(
        line, expiry=EXPIRY, strike=200.0, right=right)
    held = catalogue([instrument])
    columns = silence(held) | {"index": np.array([index])}
    columns["forward"][0] = 100.0 if kind != "perpetual" and column == "forward_fixed" else np.nan
    columns[column][0] = number
    return Quotes(catalogue=held, **columns)


@pytest.mark.parametrize(("kind", "column", "number", "words"), CASES)
def test_bound_lets_the_possible_through_and_stops_the_absurd(kind, column, number, words):
    index = 100.0 if abs(number) < 1e6 or np.isnan(number) else np.nan
    index = np.nan if number == 1e-9 else index
    broken = absurdities(one(kind, column, number, index))

    assert (words is None) == (not broken)
    assert words is None or any(words in bound.sentence for bound, _ in broken)


def test_without_an_index_no_price_is_held_against_it():
    assert () == absurdities(one("perpetual", "mark", 3.0, index=np.nan))


@pytest.mark.parametrize(("index", "absurd"), [(1.0, False), (0.0, True), (-1.0, True),
                                               (1.1e9, True), (np.nan, False)])
def test_index_is_a_price(index, absurd):
    assert [absurd] == absurd_index(one("call", "mark", 0.1, index)).tolist()


def test_option_needs_mark_forward_volatility_and_index():
    missing = {flag for flag, mask in needs(one("call", "mark", np.nan, np.nan)) if mask[0]}

    assert {Quality.MISSING_MARK, Quality.MISSING_FORWARD, Quality.MISSING_VOLATILITY,
            Quality.MISSING_INDEX} == missing


def test_perpetual_needs_mark_and_index_only():
    missing = {flag for flag, mask in needs(one("perpetual", "mark", np.nan, np.nan)) if mask[0]}

    assert {Quality.MISSING_MARK, Quality.MISSING_INDEX} == missing


def test_every_bound_says_what_would_be_right():
    assert all(bound.sentence and bound.quality for bound in BOUNDS)
