"""The volatility at the money is read between the strikes around the forward."""

import numpy as np
import pytest

from counterpoise.market.at_the_money import at_the_money
from counterpoise.market.snapshot import Quality
from counterpoise.values.frozen import replaced
from small_market import column_of, instruments, market


def _with(volatilities: dict[str, float], **changes: object):
    made = market(**changes)
    sigma = np.array(made.volatility)
    for name, value in volatilities.items():
        sigma[column_of(made.catalogue, name)] = value
    return replaced(made, volatility=sigma)


def test_it_is_linear_in_log_moneyness_between_call_and_put_of_both_sides():
    made = _with({"linear 70000.0 C": 0.6, "linear 70000.0 P": 0.62, "linear 80000.0 C": 0.7,
                  "linear 80000.0 P": 0.72})
    low, high = np.log(70_000 / 70_500), np.log(80_000 / 70_500)

    found = at_the_money(made)[column_of(made.catalogue, "linear 60000.0 C")]

    assert found == pytest.approx(0.61 + (0 - low) / (high - low) * 0.1, rel=1e-12)


def test_settlements_are_smiles_of_their_own():
    made = _with({"linear 70000.0 C": 0.9})

    assert at_the_money(made)[column_of(made.catalogue, "inverse 60000.0 C")] == 0.5
    assert at_the_money(made)[column_of(made.catalogue, "linear 60000.0 C")] > 0.6


def test_a_quote_marked_bad_does_not_count():
    made = _with({"linear 70000.0 C": 9.0})
    quality = np.array(made.quality)
    quality[column_of(made.catalogue, "linear 70000.0 C")] = Quality.ABSURD_VOLATILITY

    found = at_the_money(replaced(made, quality=quality))

    assert found[column_of(made.catalogue, "linear 60000.0 C")] == 0.5


@pytest.mark.parametrize("strike", [10_000.0, 200_000.0])
def test_on_one_side_only_the_nearest_strike_counts(strike):
    made = market(listed=instruments(strikes=(strike,)))

    assert at_the_money(made)[column_of(made.catalogue, f"linear {strike} C")] == 0.5


def test_what_is_no_option_and_what_has_no_quote_have_none():
    made = market(volatility=np.full(len(market().volatility), np.nan),
                  quality=np.full(len(market().volatility), Quality.MISSING_VOLATILITY, np.uint16))

    assert np.isnan(at_the_money(made)).all()
    assert np.isnan(at_the_money(market())[column_of(market().catalogue, "spot")])
