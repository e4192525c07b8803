"""Bybit's portfolio margin by hand: scan, hedging coins, contingencies, loans, orders; Dederi's."""

import math
from typing import Any

import numpy as np
import pytest

from counterpoise.accounts.book import ROLES, Book, rows_of
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.contracts import Payoff
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.conformance import check_margin_model, random_book
from counterpoise.margin.figures import figures_of
from counterpoise.pricing.black import black76
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from counterpoise.values.time import parse_instant
from markets import AS_OF, account, market

MODEL, DEDERI = model_named("bybit"), model_named("dederi")
MARKET = market(cash="USDT")
COLUMN = MARKET.catalogue.column
PERP, INVERSE, ETH = "BTC-USDT:USDT-PERP", "BTC-USD:BTC-PERP", "ETH-USDT:USDT-PERP"
NEAR, FAR = "BTC-USDT:USDT-20260215", "BTC-USDT:USDT-20260327"
CALL, EARLIER = "BTC-USDT:USDT-20260327-71500-C", "BTC-USDT:USDT-20260215-65000-C"
NO_CHARGES: dict[str, Any] = {"contingency": dict.fromkeys(
    ("future", "short_option", "basis", "vega", "stablecoin"), 0)}
INDEX = 65_000.0


def only(**rate: float) -> dict[str, Any]:
    """Return parameters with no contingency but those named."""
    return {"contingency": NO_CHARGES["contingency"] | rate}


def margins(held: dict[str, float], overrides: dict[str, Any] | None = None, *,
            model: Any = MODEL, book: Book | None = None, **more: Any) -> AccountMargin:
    """Return the margin of an account; BTC at 65,000, ether at 1,900, USDT at a dollar."""
    return compute_margin(book or account(MARKET, held, **more), MARKET, model=model,
                          version=parameters_of(model, AS_OF, overrides))


def part(name: str, held: dict[str, float], overrides: dict[str, Any] | None = None,
         **more: Any) -> float:
    """Return one addend of the maintenance margin."""
    return float(margins(held, overrides, **more).requirements.maintenance_components[name][0])


def maintenance(held: dict[str, float], overrides: dict[str, Any] | None = None,
                **more: Any) -> float:
    """Return the maintenance margin."""
    return float(margins(held, overrides, **more).requirements.maintenance[0])


def greek(name: str, field: str, *, price: float = 1.0, volatility: float = 1.0) -> float:
    """Return a Black-76 figure of an option, forward and volatility moved by factors."""
    k = COLUMN[name]
    years = (MARKET.catalogue.expiry[k] - MARKET.as_of // 10**9 * 10**9) / (365 * 86_400e9)
    found = black76(forward=np.array([MARKET.forward[k] * price]),
                    strike=MARKET.catalogue.strike[[k]], years=np.array([years]),
                    volatility=np.array([MARKET.volatility[k] * volatility]),
                    right=MARKET.catalogue.right[[k]], rate=np.zeros(1))
    return float(getattr(found, field)[0])


def days(name: str) -> float:
    """Return the days to expiry."""
    return float(MARKET.catalogue.expiry[COLUMN[name]] - MARKET.as_of) / 86_400e9


def gains(name: str, price: float) -> list[float]:
    """Return the P&L of one option at a price, volatility up, same, down."""
    scale = (30 / math.ceil(days(name))) ** 0.3
    return [greek(name, "value", price=price, volatility=1 + shock * scale)
            - MARKET.mark[COLUMN[name]] for shock in (0.24, 0.0, -0.2)]


@pytest.mark.parametrize("model", [MODEL, DEDERI])
@pytest.mark.parametrize("choice", ["expiry", "unit"])
def test_the_battery_passes_under_either_choice_of_volatility(model: Any, choice: str) -> None:
    version = parameters_of(model, AS_OF, {"readings": {"iv_choice": choice}})

    assert () == check_margin_model(model, version, MARKET, seed=11)


def test_futures_move_by_a_tenth_of_their_mark() -> None:
    dated = MARKET.mark[COLUMN[FAR]]

    assert part("scan", {PERP: -2.0}) == pytest.approx(0.1 * 2 * 65_000, rel=1e-12)
    assert part("scan", {PERP: 1.0, FAR: -1.0}) == pytest.approx(0.1 * (dated - 65_000), rel=1e-9)
    assert part("scan", {INVERSE: 10_000.0}) == pytest.approx(1_000, rel=1e-12)


def test_the_range_was_fifteen_percent_until_january_2025() -> None:
    before, after = (parameters_of(MODEL, parse_instant(f"2025-01-{day}T00:00:00Z")).parameters
                     for day in ("09", "10"))

    assert (before.asset["btc"].price_range, after.asset["btc"].price_range) == (0.15, 0.1)


def test_a_short_call_takes_its_worst_price_and_volatility() -> None:
    expected = 3 * max(gains(CALL, 1.1))

    assert part("scan", {CALL: -3.0}) == pytest.approx(expected, rel=1e-9)


def test_volatility_is_chosen_by_expiry_or_once_for_the_unit() -> None:
    """A calendar spread: by expiry both legs take their own worst state."""
    grid = [1 + step / 50 for step in range(-5, 6)]
    near, far = ([gains(name, price) for price in grid] for name in (EARLIER, CALL))
    apart = max(-min(a) - min(-2 * x for x in b) for a, b in zip(near, far, strict=True))
    together = max(-min(x - 2 * y for x, y in zip(a, b, strict=True))
                   for a, b in zip(near, far, strict=True))
    held = {EARLIER: 1.0, CALL: -2.0}

    assert part("scan", held) == pytest.approx(apart, rel=1e-9)
    assert part("scan", held, {"readings": {"iv_choice": "unit"}}) == pytest.approx(
        together, rel=1e-9)
    assert together < apart


def test_the_reported_scenario_is_the_worst_of_its_price() -> None:
    needs = margins({CALL: -3.0}).requirements
    scenarios = MODEL.scenarios(MARKET, parameters_of(MODEL, AS_OF).parameters)[0]

    assert scenarios.labels[needs.worst.scenario[0]] == "price +5/5, vol up"
    assert len(scenarios) == 1 + 33


def test_the_time_of_valuation_is_truncated_to_whole_seconds() -> None:
    late = replaced(MARKET, as_of=AS_OF + 999 * 10**6)
    version = parameters_of(MODEL, AS_OF)
    book = account(late, {CALL: -3.0})
    needs = [compute_margin(book, prices, model=MODEL, version=version).requirements
             for prices in (MARKET, late)]

    assert needs[1].initial[0] == pytest.approx(needs[0].initial[0], rel=1e-13)


def hedged(held: dict[str, float], coins: int, role: str = "hedge", **more: Any) -> Book:
    """Return an account that uses its bitcoin in a role."""
    book = account(MARKET, held, balances={"BTC": coins}, **more)
    return replaced(book, roles=np.array([[ROLES.index(role)]], np.uint8))


@pytest.mark.parametrize(("size", "coins", "left"), [(-2.0, 1, 1.0), (-2.0, 5, 0.0),
                                                     (1.0, 5, 1.0), (1.0, -1, 0.0)])
def test_hedging_coins_count_only_where_they_gain(size: float, coins: int, left: float) -> None:
    found = margins({}, only(), book=hedged({PERP: size}, coins)).requirements

    scan = found.maintenance_components["scan"] + found.maintenance_components["spot_hedge"]
    assert scan[0] == pytest.approx(left * 6_500, rel=1e-12, abs=1e-9)


def test_coins_that_are_plain_collateral_hedge_nothing() -> None:
    assert maintenance({}, only(), book=hedged({PERP: -2.0}, 5, "collateral")) == 13_000


def test_a_stated_hedge_stands_for_the_balance() -> None:
    book = replaced(hedged({PERP: -2.0}, 5), given={"spot_in_use": np.array([[1.0]])})

    assert maintenance({}, only(), book=book) == pytest.approx(6_500, rel=1e-12)


def test_futures_are_charged_gross_at_the_index() -> None:
    """Long and short do not net, inverse contracts count in coins at their mark."""
    held = {PERP: 1.0, FAR: -2.0, INVERSE: 6_500.0, CALL: 4.0}

    assert part("future_contingency", held) == pytest.approx(0.0003 * 3.1 * INDEX, rel=1e-12)


def test_options_sold_are_netted_within_an_expiry_and_not_between() -> None:
    put = "BTC-USDT:USDT-20260327-65000-P"
    held = {CALL: -3.0, put: 1.0, EARLIER: 5.0}

    assert part("option_contingency", held) == pytest.approx(0.01 * 2 * INDEX, rel=1e-12)


def test_deltas_of_two_expiries_are_charged_by_what_offsets_and_how_far_apart() -> None:
    held = {PERP: 3.0, FAR: -1.0}

    assert part("future_delta_contingency", held) == pytest.approx(
        0.05 * 1 * days(FAR) / 365 * INDEX, rel=1e-12)
    assert part("future_delta_contingency", {PERP: 3.0, FAR: 1.0}) == 0


def test_what_offsets_is_shared_among_expiries_pro_rata() -> None:
    """Two long of the first and one of the last against four short between them."""
    first, second, third = 0.0, days(NEAR), days(FAR)
    pairs = (2 * 4 * (second - first) + 1 * 4 * (third - second)) / 4

    assert part("future_delta_contingency", {PERP: 2.0, NEAR: -4.0, FAR: 1.0}) == pytest.approx(
        0.05 * pairs / 365 * INDEX, rel=1e-12)


def test_vegas_of_two_expiries_are_charged_by_the_day() -> None:
    held = {EARLIER: 1.0, CALL: -1.0}
    offset = min(greek(EARLIER, "vega"), greek(CALL, "vega"))

    assert part("option_vega_contingency", held) == pytest.approx(
        0.0003 * (days(CALL) - days(EARLIER)) * offset, rel=1e-9)


def test_one_dollar_token_against_another_is_charged_on_what_offsets() -> None:
    held = {PERP: 2.0, INVERSE: -65_000.0}

    assert part("usdt_usdc_contingency", held) == pytest.approx(0.01 * 1 * INDEX, rel=1e-12)
    assert part("usdt_usdc_contingency", {PERP: 2.0, FAR: -2.0}) == 0


def test_a_stated_charge_on_basis_stands_for_ours() -> None:
    book = replaced(account(MARKET, {PERP: 1.0, FAR: -1.0}, balances={"USDT": 1}),
                    given={"basis_margin": np.array([[56.0]])})

    assert part("future_delta_contingency", {}, book=book) == 56.0


def test_the_initial_margin_is_six_fifths_of_the_maintenance_margin() -> None:
    needs = margins({PERP: 1.0, CALL: -2.0, ETH: -30.0}).requirements

    assert needs.initial[0] == pytest.approx(1.2 * needs.maintenance[0], rel=1e-12)


def test_loans_are_charged_tier_by_tier() -> None:
    """The published tiers of BTC: 20 % up to 390, 25 % to 391, 33 % to 392, then 50 %."""
    needs = margins({}, balances={"BTC": -394}).requirements

    assert needs.maintenance[0] == pytest.approx(0.04 * 394 * INDEX, rel=1e-12)
    assert needs.initial[0] == pytest.approx(
        (0.2 * 390 + 0.25 + 0.33333333 + 0.5 * 2) * INDEX, rel=1e-12)


def test_collateral_counts_by_tiers_of_quantity() -> None:
    """The published tiers of BTC: 85 % of the first million coins; ether has none here."""
    tiers = {"collateral": {"btc": {"up_to": [2], "weight": [0.85, 0.5]}}}

    assert margins({}, balances={"BTC": 3}).margin_balance[0] == pytest.approx(0.85 * 195_000)
    assert margins({}, tiers, balances={"BTC": 3}).margin_balance[0] == pytest.approx(2.2 * INDEX)
    assert margins({PERP: 1.0}, balances={"ETH": 3}).margin_balance[0] != 5_700


def test_orders_add_their_worse_side_initially_only() -> None:
    less, more = (margins({PERP: 1.0}, only(), orders={PERP: q}).requirements for q in (-1.0, 1.0))

    assert less.initial[0] == pytest.approx(1.2 * 6_500, rel=1e-12)
    assert more.initial[0] == pytest.approx(1.2 * 13_000, rel=1e-12)
    assert less.maintenance[0] == more.maintenance[0] == pytest.approx(6_500, rel=1e-12)


def test_orders_are_hedged_by_coins_as_positions_are() -> None:
    book = hedged({PERP: -1.0}, 2, orders={PERP: -1.0})

    assert margins({}, only(), book=book).requirements.initial[0] == pytest.approx(0, abs=1e-9)


def test_contributions_and_vectors_are_those_of_the_worst_price() -> None:
    book = hedged({PERP: -2.0, CALL: -1.0, EARLIER: 1.0}, 1)
    version = parameters_of(MODEL, AS_OF)
    arrays = priced(MARKET, model=MODEL, version=version)
    parts = margins({}, book=book).requirements.maintenance_components
    shares = MODEL.contributions(book, arrays, MARKET, version.parameters)
    vectors = MODEL.vectors(book, arrays, MARKET, version.parameters)[0]

    for k, name in enumerate(shares.components):
        assert math.fsum(shares.maintenance[:, k]) == pytest.approx(parts[name][0], rel=1e-9)
    assert -vectors.counted.min() == pytest.approx(
        parts["scan"][0] + parts["spot_hedge"][0], rel=1e-12)
    assert vectors.counted.shape == vectors.summed.shape == (1, 34)


def test_rates_are_truncated_to_four_decimals() -> None:
    book = replaced(account(MARKET, {PERP: -1.0}, balances={"USDT": 70_000}),
                    entry_cost=np.array([-65_000 * 10**6]))
    found = margins({}, only(), book=book)
    shown = figures_of(MODEL, found, book, (), MARKET, parameters_of(MODEL, AS_OF).parameters)

    assert shown["account_mm_rate"][0] == 0.0928  # 6,500 / 70,000 = 0.092857
    assert shown["account_im_rate"][0] == 0.1114  # 7,800 / 70,000 = 0.111429
    assert shown["available_balance"][0] == pytest.approx(70_000 - 7_800)


def test_dederi_shows_no_rates() -> None:
    book = account(MARKET, {PERP: -1.0})
    found = margins({}, model=DEDERI, book=book)

    assert figures_of(DEDERI, found, book, (), MARKET, None) == {}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hedges_loans_and_orders_need_the_same_alone_as_among_others(seed: int) -> None:
    """Bits by account and by threads; no requirement below zero, initial at least maintenance."""
    known = np.array([c.payoff is Payoff.LINEAR or c.id.endswith("PERP")
                      for c in MARKET.catalogue.instruments])
    book = random_book(MARKET, seed=seed, accounts=30, among=known)
    rng = np.random.default_rng(seed)
    sign = rng.choice([-1, 1], book.balances.shape)
    book = replaced(book, balances=book.balances * sign // 20, roles=rng.integers(
        0, len(ROLES), book.balances.shape).astype(np.uint8))
    together = margins({}, book=book).requirements
    threaded = compute_margin(book, MARKET, model=MODEL, version=parameters_of(MODEL, AS_OF),
                              threads=3).requirements
    alone = [margins({}, book=rows_of(book, k, k + 1)).requirements for k in range(len(book))]

    assert not np.isnan(together.initial).any()
    assert together.initial.tobytes() == threaded.initial.tobytes()
    assert together.initial.tobytes() == np.concatenate([a.initial for a in alone]).tobytes()
    assert np.all(together.initial >= together.maintenance) and np.all(together.maintenance >= 0)
    assert np.any(together.maintenance_components["spot_hedge"] < 0)
    assert np.any(together.maintenance_components["borrowing"] > 0)


# What is not declared, and why.


def test_contingencies_can_make_a_long_option_need_more_than_its_premium() -> None:
    """Not declared: long_option_at_most_premium; initial margin is 1.2 x what can be lost."""
    name = "BTC-USDT:USDT-20260215-91000-C"
    premium = MARKET.mark[COLUMN[name]]

    assert "long_option_at_most_premium" not in MODEL.laws
    assert margins({name: 1.0}).requirements.initial[0] > premium


def test_merging_accounts_can_cost_what_a_coin_covered() -> None:
    """Not declared: subadditive; a coin counts where it gains, beside a debt it counts nowhere."""
    idle = maintenance({}, only(), book=hedged({PERP: 0.001}, 1))
    short = {"spot_in_use": np.array([[-1.0]])}
    owing = maintenance({}, only(), book=replaced(hedged({PERP: 1.0}, 0), given=short))

    assert "subadditive" not in MODEL.laws
    assert maintenance({PERP: 1.001}, only()) > idle + owing


# Bad input.


@pytest.mark.parametrize(("name", "reason"), [
    ("BTC-USD:BTC-20260327-71500-C", Reason.NOT_APPLICABLE)])
def test_what_is_not_covered_is_a_failure(name: str, reason: Reason) -> None:
    needs = margins({name: 1.0}).requirements

    assert math.isnan(needs.initial[0])
    assert needs.failures[needs.failure[0]].reason is reason


def test_a_coin_without_shocks_a_mark_or_a_loan_without_price_is_a_failure() -> None:
    version = parameters_of(MODEL, AS_OF)
    bare = replaced(version, parameters=replaced(version.parameters, asset={
        "btc": version.parameters.asset["btc"]}))
    blind = replaced(MARKET, mark=np.where(np.arange(len(MARKET.mark)) == COLUMN[CALL], np.nan,
                                           MARKET.mark))
    poor = replaced(MARKET, price=np.where(np.array(MARKET.assets) == "ETH", np.nan,
                                           MARKET.price))
    found = [compute_margin(b, m, model=MODEL, version=v).requirements for b, m, v in (
        (account(MARKET, {ETH: 1.0}), MARKET, bare), (account(MARKET, {CALL: 1.0}), blind, version),
        (account(MARKET, {}, balances={"ETH": -1}), poor, version))]

    assert [needs.failures[needs.failure[0]].subject for needs in found] == [ETH, CALL, "ETH"]
    assert all(math.isnan(needs.initial[0]) for needs in found)


@pytest.mark.parametrize(("overrides", "named"), [
    ({"asset": {"btc": {"price_range": 1.5}}}, "price_range"),
    ({"general": {"im_factor": 0.5}}, "im_factor"),
    ({"contingency": {"basis": -0.1}}, "basis"),
    ({"readings": {"iv_choice": "price"}}, "iv_choice"),
    ({"readings": {"vol_tenor": "30"}}, "vol_tenor"),
    ({"borrow": {"btc": {"up_to": [390], "mm_rate": [0.1], "im_rate": [0.2]}}}, "mm_rate"),
    ({"borrow": {"btc": {"up_to": [391, 390, 392]}}}, "up_to"),
    ({"borrow": {"other": {"mm_rate": [0.5]}}}, "im_rate")])
def test_parameters_without_meaning_are_refused(overrides: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInput, match=named):
        parameters_of(MODEL, AS_OF, overrides)


@pytest.mark.parametrize(("overrides", "word"), [
    ({"asset": {"eth": {"vol_down": 1.2}}}, "vol_down"),
    ({"borrow": {"btc": {"im_rate": [0.5, 0.25, 0.3, 0.5]}}}, "larger loan"),
    ({"collateral": {"btc": {"weight": [0.5, 0.85]}}}, "larger amount")])
def test_odd_parameters_are_named(overrides: dict[str, Any], word: str) -> None:
    odd = parameters_of(MODEL, AS_OF, overrides).parameters.oddities()

    assert any(word in sentence for _, sentence in odd)


# Dederi.


def test_dederi_charges_gross_futures_at_the_index() -> None:
    held = {ETH: 10.0, "ETH-USDT:USDT-20260327": -10.0}

    assert part("future_contingency", held, model=DEDERI) == pytest.approx(
        0.006 * 20 * 1_900, rel=1e-12)


def test_the_tenor_of_dederi_can_be_read_as_printed() -> None:
    """(T/30)^p in place of (30/T)^p: the far option takes the larger move."""
    name = "BTC-USDT:USDT-20270101-91000-C"
    power, tenor = 0.13, days(name)
    losses = []
    for reading, scale in (("30/days", (30 / tenor) ** power), ("days/30", (tenor / 30) ** power)):
        value = greek(name, "value", price=1.15, volatility=1 + 0.45 * scale)
        losses.append(value - MARKET.mark[COLUMN[name]])
        assert part("scan", {name: -1.0}, {"readings": {"vol_tenor": reading}},
                    model=DEDERI) == pytest.approx(losses[-1], rel=1e-6)
    assert losses[0] < losses[1]


def test_dederi_has_a_least_initial_margin() -> None:
    floor = {"general": {"initial_minimum": 500}}
    needs = margins({ETH: 0.01}, floor, model=DEDERI).requirements

    assert needs.initial[0] == 500
    assert margins({}, floor, model=DEDERI, balances={"USDT": 5}).requirements.initial[0] == 0


def test_the_open_choices_can_be_switched() -> None:
    variants = [model.reading_variants(account(MARKET, {CALL: 1.0}),
                                       parameters_of(model, AS_OF).parameters)
                for model in (MODEL, DEDERI)]

    assert [len(group) for (group,) in variants] == [2, 4]
