"""The common share of all positions, and who bears a shortfall."""

import numpy as np
import pytest

from counterpoise.liquidation.shares import closing_share, socialised_share


def test_the_least_step_below_the_target_is_closed() -> None:
    """MM 100: after a share x, (1 - x) 100 < 0.9 (value - 50 x)."""
    value = np.array([99.0, 90.0, 75.0, 40.0, 120.0])

    # 0.2: 80 < 0.9 x 89; 0.2: 80 > 0.9 x 80, 0.4: 60 < 0.9 x 70; and so on.
    assert closing_share(value, np.full(5, 100.0)).tolist() == pytest.approx(
        [0.2, 0.4, 0.6, 1.0, 0.0])


def test_a_higher_fee_needs_a_larger_share() -> None:
    one = np.array([92.0])

    # 50 %: 80 < 0.9 x 82 fails, 60 < 0.9 x 72 holds; 70 %: 60 < 0.9 x 64 fails, 40 < 45 holds.
    assert closing_share(one, np.array([100.0])).tolist() == pytest.approx([0.4])
    assert closing_share(one, np.array([100.0]), fee=0.7).tolist() == pytest.approx([0.6])


def test_a_missing_number_gives_no_share() -> None:
    assert np.isnan(closing_share(np.array([np.nan, 1.0]), np.array([1.0, np.nan]))).all()


def test_withdrawals_bear_a_shortfall_in_proportion() -> None:
    assert socialised_share(50.0, 950.0) == 0.05
    assert socialised_share(50.0, 1000.0, with_shortfall=False) == 0.05
    assert socialised_share(0.0, 1000.0) == socialised_share(-1.0, 1000.0) == 0.0
    assert socialised_share(10.0, 0.0) == 1.0
