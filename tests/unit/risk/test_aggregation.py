"""Sums over a book and the worst of them: against the oracle, at ties, at NaN, and in any order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.risk.aggregation import (
    IDENTITY,
    Rows,
    UnitTransform,
    exposures,
    grouped,
    loss_vectors,
    worst_loss,
)
from oracle import exact_fma, raw_vectors, transformed, worst

KEYS = 3


def rows_of(positions, *, keys=None):
    """Return one row per list of (instrument, lots)."""
    flat = [p for row in positions for p in row]
    count = len(positions)
    return Rows(pointer=np.cumsum([0, *(len(row) for row in positions)]),
                account=np.arange(count, dtype=np.int32),
                key=np.zeros(count, np.int32) if keys is None else np.array(keys, np.int32),
                instrument=np.array([i for i, _ in flat], np.int32),
                lots=np.array([q for _, q in flat], np.int64))


def random_rows(rng, *, count=50, instruments=20):
    positions = [[(int(i), int(rng.integers(-1000, 1000))) for i in
                  np.sort(rng.choice(instruments, rng.integers(0, 12), replace=False))]
                 for _ in range(count)]
    return rows_of(positions, keys=rng.integers(0, KEYS, count))


def random_pnl(rng, *, scenarios, instruments=20):
    return np.concatenate((np.zeros((instruments, 1)),
                           rng.normal(0, 1, (instruments, scenarios - 1))), axis=1)


def transforms(rng, scenarios):
    weight = rng.uniform(0.2, 1, (KEYS, scenarios))
    gain = {"gain_factor": np.array([0.0, 0.5, 1.0]), "gain_cap": np.array([1.0, 50.0, np.inf])}
    dampener = rng.uniform(0, 100, (KEYS, scenarios))
    return {"identity": IDENTITY, "weight": UnitTransform(weight=weight),
            "gain": UnitTransform(**gain), "dampener": UnitTransform(dampener=dampener),
            "gain, then dampener": UnitTransform(weight=weight, dampener=dampener, **gain),
            "dampener, then gain": UnitTransform(weight=weight, dampener=dampener,
                                                 dampen_first=True, **gain)}


@pytest.mark.parametrize("spoiled", [1.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("scenarios", [1, 2, 8, 9, 33, 41, 81, 82, 297])
def test_a_first_scenario_that_is_not_zero_counts_like_any_other(spoiled, scenarios):
    rng = np.random.default_rng(scenarios)
    rows, pnl = random_rows(rng), random_pnl(rng, scenarios=scenarios)
    pnl[rng.choice(20, 3, replace=False), 0] = 100 * spoiled

    vectors, _ = loss_vectors(rows, pnl)
    loss, scenario = worst_loss(rows, pnl)
    failed = np.isnan(vectors).any(axis=1)
    least = np.where(failed, np.nan, vectors.min(axis=1))
    assert np.array_equal(loss, -np.minimum(least, 0.0), equal_nan=True)
    assert np.array_equal(scenario, np.where(failed, 0, vectors.argmin(axis=1)))


def test_an_instrument_without_numbers_fails_its_rows_alone():
    rng = np.random.default_rng(5)
    rows, pnl = random_rows(rng), random_pnl(rng, scenarios=33)
    clean, _ = worst_loss(rows, pnl)
    pnl[7] = np.nan
    holds = np.array([7 in rows.instrument[a:b] for a, b in
                      zip(rows.pointer[:-1], rows.pointer[1:], strict=True)])

    loss, scenario = worst_loss(rows, pnl)
    assert np.array_equal(loss, np.where(holds, np.nan, clean), equal_nan=True)
    assert not scenario[holds].any() and 0 < holds.sum() < len(rows)


@pytest.mark.parametrize("name", list(transforms(np.random.default_rng(1), 2)))
@pytest.mark.parametrize("scenarios", [1, 2, 7, 8, 9, 39, 40, 41, 80, 97, 297])
def test_worst_loss_agrees_with_the_oracle_to_the_bit(name, scenarios):
    rng = np.random.default_rng(scenarios)
    rows, pnl = random_rows(rng), random_pnl(rng, scenarios=scenarios)
    transform = transforms(rng, scenarios)[name]

    raw = raw_vectors(rows, pnl)
    shaped = transformed(raw, rows.key, transform)
    loss, scenario = worst(shaped)

    assert all(np.array_equal(a, b) for a, b in
               zip(loss_vectors(rows, pnl, transform), (raw, shaped), strict=True))
    assert all(np.array_equal(a, b) for a, b in
               zip(worst_loss(rows, pnl, transform), (loss, scenario), strict=True))


def test_of_equal_worst_scenarios_the_lowest_is_named():
    pnl = np.zeros((1, 120))
    for first in (3, 8, 39, 40, 77, 100):
        pnl[0] = 0.0
        pnl[0, [first, first + 1, 119]] = -5.0

        loss, scenario = worst_loss(rows_of([[(0, 2)]]), pnl)

        assert (loss[0], scenario[0]) == (10.0, first)


def test_a_book_that_never_loses_needs_nothing_and_not_minus_nothing():
    pnl = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]])

    loss, scenario = worst_loss(rows_of([[(0, 1)], [(1, -1)], [(0, 1), (1, 5)]]), pnl)

    assert loss.tolist() == [0.0, 0.0, 0.0] and not np.signbit(loss).any()
    assert scenario.tolist() == [0, 0, 0]


def test_offsetting_positions_lose_no_more_than_one_rounding():
    pnl = np.concatenate((np.zeros((1, 1)), np.random.default_rng(1).normal(size=(1, 60))), axis=1)

    loss, _ = worst_loss(rows_of([[(0, 10**15), (1, -10**15)]]), np.repeat(pnl, 2, axis=0))

    assert loss[0] <= np.spacing(10**15 * np.abs(pnl).max()) / 2


@pytest.mark.parametrize("scenario", [0, 5, 39, 40, 95, 96])
def test_a_nan_makes_its_rows_nan_and_no_others(scenario):
    rng = np.random.default_rng(2)
    rows, pnl = random_rows(rng), random_pnl(rng, scenarios=97)
    pnl[7, scenario] = np.nan
    touched = np.array([7 in rows.instrument[rows.pointer[r]:rows.pointer[r + 1]]
                        for r in range(len(rows))])

    for transform in transforms(rng, 97).values():
        loss, where = worst_loss(rows, pnl, transform)
        assert np.array_equal(np.isnan(loss), touched) and not where[touched].any()


def test_an_infinite_loss_is_infinite():
    pnl = np.array([[0.0, -np.inf, 1.0]])

    loss, scenario = worst_loss(rows_of([[(0, 1)]]), pnl)

    assert (loss[0], scenario[0]) == (np.inf, 1)


def test_lots_beyond_fifty_three_bits_are_rounded_once():
    lots = 2**60 + 2**8 - 1
    pnl = np.array([[0.0, -1.0]])

    assert worst_loss(rows_of([[(0, lots)]]), pnl)[0][0] == float(lots)


def test_exposures_split_net_long_and_gross():
    rows = rows_of([[(0, 3), (1, -2)], [], [(1, 4)]])
    columns = np.array([[1.0, -0.5], [10.0, 2.0]])

    net, owned, gross = exposures(rows, columns)

    assert net.tolist() == [[-17.0, -5.5], [0.0, 0.0], [40.0, 8.0]]
    assert owned.tolist() == [[3.0, -1.5], [0.0, 0.0], [40.0, 8.0]]
    assert gross.tolist() == [[23.0, 5.5], [0.0, 0.0], [40.0, 8.0]]


def test_exposures_are_sums_of_one_chain():
    rng = np.random.default_rng(4)
    rows, columns = random_rows(rng), rng.normal(size=(20, 3))

    net, owned, gross = exposures(rows, columns)

    for row in range(len(rows)):
        sums = np.zeros((3, 3))
        for p in range(rows.pointer[row], rows.pointer[row + 1]):
            lots, column = float(rows.lots[p]), columns[rows.instrument[p]]
            for c in range(3):
                sums[0, c] = exact_fma(lots, column[c], sums[0, c])
                sums[1, c] = exact_fma(max(lots, 0.0), column[c], sums[1, c])
                sums[2, c] = exact_fma(abs(lots), abs(column[c]), sums[2, c])
        assert np.array_equal(np.array([net[row], owned[row], gross[row]]), sums)


def test_grouping_brings_scattered_keys_together():
    book = {"row_pointer": np.array([0, 3]), "instrument": np.array([0, 1, 2], np.int32),
            "lots": np.array([1, 2, 3])}

    rows = grouped(**book, key=np.array([1, 0, 1], np.int32))

    assert (rows.pointer.tolist(), rows.key.tolist()) == ([0, 1, 3], [0, 1])
    assert (rows.instrument.tolist(), rows.lots.tolist()) == ([1, 0, 2], [2, 1, 3])


def test_grouping_a_canonical_book_copies_nothing():
    instrument, lots = np.array([0, 1, 2], np.int32), np.array([1, 2, 3])

    rows = grouped(row_pointer=np.array([0, 3]), instrument=instrument, lots=lots,
                   key=np.array([0, 0, 1], np.int32))

    assert np.shares_memory(rows.lots, lots) and np.shares_memory(rows.instrument, instrument)


def test_a_negative_dampener_is_refused():

    with pytest.raises(AssertionError):
        UnitTransform(dampener=np.array([[-1.0]]))


BOOKS = st.lists(st.lists(st.tuples(st.integers(0, 19), st.integers(-10**6, 10**6)), max_size=6,
                          unique_by=lambda p: p[0]).map(sorted), max_size=6)


@given(BOOKS, st.integers(1, 100), st.integers(0, 2**32))
def test_accounts_alone_lose_what_they_lose_together(book, scenarios, seed):
    pnl = random_pnl(np.random.default_rng(seed), scenarios=scenarios)

    together = worst_loss(rows_of(book), pnl, threads=2)

    alone = [worst_loss(rows_of([account]), pnl) for account in book]
    assert together[0].tolist() == [loss[0] for loss, _ in alone]
    assert together[1].tolist() == [scenario[0] for _, scenario in alone]


@given(BOOKS, st.integers(1, 100), st.integers(0, 2**32))
def test_netting_never_needs_more_than_the_legs(book, scenarios, seed):
    pnl = random_pnl(np.random.default_rng(seed), scenarios=scenarios)

    for account in book:
        whole = worst_loss(rows_of([account]), pnl)[0][0]
        legs = worst_loss(rows_of([[leg] for leg in account]), pnl)[0].sum()
        assert whole <= legs * (1 + 1e-12)


@given(BOOKS, st.integers(1, 60), st.integers(-20, 20), st.integers(0, 2**32))
def test_doubling_lots_doubles_the_loss_to_the_bit(book, scenarios, power, seed):
    pnl = random_pnl(np.random.default_rng(seed), scenarios=scenarios)
    loss, scenario = worst_loss(rows_of(book), pnl)

    scaled, same = worst_loss(rows_of(book), np.ldexp(pnl, power))

    assert np.array_equal(scaled, np.ldexp(loss, power)) and np.array_equal(scenario, same)
