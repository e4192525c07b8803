"""What amounts count as collateral, by hand, and which schedules are refused."""

import numpy as np
import pytest

from counterpoise.adapters.parameters import parameters_of
from counterpoise.collateral.schedule import (
    AssetTerms,
    CollateralSchedule,
    collateral_value,
    listed_schedule,
    terms_of,
)
from counterpoise.values.failure import BadInput
from markets import AS_OF
from rule_books.gross_cross import MODEL

TIERED = AssetTerms(up_to=(2.0, 5.0), weight=(0.9, 0.5, 0.1))


@pytest.mark.parametrize(("amount", "value"), [
    (1.0, 90.0), (2.0, 180.0), (4.0, 280.0), (5.0, 330.0), (15.0, 430.0)])
def test_positive_amounts_go_through_tiers_of_the_asset(amount, value):
    assert value == pytest.approx(collateral_value(TIERED, np.array(amount), 100.0), abs=1e-12)


def test_negative_amounts_count_whole():
    assert -300.0 == collateral_value(TIERED, np.array(-3.0), 100.0)


def test_tiers_in_the_numeraire_see_the_value():
    terms = AssetTerms(up_to=(150.0,), weight=(1.0, 0.5), tiers_in="numeraire")

    assert 175.0 == collateral_value(terms, np.array(2.0), 100.0)


def test_nothing_beyond_the_cap_counts():
    in_asset = AssetTerms(up_to=(), weight=(0.5,), cap=3.0)
    in_value = AssetTerms(up_to=(), weight=(0.5,), tiers_in="numeraire", cap=3.0)

    assert (150.0, 1.5) == (collateral_value(in_asset, np.array(8.0), 100.0),
                            collateral_value(in_value, np.array(8.0), 100.0))


def test_a_listed_schedule_knows_codes_in_capitals_and_nothing_else():
    schedule = listed_schedule({"btc": TIERED}, "USD")

    assert TIERED == terms_of(schedule, "BTC")
    assert (0.0, 7.0) == (collateral_value(terms_of(schedule, "ETH"), np.array(7.0), 1.0),
                          collateral_value(terms_of(schedule, "USD"), np.array(7.0), 1.0))


def test_unlisted_assets_count_by_the_terms_for_others_and_the_numeraire_whole():
    schedule = CollateralSchedule(numeraire="USD", assets={"BTC": TIERED}, other=None)
    half = AssetTerms(up_to=(), weight=(0.5,))
    open_to_all = CollateralSchedule(numeraire="USD", assets={}, other=half)

    assert [(0.9, 0.5, 0.1), (1.0,), (0.0,)] == [
        terms_of(schedule, code).weight for code in ("BTC", "USD", "DOGE")]
    assert half == terms_of(open_to_all, "DOGE")


@pytest.mark.parametrize(("terms", "named"), [
    ({"up_to": (5.0, 2.0), "weight": (1.0, 0.5)}, "up_to"),
    ({"up_to": (0.0,), "weight": (1.0,)}, "up_to"),
    ({"up_to": (float("nan"),), "weight": (1.0,)}, "up_to"),
    ({"up_to": (1.0, 2.0, 3.0), "weight": (1.0,)}, "weight"),
    ({"up_to": (), "weight": ()}, "weight"),
    ({"up_to": (), "weight": (-0.1,)}, "weight"),
    ({"up_to": (), "weight": (float("nan"),)}, "weight"),
    ({"up_to": (), "weight": (1.0,), "tiers_in": "coins"}, "tiers_in"),
    ({"up_to": (), "weight": (1.0,), "cap": -1.0}, "cap"),
    ({"up_to": (), "weight": (1.0,), "cap": float("nan")}, "cap"),
])
def test_terms_without_meaning_are_refused_by_name(terms, named):
    with pytest.raises(BadInput) as refused:
        AssetTerms(**terms)

    assert named in {f.subject for f in refused.value.failures}


def test_odd_weights_are_named_and_computed():
    odd = CollateralSchedule(numeraire="USD", other=None, assets={
        "BTC": AssetTerms(up_to=(1.0,), weight=(0.5, 0.9)),
        "ETH": AssetTerms(up_to=(), weight=(1.25,))})

    assert [("BTC", "odd parameter: weight 0.9 of a larger amount above 0.5 of BTC"),
            ("ETH", "odd parameter: weight 1.25 above 1 of ETH")] == list(odd.oddities())
    assert 125.0 == collateral_value(odd.assets["ETH"], np.array(1.0), 100.0)


def test_a_schedule_is_read_from_parameters_with_every_violation():
    with pytest.raises(BadInput) as refused:
        parameters_of(MODEL, AS_OF, {"collateral": {"numeraire": "USD", "other": {
            "up_to": [3, 2], "weight": [1, 1]}, "assets": {"BTC": {"weight": ["x"]}}}})

    assert {"parameters.collateral.assets.BTC.weight", "parameters.collateral.other.up_to"} == {
        f.subject for f in refused.value.failures}


def test_terms_for_other_assets_may_be_read_or_absent():
    schedule = parameters_of(MODEL, AS_OF).parameters.collateral
    changed = parameters_of(MODEL, AS_OF, {"collateral": {"other": {
        "up_to": [], "weight": [0.25]}}}).parameters.collateral

    assert (None, (0.25,)) == (schedule.other, changed.other.weight)
    assert (1.0, 3.0) == schedule.assets["BTC"].up_to


def test_a_value_cap_bounds_what_counts_not_what_is_owed():
    terms = AssetTerms(up_to=(20.0,), weight=(0.75,), value_cap=1_000_000.0)

    assert [750_000.0, 1_000_000.0, -100_000.0] == collateral_value(
        terms, np.array([10.0, 30.0, -1.0]), 100_000.0).tolist()
