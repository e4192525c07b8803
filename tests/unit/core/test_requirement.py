"""Add-ons, sums of requirement rows, what is owned and what is left: against plain NumPy, with the
same bits from every flavour and number of threads, and every wrong argument named."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core

ACCOUNTS, INSTRUMENTS, POOLS = 4000, 30, 3
UNKNOWN = -2**63


@pytest.fixture(autouse=True)
def same_flavour_afterwards():
    before = _core.isa()["active"]
    yield
    _core.use_isa(before)


def unit_rows(seed: int = 1, rows: int = 9000) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    size = rng.integers(0, 5, rows)
    pointer = np.concatenate(([0], np.cumsum(size)))
    instrument = np.concatenate([[], *(np.sort(rng.integers(0, INSTRUMENTS, n)) for n in size)])
    return {
        "pointer": pointer, "key": rng.integers(0, 4, rows).astype(np.int32),
        "instrument": instrument.astype(np.int32), "lots": rng.integers(-10**6, 10**6, pointer[-1]),
        "loss": rng.uniform(0, 9, rows), "value": rng.normal(size=INSTRUMENTS),
        "segment": (np.arange(INSTRUMENTS) // 4).astype(np.int32),
        "columns": rng.normal(size=(INSTRUMENTS, 4)) * [1, 0, 1, 1] + [0, 0.3, 0, 0],
        "flag": (rng.random(INSTRUMENTS) < 0.1).astype(np.uint8),
        "size_rule": rng.uniform(0, 1, (4, 4)) * [1e-6, 1e6, 1, 2]}


def requirement_rows(seed: int = 2, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    blocks = [np.round(rng.uniform(0, 9, (700, 4)) * [1, 1, 1, 30], 3) for _ in range(5)]
    scenarios = [rng.integers(0, 99, 700).astype(np.int32) for _ in blocks]
    members = np.concatenate(([0], np.cumsum(rng.integers(0, 4, 9000))))
    count = members[-1]
    good = {"members": members, "member": np.stack([
                rng.integers(0, most, count) for most in (5, 700, 9, 9000)], axis=1,
                dtype=np.int32, casting="unsafe"), "blocks": blocks,
            "scenarios": scenarios, "rows": None,
            "others": (rng.random(9000), None, rng.random(9000)),
            "failure": np.where(rng.random(9000) < 0.1, 0, -1).astype(np.int32), "factor": 0.8,
            "ten_initial": 1e9, "ten_maintenance": 1e12, "sums": True}
    return good | changes


def holdings(seed: int = 3, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    size = rng.integers(0, 6, ACCOUNTS)
    pointer = np.concatenate(([0], np.cumsum(size)))
    count = pointer[-1]
    account, pool = np.nonzero(rng.random((ACCOUNTS, POOLS)) < 0.8)
    cost = rng.integers(-10**12, 10**12, count)
    cost[rng.random(count) < 0.05] = UNKNOWN
    stated = np.where(rng.random((ACCOUNTS, 2)) < 0.1, 7.5, np.nan)
    good = {"row_pointer": pointer, "entry_cost": cost, "lots": rng.integers(-99, 99, count),
            "instrument": rng.integers(0, INSTRUMENTS, count).astype(np.int32),
            "account": account.astype(np.int32), "pool": pool.astype(np.int32),
            "pool_of": rng.integers(0, POOLS, INSTRUMENTS).astype(np.int32),
            "part_of": (np.arange(INSTRUMENTS) // 7).astype(np.int32),
            "values": rng.normal(size=INSTRUMENTS),
            "has_entry": rng.integers(0, 2, INSTRUMENTS).astype(np.uint8),
            "asset_of": np.array([1, -1, 0], np.int32), "smallest": np.array([1e8, 1e6, 1e8]),
            "balances": rng.integers(0, 10**12, (ACCOUNTS, 2)), "stated": stated,
            "unknown": UNKNOWN}
    return good | changes


def rounded(x: Any, ten: float) -> Any:
    return np.rint(x * ten) / ten


def test_add_ons_are_the_segment_charge_and_the_size_charge():
    given_rows = unit_rows(rows=300)
    result, flagged = _core.add_ons(**given_rows)

    for r in range(300):
        at = slice(given_rows["pointer"][r], given_rows["pointer"][r + 1])
        i, lots = given_rows["instrument"][at], given_rows["lots"][at].astype(float)
        column = given_rows["columns"][i]
        segments = given_rows["segment"][i]
        charge = sum(abs((lots * column[:, 0])[segments == s].sum()) * 0.3
                     for s in np.unique(segments))
        protection = (np.maximum(lots, 0) * column[:, 3]).sum()
        bare = (lots * column[:, 2]).sum() - protection
        both = bare + protection
        used = min(max(both, bare), 0) if bare < 0 else max(min(both, bare), 0)
        slope, threshold, cap, price = given_rows["size_rule"][given_rows["key"][r]]
        shock = abs(used) * min(slope * max(abs(used) - threshold, 0), cap) * price
        bad = i[given_rows["flag"][i] != 0]
        value = (lots * given_rows["value"][i]).sum()
        np.testing.assert_allclose(result[r], [given_rows["loss"][r], charge, shock, value],
                                   rtol=1e-9, atol=1e-6)
        assert flagged[r] == (bad[0] if len(bad) else -1)


@given(st.integers(0, 10**6), st.booleans())
def test_totals_have_the_bits_of_plain_sums(seed, some):
    call = requirement_rows(seed)
    chosen = np.arange(3, 8000, 7) if some else np.arange(9000)
    others = tuple(None if o is None else o[chosen] for o in call["others"])
    asked = {"rows": chosen if some else None, "others": others,
             "failure": call["failure"][chosen]}
    columns, loss, scenario, row, unit = _core.totals(**call | asked, threads=2)

    of = np.repeat(np.arange(9000), np.diff(call["members"]))
    unit_of = np.stack(call["blocks"])[call["member"][:, 0], call["member"][:, 1]]
    worst, charge, shock, value = (np.bincount(of, unit_of[:, k], 9000)[chosen] for k in range(4))
    rounding = np.bincount(of, rounded(unit_of[:, 0], 1e9) - unit_of[:, 0], 9000)[chosen]
    total = ((worst + rounding) + charge) + shock
    first, last = others[0], others[2]
    good = call["failure"][chosen] < 0
    initial = np.where(good, rounded(total + ((first + 0.0) + last), 1e9), np.nan)
    maintenance = np.where(good, rounded(0.8 * total, 1e12), np.nan)
    expected = (worst, charge, shock, initial,
                initial - (((((worst + charge) + shock) + first) + 0.0) + last), 0.8 * worst,
                0.8 * charge, 0.8 * shock, maintenance,
                maintenance - ((0.8 * worst + 0.8 * charge) + 0.8 * shock), value, total)
    for here, there in zip(columns, expected, strict=True):
        np.testing.assert_array_equal(here, there)
    mine = np.isin(of, chosen)
    np.testing.assert_array_equal(loss, unit_of[mine, 0])
    there = np.stack(call["scenarios"])[call["member"][:, 0], call["member"][:, 1]]
    np.testing.assert_array_equal(scenario, there[mine])
    assert (unit is None) == (row is None) == (not some)
    if some:
        np.testing.assert_array_equal(unit, call["member"][mine, 2])
        np.testing.assert_array_equal(chosen[row], of[mine])


def test_what_is_owned_is_cash_and_value():
    h = holdings()
    cash, value, stated, no_entry = _core.owned(**h, threads=3)

    owner = np.repeat(np.arange(ACCOUNTS), np.diff(h["row_pointer"]))
    cell = owner * POOLS + h["pool_of"][h["instrument"]]
    entered = h["has_entry"][h["instrument"]] != 0
    unknown = entered & (h["entry_cost"] == UNKNOWN)
    sums = [np.bincount(cell, v, ACCOUNTS * POOLS).reshape(ACCOUNTS, POOLS) for v in (
        h["lots"] * h["values"][h["instrument"]],
        np.where(entered & ~unknown, h["entry_cost"], 0), unknown)]
    expected = -sums[1] / h["smallest"]
    expected[:, [0, 2]] += h["balances"][:, [1, 0]] / 1e8
    missing = sums[2] > 0
    expected[missing] = np.nan
    known = np.isfinite(h["stated"][:, [1, 0]])
    expected[:, [0, 2]] = np.where(known, 7.5, expected[:, [0, 2]])
    missing[:, [0, 2]] &= ~known
    at = h["account"], h["pool"]
    np.testing.assert_allclose(cash, expected[at], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(value, sums[0][at], rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(stated, (expected == 7.5)[at])
    np.testing.assert_array_equal(no_entry, missing[at])


def test_value_is_summed_by_part_first():
    # One chain of 1e16 + 1 + 1 would stay at 1e16.
    one = {"row_pointer": np.array([0, 3]), "instrument": np.arange(3, dtype=np.int32),
           "lots": np.ones(3, np.int64), "entry_cost": np.zeros(3, np.int64),
           "account": np.zeros(1, np.int32), "pool": np.zeros(1, np.int32),
           "pool_of": np.zeros(3, np.int32), "part_of": np.array([0, 4, 4], np.int32),
           "values": np.array([1e16, 1.0, 1.0]), "has_entry": np.zeros(3, np.uint8),
           "asset_of": np.array([-1], np.int32), "smallest": np.ones(1),
           "balances": np.zeros((1, 0), np.int64), "stated": None, "unknown": UNKNOWN}

    assert _core.owned(**one)[1].tolist() == [1e16 + 2]


def test_some_rows_own_what_they_own_among_all():
    h = holdings()
    cash, value, _, _ = _core.owned(**h)
    some = np.flatnonzero(np.random.default_rng(1).random(len(cash)) < 0.3)

    alone = _core.owned(**h | {"account": h["account"][some], "pool": h["pool"][some]})
    assert alone[0].tobytes() == cash[some].tobytes()
    assert alone[1].tobytes() == value[some].tobytes()


def test_status_compares_what_is_left():
    owned = np.array([10.0, 10.0, 10.0, -1.0, np.nan, -1.0])
    initial = np.array([5.0, 11.0, 12.0, 12.0, 1.0, -2.0])
    maintenance = np.array([4.0, 9.0, 11.0, 11.0, 1.0, -2.0])
    balance, above, over, status = _core.standing(
        owned=owned, initial=initial, maintenance=maintenance,
        pool=np.array([0, 0, 1, 0, 0, 1], np.int32), haircut=np.array([0.0, 0.1]))

    np.testing.assert_array_equal(balance, [10, 10, 9, -1, np.nan, -1])
    np.testing.assert_array_equal(above, balance - initial)
    np.testing.assert_array_equal(over, balance - maintenance)
    assert status.tolist() == [0, 1, 2, 3, 4, 0]


def everything(threads: int = 1) -> bytes:
    """Return every number of the four loops as bytes."""
    rows = unit_rows()
    pnl = np.random.default_rng(4).normal(size=(INSTRUMENTS, 97))
    scan = {name: column for name, column in rows.items() if name != "loss"}
    results = (*_core.add_ons(**rows, threads=threads),
               *_core.measured(**scan, pnl=pnl, threads=threads))
    columns, *entries = _core.totals(**requirement_rows(rows=np.arange(9000)), threads=threads)
    cash, value, *known = _core.owned(**holdings(), threads=threads)
    left = _core.standing(owned=cash + value, initial=np.abs(cash) / 2, maintenance=value / 3,
                          pool=holdings()["pool"], haircut=np.array([0.0, 0.1, 0.2]),
                          threads=threads)
    arrays = (*results, *columns, *entries, cash, value, *known, *left)
    # A NaN may carry any payload: only its place counts.
    return b"".join(np.where(np.isnan(a), np.nan, a).tobytes() for a in arrays)


def test_measured_is_the_scan_and_the_add_ons():
    rows = unit_rows()
    pnl = np.random.default_rng(4).normal(size=(INSTRUMENTS, 97))
    scan = {name: rows[name] for name in ("pointer", "key", "instrument", "lots")}
    weights = {"weight": np.random.default_rng(5).uniform(0.5, 1, (4, 97))}
    loss, scenario = _core.worst_loss(**scan, pnl=pnl, **weights)
    added, flagged = _core.add_ons(**rows | {"loss": loss})

    del rows["loss"]
    both = _core.measured(**rows, pnl=pnl, **weights, threads=2)
    assert [a.tobytes() for a in both] == [a.tobytes() for a in (added, scenario, flagged)]


def test_without_a_flag_no_row_is_looked_up():
    result, flagged = _core.add_ons(**unit_rows() | {"flag": np.zeros(INSTRUMENTS, np.uint8)})

    assert flagged is None and result.tobytes() == _core.add_ons(**unit_rows())[0].tobytes()


def test_flavours_and_threads_change_no_bit():
    expected = everything()

    for flavour in _core.isa()["available"]:
        _core.use_isa(flavour)
        assert all(everything(threads) == expected for threads in (1, 2, 5))


WRONG = [
    ("add_ons", unit_rows, {"columns": np.ones((INSTRUMENTS, 3))}, "columns must have 4 columns"),
    ("add_ons", unit_rows, {"flag": np.zeros(2, np.uint8)}, "flag must have 30 entries"),
    ("add_ons", unit_rows, {"size_rule": np.zeros((3, 4))}, "key must index"),
    ("add_ons", unit_rows, {"segment": np.full(INSTRUMENTS, -1, np.int32)}, "segment must not"),
    ("totals", requirement_rows, {"blocks": [np.zeros((700, 4))] * 4,
                                  "scenarios": [np.zeros(700, np.int32)] * 4}, "must lie inside"),
    ("totals", requirement_rows, {"blocks": [np.zeros((9, 4))] * 5,
                                  "scenarios": [np.zeros(9, np.int32)] * 5}, "must lie inside"),
    ("totals", requirement_rows, {"blocks": [np.zeros((9, 3))] * 5}, "must have 4 columns"),
    ("totals", requirement_rows, {"member": np.zeros((1, 3), np.int32)}, "member must have 4 col"),
    ("totals", requirement_rows, {"rows": np.array([0]), "members": np.array([0, 1]),
                                  "member": np.array([[0, -1, 0, 0]], np.int32),
                                  "others": (None,) * 3, "failure": None}, "must lie inside"),
    ("totals", requirement_rows, {"rows": np.array([9000])}, "rows must index"),
    ("totals", requirement_rows, {"others": (None, None)}, "others must be three"),
    ("totals", requirement_rows, {"others": (np.zeros(3), None, None)}, "9000 entries, not 3"),
    ("totals", requirement_rows, {"rows": np.array([0]), "members": np.array([0, 9**9]),
                                  "others": (None,) * 3, "failure": None}, "members must not"),
    ("totals", requirement_rows, {"members": np.array([0, 5, 3])}, "pointer must"),
    ("owned", holdings, {"account": np.full(1, ACCOUNTS, np.int32), "pool": np.zeros(1, np.int32)},
     "account must index"),
    ("owned", holdings, {"row_pointer": np.full(ACCOUNTS + 1, 10**9)}, "row_pointer must not fall"),
    ("owned", holdings, {"row_pointer": -np.arange(ACCOUNTS + 1)}, "row_pointer must not fall"),
    ("owned", holdings, {"values": np.ones(1), "pool_of": np.zeros(1, np.int32),
                         "part_of": np.zeros(1, np.int32),
                         "has_entry": np.zeros(1, np.uint8)}, "instrument must index"),
    ("owned", holdings, {"part_of": np.full(INSTRUMENTS, -1, np.int32)}, "part_of must not be"),
    ("totals", requirement_rows, {"scenarios": []}, "scenarios must have a column per block"),
    ("totals", requirement_rows, {"scenarios": [np.zeros(9, np.int32)] * 5}, "must have 700"),
    ("owned", holdings, {"asset_of": np.array([2, 0, 0], np.int32)}, "asset_of must index"),
    ("owned", holdings, {"pool_of": np.full(INSTRUMENTS, 3, np.int32)}, "pool_of must index"),
    ("owned", holdings, {"balances": np.zeros((3, 2), np.int64), "stated": None}, "one row per"),
    ("owned", holdings, {"smallest": np.ones(2), "asset_of": np.zeros(2, np.int32)},
     "pool must index smallest"),
]


@pytest.mark.parametrize(("function", "good", "changes", "sentence"), WRONG)
def test_a_wrong_argument_is_refused_by_name(function, good, changes, sentence):

    with pytest.raises(ValueError, match=sentence):
        getattr(_core, function)(**good() | changes)


def test_nothing_gives_nothing():
    empty = unit_rows(rows=0)
    result, flagged = _core.add_ons(**empty)

    assert result.shape == (0, 4) and flagged is not None and flagged.shape == (0,)
    columns, *_ = _core.totals(**requirement_rows(rows=np.zeros(0, np.int64), failure=None,
                                                  others=(None,) * 3))
    assert all(len(c) == 0 for c in columns)


@given(st.integers(0, 10**6), st.booleans())
def test_worst_is_the_least_of_the_transformed_vectors(seed, first):
    """Also for rows that lose nothing, where the scenario depends on what gains become."""
    rng = np.random.default_rng(seed)
    pnl = rng.integers(-2, 4, (6, 97)).astype(float) * rng.choice([0.0, 1.0, 1.0], (6, 1))
    rows = {"pointer": np.arange(0, 41, 2), "key": rng.integers(0, 3, 20).astype(np.int32),
            "instrument": rng.integers(0, 6, 40).astype(np.int32),
            "lots": rng.integers(-1, 4, 40)}
    weight = np.where(rng.random((3, 3)) < 0.5, 1.0, 0.5).repeat(40, axis=1)[:, :97].copy()
    transforms = {"weight": weight, "gain_factor": np.array([0.0, 0.6, 1.0]),
                  "gain_cap": np.array([1.0, np.inf, 2.0]),
                  "dampener": np.where(np.arange(97) < 80, 0.0, 1.0) * np.ones((3, 1)),
                  "dampen_first": first}
    loss, scenario = _core.worst_loss(**rows, pnl=pnl, **transforms)

    counted = _core.loss_vectors(**rows, pnl=pnl, **transforms)[1]
    np.testing.assert_array_equal(loss, np.maximum(-counted.min(axis=1), 0))
    np.testing.assert_array_equal(scenario, counted.argmin(axis=1))
