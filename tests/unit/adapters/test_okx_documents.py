"""OKX's position builder on a portfolio, and its answer as a report; numbers by hand."""

import json

import pytest

from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.adapters.venue_reports.venues import reconcile, report_in
from counterpoise.adapters.venue_requests.moved_index import with_moved_indices
from counterpoise.adapters.venue_requests.venues import answer
from counterpoise.apps.answer import margin_of
from counterpoise.margin.reconciliation import AGREES
from counterpoise.values.failure import BadInput
from unit.apps.asked import okx_portfolio as portfolio


def asked(held, **request):
    """Return the one answer."""
    return answer("okx", json.dumps(request).encode(), held)["data"][0]


def test_the_account_as_it_stands_is_that_of_the_margin_command():
    row = margin_of(portfolio()).pools[0]
    found = asked(portfolio())

    assert (float(found["totalMmr"]), float(found["totalImr"])) == (row.maintenance, row.initial)
    assert float(found["eq"]) == row.margin_balance


def test_numbers_are_texts_and_positions_say_whether_they_are_real():
    found = asked(portfolio(), simPos=[{"instId": "BTC-USD-SWAP", "pos": "500", "avgPx": "98000"}])
    rows = {r["instId"]: r for r in found["riskUnitData"][0]["portfolios"]}

    assert rows["BTC-USDT-SWAP"]["isRealPos"] is True and rows["BTC-USDT-SWAP"]["amt"] == "-100"
    assert rows["BTC-USD-SWAP"]["isRealPos"] is False
    assert float(rows["BTC-USD-SWAP"]["avgPx"]) == pytest.approx(98_000, rel=1e-8)
    # 50,000 USD bought at 98,000 and worth 100,000: coins.
    assert float(rows["BTC-USD-SWAP"]["floatPnl"]) == pytest.approx(50_000 / 98_000 - 0.5, abs=1e-8)


def test_spot_in_use_is_an_entry_of_the_unit_and_of_its_asset():
    found = asked(portfolio())
    spot = [r for r in found["riskUnitData"][0]["portfolios"] if r["instType"] == "SPOT"]

    assert [(r["instId"], r["amt"]) for r in spot] == [("BTC", "1")]
    assert {"BTC": "1", "USDT": "0"} == {a["ccy"]: a["spotInUse"] for a in found["assets"]}


def test_without_the_real_account_simulated_assets_are_all_that_is_owned():
    found = asked(portfolio(), inclRealPosAndEq=False, simAsset=[{"ccy": "USDT", "amt": "7000"}],
                  simPos=[{"instId": "BTC-USDT-SWAP", "pos": "1", "avgPx": "100000"}])

    assert found["eq"] == "7000"
    assert float(found["riskUnitData"][0]["mr1"]) == pytest.approx(120, rel=1e-12)
    real = asked(portfolio(), simAsset=[{"ccy": "USDT", "amt": "7000"}])
    assert real["eq"] == asked(portfolio())["eq"]


@pytest.mark.parametrize(("kind", "delta"), [("BS", -1.0), ("PA", -1.0), ("CASH", -100_000.0)])
def test_greeks_come_in_the_units_asked_for(kind, delta):
    unit = asked(portfolio(), greeksType=kind)["riskUnitData"][0]

    assert float(unit["delta"]) == pytest.approx(delta)


def test_a_moved_index_moves_marks_and_keeps_what_was_before():
    still, moved = asked(portfolio()), asked(portfolio(), idxVol="0.1")
    unit = moved["riskUnitData"][0]

    assert unit["mmrBf"] == still["riskUnitData"][0]["mmr"]
    assert still["riskUnitData"][0]["mmrBf"] == ""
    # The coins gain 10 % at 98 %, the perpetual loses 10,000.
    assert float(moved["eq"]) - float(still["eq"]) == pytest.approx(0.98 * 20_000 - 10_000)
    row = next(r for r in unit["portfolios"] if r["instType"] == "SWAP")
    assert (row["markPxBf"], float(row["markPx"])) == ("100000", pytest.approx(110_000))


def test_premiums_move_with_the_forward_and_keep_their_distance_to_black():
    market = portfolio().market
    k = market.catalogue.column["BTC-USD:BTC-20250328-110000-C*0.01"]
    up, back = (with_moved_indices(market, move) for move in (0.2, 0.0))

    assert up.forward[k] == pytest.approx(120_000)
    assert up.mark[k] > 0.09 > market.mark[k]
    assert back.mark[k] == pytest.approx(market.mark[k], rel=1e-12)


@pytest.mark.parametrize(("request_body", "named"), [
    ({"acctLv": "3"}, "acctLv"), ({"greeksType": "XX"}, "greeksType"),
    ({"idxVol": "2"}, "idxVol"), ({"idxVol": "much"}, "idxVol"), ({"margin": 1}, "margin"),
    ({"inclRealPosAndEq": "no"}, "inclRealPosAndEq"), ({"simPos": "x"}, "simPos"),
    ({"simPos": [{"instId": "BTC-USDT-SWAP"}]}, "pos"), ({"simPos": [{"pos": "1"}]}, "instId"),
    ({"simPos": [{"instId": "DOGE-USDT-SWAP", "pos": "1"}]}, "not in the market"),
    ({"simAsset": [{"ccy": "BTC", "amt": "1"}] * 201}, "at most 200"),
    ({"simAsset": [{"ccy": "BTC", "amt": "1"}] * 2}, "twice")])
def test_what_cannot_be_read_is_named(request_body, named):
    with pytest.raises(BadInput, match=named):
        asked(portfolio(), **request_body)


def test_another_endpoint_is_refused():
    with pytest.raises(BadInput, match="position-builder"):
        answer("okx", b"{}", portfolio(), method="account/balance")


def test_our_own_answer_agrees_with_itself():
    held = portfolio()
    report = report_in(json.dumps({"code": "0", "data": [asked(held)]}).encode())
    found = reconcile(held, report)

    assert {AGREES} == {line.cause for line in (*found.figures, *found.inputs)}
    # Spot in use has its own part of MR4 here.
    assert "mr4" not in {line.name for line in found.figures}


def test_other_prices_and_other_sizes_are_the_cause_of_another_requirement():
    held = portfolio(balances={"USDT": "50000"})
    theirs = read_portfolio(json.dumps({
        "as_of": "2025-02-01T00:00:00Z", "model": "okx_pm", "symbols": "okx",
        "market": {"indices": {"BTC": "101000"}, "assets": {"USDT": "1"},
                   "instruments": {"BTC-USDT-SWAP": {"mark": "101000"}}},
        "account": {"balances": {"USDT": "50000"}, "positions": [
            {"instrument": "BTC-USDT-SWAP", "quantity": "-100", "entry_price": "99000"}]},
    }).encode())
    report = report_in(json.dumps(asked(theirs)).encode())
    causes = {line.name: line.cause for line in reconcile(held, report).figures}
    beside = {line.name: line.cause for line in reconcile(held, report).inputs}

    assert causes["totalMmr"] == "the venue's prices differ from ours"
    assert beside["index BTC"] != AGREES and beside["size of BTC-USDT-SWAP"] == AGREES
