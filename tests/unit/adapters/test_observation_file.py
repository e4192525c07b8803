"""What a backtest keeps comes back bit for bit, and only to the question that was asked."""

import json

import numpy as np
import pytest

from counterpoise.adapters.observation_file import append, begin
from counterpoise.backtest.law import STEPS
from counterpoise.backtest.replay import Observation
from counterpoise.values.failure import BadInput

_TAIL = np.concatenate([np.full((1, STEPS), np.nan), np.arange(1.0, STEPS + 1)[None] / 3])


def _observation(at: int) -> Observation:
    numbers = np.array([0.1 + at, 1 / 3])
    return Observation(at=at, until=at + 1, portfolios=("a", "b"), initial=numbers,
                       maintenance=numbers, raw=np.array([np.nan, 1.0]), buffered=numbers,
                       quantile=numbers, tail_mean=numbers, transform=numbers, loss=-numbers,
                       beyond=numbers, tail=_TAIL if at == 1 else np.full((2, STEPS), np.nan),
                       no_law="" if at == 1 else "its scenarios are a grid",
                       shortfall=0 * numbers, shortfall_maintenance=0 * numbers,
                       worst=("", "-16 %"), failure=("", "no mark"))


def test_observations_come_back_bit_for_bit(tmp_path):
    path = str(tmp_path / "kept.jsonl")
    assert {} == begin(path, {"q": 1})
    append(path, "m", (_observation(1), _observation(2)))
    append(path, "n", (_observation(1),))

    assert {"m": (_observation(1), _observation(2)), "n": (_observation(1),)} == begin(
        path, {"q": 1})


def test_line_that_was_cut_off_is_written_again(tmp_path):
    path = tmp_path / "kept.jsonl"
    begin(str(path), {"q": 1})
    append(str(path), "m", (_observation(1), _observation(2)))
    path.write_bytes(path.read_bytes()[:-40])

    assert {"m": (_observation(1),)} == begin(str(path), {"q": 1})
    append(str(path), "m", (_observation(2),))
    assert {"m": (_observation(1), _observation(2))} == begin(str(path), {"q": 1})


def test_answer_to_another_question_is_refused(tmp_path):
    path = str(tmp_path / "kept.jsonl")
    begin(path, {"q": 1})

    with pytest.raises(BadInput, match="another question"):
        begin(path, {"q": 2})


def test_file_that_is_something_else_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n")

    with pytest.raises(BadInput):
        begin(str(path), {"q": 1})
    with pytest.raises(BadInput, match="cannot be used"):
        begin(str(tmp_path / "absent" / "kept.jsonl"), {"q": 1})


@pytest.mark.parametrize("spoilt", [
    lambda day: {}, lambda day: day | {"at": float("inf")}, lambda day: day | {"loss": [1.0]},
    lambda day: day | {"loss": ["x", "y"]}, lambda day: day | {"loss": [10 ** 400, 1]},
    lambda day: {name: day[name] for name in day if name != "tail"}])
def test_a_line_that_is_no_day_is_refused_by_its_number(tmp_path, spoilt):
    path = tmp_path / "kept.jsonl"
    begin(str(path), {"q": 1})
    append(str(path), "m", (_observation(1), _observation(2)))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], json.dumps(spoilt(json.loads(lines[2])))]) + "\n")

    with pytest.raises(BadInput, match="line 3: is no day of a backtest"):
        begin(str(path), {"q": 1})


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[" * 100_000])
def test_bytes_that_are_no_line_are_refused_by_their_number(tmp_path, line):
    path = tmp_path / "kept.jsonl"
    begin(str(path), {"q": 1})
    path.write_bytes(path.read_bytes() + line + b"\n")

    with pytest.raises(BadInput, match="line 2: is no day of a backtest"):
        begin(str(path), {"q": 1})


def test_a_day_that_stands_twice_is_not_counted_twice(tmp_path):
    path = str(tmp_path / "kept.jsonl")
    begin(path, {"q": 1})
    append(path, "m", (_observation(1), _observation(1)))

    with pytest.raises(BadInput, match="line 3: is a second one of its model and day"):
        begin(path, {"q": 1})
