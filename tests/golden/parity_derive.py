"""Derive: PMRM_2 portfolios, Black-76 and SVI vectors.

Source: github derivexyz/v2-core and lyra-finance/lyra-utils. Their numbers stay where they are: the
page holds how many fields there are and the largest difference.
"""

from typing import Any

import numpy as np

from counterpoise.collateral.cross import asset_amounts
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.models.derive_pmrm import CASH, MODEL
from counterpoise.margin.terms.pmrm_units import PmrmTerms, pmrm_terms
from counterpoise.margin.terms.skew_shock import level_factors
from counterpoise.values.frozen import replaced
from counterpoise.values.time import SECOND_NS, YEAR_NS
from golden.compared import Cases, Compared, compared_fields, expected_of
from golden.derive_pmrm_portfolios import AS_OF, PublishedPortfolio, portfolio_of

PMRM = "derive/pmrm2_portfolios.json"


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Derive beside ours."""
    return _pmrm(cases(PMRM))


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
