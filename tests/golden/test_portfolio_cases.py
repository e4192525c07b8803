"""Every case is a portfolio file: its inputs come back from it as they were published."""

import json

import pytest

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio, write_portfolio
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models import derive_pmrm, derive_srm
from golden.convert import derive
from golden.convert.registry import CONVERTERS, WITHOUT_ACCOUNT, from_files, to_files
from golden.derive_pmrm_portfolios import AS_OF, portfolio_of
from golden.derive_srm_portfolios import standard_portfolio_of

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


@pytest.mark.parametrize(("name", "model", "values_of"), [
    (derive.PMRM_2, derive_pmrm.MODEL, portfolio_of),
    (derive.SRM, derive_srm.MODEL, standard_portfolio_of),
    (derive.SRM_WHOLE, derive_srm.MODEL, standard_portfolio_of)])
def test_file_that_holds_all_of_a_derive_case_has_the_margin_of_its_values(
        cases, name, model, values_of):
    document = cases(name)
    whole = {example: portfolio for example, tree in to_files(name, document).items()
             if derive.holds_all(portfolio := read_portfolio(json.dumps(tree).encode()))}
    values = {case["id"]: values_of(case) for case in document["cases"] if case["id"] in whole}

    from_file = {example: figures(p, model, parameters_of(model, AS_OF, p.overrides))
                 for example, p in whole.items()}

    assert whole
    assert from_file == {example: figures(v, model, v.version) for example, v in values.items()}


def figures(portfolio, model, version):
    """Return equity and what is left of it after either margin, of every account."""
    margins = compute_margin(portfolio.book, portfolio.market, model=model, version=version)
    return [side.tolist() for side in (
        margins.equity, margins.initial_excess, margins.maintenance_excess)]
