"""Arguments of the core: a wrong one is named in a sentence, an empty one is fine, none crashes."""

from typing import Any

import numpy as np
import pytest

from counterpoise import _core


def grid(count: int = 4, **changes: Any) -> dict[str, Any]:
    good = {
        "kind": np.full(count, 3, np.uint8), "mode": np.zeros(count, np.uint8),
        "right": np.ones(count, np.int8), "unit": np.ones(count), "price": np.full(count, 100.0),
        "shock_base": np.full(count, 100.0), "strike": np.full(count, 90.0),
        "years": np.full(count, 0.5), "volatility": np.full(count, 0.4), "rate": np.zeros(count),
        "factor": np.zeros(count, np.int32), "move": np.array([[0.0], [0.1], [-0.1]]),
        "vol_shift": np.zeros((3, 1)), "years_shift": np.zeros(3),
        "rules": np.array([[1.0, 0.3, 0.5, 30, 1, 0, 0]])}
    return good | changes


def book(**changes: Any) -> dict[str, Any]:
    good = {"pointer": np.array([0, 2, 3]), "key": np.array([0, 1], np.int32),
            "instrument": np.array([0, 1, 1], np.int32), "lots": np.array([1, -2, 3]),
            "pnl": np.array([[0.0, 1.0, -1.0], [0.0, 2.0, -3.0]])}
    return good | changes


WRONG_GRIDS = [
    ("dtype", {"price": np.ones(4, np.float32)}, TypeError, "price must have dtype float64"),
    ("list", {"price": [1.0, 2.0]}, TypeError, "price must be a NumPy array"),
    ("none", {"strike": None}, TypeError, "incompatible function arguments"),
    ("length", {"years": np.ones(5)}, ValueError, "years must have 4 entries, not 5"),
    ("axes", {"move": np.zeros(3)}, ValueError, "move must have 2 axes, not 1"),
    ("shape", {"vol_shift": np.zeros((3, 2))}, ValueError, "vol_shift must have shape (3, 1)"),
    ("strides", {"price": np.ones(8)[::2]}, ValueError, "price must be C-contiguous"),
    ("order", {"move": np.zeros((3, 2), order="F"), "vol_shift": np.zeros((3, 2)),
               "rules": np.zeros((2, 7))}, ValueError, "move must be C-contiguous"),
    ("factor", {"factor": np.array([0, 0, 1, 0], np.int32)}, ValueError, "factor must index"),
    ("negative factor", {"factor": np.array([0, 0, -1, 0], np.int32)}, ValueError,
     "factor must index"),
    ("rules", {"rules": np.zeros((1, 6))}, ValueError, "rules must have shape (1, 7)"),
    ("smile", {"smile": np.zeros((4, 4))}, ValueError, "smile must have shape (4, 5), not (4, 4)"),
    ("threads", {"threads": 0}, ValueError, "threads must lie between 1 and 1024, not 0"),
]


@pytest.mark.parametrize(("changes", "error", "sentence"), [row[1:] for row in WRONG_GRIDS],
                         ids=[row[0] for row in WRONG_GRIDS])
def test_a_wrong_grid_is_refused_by_name(changes, error, sentence):

    with pytest.raises(error) as caught:
        _core.price_grid(**grid(**changes))

    assert sentence in str(caught.value)


WRONG_BOOKS = [
    ("start", {"pointer": np.array([1, 2, 3])}, "pointer must start at 0"),
    ("end", {"pointer": np.array([0, 2, 4])}, "pointer must start at 0 and end at"),
    ("falling", {"pointer": np.array([0, 5, 3])}, "pointer must not fall"),
    ("no pointer", {"pointer": np.zeros(0, np.int64)}, "pointer must start at 0"),
    ("instrument", {"instrument": np.array([0, 1, 2], np.int32)}, "instrument must index"),
    ("negative instrument", {"instrument": np.array([0, 1, -1], np.int32)}, "instrument must"),
    ("lots", {"lots": np.array([1, 2])}, "lots must have 3 entries, not 2"),
    ("keys", {"key": np.zeros(3, np.int32)}, "key must have 2 entries, not 3"),
    ("key", {"weight": np.ones((1, 3))}, "key must index the rows of the transforms"),
    ("weight", {"weight": np.ones((2, 4))}, "a column per scenario, 3"),
    ("cap alone", {"gain_cap": np.ones(2)}, "come together"),
    ("uneven", {"weight": np.ones((2, 3)), "dampener": np.ones((3, 3))}, "one row per key"),
]


@pytest.mark.parametrize("function", [_core.worst_loss, _core.loss_vectors],
                         ids=lambda function: function.__name__)
@pytest.mark.parametrize(("changes", "sentence"), [row[1:] for row in WRONG_BOOKS],
                         ids=[row[0] for row in WRONG_BOOKS])
def test_a_wrong_book_is_refused_by_name(changes, sentence, function):

    with pytest.raises(ValueError, match=".") as caught:
        function(**book(**changes))

    assert sentence in str(caught.value)


@pytest.mark.parametrize(("changes", "sentence"), [
    *(row[1:] for row in WRONG_BOOKS), ({"rank": 0}, "rank must lie between 1 and the 3 scenarios"),
    ({"rank": 4}, "rank must lie between 1"), ({"first": 1, "rank": 3}, "and the 2 scenarios"),
    ({"first": 3}, "first must be a scenario of pnl, from 0 to 2"), ({"first": -1}, "first must"),
    ({"threads": 0}, "threads must lie between"), ({"pnl": np.zeros((2, 0))}, "first must be")])
def test_wrong_tails_are_refused_by_name(changes, sentence):

    with pytest.raises(ValueError, match=".") as caught:
        _core.tails(**({"rank": 1} | book(**changes)))

    assert sentence in str(caught.value)


def segments(**changes: Any) -> dict[str, Any]:
    good = {"segments": np.array([0, 2, 3]), "key": np.array([0, 1], np.int32),
            "positions": np.array([0, 1, 2, 3]), "segment": np.array([0, 1, 1], np.int32),
            "instrument": np.array([0, 1, 1], np.int32), "quantity": np.array([1.0, -2.0, 0.5]),
            "pnl": np.array([[0.0, 1.0, -1.0], [0.0, 2.0, -3.0]])}
    return good | changes


SCALE = {"up": np.ones((2, 3)), "down": np.ones((2, 3)), "cap": np.ones(2)}


@pytest.mark.parametrize("function", [_core.worst_of_segments, _core.vectors_of_segments],
                         ids=lambda function: function.__name__)
@pytest.mark.parametrize(("changes", "sentence"), [
    ({"segments": np.array([0, 2, 4])}, "segments must start at 0 and end at the number of seg"),
    ({"segments": np.array([0, 4, 3])}, "segments must not fall"),
    ({"positions": np.array([0, 1, 3, 2])}, "positions must start at 0 and end at the number of p"),
    ({"segment": np.zeros(2, np.int32)}, "segment must have 3 entries, not 2"),
    ({"quantity": np.zeros(2)}, "quantity must have 3 entries, not 2"),
    ({"instrument": np.array([0, 2, 1], np.int32)}, "instrument must index the rows"),
    ({"key": np.zeros(3, np.int32)}, "key must have 2 entries, not 3"),
    ({"state": np.array([0, 1], np.int32)}, "state must have 3 entries, not 2"),
    ({"state": np.array([0, 0, 1], np.int32)}, "state 0 must be the unshocked scenario alone"),
    ({"state": np.array([0, 2, 2], np.int32)}, "state must count from 0"),
    ({"state": np.array([1, 2, 2], np.int32)}, "state must count from 0"),
    ({"state": np.array([0, 1, 0], np.int32)}, "state must count from 0"),
    ({"state": np.array([0, 1, 1], np.int32)} | SCALE, "up must have shape (2, 2), not (2, 3)"),
    (SCALE | {"cap": None}, "up, down and cap come together or not at all"),
    (SCALE | {"down": np.ones((1, 3))}, "down must have shape (2, 3), not (1, 3)"),
    (SCALE | {"cap": np.ones(3)}, "cap must have 2 entries, not 3"),
    (SCALE | {"segment": np.array([0, 2, 1], np.int32)}, "segment must index the rows of up"),
    (SCALE | {"base": np.ones(3)}, "base must have 2 entries, not 3"),
    ({"base": np.ones(2)}, "base comes with up, down and cap"),
    ({"absolute": np.ones(2, np.uint8)}, "absolute must have 3 entries, not 2"),
    ({"weight": np.ones((2, 4))}, "a column per scenario, 3"),
    ({"weight": np.ones((1, 3))}, "key must index the rows of the transforms"),
    ({"threads": 0}, "threads must lie between 1 and 1024, not 0")])
def test_wrong_segments_are_refused_by_name(changes, sentence, function):

    with pytest.raises(ValueError, match=".") as caught:
        function(**segments(**changes))

    assert sentence in str(caught.value)


def test_no_scenarios_of_segments_lose_nothing():
    loss, state = _core.worst_of_segments(**segments(pnl=np.zeros((2, 0))))

    assert loss.tolist() == [0.0, 0.0] and state.tolist() == [0, 0]


def test_a_book_of_the_wrong_dtype_is_refused():

    with pytest.raises(TypeError, match="lots must have dtype int64"):
        _core.worst_loss(**book(lots=np.array([1.0, 2.0, 3.0])))


def test_grouping_refuses_an_instrument_without_a_key():

    with pytest.raises(ValueError, match="instrument must index key"):
        _core.group(row_pointer=np.array([0, 1]), instrument=np.array([3], np.int32),
                    key=np.zeros(3, np.int32))


def test_exposures_refuse_an_instrument_without_a_column():

    with pytest.raises(ValueError, match="instrument must index the rows of columns"):
        _core.exposures(pointer=np.array([0, 1]), instrument=np.array([3], np.int32),
                        lots=np.array([1]), columns=np.zeros((3, 2)))


def test_an_unknown_flavour_is_refused():

    with pytest.raises(ValueError, match="cannot run the flavour sse9"):
        _core.use_isa("sse9")


def test_nothing_to_price_gives_nothing():
    value, pnl, failed = _core.price_grid(**grid(0))

    assert (value.shape, pnl.shape, failed.shape) == ((0,), (0, 3), (0,))


def test_no_scenarios_still_give_a_value():
    empty = {"move": np.zeros((0, 1)), "vol_shift": np.zeros((0, 1)), "years_shift": np.zeros(0)}

    value, pnl, failed = _core.price_grid(**grid(**empty))

    assert pnl.shape == (4, 0) and np.isfinite(value).all() and not failed.any()


def test_an_empty_book_loses_nothing():
    nothing = book(pointer=np.zeros(1, np.int64), key=np.zeros(0, np.int32),
                   instrument=np.zeros(0, np.int32), lots=np.zeros(0, np.int64))

    loss, scenario = _core.worst_loss(**nothing)

    assert loss.shape == scenario.shape == (0,)


def test_an_empty_row_loses_nothing_in_scenario_zero():
    loss, scenario = _core.worst_loss(**book(pointer=np.array([0, 0, 3])))

    assert (loss[0], scenario[0]) == (0.0, 0)


def test_no_scenarios_and_no_instruments_lose_nothing():
    loss, scenario = _core.worst_loss(**book(pnl=np.zeros((2, 0))))

    assert loss.tolist() == [0.0, 0.0] and scenario.tolist() == [0, 0]


@pytest.mark.parametrize("name", ["weight", "dampener"])
def test_transforms_of_no_scenarios_are_not_read(name):
    none = {"pnl": np.zeros((2, 0)), name: np.zeros((2, 0))}
    loss, scenario = _core.worst_loss(**book(**none))

    assert ([0.0, 0.0], [0, 0]) == (loss.tolist(), scenario.tolist())


def test_an_empty_book_has_no_groups():
    pointer, account, key, order = _core.group(
        row_pointer=np.zeros(4, np.int64), instrument=np.zeros(0, np.int32),
        key=np.zeros(0, np.int32))

    assert (pointer.tolist(), len(account), len(key), order) == ([0], 0, 0, None)


def test_read_only_arrays_are_welcome():
    given = grid()
    for column in given.values():
        column.flags.writeable = False

    assert not _core.price_grid(**given)[2].any()


@pytest.mark.parametrize("name", ["unit", "price", "shock_base", "strike", "years", "volatility",
                                  "rate"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_fails_its_row_alone(name, bad):
    column = grid()[name].copy()
    column[2] = bad

    value, pnl, failed = _core.price_grid(**grid(**{name: column}))

    assert failed.tolist() == [False, False, True, False]
    assert np.isnan(value[2]) and np.isnan(pnl[2]).all() and np.isfinite(np.delete(pnl, 2, 0)).all()


@pytest.mark.parametrize("name", ["price", "strike", "years", "volatility"])
def test_a_negative_number_fails_its_row_alone(name):
    column = grid()[name].copy()
    column[1] = -1.0

    failed = _core.price_grid(**grid(**{name: column}))[2]

    assert failed.tolist() == [False, True, False, False]


def test_a_move_that_takes_the_forward_below_zero_fails_the_row():
    base = np.array([100.0, 100.0, 300.0, 100.0])

    failed = _core.price_grid(**grid(shock_base=base, move=np.array([[0.0], [0.1], [-0.5]])))[2]

    assert failed.tolist() == [False, False, True, False]
