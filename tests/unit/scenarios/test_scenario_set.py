"""A scenario set is valid from birth, and its digest is over all of it."""

import numpy as np
import pytest

from counterpoise.scenarios.scenario_set import factors_of, scenario_digest
from counterpoise.values.frozen import replaced
from small_market import FIXED_RULE, scenarios

CHANGES = {
    "labels": ("unshocked", "1", "2", "3", "4"), "factors": ("ETH",),
    "move": np.array([[0.0], [0.1], [-0.1], [0.3], [-0.31]]),
    "vol_shift": np.array([[0.0], [0.1], [0.0], [0.0], [0.0]]),
    "vol_rules": (replaced(FIXED_RULE, floor_up=0.1),),
    "time_shift_days": np.array([0.0, 1.0, 0.0, 0.0, 0.0]),
    "weight": np.array([0.0, 1.0, 1.0, 1.0, 0.5]),
    "factor_of": np.array([0, 0], np.int32),
    "smile": np.full((2, 5), 0.1),
    "base_spot": "mark", "base_delta_one": "index", "base_option": "mark", "numeraire": "quote",
    "method": "block bootstrap, seed 7",
}


def test_every_field_has_a_change_that_is_tried():
    assert set(scenarios().__fields__) == set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
def test_digest_changes_with_every_field(name):
    changed = scenarios(**{name: CHANGES[name]})

    assert changed != scenarios()
    assert scenario_digest(changed) != scenario_digest(scenarios())


def test_equal_sets_have_equal_digests():
    assert scenarios() == scenarios()
    assert scenario_digest(scenarios()) == scenario_digest(scenarios())
    assert 64 == len(scenario_digest(scenarios()))


def test_factors_belong_to_the_underlying_their_name_begins_with():
    given = scenarios(factors=("BTC",))
    rules = given.vol_rules * 4
    many = replaced(given, factors=("BTC", "BTC 28JUN24", "BTCX", "ETH 28JUN24"), vol_rules=rules,
                    move=np.zeros((5, 4)), vol_shift=np.zeros((5, 4)))

    assert [0] == factors_of(given, "BTC").tolist()
    assert [0, 1] == factors_of(many, "BTC").tolist()
    assert [3] == factors_of(many, "ETH").tolist()
    assert [] == factors_of(many, "SOL").tolist()


def test_length_counts_the_unshocked_world():
    assert 5 == len(scenarios())


@pytest.mark.parametrize("wrong", [
    {"move": np.array([[0.1], [0.1], [-0.1], [0.3], [-0.3]])},
    {"vol_shift": np.array([[0.1], [0.0], [0.0], [0.0], [0.0]])},
    {"weight": np.ones(5)},
    {"time_shift_days": np.ones(5)},
    {"move": np.array([[0.0], [0.1], [-0.1], [0.3], [-1.0]])},
    {"move": np.array([[0.0], [0.1], [-0.1], [0.3], [np.nan]])},
    {"labels": ("too", "few")},
    {"factors": ("BTC", "ETH")},
    {"vol_rules": ()},
    {"factor_of": np.array([0, 1], np.int32)},
    {"factor_of": np.array([-1], np.int32)},
    {"factor_of": np.array([0])},
], ids=["shocked price", "shocked volatility", "weight", "time", "price gone", "not a number",
        "labels", "factors", "rules", "no such factor", "a negative factor", "wide factors"])
def test_set_that_is_none_is_never_made(wrong):
    with pytest.raises(AssertionError):
        scenarios(**wrong)


def test_a_factor_of_unknown_moves_is_unknown_in_all_scenarios_but_the_first():
    move = np.array([[0.0], [np.nan], [np.nan], [np.nan], [np.nan]])

    assert np.isnan(scenarios(move=move).move[1:]).all()
    with pytest.raises(AssertionError):
        scenarios(move=np.array([[0.0], [np.nan], [0.1], [0.1], [0.1]]))
