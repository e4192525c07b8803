"""An answer says what is needed, against what, made of what, and what nobody publishes."""

import json

import numpy as np
import pytest

from bad_input_table import good
from counterpoise.adapters.portfolio_file import read_portfolio, write_portfolio
from counterpoise.apps.answer import margin_of
from counterpoise.apps.legs import explain, standard_margin
from counterpoise.apps.report.document import answer_document, json_text
from counterpoise.margin.compute import compute_margin
from counterpoise.values.failure import BadInput, Reason
from unit.apps.asked import missing_volatility, portfolio, two_pools


def test_rows_are_the_margins_of_compute_margin():
    asked = portfolio()
    answer = margin_of(asked)
    margins = compute_margin(asked.book, asked.market, model=answer.model, version=answer.version)

    assert margins.requirements.initial.tolist() == [p.initial for p in answer.pools]
    assert margins.maintenance_excess.tolist() == [p.maintenance_excess for p in answer.pools]


def test_components_add_up():
    pool = margin_of(portfolio()).pools[0]

    assert sum(pool.initial_components.values()) == pytest.approx(pool.initial, abs=1e-15)
    assert sum(pool.maintenance_components.values()) == pytest.approx(pool.maintenance, abs=1e-15)


def test_requirement_lies_in_the_range_of_its_readings():
    pool = margin_of(portfolio()).pools[0]

    assert pool.range is not None and pool.range.readings > 1
    assert pool.range.initial[0] <= pool.initial <= pool.range.initial[1]
    assert pool.range.maintenance[0] <= pool.maintenance <= pool.range.maintenance[1]


def test_worst_scenario_of_a_short_call_is_the_price_up_and_volatility_up():
    worst = margin_of(portfolio(orders=[])).pools[0].worst[0]

    assert (0.16, "up", "standard", 25, 9, "right") == (
        worst.price_move, worst.vol_state, worst.table, worst.index, worst.bucket, worst.side)


def test_worst_scenario_can_stand_in_the_extended_table():
    document = good()
    far = "BTC-28JUN24-100000-C"
    document["market"]["instruments"][far] = {"mark": "0.0001", "forward": "67371.75", "iv": "0.6"}
    document["account"]["positions"] = [{"instrument": far, "quantity": "-500",
                                         "entry_price": "0.0001"}]
    worst = margin_of(read_portfolio(json.dumps(document).encode())).pools[0].worst[0]

    assert "extended" == worst.table
    assert worst.index == worst.bucket
    assert abs(worst.price_move) >= 0.33


def test_threads_change_no_number():
    assert margin_of(portfolio()).pools == margin_of(portfolio(), threads=2).pools


def test_accounts_and_pools_stay_apart():
    answer = margin_of(read_portfolio(json.dumps(two_pools()).encode()))

    assert [("both", "BTC"), ("both", "USDC"), ("bare", "BTC")] == [
        (p.account, p.currency) for p in answer.pools]
    assert ["healthy", "healthy", "bankrupt"] == [p.status for p in answer.pools]


def test_top_level_numbers_are_there_only_for_a_single_pool():
    one = answer_document(margin_of(portfolio()))
    several = answer_document(margin_of(read_portfolio(json.dumps(two_pools()).encode())))

    assert one["initial_margin"] == one["pools"][0]["initial_margin"] > 0
    assert ("BTC", one["pools"][0]["components"]) == (one["currency"], one["components"])
    assert several["initial_margin"] is None and several["currency"] is None
    assert all(pool["initial_margin"] > 0 for pool in several["pools"])


def test_nothing_held_needs_nothing():
    document = answer_document(margin_of(portfolio(positions=[], orders=[], balances={})))

    assert (0.0, 0.0, None, []) == (document["initial_margin"], document["maintenance_margin"],
                                    document["worst_scenario"], document["pools"])


def test_missing_volatility_is_a_failure_and_never_a_number():
    answer = margin_of(read_portfolio(json.dumps(missing_volatility()).encode()))
    document = json.loads(json_text(answer_document(answer)))

    assert document["initial_margin"] is None
    assert "missing_volatility" == document["pools"][0]["failures"][0]["reason"]


def test_equity_is_unknown_where_no_balance_is_stated():
    pool = margin_of(portfolio(balances={})).pools[0]

    assert "unknown" == pool.status and np.isnan(pool.equity) and pool.initial > 0
    assert [Reason.MISSING_NUMBER] == [f.reason for f in pool.failures]


def two_accounts(**second) -> dict:
    """Return the document of an account with balances and one beside it, `second`."""
    document = good()
    first = document.pop("account") | {"id": "first"}
    bare = {"id": "second", "positions": [
        {"instrument": "BTC-PERPETUAL", "quantity": "100000", "entry_price": "65000"}]}
    return document | {"accounts": [first, bare | second]}


def answered(document: dict):
    return margin_of(read_portfolio(json.dumps(document).encode()))


@pytest.mark.parametrize("second", [{}, {"balances": {}}, {"given": {"mmp_margin": "0.1"}}])
def test_account_without_balances_is_unknown_beside_one_that_has_them(second):
    answer = answered(two_accounts(**second))
    known, unknown = answer.pools

    assert ("healthy", "unknown") == (known.status, unknown.status)
    assert np.isfinite(known.equity) and unknown.initial > 0
    assert np.isnan([unknown.equity, unknown.margin_balance, unknown.initial_excess]).all()
    assert [Reason.MISSING_NUMBER] == [f.reason for f in unknown.failures]
    assert np.isnan(answer.margins.equity[1])


def test_stated_equity_is_known_without_balances():
    pool = answered(two_accounts(equity={"BTC": "2.5"})).pools[1]

    assert (2.5, "healthy", ()) == (pool.equity, pool.status, pool.failures)


def test_account_without_balances_stays_so_when_it_is_written():
    asked = read_portfolio(json.dumps(two_accounts()).encode())

    assert {"second"} == asked.without_balances
    assert asked == read_portfolio(write_portfolio(asked))


def test_nothing_held_and_nothing_stated_is_not_called_healthy():
    unstated = answer_document(margin_of(portfolio(positions=[], orders=[], balances={})))
    empty = answer_document(margin_of(portfolio(positions=[], orders=[], balances={"BTC": "0"})))

    assert ("unknown", None) == (unstated["status"], unstated["equity"])
    assert ["missing_number"] == [f["reason"] for f in unstated["failures"]]
    assert ("healthy", 0.0, []) == (empty["status"], empty["equity"], empty["failures"])


def test_equity_is_unknown_where_a_future_has_no_entry_price():
    pool = margin_of(portfolio(positions=[
        {"instrument": "BTC-PERPETUAL", "quantity": "1000"}])).pools[0]

    assert [Reason.MISSING_ENTRY] == [f.reason for f in pool.failures]
    assert pool.initial > 0


def test_other_model_sets_the_files_parameters_aside_and_says_so():
    asked = portfolio()
    changed = read_portfolio(json.dumps(json.loads(json.dumps({
        "as_of": "2024-06-17T10:22:20Z", "model": "deribit_spm", "symbols": "deribit",
        "parameters": {"general": {"mm_factor": 0.9}},
        "market": {"indices": {"BTC": 65666.19}, "instruments": {"BTC-PERPETUAL": {
            "mark": 65910.57}}},
        "account": {"positions": [{"instrument": "BTC-PERPETUAL", "quantity": 1}]}}))).encode())

    assert "general.mm_factor" in margin_of(changed).version.overridden
    assert any("belong to deribit_spm" in n for n in margin_of(changed, model="standard").notes)
    assert not any("belong to" in n for n in margin_of(asked, model="standard").notes)


def test_unknown_model_is_refused():
    with pytest.raises(BadInput, match="use one of"):
        margin_of(portfolio(), model="unheard_of")


def test_provenance_changes_with_the_market_and_not_with_the_account():
    first = answer_document(margin_of(portfolio()))["provenance"]
    same = answer_document(margin_of(portfolio(balances={"BTC": "9"})))["provenance"]

    assert first == same
    assert 64 == len(first["snapshot_digest"]) == len(first["parameter_digest"])


def test_contributions_of_legs_sum_to_the_components_of_positions():
    explanation = explain(portfolio(orders=[]))
    pool = explanation.answer.pools[0]
    from_positions = sum(pool.initial_components[name] for name in explanation.legs[0].components)

    assert sum(leg.initial for leg in explanation.legs) == pytest.approx(from_positions, abs=1e-12)


def test_closing_a_leg_changes_the_requirement_by_what_is_said():
    whole = explain(portfolio(orders=[]))
    first, second = whole.legs
    kept = [{"instrument": second.instrument, "quantity": second.quantity, "entry_price": "0.03"}]
    rest = margin_of(portfolio(orders=[], positions=kept)).pools[0]

    assert first.closing_initial == pytest.approx(
        rest.initial - whole.answer.pools[0].initial, abs=1e-12)


def test_standard_margin_is_compared_and_not_with_itself():
    assert standard_margin(margin_of(portfolio())).model.name == "standard"
    assert standard_margin(margin_of(portfolio(), model="standard")) is None


def test_every_bad_quote_of_an_account_is_named():
    """Two options without volatility and one without a forward: three failures, not the first."""
    portfolio = read_portfolio(b"""{"as_of": "2024-06-17T10:00:00Z", "symbols": "deribit",
      "market": {"indices": {"BTC": 65000}, "instruments": {
        "BTC-28JUN24-70000-C": {"mark": 0.02, "forward": 65500},
        "BTC-28JUN24-60000-P": {"mark": 0.02, "forward": 65500},
        "BTC-27SEP24-70000-C": {"mark": 0.05, "iv": 0.6}}},
      "account": {"balances": {"BTC": 1}, "positions": [
        {"instrument": "BTC-28JUN24-70000-C", "quantity": 1},
        {"instrument": "BTC-28JUN24-60000-P", "quantity": 1},
        {"instrument": "BTC-27SEP24-70000-C", "quantity": 1}]}}""")

    named = {f.subject for f in margin_of(portfolio).pools[0].failures}
    assert named == {"BTC-USD:BTC-20240628-70000-C", "BTC-USD:BTC-20240628-60000-P",
                     "BTC-USD:BTC-20240927-70000-C"}
