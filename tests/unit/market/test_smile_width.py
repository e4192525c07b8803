"""A smile with a width is flat beyond it, and options of a portfolio file are margined on it."""

import json
from math import exp, log, sqrt

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio, write_portfolio
from counterpoise.margin.compute import compute_margin
from counterpoise.market.conditions import SviSmile, log_moneyness, smile_volatility
from counterpoise.values.failure import BadInput

RAW = {"a": 0.02, "b": 0.1, "rho": -0.3, "m": 0.05, "sigma": 0.2}
END = 4 * sqrt(0.02 + 0.1 * 0.2)


def variance(k: float) -> float:
    """Return raw SVI from its definition."""
    off = k - RAW["m"]
    return RAW["a"] + RAW["b"] * (RAW["rho"] * off + sqrt(off * off + RAW["sigma"] ** 2))


@pytest.mark.parametrize(("k", "read"), [(0.1, 0.1), (-0.5, -0.5), (2.0, END), (-3.0, -END)])
def test_moneyness_ends_at_the_width(k: float, read: float) -> None:
    smile = SviSmile(**RAW, years=0.25, width=4.0)
    strike, forward = np.array([1_000 * exp(k)]), np.array([1_000.0])

    assert log_moneyness(smile, strike=strike, forward=forward)[0] == pytest.approx(read)
    assert smile_volatility(smile, strike=strike, forward=forward, years=forward)[
        0] == pytest.approx(sqrt(variance(read) / 0.25))


def test_a_width_below_zero_is_refused() -> None:
    with pytest.raises(BadInput, match="width"):
        SviSmile(**RAW, width=-1.0)


def test_options_of_a_file_are_margined_on_its_smiles() -> None:
    terms = {"underlying": "ETH", "quote": "USDC", "settlement": "USDC", "multiplier": 1,
             "lot_exponent": -6}
    option = {"kind": "option", "strike": 9_000, "right": "C", "expiry": "2026-03-27T08:00:00Z"}
    document = {
        "as_of": "2026-02-05T08:00:00Z", "model": "derive_pmrm",
        "instruments": {"call": terms | option, "perpetual": terms | {"kind": "perpetual"}},
        "market": {"indices": {"ETH": 2_000}, "assets": {"USDC": 1}, "instruments": {
            "call": {"mark": 3, "forward": 2_010}, "perpetual": {"mark": 2_001}},
            "surfaces": {"ETH-27MAR26": RAW | {"width": 4}}},
        "account": {"balances": {"USDC": 100},
                    "positions": [{"instrument": "call", "quantity": 1}]}}
    portfolio = read_portfolio(json.dumps(document).encode())
    market, model = portfolio.market, model_named("derive_pmrm")
    version = parameters_of(model, portfolio.as_of)
    needs = compute_margin(portfolio.book, market, model=model, version=version).requirements

    assert log(9_000 / 2_010) > END
    assert np.nanmax(market.volatility) == pytest.approx(sqrt(variance(END) / (50 / 365)))
    assert needs.initial[0] > 0
    assert portfolio == read_portfolio(write_portfolio(portfolio))
