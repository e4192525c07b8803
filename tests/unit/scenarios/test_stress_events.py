"""An event reaches every factor of a market: by name, as the others, or it is refused."""

import json

import numpy as np
import pytest

from counterpoise.adapters.stress_events import events_in, named_events, read_events
from counterpoise.risk.arrays import risk_arrays
from counterpoise.scenarios.factors import factor_named
from counterpoise.scenarios.joint import Dynamics, joint_scenarios
from counterpoise.scenarios.stress_events import event_moves, row_of
from counterpoise.values.failure import BadInput
from markets import market

STICKY = Dynamics(smile="sticky_strike", passing_days=0.0, funding="left_out", still=())
FALL = {"name": "fall", "moves": [{"factor": "BTC price", "fraction": -0.2},
                                  {"factor": "other price", "before": 10, "after": 5}],
        "still": ["basis", "vol", "term", "skew", "peg"]}


def test_all_named_events_price_a_whole_market():
    moves = event_moves(named_events(), market(), horizon_days=1.0)
    arrays = risk_arrays(market(), joint_scenarios(moves, market(), STICKY))

    assert not arrays.failed.any() and len(moves.labels) == len(named_events()) - 1
    assert np.exp(row_of(moves, factor_named("BTC price"))[0]) == pytest.approx(3850 / 7900)


def test_what_is_not_named_moves_as_the_others():
    moves = event_moves(events_in([FALL]), market(), horizon_days=1.0)

    assert np.exp(row_of(moves, factor_named("BTC price")))[0] == pytest.approx(0.8)
    assert np.exp(row_of(moves, factor_named("ETH price")))[0] == pytest.approx(0.5)
    assert row_of(moves, factor_named("USDC peg"))[0] == 0.0


def test_an_event_that_says_nothing_of_a_factor_is_refused_by_name():
    with pytest.raises(BadInput, match="fall: says nothing of BTC vol"):
        event_moves(events_in([FALL | {"still": ["basis", "term", "skew", "peg"]}]), market(),
                    horizon_days=1.0)


def test_a_file_of_events_is_read(tmp_path):
    path = tmp_path / "events.json"
    path.write_text(json.dumps({"events": [FALL]}))

    assert read_events(str(path)) == events_in([FALL])


@pytest.mark.parametrize(("change", "sentence"), [
    ({"moves": [{"factor": "BTC price"}]}, "is an object with `factor`"),
    ({"moves": [{"factor": "BTC price", "fraction": -1.5}]}, "above 0"),
    ({"moves": [{"factor": "BTC price", "fraction": float("nan")}]}, "move 1"),
    ({"moves": [{"factor": "BTC fright", "move": 1}]}, "no kind of factor"),
    ({"moves": [{"factor": "BTC skew", "fraction": 0.1}]}, "moves by `move`"),
    ({"moves": [{"factor": "BTC price", "move": 99}]}, "at most 20"),
    ({"moves": [{"factor": "BTC price", "move": 1}] * 2}, "twice"),
    ({"still": ["everything"]}, "stands still"), ({"confidence": "sure"}, "confidence"),
    ({"colour": "red"}, "is no key"), ({"title": 3}, "must be a text"),
    ({"moves": [{"factor": "BTC price", "move": 1, "origin": "rumour"}]}, "origin"),
    ({"name": 3}, "`name`")])
def test_bad_events_are_refused_with_a_sentence(change, sentence):
    with pytest.raises(BadInput, match=sentence):
        events_in([FALL | change])


@pytest.mark.parametrize("document", [{}, [], "x", {"events": {}}, [FALL, FALL]])
def test_documents_without_events_are_refused(document):
    with pytest.raises(BadInput):
        events_in(document)
