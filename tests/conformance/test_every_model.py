"""Whatever rule book is registered keeps the promises of all, on markets by hand and simulated."""

import json
from pathlib import Path

import pytest

import counterpoise.margin.models
from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.conformance import (
    check_margin_model,
    covered,
    missing_members,
    random_book,
)
from counterpoise.market.simulated import simulated_market
from counterpoise.values.time import parse_instant
from markets import market
from reference import ROOT

PARAMETERS = Path(counterpoise.margin.models.__file__).parent / "parameters"
OURS = [name for name in model_names() if (PARAMETERS / f"{name}.json").is_file()]
MARKETS = (market(), market(cash="USDT"), market(cash="INR", indices={"NIFTY": 23_500.0}),
           simulated_market())


@pytest.fixture(params=OURS)
def model(request):
    return model_named(request.param)


@pytest.mark.parametrize("seed", [4, 5])
def test_it_passes_the_battery_wherever_it_covers_anything(model, seed):
    tried = 0
    for prices in MARKETS:
        version = parameters_of(model, prices.as_of)
        if covered(model, version, prices).any():
            assert () == check_margin_model(model, version, prices, seed=seed)
            tried += 1

    assert tried > 0


def test_it_has_every_member_and_its_own_name(model):
    assert () == missing_members(model)
    assert model.title and model.name in OURS


def test_a_row_has_numbers_or_a_reason(model):
    for prices in MARKETS:
        book = random_book(prices, seed=7, accounts=40)
        needs = compute_margin(book, prices, model=model,
                               version=parameters_of(model, prices.as_of)).requirements

        assert all((i == i) == (f < 0) for i, f in zip(needs.initial, needs.failure, strict=True))
        assert all(f.subject and len(f.sentence) > 10 for f in needs.failures)


def test_readings_are_sentences_without_a_stop(model):
    book = random_book(MARKETS[0], seed=8, accounts=5)
    version = parameters_of(model, MARKETS[0].as_of)
    said = model.our_readings(book, MARKETS[0], version.parameters)

    assert [] == [s for s in said if len(s) < 10 or s.endswith(".") or "\n" in s]


def test_its_parameters_are_dated_and_cited(model):
    document = json.loads((PARAMETERS / f"{model.name}.json").read_text(encoding="utf-8"))

    assert model.name == document["model"]
    for section in document["sections"]:
        assert section["source"] and section["section"]
        parse_instant(section["effective_from"] + "T00:00:00Z")
        if section["observed_on"] not in ("undated", "example"):
            parse_instant(section["observed_on"] + "T00:00:00Z")


def test_its_formulas_have_a_page(model):
    pages = {path.stem: path.read_text(encoding="utf-8")
             for path in (ROOT / "docs" / "methodology").glob("*.md")}

    assert any(model.name in text for text in pages.values())
