"""Each bound, just inside and just outside."""

import numpy as np
import pytest

from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.contracts import Right
from counterpoise.instruments.listing import Listing, future, option, perpetual
from counterpoise.market.bounds import BOUNDS, absurd_index, absurdities, apart, needs
from counterpoise.market.quotes import Quotes, silence
from counterpoise.market.snapshot import Quality

COIN = Listing(underlying="BTC", quote="USD", settlement="BTC")
CASH = Listing(underlying="BTC", quote="USDC", settlement="USDC")
EXPIRY = 20_000 * 86_400 * 10**9 + 8 * 3600 * 10**9
EARLY = EXPIRY - 86_400 * 10**9
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
    ("call", "forward", 0.0, "above zero"), ("call", "forward_fixed", 1.0, "and none before"),
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
    broken = absurdities(one(kind, column, number, index), EARLY)

    assert (words is None) == (not broken)
    assert words is None or any(words in bound.sentence for bound, _ in broken)


def test_without_an_index_no_price_is_held_against_it():
    assert () == absurdities(one("perpetual", "mark", 3.0, index=np.nan), EARLY)


def broken_by(index=np.nan, as_of=EXPIRY - 900 * 10**9, **columns):
    """Return (column, place) of what breaks among a perpetual, a future, a coin and a cash call."""
    calls = [option(line, expiry=EXPIRY, strike=200.0, right=Right.CALL) for line in (COIN, CASH)]
    held = catalogue([perpetual(COIN), future(COIN, EXPIRY), *calls])
    quotes = silence(held) | {"index": np.array([index])}
    for name, values in columns.items():
        quotes[name][:] = values
    return {(bound.column, int(k))
            for bound, mask in absurdities(Quotes(catalogue=held, **quotes), as_of)
            for k in np.flatnonzero(mask)}


NAN = np.nan


@pytest.mark.parametrize(("mark", "forward", "broken"), [
    ([100, 100, NAN, NAN], [NAN, NAN], set()), ([100, 70, NAN, NAN], [NAN, NAN], set()),
    ([100, 151, NAN, NAN], [NAN, NAN], {("mark", 1)}),
    ([100, 30, NAN, NAN], [NAN, NAN], {("mark", 0), ("mark", 1)}),
    ([6.5, 100, 1, 60], [100, 100], {("mark", 0)}),
    ([NAN, NAN, 1.09, 109], [100, 100], set()),
    ([NAN, NAN, 1.11, 111], [100, 100], {("mark", 2), ("mark", 3)}),
    ([NAN, NAN, 10.1, 10.1], [NAN, NAN], {("mark", 2)}),
    ([NAN, NAN, 9.9, 10.1], [NAN, NAN], set()),
    ([NAN] * 4, [100, 3], {("forward", 2), ("forward", 3)}),
    ([100, 101, NAN, NAN], [100, 3], {("forward", 3)}),
])
def test_without_an_index_prices_are_held_against_each_other(mark, forward, broken):
    assert broken == broken_by(mark=mark, forward=[NAN, NAN, *forward], as_of=EARLY)


@pytest.mark.parametrize(("average", "absurd"), [
    (100.0, False), (51.0, False), (149.0, False), (49.0, True), (151.0, True), (1.0, True),
    (0.0, True), (-100.0, True), (np.inf, True)])
@pytest.mark.parametrize("index", [100.0, NAN])
def test_average_of_the_window_is_near_the_index_or_the_forward(average, absurd, index):
    got = {column for column, _ in broken_by(index, average=average, forward=[NAN, NAN, 100, 100])}

    assert ({"average"} if absurd else set()) == got


@pytest.mark.parametrize(("fixed", "variable", "broken"), [
    (50, 50, set()), (26, 74, set()), (24, 76, {"forward_fixed", "forward"}),
    (100, 1, {"forward_fixed", "forward"}), (50, 90, {"forward"}), (0, 50, {"forward_fixed"}),
    (-50, 50, {"forward_fixed"}), (50, 0, {"forward"})])
def test_parts_of_a_forward_fit_the_share_of_the_window(fixed, variable, broken):
    got = broken_by(100.0, forward_fixed=[NAN, NAN, fixed, fixed],
                    forward=[NAN, NAN, variable, variable])

    assert broken == {column for column, _ in got}


@pytest.mark.parametrize(("index", "absurd"), [(1.0, False), (0.0, True), (-1.0, True),
                                               (1.1e9, True), (np.nan, False)])
def test_index_is_a_price(index, absurd):
    assert [absurd] == absurd_index(one("call", "mark", 0.1, index)).tolist()


@pytest.mark.parametrize(("price", "wrong"), [(100.0, False), (149.0, False), (51.0, False),
                                              (151.0, True), (49.0, True), (np.nan, False)])
def test_index_and_price_of_one_coin_are_one_number(price, wrong):
    held = one("perpetual", "mark", 100.0, 100.0)

    assert [wrong] == apart(held, {"BTC": price, "USDC": 1.0}).tolist()
    assert [False] == apart(held, {}).tolist()


def test_option_needs_mark_forward_volatility_and_index():
    missing = {flag for flag, mask in needs(one("call", "mark", np.nan, np.nan)) if mask[0]}

    assert {Quality.MISSING_MARK, Quality.MISSING_FORWARD, Quality.MISSING_VOLATILITY,
            Quality.MISSING_INDEX} == missing


def test_perpetual_needs_mark_and_index_only():
    missing = {flag for flag, mask in needs(one("perpetual", "mark", np.nan, np.nan)) if mask[0]}

    assert {Quality.MISSING_MARK, Quality.MISSING_INDEX} == missing


def test_every_bound_says_what_would_be_right():
    assert all(bound.sentence and bound.quality for bound in BOUNDS)
