"""Does what lies beyond a limit not count, and does more collateral never count less?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.collateral.cross import AssetAmounts, cross_owned
from counterpoise.collateral.limits import (
    Counterparty,
    Counts,
    ExposureLimits,
    assets_named,
    counts_of,
)
from counterpoise.collateral.schedule import AssetTerms, CollateralSchedule
from counterpoise.values.failure import BadInput

ASSETS = ("BTC", "USDC", "USDT")
PRICES = np.array([50_000.0, 1.0, 1.0])
SCHEDULE = CollateralSchedule(numeraire="USD", other=None, assets={
    "BTC": AssetTerms(up_to=(1.0,), weight=(0.9, 0.5)),
    "USDC": AssetTerms(up_to=(), weight=(1.0,)), "USDT": AssetTerms(up_to=(), weight=(0.8,))})
ISSUERS = {"circle": Counterparty(assets=("USDC",), share_max=0.5),
           "tether": Counterparty(assets=("USDT",), value_max=1000.0)}
AMOUNT = st.floats(0, 1e6) | st.floats(-1e6, 0)


def balance(amounts, share=None, counterparties=None):
    """Return what one account's amounts count, USD."""
    counts = Counts(share=share or {}, counterparties=counterparties or {})
    owned = AssetAmounts(
        assets=ASSETS, amount=np.array([amounts], float), price=PRICES,
        no_entry=np.zeros(1, bool), unused=np.zeros((1, 3), bool))
    return float(cross_owned(owned, SCHEDULE, counts=counts).balance[0])


def test_share_acts_on_the_amount_before_tiers():
    assert balance((4, 0, 0), {"BTC": 0.5}) == balance((2, 0, 0)) == 0.9 * 50_000 + 0.5 * 50_000


def test_debt_is_never_reduced():
    assert balance((-1, 0, 0), {"BTC": 0.0}, ISSUERS) == -50_000.0


def test_assets_of_a_counterparty_count_up_to_its_share_of_all_that_counts():
    # USDC counts 30,000, bitcoin 10,000: half of 40,000 is the most that the issuer may.
    assert balance((10_000 / 45_000, 30_000, 0), counterparties=ISSUERS) == pytest.approx(30_000)


def test_debt_in_another_asset_does_not_change_what_a_counterparty_may_count():
    assert balance((-1, 30_000, 0), counterparties=ISSUERS) == 15_000 - 50_000


def test_assets_of_a_counterparty_count_up_to_its_value():
    assert balance((0, 0, 1000), counterparties=ISSUERS) == 800.0
    assert balance((0, 0, 5000), counterparties=ISSUERS) == 1000.0


def test_without_limits_every_bit_is_as_before():
    owned = AssetAmounts(assets=ASSETS, amount=np.array([[1.3, 7.7, -3.1]]), price=PRICES,
                         no_entry=np.zeros(1, bool), unused=np.zeros((1, 3), bool))

    assert cross_owned(owned, SCHEDULE).balance[0] == balance((1.3, 7.7, -3.1))


@given(st.tuples(AMOUNT, AMOUNT, AMOUNT), st.integers(0, 2), st.floats(0, 1e6), st.floats(0, 1))
def test_more_collateral_never_counts_less(amounts, place, more, share):
    richer = list(amounts)
    richer[place] += more
    before, after = (balance(a, {"BTC": share}, ISSUERS) for a in (amounts, richer))

    assert after >= before - 1e-6 * (1 + abs(before))


def test_platform_cap_counts_its_part_of_what_all_hold():
    limits = ExposureLimits(platform={"BTC": 100.0, "USDT": 5.0})

    assert counts_of(limits, ASSETS, {"BTC": 400.0, "USDT": 5.0}).share == {"BTC": 0.25}


def test_what_is_not_eligible_counts_nothing():
    limits = ExposureLimits(eligible=("USDC",), platform={"BTC": 100.0})

    assert counts_of(limits, ASSETS, {"BTC": 400.0}).share == {"BTC": 0.0, "USDT": 0.0}


def test_assets_named_are_all_of_them():
    limits = ExposureLimits(eligible=("A",), platform={"B": 1.0},
                            counterparties={"x": Counterparty(assets=("C", "A"))})

    assert assets_named(limits) == ("A", "B", "C")


@pytest.mark.parametrize("fields", [
    {"platform": {"BTC": -1.0}}, {"platform": {"BTC": float("nan")}},
    {"platform": {"BTC": float("inf")}}, {"gross_max": -1.0}, {"gross_max": float("nan")},
    {"counterparties": {"x": Counterparty(assets=("A",)), "y": Counterparty(assets=("A", "B"))}}])
def test_limits_without_meaning_are_refused(fields):
    with pytest.raises(BadInput, match="use 0 or more|two counterparties"):
        ExposureLimits(**fields)


@pytest.mark.parametrize("fields", [
    {"assets": ()}, {"assets": ("A", "A")}, {"share_max": 1.1}, {"share_max": float("nan")},
    {"value_max": -1.0}, {"value_max": float("nan")}])
def test_counterparty_without_meaning_is_refused(fields):
    with pytest.raises(BadInput):
        Counterparty(**{"assets": ("A",)} | fields)
