"""What an account owns, computed by hand: balances, P&L of futures, value of options."""

import numpy as np
import pytest

import markets
from counterpoise.accounts.book import Entries, book_of
from counterpoise.adapters.parameters import parameters_of
from counterpoise.collateral.valuation import Equity, Owners, contract_values, equity_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.deribit_spm import MODEL
from counterpoise.values.assets import asset
from counterpoise.values.quantity import UNKNOWN
from small_market import column_of, market

BTC, USDC = asset("BTC"), asset("USDC")
MARKS = {"inverse perpetual": 80_000.0, "inverse future": 81_000.0, "linear perpetual": 79_000.0,
         "inverse 70000.0 C": 0.15, "linear 60000.0 P": 250.0}
Holding = tuple[str, int, int]


def snapshot(**marks: float):
    """Return the small market at round marks, contracts of 10 USD and 0.1 BTC."""
    made = market()
    mark = made.mark.copy()
    for name, price in (MARKS | {n.replace("_", " "): p for n, p in marks.items()}).items():
        mark[column_of(made.catalogue, name)] = price
    return market(mark=mark)


def equity(*held: Holding, balances: tuple[int, int] = (0, 0), option_value: bool = True,
           given=None, at=None) -> Equity:
    """Return the equity of one account in BTC and USDC; `held` is (name, lots, entry cost)."""
    at = at or snapshot()
    rows = Entries(account=np.zeros(len(held), np.int64),
                   instrument=np.array([column_of(at.catalogue, n) for n, _, _ in held], np.int32),
                   lots=np.array([lots for _, lots, _ in held], np.int64),
                   entry_cost=np.array([cost for _, _, cost in held], np.int64))
    book = book_of(catalogue=at.catalogue, accounts=np.array(["a"]), positions=rows,
                   balances=((BTC, USDC), np.array([balances])), given=given)
    owners = Owners(assets=("BTC", "USDC"), account=np.zeros(2, np.int32),
                    asset=np.arange(2, dtype=np.int32))
    return equity_of(book, at, owners, option_value=option_value)


def test_balances_are_owned_in_their_own_asset():
    owned = equity(balances=(150_000_000, 2_500_000))

    assert [1.5, 2.5] == owned.amount.tolist()


def test_inverse_perpetual_gains_coin_as_the_price_rises():
    # 700 contracts of 10 USD bought at 70,000: 7,000 (1/70,000 - 1/80,000) = 0.1 - 0.0875 BTC.
    owned = equity(("inverse perpetual", 700, -10_000_000), balances=(100_000_000, 0))

    assert owned.amount.tolist() == pytest.approx([1.0125, 0.0], abs=1e-15)


def test_short_inverse_future_loses_coin_as_the_price_rises():
    # 810 contracts sold at 60,000: -8,100 (1/60,000 - 1/81,000) = -0.135 + 0.1 BTC.
    owned = equity(("inverse future", -810, 13_500_000))

    assert owned.amount[0] == pytest.approx(-0.035, abs=1e-15)


def test_linear_perpetual_gains_the_settlement_asset():
    # 30 contracts of 0.1 BTC bought at 78,000, marked at 79,000: 3 x 1,000 USDC.
    owned = equity(("linear perpetual", 30, 3 * 78_000 * 10**USDC.decimals), balances=(0, 10**6))

    assert owned.amount.tolist() == pytest.approx([0.0, 3_001.0], abs=1e-9)


@pytest.mark.parametrize(("option_value", "btc", "usdc"), [
    (True, 1.0 + 2 * 0.15, -4 * 250.0), (False, 1.0, 0.0)])
def test_options_count_at_their_premium_only_where_the_rule_counts_them(option_value, btc, usdc):
    # What was paid for an option left the balance when it was bought: its cost counts nowhere.
    owned = equity(("inverse 70000.0 C", 2, 50_000_000), ("linear 60000.0 P", -4, UNKNOWN),
                   balances=(100_000_000, 0), option_value=option_value)

    assert owned.amount.tolist() == pytest.approx([btc, usdc], abs=1e-12)
    assert not owned.no_entry.any()


def test_future_without_entry_makes_only_its_own_asset_unknown():
    owned = equity(("inverse perpetual", 700, UNKNOWN), ("inverse future", 100, 0),
                   balances=(10**8, 5 * 10**6))

    assert np.isnan(owned.amount[0]) and 5.0 == owned.amount[1]
    assert [True, False] == owned.no_entry.tolist()


def test_stated_equity_stands_in_place_of_what_is_not_known():
    owned = equity(("inverse perpetual", 700, UNKNOWN), balances=(10**8, 5 * 10**6),
                   given={"equity": np.array([[0.75, np.nan]])})

    assert [0.75, 5.0] == owned.amount.tolist()
    assert not owned.no_entry.any()


@pytest.mark.parametrize("name", ["inverse perpetual", "inverse 70000.0 C"])
def test_missing_mark_is_an_unknown_equity_and_never_zero(name):
    at = snapshot(**{name: np.nan})
    owned = equity((name, 1, 0), balances=(10**8, 5 * 10**6), at=at)

    assert np.isnan(owned.amount[0]) and 5.0 == owned.amount[1]


def test_contract_values_are_levels_per_lot():
    at = snapshot()
    values = contract_values(at)

    assert [-10 / 80_000, 7_900.0, 0.15] == [values[column_of(at.catalogue, name)] for name in (
        "inverse perpetual", "linear perpetual", "inverse 70000.0 C")]


@pytest.mark.parametrize(("coins", "balance"), [(4, 3.0), (-4, -4.0)])
def test_haircut_takes_from_what_is_owned_and_not_from_what_is_owed(coins, balance):
    at = markets.market()
    version = parameters_of(MODEL, at.as_of, {"currency": {"btc": {"haircut": 0.25}}})
    book = markets.account(at, {}, balances={"BTC": coins})
    margins = compute_margin(book, at, model=MODEL, version=version)

    assert ([float(coins)], [balance]) == (margins.equity.tolist(),
                                           margins.margin_balance.tolist())
