"""The worst cell in words."""

import pytest

from counterpoise.margin.worst import WorstScenario, in_words


def cell(move: float, state: str) -> WorstScenario:
    return WorstScenario(unit="btc_btc", label="", price_move=move, vol_state=state, side="left",
                         table="standard", index=1, bucket=1, loss=1.0, scenario=1)


@pytest.mark.parametrize(("move", "state", "words"), [
    (-0.16, "up", "-16 %, vol up"), (0.08, "same", "+8 %, vol unchanged"),
    (0.005, "down", "+0.5 %, vol down"), (0.0, "up", "price unchanged, vol up"),
    (5.0, "up", "+500 %, vol up")])
def test_worst_cell_is_said_as_a_trader_says_it(move, state, words):
    assert words == in_words(cell(move, state))
