"""Binance portfolio margin by hand: brackets, loans, collateral rates, uniMMR and its levels."""

import math
from typing import Any

import numpy as np
import pytest

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.contracts import Future, Instrument, Perpetual
from counterpoise.margin.compute import STATUS, AccountMargin, compute_margin
from counterpoise.margin.conformance import check_margin_model
from counterpoise.margin.figures import figures_of
from counterpoise.margin.requirement import Floats
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from markets import AS_OF, account, market, only

MODEL = model_named("binance_pm")
VERSION = parameters_of(MODEL, AS_OF)
MARKET = market(cash="USDT")
PERP = "BTC-USDT:USDT-PERP"
DATED = "BTC-USDT:USDT-20260327"
COINS: dict[str, Any] = {"perpetual": {"btc_btc": {"up_to": [5.0], "rate": [0.004, 0.01]}}}


def margins(book: Book, overrides: dict[str, Any] | None = None) -> AccountMargin:
    """Return the margin of a book under dated or changed parameters."""
    return compute_margin(book, MARKET, model=MODEL, version=parameters_of(
        MODEL, AS_OF, overrides))


def figures(book: Book, overrides: dict[str, Any] | None = None) -> dict[str, Floats]:
    """Return what Binance shows."""
    version = parameters_of(MODEL, AS_OF, overrides)
    return figures_of(MODEL, margins(book, overrides), book, (), MARKET, version.parameters)


def flat(**holdings: float) -> Book:
    """Return an account with positions entered at their marks."""
    names = {"perp": PERP, "dated": DATED, "coin": "BTC-USD:BTC-PERP"}
    return entered({names[k]: q for k, q in holdings.items()}, {"USDT": 100_000})


def entered(held: dict[str, float], balances: dict[str, int]) -> Book:
    """Return an account whose positions have no unrealised P&L."""
    book = account(MARKET, held, balances=balances)
    terms = MARKET.catalogue
    inverse = terms.payoff[book.instrument] == 1
    mark, unit = MARKET.mark[book.instrument], terms.unit[book.instrument]
    value = np.where(inverse, -unit / mark * 1e8, unit * mark * 1e6) * book.lots
    return replaced(book, entry_cost=np.rint(value).astype(np.int64))


def is_covered(contract: Instrument) -> bool:
    """Say whether brackets are known: futures settled in USDT."""
    return isinstance(contract, Perpetual | Future) and contract.settlement == "USDT"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_model_passes_the_battery(seed: int) -> None:
    """No promise is broken on random books of what it covers."""
    assert check_margin_model(MODEL, VERSION, only(MARKET, is_covered), seed=seed) == ()


@pytest.mark.parametrize(("coins", "rate", "cum"), [
    (0.5, 0.004, 0), (5.0, 0.005, 50), (40.0, 0.0065, 950), (100.0, 0.01, 11_450),
    (1_000.0, 0.02, 131_450), (30_000.0, 0.5, 421_481_450)])
def test_a_perpetual_pays_its_bracket_less_the_published_cum(coins, rate, cum) -> None:
    """Notional x maintMarginRatio - cum, as `leverageBracket` prints them for BTCUSDT."""
    needed = figures(flat(perp=-coins))["account_maint_margin"][0]

    assert needed == pytest.approx(coins * 65_000 * rate - cum, rel=1e-12)


def test_dated_futures_have_brackets_of_their_own() -> None:
    """100,000 USDT of the quarterly contract: 0.02 x notional - 500."""
    notional = 2 * float(MARKET.mark[MARKET.catalogue.column[DATED]])

    assert figures(flat(dated=2.0))["account_maint_margin"][0] == pytest.approx(
        0.02 * notional - 500, rel=1e-12)


def test_coin_margined_brackets_are_in_coin() -> None:
    """650,000 USD at 65,000 are 10 coins: 5 x 0.004 + 5 x 0.01 coins."""
    needed = figures(flat(coin=-650_000.0), COINS)["account_maint_margin"][0]

    assert needed == pytest.approx(0.07 * 65_000, rel=1e-12)


def test_levels_are_the_equity_at_which_binance_acts() -> None:
    """IM is 1.2 times, MM 1.05 times the venue's maintenance margin."""
    needs = margins(flat(perp=1.0)).requirements

    assert needs.initial[0] == pytest.approx(1.2 * (65_000 * 0.005 - 50), rel=1e-12)
    assert needs.maintenance[0] == pytest.approx(1.05 * (65_000 * 0.005 - 50), rel=1e-12)


def test_uni_mmr_is_haircut_equity_over_maintenance_margin() -> None:
    """1,800 BTC: 100M whole, then 17M at 0.975; 40 coins short."""
    book = entered({PERP: -40.0}, {"USDT": 1_000, "BTC": 1_800})
    shown = figures(book)
    margin = 40 * 65_000 * 0.0065 - 950

    assert shown["account_equity"][0] == pytest.approx(1_000 + 100e6 + 0.975 * 17e6, rel=1e-12)
    assert shown["actual_equity"][0] == pytest.approx(1_000 + 117e6, rel=1e-12)
    assert shown["uni_mmr"][0] == pytest.approx(shown["account_equity"][0] / margin, rel=1e-12)


def test_a_debt_is_never_discounted_and_pays_loan_margin() -> None:
    """Two coins owed: equity -130,000 whole, margin 10 % of it."""
    book = entered({}, {"USDT": 200_000, "BTC": -2})
    shown = figures(book)

    assert shown["account_equity"][0] == pytest.approx(70_000, rel=1e-12)
    assert shown["account_maint_margin"][0] == pytest.approx(13_000, rel=1e-12)


def test_a_stated_loan_stands_beside_what_is_held() -> None:
    """Assets and loans of one coin net in equity, the whole loan pays margin."""
    book = replaced(entered({}, {"BTC": 1}), loans=np.array([[3 * 10**8]]))

    assert figures(book)["account_maint_margin"][0] == pytest.approx(19_500, rel=1e-12)


def test_a_stated_loan_margin_stands_for_ours() -> None:
    """Binance's own figure depends on the leverage chosen: 0.02 coins here."""
    book = replaced(entered({}, {"BTC": -2}), given={"loan_maintenance": np.array([[0.02]])})

    assert figures(book)["account_maint_margin"][0] == pytest.approx(1_300, rel=1e-12)


def test_open_loss_lowers_retail_equity_only() -> None:
    """What orders have lost on paper is deducted in portfolio margin, not in Pro."""
    book = replaced(flat(perp=1.0), given={"open_loss": np.array([[40_000.0]])})
    pro = {"general": {"programme": "portfolio_margin_pro"}}

    assert figures(book)["account_equity"][0] == pytest.approx(60_000)
    assert figures(book, pro)["account_equity"][0] == pytest.approx(100_000)
    assert margins(book).initial_excess[0] == pytest.approx(
        margins(book, pro).initial_excess[0] - 40_000)


@pytest.mark.parametrize(("uni_mmr", "status", "step"), [
    (1.6, "healthy", 0), (1.3, "healthy", 1), (1.1, "below_initial", 2),
    (1.04, "below_maintenance", 3), (0.9, "below_maintenance", 4)])
def test_the_ladder_of_the_pro_programme(uni_mmr, status, step) -> None:
    """Above 150 % free, then reminder, reduce only, liquidation, liquidation and claim."""
    cents = round(275 * uni_mmr * 1e6)
    book = replaced(flat(perp=1.0), balances=np.array([[cents]]))
    pro = {"general": {"programme": "portfolio_margin_pro"}}

    assert STATUS[margins(book, pro).status[0]] == status
    assert figures(book, pro)["ladder_step"][0] == step


def test_an_account_without_position_and_loan_has_no_ratio() -> None:
    """Nothing is divided by nothing."""
    shown = figures(entered({}, {"USDT": 5}))

    assert math.isnan(shown["uni_mmr"][0]) and math.isnan(shown["ladder_step"][0])
    assert shown["account_maint_margin"][0] == 0


@pytest.mark.parametrize(("name", "reason"), [
    ("BTC-USDT:USDT-20260327-65000-C", Reason.NOT_APPLICABLE),
    ("BTC-USD:BTC-PERP", Reason.NO_PARAMETERS)])
def test_what_brackets_do_not_cover_is_a_failure(name: str, reason: Reason) -> None:
    """No number, and the reason."""
    needs = margins(account(MARKET, {name: 1.0})).requirements

    assert math.isnan(needs.initial[0])
    assert needs.failures[needs.failure[0]].reason is reason


def test_a_loan_of_an_asset_without_a_price_is_a_failure() -> None:
    """Nobody can say what is owed."""
    needs = margins(account(MARKET, {}, balances={"SOL": -1})).requirements

    assert needs.failures[needs.failure[0]].reason is Reason.MISSING_PRICE
    assert needs.failures[needs.failure[0]].subject == "SOL"


def test_nothing_is_netted() -> None:
    """Not declared: hedge_never_raises_scan. The hedge pays its own bracket."""
    one, two = (margins(flat(perp=10.0, **more)).requirements.initial[0]
                for more in ({}, {"dated": -5.0}))

    assert "hedge_never_raises_scan" not in MODEL.laws
    assert two > one


def test_size_costs_more_than_proportionally() -> None:
    """Not declared: homogeneous_scan, subadditive. Ten times the notional climbs brackets."""
    one, ten = (margins(flat(perp=q)).requirements.initial[0] for q in (10.0, 100.0))

    assert not {"homogeneous_scan", "subadditive"} & MODEL.laws
    assert ten > 10 * one


@pytest.mark.parametrize(("overrides", "named"), [
    ({"general": {"programme": "spot"}}, "programme"),
    ({"perpetual": {"btc_usdt": {"up_to": [2.0, 1.0], "rate": [0.1, 0.2, 0.3]}}}, "up_to"),
    ({"perpetual": {"btc_usdt": {"up_to": [2.0], "rate": [0.1]}}}, "rate"),
    ({"general": {"order_level": 0.5}}, "order_level")])
def test_parameters_without_meaning_are_refused(overrides: dict[str, Any], named: str) -> None:
    """Each is named."""
    with pytest.raises(BadInput, match=named):
        parameters_of(MODEL, AS_OF, overrides)


@pytest.mark.parametrize(("overrides", "words"), [
    ({"general": {"liquidation_level": 1.5}}, "above order_level"),
    ({"perpetual": {"btc_usdt": {"up_to": [9.0], "rate": [0.2, 0.1]}}}, "is below")])
def test_odd_parameters_are_computed_and_named(overrides: dict[str, Any], words: str) -> None:
    """Liquidation before the order level; a rate that falls with size."""
    version = parameters_of(MODEL, AS_OF, overrides)

    assert any(words in sentence for _, sentence in version.notes)
