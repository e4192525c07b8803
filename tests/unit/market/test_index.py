"""Is an index of several venues what its rule says, and does one wrong venue leave it alone?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.market.index import IndexRule, index_of, weighted_median
from counterpoise.values.failure import BadInput

GOOD = {"weights": {"a": 1, "b": 1, "c": 1}, "age_max_ns": 10**9}


def index(*quotes, weight=None, cap=0.005):
    row = np.array([quotes])
    found = index_of(row, np.array([weight or [1] * len(quotes)]), cap=np.array([cap]))
    return tuple(float(column[0]) for column in found)


def test_index_is_the_mean_of_quotes_capped_around_their_median():
    made, band = index(100.0, 101.0, 99.9)

    assert (100.0 + 100.5 + 99.9) / 3 == pytest.approx(made)
    assert 0.001 == pytest.approx(band)


def test_cap_of_zero_is_the_median_and_weights_move_it():
    assert (100.0, 0.01) == pytest.approx(index(100.0, 101.0, 90.0, cap=0.0))
    assert 101.0 == index(100.0, 101.0, 90.0, weight=[1, 3, 1], cap=0.0)[0]


def test_even_halves_meet_in_the_middle():
    assert 100.5 == index(100.0, 101.0, cap=0.0)[0]


def test_what_has_no_weight_has_no_vote_and_nobody_makes_no_index():
    assert 100.0 == index(100.0, float("nan"), 7.0, weight=[1, 0, 0])[0]
    assert all(np.isnan(index(100.0, 101.0, weight=[0, 0])))


@given(quotes=st.lists(st.floats(99.7, 100.3), min_size=2, max_size=6),
       wrong=st.floats(1e-3, 1e6))
def test_one_venue_arbitrarily_wrong_moves_it_by_less_than_a_percent(quotes, wrong):
    fair, _ = index(*quotes)
    moved, band = index(*quotes, wrong)

    assert abs(moved / fair - 1) < 0.01
    assert band < 0.01


@given(level=st.floats(0.05, 0.95))
def test_fall_at_all_venues_passes_whole(level):
    assert level == pytest.approx(index(*[level] * 4)[0], rel=1e-12)


@given(st.lists(st.tuples(st.floats(1, 100), st.integers(1, 5)), min_size=1, max_size=7))
def test_order_of_venues_does_not_move_the_median(pairs):
    value, weight = (np.array([column]) for column in zip(*pairs, strict=True))

    assert weighted_median(value, weight) == weighted_median(value[:, ::-1], weight[:, ::-1])


@pytest.mark.parametrize(("field", "value", "complaint"), [
    ("weights", {}, "name 1 to 100 venues"), ("weights", {"a": 0}, "weight|must lie between 1"),
    ("age_max_ns", 0, "age_max_ns"), ("sources_min", 4, "sources_min"), ("cap", -0.1, "cap"),
    ("cap", float("nan"), "cap"), ("depth_min", -1.0, "depth_min"), ("band_max", 2.0, "band_max"),
])
def test_rule_that_makes_no_price_is_refused(field, value, complaint):
    with pytest.raises(BadInput, match=complaint):
        IndexRule(**GOOD | {field: value})
