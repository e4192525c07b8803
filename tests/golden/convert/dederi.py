"""Dederi: ten ether futures; the mark is the forward at the annualised basis rate."""

import math
from typing import Any, Final

from counterpoise.adapters.portfolio.portfolio import Portfolio

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]
CONTINGENCY: Final = "dederi/future_contingency.json"
ALICE: Final = "dederi/futures_pnl_contingency_alice.json"
_NAME: Final = "ETH-10JAN24"


def _document(*, index: float, basis: float, days: int, quantity: float) -> Files:
    assert days == 20, "the as_of below is twenty days before the expiry"
    return {"strategy": {
        "as_of": "2023-12-21T08:00:00Z", "model": "dederi",
        "instruments": {_NAME: {"kind": "future", "underlying": "ETH", "quote": "USDC",
                                "settlement": "USDC", "multiplier": 1, "lot_exponent": -8,
                                "expiry": "2024-01-10T08:00:00Z"}},
        "market": {"indices": {"ETH": index}, "assets": {"USDC": 1},
                   "instruments": {_NAME: {"mark": index * math.exp(basis * days / 365)}}},
        "account": {"positions": [{"instrument": _NAME, "quantity": quantity}]}}}


def _read(portfolios: dict[str, Portfolio]) -> tuple[float, float, int, float]:
    p = portfolios["strategy"]
    terms = p.market.catalogue
    index, days = float(p.market.index[0]), int((terms.expiry[0] - p.as_of) // (86_400 * 10**9))
    basis = math.log(p.market.mark[0] / index) * 365 / days
    return index, round(basis, 12), days, float(p.book.lots[0] * terms.unit[0])


def _contingency_files(case: Case) -> Files:
    given = case["inputs"]
    return _document(index=given["index"], basis=given["annual_basis"], days=given["days"],
                     quantity=given["qty"])


def _contingency_inputs(portfolios: dict[str, Portfolio]) -> Case:
    index, basis, days, quantity = _read(portfolios)
    return {"qty": quantity, "index": index, "annual_basis": basis, "days": days}


def _alice_files(case: Case) -> Files:
    given = case["inputs"]
    return _document(index=given["index"], basis=given["annualized_basis_rate"],
                     days=given["days_to_expiry"], quantity=given["quantity"])


def _alice_inputs(portfolios: dict[str, Portfolio]) -> Case:
    index, basis, days, quantity = _read(portfolios)
    return {"index": index, "annualized_basis_rate": basis, "days_to_expiry": days,
            "instrument": _NAME, "quantity": quantity}


CONVERTERS: Final = {CONTINGENCY: (_contingency_files, _contingency_inputs),
                     ALICE: (_alice_files, _alice_inputs)}
