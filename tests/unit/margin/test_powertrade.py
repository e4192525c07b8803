"""PowerTrade's nine scenarios by hand: linear legs, options, coins of the wallet, orders."""

import math
from typing import Any

import numpy as np
import pytest

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.conformance import check_margin_model
from counterpoise.pricing.black import black76
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from markets import AS_OF, account, market, only

MODEL = model_named("powertrade")
VERSION = parameters_of(MODEL, AS_OF)
MARKET = only(market(), lambda c: c.settlement == "USDC")
PERP, ETH = "BTC-USDC:USDC-PERP", "ETH-USDC:USDC-PERP"
CALL = "BTC-USDC:USDC-20260327-71500-C"
WHOLE: dict[str, Any] = {"readings": {"coin": "whole"}}


def margins(held: dict[str, float], overrides: dict[str, Any] | None = None,
            orders: dict[str, float] | None = None,
            balances: dict[str, int] | None = None) -> AccountMargin:
    """Return the margin of an account; BTC at 65,000, ether at 1,900."""
    return compute_margin(account(MARKET, held, orders, balances), MARKET, model=MODEL,
                          version=parameters_of(MODEL, AS_OF, overrides))


def initial(held: dict[str, float], *more: Any) -> float:
    """Return the initial margin."""
    return float(margins(held, *more).requirements.initial[0])


def call_value(spot: float, volatility: float) -> float:
    """Return the call's value with the forward moved in proportion to spot."""
    k = MARKET.catalogue.column[CALL]
    years = (MARKET.catalogue.expiry[k] - MARKET.as_of) / (365 * 86_400e9)
    sigma = MARKET.volatility[k] * volatility
    return float(black76(forward=np.array([MARKET.forward[k] * spot]), strike=np.array([71_500.0]),
                         years=np.array([years]), volatility=np.array([sigma]),
                         right=np.array([1], np.int8), rate=np.zeros(1)).value[0])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_model_passes_the_battery(seed: int) -> None:
    """No promise is broken on random books of USDC contracts."""
    assert check_margin_model(MODEL, VERSION, MARKET, seed=seed) == ()


def test_there_are_nine_scenarios() -> None:
    """Three prices by three volatilities, beside the unshocked world."""
    assert len(MODEL.scenarios(MARKET, VERSION.parameters)[0]) == 1 + 9


def test_a_perpetual_needs_fifteen_percent() -> None:
    """Initial and maintenance margin are one number; coins add up."""
    needs = margins({PERP: -2.0}).requirements

    assert needs.initial[0] == needs.maintenance[0] == pytest.approx(0.15 * 130_000, rel=1e-12)
    assert initial({PERP: 1.0, ETH: 10.0}) == pytest.approx(0.15 * (65_000 + 19_000), rel=1e-12)


def test_a_short_call_loses_most_with_price_and_volatility_up() -> None:
    """VSF = 0.40 x (45 / days)^0.3, relative."""
    days = (MARKET.catalogue.expiry[MARKET.catalogue.column[CALL]] - MARKET.as_of) / 86_400e9
    shock = 0.4 * (45 / days) ** 0.3

    assert initial({CALL: -3.0}) == pytest.approx(
        3 * (call_value(1.15, 1 + shock) - call_value(1.0, 1.0)), rel=1e-9)


def test_the_volatility_shock_stops_growing_below_a_day() -> None:
    """The option that expires tomorrow takes the shock of one day or of the floor stated."""
    name = "BTC-USDC:USDC-20260206-65000-C"
    short, long = (initial({name: -1.0}, {"readings": {"days_floor": floor}}) for floor in (1, 20))

    assert short > long


def test_a_hedge_is_netted_within_a_coin_and_not_between_coins() -> None:
    """A dated future against the perpetual leaves the basis; ether against BTC adds."""
    dated = MARKET.mark[MARKET.catalogue.column["BTC-USDC:USDC-20260327"]]

    assert initial({PERP: 1.0, "BTC-USDC:USDC-20260327": -1.0}) == pytest.approx(
        0.15 * (dated - 65_000), rel=1e-9)
    assert initial({PERP: 1.0, ETH: -30.0}) == pytest.approx(0.15 * (65_000 + 57_000), rel=1e-12)


def test_a_coin_in_the_wallet_covers_a_short_position() -> None:
    """One coin against two sold: half of the loss is left; more coins never cost."""
    needs = margins({PERP: -2.0}, None, None, {"BTC": 1}).requirements

    assert needs.initial[0] == pytest.approx(0.15 * 65_000, rel=1e-12)
    assert needs.initial_components["coin_offset"][0] == pytest.approx(-0.15 * 65_000, rel=1e-12)
    assert initial({PERP: -2.0}, None, None, {"BTC": 5}) == 0


def test_a_coin_is_no_burden_unless_it_is_read_as_a_position() -> None:
    """Long and a coin: 15 % of one, or of both."""
    assert initial({PERP: 1.0}, None, None, {"BTC": 1}) == pytest.approx(9_750, rel=1e-12)
    assert initial({PERP: 1.0}, WHOLE, None, {"BTC": 1}) == pytest.approx(19_500, rel=1e-12)
    assert initial({PERP: -2.0}, WHOLE, None, {"BTC": 5}) == pytest.approx(3 * 9_750, rel=1e-12)


def test_holding_a_coin_alone_needs_nothing() -> None:
    """No derivative on it, no haircut; equity is its whole value."""
    found = margins({ETH: 1.0}, WHOLE, None, {"BTC": 3, "USDC": 5})

    assert found.requirements.initial[0] == pytest.approx(0.15 * 1_900, rel=1e-12)
    held = margins({}, WHOLE, None, {"BTC": 3})
    assert held.requirements.initial[0] == 0
    assert held.margin_balance[0] == pytest.approx(195_000)


def test_orders_add_their_worse_side_initially_only() -> None:
    """Selling what is held costs nothing; buying as much again costs 15 %."""
    less, more = (margins({PERP: 1.0}, None, {PERP: q}).requirements for q in (-1.0, 1.0))

    assert less.initial[0] == less.maintenance[0]
    assert more.initial[0] == pytest.approx(2 * more.maintenance[0], rel=1e-12)


def test_a_stated_order_margin_stands_for_ours() -> None:
    """In USD: 100 USDC at its price."""
    book = replaced(account(MARKET, {PERP: 1.0}, {PERP: 1.0}, {"USDC": 5}),
                    given={"open_orders_margin": np.array([[100.0]])})
    needs = compute_margin(book, MARKET, model=MODEL, version=VERSION).requirements

    assert needs.initial[0] == pytest.approx(9_750 + 100, rel=1e-12)


def test_contributions_and_vectors_are_those_of_the_worst_scenario() -> None:
    """Positions add up to the worst case, the coin stands beside them."""
    book: Book = account(MARKET, {PERP: -2.0, CALL: -1.0}, balances={"BTC": 1})
    arrays = priced(MARKET, model=MODEL, version=VERSION)
    needs = compute_margin(book, MARKET, model=MODEL, version=VERSION).requirements
    shares = MODEL.contributions(book, arrays, MARKET, VERSION.parameters).initial
    vectors = MODEL.vectors(book, arrays, MARKET, VERSION.parameters)[0]

    assert math.fsum(shares[:, 0]) == pytest.approx(needs.initial_components["worst_case"][0])
    assert -vectors.counted.min() == pytest.approx(needs.initial[0], rel=1e-12)
    assert vectors.counted[0].argmin() == needs.worst.scenario[0]


@pytest.mark.parametrize(("name", "reason"), [
    ("BTC-USD:BTC-PERP", Reason.NOT_APPLICABLE)])
def test_what_is_not_covered_is_a_failure(name: str, reason: Reason) -> None:
    """No number, and the reason."""
    everything = market()
    needs = compute_margin(account(everything, {name: 1.0}), everything, model=MODEL,
                           version=VERSION).requirements

    assert math.isnan(needs.initial[0])
    assert needs.failures[needs.failure[0]].reason is reason


def test_what_is_borrowed_counts_whole() -> None:
    """A coin owed is short: it hedges a long position and adds to a short one."""
    assert initial({PERP: 1.0}, None, None, {"BTC": -1}) == pytest.approx(0, abs=1e-9)
    assert initial({PERP: -1.0}, None, None, {"BTC": -1}) == pytest.approx(19_500, rel=1e-12)


def test_merging_accounts_can_cost_the_cover_of_a_debt() -> None:
    """Not declared: subadditive. A coin that is no burden alone repays the coin that hedged."""
    idle = initial({PERP: 0.001}, None, None, {"BTC": 1})
    hedged = initial({PERP: 1.0}, None, None, {"BTC": -1})

    assert "subadditive" not in MODEL.laws
    assert initial({PERP: 1.001}) > idle + hedged


@pytest.mark.parametrize(("overrides", "named"), [
    ({"underlying": {"btc": {"spot_shock": 1.5}}}, "spot_shock"),
    ({"readings": {"coin": "half"}}, "coin")])
def test_parameters_without_meaning_are_refused(overrides: dict[str, Any], named: str) -> None:
    """Each is named."""
    with pytest.raises(BadInput, match=named):
        parameters_of(MODEL, AS_OF, overrides)


def test_the_reading_of_coins_can_be_switched() -> None:
    """With coins in the wallet there are two readings, without them none."""
    with_coin = account(MARKET, {PERP: 1.0}, balances={"BTC": 1})

    assert len(MODEL.reading_variants(with_coin, VERSION.parameters)[0]) == 2
    assert MODEL.reading_variants(account(MARKET, {PERP: 1.0}), VERSION.parameters) == ()
