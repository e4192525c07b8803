"""Deribit's own `pme/simulate` example of 2024-06-17, to its last digit.

Source: docs.deribit.com, private/pme/simulate, response example (model timestamp 1718619740501).
The restated figures below are the published ones; `parity_deribit` compares the vectors in full.
"""

import pytest

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.deribit_spm import MODEL

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


def test_the_published_margins_are_reproduced() -> None:
    """IM, MM and every component as printed."""
    portfolio = read_portfolio(PORTFOLIO)
    needs = compute_margin(portfolio.book, portfolio.market, model=MODEL,
                           version=parameters_of(MODEL, portfolio.as_of)).requirements
    parts = needs.initial_components

    assert needs.initial[0] == pytest.approx(0.122861343, abs=1e-12)
    assert needs.maintenance[0] == pytest.approx(0.050274504784, abs=1e-12)
    assert parts["worst_case"][0] == pytest.approx(0.05968587238095239, abs=1e-12)
    assert parts["roll_shock"][0] == pytest.approx(0.00315725898, abs=1e-12)
    assert parts["delta_shock"][0] == 0
    assert needs.maintenance[0] / 0.8 == pytest.approx(0.06284313098, abs=1e-12)
    assert needs.worst.scenario[0] == 1
