"""Deribit's own `pme/simulate` example of 2024-06-17, to its last digit.

Source: docs.deribit.com, private/pme/simulate, response example (model timestamp 1718619740501).
The restated figures below are the published ones; the case file holds the vectors in full.
"""

from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.models.deribit_spm import MODEL
from counterpoise.margin.vectors import RiskVectors

PORTFOLIO = b"""{
  "as_of": "2024-06-17T10:22:20.501Z", "model": "deribit_spm", "symbols": "deribit",
  "market": {"indices": {"BTC": "65666.19"},
             "instruments": {"BTC-PERPETUAL": {"mark": "65910.57"},
                             "BTC-28JUN24": {"mark": "67371.75"}}},
  "account": {
    "positions": [
      {"instrument": "BTC-PERPETUAL", "quantity": "0.314538364", "unit": "coin"},
      {"instrument": "BTC-28JUN24", "quantity": "-0.001187534", "unit": "coin"}],
    "given": {"mmp_margin": "0.06", "open_orders_margin": "0.000018212"}}}"""


def margin_of(parameters: dict[str, Any] | None = None) -> tuple[AccountMargin, RiskVectors]:
    """Return margin and vectors of the example, under dated or given parameters."""
    portfolio = read_portfolio(PORTFOLIO)
    version = parameters_of(MODEL, portfolio.as_of, parameters)
    arrays = priced(portfolio.market, model=MODEL, version=version)
    margin = compute_margin(portfolio.book, portfolio.market, model=MODEL, version=version,
                            arrays=arrays)
    return margin, MODEL.vectors(portfolio.book, arrays, portfolio.market, version.parameters)[0]


def test_the_published_margins_are_reproduced() -> None:
    """IM, MM and every component as printed."""
    needs = margin_of()[0].requirements
    parts = needs.initial_components

    assert needs.initial[0] == pytest.approx(0.122861343, abs=1e-12)
    assert needs.maintenance[0] == pytest.approx(0.050274504784, abs=1e-12)
    assert parts["worst_case"][0] == pytest.approx(0.05968587238095239, abs=1e-12)
    assert parts["roll_shock"][0] == pytest.approx(0.00315725898, abs=1e-12)
    assert parts["delta_shock"][0] == 0
    assert needs.maintenance[0] / 0.8 == pytest.approx(0.06284313098, abs=1e-12)
    assert needs.worst.scenario[0] == 1


def test_every_vector_of_the_case_is_reproduced(cases: Any) -> None:
    """Initial vectors by instrument and the aggregated vector, at the tolerance of the case."""
    published = cases("deribit/spm_pme_simulate_btc_docs_2024-06-17.json")
    vectors = margin_of(published["parameters"])[1]
    tolerance = published["tolerance"]["vectors_abs"]
    expected = published["expected"]

    own = dict(zip(("BTC-PERPETUAL", "BTC-28JUN24"), vectors.by_position, strict=True))
    for name, vector in own.items():
        told = expected["initial_risk_vectors"][name]
        np.testing.assert_allclose(vector[1:], told["standard"] + told["extended"],
                                   rtol=0, atol=tolerance)
    told = expected["aggregated_risk_vectors"]["btc_btc"]
    np.testing.assert_allclose(vectors.counted[0, 1:], told["standard"] + told["extended"],
                               rtol=0, atol=tolerance)


def test_margins_of_the_case_are_reproduced_with_its_own_parameters(cases: Any) -> None:
    """The parameters as `pme/simulate` returns them are overrides of the dated ones."""
    published = cases("deribit/spm_pme_simulate_btc_docs_2024-06-17.json")
    needs = margin_of(published["parameters"])[0].requirements
    told, tolerance = published["expected"]["margins"]["btc"], published["tolerance"]["margins_abs"]

    assert needs.initial[0] == pytest.approx(told["initial_margin"], abs=tolerance)
    assert needs.maintenance[0] == pytest.approx(told["maintenance_margin"], abs=tolerance)
    details = told["initial_margin_details"]["risk_matrix_margin_details"]
    for name in ("worst_case", "roll_shock", "delta_shock"):
        assert needs.initial_components[name][0] == pytest.approx(details[name], abs=tolerance)
    assert needs.worst.scenario[0] == details["worst_case_bucket"]["index"]
