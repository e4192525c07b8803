"""Charges of the older portfolio margins, by hand."""

import numpy as np
import pytest

from counterpoise.margin.terms.contingencies import (
    gross_charge,
    matched_charge,
    net_short_charge,
    volatility_shock,
)


def test_only_what_offsets_is_charged():
    long, short = np.array([100.0, 100.0, 0.0]), np.array([30.0, 100.0, 5.0])

    assert [0.6, 2.0, 0.0] == pytest.approx(matched_charge(long, short, 0.02).tolist())


def test_calls_and_puts_of_a_strike_net_before_they_are_charged():
    calls, puts = np.array([10.0, 10.0, -3.0]), np.array([-20.0, -5.0, -4.0])

    assert [0.1, 0.0, 0.07] == pytest.approx(net_short_charge(calls, puts, 0.01).tolist())


def test_gross_sizes_are_charged_on_either_side():
    assert [2.0, 2.0] == gross_charge(np.array([200.0, -200.0]), 0.01).tolist()


def test_volatility_moves_as_stated_at_thirty_days_and_more_before():
    shock = volatility_shock(np.array([30.0, 7.5, 120.0]), factor=0.4, power=0.5)

    assert [0.4, 0.8, 0.2] == pytest.approx(shock.tolist())
