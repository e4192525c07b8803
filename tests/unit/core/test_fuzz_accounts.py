"""Whatever is passed to the kernels of requirements, surfaces and what-if, the process lives.

Their arguments hang together more closely than those of `test_fuzz`: every call here starts from
arguments that fit, which must be answered, and then has some of them spoiled.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core
from spoiled import LONGS, REFUSALS, spoiled

Arguments = dict[str, Any]
SIZES = st.sampled_from([0, 1, 2, 3, 17, 45])


def add_ons(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    rows, instruments, keys = size(), 1 + size(), 1 + size()
    pointer = np.concatenate(([0], np.cumsum(rng.integers(0, 4, rows))))
    return {"pointer": pointer, "key": rng.integers(0, keys, rows).astype(np.int32),
            "instrument": rng.integers(0, instruments, pointer[-1]).astype(np.int32),
            "lots": rng.integers(-9, 9, pointer[-1]), "loss": rng.random(rows),
            "segment": np.zeros(instruments, np.int32), "value": rng.random(instruments),
            "columns": rng.normal(size=(instruments, 4)), "flag": np.zeros(instruments, np.uint8),
            "size_rule": rng.random((keys, 4)), "threads": 2}


def measured(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    arguments = add_ons(size, rng)
    del arguments["loss"]
    instruments, keys = len(arguments["columns"]), len(arguments["size_rule"])
    scenarios = 1 + size()
    return arguments | {"pnl": rng.normal(size=(instruments, scenarios)),
                        "weight": rng.random((keys, scenarios)),
                        "gain_factor": rng.random(keys), "gain_cap": rng.random(keys),
                        "dampener": rng.random((keys, scenarios)), "dampen_first": False}


def layout(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    accounts, instruments = size(), 1 + size()
    pointer = np.concatenate(([0], np.cumsum(rng.integers(0, 4, accounts))))
    return {"row_pointer": pointer, "lots": rng.integers(-9, 9, pointer[-1]),
            "instrument": rng.integers(0, instruments, pointer[-1]).astype(np.int32),
            "unit": rng.integers(0, 3, instruments).astype(np.int32),
            "block": np.array([0, 0, 1], np.int32), "pool": np.array([1, 0, 1], np.int32),
            "start": np.zeros(2, np.int32), "threads": 2,
            "held": rng.integers(0, 2, (accounts, 2)).astype(np.uint8)}


def totals(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    rows = size()
    members = np.concatenate(([0], np.cumsum(rng.integers(0, 3, rows))))
    count = members[-1]
    return {"members": members, "member": np.stack([
                rng.integers(0, most, count) for most in (2, 5, 3, rows)], axis=1,
                dtype=np.int32, casting="unsafe") if count else np.zeros((0, 4), np.int32),
            "blocks": [rng.random((5, 4))] * 2,
            "scenarios": [np.zeros(5, np.int32)] * 2, "rows": None,
            "others": (rng.random(rows), None, rng.random(rows)),
            "failure": np.full(rows, -1, np.int32), "factor": 0.8, "ten_initial": 1e9,
            "ten_maintenance": 1e12, "sums": True, "threads": 2}


def owned(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    accounts, instruments = size(), 1 + size()
    pointer = np.concatenate(([0], np.cumsum(rng.integers(0, 4, accounts))))
    account = np.repeat(np.arange(accounts, dtype=np.int32), 2)
    return {"row_pointer": pointer, "lots": rng.integers(-9, 9, pointer[-1]),
            "instrument": rng.integers(0, instruments, pointer[-1]).astype(np.int32),
            "entry_cost": rng.integers(-99, 99, pointer[-1]), "account": account,
            "pool": np.tile(np.arange(2, dtype=np.int32), accounts),
            "pool_of": rng.integers(0, 2, instruments).astype(np.int32),
            "part_of": np.zeros(instruments, np.int32), "values": rng.normal(size=instruments),
            "has_entry": np.ones(instruments, np.uint8), "asset_of": np.array([0, -1], np.int32),
            "smallest": np.array([1e8, 1e6]), "balances": np.ones((accounts, 1), np.int64),
            "stated": None, "unknown": -2**63, "threads": 2}


def standing(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    rows = size()
    return {"owned": rng.random(rows), "initial": rng.random(rows),
            "maintenance": rng.random(rows), "pool": np.zeros(rows, np.int32),
            "haircut": np.array([0.1]), "threads": 2}


def smiles(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    slices, quotes = 1 + size() % 4, 5 + size() % 5
    return {"pointer": np.arange(0, slices * quotes + 1, quotes),
            "log_moneyness": np.tile(np.linspace(-0.5, 0.5, quotes), slices),
            "variance": rng.uniform(0.01, 0.1, slices * quotes),
            "weight": rng.uniform(0.5, 2, slices * quotes)}


def fitted(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    return smiles(size, rng) | {"clear": bool(size() % 2)}


def curve(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    slices, rows = 1 + size(), size()
    return {"parameters": rng.random((slices, 5)), "log_moneyness": rng.normal(size=rows),
            "slice": rng.integers(0, slices, rows).astype(np.int32)}


def dips(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    return {"parameters": rng.random((size(), 5))}


def wings(size: Callable[[], int], rng: np.random.Generator) -> Arguments:
    rows = size()
    return {"wings": rng.random((rows, 3)), "log_moneyness": rng.normal(size=rows)}


CALLS = {"add_ons": add_ons, "measured": measured, "layout": layout, "totals": totals,
         "owned": owned, "standing": standing, "svi_fit": fitted, "ssvi_fit": smiles,
         "svi_curve": curve, "svi_dip": dips, "ssvi_variance": wings}


def prepared(size: Callable[[], int], rng: np.random.Generator) -> tuple[Arguments, Arguments]:
    """Return the market and the account of a `Prepared`."""
    n, scenarios, sides = 1 + size(), size(), 1 + size() % 3
    rows = sides * 2
    pointer = np.concatenate(([0], np.cumsum(rng.integers(0, 4, 2))))
    market = {"pnl": rng.normal(size=(n, scenarios)), "unit": np.arange(n, dtype=np.int32) % 2,
              "segment": np.zeros(n, np.int32), "flag": np.zeros(n, np.uint8),
              "columns": rng.random((n, 4)), "size_rule": rng.random((2, 4)),
              "weight": rng.random((2, scenarios)), "dampener": rng.random((2, scenarios)),
              "gain_factor": rng.random(2), "gain_cap": rng.random(2), "dampen_first": False,
              "factor": 0.8}
    account = {"raw": rng.normal(size=(rows, scenarios)), "charge": rng.random(rows),
               "net": rng.random(rows), "owned": rng.random(rows), "rest": rng.random(rows),
               "carried": rng.random((sides, n)), "segment_net": rng.random((sides, 1)),
               "fixed": rng.random(2), "pointer": pointer,
               "instrument": np.zeros(pointer[-1], np.int32),
               "lots": np.ones(pointer[-1], np.int64)}
    return market, account


def random_of(data: Any) -> tuple[Callable[[], int], np.random.Generator]:
    return lambda: data.draw(SIZES), np.random.default_rng(data.draw(st.integers(0, 2**16)))


def with_some_spoiled(data: Any, arguments: Arguments) -> Arguments:
    out = dict(arguments)
    for name in data.draw(st.lists(st.sampled_from(sorted(out)), max_size=2, unique=True)):
        if data.draw(st.integers(0, 9)) == 0:
            del out[name]
        elif isinstance(out[name], list | tuple):
            parts = [spoiled(data.draw, part) for part in out[name]]
            out[name] = type(out[name])(parts[:data.draw(st.integers(0, len(parts)))])
        else:
            out[name] = spoiled(data.draw, out[name])
    return out


@pytest.mark.parametrize("name", sorted(CALLS))
@given(st.data())
def test_arguments_that_fit_are_answered_and_others_crash_nothing(name, data):
    arguments = CALLS[name](*random_of(data))

    assert getattr(_core, name)(**arguments) is not None
    try:
        getattr(_core, name)(**with_some_spoiled(data, arguments))
    except REFUSALS:
        pass


@given(st.data())
def test_no_prepared_account_crashes_and_no_question_to_it(data):
    market, account = prepared(*random_of(data))
    asked = st.sampled_from([*LONGS, 0, 1, 2])
    for given_market, given_account in ((market, account), (
            with_some_spoiled(data, market), with_some_spoiled(data, account))):
        try:
            made = _core.Prepared(_core.PreparedMarket(7, given_market), given_account)
        except (*REFUSALS, KeyError):
            assert given_market is not market
            continue
        assert made.sequence() == 7
        for question in (made.worst, made.worst_again, made.initial, made.maintenance):
            try:
                question(data.draw(asked), data.draw(asked), data.draw(st.sampled_from([7, 7, 8])))
            except REFUSALS:
                pass
        orders = {"instrument": np.zeros(3, np.int32), "lots": np.arange(3), "sequence": 7,
                  "threads": 2}
        try:
            made.effects(**with_some_spoiled(data, orders))
        except REFUSALS:
            pass
