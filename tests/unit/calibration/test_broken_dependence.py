"""Does a broken dependence change the order of moves and nothing else?"""

import numpy as np
import pytest
from scipy.stats import spearmanr

from counterpoise.calibration.broken_dependence import broken_correlation, reordered
from counterpoise.scenarios.factors import factor_named
from counterpoise.values.failure import BadInput
from joint_moves import joint_moves

NAMES = ("BTC price", "ETH price", "SOL price", "BTC vol")
FACTORS = tuple(map(factor_named, NAMES))
R = np.array([[1.0, 0.8, 0.5, -0.6], [0.8, 1.0, 0.4, -0.5], [0.5, 0.4, 1.0, -0.3],
              [-0.6, -0.5, -0.3, 1.0]])


def moves():
    draws = np.random.default_rng(1).standard_t(4, (4000, 4)) @ np.linalg.cholesky(R).T
    return joint_moves(NAMES, 0.01 * draws)


@pytest.mark.parametrize("name", ["all_up", "hedge_broken"])
def test_every_factor_keeps_its_moves(name):
    before = moves()
    after = reordered(before, broken_correlation(R, FACTORS, name), degrees=5, seed=1, name=name)

    np.testing.assert_array_equal(np.sort(after.move, axis=0), np.sort(before.move, axis=0))
    assert name in after.method and before.factors == after.factors


def test_ranks_follow_the_changed_correlation():
    up, broken = (reordered(moves(), broken_correlation(R, FACTORS, n), degrees=5, seed=1, name=n)
                  for n in ("all_up", "hedge_broken"))

    assert spearmanr(up.move[:, 0], up.move[:, 2]).statistic > 0.85
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(spearmanr(broken.move[:, a], broken.move[:, b]).statistic) < 0.06
    # What is no pair of prices stays about as it was.
    assert spearmanr(broken.move[:, 0], broken.move[:, 3]).statistic == pytest.approx(-0.57,
                                                                                     abs=0.1)


def test_hedge_across_coins_loses_more_when_it_is_broken_and_less_when_all_go_up():
    before = moves()
    spread = {n: np.std(reordered(before, broken_correlation(R, FACTORS, n), degrees=5, seed=1,
                                  name=n).move[:, :2] @ [1.0, -1.0])
              for n in ("all_up", "hedge_broken")}

    assert spread["all_up"] < np.std(before.move[:, :2] @ [1.0, -1.0]) < spread["hedge_broken"]


def test_unknown_break_and_weighted_moves_are_refused():
    with pytest.raises(BadInput, match="all_up, hedge_broken"):
        broken_correlation(R, FACTORS, "sideways")
    weighted = joint_moves(NAMES, np.zeros((2, 4)), weight=np.array([1.0, 2.0]))
    with pytest.raises(BadInput, match="weigh the same"):
        reordered(weighted, R, degrees=5, seed=1, name="all_up")
