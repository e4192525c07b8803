"""Sums over tiers, by hand."""

import numpy as np
import pytest

from counterpoise.collateral.tiers import marginal

ENDS, RATES = (10.0, 30.0, float("inf")), (1.0, 0.5, 0.25)


@pytest.mark.parametrize(("amount", "sum_of_parts"), [
    (0.0, 0.0), (4.0, 4.0), (10.0, 10.0), (20.0, 15.0), (30.0, 20.0), (110.0, 40.0)])
def test_every_part_has_the_rate_of_its_tier(amount, sum_of_parts):
    assert sum_of_parts == marginal(np.array(amount), ENDS, RATES)


def test_what_lies_beyond_the_last_tier_counts_nothing():
    assert [20.0, 20.0] == marginal(np.array([30.0, 999.0]), ENDS[:2], RATES[:2]).tolist()


def test_amounts_have_any_shape():
    amounts = np.array([[4.0, 20.0], [0.0, 110.0]])

    assert [[4.0, 15.0], [0.0, 40.0]] == marginal(amounts, ENDS, RATES).tolist()


def test_tiers_may_differ_along_an_axis_of_the_amounts():
    ends, rates = np.array([[10.0, 30.0], [5.0, 6.0]]), np.array([[1.0, 0.5], [2.0, 1.0]])

    assert [15.0, 11.0] == marginal(np.array([20.0, 7.0]), ends, rates).tolist()


def test_bracket_with_a_deduction_is_the_same_sum():
    # Rates 1 % to 50,000, 2 % above: 2 % x A - 500, as venues print it.
    amount = np.linspace(50_000, 400_000, 8)

    assert np.allclose(0.02 * amount - 500, marginal(amount, (50_000, np.inf), (0.01, 0.02)),
                       rtol=1e-14)


def test_an_unknown_amount_stays_unknown():
    assert np.isnan(marginal(np.array(np.nan), ENDS, RATES))


def test_no_tiers_count_nothing():
    assert 0.0 == marginal(np.array(5.0), (), ())
