"""Value at risk and expected shortfall: small examples, refusals, published closed forms."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from counterpoise.risk.aggregation import Rows
from counterpoise.risk.measures import (
    expected_shortfall,
    expected_shortfall_of,
    value_at_risk,
    value_at_risk_of,
)
from counterpoise.values.failure import BadInput

TEN = -np.arange(1.0, 11.0)[None, :]
"""Losses of 1 to 10."""


@pytest.mark.parametrize(("quantile", "expected"),
                         [("linear", 7.75), ("hazen", 8.0), ("higher", 8.0)])
def test_each_convention_names_its_quantile(quantile, expected):

    assert value_at_risk_of(TEN, level=0.75, quantile=quantile)[0] == expected


@pytest.mark.parametrize(("variant", "expected"), [
    ("weighted", (10 + 9 + 0.5 * 8) / 2.5), ("discrete", 9.0), ("tail_mean", 9.0)])
def test_each_variant_counts_the_tail_its_way(variant, expected):

    assert expected_shortfall_of(TEN, level=0.75, variant=variant)[0] == pytest.approx(
        expected, rel=1e-15)


def test_ties_at_the_quantile_belong_to_the_tail_mean():
    tied = np.array([[-5.0, -5.0, -5.0, -9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]])

    assert expected_shortfall_of(tied, level=0.8, variant="tail_mean_higher")[0] == 6.0
    assert expected_shortfall_of(tied, level=0.8, variant="discrete")[0] == 7.0


def test_a_level_that_binary_fractions_miss_is_meant():
    """1,000 x (1 - 0.975) is 25.000000000000021 in floating point; the tail is 25 scenarios."""
    losses = -np.arange(1.0, 1001.0)[None, :]

    assert expected_shortfall_of(losses, level=0.975, variant="discrete")[0] == 988.0
    assert expected_shortfall_of(losses, level=0.975)[0] == 988.0


@pytest.mark.parametrize(("level", "count", "sentence"), [
    (0.99, 99, "99 scenarios hold no tail of 0.01; give at least 100 scenarios or a lower level"),
    (0.0, 10, "0.0 is no level; give a fraction between 0 and 1, like 0.975"),
    (97.5, 10, "97.5 is no level"), (float("nan"), 10, "nan is no level"),
    (0.5, 1, "1 scenarios hold no tail of 0.5"), (0.5, 0, "0 scenarios hold no tail"),
])
def test_too_little_to_see_the_tail_is_refused(level, count, sentence):
    for measure in (value_at_risk_of, expected_shortfall_of):
        with pytest.raises(BadInput) as caught:
            measure(np.zeros((1, count)), level=level)

        assert sentence in str(caught.value)


def test_an_unknown_convention_is_refused_with_those_that_are_known():
    with pytest.raises(BadInput, match="'nearest' is unknown; it is one of linear, hazen, higher"):
        value_at_risk_of(TEN, level=0.5, quantile="nearest")
    with pytest.raises(BadInput, match="one of weighted, discrete, tail_mean, tail_mean_hazen"):
        expected_shortfall_of(TEN, level=0.5, variant="mean")


def test_the_unshocked_world_does_not_count():
    rows = Rows(pointer=np.array([0, 1]), account=np.zeros(1, np.int32),
                key=np.zeros(1, np.int32), instrument=np.zeros(1, np.int32), lots=np.array([2]))
    pnl = np.array([[0.0, 3.0, 1.0, 2.0]])

    assert value_at_risk(rows, pnl, level=0.5)[0] == -4.0
    assert expected_shortfall(rows, pnl, level=0.5)[0] == pytest.approx(-(2 + 0.5 * 4) / 1.5)


def test_a_failed_instrument_leaves_no_number_in_its_rows_only():
    rows = Rows(pointer=np.array([0, 1, 2, 2]), account=np.arange(3, dtype=np.int32),
                key=np.zeros(3, np.int32), instrument=np.array([0, 1], np.int32),
                lots=np.array([1, 1]))
    pnl = np.vstack((np.zeros(101), np.linspace(0, -1, 101)))
    pnl[0, 7] = np.nan

    measured = expected_shortfall(rows, pnl, level=0.9)
    assert np.isnan(measured[0]) and measured[1] == pytest.approx(0.955) and measured[2] == 0
    assert np.isnan(value_at_risk(rows, pnl, level=0.9)).tolist() == [True, False, False]


def test_nothing_to_measure_gives_nothing():

    assert value_at_risk_of(np.ones((0, 100)), level=0.9).shape == (0,)


def test_closed_forms_of_normal_and_student_are_approached(cases: Any) -> None:
    """Stratified quantiles of the distributions; the case states exact VaR and ES."""
    expected = cases("backtests/var_es__closed_form_var_es.json")["expected"]
    count = 200_000
    middle = (np.arange(count) + 0.5) / count
    for name, table in expected.items():
        losses = stats.norm.ppf(middle) if name == "normal" else stats.t.ppf(middle, int(name[1:]))
        for level, exact in table.items():
            var = value_at_risk_of(-losses[None, :], level=float(level), quantile="hazen")[0]
            mean = expected_shortfall_of(-losses[None, :], level=float(level))[0]
            assert var == pytest.approx(exact["VaR"], rel=1e-6)
            assert mean == pytest.approx(exact["ES"], rel=5e-3)
