"""Dederi: forward at the basis rate, P&L of futures price by price, and their contingency.

Source: wiki.dederi.io, RiskControlRules/portfolio_margin. Both cases are one example, rounded.
"""

import json
from typing import Any

import numpy as np

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.models.bybit import DEDERI, basis_forward
from golden.compared import Cases, Compared, compared_fields
from golden.convert.dederi import ALICE, CONTINGENCY
from golden.convert.registry import to_files


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Dederi beside ours."""
    by_price, in_a_row = cases(CONTINGENCY), cases(ALICE)
    given = by_price["inputs"]
    ours = _ours(CONTINGENCY, by_price, days=given["days"], basis=given["annual_basis"])
    named = {f"{shock:g}": gain for shock, gain in ours["pnl"].items() if shock}
    near = in_a_row["tolerance"]
    given = in_a_row["inputs"]
    again = _ours(ALICE, in_a_row, days=given["days_to_expiry"],
                  basis=given["annualized_basis_rate"])
    return [
        *compared_fields(model=DEDERI.name, case=CONTINGENCY, ours={**ours, "pnl": named},
                         theirs=by_price["expected"], absolute=by_price["tolerance"]["absolute"]),
        *(row for field, mine, absolute in (
            ("forward", again["forward"], near["forward_abs"]),
            ("future_contingency", again["future_contingency"], near["contingency_abs"]),
            ("pnl", list(again["pnl"].values()), near["pnl_abs"]))
          for row in compared_fields(model=DEDERI.name, case=ALICE, ours={field: mine},
                                     theirs=in_a_row["expected"], absolute=absolute))]


def _ours(name: str, case: Any, *, days: int, basis: float) -> dict[str, Any]:
    portfolio = read_portfolio(json.dumps(to_files(name, case)["strategy"]).encode())
    version = parameters_of(DEDERI, portfolio.as_of)
    arrays = priced(portfolio.market, model=DEDERI, version=version)
    vectors = DEDERI.vectors(portfolio.book, arrays, portfolio.market, version.parameters)[0]
    needs = compute_margin(portfolio.book, portfolio.market, model=DEDERI,
                           version=version).requirements
    moves = np.round(vectors.scenarios.move[1::3, 0], 12).tolist()
    forward = basis_forward(portfolio.market.index, basis_rate=basis, days=days)
    return {"forward": float(forward[0]),
            "future_contingency": float(needs.maintenance_components["future_contingency"][0]),
            "pnl": dict(zip(moves, vectors.by_position[0, 1::3].tolist(), strict=True))}
