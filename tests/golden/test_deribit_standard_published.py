"""Deribit's published standard-margin and settlement figures, to their printed digits.

Sources: docs.deribit.com private/get_positions (inverse perpetual), support.deribit.com "Linear
Perpetual", "Linear USDC Options" and the option examples of the test site.
"""

from typing import Any

import pytest

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.instruments.contracts import Option, Payoff, Right
from counterpoise.instruments.payoff import settlement_value
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.standard import MODEL
from counterpoise.margin.requirement import Requirements
from counterpoise.values.frozen import replaced


def standard(position: str, market: str, overrides: dict[str, Any] | None = None) -> Requirements:
    """Return the standard margin of one position, everything as JSON text."""
    portfolio = read_portfolio(f"""{{"as_of": "2026-02-15T00:00:00Z", "symbols": "deribit",
        "market": {market}, "account": {{"positions": [{position}]}}}}""".encode())
    version = parameters_of(MODEL, portfolio.as_of, overrides)
    return compute_margin(portfolio.book, portfolio.market, model=MODEL,
                          version=version).requirements


def test_inverse_perpetuals_match_the_api_examples(cases: Any) -> None:
    """Nine printed digits of IM and MM; the older example has its own rates."""
    case = cases("deribit/sm_inverse_positions_api.json")
    for name, coin in (("docs_btc", "BTC"), ("live_eth", "ETH")):
        given, told = case["inputs"][name], case["expected"][name]
        rates = {k: v for k, v in case["parameters"][name].items() if k != "status"}
        needs = standard(
            f'{{"instrument": "{coin}-PERPETUAL", "quantity": "{given["size_usd"]}"}}',
            f'{{"indices": {{"{coin}": {given["index_price"]}}}, "instruments": '
            f'{{"{coin}-PERPETUAL": {{"mark": {given["mark_price"]}}}}}}}',
            {"future": {f"{coin}_{coin}".lower(): rates}})
        assert round(needs.initial[0], 9) == told["initial_margin"]
        assert round(needs.maintenance[0], 9) == told["maintenance_margin"]


def test_linear_perpetuals_match_the_support_page(cases: Any) -> None:
    """Every row of the page, exactly; sizes in coins, margins in USDC."""
    case = cases("deribit/sm_linear_perpetual_support.json")
    for row in case["inputs"]:
        coin = row["pair"].split("_")[0]
        told = case["expected"][row["id"]]
        needs = standard(
            f'{{"instrument": "{row["pair"]}-PERPETUAL", "quantity": "{row["size"] or 1}"}}',
            f'{{"indices": {{"{coin}": {row["price"]}}}, "assets": {{"USDC": "1"}}, "instruments": '
            f'{{"{row["pair"]}-PERPETUAL": {{"mark": {row["price"]}}}}}}}')
        if row["size"]:
            assert needs.initial[0] == pytest.approx(told["im_usdc"], abs=1e-9)
            assert "mm_usdc" not in told or needs.maintenance[0] == pytest.approx(
                told["mm_usdc"], abs=1e-9)


def test_published_rates_at_size_zero_are_the_base_rates(cases: Any) -> None:
    """The page's rates without a position."""
    case = cases("deribit/sm_linear_perpetual_support.json")
    future = parameters_of(MODEL, 1_771_113_600 * 10**9).parameters.future

    for name, key in (("btc0", "btc_usdc"), ("sol0", "sol_usdc")):
        assert future[key].im_base == case["expected"][name]["im_rate"]
        assert future[key].mm_base == case["expected"][name]["mm_rate"]


def option(*, strike: float, right: str, linear: bool, multiplier: float = 1.0) -> Option:
    """Return an option as the settlement examples have it."""
    name = "SOL_USDC-27MAR26-250-C" if linear else "BTC-27MAR26-70000-C"
    contract = instrument_of(name, "deribit")
    assert isinstance(contract, Option)
    return replaced(contract, strike=strike, right=Right(right), multiplier=multiplier)


def test_option_settlement_examples(cases: Any) -> None:
    """Inverse payoff in coin, linear in USDC with its multiplier; profit less premium."""
    case = cases("deribit/option_settlement_examples.json")
    for name, given in case["inputs"].items():
        linear = "multiplier" in given
        contract = option(strike=given["strike"], right=given["type"][0].upper(), linear=linear,
                          multiplier=given.get("multiplier", 1.0))
        sign = 1 if given["side"] == "long" else -1
        credit = settlement_value(contract, given["delivery"])
        premium = given["premium_usdc"] * contract.multiplier if linear else given["premium_btc"]
        told = case["expected"][name]
        profit = told["profit_usdc" if linear else "profit_btc"]
        assert sign * (credit - premium) == pytest.approx(profit, abs=1e-9)
        credit_told = told.get("credit_usdc" if linear else "credit_btc")
        assert credit_told is None or credit == pytest.approx(credit_told, abs=1e-9)
    assert contract.payoff is Payoff.LINEAR
