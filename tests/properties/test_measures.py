"""Tail measures against a plain sort: every variant and convention, ties, transforms, paths."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.risk.aggregation import Rows, UnitTransform, loss_vectors
from counterpoise.risk.measures import (
    QUANTILES,
    SHORTFALLS,
    expected_shortfall,
    expected_shortfall_of,
    tails_of,
    value_at_risk,
    value_at_risk_of,
)

LEVELS = st.sampled_from((0.5, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995)) | st.floats(0.05, 0.95)
VALUES = st.sampled_from((-7.0, -3.0, -1.0, 0.0, 0.5, 2.0)) | st.floats(-1e6, 1e6)


@st.composite
def vectors(draw, most=400):
    """Draw P&L vectors: many ties, or continuous, or with an outlier."""
    count = draw(st.integers(1, most))
    rows = draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    pool = np.array(draw(st.lists(VALUES, min_size=1, max_size=4)))
    kind = draw(st.sampled_from(("ties", "smooth", "outlier", "sorted")))
    if kind == "ties":
        return rng.choice(pool, (rows, count))
    smooth = rng.standard_t(3, (rows, count)) * 1000
    if kind == "outlier":
        smooth[:, rng.integers(count)] = -1e12
    return np.sort(smooth, axis=1) if kind == "sorted" else smooth


def enough(count, level):
    return count * (1 - level) >= 1 + 1e-6


def sorted_shortfall(losses, level, variant):
    """Return the expected shortfall of one vector by sorting."""
    mass = len(losses) * (1 - level)
    mass = round(mass) if abs(mass - round(mass)) < 1e-9 * max(mass, 1) else mass
    worst = np.sort(losses)[::-1]
    if variant == "weighted":
        whole = math.floor(mass)
        part = (mass - whole) * worst[whole] if mass > whole else 0.0
        return (math.fsum(worst[:whole]) + part) / mass
    if variant == "discrete":
        return math.fsum(worst[:math.ceil(mass)]) / math.ceil(mass)
    quantile = variant.removeprefix("tail_mean").removeprefix("_") or "linear"
    tail = losses[losses >= sorted_quantile(losses, level, quantile)]
    return math.fsum(tail) / len(tail)


def sorted_quantile(losses, level, quantile):
    """Return the quantile of one vector by the definition, places near a whole number being it."""
    ordered, n = np.sort(losses), len(losses)
    place = {"hazen": n * level + 0.5, "inverted_cdf": n * level}.get(quantile, 1 + (n - 1) * level)
    place = round(place) if abs(place - round(place)) < 1e-9 * place else place
    place = (math.ceil(place) if quantile in ("higher", "inverted_cdf")
             else min(max(place, 1), n))
    low = ordered[math.floor(place) - 1]
    return low + (place - math.floor(place)) * (ordered[min(math.floor(place), n - 1)] - low)


@given(vectors(), LEVELS, st.sampled_from(SHORTFALLS))
def test_expected_shortfall_is_that_of_a_sort(pnl, level, variant):
    if not enough(pnl.shape[1], level):
        return
    measured = expected_shortfall_of(pnl, level=level, variant=variant)

    expected = [sorted_shortfall(-row, level, variant) for row in pnl]
    np.testing.assert_allclose(measured, expected, rtol=1e-12, atol=1e-12 * np.abs(pnl).max())


@given(vectors(), LEVELS, st.sampled_from(QUANTILES))
def test_value_at_risk_is_that_of_a_sort_and_of_numpy(pnl, level, quantile):
    if not enough(pnl.shape[1], level):
        return
    measured = value_at_risk_of(pnl, level=level, quantile=quantile)

    scale = 1e-12 * np.abs(pnl).max()
    expected = [sorted_quantile(-row, level, quantile) for row in pnl]
    np.testing.assert_allclose(measured, expected, rtol=1e-13, atol=scale)
    # NumPy rounds up a place that is whole but for 0.975 being inexact.
    if quantile not in ("higher", "inverted_cdf"):
        np.testing.assert_allclose(measured, np.quantile(-pnl, level, axis=1, method=quantile),
                                   rtol=1e-9, atol=1e3 * scale)


@given(vectors(), LEVELS)
def test_shortfall_is_at_least_the_quantile_and_weighted_at_most_discrete_tail(pnl, level):
    if not enough(pnl.shape[1], level):
        return
    slack = 1e-9 * np.abs(pnl).max()
    mean = expected_shortfall_of(pnl, level=level)

    assert np.all(mean >= value_at_risk_of(pnl, level=level) - slack)
    assert np.all(mean >= expected_shortfall_of(pnl, level=level, variant="discrete") - slack)


@given(vectors(), LEVELS)
def test_shortfall_is_subadditive(pnl, level):
    if not enough(pnl.shape[1], level):
        return
    together = expected_shortfall_of(pnl.sum(axis=0)[None, :], level=level)

    apart = expected_shortfall_of(pnl, level=level).sum()
    assert together[0] <= apart + 1e-9 * np.abs(pnl).max()


@st.composite
def books(draw):
    """Draw rows of positions, a risk array whose scenario 0 is unshocked, and transforms."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    instruments, keys = draw(st.integers(1, 6)), 2
    scenarios = draw(st.sampled_from((2, 3, 40, 41, 42, 81, 120, 300)))
    lengths = np.array(draw(st.lists(st.integers(0, instruments), min_size=1, max_size=6)))
    held = [np.sort(rng.choice(instruments, n, replace=False)) for n in lengths]
    pnl = rng.standard_normal((instruments, scenarios)).round(draw(st.sampled_from((0, 9))))
    pnl[:, 0] = 0.0
    rows = Rows(pointer=np.concatenate(([0], np.cumsum(lengths))),
                account=np.arange(len(lengths), dtype=np.int32),
                key=rng.integers(0, keys, len(lengths)).astype(np.int32),
                instrument=np.concatenate(held).astype(np.int32),
                lots=rng.integers(-9, 10, lengths.sum()))
    if draw(st.booleans()):
        return rows, pnl, UnitTransform()
    return rows, pnl, UnitTransform(
        weight=rng.uniform(0.3, 1, (keys, scenarios)), gain_factor=rng.random(keys),
        gain_cap=np.array([np.inf, 3.0]), dampener=rng.uniform(0, 1, (keys, scenarios)),
        dampen_first=draw(st.booleans()))


@given(books(), st.floats(0.05, 0.999))
def test_rows_have_the_tails_of_their_vectors_bit_for_bit(drawn, share):
    rows, pnl, transform = drawn
    rank = max(1, math.ceil(share * (pnl.shape[1] - 1)))
    tails = tails_of(rows, pnl, transform, rank=rank)
    shaped = loss_vectors(rows, pnl, transform)[1][:, 1:]

    for k, row in enumerate(shaped):
        ordered = np.sort(row)
        at, below = ordered[rank - 1], ordered[max(rank - 2, 0)]
        total = 0.0
        for v in row[row < at]:
            total += v
        assert (tails.at[k], tails.below[k], tails.sum[k]) == (at, below, total)
        assert (tails.less[k], tails.ties[k]) == (np.sum(row < at), np.sum(row == at))


def large(ties: bool):
    """Return three thousand rows over 2,400 scenarios: enough for the sampled limit."""
    rng = np.random.default_rng(8)
    accounts, instruments, scenarios = 3000, 30, 2401
    pnl = rng.standard_t(3, (instruments, scenarios)) * np.linspace(0.5, 2, scenarios)
    if ties:
        pnl = np.maximum(np.round(pnl), -1.0)
    pnl[:, 0] = 0.0
    held = np.sort(rng.permuted(np.tile(np.arange(instruments), (accounts, 1)), axis=1)[:, :3])
    rows = Rows(pointer=np.arange(0, 3 * accounts + 1, 3),
                account=np.arange(accounts, dtype=np.int32), key=np.zeros(accounts, np.int32),
                instrument=held.astype(np.int32).ravel(),
                lots=rng.integers(-5, 6, 3 * accounts))
    return rows, pnl


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 60, 240, 2400])
def test_the_sampled_limit_changes_no_bit(ties, rank):
    rows, pnl = large(ties)
    tails = tails_of(rows, pnl, rank=rank, threads=2)
    shaped = np.sort(loss_vectors(rows, pnl)[1][:, 1:], axis=1)

    assert np.array_equal(tails.at, shaped[:, rank - 1] + 0.0)
    assert np.array_equal(tails.less, (shaped < tails.at[:, None]).sum(axis=1))
    assert np.array_equal(tails.ties, (shaped == tails.at[:, None]).sum(axis=1))
    parts = [rows_between(rows, k, k + 100) for k in range(0, 3000, 1000)]
    for k, part in zip(range(0, 3000, 1000), parts, strict=True):
        few = tails_of(part, pnl, rank=rank)
        assert few.sum.tobytes() == tails.sum[k:k + 100].tobytes()
        assert few.below.tobytes() == tails.below[k:k + 100].tobytes()


def test_scenarios_in_order_of_loss_defeat_the_sample_but_not_the_answer():
    """The worst 60 of 2,400 stand side by side, where a strided sample sees seven or eight."""
    rows, pnl = large(ties=False)
    lying = pnl.copy()
    lying[:, 1:] = -1.0
    lying[:, 1001:1061] = np.linspace(-100, -200, 60)
    long = Rows(pointer=rows.pointer, account=rows.account, key=rows.key,
                instrument=rows.instrument, lots=np.abs(rows.lots) + 1)

    found = tails_of(long, lying, rank=60)
    lots = long.lots.reshape(-1, 3).sum(axis=1)
    assert np.array_equal(found.at, -100.0 * lots)


def rows_between(rows: Rows, start: int, stop: int) -> Rows:
    """Return some rows by themselves."""
    p, q = rows.pointer[start], rows.pointer[stop]
    return Rows(pointer=rows.pointer[start:stop + 1] - p, account=rows.account[start:stop],
                key=rows.key[start:stop], instrument=rows.instrument[p:q], lots=rows.lots[p:q])


def test_rows_and_their_vectors_have_the_same_measures():
    rows, pnl = large(ties=False)
    shaped = np.ascontiguousarray(loss_vectors(rows, pnl)[1][:, 1:])

    for name in QUANTILES:
        assert np.array_equal(value_at_risk(rows, pnl, level=0.99, quantile=name),
                              value_at_risk_of(shaped, level=0.99, quantile=name))
    for name in SHORTFALLS:
        assert np.array_equal(expected_shortfall(rows, pnl, level=0.975, variant=name),
                              expected_shortfall_of(shaped, level=0.975, variant=name))
