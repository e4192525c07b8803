"""Deribit: the `pme/simulate` example, standard margin of perpetuals, settlement of options.

Sources: docs.deribit.com private/pme/simulate and private/get_positions, support.deribit.com
"Linear Perpetual", "Linear USDC Options" and the option examples of the test site.
"""

import json
from typing import Any

import numpy as np

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.adapters.venue_requests.deribit import answered
from counterpoise.instruments.contracts import Payoff
from counterpoise.instruments.payoff import settlement_value
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models import deribit_spm, standard
from counterpoise.margin.requirement import Requirements
from counterpoise.margin.terms.contingencies import (
    gross_charge,
    matched_charge,
    net_short_charge,
    volatility_shock,
)
from golden.compared import Cases, Compared, compared_fields
from golden.convert.registry import to_files

SIMULATION = "deribit/spm_pme_simulate_btc_docs_2024-06-17.json"
INVERSE = "deribit/sm_inverse_positions_api.json"
LINEAR = "deribit/sm_linear_perpetual_support.json"
SETTLEMENT = "deribit/option_settlement_examples.json"
LEGACY = "deribit/legacy_pm_examples.json"


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Deribit beside ours."""
    return [*_simulation(cases(SIMULATION)), *_inverse(cases(INVERSE)), *_linear(cases(LINEAR)),
            *_settlement(cases(SETTLEMENT)), *_legacy(cases(LEGACY))]


def _portfolios(name: str, case: Any) -> dict[str, Portfolio]:
    return {example: read_portfolio(json.dumps(document).encode())
            for example, document in to_files(name, case).items()}


def _simulation(case: Any) -> list[Compared]:
    """Ask as the venue is asked: `private/pme/simulate` of the account as it stands."""
    portfolio = _portfolios(SIMULATION, case)["simulate"]
    answer = answered({"currency": "BTC"}, portfolio)
    told, tolerance = case["expected"], case["tolerance"]
    margins = {"margins": answer["margins"]}
    vectors = {name: answer[name] for name in ("initial_risk_vectors", "aggregated_risk_vectors")}
    return [*compared_fields(model=deribit_spm.MODEL.name, case=SIMULATION, ours=margins,
                             theirs=told, absolute=tolerance["margins_abs"]),
            *compared_fields(model=deribit_spm.MODEL.name, case=SIMULATION, ours=vectors,
                             theirs=told, absolute=tolerance["vectors_abs"])]


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


def _legacy(case: Any) -> list[Compared]:
    """Take positions from the portfolio files and the rates of each rule from its example."""
    ours = {name: float(_legacy_charge(name, _sizes(portfolio), portfolio.overrides))
            for name, portfolio in _portfolios(LEGACY, case).items()}
    return compared_fields(model="legacy portfolio margin", case=LEGACY, ours=ours,
                           theirs=case["expected"], absolute=case["tolerance"]["abs"])


def _legacy_charge(name: str, size: dict[str, Any], rates: dict[str, Any]) -> Any:
    match name:
        case "iv15_v1":
            return volatility_shock(np.array([rates["days"]]), factor=rates["factor"],
                                    power=rates["power"])[0]
        case "options_v1":
            return gross_charge(size["call"], rates["rate"])
        case "short_options_v2":
            return net_short_charge(size["call"], size["put"], rates["rate_btc"])
        case "vega_v1":
            return matched_charge(rates["net_long_vega"], rates["net_short_vega"], rates["rate"])
    return matched_charge(size["long"], size["short"], rates["rate"])


def _sizes(portfolio: Portfolio) -> dict[str, Any]:
    """Return the size of every leg that is held, sold futures as what is short."""
    names = {"20180330": "long", "20180629": "short", "20180330-10000-C": "call",
             "20180330-10000-P": "put"}
    book = portfolio.book
    size = book.lots * book.catalogue.unit[book.instrument]
    held = {names[book.catalogue.instruments[k].id[14:]]: one
            for k, one in zip(book.instrument, size, strict=True)}
    return held | ({"short": -held["short"]} if "short" in held else {})
