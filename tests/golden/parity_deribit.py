"""Deribit: the `pme/simulate` example, standard margin of perpetuals, settlement of options.

Sources: docs.deribit.com private/pme/simulate and private/get_positions, support.deribit.com
"Linear Perpetual", "Linear USDC Options" and the option examples of the test site.
"""

import json
from typing import Any, Final

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.apps.worst import WorstScenario, worst_scenarios
from counterpoise.instruments.contracts import Payoff
from counterpoise.instruments.payoff import settlement_value
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.models import deribit_spm, standard
from counterpoise.margin.requirement import Requirements
from golden.compared import Cases, Compared, compared_fields
from golden.convert.registry import to_files

SIMULATION = "deribit/spm_pme_simulate_btc_docs_2024-06-17.json"
INVERSE = "deribit/sm_inverse_positions_api.json"
LINEAR = "deribit/sm_linear_perpetual_support.json"
SETTLEMENT = "deribit/option_settlement_examples.json"
MM_FACTOR: Final = 0.8


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Deribit beside ours."""
    return [*_simulation(cases(SIMULATION)), *_inverse(cases(INVERSE)), *_linear(cases(LINEAR)),
            *_settlement(cases(SETTLEMENT))]


def _portfolios(name: str, case: Any) -> dict[str, Portfolio]:
    return {example: read_portfolio(json.dumps(document).encode())
            for example, document in to_files(name, case).items()}


def _simulation(case: Any) -> list[Compared]:
    portfolio = _portfolios(SIMULATION, case)["simulate"]
    model = deribit_spm.MODEL
    version = parameters_of(model, portfolio.as_of, portfolio.overrides)
    arrays = priced(portfolio.market, model=model, version=version)
    needs = compute_margin(portfolio.book, portfolio.market, model=model, version=version,
                           arrays=arrays).requirements
    vectors = model.vectors(portfolio.book, arrays, portfolio.market, version.parameters)[0]
    names = ("BTC-PERPETUAL", "BTC-28JUN24")
    margins = {"margins": {"btc": _margins(needs, worst_scenarios(needs, arrays)[0][0])}}
    ours = {"initial_risk_vectors": dict(zip(names, map(_tables, vectors.by_position),
                                             strict=True)),
            "aggregated_risk_vectors": {"btc_btc": _tables(vectors.counted[0])}}
    told, tolerance = case["expected"], case["tolerance"]
    return [*compared_fields(model=model.name, case=SIMULATION, ours=margins, theirs=told,
                             absolute=tolerance["margins_abs"]),
            *compared_fields(model=model.name, case=SIMULATION, ours=ours, theirs=told,
                             absolute=tolerance["vectors_abs"])]


def _tables(vector: Any) -> dict[str, list[float]]:
    """Return a vector over the scenarios as the venue prints it, without the unshocked one."""
    return {"standard": vector[1:28].tolist(), "extended": vector[28:].tolist()}


def _margins(needs: Requirements, worst: WorstScenario) -> dict[str, Any]:
    """Return the requirement in the shape of the venue's answer."""
    parts = {name: float(column[0]) for name, column in needs.initial_components.items()}
    given = {name: parts.pop(name) for name in ("spot_margin", "mmp_margin", "open_orders_margin")}
    del parts["rounding"]
    matrix = {name: parts.pop(name) for name in ("delta_shock", "roll_shock", "worst_case")}
    maintenance = float(needs.maintenance[0])
    return {
        "initial_margin_details": {
            "risk_matrix_margin_details": matrix | {
                "worst_case_bucket": {"bucket": worst.bucket, "side": worst.side,
                                      "source": worst.table, "index": worst.index},
                "correlation_contingency": sum(parts.values())},
            "risk_matrix_margin": maintenance / MM_FACTOR, **given},
        "initial_margin": float(needs.initial[0]), "maintenance_margin": maintenance}


def _inverse(case: Any) -> list[Compared]:
    ours = {}
    for name, portfolio in _portfolios(INVERSE, case).items():
        rates = {k: v for k, v in case["parameters"][name].items() if k != "status"}
        coin = name.rsplit("_", 1)[1]
        needs = _standard(portfolio, {"future": {f"{coin}_{coin}": rates}})
        ours[name] = {"initial_margin": float(needs.initial[0]),
                      "maintenance_margin": float(needs.maintenance[0])}
    return compared_fields(model=standard.MODEL.name, case=INVERSE, ours=ours,
                           theirs=case["expected"], absolute=case["tolerance"]["abs"])


def _linear(case: Any) -> list[Compared]:
    ours = {name: _linear_margins(portfolio, case["expected"][name])
            for name, portfolio in _portfolios(LINEAR, case).items()}
    return compared_fields(model=standard.MODEL.name, case=LINEAR, ours=ours,
                           theirs=case["expected"], absolute=case["tolerance"]["abs"])


def _linear_margins(portfolio: Portfolio, told: dict[str, float]) -> dict[str, float]:
    """Return margins and rates; without a position, the base rates, and nothing is needed."""
    held = len(portfolio.book.lots) > 0
    if held:
        needs = _standard(portfolio, None)
        notional = float(portfolio.book.lots[0] * portfolio.market.catalogue.unit[0]
                         * portfolio.market.mark[0])
        margins = {"im": float(needs.initial[0]), "mm": float(needs.maintenance[0])}
        rates = {name: margin / notional for name, margin in margins.items()}
    else:
        pair = f"{portfolio.market.catalogue.underlyings[0].lower()}_usdc"
        rule = parameters_of(standard.MODEL, portfolio.as_of).parameters.future[pair]
        rates, margins = {"im": rule.im_base, "mm": rule.mm_base}, {"im": 0.0, "mm": 0.0}
    ours = {f"{name}_rate": rate for name, rate in rates.items()}
    ours |= {f"{name}_usdc": margin for name, margin in margins.items()}
    return {name: value for name, value in ours.items() if name in told}


def _standard(portfolio: Portfolio, overrides: dict[str, Any] | None) -> Requirements:
    version = parameters_of(standard.MODEL, portfolio.as_of, overrides)
    return compute_margin(portfolio.book, portfolio.market, model=standard.MODEL,
                          version=version).requirements


def _settlement(case: Any) -> list[Compared]:
    ours = {}
    for name, portfolio in _portfolios(SETTLEMENT, case).items():
        given = case["inputs"][name]
        contract: Any = portfolio.market.catalogue.instruments[0]
        coin = "usdc" if contract.payoff is Payoff.LINEAR else "btc"
        paid = given[f"premium_{coin}"] * contract.multiplier
        credit = settlement_value(contract, given["delivery"])
        sign = {"long": 1, "short": -1}[given["side"]]
        own = {f"cost_{coin}": paid, f"credit_{coin}": credit,
               f"profit_{coin}": sign * (credit - paid)}
        ours[name] = {field: own[field] for field in case["expected"][name]}
    return compared_fields(model="settlement", case=SETTLEMENT, ours=ours, theirs=case["expected"],
                           absolute=case["tolerance"]["abs"])
