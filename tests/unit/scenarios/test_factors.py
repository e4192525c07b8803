"""Is a factor named one way, and is a history of moves refused where it is none?"""

import numpy as np
import pytest

from counterpoise.scenarios.factors import (
    Factor,
    FactorHistory,
    JointMoves,
    factor_name,
    factor_named,
)
from counterpoise.values.failure import BadInput

BTC = Factor(subject="BTC", kind="price")
BASIS = Factor(subject="BTC", kind="basis", tenor_days=30)
STAKED = Factor(subject="STETH", kind="peg", against="ETH")


@pytest.mark.parametrize(("factor", "name"), [
    (BTC, "BTC price"), (BASIS, "BTC basis 30"), (STAKED, "STETH peg in ETH"),
    (Factor(subject="BTC", kind="basis"), "BTC basis 0")])
def test_a_name_and_its_factor_are_one(factor, name):
    assert factor_name(factor) == name
    assert factor_named(name) == factor


@pytest.mark.parametrize("name", ["", "BTC", "BTC price 30", "BTC basis 30 7", "BTC mood",
                                  "BTC basis -1", "BTC basis 9999999"])
def test_what_is_no_factor_is_refused(name):
    with pytest.raises(BadInput):
        factor_named(name)


def history(**changes):
    return FactorHistory(**{"factors": (BTC, BASIS), "day": np.array([1, 2]),
                            "move": np.array([[0.1, np.nan], [-0.1, 0.0]]),
                            "source": "made for a test", **changes})


def test_a_gap_is_allowed_in_a_history():
    assert np.isnan(history().move[0, 1])


@pytest.mark.parametrize("changes", [
    {"day": np.array([2, 1])}, {"day": np.array([1, 1])}, {"factors": (BTC, BTC)},
    {"move": np.array([[np.inf, 0.0], [0.0, 0.0]])}, {"move": np.array([[21.0, 0.0], [0.0, 0.0]])}])
def test_a_history_that_is_none_is_refused(changes):
    with pytest.raises(BadInput):
        history(**changes)


@pytest.mark.parametrize("changes", [
    {"move": np.array([[np.nan]])}, {"weight": np.array([-1.0])}, {"weight": np.array([np.nan])},
    {"horizon_days": 0.0}, {"horizon_days": float("nan")}])
def test_joint_moves_are_whole(changes):
    with pytest.raises(BadInput):
        JointMoves(**{"factors": (BTC,), "labels": ("a day",), "move": np.array([[0.1]]),
                      "weight": np.ones(1), "horizon_days": 1.0, "method": "test", **changes})
