"""Sets of forecasts that may be the best: data in which one knows which are."""

import numpy as np
import pytest

from counterpoise.calibration.model_sets import model_confidence_set, superior_to
from counterpoise.values.failure import BadInput

pytest.importorskip("arch", reason="model sets are computed with the extra `calibration`")
CHANCE = np.random.default_rng(31)
SHARED = CHANCE.standard_normal(600)
SCORES = {"good": SHARED + 0.3 * CHANCE.standard_normal(600),
          "as good": SHARED + 0.3 * CHANCE.standard_normal(600),
          "bad": SHARED + 0.5 + 0.3 * CHANCE.standard_normal(600)}


def test_worse_model_leaves_the_set_and_equal_ones_stay():
    found = model_confidence_set(SCORES, size=0.10, block_days=10, seed=1, paths=500)

    assert ("good", "as good") == found.included
    assert found.p_values["bad"] < 0.05 < min(found.p_values["good"], found.p_values["as good"])


def test_benchmark_is_beaten_by_a_better_model_and_not_by_an_equal_one():
    bad, rest = SCORES["bad"], {"good": SCORES["good"]}

    assert superior_to(bad, rest, block_days=10, seed=1, paths=500) < 0.05
    assert superior_to(SCORES["good"], {"bad": bad}, block_days=10, seed=1, paths=500) > 0.3


def test_same_seed_is_the_same_answer():
    one, two = (model_confidence_set(SCORES, size=0.10, block_days=10, seed=7, paths=300)
                for _ in range(2))

    assert one == two


@pytest.mark.parametrize("scores, size, block", [
    ({"a": np.zeros(50)}, 0.1, 5), ({"a": np.zeros(50), "b": np.zeros(49)}, 0.1, 5),
    ({"a": np.zeros(9), "b": np.zeros(9)}, 0.1, 5), (SCORES, 1.5, 5), (SCORES, 0.1, 0),
    ({"a": np.full(50, np.nan), "b": np.zeros(50)}, 0.1, 5)])
def test_what_cannot_be_compared_is_refused(scores, size, block):
    with pytest.raises(BadInput):
        model_confidence_set(scores, size=size, block_days=block, seed=1)
