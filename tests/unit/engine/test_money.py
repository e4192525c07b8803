"""Does a trade cost what the venues say, to the smallest unit and against the account?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.engine.money import (
    average_entry,
    expiry_paid,
    funding_paid,
    paid,
    traded,
    worth_of,
)
from counterpoise.instruments.contracts import Right
from counterpoise.instruments.listing import Listing, future, option, perpetual
from counterpoise.instruments.payoff import settlement_value
from counterpoise.values.assets import asset

ASSETS = (asset("BTC"), asset("USDC"))
INVERSE = perpetual(Listing(underlying="BTC", quote="USD", settlement="BTC"))
LINEAR = perpetual(Listing(underlying="BTC", quote="USDC", settlement="USDC"))
LOTS = st.integers(-10**13, 10**13).filter(bool)
PRICES = st.tuples(st.integers(1, 10**12), st.integers(-6, 2))


def worth(contract):
    return worth_of(contract, 0, ASSETS)


def test_inverse_entry_is_the_harmonic_mean():
    # 10,000 USD bought at 10,000 and 10,000 USD at 20,000: 1 BTC and 0.5 BTC of value.
    first, *_ = traded(worth(INVERSE), (0, 0), 10_000 * 10**9, (10_000, 0))
    second, *_ = traded(worth(INVERSE), first, 10_000 * 10**9, (20_000, 0))

    assert second == (20_000 * 10**9, -150_000_000)
    assert Fraction(20_000 * 10**8, 150_000_000) == Fraction(40_000, 3)


def test_linear_entry_is_the_mean_by_quantity_and_stands_while_it_is_reduced():
    held, *_ = traded(worth(LINEAR), (0, 0), 10**9, (10_000, 0))
    held, *_ = traded(worth(LINEAR), held, 10**9, (20_000, 0))
    reduced, _, realised = traded(worth(LINEAR), held, -10**9, (18_000, 0))

    assert held == (2 * 10**9, 30_000 * 10**6) and reduced == (10**9, 15_000 * 10**6)
    assert 3_000 * 10**6 == realised


def test_inverse_gain_is_paid_in_coin():
    # Deribit's example: 100 contracts of 10 USD long from 10,000 to 11,000 gain 0.00909091 BTC.
    held, *_ = traded(worth(INVERSE), (0, 0), 1_000 * 10**9, (10_000, 0))
    flat, _, realised = traded(worth(INVERSE), held, -1_000 * 10**9, (11_000, 0))

    assert (0, 0) == flat and 909_090 == realised


def test_trade_through_zero_closes_and_opens():
    held, *_ = traded(worth(LINEAR), (0, 0), 10**9, (10_000, 0))
    other, cost, realised = traded(worth(LINEAR), held, -3 * 10**9, (12_000, 0))

    assert other == (-2 * 10**9, -24_000 * 10**6) and 2_000 * 10**6 == realised
    assert cost == -36_000 * 10**6


@pytest.mark.parametrize("contract", [INVERSE, LINEAR])
@given(lots=LOTS, price=PRICES)
def test_rounding_is_against_the_account_and_less_than_a_unit(contract, lots, price):
    level = Fraction(price[0]) * Fraction(10) ** price[1]
    size = Fraction(lots, 10**9)
    exact = (-size / level * 10**8) if contract is INVERSE else size * level * 10**6
    excess = paid(worth(contract), lots, *price) - exact

    assert 0 <= excess < 1
    assert paid(worth(contract), lots, *price) + paid(worth(contract), -lots, *price) in (0, 1)


@given(trades=st.lists(st.tuples(LOTS, PRICES), min_size=1, max_size=8), price=PRICES)
def test_what_is_realised_is_what_was_paid_when_all_is_closed(trades, price):
    held, total, realised = (0, 0), 0, 0
    for lots, at in trades:
        held, cost, gain = traded(worth(LINEAR), held, lots, at)
        total, realised = total + cost, realised + gain
    if held[0]:
        held, cost, gain = traded(worth(LINEAR), held, -held[0], price)
        total, realised = total + cost, realised + gain

    assert (0, 0) == held and realised == -total


@pytest.mark.parametrize("settled", ["BTC", "USDC"])
@given(price=st.integers(1, 10**9), right=st.sampled_from(Right))
def test_expiry_pays_the_settlement_value(settled, price, right):
    listing = Listing(underlying="BTC", quote="USD" if settled == "BTC" else "USDC",
                      settlement=settled)
    expiry, decimals = 30 * 86_400 * 10**9, asset(settled).decimals
    for contract in (option(listing, expiry=expiry, strike=70_000.5, right=right),
                     future(listing, expiry)):
        got = -expiry_paid(worth(contract), contract, -10**9, (price, -2))
        exact = settlement_value(contract, price / 100) * 10**decimals

        assert got == pytest.approx(-exact, rel=1e-12, abs=1.0) or got == pytest.approx(
            exact, rel=1e-12, abs=1.0)
        assert got * exact >= 0 or abs(got) <= 1


def test_funding_is_paid_by_longs_on_the_size_at_the_price():
    # Deribit: 10,000 USD at 0.01 % and a price of 50,000 pay 0.00002 BTC.
    assert 2_000 == funding_paid(worth(INVERSE), 10_000 * 10**9, (1, -4), (50_000, 0))
    assert -2_000 == funding_paid(worth(INVERSE), -10_000 * 10**9, (1, -4), (50_000, 0))
    assert 5 * 10**6 == funding_paid(worth(LINEAR), 10**9, (1, -4), (50_000, 0))


@pytest.mark.parametrize(("contract", "entry"), [(INVERSE, 40_000 / 3), (LINEAR, 15_000.0)])
def test_average_entry_is_the_price_that_would_have_cost_the_same(contract, entry):
    # 10,000 contracts bought at 10,000 and as many at 20,000, a part of them sold at any price.
    held, *_ = traded(worth(contract), (0, 0), 10_000 * 10**9, (10_000, 0))
    held, *_ = traded(worth(contract), held, 10_000 * 10**9, (20_000, 0))
    left, *_ = traded(worth(contract), held, -4_000 * 10**9, (31_234, 0))

    assert entry == pytest.approx(average_entry(worth(contract), held), rel=1e-12)
    assert entry == pytest.approx(average_entry(worth(contract), left), rel=1e-6)
    assert average_entry(worth(contract), (-left[0], -left[1])) == average_entry(
        worth(contract), left)
