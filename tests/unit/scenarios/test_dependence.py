"""Another correlation changes which moves meet, never the moves; the base ranks are reused."""

import numpy as np
import pytest

from counterpoise.scenarios.correlation import is_correlation
from counterpoise.scenarios.dependence import (
    all_up,
    hedge_broken,
    redependenced,
    score_correlation,
    towards_independence,
    towards_one,
)
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from joint_moves import joint_moves

NAMES = ("BTC price", "ETH price", "SOL price", "BTC vol")
TARGET = np.array([[1, 0.9, 0.9, -0.4], [0.9, 1, 0.9, -0.3], [0.9, 0.9, 1, -0.2],
                   [-0.4, -0.3, -0.2, 1]])


def _moves(count=3000):
    e = np.random.default_rng(4).standard_normal((count, 4))
    e[:, 1] = 0.5 * e[:, 0] + np.sqrt(0.75) * e[:, 1]
    return joint_moves(NAMES, np.expm1(0.3 * e) * 0.1)


def test_the_moves_of_every_factor_stay_and_their_rank_correlation_is_the_one_asked_for():
    made = redependenced(_moves(), TARGET)

    assert np.array_equal(np.sort(made.move, axis=0), np.sort(_moves().move, axis=0))
    assert np.allclose(score_correlation(made), TARGET, atol=0.02)


def test_the_present_correlation_changes_nothing():
    assert np.array_equal(redependenced(_moves(), score_correlation(_moves())).move,
                          _moves().move)


def test_the_result_is_the_same_every_time_and_says_how_it_was_made():
    made = redependenced(_moves(), TARGET)

    assert made == redependenced(_moves(), TARGET)
    assert made.method.startswith("made for a test; ranks reordered to correlation")


def test_a_factor_that_stands_still_stays():
    still = replaced(_moves(), move=_moves().move * np.array([1, 0, 1, 1]))
    made = redependenced(still, TARGET)

    assert not made.move[:, 1].any()
    assert score_correlation(made)[0, 2] == pytest.approx(0.9, abs=0.02)


def test_all_up_raises_prices_and_hedge_broken_breaks_them():
    base, factors = score_correlation(_moves()), _moves().factors
    up = all_up(base, factors, least=0.9)
    zero, flipped = (hedge_broken(base, factors, broken=how) for how in ("zero", "flipped"))

    assert up[0, 1] > 0.89 and up[1, 2] > 0.89 and abs(up[0, 3] - base[0, 3]) < 0.05
    assert abs(zero[0, 1]) < 1e-6 and flipped[0, 1] == pytest.approx(-base[0, 1], abs=0.05)
    assert all(is_correlation(one) for one in (up, zero, flipped))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_shares_lead_to_one_and_to_independence(share):
    base = score_correlation(_moves())

    assert np.allclose(towards_one(base, share), (1 - share) * base + share)
    assert np.allclose(towards_independence(base, share)[0, 1], (1 - share) * base[0, 1])
    assert is_correlation(towards_one(base, share))


@pytest.mark.parametrize(("count", "weights"), [(4, None), (100, "own")])
def test_scenarios_without_ranks_are_refused(count, weights):
    moves = _moves(count)
    if weights:
        moves = replaced(moves, weight=np.arange(1.0, count + 1))

    with pytest.raises(BadInput, match="ranks to reorder"):
        redependenced(moves, TARGET)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_shares_that_are_none_are_refused(share):
    with pytest.raises(BadInput):
        towards_one(TARGET, share)
