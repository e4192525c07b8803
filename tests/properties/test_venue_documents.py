"""Whatever a venue's document holds, the answer is a document or a sentence, never a crash."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bad_input_table import OPTION
from counterpoise.adapters.models import model_named
from counterpoise.adapters.proposals import objections, proposed
from counterpoise.adapters.venue_reports.venues import reconcile, report_in
from counterpoise.adapters.venue_requests.venues import answer
from counterpoise.values.failure import BadInput
from markets import AS_OF
from unit.apps.asked import okx_portfolio, portfolio

HELD = portfolio(orders=[])
REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "private/pme/simulate", "params": {
    "currency": "BTC", "add_positions": True, "simulated_positions": {OPTION: -1}}}
REPORT = answer("deribit", json.dumps(REQUEST).encode(), HELD)
AT_OKX = okx_portfolio()
BUILDER = {"acctLv": "4", "inclRealPosAndEq": True, "greeksType": "CASH", "idxVol": "0.05",
           "simPos": [{"instId": "BTC-USD-SWAP", "pos": "5", "avgPx": "98000"}],
           "simAsset": [{"ccy": "USDT", "amt": "100"}]}
BUILT = answer("okx", json.dumps(BUILDER).encode(), AT_OKX)
PROPOSAL = {"model": "standard", "number": 2, "sections": [
    {"section": "future.btc_btc", "observed_on": "2026-02-05", "effective_from": "2026-02-05",
     "values": {"im_base": 0.1, "mm_base": 0.05, "slope_per_coin": 0}},
    {"section": "option", "observed_on": "undated", "effective_from": "2026-02-05", "values": {}}]}
NAMES = st.sampled_from(["BTC", "btc", "BTC-PERPETUAL", "margins", "future.a.b", "", "x"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-10**25, 10**25),
                   st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5), NAMES)
TREES = st.recursive(LEAVES, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)), max_leaves=8)


@st.composite
def spoiled(draw, document):
    """Draw the document with one place replaced by any tree, or taken away."""
    found = copy.deepcopy(document)
    node = found
    while True:
        place = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        below = node[place]
        if isinstance(below, dict | list) and below and draw(st.booleans()):
            node = below
            continue
        if draw(st.booleans()):
            node[place] = draw(TREES)
        else:
            del node[place]
        return json.dumps(found).encode()


def refused_or_answered(ask):
    try:
        ask()
    except BadInput as refused:
        assert refused.failures


@given(spoiled(REQUEST))
def test_a_spoiled_request_is_answered_or_refused(document):
    refused_or_answered(lambda: answer("deribit", document, HELD))


@given(spoiled(REPORT))
def test_a_spoiled_report_is_reconciled_or_refused(document):
    refused_or_answered(lambda: reconcile(HELD, report_in(document)))


@given(spoiled(BUILDER))
def test_a_spoiled_request_to_okx_is_answered_or_refused(document):
    refused_or_answered(lambda: answer("okx", document, AT_OKX))


@given(spoiled(BUILT))
def test_a_spoiled_report_of_okx_is_reconciled_or_refused(document):
    refused_or_answered(lambda: reconcile(AT_OKX, report_in(document)))


@given(spoiled(PROPOSAL))
def test_a_spoiled_proposal_is_judged_or_refused(document):
    refused_or_answered(lambda: objections(model_named("standard"), proposed(document),
                                           as_of=AS_OF))


@pytest.mark.parametrize("of", [REQUEST, REPORT, PROPOSAL])
def test_unspoiled_documents_are_fine(of):
    document = json.dumps(of).encode()

    assert of is not REQUEST or answer("deribit", document, HELD)["id"] == 1
    assert of is not REPORT or report_in(document).figures
    assert of is not PROPOSAL or objections(model_named("standard"), proposed(document),
                                            as_of=AS_OF) == ()
