"""Hyperliquid portfolio margin by hand: tiers, borrowing, the ratio and where it liquidates."""

import json
import math
from typing import Any

import numpy as np
import pytest

from counterpoise import margin_of, read_portfolio
from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.apps.report.requirement import pools_text
from counterpoise.instruments.contracts import Perpetual
from counterpoise.margin.compute import STATUS, AccountMargin, compute_margin
from counterpoise.margin.conformance import check_margin_model
from counterpoise.margin.figures import figures_of
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from markets import AS_OF, account, market, only

MODEL = model_named("hyperliquid")
VERSION = parameters_of(MODEL, AS_OF)
MARKET = market()
BTC, ETH = "BTC-USDC:USDC-PERP", "ETH-USDC:USDC-PERP"


def held(positions: dict[str, tuple[float, float]], balances: dict[str, int]) -> Book:
    """Return an account; positions are (coins, entry price)."""
    book = account(MARKET, {name: size for name, (size, _) in positions.items()},
                   balances=balances)
    names = [MARKET.catalogue.instruments[k].id for k in book.instrument]
    cost = [round(positions[name][0] * positions[name][1] * 10**6) for name in names]
    return replaced(book, entry_cost=np.array(cost, np.int64))


def margins(book: Book, at: MarketSnapshot = MARKET) -> AccountMargin:
    """Return the margin of a book."""
    return compute_margin(book, at, model=MODEL, version=VERSION)


def shown(book: Book, at: MarketSnapshot = MARKET) -> dict[str, float]:
    """Return Hyperliquid's figures of the one account."""
    figures = figures_of(MODEL, margins(book, at), book, (), at, VERSION.parameters)
    return {name: float(column[0]) for name, column in figures.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_model_passes_the_battery(seed: int) -> None:
    """No promise is broken on random books of USDC perpetuals."""
    covered = only(MARKET, lambda c: isinstance(c, Perpetual) and c.settlement == "USDC")

    assert check_margin_model(MODEL, VERSION, covered, seed=seed) == ()


@pytest.mark.parametrize(("name", "coins", "margin"), [
    (BTC, -1.0, 65_000 / 80), (ETH, 100.0, 190_000 / 50),
    (BTC, 4_000.0, 150e6 / 80 + 110e6 / 40), (ETH, -100_000.0, 100e6 / 50 + 90e6 / 30)])
def test_maintenance_is_half_the_margin_at_maximum_leverage_tier_by_tier(
        name: str, coins: float, margin: float) -> None:
    """40x to 150M and 20x above (BTC); 25x to 100M and 15x above (ETH)."""
    price = 65_000 if name == BTC else 1_900
    book = held({name: (coins, price)}, {"USDC": 10**9})

    assert shown(book)["cross_maintenance_margin"] == pytest.approx(margin, rel=1e-12)


@pytest.mark.parametrize(("leverage", "margin"), [(10.0, 6_500), (40.0, 1_625), (math.nan, 1_625)])
def test_a_chosen_leverage_is_what_opening_costs(leverage: float, margin: float) -> None:
    """65,000 / 10, at least the margin at 40x; maintenance does not ask for it."""
    bare = held({BTC: (1.0, 65_000)}, {"USDC": 10_000})
    book = replaced(bare, position_given={"leverage": np.array([leverage])})

    assert margins(book).requirements.initial[0] == pytest.approx(margin, rel=1e-12)
    assert margins(book).requirements.maintenance[0] == margins(bare).requirements.maintenance[0]


def test_a_stated_order_margin_stands_for_ours() -> None:
    """What the venue has set aside for orders, in USDC."""
    bare = held({BTC: (1.0, 65_000)}, {"USDC": 10_000})
    book = replaced(bare, given={"open_orders_margin": np.array([[250.0]])})

    assert margins(book).requirements.initial[0] == pytest.approx(1_625 + 250, rel=1e-12)


def test_the_printed_deduction_is_the_marginal_sum() -> None:
    """maintenance_margin = notional x rate - deduction: 260M x 2.5 % - 150M x (2.5 % - 1.25 %)."""
    book = held({BTC: (4_000.0, 65_000)}, {"USDC": 10**9})

    assert shown(book)["cross_maintenance_margin"] == pytest.approx(
        260e6 * 0.025 - 150e6 * (0.025 - 0.0125), rel=1e-12)


def test_cash_alone_needs_nothing_and_has_no_risk() -> None:
    """Without a position or a loan the offset of 20 USDC is not asked for."""
    found = margins(held({}, {"USDC": 10}))

    assert found.requirements.initial[0] == found.requirements.maintenance[0] == 0
    assert shown(held({}, {"USDC": 10}))["portfolio_margin_ratio"] == 0


def test_the_ratio_of_a_carry_trade() -> None:
    """1 BTC at 65,000 against one short from 40,000: 25,000 borrowed of 48,750 that count."""
    figures = shown(held({BTC: (-1.0, 40_000)}, {"BTC": 1}))

    assert figures["borrowed"] == pytest.approx(25_000)
    assert figures["borrow_capacity"] == pytest.approx(32_500)
    assert figures["portfolio_margin_ratio"] == pytest.approx(
        (20 + 65_000 / 80 + 25_000) / (0.75 * 65_000), rel=1e-12)


def threshold_entry(ratio: float) -> float:
    """Return the entry of one short at which the ratio is the one given: borrowed = 65,000 - it."""
    return 65_000 - (ratio * 0.75 * 65_000 - 20 - 65_000 / 80)


@pytest.mark.parametrize(("ratio", "status"), [
    (0.949, "below_initial"), (0.951, "below_maintenance")])
def test_an_account_is_liquidated_above_a_ratio_of_95_percent(ratio: float, status: str) -> None:
    """MM is the margin balance at which the printed ratio reaches its limit."""
    book = held({BTC: (-1.0, threshold_entry(ratio))}, {"BTC": 1})

    assert shown(book)["portfolio_margin_ratio"] == pytest.approx(ratio, rel=1e-9)
    assert STATUS[margins(book).status[0]] == status


@pytest.mark.parametrize(("cash", "status"), [(-30_876, "below_initial"), (-30_874, "healthy")])
def test_new_risk_needs_the_loan_to_fit_into_half_the_collateral(cash: int, status: str) -> None:
    """0.5 x 65,000 = 32,500 may be borrowed; the position needs 65,000 / 40 = 1,625 of it."""
    book = held({BTC: (1.0, 65_000)}, {"BTC": 1, "USDC": cash})

    assert STATUS[margins(book).status[0]] == status


def test_collateral_counts_up_to_the_supply_cap_and_the_borrow_cap() -> None:
    """15 BTC: 731,250 count; 21 BTC: 20 x 65,000 x 0.75 = 975,000; at twice the price a million."""
    values = [margins(held({}, {"BTC": n})).margin_balance[0] for n in (15, 21)]
    dear = replaced(MARKET, price=MARKET.price * np.array([2.0, 1.0, 1.0]))

    assert values == pytest.approx([731_250, 975_000], rel=1e-12)
    assert margins(held({}, {"BTC": 21}), dear).margin_balance[0] == 1_000_000
    assert shown(held({}, {"BTC": 21}), dear)["borrow_capacity"] == 1_000_000


def test_what_is_no_collateral_counts_nothing_but_is_owed_whole() -> None:
    """ETH is neither borrowable nor collateral; a debt in it is a debt."""
    owned, owed = margins(held({}, {"ETH": 3})), held({}, {"ETH": -1, "USDC": 5_000})

    assert owned.margin_balance[0] == 0
    assert margins(owed).margin_balance[0] == pytest.approx(3_100)
    assert shown(owed)["borrowed"] == pytest.approx(1_900)


def test_orders_pay_the_larger_side_initially_only() -> None:
    """One coin more at 40x; selling what is held costs nothing."""
    book = held({BTC: (1.0, 65_000)}, {"USDC": 10_000})
    more, less = (account(MARKET, {BTC: 1.0}, {BTC: q}, {"USDC": 10_000}) for q in (1.0, -1.0))
    more, less = (replaced(b, entry_cost=book.entry_cost) for b in (more, less))

    assert margins(more).requirements.initial[0] == pytest.approx(2 * 65_000 / 40, rel=1e-12)
    assert margins(less).requirements.initial[0] == pytest.approx(65_000 / 40, rel=1e-12)
    assert margins(more).requirements.maintenance[0] == margins(book).requirements.maintenance[0]


@pytest.mark.parametrize(("name", "reason"), [
    ("BTC-USD:BTC-PERP", Reason.NOT_APPLICABLE),
    ("BTC-USDC:USDC-20260327-65000-C", Reason.NOT_APPLICABLE)])
def test_what_is_no_usdc_perpetual_is_a_failure(name: str, reason: Reason) -> None:
    """No number, and the reason."""
    needs = margins(account(MARKET, {name: 1.0})).requirements

    assert math.isnan(needs.initial[0])
    assert needs.failures[needs.failure[0]].reason is reason


def test_a_perpetual_without_tiers_is_a_failure() -> None:
    """The coins that have tiers are named."""
    few = replaced(VERSION, parameters=replaced(VERSION.parameters, perpetual={
        "btc": VERSION.parameters.perpetual["btc"]}))
    needs = compute_margin(held({ETH: (1.0, 1_900)}, {}), MARKET, model=MODEL,
                           version=few).requirements

    assert needs.failures[needs.failure[0]].reason is Reason.NO_PARAMETERS
    assert "BTC" in needs.failures[needs.failure[0]].sentence


@pytest.mark.parametrize(("book", "reason"), [
    (account(MARKET, {BTC: 1.0}), Reason.MISSING_ENTRY),
    (account(MARKET, {}, balances={"HYPE": 4}), Reason.MISSING_PRICE)])
def test_an_unknown_loan_is_a_failure(book: Book, reason: Reason) -> None:
    """Without an entry price or an oracle price nobody knows what is borrowed."""
    needs = margins(book).requirements

    assert math.isnan(needs.maintenance[0])
    assert needs.failures[needs.failure[0]].reason is reason


def test_the_price_that_is_missing_is_named() -> None:
    """With BTC at 65,000 USD and no price of USDC, it is USDC that must be added."""
    blind = replaced(MARKET, price=np.array([*MARKET.price[:2], math.nan]))
    needs = margins(held({}, {"BTC": 1}), blind).requirements

    assert needs.failures[needs.failure[0]].subject == "USDC"


def test_a_hedge_of_perpetuals_pays_both_legs() -> None:
    """Not declared: hedge_never_raises_scan. Cross margin of perpetuals adds up."""
    one, two = (margins(held(legs, {"USDC": 10**6})).requirements.maintenance[0] for legs in (
        {BTC: (1.0, 65_000)}, {BTC: (1.0, 65_000), ETH: (-30.0, 1_900)}))

    assert "hedge_never_raises_scan" not in MODEL.laws
    assert two > one


def test_size_is_not_proportional() -> None:
    """Not declared: homogeneous_scan (20 USDC are fixed), subadditive (tiers rise)."""
    one, three, large, larger = (margins(held({BTC: (q, 65_000)}, {"USDC": 10**9})
                                         ).requirements.maintenance[0]
                                 for q in (0.01, 0.03, 2_000.0, 4_000.0))

    assert not {"homogeneous_scan", "subadditive"} & MODEL.laws
    assert three < 3 * one
    assert larger > 2 * large


@pytest.mark.parametrize(("overrides", "named"), [
    ({"general": {"liquidatable_ratio": 2}}, "liquidatable_ratio"),
    ({"collateral": {"btc": {"ltv": 1.5}}}, "ltv"),
    ({"perpetual": {"btc": {"max_leverage": [40, 0.5]}}}, "max_leverage"),
    ({"perpetual": {"btc": {"max_leverage": [40]}}}, "rate")])
def test_parameters_without_meaning_are_refused(overrides: dict[str, Any], named: str) -> None:
    """Each is named."""
    with pytest.raises(BadInput, match=named):
        parameters_of(MODEL, AS_OF, overrides)


def test_more_leverage_for_a_larger_position_is_odd() -> None:
    """It is computed and named."""
    version = parameters_of(MODEL, AS_OF, {"perpetual": {"btc": {"max_leverage": [20, 40]}}})

    assert any("odd parameter" in sentence for _, sentence in version.notes)


CARRY = {
    "as_of": "2026-02-05T00:00:00Z", "model": "hyperliquid", "symbols": "ccxt",
    "market": {"indices": {"BTC": "150000"}, "assets": {"USDC": "1"},
               "instruments": {"BTC/USDC:USDC": {"mark": "150000"}}},
    "account": {"balances": {"BTC": "1"}, "positions": [
        {"instrument": "BTC/USDC:USDC", "quantity": "-1", "entry_price": "100000"}]}}


def test_the_table_shows_what_only_the_maintenance_margin_is_made_of() -> None:
    """The buffer below the ratio of 95 % is an addend of MM alone."""
    answer = margin_of(read_portfolio(json.dumps(CARRY).encode()))
    text = "\n".join(pools_text(answer, None))

    assert "liquidation buffer" in text and "portfolio margin ratio 0.4613" in text
