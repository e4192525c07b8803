"""A proposal is refused for what makes no sense; computing with it gives a number and a warning."""

import json
from pathlib import Path

import pytest

import counterpoise.margin.models
from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.proposals import objections, proposed
from counterpoise.margin.compute import compute_margin
from counterpoise.values.failure import BadInput, Reason
from markets import AS_OF, account, market

OURS = [name for name in model_names()
        if (Path(counterpoise.margin.models.__file__).parent / "parameters" / f"{name}.json")
        .is_file()]
SECTION = {"section": "future.btc_btc", "observed_on": "2026-02-05", "effective_from": "2026-02-05",
           "values": {"im_base": 0.1, "mm_base": 0.05, "slope_per_coin": 0}}


def said(model, changes):
    return [(f.reason, f.sentence) for f in objections(model_named(model), changes, as_of=AS_OF)]


@pytest.mark.parametrize("name", OURS)
def test_nothing_speaks_against_our_own_dated_parameters(name):
    folder = Path(counterpoise.margin.models.__file__).parent / "parameters"
    proposal = proposed(str(folder / f"{name}.json"))

    assert () == objections(model_named(name), proposal, as_of=AS_OF)


@pytest.mark.parametrize(("model", "changes", "words"), [
    ("standard", {"future": {"btc_btc": {"mm_base": 0.03}}}, "mm_base 0.03 of btc_btc is above"),
    ("standard", {"option": {"btc_btc": {"mm_factor": 0.2}}}, "maintenance can exceed initial"),
    ("deribit_spm", {"general": {"mm_factor": 1.5}}, "maintenance margin above the initial"),
    ("deribit_spm", {"currency_pair": {"btc_usd": {"volatility_range_up": -0.1}}},
     "volatility_range_up -0.1 of btc_usd is below zero"),
])
def test_an_odd_proposal_is_refused_and_computed_with_a_warning(model, changes, words):
    rules = model_named(model)
    version, prices = parameters_of(rules, AS_OF, changes), market()
    book = account(prices, {"BTC-USD:BTC-PERP": 30_000.0, "BTC-USD:BTC-20260327-65000-C": -1.0},
                   balances={"BTC": 4})
    needs = compute_margin(book, prices, model=rules, version=version).requirements

    assert [Reason.ODD_PARAMETERS] == [reason for reason, _ in said(model, changes)]
    assert words in said(model, changes)[0][1]
    assert needs.initial[0] > 0
    assert any(words in note for _, note in version.notes)


def test_what_has_no_meaning_is_refused_with_every_violation():
    found = said("deribit_spm", {"general": {"mm_factor": -1, "nonsense": 2},
                                 "currency_pair": {"btc_usd": {"price_range": -3}}})

    assert [Reason.UNKNOWN_KEY] == [r for r, _ in found if r is Reason.UNKNOWN_KEY]
    assert any("-3.0 must lie between" in sentence for _, sentence in found)


def test_every_day_of_a_dated_proposal_is_judged():
    later = SECTION | {"effective_from": "2027-01-01", "values": SECTION["values"] | {
        "mm_base": 0.2}}
    option = {"section": "option", "observed_on": "undated", "effective_from": "2026-02-05",
              "values": {}}
    proposal = {"model": "standard", "sections": [SECTION, later, option]}

    assert ["odd parameter: mm_base 0.2 of btc_btc is above im_base 0.1"] == [
        s for _, s in said("standard", proposal)]


@pytest.mark.parametrize(("document", "words"), [
    ([], "not a JSON object"),
    ({"sections": {}}, "not a list of dated sections"),
    ({"sections": [3]}, "sections[0]: is not a JSON object"),
    ({"sections": [SECTION | {"effective_from": "soon"}]}, "'soon' is not a day"),
    ({"sections": [SECTION | {"effective_from": "2026-02-30"}]}, "is not a day"),
    ({"sections": [{"section": "a"}]}, "sections[0].values: is missing"),
    ({"sections": [SECTION | {"effective_from": "2026-W06-4"}]}, "is not a day"),
    ({"sections": [SECTION | {"effective_until": "2027-01-01"}]}, "effective_until: is unknown"),
    ({"sections": [SECTION], "effective_from": "2026-01-01"}, "effective_from: is unknown"),
    ({"sections": [SECTION], "number": "one"}, "number: is not a whole number"),
    ({"sections": [SECTION], "number": True}, "number: is not a whole number"),
    ({"sections": [SECTION], "model": ["standard"]}, "model: is not the name"),
    ({"sections": [SECTION, SECTION | {"section": SECTION["section"] + ".im_base"}]},
     "sections[1]: 'future.btc_btc.im_base' is a value of the section 'future.btc_btc'"),
    ({"sections": [SECTION | {"section": SECTION["section"] + ".im_base.x"}, SECTION]},
     "sections[0]: 'future.btc_btc.im_base.x' is a value of the section 'future.btc_btc'"),
])
def test_a_document_that_is_no_proposal_is_refused(document, words):
    with pytest.raises(BadInput) as refused:
        proposed(json.dumps(document).encode())

    assert words in str(refused.value)
