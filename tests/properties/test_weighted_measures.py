"""Tail measures under weights: against a plain sort, NumPy's weighted quantile, equal weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core
from counterpoise.risk.aggregation import Rows, UnitTransform, loss_vectors
from counterpoise.risk.measures import expected_shortfall_of, value_at_risk_of
from counterpoise.risk.weighted_measures import (
    WEIGHTED_SHORTFALLS,
    expected_shortfall_in,
    value_at_risk_in,
    weighted_tails,
    weighted_tails_of,
)

LEVELS = st.sampled_from((0.5, 0.75, 0.9, 0.95)) | st.floats(0.05, 0.9)


@st.composite
def weighted(draw, least=1):
    """Draw P&L vectors, with ties or without, and weights: aged, uneven or with zeros."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, rows = draw(st.integers(least, 300)), draw(st.integers(1, 3))
    pnl = rng.standard_t(3, (rows, count)).round(draw(st.sampled_from((0, 12))))
    weight = {"aged": 0.98 ** np.arange(count), "uneven": rng.random(count) + 0.01,
              "zeros": rng.integers(0, 3, count).astype(float)}[
                  draw(st.sampled_from(("aged", "uneven", "zeros")))]
    return pnl, weight


def enough(weight, level):
    share = weight / weight.sum() if weight.any() else weight
    return weight.any() and (1 - level) / (share**2).sum() > 1 + 1e-6


def sorted_tail(losses, weight, level):
    """Return value at risk and the three shortfalls of one vector by sorting, worst first."""
    order = np.argsort(-losses, kind="stable")
    order = order[weight[order] > 0]
    ordered, w = losses[order], weight[order]
    mass, held = w.sum() * (1 - level), np.cumsum(w)
    at = ordered[np.argmax(held > mass * (1 + 1e-9))]
    last = int(np.argmax(held >= mass * (1 - 1e-9)))
    inside = np.clip(mass - (held - w), 0, w)
    tail = ordered >= at
    return at, {"weighted": (inside * ordered).sum() / mass,
                "discrete": np.average(ordered[:last + 1], weights=w[:last + 1]),
                "tail_mean": np.average(ordered[tail], weights=w[tail])}


@given(weighted(), LEVELS)
def test_tails_are_those_of_a_sort_and_of_numpy(drawn, level):
    pnl, weight = drawn
    if not enough(weight, level):
        return
    tails = weighted_tails_of(pnl, weight=weight, level=level)

    for k, row in enumerate(pnl):
        at, shortfalls = sorted_tail(-row, weight, level)
        assert value_at_risk_in(tails)[k] == at
        for variant, expected in shortfalls.items():
            assert expected_shortfall_in(tails, variant)[k] == pytest.approx(
                expected, rel=1e-11, abs=1e-12)
        low, high = (np.quantile(-row, p, weights=weight, method="inverted_cdf")
                     for p in (level - 1e-8, level + 1e-8))
        assert low <= at <= high


@given(weighted(), LEVELS)
def test_equal_weights_are_no_weights(drawn, level):
    pnl, _ = drawn
    if pnl.shape[1] * (1 - level) < 1 + 1e-6:
        return
    tails = weighted_tails_of(pnl, weight=np.full(pnl.shape[1], 0.25), level=level)

    assert np.array_equal(value_at_risk_in(tails),
                          value_at_risk_of(pnl, level=level, quantile="inverted_cdf"))
    for variant, plain in (("weighted", "weighted"), ("discrete", "discrete"),
                           ("tail_mean", "tail_mean_inverted_cdf")):
        np.testing.assert_allclose(expected_shortfall_in(tails, variant), expected_shortfall_of(
            pnl, level=level, variant=plain), rtol=1e-11, atol=1e-12)


@given(weighted(), LEVELS, st.floats(1e-6, 1e6))
def test_only_the_proportion_of_weights_counts(drawn, level, scale):
    pnl, weight = drawn
    if not enough(weight, level):
        return
    one, other = (weighted_tails_of(pnl, weight=w, level=level) for w in (weight, weight * scale))

    assert np.array_equal(one.at, other.at)
    np.testing.assert_allclose(expected_shortfall_in(one), expected_shortfall_in(other),
                               rtol=1e-9, atol=1e-12)


@given(weighted(), LEVELS)
def test_shortfall_is_subadditive_and_no_less_than_the_quantile(drawn, level):
    pnl, weight = drawn
    if not enough(weight, level):
        return
    apart = weighted_tails_of(pnl, weight=weight, level=level)
    together = weighted_tails_of(pnl.sum(axis=0)[None, :], weight=weight, level=level)

    slack = 1e-9 * np.abs(pnl).max()
    assert expected_shortfall_in(together)[0] <= expected_shortfall_in(apart).sum() + slack
    assert np.all(expected_shortfall_in(apart) >= value_at_risk_in(apart) - slack)


def book(rng, scenarios):
    rows = Rows(pointer=np.arange(0, 201, 5), account=np.arange(40, dtype=np.int32),
                key=rng.integers(0, 2, 40).astype(np.int32),
                instrument=rng.integers(0, 30, 200).astype(np.int32),
                lots=rng.integers(-9, 10, 200))
    pnl = rng.standard_normal((30, scenarios)).round(1)
    pnl[:, 0] = 0.0
    transform = UnitTransform(weight=rng.uniform(0.3, 1, (2, scenarios)),
                              gain_factor=rng.random(2), gain_cap=np.array([np.inf, 3.0]),
                              dampener=rng.uniform(0, 1, (2, scenarios)))
    return rows, pnl, transform


@pytest.mark.parametrize("scenarios", [3, 40, 41, 42, 121, 2500])
def test_rows_have_the_tails_of_their_vectors_bit_for_bit(scenarios):
    rng = np.random.default_rng(scenarios)
    rows, pnl, transform = book(rng, scenarios)
    weight = np.concatenate(([0.0], rng.random(scenarios - 1) + 0.01))
    before = _core.isa()["active"]
    vectors = loss_vectors(rows, pnl, transform)[1][:, 1:]
    expected = weighted_tails_of(np.ascontiguousarray(vectors), weight=weight[1:], level=0.4)
    try:
        for flavour in _core.isa()["available"]:
            _core.use_isa(flavour)
            for threads in (1, 3):
                assert weighted_tails(rows, pnl, transform, weight=weight, level=0.4,
                                      threads=threads) == expected
    finally:
        _core.use_isa(before)


@pytest.mark.parametrize("scenario", [1, 39, 40, 41, 80])
def test_a_nan_is_the_answer_of_its_rows_and_of_no_others(scenario):
    rows, pnl, transform = book(np.random.default_rng(1), 81)
    pnl[7, scenario] = np.nan
    weight = np.concatenate(([0.0], np.ones(80)))
    touched = np.array([7 in rows.instrument[5 * r:5 * r + 5] for r in range(40)])

    tails = weighted_tails(rows, pnl, transform, weight=weight, level=0.9)

    assert touched.any() and np.array_equal(np.isnan(value_at_risk_in(tails)), touched)
    for variant in WEIGHTED_SHORTFALLS:
        assert np.array_equal(np.isnan(expected_shortfall_in(tails, variant)), touched)
