"""How does a volatility move with its forward? Along the smile of its expiry, at its new moneyness.

    sigma' = sigma + smile(ln(K/F')) - smile(ln(K/F)),  then the scenario's own shift

The smile is read in the pricing kernel at every shocked forward; what the quote has above or
below the fitted smile stays with it, so that no move leaves the volatility as it is. Without this
rule the volatility belongs to the strike. Source: E. Derman, "Regimes of volatility", Risk 12
(1999); docs/methodology/pricing.md.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.market.surfaces.raw import RawSurface, raw_svi
from counterpoise.scenarios.scenario_set import Columns, ScenarioSet
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import replaced
from counterpoise.values.time import YEAR_NS


def sticky_moneyness(scenarios: ScenarioSet, market: MarketSnapshot,
                     surfaces: Mapping[tuple[str, str], RawSurface]) -> ScenarioSet:
    """Return the set in which options follow the smiles of `surfaces`.

    A surface is that of the options of an (underlying, settlement asset); options without one keep
    their volatility at their strike. Expired options have no smile.

    Raises
    ------
    BadInput
        If a surface has no smile at the expiry of an option, naming each.
    """
    terms = market.catalogue
    smile = np.full((len(terms), 5), np.nan)
    years = (terms.expiry - market.as_of) / YEAR_NS
    live = (terms.kind == OPTION) & (years > 0)
    failures = []
    for (underlying, settlement), surface in surfaces.items():
        at = np.flatnonzero(live & _named(terms.underlyings, terms.underlying, underlying)
                            & _named(terms.settlements, terms.settlement, settlement))
        smile[at] = raw_svi(surface, years[at])
        failures += [Failure(reason=Reason.MISSING_VOLATILITY, subject=terms.instruments[k].id,
                             sentence=f"the surface of {underlying} settled in {settlement} has no "
                             f"smile in {years[k]:.4f} years; fit that expiry, too")
                     for k in at[np.isnan(smile[at, 0])]]
    if failures:
        raise BadInput(*failures)
    return replaced(scenarios, smile=smile)


def _named(names: tuple[str, ...], column: Columns,
           name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    place = names.index(name) if name in names else -1
    found: np.ndarray[Any, np.dtype[np.bool_]] = column == place
    return found
