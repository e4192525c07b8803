"""A venue's report beside our figures: what agrees, what differs, and why.

The reports are our own answers in the venue's shape, spoiled in one known way.
"""

import copy
import json

import pytest

from bad_input_table import OPTION, good
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.adapters.venue_reports.venues import reconcile, report_in
from counterpoise.adapters.venue_requests.venues import answer
from counterpoise.apps.answer import margin_of
from counterpoise.apps.report.reconciliation import (
    agrees,
    reconciliation_document,
    reconciliation_text,
)
from counterpoise.margin.reconciliation import AGREES
from counterpoise.values.failure import BadInput
from unit.apps.asked import two_pools


def read(document):
    return read_portfolio(json.dumps(document).encode())


def document(**account):
    found = good()
    found["account"] |= {"orders": []} | account
    return found


def engine(of):
    return answer("deribit", b'{"currency": "BTC"}', read(of))


def laid(of, report, **options):
    return reconcile(read(of), report_in(json.dumps(report).encode()), **options)


def causes(found):
    return {line.name: line.cause for line in found.figures}


def test_our_own_answer_agrees_with_itself():
    found = laid(document(), {"jsonrpc": "2.0", "result": engine(document())})

    assert agrees(found)
    assert {AGREES} == {line.cause for line in found.inputs}
    assert {"initial_margin", "worst_case", "roll_shock", "mmp_margin"} <= set(causes(found))


def test_another_price_is_the_likely_cause():
    moved = document()
    moved["market"]["instruments"]["BTC-PERPETUAL"]["mark"] = "66500"
    moved["market"]["indices"]["BTC"] = "66400"
    found = laid(document(), engine(moved))

    assert "the venue's prices differ from ours" == causes(found)["maintenance_margin"]
    assert {"index BTC", "mark BTC-PERPETUAL"} <= {
        line.name for line in found.inputs if line.cause != AGREES}


def test_another_parameter_is_the_likely_cause():
    other = document() | {"parameters": {"currency_pair": {"btc_usd": {"price_range": 0.2}}}}
    found = laid(document(), engine(other))

    assert "the venue's parameters differ from ours" == causes(found)["worst_case"]
    assert ["parameter currency_pair.btc_usd.price_range"] == [
        line.name for line in found.inputs if line.cause != AGREES]


def test_another_position_is_the_likely_cause():
    more = document()
    more["account"]["positions"] = [row | {"quantity": "-7"} if row["instrument"] == OPTION else row
                                    for row in more["account"]["positions"]]
    found = laid(document(), engine(more))

    assert "the venue's positions differ from ours" == causes(found)["worst_case"]
    assert [f"size of {OPTION}"] == [line.name for line in found.inputs if line.cause != AGREES]


def test_another_reading_is_the_likely_cause():
    other = document() | {"parameters": {"readings": {"roll_option_delta": "black"}}}
    found = laid(document(), engine(other))

    assert causes(found)["roll_shock"].startswith("another reading: ")
    assert "roll_option_delta=black" in causes(found)["roll_shock"]


def test_an_amount_that_only_the_venue_computes_is_asked_for():
    stated = document(given={"mmp_margin": "0.06"})
    found = laid(document(given={}), engine(stated))

    assert "account.given.mmp_margin" in causes(found)["mmp_margin"]
    assert "amounts that only the venue computes are missing here" == causes(found)[
        "initial_margin"]


def test_what_nothing_explains_is_said_with_the_readings():
    report = copy.deepcopy(engine(document()))
    report["margins"]["btc"]["maintenance_margin"] *= 3
    found = laid(document(), report)

    assert "not explained" in causes(found)["maintenance_margin"]
    assert "option P&L in the risk matrix" in causes(found)["maintenance_margin"]
    assert not agrees(found)


def test_account_summaries_are_laid_beside_pools():
    of = document(balances={"BTC": "3"})
    pool = margin_of(read(of)).pools[0]
    summary = {"currency": "BTC", "margin_model": "segregated_pm", "initial_margin": pool.initial,
               "maintenance_margin": pool.maintenance, "equity": pool.equity + 1,
               "margin_balance": pool.margin_balance}
    empty = {"currency": "BNB", "margin_model": "segregated_pm", "equity": 0, "initial_margin": 0}
    found = laid(of, {"result": {"summaries": [empty, summary]}})

    assert [("initial_margin", True), ("maintenance_margin", True), ("equity", False),
            ("margin_balance", True)] == [(line.name, line.cause == AGREES)
                                          for line in found.figures]


def test_a_cross_answer_agrees_with_itself():
    of = two_pools() | {"model": "deribit_xpm"}
    of["account"] = of.pop("accounts")[0]
    report = answer("deribit", b'{"currency": "CROSS"}', read(of))
    found = laid(of, report)

    assert "deribit_xpm" == found.model
    assert agrees(found), causes(found)


def test_a_cross_summary_is_read_in_dollars_once():
    of = two_pools() | {"model": "deribit_xpm"}
    of["account"] = of.pop("accounts")[0]
    rows = [answer("deribit", json.dumps({"currency": code}).encode(), read(of),
                   method="private/simulate_portfolio") for code in ("BTC", "USDC")]
    found = laid(of, {"summaries": rows})

    assert ["total_initial_margin_usd", "total_maintenance_margin_usd", "total_equity_usd",
            "total_margin_balance_usd"] == [line.name for line in found.figures]
    assert agrees(found), causes(found)


def test_positions_are_laid_beside_contributions():
    of = document(positions=[{"instrument": "BTC-PERPETUAL", "quantity": "10000",
                              "entry_price": "65000"}])
    pool = margin_of(read(of), model="standard").pools[0]
    mark = float(of["market"]["instruments"]["BTC-PERPETUAL"]["mark"])
    row = {"instrument_name": "BTC-PERPETUAL", "size": 10000, "size_currency": 10000 / mark,
           "mark_price": mark, "index_price": float(of["market"]["indices"]["BTC"]),
           "initial_margin": pool.initial, "maintenance_margin": pool.maintenance}
    found = laid(of, {"result": [row]})

    assert "standard" == found.model
    assert agrees(found) and {AGREES} == {line.cause for line in found.inputs}


@pytest.mark.parametrize(("report", "words"), [
    ({}, "the shape of no report"), ([], "the shape of no report"),
    ({"margins": {"btc": 3}}, "margins.btc: is not a JSON object"),
    ({"margins": {"btc": {"initial_margin": "much"}}}, "'much' is not a number"),
    ({"margins": [], "ticker": 3, "portfolio": "x"}, "ticker: is not a JSON object"),
    ({"margin_model": "free", "currency": "BTC"}, "'free' has no rule book"),
    ({"margin_model": "segregated_pm", "currency": "BTC", "equity": True}, "not a number"),
    ([{"instrument_name": "?", "initial_margin": 1}], "?"),
])
def test_a_report_that_cannot_be_read_is_refused(report, words):
    with pytest.raises(BadInput) as refused:
        laid(document(), report)

    assert words in str(refused.value)


def test_text_and_json_say_both_figures_and_the_cause():
    moved = document()
    moved["market"]["instruments"]["BTC-PERPETUAL"]["mark"] = "66500"
    found = laid(document(), engine(moved))
    text, shown = "\n".join(reconciliation_text(found)), reconciliation_document(found)

    assert "figures differ" in text and "Inputs that differ" in text and "our reading" in text
    assert shown["agrees"] is False and shown["model"] == "deribit_spm"
    assert {"name", "ours", "theirs", "difference", "cause", "pool"} == set(shown["figures"][0])
