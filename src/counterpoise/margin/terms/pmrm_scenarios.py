"""Which scenarios does PMRM_2 look at? Its list, then forwards up and down for the basis."""

from typing import Any, Final

import numpy as np

from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.pmrm_parameters import PmrmMarket, PmrmParameters
from counterpoise.margin.terms.skew_shock import DIRECTIONS, TILTS, Smiles, volatility_shifts
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.scenarios.by_contract import (
    ContractFactors,
    contract_factors,
    contract_scenarios,
)
from counterpoise.scenarios.grid import ShockTerms
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.time import YEAR_NS

BASIS: Final = 2
"""Scenarios that stand after the list: forwards up, forwards down."""
Directions = np.ndarray[Any, np.dtype[np.int64]]


def markets_of(market: MarketSnapshot, parameters: PmrmParameters) -> list[PmrmMarket]:
    """Return the parameters of every underlying of the catalogue, [underlying].

    An underlying without any gets the shape of a known one and then a Failure, no number.
    """
    known = parameters.market
    some = next(iter(known.values()))
    return [known.get(u.lower(), some) for u in market.catalogue.underlyings or ("",)]


def pmrm_scenarios(market: MarketSnapshot, parameters: PmrmParameters) -> ScenarioSet:
    """Return scenario 0, the list of every market side by side, basis up and basis down."""
    own = markets_of(market, parameters)
    spot = np.array([(*m.grid.spot, m.basis.up, m.basis.down) for m in own]).T
    direction = np.array([[DIRECTIONS.index(v) for v in (*m.grid.volatility, "none", "none")]
                          for m in own], np.int64).T
    factors = contract_factors(market)
    return contract_scenarios(
        factors=factors, labels=_labels(own), move=spot - 1.0,
        vol_shift=_vol_shifts(market, own, factors, direction),
        terms=ShockTerms(spot="index", delta_one="mark", option="forward",
                         numeraire="settlement"))


def _vol_shifts(market: MarketSnapshot, own: list[PmrmMarket], factors: ContractFactors,
                direction: Directions) -> Floats:
    """Return the shift of every factor, [scenario, factor].

    That of an underlying prices nothing and says up or down: the range at thirty days.
    """
    shifts = np.zeros((len(direction), len(factors.names)))
    options = factors.option >= 0
    for k, terms in enumerate(own[:len(market.catalogue.underlyings)]):
        mine = np.flatnonzero(options & (factors.underlying == k))
        at = factors.option[mine]
        years = (market.catalogue.expiry[at] - market.as_of) / YEAR_NS
        table = volatility_shifts(
            Smiles(volatility=market.volatility[at], strike=market.catalogue.strike[at],
                   forward=(market.forward + market.forward_fixed)[at],
                   years=np.maximum(years, 0.0)), terms.volatility, terms.skew)
        shifts[:, mine] = table[direction[:, k]]
        shifts[:, k] = np.array([0.0, terms.volatility.range_up, -terms.volatility.range_down,
                                 0.0, 0.0])[direction[:, k]]
    return shifts


def _labels(own: list[PmrmMarket]) -> tuple[str, ...]:
    """Return the shocks themselves where all markets agree, and the place in the list otherwise."""
    listed = []
    for k in range(len(own[0].grid.spot)):
        said = {_said(m.grid.spot[k], m.grid.volatility[k]) for m in own}
        listed.append(said.pop() if len(said) == 1 else f"scenario {k + 1}")
    return (*listed, "basis contingency, forwards up", "basis contingency, forwards down")


def _said(spot: float, direction: str) -> str:
    if direction in TILTS:
        return f"smile tilted, {direction}"
    return f"price {spot - 1:+.4g}, vol {direction}"
