"""What every instrument would gain or lose per lot: one pricing pass for all accounts.

The delta column says how much underlying a lot stands for when it is hedged: a linear future u, an
inverse one u / P, an option u dV/dF, less the premium in coin where the option is paid in coin
(that premium is itself a holding of the underlying).
"""

from typing import Any

import numpy as np

from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.pricing.kernel import pricing_columns, scenario_pnl
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]


@frozen
class RiskArrays:
    """Value and P&L per lot of every instrument of a catalogue.

    value       [instrument] unshocked model value per lot, in the numeraire of `scenarios`
    pnl         [instrument, scenario] value in the scenario minus `value`, gain > 0; column 0 is 0
    delta       [instrument] transaction delta per lot in units of underlying: Black delta, less
                the premium in coin for inverse options; futures +1 per coin
    black_delta [instrument] the same without the premium: Black delta for options
    failed      [instrument] True where a needed number is missing: the row is NaN
    sequence    of the snapshot that was priced
    """

    scenarios: ScenarioSet
    sequence: int
    value: Floats
    pnl: Floats
    delta: Floats
    black_delta: Floats
    failed: np.ndarray[Any, np.dtype[np.bool_]]


def risk_arrays(market: MarketSnapshot, scenarios: ScenarioSet, *, threads: int = 1) -> RiskArrays:
    """Return value, P&L and transaction delta per lot of every instrument of the snapshot."""
    value, pnl, failed = scenario_pnl(market, scenarios, threads=threads)
    delta, black_delta = deltas(market, scenarios)
    delta[failed] = black_delta[failed] = np.nan
    return RiskArrays(scenarios=scenarios, sequence=market.sequence, value=value, pnl=pnl,
                      delta=delta, black_delta=black_delta, failed=failed)


def repriced(before: RiskArrays, market: MarketSnapshot,
             underlyings: np.ndarray[Any, np.dtype[np.bool_]], *, threads: int = 1) -> RiskArrays:
    """Return the risk arrays of `market` where only the marked underlyings differ from before.

    `underlyings` is [underlying] of the catalogue; the scenario set is that of `before`. The
    result has the bits of `risk_arrays(market, before.scenarios)`.
    """
    at = np.flatnonzero(underlyings[market.catalogue.underlying])
    value, pnl, failed = before.value.copy(), before.pnl.copy(), before.failed.copy()
    value[at], pnl[at], failed[at] = scenario_pnl(market, before.scenarios, columns=at,
                                                  threads=threads)
    delta, black_delta = deltas(market, before.scenarios)
    delta[failed] = black_delta[failed] = np.nan
    return RiskArrays(scenarios=before.scenarios, sequence=market.sequence, value=value, pnl=pnl,
                      delta=delta, black_delta=black_delta, failed=failed)


def deltas(market: MarketSnapshot, scenarios: ScenarioSet) -> tuple[Floats, Floats]:
    """Return transaction and Black delta in units of underlying per lot, both [instrument].

    NaN where the row cannot be priced.

    Inside the settlement window an option moves only with the variable part of its forward, so its
    Black delta is scaled by variable / (variable + fixed).
    """
    catalogue, columns = market.catalogue, pricing_columns(market, scenarios)
    inverse = columns.mode != 0
    with np.errstate(invalid="ignore", divide="ignore"):
        delta = catalogue.unit / np.where(inverse, columns.price, 1.0)
        delta[np.isnan(columns.price)] = np.nan
        option = np.flatnonzero(catalogue.kind == OPTION)
        forward, variable = columns.price[option], market.forward[option]
        black = black76(forward=forward, strike=catalogue.strike[option],
                        years=columns.years[option], volatility=market.volatility[option],
                        right=catalogue.right[option], rate=market.rate[option])
        premium = np.where(inverse[option], black.value / forward, 0.0)
        share = np.where(variable == forward, 1.0, variable / forward)
        bare = delta.copy()
        delta[option] = catalogue.unit[option] * (black.delta - premium) * share
        bare[option] = catalogue.unit[option] * black.delta * share
    return delta, bare
