"""The risk array of a snapshot: value, P&L and transaction delta per lot."""

import numpy as np
import pytest

from counterpoise.market.snapshot import Quality
from counterpoise.risk.arrays import risk_arrays
from counterpoise.values.frozen import replaced
from small_market import column_of, instruments, market, scenarios

BUMP = 1e-6


def slopes(snapshot, names):
    """Return dP&L / dprice per lot by central difference, each moved by its own price."""
    bumped = scenarios(move=(0.0, BUMP, -BUMP), base_spot="mark", base_option="forward")
    arrays = risk_arrays(snapshot, bumped)
    columns = [column_of(snapshot.catalogue, name) for name in names]
    price = np.where(snapshot.catalogue.kind == 3, snapshot.forward, snapshot.mark)[columns]
    return (arrays.pnl[columns, 1] - arrays.pnl[columns, 2]) / (2 * BUMP * price), arrays, columns


def test_delta_of_linear_contracts_is_the_slope_of_their_value():
    names = ["spot", "linear perpetual", "linear 70000.0 C", "linear 80000.0 P"]

    slope, arrays, columns = slopes(market(), names)

    np.testing.assert_allclose(arrays.delta[columns], slope, rtol=1e-8)


def test_delta_of_inverse_contracts_is_the_coin_that_a_hedge_would_trade():
    names = ["inverse perpetual", "inverse future", "inverse 70000.0 C", "inverse 60000.0 P"]

    slope, arrays, columns = slopes(market(), names)

    snapshot = market()
    price = np.where(snapshot.catalogue.kind == 3, snapshot.forward, snapshot.mark)[columns]
    np.testing.assert_allclose(arrays.delta[columns], slope * price, rtol=1e-7)


def test_inverse_perpetual_is_one_coin_per_coin():
    snapshot = market()
    column = column_of(snapshot.catalogue, "inverse perpetual")

    assert risk_arrays(snapshot, scenarios()).delta[column] == 10.0 / snapshot.mark[column]


def test_in_the_settlement_window_delta_shrinks_with_the_variable_part():
    snapshot = market(listed=instruments(days=0.01))
    option = snapshot.catalogue.kind == 3
    fixed = np.where(option, 30_000.0, 0.0)
    inside = replaced(snapshot, forward_fixed=fixed, forward=snapshot.forward - fixed)

    whole, part = (risk_arrays(m, scenarios()).delta for m in (snapshot, inside))

    np.testing.assert_allclose(part[option], whole[option] * 40_500.0 / 70_500.0, rtol=1e-14)
    assert np.array_equal(part[~option], whole[~option])


def test_quanto_and_linear_ignore_the_numeraire():
    in_coin, in_quote = (risk_arrays(market(), scenarios(numeraire=n))
                         for n in ("settlement", "quote"))
    linear = market().catalogue.payoff != 1

    assert np.array_equal(in_coin.pnl[linear], in_quote.pnl[linear])
    assert np.array_equal(in_coin.delta, in_quote.delta)


@pytest.mark.parametrize("bit", [Quality.STALE, Quality.EXPIRED, Quality.ABSURD_PRICE])
def test_a_failed_instrument_is_nan_in_every_column(bit):
    snapshot = market()
    quality = np.zeros(len(snapshot.mark), np.uint16)
    quality[[1, 5]] = int(bit)

    arrays = risk_arrays(replaced(snapshot, quality=quality), scenarios())

    assert np.flatnonzero(arrays.failed).tolist() == [1, 5]
    for column in (arrays.value, arrays.delta, arrays.pnl):
        assert np.isnan(column[[1, 5]]).all() and np.isfinite(np.delete(column, [1, 5], 0)).all()


def test_the_array_says_which_snapshot_and_scenarios_it_is_of():
    snapshot, given = market(), scenarios()

    arrays = risk_arrays(snapshot, given)

    assert arrays.sequence == snapshot.sequence and arrays.scenarios is given
