"""What is the expected shortfall of every account under every set, and what do they add up to?

    core + collateral   ES of positions and collateral together: core is that of the positions alone
    floor               max(0, share x ES at the long-run volatility - ES)
    stress              what the stressed period adds to the larger of the two, by its reading
    correlation         max(0, largest ES under a broken dependence - ES)
    wrong_way           max(0, largest over issuers of ES without what it issued + its fall
                        + loss of the rest under the shocks beside it - ES)

Every addend but `collateral` is at least 0, and `collateral` never makes the sum of the first two
negative: it is what the account's own assets lose with its positions, or save. Sources: OCC STANS
(collateral in the scenarios, re-runs at broken dependence), CME SPAN 2 (blend of historical and
stressed risk), EMIR regulatory standard 153/2013 article 28 (floor, stress weight).
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, accounts_of
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.dynamic_holdings import (
    Holdings,
    defaults_of,
    position_rows,
    staking_rows,
)
from counterpoise.margin.terms.dynamic_parameters import DynamicParameters
from counterpoise.margin.terms.dynamic_sets import (
    BREAKS,
    SAMPLE,
    SHOCKED,
    DollarSet,
    dollar_sets,
)
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import Rows, worst_loss
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.measures import expected_shortfall
from counterpoise.risk.model_choice import worst_over_models
from counterpoise.risk.weighted_measures import expected_shortfall_in, weighted_tails
from counterpoise.values.frozen import frozen

ALONE: Final = "positions alone"
DEFAULT: Final = "default of "


@frozen
class Portfolio:
    """Accounts whose tails are wanted: their positions, and what they stake besides."""

    book: Book
    holdings: Holdings


@frozen
class Pass:
    """What one pass over the sets needs."""

    arrays: tuple[RiskArrays, ...]
    market: MarketSnapshot
    parameters: DynamicParameters
    threads: int


def shortfalls(portfolios: tuple[Portfolio, ...], given: Pass, levels: tuple[float, ...],
               ) -> list[list[dict[str, Floats]]]:
    """Return the shortfalls of each portfolio at each level, {name of the set: USD [account]}.

    Besides the sets: `positions alone`, and `default of X` of those who stake what X issued.
    """
    rows = [_rows(one, given.parameters) for one in portfolios]
    found: list[list[dict[str, Floats]]] = [[{} for _ in levels] for _ in portfolios]
    units = portfolios[0].holdings.units
    for one in dollar_sets(given.arrays, given.market, given.parameters, units):
        for portfolio, own, results in zip(portfolios, rows, found, strict=True):
            if one.name.startswith(SHOCKED):
                beside = _beside(one, portfolio, given)
                results[:] = [out | beside for out in results]
                continue
            wanted = own if one.name == "base" else {one.name: own["base"]}
            for level, out in zip(levels, results, strict=True):
                at = _level(one, level, given.parameters)
                out |= {name: shortfall(held, one, level=at, threads=given.threads)
                        for name, held in wanted.items()}
    return found


def shortfall(rows: Rows, one: DollarSet, *, level: float, threads: int = 1) -> Floats:
    """Return the expected shortfall of rows under a set (`weighted`, Acerbi and Tasche), [row]."""
    if one.equal:
        return expected_shortfall(rows, one.usd, level=level, threads=threads)
    return expected_shortfall_in(weighted_tails(rows, one.usd, weight=one.weight, level=level,
                                                threads=threads))


def _beside(one: DollarSet, portfolio: Portfolio, given: Pass) -> dict[str, Floats]:
    """Return what the shocks beside a default take from what is left then, {name: [account]}."""
    issuer = one.name[len(SHOCKED):]
    hit = next(d for d in defaults_of(portfolio.holdings, given.parameters.wrong_way or {})
               if d.issuer == issuer)
    staked = portfolio.holdings.staked.copy()
    staked[hit.accounts] = hit.staked
    rows = staking_rows(portfolio.book, staked)
    return {one.name: worst_loss(rows, one.usd, threads=given.threads)[0]}


def _rows(portfolio: Portfolio, parameters: DynamicParameters) -> dict[str, Rows]:
    book, holdings = portfolio.book, portfolio.holdings
    found = {"base": staking_rows(book, holdings.staked), ALONE: position_rows(book)}
    return found | {DEFAULT + one.issuer: staking_rows(accounts_of(book, one.accounts), one.staked)
                    for one in defaults_of(holdings, parameters.wrong_way or {})
                    if len(one.accounts)}


def _level(one: DollarSet, level: float, parameters: DynamicParameters) -> float:
    stressed = one.name == "stress" and parameters.stress is not None
    return parameters.stress.level if stressed and parameters.stress else level


def addends(found: dict[str, Floats], holdings: Holdings,
            parameters: DynamicParameters) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return the addends of the requirement and the candidates that they were made from, USD."""
    loss = {name: np.maximum(column, 0.0) for name, column in found.items()}
    whole, core = loss["base"], loss[ALONE]
    seen = {"expected_shortfall_without_collateral": core}
    parts = {"core": core, "collateral": whole - core}
    reached = whole
    if parameters.floor is not None:
        seen["floor_shortfall"] = parameters.floor.share * loss["floor"]
        parts["floor"] = np.maximum(seen["floor_shortfall"] - whole, 0.0)
        reached = np.maximum(whole, seen["floor_shortfall"])
    if parameters.stress is not None:
        blended = parameters.stress.reading != SAMPLE
        weight = parameters.stress.weight if blended else 1.0
        stressed = loss["stress" if blended else SAMPLE]
        seen["stress_shortfall" if blended else "stressed_sample_shortfall"] = stressed
        parts["stress"] = weight * np.maximum(stressed - reached, 0.0)
    broken = {name[len(BREAKS):]: column for name, column in loss.items()
              if name.startswith(BREAKS)}
    if broken:
        seen |= {f"{name}_shortfall": column for name, column in broken.items()}
        parts["correlation"] = np.maximum(worst_over_models(broken)[0] - whole, 0.0)
    if parameters.wrong_way:
        failed = _failed(loss, holdings, parameters)
        seen |= failed
        parts["wrong_way"] = worst_over_models({"none": whole} | failed)[0] - whole
    return parts, seen


def _failed(loss: dict[str, Floats], holdings: Holdings,
            parameters: DynamicParameters) -> dict[str, Floats]:
    """Return what each issuer's default costs: ES of the rest and the jump, [account]."""
    found = {}
    for one in defaults_of(holdings, parameters.wrong_way or {}):
        cost: Any = np.array(loss["base"])
        if len(one.accounts):
            cost[one.accounts] = loss[DEFAULT + one.issuer] + one.jump
        if SHOCKED + one.issuer in loss:
            cost[one.accounts] += loss[SHOCKED + one.issuer][one.accounts]
        found[f"default_of_{one.issuer}"] = cost
    return found
