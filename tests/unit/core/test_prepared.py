"""The prepared account of the core: the same bits everywhere, wrong arguments are named."""

from typing import Any

import numpy as np
import pytest

from counterpoise import _core

INSTRUMENTS, UNITS, SEGMENTS = 6, 2, 3


def market(scenarios: int, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    good = {"pnl": rng.standard_normal((INSTRUMENTS, scenarios)),
            "unit": np.array([0, 0, 0, 1, 1, -1], np.int32),
            "segment": np.array([0, 0, 1, 2, 2, 2], np.int32),
            "flag": np.array([0, 0, 1, 0, 0, 0], np.uint8),
            "columns": rng.uniform(0, 1, (INSTRUMENTS, 4)),
            "size_rule": np.array([[0.1, 1.0, 0.5, 2.0], [0.2, 3.0, 0.4, 1.0]]),
            "weight": np.where(np.arange(scenarios) < 33, 1.0, 0.7) * np.ones((UNITS, 1)),
            "dampener": rng.uniform(0, 0.1, (UNITS, scenarios)) * [[0.0], [1.0]],
            "gain_factor": np.array([0.5, 1.0]), "gain_cap": np.array([1.0, np.inf]),
            "dampen_first": False, "factor": 0.8}
    return good | changes


def account(scenarios: int, sides: int = 3, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    rows = sides * UNITS
    good = {"raw": rng.standard_normal((rows, scenarios)), "charge": rng.random(rows),
            "net": rng.standard_normal(rows), "owned": rng.random(rows), "rest": rng.random(rows),
            "carried": np.array([[3.0, -4, 0, 0, 5, 0]] * sides),
            "segment_net": rng.standard_normal((sides, SEGMENTS)), "fixed": np.array([0.1, 0.2]),
            "pointer": np.array([0, 2, 3]), "instrument": np.array([0, 1, 4], np.int32),
            "lots": np.array([3, -4, 5])}
    return good | changes


def prepared(given: dict[str, Any], held: dict[str, Any]) -> Any:
    return _core.Prepared(_core.PreparedMarket(5, given), held)


def answers(scenarios: int, threads: int = 1) -> bytes:
    """Return the bits of every answer to orders in every instrument."""
    made = prepared(market(scenarios), account(scenarios))
    at = np.repeat(np.arange(INSTRUMENTS, dtype=np.int32), 200)
    lots = np.tile(np.arange(-100, 100), INSTRUMENTS)
    again = [made.worst_again(int(k), int(q), 5) for k, q in zip(at, lots, strict=True)]
    every = (*made.effects(at, lots, 5, threads), np.array(again))
    return b"".join(np.where(np.isnan(a), np.nan, a).tobytes() for a in every)


@pytest.mark.parametrize("scenarios", [0, 1, 7, 8, 9, 40, 41, 48, 100])
def test_flavours_and_threads_change_no_bit(scenarios):
    before, expected = _core.isa()["active"], answers(scenarios)
    try:
        for flavour in _core.isa()["available"]:
            _core.use_isa(flavour)
            assert answers(scenarios) == expected
    finally:
        _core.use_isa(before)
    assert answers(scenarios, threads=3) == expected


@pytest.mark.parametrize("scenarios", [1, 7, 35, 100])
def test_the_worst_is_that_of_the_added_row(scenarios):
    given, held = market(scenarios), account(scenarios)
    made = prepared(given, held)
    for k, unit in ((0, 0), (1, 0), (3, 1)):
        for lots in (-3, 0, 2):
            v = (held["raw"][unit] + lots * given["pnl"][k]) * given["weight"][unit]
            v = v - np.sign(v) * np.minimum(given["dampener"][unit], np.abs(v))
            assert made.worst(k, lots, 5) == pytest.approx(max(0.0, -v.min()), abs=1e-13)


def test_an_instrument_without_unit_or_number_has_none():
    made = prepared(market(9), account(9))

    assert all(np.isnan(call(k, 1, 5)) for k in (2, 5) for call in (
        made.worst, made.worst_again, made.initial, made.maintenance))


WRONG = [
    ({"pnl": np.zeros((2, 9, 1))}, {}, "pnl must have 2 axes"),
    ({"unit": np.full(INSTRUMENTS, 2, np.int32)}, {}, "unit must index the rows of size_rule"),
    ({"segment": np.full(INSTRUMENTS, 3, np.int32)}, {}, "segment must index"),
    ({"segment": np.full(INSTRUMENTS, -1, np.int32)}, {}, "segment must index"),
    ({"size_rule": np.zeros((2, 3))}, {}, "size_rule must have 4 columns"),
    ({"weight": np.zeros((2, 8))}, {}, "weight must have shape (2, 9)"),
    ({}, {"raw": np.zeros((3, 9))}, "raw must have a row per side and unit"),
    ({}, {"raw": np.zeros((0, 9))}, "raw must have a row per side and unit"),
    ({}, {"carried": np.zeros((3, 2))}, "carried must have a row per side"),
    ({}, {"segment_net": np.zeros((2, 3))}, "segment_net must have a row per side"),
    ({}, {"pointer": np.array([0, 2, 4])}, "pointer must start at 0 and end at"),
    ({}, {"instrument": np.array([0, 1, 6], np.int32)}, "instrument must index"),
]


@pytest.mark.parametrize(("of_market", "of_account", "sentence"), WRONG)
def test_wrong_arrays_are_refused_by_name(of_market, of_account, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        prepared(market(9, **of_market), account(9, **of_account))

    assert sentence in str(caught.value)


def test_wrong_calls_are_refused():
    made = prepared(market(9), account(9))

    assert made.sequence() == 5
    for k in (-1, INSTRUMENTS, 2**40):
        with pytest.raises(ValueError, match="instrument must lie between 0 and 5"):
            made.initial(k, 1, 5)
    with pytest.raises(ValueError, match="lots must lie within"):
        made.worst_again(0, 2**62 + 1, 5)
    whale = prepared(market(9), account(9, lots=np.array([2**63 - 1, 4, 5])))
    with pytest.raises(ValueError, match="the lots held must lie within"):
        whale.worst_again(0, 1, 5)
    with pytest.raises(ValueError, match="instrument must index"):
        made.effects(np.array([6], np.int32), np.array([1]), 5)
    with pytest.raises(KeyError):
        prepared({}, account(9))


def test_an_empty_axis_cannot_hide_a_huge_one():
    wide = {"pnl": np.empty((0, 2**59)), "unit": np.zeros(0, np.int32),
            "segment": np.zeros(0, np.int32), "flag": np.zeros(0, np.uint8),
            "columns": np.zeros((0, 4)), "size_rule": np.zeros((32, 4)), "weight": None,
            "dampener": None, "gain_factor": None, "gain_cap": None}

    with pytest.raises(ValueError, match="at most 16777216 scenarios"):
        prepared(market(9, **wide), account(9))


def test_what_it_was_made_from_may_go_and_change():
    given, held = market(9), account(9)
    made = prepared(given, held)
    before = made.initial(0, 1, 5)
    given["unit"][:] = 99
    held["instrument"][:] = 99
    given.clear()
    held.clear()

    assert made.initial(0, 1, 5) == before
