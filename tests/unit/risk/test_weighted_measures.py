"""Tail measures under weights: small examples by hand, and refusals."""

import numpy as np
import pytest

from counterpoise.risk.weighted_measures import (
    expected_shortfall_in,
    value_at_risk_in,
    weighted_tails_of,
)
from counterpoise.values.failure import BadInput

LOSSES = -np.array([[10.0, 8.0, 8.0, 2.0, 1.0, 0.0]])
WEIGHT = np.array([1.0, 1.0, 2.0, 2.0, 2.0, 2.0])
"""The tail of 25 % has the mass 2.5: all of 10, and 1.5 of the 3 at 8."""


def test_value_at_risk_is_the_loss_that_the_level_does_not_exceed():
    tails = weighted_tails_of(LOSSES, weight=WEIGHT, level=0.75)

    assert (8.0, 2.5) == (value_at_risk_in(tails)[0], tails.mass)


@pytest.mark.parametrize(("variant", "expected"), [
    ("weighted", (10 + 1.5 * 8) / 2.5), ("discrete", (10 + 8 + 2 * 8) / 4),
    ("tail_mean", (10 + 3 * 8) / 4)])
def test_each_variant_counts_the_tail_its_way(variant, expected):
    tails = weighted_tails_of(LOSSES, weight=WEIGHT, level=0.75)

    assert expected_shortfall_in(tails, variant)[0] == pytest.approx(expected, rel=1e-15)


def test_ties_are_taken_whole_in_scenario_order_until_the_tail_is_full():
    tails = weighted_tails_of(LOSSES, weight=WEIGHT, level=0.8)

    assert expected_shortfall_in(tails, "discrete")[0] == pytest.approx((10 + 8) / 2, rel=1e-15)


def test_a_scenario_of_no_weight_is_not_there():
    with_it = np.concatenate((LOSSES, [[-99.0]]), axis=1)

    tails = weighted_tails_of(with_it, weight=np.append(WEIGHT, 0.0), level=0.75)

    assert tails == weighted_tails_of(LOSSES, weight=WEIGHT, level=0.75)


@pytest.mark.parametrize(("weight", "level", "words"), [
    (WEIGHT, 1.0, "no level"), (WEIGHT, float("nan"), "no level"), (WEIGHT, 0.99, "hold no tail"),
    (-WEIGHT, 0.75, "weight -1.0"), (WEIGHT * np.nan, 0.75, "weight nan"),
    (0 * WEIGHT, 0.75, "no scenario has a weight")])
def test_what_has_no_tail_is_refused_in_words(weight, level, words):
    with pytest.raises(BadInput, match=words):
        weighted_tails_of(LOSSES, weight=weight, level=level)


def test_an_unknown_variant_is_refused_by_name():
    tails = weighted_tails_of(LOSSES, weight=WEIGHT, level=0.75)

    with pytest.raises(BadInput, match="'coherent' is unknown; it is one of weighted"):
        expected_shortfall_in(tails, "coherent")
