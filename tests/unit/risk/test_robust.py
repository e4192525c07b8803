"""Student's quantiles, the scaling of value at risk by them, and the liquidity add-on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.risk.liquidity import (
    LiquidityTable,
    liquidity_charge,
    liquidity_factor,
    portfolio_share,
)
from counterpoise.risk.robust import robust_value_at_risk, tail_scaling
from counterpoise.risk.student import t_quantile
from counterpoise.values.failure import BadInput


@pytest.mark.parametrize(("level", "degrees", "quantile"), [
    (0.975, 1, 12.7062047361747), (0.95, 3, 2.353363434801823), (0.99, 4, 3.746947387979196),
    (0.99, 6, 3.142668403290985), (0.995, 30, 2.749995653567231), (0.9, 100, 1.290074761346516)])
def test_quantiles_of_the_tables(level: float, degrees: int, quantile: float) -> None:
    """Abramowitz and Stegun, table 26.10, to more digits."""
    assert t_quantile(level, degrees) == pytest.approx(quantile, rel=1e-11)


@given(st.floats(0.001, 0.999), st.integers(1, 200))
def test_quantiles_are_odd_in_the_level_and_increase(level: float, degrees: int) -> None:
    up = t_quantile(level, degrees)

    assert up == pytest.approx(-t_quantile(1 - level, degrees), rel=1e-9, abs=1e-9)
    assert t_quantile(min(level + 1e-3, 0.9995), degrees) > up


@given(st.floats(0.01, 0.99))
def test_two_degrees_of_freedom_have_a_closed_form(level: float) -> None:
    """t = (2p - 1) / sqrt(2 p (1 - p))."""
    closed = (2 * level - 1) / np.sqrt(2 * level * (1 - level))

    assert t_quantile(level, 2) == pytest.approx(closed, rel=1e-10, abs=1e-12)


def test_scaling_to_the_same_level_changes_nothing() -> None:
    assert robust_value_at_risk(np.array([100.0, 0.0]), anchor=0.95, level=0.95,
                                degrees=4).tolist() == [100.0, 0.0]


@pytest.mark.parametrize("wrong", [
    {"anchor": 0.4}, {"anchor": 0.995}, {"level": 1.0}, {"degrees": 0}, {"degrees": 2.5},
    {"degrees": 10**6}, {"level": float("nan")}])
def test_levels_and_degrees_without_meaning_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        tail_scaling(**({"anchor": 0.95, "level": 0.99, "degrees": 4} | wrong))


TABLE = LiquidityTable(size=(0.0, 0.05, 0.1, 0.2), factor=(0.0, 0.05, 0.25, 0.75))


def test_the_factor_is_linear_between_nodes_and_flat_beyond() -> None:
    sizes = np.array([0.0, 0.025, 0.05, 0.075, 0.2, 5.0])

    assert liquidity_factor(sizes, TABLE).tolist() == pytest.approx(
        [0.0, 0.025, 0.05, 0.15, 0.75, 0.75], rel=1e-12)
    assert liquidity_factor(sizes, LiquidityTable(size=(0.0,), factor=(0.3,))).tolist() == [0.3] * 6


def test_the_charge_adds_the_half_spread_of_the_value() -> None:
    charge = liquidity_charge(np.array([100.0]), size=np.array([0.05]), table=TABLE,
                              value=np.array([1000.0]), half_spread=np.array([0.001]))

    assert charge.tolist() == pytest.approx([6.0], rel=1e-12)


def test_a_diversified_portfolio_pays_its_share_and_at_least_the_floor() -> None:
    alone = np.array([60.0, 40.0])

    assert portfolio_share(50.0, alone, 0.3) == 0.5
    assert portfolio_share(10.0, alone, 0.3) == 0.3
    assert portfolio_share(0.0, np.zeros(2), 0.3) == 0.3


@pytest.mark.parametrize(("size", "factor"), [
    ((), ()), ((0.1,), (0.5,)), ((0.0, 0.0), (0.1, 0.2)), ((0.0, 0.1), (0.1,)),
    ((0.0,), (-0.1,))])
def test_tables_out_of_order_are_refused(size, factor) -> None:
    with pytest.raises(BadInput):
        LiquidityTable(size=size, factor=factor)
