"""The buffer holds while the model rises, follows when used up, and never exceeds its size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.margin.terms.buffer import charge, charged


def test_the_rule_by_hand():
    """100, then up 10 %, up to 130, down to 90: 125, 125, 130, 112.5."""
    series = np.array([100.0, 110.0, 130.0, 90.0])

    assert [125.0, 125.0, 130.0, 112.5] == charged(series, 0.25).tolist()


def test_a_step_is_the_series_one_step_on():
    series = np.random.default_rng(6).lognormal(5, 0.2, (60, 4))
    whole, last = charged(series, 0.25), np.full(4, np.nan)
    for step, model in enumerate(series):
        last = charge(model, last, 0.25)

        assert np.array_equal(last, whole[step])


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=40), st.floats(0, 2))
def test_the_charge_lies_between_the_model_and_the_model_with_its_buffer(model, size):
    series = np.array(model)
    found = charged(series, size)

    assert np.all(found >= series * (1 - 1e-12))
    assert np.all(found <= series * (1 + size) * (1 + 1e-12) + 1e-300)


def test_no_buffer_charges_the_model():
    series = np.array([3.0, 1.0, 2.0])

    assert np.array_equal(series, charged(series, 0.0))


def test_it_lowers_the_ratio_of_peak_to_trough_of_what_rises_by_its_size():
    series = np.array([100.0, 105.0, 112.0, 120.0, 125.0])

    assert charged(series, 0.25).max() / charged(series, 0.25).min() == pytest.approx(1.0)
