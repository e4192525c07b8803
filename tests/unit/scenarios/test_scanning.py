"""The sixteen scenarios of SPAN, their pairs and the part of the extreme ones that counts."""

import numpy as np
import pytest

from counterpoise.scenarios.scanning import PAIRED, ScanRange, covered, scanning_scenarios

RANGES = ScanRange(factors=("X tier 1", "X tier 2"), factor_of=np.array([0, 1, 1], np.int32),
                   price=np.array([0.3, 0.15]), volatility=np.array([0.2, 0.1]))
SET = scanning_scenarios(RANGES, extreme_multiplier=2.0, lookahead_days=1.0,
                         volatility_relative=False)


def test_prices_move_by_thirds_up_first_and_then_by_the_extreme_multiple() -> None:
    thirds = [0, 0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3, 6, -6]

    assert SET.move[:, 0].tolist() == pytest.approx([0.1 * t for t in thirds], rel=1e-12)
    np.testing.assert_allclose(SET.move[:, 1], SET.move[:, 0] / 2, rtol=1e-12)


def test_volatility_goes_up_then_down_and_stands_still_in_the_extremes() -> None:
    assert SET.vol_shift[:, 0].tolist() == [0.0, *[0.2, -0.2] * 7, 0.0, 0.0]
    assert not SET.vol_rules[0].relative


def test_a_day_passes_in_all_sixteen() -> None:
    assert SET.time_shift_days.tolist() == [0.0, *[1.0] * 16]


def test_pairs_share_the_price_move_and_not_the_volatility_move() -> None:
    assert np.array_equal(PAIRED[PAIRED], np.arange(17))
    assert np.array_equal(SET.move[PAIRED], SET.move)
    assert np.array_equal(SET.vol_shift[PAIRED], -SET.vol_shift)


def test_only_the_extremes_count_in_part() -> None:
    assert covered(0.35).tolist() == [1.0] * 15 + [0.35] * 2
