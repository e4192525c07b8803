"""Deribit's what-if requests, answered on a portfolio; `parity_deribit` has the published case."""

import json

import pytest

from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.adapters.venue_requests.venues import answer
from counterpoise.apps.answer import margin_of
from counterpoise.values.failure import BadInput
from unit.apps.asked import portfolio, two_pools

FUTURE = [{"instrument": "BTC-PERPETUAL", "quantity": "6591.057", "entry_price": "65000"}]
MARK = 65910.57


def held(**account):
    return portfolio(**({"orders": [], "positions": FUTURE} | account))


def simulated(asked, params, method=None):
    return answer("deribit", json.dumps(params).encode(), asked, method=method)


def test_an_envelope_comes_back_around_the_result():
    request = {"jsonrpc": "2.0", "id": 7, "method": "private/pme/simulate",
               "params": {"currency": "BTC"}}
    result = simulated(held(), request)

    assert ("2.0", 7) == (result["jsonrpc"], result["id"])
    assert simulated(held(), {"currency": "BTC"}) == result["result"]


def test_the_requirement_is_that_of_the_margin_command():
    asked = portfolio()
    margins = simulated(asked, {"currency": "BTC"})["margins"]["btc"]
    pool = margin_of(asked).pools[0]

    assert (pool.initial, pool.maintenance) == (margins["initial_margin"],
                                                margins["maintenance_margin"])
    assert {"index": pool.worst[0].index, "bucket": pool.worst[0].bucket,
            "side": pool.worst[0].side, "source": pool.worst[0].table} == margins[
        "initial_margin_details"]["risk_matrix_margin_details"]["worst_case_bucket"]


def test_sizes_are_in_coin_and_added_to_what_is_held():
    result = simulated(held(), {"currency": "BTC", "simulated_positions": {"BTC-PERPETUAL": -0.3}})

    assert {"BTC-PERPETUAL": pytest.approx(-0.2, abs=1e-8)} == result["portfolio"]["position"]


def test_without_adding_the_simulated_positions_are_all():
    result = simulated(portfolio(), {"currency": "BTC", "add_positions": False,
                                     "simulated_positions": {"BTC-PERPETUAL": "0.25"}})

    assert {"BTC-PERPETUAL": pytest.approx(0.25, abs=1e-8)} == result["portfolio"]["position"]
    assert 0 == result["margins"]["btc"]["initial_margin_details"]["open_orders_margin"]


def test_other_currencies_are_left_out():
    document = two_pools()
    document["account"] = document.pop("accounts")[0]
    asked = read_portfolio(json.dumps(document).encode())

    assert {"usdc"} == set(simulated(asked, {"currency": "USDC"})["margins"])
    assert {"btc"} == set(simulated(asked, {"currency": "BTC"})["margins"])


def test_the_portfolio_result_has_equity_funds_and_sensitivities():
    asked = held(balances={"BTC": "1.5"})
    result = simulated(asked, {"currency": "BTC"}, "private/simulate_portfolio")
    pool = margin_of(asked).pools[0]

    assert pool.equity == result["equity"]
    assert pool.initial_excess == result["available_funds"]
    assert (1.5, "BTC", "segregated_pm") == (result["balance"], result["currency"],
                                             result["margin_model"])
    assert result["delta_total"] == pytest.approx(0.1, rel=1e-9)
    assert (0, 0) == (result["options_gamma"], result["options_value"])


def test_what_nobody_stated_is_absent():
    document = two_pools()
    document["account"] = document.pop("accounts")[0]
    del document["account"]["balances"]
    result = simulated(read_portfolio(json.dumps(document).encode()), {"currency": "BTC"},
                       "private/simulate_portfolio")

    assert not {"equity", "balance", "available_funds"} & set(result)
    assert result["initial_margin"] > 0


def test_an_account_with_nothing_in_the_currency_needs_nothing():
    result = simulated(held(), {"currency": "ETH"}, "private/simulate_portfolio")

    assert (0, 0) == (result["initial_margin"], result["maintenance_margin"])


def crossed(**changes):
    document = two_pools() | {"model": "deribit_xpm"} | changes
    document["account"] = document.pop("accounts")[0]
    return read_portfolio(json.dumps(document).encode())


def test_cross_is_the_whole_account_in_dollars():
    asked = crossed()
    answered = simulated(asked, {"currency": "CROSS"})
    pool = margin_of(asked).pools[0]
    details = answered["margins"]["cross"]["initial_margin_details"]

    assert {"BTC-PERPETUAL", "BTC_USDC-PERPETUAL"} <= set(answered["portfolio"]["position"])
    assert pool.initial == answered["margins"]["cross"]["initial_margin"]
    assert details["risk_matrix_margin_details"]["worst_case"] == pytest.approx(
        pool.initial_components["worst_case"] + pool.initial_components["equity"], rel=1e-12)
    assert {"general", "currency", "currency_pair"} == set(answered["model_params"])


def test_a_cross_account_is_repeated_in_the_currency_asked_for():
    asked = crossed()
    result = simulated(asked, {"currency": "BTC"}, "private/simulate_portfolio")
    index = float(asked.market.index[0])

    assert ("cross_pm", True) == (result["margin_model"], result["cross_collateral_enabled"])
    assert result["total_initial_margin_usd"] == margin_of(asked).pools[0].initial
    assert result["initial_margin"] == pytest.approx(
        result["total_initial_margin_usd"] / index, rel=1e-12)
    assert result["equity"] == pytest.approx(result["total_equity_usd"] / index, rel=1e-12)


def test_the_portfolio_method_reports_in_one_currency():
    with pytest.raises(BadInput, match="reports in one currency"):
        simulated(crossed(), {"currency": "CROSS"}, "private/simulate_portfolio")


@pytest.mark.parametrize(("params", "words"), [
    ({}, "currency: is missing"),
    ({"currency": "BTC", "nonsense": 1, "add_positions": 3}, "nonsense: is not a parameter"),
    ({"currency": "BTC", "add_positions": 3}, "neither true nor false"),
    ({"currency": "BTC", "simulated_positions": [1]}, "is not a table"),
    ({"currency": "BTC", "simulated_positions": {"BTC-PERPETUAL": None}}, "has no size"),
    ({"currency": "BTC", "simulated_positions": {"BTC-PERPETUAL": "much"}}, "much"),
    ({"currency": "BTC", "simulated_positions": {"DOGE-PERPETUAL": 1}}, "not in the market"),
    ({"currency": "BTC", "simulated_positions": {"?": 1}}, "?"),
    ({"method": "private/buy", "params": {}}, "is not simulated here"),
    ([], "not a JSON object"),
])
def test_what_cannot_be_answered_is_said(params, words):
    with pytest.raises(BadInput) as refused:
        simulated(held(), params)

    assert words in str(refused.value)


def test_an_account_without_a_number_is_refused_with_the_reason():
    document = two_pools()
    document["account"] = document.pop("accounts")[1]
    option = document["account"]["positions"][0]["instrument"]
    del document["market"]["instruments"][option]["iv"]

    with pytest.raises(BadInput, match="has no implied volatility"):
        simulated(read_portfolio(json.dumps(document).encode()), {"currency": "BTC"})


def test_unknown_venues_are_named():
    with pytest.raises(BadInput, match="nowhere"):
        answer("nowhere", b"{}", held())
