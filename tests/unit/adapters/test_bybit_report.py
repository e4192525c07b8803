"""Bybit's answer beside our figures: two bitcoin long, whose margin is written down here by hand.

Scan 10 % of 130,000; contingency of futures 0.03 % of it; initial margin 1.2 x maintenance margin.
"""

import copy
import json

import pytest

from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.adapters.venue_reports.venues import reconcile, report_in
from counterpoise.margin.reconciliation import AGREES
from counterpoise.values.failure import BadInput

LOSS, CHARGE = 13_000.0, 39.0


def document(**account):
    return {"as_of": "2026-03-24T02:28:10Z", "model": "bybit", "symbols": "bybit",
            "market": {"indices": {"BTC": 65_000}, "assets": {"USDT": 1, "BTC": 65_000},
                       "instruments": {"BTCUSDT": {"mark": 65_000}}},
            "account": {"balances": {"USDT": "20000"}, "positions": [
                {"instrument": "BTCUSDT", "quantity": 2, "entry_price": 65_000}], **account}}


def report(*, basis=0.0, hedge="0", size="2", loss=LOSS, scale="0.1"):
    """Return the answer in Bybit's shape; a hedge of minus one coin takes half of the loss."""
    needed = loss + CHARGE + basis
    told = {"optionContingency": "0", "futureDeltaContingency": str(basis), "futureContingency":
            str(CHARGE), "optionVegaContingency": "0", "usdtUsdcContingency": "0",
            "contingencyComponents": str(CHARGE + basis)}
    prices = [{"priceScale": f"-{scale}", "pnls": [str(-loss)]},
              {"priceScale": "0.0", "pnls": ["0"]}, {"priceScale": scale, "pnls": [str(LOSS)]}]
    return {"retCode": 0, "result": {
        "wallet": {"equity": "20000", "marginBalance": "20000", "availableBalance": "0",
                   "accountIM": str(1.2 * needed), "accountMM": str(needed)},
        "assetPnlRange": [{
            "baseCoin": "BTC", "totalPnlRanges": {"ALL": {"pnlRanges": prices}},
            "perpPositionPnlRanges": [{"symbolName": "BTCUSDT", "position": size,
                                       "markPrice": "65000"}],
            "optionExpiryDatePnlRanges": [], "contingency": told,
            "asset": {"coin": "BTC", "assetIM": str(1.2 * needed), "assetMM": str(needed)},
            "spotHedgeInfo": {"hedgeSpotSize": hedge, "usdIndexPrice": "0"}}]}}


def laid(of, told):
    return reconcile(read_portfolio(json.dumps(of).encode()),
                     report_in(json.dumps(told).encode()))


def causes(found):
    return {line.name: line.cause for line in found.figures}


def inputs(found):
    return {line.name: line.cause for line in found.inputs}


def test_every_figure_of_an_account_that_agrees_agrees():
    found = laid(document(), report())

    assert {AGREES} == set(causes(found).values()), causes(found)
    assert ["equity", "marginBalance", "accountIM", "accountMM", "largest loss"] == list(
        causes(found))[:5]
    assert {"mark BTCUSDT", "size of BTCUSDT", "parameter asset.btc.price_range"} <= set(
        inputs(found))


def test_a_charge_that_only_bybit_computes_explains_what_holds_it():
    found = laid(document(), report(basis=50.0))

    assert "amounts that only the venue computes are missing here" == causes(found)["accountMM"]
    assert "account.given.basis_margin" in inputs(found)["basis_margin USD"]
    stated = laid(document(given={"basis_margin": {"USD": 50}}), report(basis=50.0))
    assert {AGREES} == set(causes(stated).values())


def test_a_spot_hedge_explains_the_loss_that_it_takes_off():
    found = laid(document(), report(hedge="-1", loss=LOSS / 2))

    assert "amounts that only the venue computes are missing here" == causes(found)["largest loss"]
    assert "account.given.spot_in_use" in inputs(found)["spot_in_use BTC"]


def test_another_range_of_prices_is_the_likely_cause():
    found = laid(document(), report(loss=1.5 * LOSS, scale="0.15"))

    assert "the venue's parameters differ from ours" == causes(found)["largest loss"]


def test_another_size_is_seen():
    found = laid(document(), report(size="3"))

    assert "the positions are not the same" == inputs(found)["size of BTCUSDT"]


def test_coins_are_added_up():
    told = report()
    more = copy.deepcopy(told["result"]["assetPnlRange"][0]) | {
        "baseCoin": "ETH", "perpPositionPnlRanges": []}
    told["result"]["assetPnlRange"].append(more)
    found = laid(document(), told)

    assert 2 * LOSS == next(x.theirs for x in found.figures if x.name == "largest loss")


@pytest.mark.parametrize(("path", "value", "words"), [
    (("wallet", "equity"), "much", "wallet.equity: 'much' is not a number"),
    (("wallet",), 3, "wallet: is not a JSON object"),
    (("assetPnlRange",), [3], "assetPnlRange: is not a JSON object"),
    (("assetPnlRange", 0, "baseCoin"), "B T/C", "'B T/C' is not the code"),
    (("assetPnlRange", 0, "perpPositionPnlRanges", 0, "position"), "two", "BTCUSDT.position"),
    (("assetPnlRange", 0, "perpPositionPnlRanges", 0, "markPrice"), None, "BTCUSDT.markPrice"),
    (("assetPnlRange", 0, "totalPnlRanges", "ALL"), [], "totalPnlRanges.ALL"),
    (("assetPnlRange", 0, "contingency", "futureContingency"), True, "futureContingency"),
    (("assetPnlRange", 0, "spotHedgeInfo", "hedgeSpotSize"), "nan", "hedgeSpotSize")])
def test_a_report_that_cannot_be_read_is_refused(path, value, words):
    told = report()
    place = told["result"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    with pytest.raises(BadInput) as refused:
        laid(document(), told)
    assert words in str(refused.value)
