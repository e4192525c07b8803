"""The published answer of OKX's position builder comes out of the request, in its shape."""

import json

import pytest

from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.adapters.venue_reports.venues import reconcile, report_in
from counterpoise.adapters.venue_requests.venues import answer
from counterpoise.apps.report.reconciliation import agrees
from golden.convert.registry import to_files

CASE = "okx/position_builder_2025-01-15.json"


def asked(case):
    """Return the request of the case, and the portfolio with its market."""
    inputs = case["inputs"]
    request = {"inclRealPosAndEq": False, "greeksType": inputs["greeksType"],
               "simPos": [{name: str(p[name]) for name in ("instId", "pos", "avgPx")}
                          for p in inputs["simPos"]],
               "simAsset": [{name: str(a[name]) for name in ("ccy", "amt")}
                            for a in inputs["simAsset"]]}
    return request, read_portfolio(json.dumps(to_files(CASE, case)["account"]).encode())


def answered(case):
    request, portfolio = asked(case)
    return answer("okx", json.dumps(request).encode(), portfolio)


def test_units_and_account_are_those_that_okx_answered(cases):
    case = cases(CASE)
    account = answered(case)["data"][0]
    units = {unit["riskUnit"]: unit for unit in account["riskUnitData"]}
    near = case["tolerance"]["relative"]

    for name, told in case["expected"]["account"].items():
        if name in account and name != "acctLever":
            assert float(account[name]) == pytest.approx(told, rel=near), name
    for coin in ("BTC", "LTC"):
        for name, told in case["expected"][coin].items():
            if name in units[coin]:
                assert float(units[coin][name]) == pytest.approx(told, rel=near), (coin, name)
    worst = case["expected"]["BTC"]["mr1_worst"]["spotShock"]
    assert float(units["BTC"]["mr1FinalResult"]["spotShock"]) == worst
    assert float(units["LTC"]["mr6FinalResult"]["pnl"]) == pytest.approx(
        case["expected"]["LTC"]["mr6_pnl"], rel=near)


def test_its_own_answer_agrees_with_the_portfolio(cases):
    case = cases(CASE)
    _, portfolio = asked(case)

    assert agrees(reconcile(portfolio, report_in(json.dumps(answered(case)).encode())))
