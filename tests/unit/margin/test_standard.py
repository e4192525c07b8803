"""What Deribit standard margin says, position by position."""

import math

import numpy as np
import pytest

from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.standard import MODEL
from counterpoise.margin.requirement import Requirements
from counterpoise.values.failure import Reason
from counterpoise.values.frozen import replaced
from markets import AS_OF, account, market

MARKET = market()


def needs(holdings: dict[str, float], orders: dict[str, float] | None = None) -> Requirements:
    """Return the standard margin of an account."""
    version = parameters_of(MODEL, AS_OF)
    return compute_margin(account(MARKET, holdings, orders), MARKET, model=MODEL,
                          version=version).requirements


def test_a_perpetual_needs_two_percent_and_its_size() -> None:
    """|q| (2 % + 0.005 % |q|) coins."""
    required = needs({"BTC-USD:BTC-PERP": -650_000.0})

    assert required.initial[0] == pytest.approx(10 * (0.02 + 0.00005 * 10), rel=1e-12)
    assert required.maintenance[0] == pytest.approx(10 * (0.01 + 0.00005 * 10), rel=1e-12)


def test_no_offset_between_instruments() -> None:
    """Long perpetual and short future pay both."""
    legs = {"BTC-USD:BTC-PERP": 65_000.0, "BTC-USD:BTC-20260327": -65_000.0}

    whole = needs(legs).initial[0]
    assert whole == pytest.approx(sum(needs({n: q}).initial[0] for n, q in legs.items()))


def test_long_options_need_nothing_more_than_their_premium() -> None:
    """The premium is paid; the margin is zero."""
    assert needs({"BTC-USD:BTC-20260327-65000-C": 3.0}).initial[0] == 0


def test_a_short_call_needs_fifteen_percent_less_its_distance_plus_the_mark() -> None:
    """IM = max(0.15 - OTM/F, 0.10) + m, MM = 0.075 + m."""
    name = "BTC-USD:BTC-20260327-71500-C"
    column = MARKET.catalogue.column[name]
    forward, mark = float(MARKET.forward[column]), float(MARKET.mark[column])

    required = needs({name: -2.0})
    away = max(71_500 - forward, 0) / forward
    assert required.initial[0] == pytest.approx(2 * (max(0.15 - away, 0.1) + mark), rel=1e-12)
    assert required.maintenance[0] == pytest.approx(2 * (0.075 + mark), rel=1e-12)


def test_orders_pay_the_larger_side_of_their_own_instrument() -> None:
    """Selling what is held frees nothing and costs nothing; doubling it costs."""
    perp = "BTC-USD:BTC-PERP"

    assert needs({perp: 65_000.0}, {perp: -65_000.0}).initial_components[
        "open_orders_margin"][0] == 0
    both = needs({perp: 65_000.0}, {perp: 65_000.0})
    assert both.initial[0] == pytest.approx(2 * (0.02 + 0.0001), rel=1e-12)
    assert both.maintenance[0] == pytest.approx(0.01005, rel=1e-12)


def test_an_instrument_without_rates_is_a_failure() -> None:
    """Deribit publishes no linear ETH perpetual rates that we hold."""
    required = needs({"ETH-USDC:USDC-PERP": 1.0})

    assert math.isnan(required.initial[0])
    assert required.failures[required.failure[0]].reason is Reason.NO_PARAMETERS


def test_components_sum() -> None:
    """Addends, rounding among them."""
    required = needs({"BTC-USD:BTC-PERP": 1.0, "BTC-USD:BTC-20260327-71500-C": -1.0})

    total = np.add.reduce(list(required.initial_components.values()))
    assert total[0] == pytest.approx(required.initial[0], abs=1e-15)


def test_a_short_put_needs_at_least_its_maintenance_margin_initially() -> None:
    """Deep in the money 0.075 m is above 0.15, so MM = 0.075 m + m is the larger one."""
    name = "BTC-USD:BTC-20270101-91000-P"
    rich = replaced(MARKET, mark=np.where(
        np.arange(len(MARKET.mark)) == MARKET.catalogue.column[name], 3.0, MARKET.mark))
    version = parameters_of(MODEL, AS_OF)
    required = compute_margin(account(rich, {name: -1.0}), rich, model=MODEL,
                              version=version).requirements

    assert required.initial[0] == required.maintenance[0] == pytest.approx(3.0 * 1.075, rel=1e-12)


def test_linear_futures_are_charged_in_their_settlement_asset() -> None:
    """At 0.5 USD a USDC, the same coins need twice the USDC; without a price they need a reason."""
    version = parameters_of(MODEL, AS_OF)
    book = account(MARKET, {"BTC-USDC:USDC-PERP": 1.0})
    markets = [replaced(MARKET, price=np.array([*MARKET.price[:2], usd]))
               for usd in (1.0, 0.5, math.nan)]
    whole, half, none = (compute_margin(book, m, model=MODEL, version=version).requirements
                         for m in markets)

    assert half.initial[0] == pytest.approx(2 * whole.initial[0], rel=1e-12)
    assert none.failures[none.failure[0]].reason is Reason.MISSING_PRICE


def test_given_margins_are_part_of_the_initial_margin() -> None:
    """Amounts that only the venue knows are added, not dropped."""
    book = account(MARKET, {"BTC-USD:BTC-PERP": 65_000.0}, balances={"BTC": 1})
    version = parameters_of(MODEL, AS_OF)
    bare, stated = (compute_margin(b, MARKET, model=MODEL, version=version).requirements.initial[0]
                    for b in (book, replaced(book, given={"mmp_margin": np.array([[0.06]])})))

    assert stated - bare == pytest.approx(0.06, rel=1e-12)
