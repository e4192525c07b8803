"""Are one-day moves taken between consecutive known days of one series, and gaps explained?"""

import numpy as np
import pytest

from counterpoise.calibration.factor_levels import (
    DECLARED,
    SWITCH,
    UNKNOWN,
    UNKNOWN_BEFORE,
    FactorRecord,
    Levels,
    parted,
    record_of,
)
from counterpoise.scenarios.factors import Factor
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS

BTC = Factor(subject="BTC", kind="price")


def levels(days, level=None, *, source="one", factor=BTC, why=None):
    days = np.array(days, np.int64)
    return Levels(factor=factor, day=days, source=source, why=why or {},
                  level=days * days * 0.01 if level is None else np.array(level, np.float64))


def moves(record, factor=BTC):
    column = record.history.move[:, record.history.factors.index(factor)]
    return {int(d // DAY_NS): float(x) for d, x in zip(record.history.day, column, strict=True)
            if np.isfinite(x)}


def gaps(record):
    return [(g.first_day, g.last_day, g.why) for g in record.coverage[0].gaps]


def test_a_move_needs_the_day_before():
    record = record_of([levels([1, 2, 3, 7, 8])], source="test")

    assert {2: 0.03, 3: 0.05, 8: 0.15} == pytest.approx(moves(record))
    assert [(4, 6, UNKNOWN), (7, 7, UNKNOWN_BEFORE)] == gaps(record)
    assert (3, 4) == (record.coverage[0].known, record.coverage[0].missing)


def test_nothing_is_taken_across_a_switch_of_series():
    first, second = levels([1, 2, 3]), levels([4, 5], [90.0, 91.0], source="two")
    record = record_of([first, second], source="test")

    assert {2: 0.03, 3: 0.05, 5: 1.0} == pytest.approx(moves(record))
    assert [(4, 4, SWITCH)] == gaps(record)
    assert (("one", 2), ("two", 1)) == record.coverage[0].series


def test_an_earlier_series_comes_first_where_both_know():
    other = levels([1, 2, 3, 4], [5.0, 6.0, 8.0, 11.0], source="two")

    assert {2: 0.03, 3: 0.05, 4: 3.0} == pytest.approx(
        moves(record_of([levels([1, 2, 3]), other], source="test")))
    assert {2: 1.0, 3: 2.0, 4: 3.0} == pytest.approx(
        moves(record_of([other, levels([1, 2, 3])], source="test")))


def test_reader_says_why_a_day_is_missing():
    record = record_of([levels([1, 2, 4, 5], why={3: "the venue was down"})], source="test")

    assert [(3, 3, f"{UNKNOWN}: the venue was down"),
            (4, 4, f"{UNKNOWN_BEFORE}: the venue was down")] == gaps(record)


def test_factor_known_on_no_two_days_in_a_row_is_left_out():
    eth = Factor(subject="ETH", kind="price")
    record = record_of([levels([1, 2]), levels([1, 3, 5], factor=eth)], source="test")

    assert (BTC,) == record.history.factors
    with pytest.raises(BadInput, match="two consecutive days"):
        record_of([levels([1, 3])], source="test")


def test_days_of_all_factors_share_an_axis_and_unknown_is_nan():
    eth = Factor(subject="ETH", kind="price")
    record = record_of([levels([1, 2, 3]), levels([2, 3, 4], factor=eth)], source="test")

    np.testing.assert_array_equal(record.history.day, np.array([3, 4, 5]) * DAY_NS - 1000)
    np.testing.assert_array_equal(np.isfinite(record.history.move),
                                  [[True, False], [True, True], [False, True]])


def test_levels_out_of_order_or_not_finite_are_refused():
    for days, level in (([2, 1], [0.0, 0.0]), ([1, 1], [0.0, 0.0]), ([1, 2], [0.0, np.inf])):
        with pytest.raises(BadInput):
            levels(days, level)


def test_a_table_that_contradicts_the_history_is_refused():
    record = record_of([levels([1, 2, 3])], source="test")

    with pytest.raises(BadInput, match="another number"):
        FactorRecord(history=record.history,
                     coverage=(replaced(record.coverage[0], known=1),))
    with pytest.raises(BadInput, match="other factors"):
        FactorRecord(history=record.history, coverage=())


@pytest.mark.parametrize(("to", "words"), [(4.0 + np.log(1200), "1,200 times the price"),
                                           (4.0 - np.log(5000), "1/5,000 of the price")])
@pytest.mark.parametrize("kind", ["price", "peg"])
def test_a_price_in_another_unit_from_one_day_to_the_next_is_refused_by_name(to, words, kind):
    broken = levels([1, 2, 3, 4], [4.0, 4.0, to, to], factor=Factor(subject="BTC", kind=kind))
    with pytest.raises(BadInput) as refused:
        record_of([broken], source="test")

    assert f"BTC {kind} 1970-01-04" in str(refused.value) and words in str(refused.value)


def test_a_break_that_is_declared_a_gap_is_no_move_and_the_next_day_is_known():
    broken = levels([1, 2, 3, 4], [4.0, 4.1, 14.0, 14.2])
    record = record_of(parted(broken, 3), source="test")

    assert {2: 0.1, 4: 0.2} == pytest.approx(moves(record))
    assert [(3, 3, DECLARED)] == gaps(record)


def test_a_great_move_and_a_great_change_of_a_volatility_are_not_refused():
    crash = levels([1, 2], [4.0, 4.0 - np.log(900)])
    vol = levels([1, 2], [0.0, 8.0], factor=Factor(subject="BTC", kind="vol"))

    assert {2: -np.log(900)} == pytest.approx(moves(record_of([crash], source="x")))
    assert 8.0 == record_of([vol], source="x").history.move[0, 0]
