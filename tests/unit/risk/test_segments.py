"""Segments of units: against the plain form to the bit, one by one by hand, and in any order."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core
from counterpoise.risk.aggregation import IDENTITY, UnitTransform, grouped, loss_vectors, worst_loss
from counterpoise.risk.segments import (
    PLAIN,
    RealRows,
    SegmentTransform,
    price_states,
    segmented,
    vectors_of_segments,
    worst_of_segments,
)
from oracle import segment_vectors, worst
from small_market import scenarios

INSTRUMENTS, SEGMENTS, UNITS = 20, 5, 2
UNIT = np.array([0, 0, 1, 1, 1], np.int32)
GRIDS = {"one by one": None, "alone": [1], "three of eleven": [1] + [3] * 11,
         "uneven": [1, 2, 3, 1, 5, 2], "seven": [1, 7, 4], "many": [1] + [2, 3] * 20,
         "no vol states": [1] * 45}


def states(name):
    sizes = GRIDS[name]
    return None if sizes is None else np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)


def random_book(rng, accounts=12):
    held = [np.sort(rng.choice(INSTRUMENTS, rng.integers(0, 9), replace=False))
            for _ in range(accounts)]
    sizes = [len(h) for h in held]
    return {"row_pointer": np.cumsum([0, *sizes]), "lots": rng.integers(-1000, 1000, sum(sizes)),
            "instrument": np.concatenate(held).astype(np.int32)}


def random_real(rng, accounts=12):
    sizes = rng.integers(0, 4, accounts)
    count = int(sizes.sum())
    return RealRows(pointer=np.cumsum([0, *sizes]), quantity=rng.normal(0, 100, count),
                    instrument=rng.integers(0, INSTRUMENTS, count).astype(np.int32),
                    segment=rng.integers(0, SEGMENTS, count).astype(np.int32))


def random_rows(rng):
    segment = rng.integers(-1, SEGMENTS, INSTRUMENTS).astype(np.int32)
    return segmented(**random_book(rng), segment=segment, unit=UNIT, real=random_real(rng))


def random_pnl(rng, scenarios_count):
    pnl = rng.normal(0, 1, (INSTRUMENTS, scenarios_count))
    pnl[:, 0] = 0.0
    return pnl


def random_transform(rng, name, parts):
    state = states(name)
    count = 41 if state is None else int(state.max()) + 1
    fields = {"state": state}
    if "scale" in parts:
        fields |= {"up": rng.uniform(0, 1.2, (SEGMENTS, count)),
                   "down": rng.uniform(0.8, 1.5, (SEGMENTS, count)),
                   "cap": np.array([np.inf, 100.0, 0.0, 1e9, -50.0])}
    if "value" in parts:
        fields |= {"base": rng.normal(0, 3, INSTRUMENTS)}
    if "absolute" in parts:
        fields |= {"absolute": rng.random(count) < 0.4}
    return SegmentTransform(**fields), count


def random_unit(rng, count, whole):
    if not whole:
        return IDENTITY
    return UnitTransform(weight=rng.uniform(0.2, 1, (UNITS, count)),
                         gain_factor=rng.random(UNITS), gain_cap=np.array([50.0, np.inf]),
                         dampener=rng.uniform(0, 100, (UNITS, count)))


PARTS = ["", "scale", "scale value", "absolute", "scale value absolute"]


@pytest.mark.parametrize(("name", "parts", "whole"),
                         list(itertools.product(GRIDS, PARTS, (False, True))))
def test_segments_agree_with_the_plain_form_to_the_bit(name, parts, whole):
    rng = np.random.default_rng(len(name) + len(parts))
    transform, count = random_transform(rng, name, parts)
    unit = random_unit(rng, count, whole)
    rows = random_rows(rng)
    pnl = random_pnl(rng, 41 if transform.state is None else len(transform.state))

    raw, shaped = segment_vectors(rows, pnl, transform, unit)

    assert all(np.array_equal(a, b) for a, b in zip(
        vectors_of_segments(rows, pnl, transform, unit), (raw, shaped), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(
        worst_of_segments(rows, pnl, transform, unit), worst(shaped), strict=True))


def test_one_segment_per_unit_is_the_plain_worst_loss():
    rng = np.random.default_rng(1)
    book, key = random_book(rng, 40), rng.integers(0, UNITS, INSTRUMENTS).astype(np.int32)
    pnl, unit = random_pnl(rng, 97), random_unit(rng, 97, whole=True)
    rows = segmented(**book, segment=key, unit=np.arange(UNITS, dtype=np.int32))

    plain = grouped(**book, key=key)

    assert all(np.array_equal(a, b) for a, b in zip(
        worst_of_segments(rows, pnl, PLAIN, unit), worst_loss(plain, pnl, unit), strict=True))
    assert np.array_equal(vectors_of_segments(rows, pnl, PLAIN, unit)[1],
                          loss_vectors(plain, pnl, unit)[1])


def test_rows_are_units_of_accounts_with_their_segments_in_order():
    book = {"row_pointer": np.array([0, 4, 4, 5]), "lots": np.array([1, 2, 3, 4, 5]),
            "instrument": np.array([0, 1, 2, 3, 1], np.int32)}
    real = RealRows(pointer=np.array([0, 1, 2, 2]), instrument=np.array([3, 0], np.int32),
                    quantity=np.array([0.5, -1.5]), segment=np.array([0, 3], np.int32))

    rows = segmented(**book, segment=np.array([3, 0, -1, 1], np.int32),
                     unit=np.array([0, 0, 1, 1], np.int32), real=real)

    assert [0, 0, 1, 2] == rows.account.tolist() and [0, 1, 1, 0] == rows.unit.tolist()
    assert [0, 2, 3, 4, 5] == rows.segments.tolist()
    assert [0, 1, 3, 3, 0] == rows.segment.tolist()
    assert [0, 2, 3, 4, 5, 6] == rows.positions.tolist()
    assert [1, 3, 3, 0, 0, 1] == rows.instrument.tolist()
    assert [2.0, 0.5, 4.0, 1.0, -1.5, 5.0] == rows.quantity.tolist()


def test_units_must_number_their_segments_together():
    with pytest.raises(AssertionError, match="unit by unit"):
        segmented(row_pointer=np.array([0]), instrument=np.zeros(0, np.int32),
                  lots=np.zeros(0, np.int64), segment=np.zeros(1, np.int32),
                  unit=np.array([1, 0], np.int32))


def test_real_rows_of_another_book_are_refused():
    real = RealRows(pointer=np.zeros(3, np.int64), instrument=np.zeros(0, np.int32),
                    quantity=np.zeros(0), segment=np.zeros(0, np.int32))

    with pytest.raises(AssertionError, match="another book"):
        segmented(row_pointer=np.array([0, 0]), instrument=np.zeros(0, np.int32),
                  lots=np.zeros(0, np.int64), segment=np.zeros(1, np.int32), unit=UNIT, real=real)


def two_expiries(**transform):
    """Return the loss of one lot in each of two expiries, over two prices with two vol states."""
    pnl = np.array([[0.0, -3.0, 1.0, 2.0, 4.0], [0.0, 5.0, -4.0, -1.0, -2.0]])
    rows = segmented(row_pointer=np.array([0, 2]), instrument=np.array([0, 1], np.int32),
                     lots=np.array([1, 1]), segment=np.array([0, 1], np.int32),
                     unit=np.zeros(2, np.int32))
    changed = SegmentTransform(**{"state": np.array([0, 1, 1, 2, 2], np.int32)} | transform)
    return (vectors_of_segments(rows, pnl, changed)[1][0].tolist(),
            worst_of_segments(rows, pnl, changed)[0][0])


def test_each_expiry_takes_its_own_worst_volatility():
    vector, loss = two_expiries()

    assert [0.0, -3.0 - 4.0, 2.0 - 2.0] == vector and 7.0 == loss


def test_a_gain_that_only_offsets_is_no_gain():
    vector, _ = two_expiries(up=np.zeros((2, 3)), down=np.ones((2, 3)), cap=np.full(2, np.inf))

    assert [0.0, -7.0, -2.0] == vector


def test_a_discount_on_value_acts_on_what_the_segment_is_worth():
    scale = {"up": np.full((2, 3), 0.5), "down": np.full((2, 3), 2.0), "cap": np.full(2, np.inf)}

    vector, _ = two_expiries(**scale, base=np.array([4.0, -1.0]))

    first = [0.5 * (4.0 - 3.0) - 4.0, 0.5 * (4.0 + 2.0) - 4.0]
    second = [2.0 * (-1.0 - 4.0) + 1.0, 2.0 * (-1.0 - 2.0) + 1.0]
    assert [0.0, first[0] + second[0], first[1] + second[1]] == vector


def test_minus_absolute_turns_gains_into_losses_in_its_states():
    vector, loss = two_expiries(absolute=np.array([False, False, True]))

    assert [0.0, -7.0, -4.0] == vector and 7.0 == loss


def test_a_real_row_counts_like_lots_that_are_not_whole():
    pnl = np.array([[0.0, -3.0, 1.0], [0.0, 1.0, -2.0]])
    real = RealRows(pointer=np.array([0, 1]), instrument=np.array([1], np.int32),
                    quantity=np.array([0.25]), segment=np.array([1], np.int32))
    rows = segmented(row_pointer=np.array([0, 1]), instrument=np.array([0], np.int32),
                     lots=np.array([2]), segment=np.array([0, -1], np.int32),
                     unit=np.zeros(2, np.int32), real=real)

    assert [[0.0, -5.75, 1.5]] == vectors_of_segments(rows, pnl)[1].tolist()


def test_a_price_state_is_a_run_of_equal_moves():
    grid = scenarios(move=(0.0, 0.0, 0.0, 0.1, 0.1, -0.1, 0.1), shift=[0, 1, 2, 0, 1, 0, 0])

    assert [0, 1, 1, 2, 2, 3, 4] == price_states(grid).tolist()
    assert [0] == price_states(scenarios(move=(0.0,))).tolist()


@pytest.mark.parametrize("name", GRIDS)
def test_a_nan_anywhere_in_a_row_is_its_answer(name):
    rng = np.random.default_rng(3)
    state = states(name)
    rows, count = random_rows(rng), 41 if state is None else len(state)
    touched = np.array([3 in rows.instrument[rows.positions[rows.segments[r]]:
                                             rows.positions[rows.segments[r + 1]]]
                        for r in range(len(rows))])
    assert touched.any() and not touched.all()
    for scenario in range(count):
        pnl = random_pnl(rng, count)
        pnl[3, scenario] = np.nan

        loss, where = worst_of_segments(rows, pnl, SegmentTransform(state=state))

        assert np.array_equal(np.isnan(loss), touched) and not where[touched].any()


@pytest.mark.parametrize("parts", PARTS)
def test_flavours_and_threads_change_no_bit(parts):
    rng = np.random.default_rng(4)
    transform, count = random_transform(rng, "three of eleven", parts)
    unit, rows = random_unit(rng, count, whole=True), random_rows(rng)
    pnl = random_pnl(rng, len(transform.state))
    before = _core.isa()["active"]
    expected = vectors_of_segments(rows, pnl, transform, unit)[1].tobytes()
    try:
        for flavour, threads in itertools.product(_core.isa()["available"], (1, 3)):
            _core.use_isa(flavour)
            shaped = vectors_of_segments(rows, pnl, transform, unit, threads=threads)[1]
            assert shaped.tobytes() == expected
    finally:
        _core.use_isa(before)


@given(st.integers(0, 2**32 - 1), st.sampled_from(PARTS), st.sampled_from(list(GRIDS)))
def test_the_order_of_positions_and_company_change_no_bit(seed, parts, name):
    rng = np.random.default_rng(seed)
    transform, count = random_transform(rng, name, parts)
    book, segment = random_book(rng, 3), rng.integers(-1, SEGMENTS, INSTRUMENTS).astype(np.int32)
    pnl = random_pnl(rng, count if transform.state is None else len(transform.state))
    real = random_real(rng, 3)
    together = worst_of_segments(segmented(**book, segment=segment, unit=UNIT, real=real), pnl,
                                 transform)
    alone = []
    for a in range(3):
        at = slice(*book["row_pointer"][a:a + 2])
        own = slice(*real.pointer[a:a + 2])
        shuffled = rng.permutation(own.stop - own.start) + own.start
        rows = segmented(row_pointer=np.array([0, at.stop - at.start]), unit=UNIT, segment=segment,
                         instrument=book["instrument"][at], lots=book["lots"][at],
                         real=RealRows(pointer=np.array([0, len(shuffled)]),
                                       **{k: getattr(real, k)[shuffled] for k in
                                          ("instrument", "quantity", "segment")}))
        alone.append(worst_of_segments(rows, pnl, transform))

    assert all(np.array_equal(np.concatenate([a[k] for a in alone]), together[k]) for k in (0, 1))


@given(st.integers(0, 2**32 - 1), st.sampled_from(list(GRIDS)))
def test_netting_expiries_by_volatility_never_needs_less_than_one_volatility_for_all(seed, name):
    rng = np.random.default_rng(seed)
    rows, state = random_rows(rng), states(name)
    pnl = random_pnl(rng, 41 if state is None else len(state))

    apart, _ = worst_of_segments(rows, pnl, SegmentTransform(state=state))
    joint, _ = worst_of_segments(rows, pnl)

    assert np.all(apart >= joint * (1 - 1e-12) - 1e-9)
