"""Coinbase International Exchange: the collateral weight example.

Source: help.coinbase.com, multi-asset collateral.
"""

import json
from typing import Any

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.coinbase_intx import MODEL
from golden.compared import Cases, Compared, compared_fields
from golden.convert.registry import to_files

CASE = "coinbase/margin.json"


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Coinbase beside ours."""
    case: Any = cases(CASE)
    portfolio = read_portfolio(json.dumps(to_files(CASE, case)["account"]).encode())
    margins = compute_margin(portfolio.book, portfolio.market, model=MODEL, version=parameters_of(
        MODEL, portfolio.as_of, portfolio.overrides))
    return compared_fields(model=MODEL.name, case=CASE, theirs=case["expected"],
                           ours={"collateral_value": float(margins.margin_balance[0])})
