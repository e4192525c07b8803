"""Whatever is passed to the core, the process lives: an answer, or an error that Python knows.

Every public function of the core is called, those of tomorrow too: arguments are drawn by the names
that its signature shows. Known names get an array that fits, unless they are spoiled: other shape,
dtype, strides or alignment, not finite, empty, huge, read-only, or no array at all.
"""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core
from spoiled import FLOATS, HUGE, KINDS, REFUSALS, filled, misaligned, spoiled

# Letters name axes, so that arguments of one call fit one another.
SHAPES = {
    "move": (np.float64, "SU"), "vol_shift": (np.float64, "SU"), "years_shift": (np.float64, "S"),
    "rules": (np.float64, "U7"), "factor": (np.int32, "I"), "kind": (np.uint8, "I"),
    "mode": (np.uint8, "I"), "right": (np.int8, "I"), "unit": (np.float64, "I"),
    "price": (np.float64, "I"), "shock_base": (np.float64, "I"), "strike": (np.float64, "I"),
    "years": (np.float64, "I"), "volatility": (np.float64, "I"), "rate": (np.float64, "I"),
    "forward": (np.float64, "I"), "x": (np.float64, "I"), "y": (np.float64, "I"),
    "a": (np.float64, "I"), "b": (np.float64, "I"), "c": (np.float64, "I"),
    "lots": (np.int64, "P"), "pnl": (np.float64, "IS"), "columns": (np.float64, "IC"),
    "weight": (np.float64, "KT"), "dampener": (np.float64, "KT"), "gain_factor": (np.float64, "K"),
    "gain_cap": (np.float64, "K"), "quantity": (np.float64, "P"), "up": (np.float64, "ET"),
    "down": (np.float64, "ET"), "cap": (np.float64, "E"), "base": (np.float64, "I"),
    "absolute": (np.uint8, "T"), "probability": (np.float64, "S"),
    "smile": (np.float64, "I5")}
# Arguments that may be left out, by the name under which it is drawn whether they are.
OPTIONAL = {"weight": "weight", "dampener": "dampener", "gain_factor": "gain", "gain_cap": "gain",
            "state": "state", "up": "scale", "down": "scale", "cap": "scale", "base": "scale",
            "absolute": "absolute", "smile": "smile"}
# Row pointers by what they point into.
POINTERS = {"pointer": "RP", "row_pointer": "RP", "segments": "RG", "positions": "GP"}
FUNCTIONS = {name: re.findall(r"[(,]\s*(\w+):", re.sub(r"\[[^\]]*\]", "", signature[0]))
             for name in dir(_core) if not name.startswith("_")
             for function in [getattr(_core, name)]
             for signature in getattr(function, "__nb_signature__", ())[:1]}


@pytest.fixture(autouse=True)
def same_flavour_afterwards():
    before = _core.isa()["active"]
    yield
    _core.use_isa(before)


def fitting(draw: Any, name: str, axes: dict[str, int]) -> Any:
    if name in POINTERS:
        rows, into = (axes[c] for c in POINTERS[name])
        cuts = np.random.default_rng(rows).integers(0, into + 1, max(0, rows - 1))
        return np.concatenate(([0], np.sort(cuts), [into])).astype(np.int64)
    if name in OPTIONAL and not axes[OPTIONAL[name]]:
        return None
    if name == "state":
        return -(-np.arange(axes["S"]) // 3).astype(np.int32)
    if name in ("instrument", "key") or name == "segment" and axes["segmented"]:
        most, length = {"instrument": "IP", "key": "KR", "segment": "EG"}[name]
        # `group` has a key per instrument, the others one per row.
        length = "I" if name == "key" and axes["grouping"] else length
        return (np.arange(axes[length]) % max(1, axes[most])).astype(np.int32)
    if name == "threads":
        return draw(st.sampled_from([1, 2, 3, 64]))
    if name in ("first", "rank"):
        return draw(st.sampled_from([0, 0, 1, 2]))
    if name in ("mass", "enough"):
        return draw(st.sampled_from(FLOATS))
    if name == "dampen_first":
        return draw(st.booleans())
    if name not in SHAPES:
        kind = draw(st.sampled_from(list(KINDS)))
        return filled(draw, kind, (axes["I"],))
    kind, letters = SHAPES[name]
    return filled(draw, kind, tuple(int(c) if c.isdigit() else axes[c] for c in letters))


@st.composite
def calls(draw: Any) -> tuple[str, dict[str, Any]]:
    name = draw(st.sampled_from(sorted(FUNCTIONS)))
    axes = {c: draw(st.sampled_from([0, 1, 2, 3, 17, 45])) for c in "ISUPRKCGE"}
    axes |= {part: draw(st.integers(0, 1)) for part in sorted(set(OPTIONAL.values()))}
    axes |= {"grouping": name == "group", "segmented": "segments" in FUNCTIONS[name]}
    axes["state"] *= axes["segmented"]
    axes["T"] = (axes["S"] + 4) // 3 if axes["state"] and axes["S"] else axes["S"]
    arguments = {p: fitting(draw, p, axes) for p in FUNCTIONS[name]}
    chosen = st.sampled_from(FUNCTIONS[name] or [""])
    for parameter in draw(st.lists(chosen, max_size=2, unique=True)):
        if parameter in arguments and draw(st.integers(0, 9)) > 0:
            arguments[parameter] = spoiled(draw, arguments[parameter])
        else:
            arguments.pop(parameter, None)
    return name, arguments


def test_the_fuzz_knows_every_function_of_the_core():

    assert {"price_grid", "worst_loss", "group", "exposures", "black76", "exp"} <= set(FUNCTIONS)
    assert "quantity" in FUNCTIONS["worst_of_segments"]
    assert "instrument" in FUNCTIONS["worst_loss"] and "rules" in FUNCTIONS["price_grid"]


@given(calls())
def test_no_argument_crashes_the_core(call):
    name, arguments = call
    try:
        answer = getattr(_core, name)(**arguments)
    except REFUSALS:
        return

    assert name == "use_isa" or answer is not None


@pytest.mark.parametrize("name", ["worst_of_segments", "vectors_of_segments"])
@given(st.data())
def test_unspoiled_segments_are_answered(name, data):
    axes = {c: data.draw(st.sampled_from([1, 2, 3, 17, 45])) for c in "ISUPRKCGE"}
    axes |= {part: data.draw(st.integers(0, 1)) for part in sorted(set(OPTIONAL.values()))}
    axes |= {"grouping": 0, "segmented": 1}
    axes["T"] = (axes["S"] + 4) // 3 if axes["state"] else axes["S"]

    answer = getattr(_core, name)(**{p: fitting(data.draw, p, axes) for p in FUNCTIONS[name]})

    assert len(answer[0]) == axes["R"]


def test_a_misaligned_array_is_refused_by_name():

    with pytest.raises(ValueError, match="x must be aligned"):
        _core.exp(misaligned(np.ones(4)))


@pytest.mark.skipif(not HUGE, reason="a sanitizer forbids what is refused here")
def test_an_empty_axis_cannot_hide_a_huge_one():
    nothing = {"pointer": np.zeros(17, np.int64), "instrument": np.zeros(0, np.int32),
               "lots": np.zeros(0, np.int64)}
    wide = np.empty((0, 2**59))

    with pytest.raises(MemoryError):
        _core.exposures(**nothing, columns=wide)
    with pytest.raises(ValueError, match="at most 16777216 scenarios"):
        _core.worst_loss(**nothing, key=np.zeros(16, np.int32), pnl=wide)
    with pytest.raises(ValueError, match="at most 16777216 scenarios"):
        _core.tails(**nothing, key=np.zeros(16, np.int32), pnl=wide, rank=2**57)
