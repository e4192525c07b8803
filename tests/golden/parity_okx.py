"""OKX: every measure of the position builder's example, and the worked MR7 and MR9.

Sources: OKX API v5, "Position builder", response example of 2025-01-15; OKX help on MR7 (2021-22)
and MR9 (2024-11-25).
"""

import json
from typing import Any

import numpy as np

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.collateral.cross import asset_amounts
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.figures import figures_of
from counterpoise.margin.models.okx_pm import MODEL
from counterpoise.margin.terms.merged_units import UnitCharges, unit_charges, unit_terms
from golden.compared import Cases, Compared, compared_fields
from golden.convert.registry import to_files

BUILDER = "okx/position_builder_2025-01-15.json"
MINIMUM = "okx/mr7_tier_scaling.json"
HEDGE = "okx/mr9_tier_sum.json"
_MEASURES = ("delta", "mr1", "mr2", "mr3", "mr4", "mr5", "mr6", "mr7", "mr9", "mmr")


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of OKX beside ours."""
    return [*_builder(cases(BUILDER)), *_minimum(cases(MINIMUM)), *_hedge(cases(HEDGE))]


def _read(name: str, case: Any) -> Portfolio:
    return read_portfolio(json.dumps(to_files(name, case)["account"]).encode())


def _charges(p: Portfolio) -> UnitCharges:
    version = parameters_of(MODEL, p.as_of, p.overrides)
    arrays = priced(p.market, model=MODEL, version=version)
    return unit_charges(p.book, unit_terms(arrays, p.market, version.parameters))


def _builder(case: Any) -> list[Compared]:
    p = _read(BUILDER, case)
    version = parameters_of(MODEL, p.as_of, p.overrides)
    arrays = priced(p.market, model=MODEL, version=version)
    terms = unit_terms(arrays, p.market, version.parameters)
    found = unit_charges(p.book, terms)
    vectors = MODEL.vectors(p.book, arrays, p.market, version.parameters)
    told = case["expected"]
    ours: dict[str, Any] = {"account": _account(p, arrays, version, told)}
    for row, unit in enumerate(found.rows.unit):
        name = terms.names[unit]
        units = {m: float(getattr(found, m)[row]) for m in _MEASURES}
        units |= {"imr": float(version.parameters.general.imr_factor * found.mmr[row]),
                  "mr6_pnl": float(vectors[3].summed[row].min()),
                  "upl": _unrealised(p, row)}
        move = vectors[0].scenarios.move[:, vectors[0].scenarios.factors.index(name)]
        units["mr1_worst"] = {"spotShock": float(move[found.scenario[row]])}
        units |= {f"mr1_scen_{move[s]:+.0%}": float(vectors[0].summed[row][s])
                  for s, label in enumerate(vectors[0].scenarios.labels) if "same" in label}
        ours[name] = {field: value for field, value in units.items() if field in told[name]}
    return compared_fields(model=MODEL.name, case=BUILDER, ours=ours, theirs=told,
                           relative=case["tolerance"]["relative"])


def _unrealised(p: Portfolio, row: int) -> float:
    """Return the unrealised P&L of the position in USD; there is one in each unit."""
    gain = p.book.lots[row] * p.book.catalogue.unit[p.book.instrument[row]] * p.market.mark[
        p.book.instrument[row]] - p.book.entry_cost[row] / 10**6
    return float(gain * p.market.price[p.market.assets.index("USDT")])


def _account(p: Portfolio, arrays: Any, version: Any, told: Any) -> dict[str, Any]:
    margins = compute_margin(p.book, p.market, model=MODEL, version=version, arrays=arrays)
    shown = {name: float(column[0]) for name, column in figures_of(
        MODEL, margins, p.book, arrays, p.market, version.parameters).items()}
    owned = asset_amounts(p.book, p.market, accounts=np.zeros(1, np.int32), numeraire="USD",
                          option_value=True)
    notional = sum(told["account"]["notionalUsd"].values())
    return {"eq": shown["adj_eq"], "derivMmr": shown["deriv_mmr"],
            "availEq_USDT": float(owned.amount[0, owned.assets.index("USDT")]),
            "borrowMmr": shown["borrow_mmr"], "borrowImr": shown["borrow_imr"],
            "totalMmr": shown["total_mmr"], "totalImr": shown["total_imr"],
            "upl": sum(_unrealised(p, row) for row in range(len(p.book.lots))),
            # OKX takes prices for its notionals that are not in the case.
            "acctLever": notional / shown["adj_eq"], "marginRatio": shown["margin_ratio"]}


def _minimum(case: Any) -> list[Compared]:
    found = _charges(_read(MINIMUM, case))
    before = float(max(found.mr1[0], found.mr6[0]) + found.mr4[0])
    ours = {"MMR_before_scaling": before, "MR7_adj": float(found.mr7[0]),
            "MMR_after_scaling": float(found.mmr[0])}
    return compared_fields(model=MODEL.name, case=MINIMUM, ours=ours, theirs=case["expected"],
                           absolute=case["tolerance"]["absolute"])


def _hedge(case: Any) -> list[Compared]:
    found = _charges(_read(HEDGE, case))
    return compared_fields(model=MODEL.name, case=HEDGE, ours={"MR9": float(found.mr9[0])},
                           theirs=case["expected"], absolute=case["tolerance"]["absolute"])
