"""Components sum to the shortfall, ties included; standard errors are what repetition shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoise.risk.aggregation import Rows
from counterpoise.risk.components import (
    component_shortfall,
    incremental_shortfall,
    marginal_shortfall,
    tail_shares,
)
from counterpoise.risk.measures import expected_shortfall, expected_shortfall_of
from counterpoise.risk.model_choice import worst_over_models
from counterpoise.risk.standard_errors import batch_means, shortfall_error
from counterpoise.risk.weighted_measures import expected_shortfall_in, weighted_tails
from counterpoise.values.failure import BadInput


def rows_of(lots: np.ndarray) -> Rows:
    """Return rows [row, instrument] of lots, zeros left out."""
    row, instrument = np.nonzero(lots)
    return Rows(pointer=np.searchsorted(row, np.arange(len(lots) + 1)),
                account=np.arange(len(lots), dtype=np.int32), key=np.zeros(len(lots), np.int32),
                instrument=instrument.astype(np.int32), lots=lots[row, instrument].astype(np.int64))


def book(seed: int, *, rows: int = 5, instruments: int = 7, scenarios: int = 400):
    """Return random rows and P&L whose values repeat, so that tails hold ties."""
    random = np.random.default_rng(seed)
    pnl = np.round(random.standard_t(4, (instruments, scenarios + 1)))
    pnl[:, 0] = 0.0
    return rows_of(random.integers(-3, 4, (rows, instruments))), pnl


@given(seed=st.integers(0, 10_000), level=st.floats(0.5, 0.99))
@settings(max_examples=100)
def test_components_sum_to_the_shortfall_with_ties(seed, level):
    rows, pnl = book(seed)
    row = np.repeat(np.arange(len(rows)), np.diff(rows.pointer))
    told = np.bincount(row, component_shortfall(rows, pnl, level=level), len(rows))

    assert np.allclose(told, expected_shortfall(rows, pnl, level=level), rtol=1e-12, atol=1e-12)


@given(seed=st.integers(0, 10_000), level=st.floats(0.5, 0.95))
@settings(max_examples=60)
def test_components_sum_to_the_shortfall_under_weights(seed, level):
    rows, pnl = book(seed)
    weight = np.random.default_rng(seed).random(pnl.shape[1])
    row = np.repeat(np.arange(len(rows)), np.diff(rows.pointer))
    told = np.bincount(row, component_shortfall(rows, pnl, level=level, weight=weight), len(rows))
    whole = expected_shortfall_in(weighted_tails(rows, pnl, weight=weight, level=level))

    assert np.allclose(told, whole, rtol=1e-12, atol=1e-12)


def test_tail_shares_are_probabilities_and_ties_share_alike():
    vectors = np.array([[-5.0, -5.0, -5.0, -9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]])
    shares = tail_shares(vectors, level=0.8)

    assert np.allclose(shares, [[1 / 6, 1 / 6, 1 / 6, 0.5, 0, 0, 0, 0, 0, 0]])


def test_marginal_is_the_derivative_of_the_shortfall():
    random = np.random.default_rng(3)
    pnl = random.standard_t(4, (6, 2_001))
    pnl[:, 0] = 0.0
    lots = random.integers(-1_000_000, 1_000_000, (4, 6))
    slopes = marginal_shortfall(rows_of(lots), pnl, np.arange(6, dtype=np.int32), level=0.975)
    for k in range(6):
        more = lots.copy()
        more[:, k] += 1
        moved = incremental_shortfall(rows_of(lots), rows_of(more), pnl, level=0.975)

        assert np.allclose(moved, slopes[:, k], rtol=1e-3, atol=1e-5)


def test_components_are_marginals_times_lots():
    rows, pnl = book(11)
    slopes = marginal_shortfall(rows, pnl, np.arange(7, dtype=np.int32), level=0.9)
    row = np.repeat(np.arange(len(rows)), np.diff(rows.pointer))

    assert np.allclose(component_shortfall(rows, pnl, level=0.9),
                       slopes[row, rows.instrument] * rows.lots, rtol=1e-12, atol=1e-12)


def test_an_increment_is_at_most_what_the_order_needs_alone():
    """Expected shortfall is subadditive, so a hedge or not, together is never more than apart."""
    random = np.random.default_rng(5)
    pnl = random.standard_t(4, (6, 1_001))
    pnl[:, 0] = 0.0
    lots, order = random.integers(-9, 9, (40, 6)), random.integers(-9, 9, (40, 6))
    moved = incremental_shortfall(rows_of(lots), rows_of(lots + order), pnl, level=0.95)

    assert np.all(moved <= expected_shortfall(rows_of(order), pnl, level=0.95) + 1e-9)


def test_a_failed_instrument_leaves_its_rows_without_components():
    rows, pnl = book(2)
    pnl[0] = np.nan
    held = np.repeat(np.arange(len(rows)), np.diff(rows.pointer))
    bad = np.unique(held[rows.instrument == 0])

    assert np.all(np.isnan(component_shortfall(rows, pnl, level=0.9)[np.isin(held, bad)]))


def drawn(seed: int, count: int, repeats: int):
    """Return `repeats` independent accounts of one instrument each: one sample of t(5) apiece."""
    pnl = np.random.default_rng(seed).standard_t(5, (repeats, count + 1))
    pnl[:, 0] = 0.0
    return rows_of(np.eye(repeats, dtype=np.int64)), pnl


def test_the_standard_error_is_the_spread_of_repetitions():
    rows, pnl = drawn(21, 4_000, 600)
    spread = expected_shortfall(rows, pnl, level=0.975).std(ddof=1)

    assert np.sqrt(np.mean(shortfall_error(rows, pnl, level=0.975)**2)) == pytest.approx(
        spread, rel=0.12)
    assert np.sqrt(np.mean(batch_means(rows, pnl, level=0.975)[1]**2)) == pytest.approx(
        spread, rel=0.12)


def test_doubling_the_draws_halves_the_variance():
    """600 repetitions each: the ratio of two variances is 2 within about six per cent twice."""
    few, many = (expected_shortfall(*drawn(seed, count, 600), level=0.975)
                 for seed, count in ((31, 2_000), (32, 4_000)))
    told = [np.mean(shortfall_error(*drawn(33, count, 200), level=0.975)**2)
            for count in (2_000, 4_000)]

    assert few.var(ddof=1) / many.var(ddof=1) == pytest.approx(2.0, rel=0.2)
    assert told[0] / told[1] == pytest.approx(2.0, rel=0.15)


def test_equal_weights_give_the_error_without_weights():
    rows, pnl = drawn(41, 1_000, 30)
    weighted = shortfall_error(rows, pnl, level=0.975, weight=np.full(1_001, 0.5))

    assert np.allclose(weighted, shortfall_error(rows, pnl, level=0.975), rtol=1e-2)


def test_blocks_of_rows_change_no_error():
    rows, pnl = drawn(43, 500_000, 9)

    assert np.array_equal(shortfall_error(rows, pnl, level=0.99)[4:5], shortfall_error(
        rows_of(np.eye(9, dtype=np.int64)[4:5]), pnl, level=0.99))


def test_batches_refuse_what_holds_no_tail():
    rows, pnl = drawn(44, 700, 2)

    with pytest.raises(BadInput, match="no tail"):
        batch_means(rows, pnl, level=0.975)
    with pytest.raises(BadInput, match="batches"):
        batch_means(rows, pnl, level=0.975, batches=1)


def test_the_worst_over_models_names_its_model():
    figures, which = worst_over_models({
        "history": np.array([1.0, 5.0, 2.0]), "normal": np.array([3.0, 4.0, 2.0]),
        "unknown": np.array([0.0, np.nan, 0.0])})

    assert 3.0 == figures[0] and np.isnan(figures[1]) and 2.0 == figures[2]
    assert [1, 2, 0] == which.tolist()
    with pytest.raises(BadInput, match="at least one"):
        worst_over_models({})


def test_shortfall_of_a_vector_and_of_its_row_are_one():
    rows, pnl = drawn(45, 900, 3)

    assert np.array_equal(expected_shortfall(rows, pnl, level=0.97),
                          expected_shortfall_of(np.ascontiguousarray(pnl[:, 1:]), level=0.97))
