"""The worst cell in words."""

from types import SimpleNamespace

import numpy as np
import pytest

from counterpoise.margin.requirement import WorstScenarios
from counterpoise.margin.worst import WorstScenario, in_words, worst_scenarios
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.frozen import replaced
from small_market import scenarios


def cell(move: float, state: str) -> WorstScenario:
    return WorstScenario(unit="btc_btc", label="", price_move=move, vol_state=state, side="left",
                         table="standard", index=1, bucket=1, loss=1.0, scenario=1)


@pytest.mark.parametrize(("move", "state", "words"), [
    (-0.16, "up", "-16 %, vol up"), (0.08, "same", "+8 %, vol unchanged"),
    (0.005, "down", "+0.5 %, vol down"), (0.0, "up", "price unchanged, vol up"),
    (5.0, "up", "+500 %, vol up")])
def test_worst_cell_is_said_as_a_trader_says_it(move, state, words):
    assert words == in_words(cell(move, state))


def test_worst_cell_of_a_finer_factor_is_that_of_its_underlying():
    given = scenarios(move=(0.0, 0.1, -0.1))
    moves = np.array([[0.0, 0.0, 0.0], [0.2, 0.1, 0.05], [-0.2, -0.1, -0.05]])
    factors = ("ETH 28JUN24", "BTC 28JUN24", "BTC 27SEP24")
    finer = replaced(given, factors=factors, move=moves, vol_shift=0 * moves,
                     vol_rules=given.vol_rules * 3)
    arrays = RiskArrays(scenarios=finer, sequence=1, failed=np.zeros(0, np.bool_),
                        **dict.fromkeys(("value", "pnl", "delta", "black_delta"), np.zeros(0)))
    nothing = np.zeros(1, np.int32)
    worst = WorstScenarios(units=("btc_btc",), row=nothing, unit=nothing, loss=np.ones(1),
                           scenario=np.array([2], np.int32))

    assert -0.1 == worst_scenarios(SimpleNamespace(worst=worst), (arrays,))[0][0].price_move
