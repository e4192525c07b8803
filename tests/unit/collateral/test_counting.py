"""At which price does collateral count: confidence, redemption floor, gains on thin assets?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.collateral.counting import Counted, CountingTerms, counted_price
from counterpoise.collateral.cross import AssetAmounts, cross_owned
from counterpoise.collateral.schedule import AssetTerms, CollateralSchedule
from counterpoise.values.failure import BadInput

NAN = float("nan")
FLOOR = CountingTerms(redeems="USD", redemption=1.0, delay_haircut=0.02)


def counted(terms, price, redeemed=1.0, confidence=NAN):
    return counted_price(terms, price, redeemed=redeemed, confidence=confidence)


def test_one_venue_depeg_cannot_push_a_redeemable_asset_through_its_floor():
    # USDe stood at 0.65 on one venue on 10 October 2025 while it was redeemed at 1.
    assert 0.98 == counted(FLOOR, 0.65)
    assert 0.99 == counted(FLOOR, 0.99)


def test_asset_never_counts_above_what_it_is_redeemed_for():
    assert 1.0 == counted(FLOOR, 1.07)
    assert 1.08 * 150.0 == counted(CountingTerms(redeems="SOL", redemption=1.08), 170.0, 150.0)


def test_default_of_the_issuer_ends_the_floor():
    gone = CountingTerms(redeems="USD", redemption=1.0, delay_haircut=0.02, defaulted=True)

    assert 0.65 == counted(gone, 0.65) and 1.07 == counted(gone, 1.07)


def test_confidence_takes_its_share_and_below_the_least_one_nothing_counts():
    terms = CountingTerms(confidence_min=0.99)

    assert 99.5 == counted(terms, 100.0, confidence=0.995)
    assert 0.0 == counted(terms, 100.0, confidence=0.98)
    assert 100.0 == counted(terms, 100.0)
    assert 0.98 == counted(FLOOR, 1.0, confidence=0.5)


def test_missing_price_stays_missing():
    assert np.isnan(counted(FLOOR, NAN)) and np.isnan(counted(FLOOR, NAN, confidence=0.0))
    assert 0.65 == counted(FLOOR, 0.65, redeemed=NAN)


@given(price=st.floats(0.01, 100), redeemed=st.floats(0.01, 100), confidence=st.floats(0, 1))
def test_price_that_counts_lies_between_floor_and_redemption(price, redeemed, confidence):
    assert 0.98 * redeemed <= counted(FLOOR, price, redeemed, confidence) <= redeemed


def test_only_what_is_owned_counts_at_that_price_and_equity_stays_at_the_markets():
    amounts = AssetAmounts(assets=("USDC",), amount=np.array([[100.0], [-100.0], [0.0]]),
                           price=np.array([0.65]), no_entry=np.zeros(3, bool),
                           unused=np.zeros((3, 1), bool))
    schedule = CollateralSchedule(numeraire="USD", other=None, assets={
        "USDC": AssetTerms(up_to=(), weight=(0.9,))})
    found = cross_owned(amounts, schedule, Counted(
        price=np.array([0.98]), withheld=np.array([[0.0], [0.0], [20.0]])))

    assert [65.0, -65.0, 0.0] == pytest.approx(found.equity.tolist())
    assert [88.2, -65.0, -13.0] == pytest.approx(found.balance.tolist())


@pytest.mark.parametrize("fields", [
    {"confidence_min": 1.5}, {"gains": -0.1}, {"delay_haircut": NAN}, {"redeems": "USD"},
    {"redemption": 1.0}, {"redeems": "USD", "redemption": float("inf")},
])
def test_terms_without_a_meaning_are_refused(fields):
    with pytest.raises(BadInput):
        CountingTerms(**fields)
