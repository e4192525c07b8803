"""Requirements are compared at the same number of breaches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.backtest.trade_off import breaches_of, scale_to_breaches, trade_off
from counterpoise.values.failure import BadInput


@given(st.integers(0, 39), st.integers(0, 2**32 - 1))
def test_the_factor_leaves_exactly_so_many_breaches(breaches: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    loss, need = chance.normal(size=40), chance.uniform(0.1, 1.0, size=40)
    factor = scale_to_breaches(loss, need, breaches)

    # The day that is just covered may fall to either side of rounding.
    assert breaches_of(loss, factor * need * (1 + 1e-12 * np.sign(factor))) == breaches


def test_a_requirement_at_its_own_breaches_is_scaled_to_the_day_just_covered() -> None:
    loss, need = np.array([0.5, 2.0, 3.0, 1.0]), np.array([1.0, 1.0, 1.0, 2.0])

    assert scale_to_breaches(loss, need, 1) == 2.0
    assert scale_to_breaches(loss, need, 0) == 3.0


def test_the_curve_falls_as_requirements_grow() -> None:
    loss = (np.array([1.0, 3.0]), np.array([2.0]))
    need = (np.array([2.0, 2.0]), np.array([2.0]))
    breaches, mean = trade_off(loss, need, np.array([0.25, 1.0, 1.25, 2.0]))

    assert breaches.tolist() == [3, 1, 1, 0]
    assert mean.tolist() == [0.5, 2.0, 2.5, 4.0]


@pytest.mark.parametrize(("need", "breaches"), [([1.0, 0.0], 0), ([1.0, 1.0], 2), ([1.0], -1)])
def test_what_cannot_be_compared_is_refused(need: list[float], breaches: int) -> None:
    with pytest.raises(BadInput):
        scale_to_breaches(np.ones(len(need)), np.array(need), breaches)
