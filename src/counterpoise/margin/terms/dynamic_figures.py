"""What of `dynamic` do people look at? Euler shares, vectors, standard errors, readings."""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.requirement import Floats
from counterpoise.margin.terms.dynamic_holdings import Holdings, position_rows, staking_rows
from counterpoise.margin.terms.dynamic_parameters import DynamicParameters
from counterpoise.margin.terms.dynamic_sets import (
    DollarSet,
    dollar_sets,
    surfaces_of,
)
from counterpoise.margin.terms.dynamic_tails import Pass, shortfall
from counterpoise.margin.terms.impact import by_position, impact_market, impact_of
from counterpoise.margin.vectors import RiskVectors
from counterpoise.margin.worst import WHOLE
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import loss_vectors
from counterpoise.risk.components import component_shortfall
from counterpoise.risk.measures import value_at_risk
from counterpoise.risk.standard_errors import shortfall_error
from counterpoise.risk.weighted_measures import value_at_risk_in, weighted_tails
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import UNKNOWN

Shares = dict[str, tuple[Floats, Any]]


def euler(book: Book, holdings: Holdings, given: Pass) -> tuple[Shares, Shares]:
    """Return {component: (share by position, its order)} of initial and of maintenance.

    Core is shared by Euler, what netting leaves to close by signed size. Maintenance differs only
    where it has a level of its own.
    """
    parameters = given.parameters
    base = _base(holdings, given)
    rows = position_rows(book)
    own = parameters.maintenance.level or parameters.general.level
    found: list[Shares] = []
    for level in (parameters.general.level, own):
        loss = shortfall(rows, base, level=level)
        share = component_shortfall(rows, base.usd, level=level, weight=_weight(base))
        counts = np.repeat(loss > 0, np.diff(rows.pointer))
        found.append({"core": (np.where(counts, share, 0.0), None)})
    if parameters.impact is not None:
        shared = impact_market(given.market, parameters)
        impact = impact_of(book, shared, parameters)
        costs = {name: (share, impact.rows.order)
                 for name, share in by_position(impact, shared).items()}
        found = [one | costs for one in found]
    return found[0], found[1]


def vectors_of(book: Book, holdings: Holdings, given: Pass) -> tuple[RiskVectors, ...]:
    """Return P&L by scenario, USD: of positions, and of accounts with their collateral."""
    rows, units = staking_rows(book, holdings.staked), holdings.units
    stress = given.parameters.stress
    apart = given.parameters if stress is None else replaced(
        given.parameters, stress=replaced(stress, reading="blend"))
    out = []
    for one, arrays in zip(dollar_sets(given.arrays, given.market, apart, units), given.arrays,
                           strict=True):
        summed, _ = loss_vectors(rows, one.usd)
        out.append(RiskVectors(
            scenarios=arrays.scenarios, units=(WHOLE,), account=rows.account, unit=rows.key,
            by_position=book.lots[:, None] * one.usd[book.instrument], summed=summed,
            counted=summed))
    return tuple(out)


def tail_figures(book: Book, holdings: Holdings, given: Pass) -> dict[str, Floats]:
    """Return expected shortfall, its standard error and value at risk, USD, [account]."""
    level, base = given.parameters.general.level, _base(holdings, given)
    rows, weight = staking_rows(book, holdings.staked), _weight(base)
    at = (value_at_risk(rows, base.usd, level=level) if weight is None else
          value_at_risk_in(weighted_tails(rows, base.usd, weight=weight, level=level)))
    return {"expected_shortfall": shortfall(rows, base, level=level),
            "standard_error": shortfall_error(rows, base.usd, level=level, weight=weight),
            "value_at_risk": at}


def _base(holdings: Holdings, given: Pass) -> DollarSet:
    return next(dollar_sets(given.arrays, given.market, given.parameters, holdings.units))


def _weight(one: DollarSet) -> Floats | None:
    return None if one.equal else one.weight


def readings_of(book: Book, market: MarketSnapshot,
                parameters: DynamicParameters) -> tuple[str, ...]:
    """Return a sentence for each choice behind the numbers."""
    general, terms = parameters.general, parameters
    base = terms.moves.base
    unknown = bool(np.any(book.entry_cost == UNKNOWN)) and len(book.entry_cost) > 0
    sliding = general.smile == "sticky_moneyness"
    return tuple(sentence for applies, sentence in (
        (True, f"{100 * general.level:g} % expected shortfall over {general.horizon_days:g} days "
         f"on {len(base.labels):,} joint moves, Acerbi-Tasche tail: {base.method.rstrip('. ')}"),
        (general.simulated, "the joint moves are simulated, not observed: calibrate them "
         "before a margin depends on them"),
        (True, f"{general.smile.replace('_', ' ')}, funding {general.funding.replace('_', ' ')}"
         + (f"; {', '.join(general.still)} stand still where unknown" if general.still else "")),
        (sliding, _unfitted(market) if sliding else ""),
        (terms.floor is not None, _floor(terms)),
        (terms.stress is not None, _stress(terms)),
        (terms.correlation is not None, "correlation: the largest shortfall under "
         + ", ".join(terms.correlation.sets if terms.correlation else ())
         + " dependence less the estimated one"),
        (terms.impact is not None, "liquidity and concentration: square-root impact per underlying "
         "on netted delta and vega, the larger of impact and walking the book"),
        (bool(terms.wrong_way), "default of an issuer or venue: what it issued falls to its "
         "recovery, hedges with it do not pay, the rest is under its shortfall"),
        (terms.maintenance.fraction is not None, "maintenance: "
         f"{terms.maintenance.fraction or 0:g} of every addend but buffer and open orders"),
        (terms.maintenance.level is not None, "maintenance: shortfalls at "
         f"{100 * (terms.maintenance.level or 0):g} %, no addend above the initial's"),
        (terms.buffer is not None, "the buffer starts full where no previous_initial is stated"),
        (len(book.order_lots) > 0, "open orders: the worse of all that add and all that take delta "
         "filled at the mark"),
        (unknown, "positions without an entry price count as entered at the mark"),
    ) if applies and sentence)


def _floor(terms: DynamicParameters) -> str:
    floor = terms.floor
    return "" if floor is None else (
        f"floor: {floor.share:g} x shortfall at the volatility of {floor.years:g} years "
        f"({floor.history.rstrip('. ')})")


def _stress(terms: DynamicParameters) -> str:
    stress = terms.stress
    if stress is None:
        return ""
    return f"stress: {100 * stress.weight:g} % " + (
        "of the stressed shortfall, blended" if stress.reading == "blend"
        else "of the weight of one sample, the other reading blends two shortfalls")


def _unfitted(market: MarketSnapshot) -> str:
    without = surfaces_of(market)[1]
    return "" if not without else ("no smile could be fitted to " + ", ".join(without)
                                   + ": their volatilities stay at their strikes")
