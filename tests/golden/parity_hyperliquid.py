"""Hyperliquid: what the carry trade borrows and where it must be reduced; rates and thresholds.

Source: Hyperliquid docs, trading/portfolio-margin.
"""

import json
from typing import Any

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.figures import figures_of
from counterpoise.margin.models.hyperliquid import MODEL, borrow_rate, liquidation_threshold
from counterpoise.values.time import parse_instant
from golden.compared import Cases, Compared, compared_fields
from golden.convert.registry import to_files

CARRY = "hyperliquid/carry_trade.json"
PARAMETERS = "hyperliquid/parameters.json"


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Hyperliquid beside ours."""
    return [*_carry(cases(CARRY)), *_parameters(cases(PARAMETERS))]


def _carry(case: Any) -> list[Compared]:
    loans = {price: _loan(read_portfolio(json.dumps(document).encode()))
             for price, document in to_files(CARRY, case).items()}
    _, middle, last = map(str, case["inputs"]["path"])
    # Both are linear in the price while the perpetual has lost money: where they meet.
    short, beyond = (capacity - need for need, capacity in (loans[middle], loans[last]))
    meet = float(middle) + short / (short - beyond) * (float(last) - float(middle))
    return compared_fields(model=MODEL.name, case=CARRY, theirs=case["expected"], ours={
        "borrow_at_150000": loans["150000"][0], "must_reduce_at": meet})


def _loan(portfolio: Portfolio) -> tuple[float, float]:
    """Return (borrowed, capacity) of the trade."""
    version = parameters_of(MODEL, portfolio.as_of, portfolio.overrides)
    margins = compute_margin(portfolio.book, portfolio.market, model=MODEL, version=version)
    shown = figures_of(MODEL, margins, portfolio.book, (), portfolio.market, version.parameters)
    return float(shown["borrowed"][0]), float(shown["borrow_capacity"][0])


def _parameters(case: Any) -> list[Compared]:
    dated = parameters_of(MODEL, parse_instant("2026-02-15T00:00:00Z")).parameters
    ours = {"rate_at_u_0.8": borrow_rate(dated.interest, 0.8),
            "rate_at_u_1.0": borrow_rate(dated.interest, 1.0),
            "liq_threshold_at_ltv_0.5": liquidation_threshold(0.5)}
    return compared_fields(model=MODEL.name, case=PARAMETERS, ours=ours, theirs=case["expected"],
                           absolute=case["tolerance"]["absolute"])
