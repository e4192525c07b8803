"""Every case is a portfolio file: its inputs come back from it as they were published."""

import json

import pytest

from counterpoise.adapters.portfolio_file import read_portfolio, write_portfolio
from golden.convert.registry import CONVERTERS, WITHOUT_ACCOUNT, from_files, to_files

VENUES = sorted({name.split("/")[0] for name in CONVERTERS})


def inputs_of(document):
    """Return the inputs of a case, by id where a file holds several."""
    if "cases" in document:
        return {case["id"]: case["inputs"] for case in document["cases"]}
    return document["inputs"]


@pytest.mark.parametrize("venue", VENUES)
def test_every_case_of_a_venue_has_a_converter_or_says_why_not(shared, venue):
    names = {f"{venue}/{path.name}" for path in (shared / "cases" / venue).glob("*.json")}
    known = [*CONVERTERS, *WITHOUT_ACCOUNT]

    assert sorted(names) == sorted(name for name in known if name.startswith(f"{venue}/"))


@pytest.mark.parametrize("name", CONVERTERS)
def test_inputs_of_a_case_come_back_from_its_portfolio_files(cases, name):
    case = cases(name)
    portfolios = {example: read_portfolio(json.dumps(document).encode())
                  for example, document in to_files(name, case).items()}

    assert inputs_of(case) == from_files(name, portfolios)


@pytest.mark.parametrize("name", CONVERTERS)
def test_portfolio_file_of_a_case_is_written_as_it_was_read(cases, name):
    for document in to_files(name, cases(name)).values():
        portfolio = read_portfolio(json.dumps(document).encode())

        assert portfolio == read_portfolio(write_portfolio(portfolio))


def test_parameters_of_the_simulation_are_passed_on_as_they_stand(cases):
    name = "deribit/spm_pme_simulate_btc_docs_2024-06-17.json"
    document = to_files(name, cases(name))["simulate"]

    assert cases(name)["parameters"] == read_portfolio(json.dumps(document).encode()).overrides
