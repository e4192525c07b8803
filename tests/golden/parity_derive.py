"""Derive: PMRM_2 and SRM portfolios, Black-76 and SVI vectors.

Source: github derivexyz/v2-core and lyra-finance/lyra-utils. Their numbers stay where they are: the
page holds how many fields there are and the largest difference.
"""

from math import copysign, log, trunc
from typing import Any

import numpy as np

from counterpoise.collateral.cross import asset_amounts
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.models.derive_pmrm import CASH, MODEL
from counterpoise.margin.models.derive_srm import MODEL as STANDARD
from counterpoise.margin.terms.pmrm_units import PmrmTerms, pmrm_terms
from counterpoise.margin.terms.skew_shock import level_factors
from counterpoise.market.conditions import SviSmile, log_moneyness, smile_volatility
from counterpoise.pricing.black import black76
from counterpoise.values.frozen import replaced
from counterpoise.values.time import SECOND_NS, YEAR_NS
from golden.compared import Cases, Compared, compared_fields, expected_of
from golden.derive_pmrm_portfolios import AS_OF, PublishedPortfolio, portfolio_of
from golden.derive_srm_portfolios import standard_portfolio_of

PMRM = "derive/pmrm2_portfolios.json"
SRM_WHOLE, SRM = "derive/srm_portfolios.json", "derive/srm_cases.json"
VECTORS = "derive/math_vectors.json"
GUARD = 1e-9
WIDTH = 4.0
NO_FORWARD = 1e-12


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Derive beside ours."""
    return [*_pmrm(cases(PMRM)), *_srm(cases, SRM, 1e-9), *_srm(cases, SRM_WHOLE, 0.0),
            *_vectors(cases(VECTORS))]


def _srm(cases: Cases, name: str, relative: float) -> list[Compared]:
    document = cases(name)
    return compared_fields(model=STANDARD.name, case=name, theirs=expected_of(document),
                           ours={case["id"]: _standard(case) for case in document["cases"]},
                           relative=relative)


def _standard(case: Any) -> dict[str, float]:
    """Return the published figures, truncated to whole dollars where the case is."""
    p = standard_portfolio_of(case)
    margins = compute_margin(p.book, p.market, model=STANDARD, version=p.version)
    # An account without anything has no row: nothing is needed of it and it owns nothing.
    first = [float(column[0]) if len(column) else 0.0 for column in (
        margins.initial_excess, margins.maintenance_excess, margins.equity)]
    ours = dict(zip(("IM", "MM", "MtM"), first, strict=True))
    ours |= {f"{name}_int": trunc(x + copysign(GUARD, x)) for name, x in ours.items()}
    return {name: ours[name] for name in case["expected"]}


def _vectors(document: Any) -> list[Compared]:
    rows = []
    for case in document["cases"]:
        ours = _black(case) if case["model"] == "black76" else _svi(case)
        lines = compared_fields(model=MODEL.name, case=VECTORS, ours={case["id"]: ours},
                                theirs=expected_of(document))
        rows += [replaced(line, absolute=0.0 if "trunc" in line.field else
                          1e-9 if case["model"] == "black76" else 1e-12) for line in lines]
    return rows


def _black(case: Any) -> dict[str, float]:
    """Return prices and delta; a forward of zero is refused here, so its limit is compared."""
    inputs = case["inputs"]
    years = inputs["sec"] * SECOND_NS / YEAR_NS
    both = {name: np.full(2, x) for name, x in (
        ("forward", inputs["forward"] or NO_FORWARD), ("strike", inputs["strike"]),
        ("years", years), ("volatility", inputs["vol"]),
        ("rate", -log(inputs["discount"]) / years))}
    values = black76(right=np.array([1, -1], np.int8), **both)
    return {"call": float(values.value[0]), "put": float(values.value[1]),
            "undiscounted_call_delta": float(values.delta[0]) / inputs["discount"]}


def _svi(case: Any) -> dict[str, float]:
    told = case["parameters"]
    smile = SviSmile(a=told["a"], b=told["b"], rho=told["rho"], m=told["m"], sigma=told["sigma"],
                     forward=told["forward"], years=told["tau"], width=WIDTH)
    strike = np.array([case["inputs"]["strike"]])
    vol = float(smile_volatility(smile, strike=strike, forward=strike, years=strike)[0])
    k = float(log_moneyness(smile, strike=strike, forward=strike)[0])
    ours = {"vol": vol, "vol_trunc6": trunc(vol * 1e6) / 1e6, "k_trunc6": trunc(k * 1e6) / 1e6}
    return {name: ours[name] for name in case["expected"]}


def _pmrm(document: Any) -> list[Compared]:
    ours = {case["id"]: _portfolio(case) for case in document["cases"]}
    rows = compared_fields(model=MODEL.name, case=PMRM, ours=ours, theirs=expected_of(document))
    told = document["cases"][0]["tolerance"]["recommended"]
    part, whole = told["component_abs_or_rel"], told["IM_MM_rel"]
    return [replaced(row, relative=whole) if row.field.endswith((".IM", ".MM"))
            else replaced(row, relative=part, absolute=part) for row in rows]


def _portfolio(case: Any) -> dict[str, Any]:
    p = portfolio_of(case)
    arrays = priced(p.market, model=MODEL, version=p.version)
    margins = compute_margin(p.book, p.market, model=MODEL, version=p.version, arrays=arrays)
    terms = pmrm_terms(arrays[0], p.market, p.version.parameters,
                       np.zeros(len(p.book.catalogue), bool))
    by_expiry = [_value(p, terms, _expiry(e)) for e in case["inputs"]["expiries"]]
    up, down = _level_factors(p)
    told = case["expected"]
    return {
        "IM": float(margins.initial_excess[0]), "MM": float(margins.maintenance_excess[0]),
        "portfolio_mtm_incl_cash": float(margins.equity[0]), "option_mtm": sum(by_expiry),
        "collateral_mtm": _collateral(p), "option_mtm_per_expiry": by_expiry,
        "basis_contingency": -float(margins.requirements.candidates["basis_contingency"][0]),
        "im_loss_factor": _loss_factor(p), "contingencies": _contingencies(margins),
        "scenario_pnl": _scenarios(p, arrays),
        "vol_shock_up_per_option": _in_order_of(told["vol_shock_up_per_option"], up),
        "vol_shock_down_per_option": _in_order_of(told["vol_shock_down_per_option"], down),
        "static_discounts_per_expiry_pos_neg": [
            _discounts(terms, p, _expiry(e)) for e in case["inputs"]["expiries"]]}


def _expiry(expiry: Any) -> int:
    return int(AS_OF + expiry["sec"] * SECOND_NS)


def _value(p: PublishedPortfolio, terms: PmrmTerms, expiry: int) -> float:
    held = p.book.instrument
    inside = p.book.catalogue.expiry[held] == expiry
    return float(np.dot(np.where(inside, p.book.lots, 0), terms.value[held]))


def _collateral(p: PublishedPortfolio) -> float:
    owned = asset_amounts(p.book, p.market, accounts=np.zeros(1, np.int32), numeraire=CASH,
                          option_value=False)
    coins = [k for k, code in enumerate(owned.assets) if code != CASH]
    return float(np.dot(owned.amount[0, coins], owned.price[coins]))


def _loss_factor(p: PublishedPortfolio) -> float:
    general = p.version.parameters.general
    price = float(p.market.price[p.market.assets.index(CASH)])
    return float(general.initial_factor
                 + max(0.0, general.peg_threshold - price) * general.peg_factor)


def _contingencies(margins: AccountMargin) -> dict[str, float]:
    needs = margins.requirements
    out = {}
    for name, of in (("perp", "perpetual"), ("collateral", "collateral"), ("option", "option")):
        kept = needs.maintenance_components[f"{of}_contingency"][0]
        out[f"{name}_mm"] = -float(kept)
        out[f"{name}_im"] = -float(needs.initial_components[f"{of}_contingency"][0] - kept)
    doubt = [needs.initial_components[name][0] for name in ("oracle_contingency",
                                                            "collateral_oracle")]
    return out | {"oracle_im": -float(sum(doubt))}


def _scenarios(p: PublishedPortfolio, arrays: Any) -> list[float]:
    counted = MODEL.vectors(p.book, arrays, p.market, p.version.parameters)[0].counted
    listed = len(p.version.parameters.market["spot"].grid.spot)
    return [float(x) for x in counted[0, 1:listed + 1]] if len(counted) else [0.0] * listed


def _level_factors(p: PublishedPortfolio) -> list[list[float]]:
    """Return the factors of volatility, up and down, of the options in the order of the case."""
    years = (p.market.catalogue.expiry[list(p.options)] - AS_OF) / YEAR_NS
    return [[float(x) for x in factors] for factors in level_factors(
        years, p.version.parameters.market["spot"].volatility)]


def _in_order_of(theirs: list[float], ours: list[float]) -> list[float]:
    """Return ours, smallest beside smallest: the case does not say which option is which."""
    out = np.empty(len(ours))
    out[np.argsort(theirs, kind="stable")] = np.sort(ours)
    return [float(x) for x in out]


def _discounts(terms: PmrmTerms, p: PublishedPortfolio, expiry: int) -> list[float]:
    segment = terms.segment[np.flatnonzero(p.book.catalogue.expiry == expiry)[0]]
    return [float(np.asarray(table)[segment, 1])
            for table in (terms.discount.up, terms.discount.down)]
