"""Aevo standard margin by hand: perpetuals, short calls and puts, collateral ratios."""

import math
from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.contracts import Future
from counterpoise.margin.compute import AccountMargin, compute_margin
from counterpoise.margin.conformance import check_margin_model
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from markets import AS_OF, account, market, only

MODEL = model_named("aevo")
VERSION = parameters_of(MODEL, AS_OF)
MARKET = market()
ETH = "ETH-USDC:USDC-PERP"
CALL = "BTC-USDC:USDC-20260327-71500-C"
PUT = "BTC-USDC:USDC-20260327-58500-P"
BITCOIN: dict[str, Any] = {"perpetual": {"btc": {"initial_margin": 0.05,
                                                 "maintenance_margin": 0.03}}}


def margins(held: dict[str, float], orders: dict[str, float] | None = None,
            balances: dict[str, int] | None = None) -> AccountMargin:
    """Return the margin of an account; BTC at 65,000, ether at 1,900."""
    return compute_margin(account(MARKET, held, orders, balances), MARKET, model=MODEL,
                          version=VERSION)


def mark_of(name: str) -> float:
    """Return the mark of an instrument of the market."""
    return float(MARKET.mark[MARKET.catalogue.column[name]])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_model_passes_the_battery(seed: int) -> None:
    """No promise is broken on random books of USDC perpetuals and options."""
    covered = only(MARKET, lambda c: c.settlement == "USDC" and not isinstance(c, Future))

    assert check_margin_model(MODEL, parameters_of(MODEL, AS_OF, BITCOIN), covered, seed=seed) == ()


def test_an_ether_perpetual_needs_five_percent_and_three() -> None:
    """Of 10 ether at 1,900."""
    needs = margins({ETH: -10.0}).requirements

    assert needs.initial[0] == pytest.approx(950, rel=1e-12)
    assert needs.maintenance[0] == pytest.approx(570, rel=1e-12)


def test_a_short_call_needs_a_tenth_to_keep() -> None:
    """6,500 out of the money: max(0.05, 0.10) x 65,000 to open, 0.10 x 65,000 to keep."""
    needs = margins({CALL: -2.0}).requirements

    assert needs.initial[0] == needs.maintenance[0] == pytest.approx(
        2 * (6_500 + mark_of(CALL)), rel=1e-12)


def test_a_call_near_the_money_needs_more_to_open() -> None:
    """0.15 of the index at the money, 0.10 to keep."""
    name = "BTC-USDC:USDC-20260327-65000-C"
    needs = margins({name: -1.0}).requirements

    assert needs.initial[0] == pytest.approx(9_750 + mark_of(name), rel=1e-12)
    assert needs.maintenance[0] == pytest.approx(6_500 + mark_of(name), rel=1e-12)


def test_a_put_worth_more_than_the_index_pays_a_tenth_of_its_mark() -> None:
    """MM = max(0.10 S, 0.10 mark) + mark, and IM is at least that."""
    rich = replaced(MARKET, mark=np.where(
        np.arange(len(MARKET.mark)) == MARKET.catalogue.column[PUT], 80_000.0, MARKET.mark))
    needs = compute_margin(account(rich, {PUT: -1.0}), rich, model=MODEL,
                           version=VERSION).requirements

    assert needs.maintenance[0] == needs.initial[0] == pytest.approx(88_000, rel=1e-12)


def test_long_options_need_nothing() -> None:
    """Their premium was paid."""
    assert margins({CALL: 5.0, PUT: 2.0}).requirements.initial[0] == 0


def test_equity_is_collateral_by_its_ratio_and_options_at_their_marks() -> None:
    """One ether of 1,900 at 0.9, 500 USDC, a call at its mark."""
    found = margins({CALL: 1.0}, None, {"ETH": 1, "USDC": 500, "BTC": 1})

    assert found.margin_balance[0] == pytest.approx(1_710 + 500 + mark_of(CALL), rel=1e-12)


def test_orders_pay_the_larger_side_initially_only() -> None:
    """Buying back is free, selling one more is not."""
    bare, less, more = (margins({CALL: -1.0}, {CALL: q} if q else None).requirements
                        for q in (0, 1.0, -1.0))

    assert less.initial[0] == bare.initial[0]
    assert more.initial[0] == pytest.approx(2 * bare.initial[0], rel=1e-12)
    assert more.maintenance[0] == bare.maintenance[0]


@pytest.mark.parametrize(("name", "reason"), [
    ("BTC-USDC:USDC-PERP", Reason.NO_PARAMETERS), ("ETH-USDC:USDC-20260327", Reason.NOT_APPLICABLE),
    ("BTC-USD:BTC-20260327-65000-C", Reason.NOT_APPLICABLE)])
def test_what_has_no_rate_is_a_failure(name: str, reason: Reason) -> None:
    """No number, and the reason."""
    needs = margins({name: -1.0}).requirements

    assert math.isnan(needs.initial[0])
    assert needs.failures[needs.failure[0]].reason is reason


def test_a_spread_pays_its_short_leg_in_full() -> None:
    """Not declared: hedge_never_raises_scan. Selling the far call against the near one costs."""
    near = {"BTC-USDC:USDC-20260327-65000-C": 1.0}
    one, two = (margins(held).requirements.initial[0] for held in (near, near | {CALL: -1.0}))

    assert "hedge_never_raises_scan" not in MODEL.laws
    assert one == 0 < two


@pytest.mark.parametrize(("overrides", "named"), [
    ({"perpetual": {"eth": {"initial_margin": 2}}}, "initial_margin"),
    ({"option": {"eth": {"maintenance": -0.1}}}, "maintenance")])
def test_parameters_without_meaning_are_refused(overrides: dict[str, Any], named: str) -> None:
    """Each is named."""
    with pytest.raises(BadInput, match=named):
        parameters_of(MODEL, AS_OF, overrides)


@pytest.mark.parametrize("overrides", [
    {"perpetual": {"eth": {"maintenance_margin": 0.06}}},
    {"option": {"eth": {"maintenance": 0.12}}}])
def test_maintenance_above_initial_is_odd(overrides: dict[str, Any]) -> None:
    """Computed and named."""
    assert any("odd parameter" in s for _, s in parameters_of(MODEL, AS_OF, overrides).notes)


def test_an_option_needs_the_price_of_the_cash_it_is_margined_in() -> None:
    """The index is in dollars: without the price of USDC nobody can say it in USDC."""
    blind = replaced(MARKET, price=np.array([*MARKET.price[:2], math.nan]))
    needs = compute_margin(account(blind, {CALL: -1.0}), blind, model=MODEL,
                           version=VERSION).requirements

    assert math.isnan(needs.initial[0])
    assert needs.failures[needs.failure[0]].reason is Reason.MISSING_PRICE
