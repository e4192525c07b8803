"""Coinbase International Exchange by hand: rates, pair credit, close-out margin, weights."""

import math
from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.contracts import Perpetual
from counterpoise.margin.compute import AccountMargin, compute_margin
from counterpoise.margin.conformance import check_margin_model
from counterpoise.margin.figures import figures_of
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from markets import AS_OF, account, market, only

MODEL = model_named("coinbase_intx")
ETHER: dict[str, Any] = {"product": {"eth": {"base_im": 0.1, "rp": 0, "coh": 0}}}
VERSION = parameters_of(MODEL, AS_OF, ETHER)
MARKET = market()
BTC, ETH = "BTC-USDC:USDC-PERP", "ETH-USDC:USDC-PERP"


def margins(held: dict[str, float], overrides: dict[str, Any] = ETHER,
            orders: dict[str, float] | None = None) -> AccountMargin:
    """Return the margin of an account; BTC at 65,000, ether at 1,900."""
    return compute_margin(account(MARKET, held, orders), MARKET, model=MODEL,
                          version=parameters_of(MODEL, AS_OF, overrides))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_model_passes_the_battery(seed: int) -> None:
    """No promise is broken on random books of USDC perpetuals."""
    covered = only(MARKET, lambda c: isinstance(c, Perpetual) and c.settlement == "USDC")

    assert check_margin_model(MODEL, VERSION, covered, seed=seed) == ()


def test_a_perpetual_pays_its_base_rate_and_two_thirds_of_it() -> None:
    """20 % of 130,000; maintenance two thirds."""
    needs = margins({BTC: -2.0}).requirements

    assert needs.initial[0] == pytest.approx(26_000, rel=1e-12)
    assert needs.maintenance[0] == pytest.approx(26_000 * 2 / 3, rel=1e-12)


def test_a_larger_risk_proxy_takes_the_place_of_the_base_rate() -> None:
    """max(0.2, 0.1 x sqrt(9))."""
    stated = {"product": {"btc": {"rp": 0.1, "coh": 9.0}}}

    assert margins({BTC: 1.0}, stated).requirements.initial[0] == pytest.approx(
        0.3 * 65_000, rel=1e-12)


@pytest.mark.parametrize(("coins", "ether"), [(1.0, -20.0), (-1.0, 20.0), (1.0, -50.0)])
def test_opposite_positions_get_a_credit_on_the_matched_notional(coins, ether) -> None:
    """40 % of both margins on min(65,000, |ether| x 1,900)."""
    needs = margins({BTC: coins, ETH: ether}).requirements
    matched = min(65_000, abs(ether) * 1_900)

    assert needs.initial_components["pair_credit"][0] == pytest.approx(
        -0.4 * matched * (0.2 + 0.1), rel=1e-12)
    assert needs.initial[0] == pytest.approx(
        13_000 + abs(ether) * 190 - 0.4 * matched * 0.3, rel=1e-12)


def test_positions_of_the_same_sign_get_no_credit() -> None:
    """Long both: nothing is matched."""
    assert margins({BTC: 1.0, ETH: 20.0}).requirements.initial_components["pair_credit"][0] == 0


def test_notional_is_matched_once() -> None:
    """A second pair of the same coin finds nothing left when the first has taken it all."""
    twice = ETHER | {"offset": {"btc_eth_again": {"first": "BTC", "second": "ETH", "credit": 0.4}}}
    held = {BTC: 1.0, ETH: -50.0}

    assert margins(held, twice).requirements.initial[0] == margins(held).requirements.initial[0]


def test_close_out_margin_is_a_third_or_twelve_points_below_maintenance() -> None:
    """At 20 %: max(6.67 %, 13.33 % - 12 %); at 60 %: max(20 %, 40 % - 12 %)."""
    def shown(rate: float) -> float:
        version = parameters_of(MODEL, AS_OF, {"product": {"btc": {"base_im": rate}}})
        book = account(MARKET, {BTC: 1.0})
        found = compute_margin(book, MARKET, model=MODEL, version=version)
        return float(figures_of(MODEL, found, book, (), MARKET, version.parameters)[
            "close_out_margin"][0])

    assert shown(0.2) == pytest.approx(65_000 * 0.2 / 3, rel=1e-12)
    assert shown(0.6) == pytest.approx(65_000 * 0.28, rel=1e-12)


def test_collateral_counts_by_its_weight_and_nothing_without_one() -> None:
    """One coin at 0.9, ten ether at nothing."""
    book = account(MARKET, {}, balances={"BTC": 1, "ETH": 10, "USDC": 7})
    version = parameters_of(MODEL, AS_OF, {"collateral": {"btc": {"up_to": [], "weight": [0.9]}}})

    assert compute_margin(book, MARKET, model=MODEL, version=version
                          ).margin_balance[0] == pytest.approx(0.9 * 65_000 + 7, rel=1e-12)


def test_orders_pay_the_larger_side_initially_only() -> None:
    """Selling what is held costs nothing, one more coin its rate."""
    bare, less, more = (margins({BTC: 1.0}, ETHER, {BTC: q} if q else None).requirements
                        for q in (0, -1.0, 1.0))

    assert less.initial[0] == bare.initial[0]
    assert more.initial[0] == pytest.approx(26_000, rel=1e-12)
    assert more.maintenance[0] == bare.maintenance[0]


@pytest.mark.parametrize(("name", "reason"), [
    ("BTC-USDC:USDC-20260327", Reason.NOT_APPLICABLE), ("BTC-USD:BTC-PERP", Reason.NOT_APPLICABLE),
    (ETH, Reason.NO_PARAMETERS)])
def test_what_has_no_rate_is_a_failure(name: str, reason: Reason) -> None:
    """No number without one; here only BTC has a rate."""
    few = replaced(VERSION, parameters=replaced(VERSION.parameters, product={
        "btc": VERSION.parameters.product["btc"]}))
    needs = compute_margin(account(MARKET, {name: 1.0}), MARKET, model=MODEL,
                           version=few).requirements

    assert math.isnan(needs.initial[0])
    assert needs.failures[needs.failure[0]].reason is reason


def test_a_hedge_in_another_coin_raises_the_margin() -> None:
    """Not declared: hedge_never_raises_scan. A credit of 40 % leaves 60 % of the second leg."""
    one, two = (margins(held).requirements.initial[0] for held in (
        {ETH: 20.0}, {ETH: 20.0, BTC: -0.5}))

    assert "hedge_never_raises_scan" not in MODEL.laws
    assert two > one


def test_merging_accounts_can_cost_the_credit() -> None:
    """Not declared: subadditive. The other account's ether nets the hedge and its credit away."""
    dear = {"product": {"btc": {"base_im": 0.5}, "eth": {"base_im": 0.05, "rp": 0, "coh": 0}}}
    hedged, ether, both = (margins(held, dear).requirements.initial[0] for held in (
        {BTC: 1.0, ETH: -20.0}, {ETH: 20.0}, {BTC: 1.0}))

    assert "subadditive" not in MODEL.laws
    assert both > hedged + ether


@pytest.mark.parametrize(("overrides", "named"), [
    ({"product": {"btc": {"base_im": 2}}}, "base_im"),
    ({"offset": {"btc_eth": {"credit": -0.1}}}, "credit")])
def test_parameters_without_meaning_are_refused(overrides: dict[str, Any], named: str) -> None:
    """Each is named."""
    with pytest.raises(BadInput, match=named):
        parameters_of(MODEL, AS_OF, overrides)


def test_maintenance_above_initial_is_odd_and_the_missing_numbers_are_said() -> None:
    """Computed with a named warning; RP and CoH are our reading until stated."""
    version = parameters_of(MODEL, AS_OF, {"general": {"maintenance_share": 1.2}})
    book = account(MARKET, {BTC: 1.0})

    assert any("maintenance_share" in sentence for _, sentence in version.notes)
    assert any("RP x sqrt(CoH)" in s for s in MODEL.our_readings(book, MARKET, VERSION.parameters))


def test_contributions_add_up_to_margin_and_credit() -> None:
    """Each leg carries its own margin and its part of the credit."""
    book = account(MARKET, {BTC: 1.0, ETH: -20.0})
    shares = MODEL.contributions(book, (), MARKET, VERSION.parameters).initial

    np.testing.assert_allclose(shares, [[13_000, -0.4 * 38_000 * 0.2],
                                        [3_800, -0.4 * 38_000 * 0.1]], rtol=1e-12)


def test_a_missing_mark_is_a_failure() -> None:
    """No notional, no number."""
    blind = replaced(MARKET, quality=np.ones(len(MARKET.quality), np.uint16))
    needs = compute_margin(account(blind, {BTC: 1.0}), blind, model=MODEL,
                           version=VERSION).requirements

    assert needs.failures[needs.failure[0]].reason is Reason.MISSING_MARK
