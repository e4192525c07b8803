"""What does the market look like after a scenario? A snapshot like any other, one per scenario.

What a margin model asks of a market it can then ask of the stressed one, so that every stress goes
through the one path to a margin number. Prices are those of the pricing kernel: a premium changes
by the kernel's P&L, keeps what the quote had beside the model, and is at least 0.
"""

from typing import Any

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.snapshot import Floats, MarketSnapshot
from counterpoise.pricing.kernel import pricing_columns, scenario_pnl
from counterpoise.scenarios.factors import JointMoves
from counterpoise.scenarios.moved_assets import asset_moves, log_price_move
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS, YEAR_NS


@frozen
class MovedMarkets:
    """One market and what joint moves make of it; `moved_market` takes out one scenario.

    scenarios  the joint scenarios of the moves, from `joint_scenarios`; scenario 0 is today
    pnl        [instrument, scenario] per lot in quote money
    volatility [instrument, scenario] of options
    base       [instrument] what a move is a fraction of, quote
    index      [scenario, underlying]      asset  [scenario, asset], NaN where no factor moves it
    """

    market: MarketSnapshot
    scenarios: ScenarioSet
    pnl: Floats
    volatility: Floats
    base: Floats
    index: Floats
    asset: Floats


def moved_markets(market: MarketSnapshot, moves: JointMoves, scenarios: ScenarioSet, *,
                  still: tuple[str, ...] = (), threads: int = 1) -> MovedMarkets:
    """Return the markets that joint moves lead to; `scenarios` are the joint ones of `moves`.

    `still` are the kinds that stand still, as in the dynamics of the scenarios.
    """
    assert scenarios.numeraire == "quote" and len(scenarios) == 1 + len(moves.labels)
    terms = market.catalogue
    growth = np.stack([log_price_move(moves, code) for code in terms.underlyings], axis=1)
    index = np.empty((len(scenarios), len(terms.underlyings)))
    index[0] = market.index
    index[1:] = market.index * _core.exp(growth.ravel()).reshape(growth.shape)
    return MovedMarkets(market=market, scenarios=scenarios, index=index,
                        pnl=scenario_pnl(market, scenarios, threads=threads)[1],
                        volatility=shocked_volatility(market, scenarios),
                        base=pricing_columns(market, scenarios).shock_base,
                        asset=asset_moves(moves, market, still=still))


def moved_market(moved: MovedMarkets, scenario: int) -> MarketSnapshot:
    """Return the market after a scenario, at the time that has passed in it."""
    market, scenarios = moved.market, moved.scenarios
    terms = market.catalogue
    option = terms.kind == OPTION
    shift = _moves_of(scenarios, terms.underlying)[scenario] * moved.base
    forward = np.where(option, market.forward + shift, market.mark + shift)
    mark = np.where(option, _premium(moved, scenario, shift), market.mark + shift)
    passed = float(scenarios.time_shift_days[scenario])
    return replaced(
        market, as_of=market.as_of + round(passed * DAY_NS), mark=mark, forward=forward,
        volatility=np.ascontiguousarray(moved.volatility[:, scenario]),
        index=moved.index[scenario], price=moved.asset[scenario],
        source=f"{market.source}; moved: {scenarios.labels[scenario]}")


def shocked_volatility(market: MarketSnapshot, scenarios: ScenarioSet) -> Floats:
    """Return the volatility of every option in every joint scenario, [instrument, scenario]."""
    assert all(r.relative and r.power_short == r.power_long == 0.0 for r in scenarios.vol_rules)
    terms = market.catalogue
    factor = terms.underlying if scenarios.factor_of is None else scenarios.factor_of
    slid = market.volatility[:, None] + _slide(market, scenarios, factor)
    shift: Floats = 1.0 + scenarios.vol_shift.T[factor]
    return np.asarray(np.maximum(slid, 0.0) * np.maximum(shift, 0.0))


def _slide(market: MarketSnapshot, scenarios: ScenarioSet, factor: Any) -> Floats:
    """Return what sliding along its smile adds to a volatility, [instrument, scenario]."""
    terms = market.catalogue
    out = np.zeros((len(terms), len(scenarios)))
    if scenarios.smile is None:
        return out
    at = np.flatnonzero(np.isfinite(scenarios.smile[:, 0]) & (market.forward > 0))
    if not len(at):
        return out
    years = np.maximum(terms.expiry[at] - market.as_of, 1) / YEAR_NS
    forward = market.forward[at] + market.forward_fixed[at]
    base = pricing_columns(market, scenarios).shock_base[at]
    moved = forward[:, None] + base[:, None] * scenarios.move.T[factor[at]]
    k = _core.log(np.ascontiguousarray((terms.strike[at][:, None] / moved).ravel()))
    variance = _core.svi_curve(
        parameters=np.ascontiguousarray(scenarios.smile[at]), log_moneyness=k,
        slice=np.repeat(np.arange(len(at), dtype=np.int32), len(scenarios)))[0]
    volatility = np.sqrt(variance.reshape(len(at), -1) / years[:, None])
    out[at] = volatility - volatility[:, :1]
    return out


def _moves_of(scenarios: ScenarioSet, underlying: Any) -> Floats:
    """Return the move of every instrument, [scenario, instrument]."""
    follows = underlying if scenarios.factor_of is None else scenarios.factor_of
    return np.asarray(scenarios.move[:, follows])


def _premium(moved: MovedMarkets, scenario: int, shift: Floats) -> Floats:
    """Return the premium of every option in its settlement asset, [instrument]."""
    market = moved.market
    inverse = market.catalogue.payoff == 1
    whole = market.forward + market.forward_fixed
    with np.errstate(invalid="ignore", divide="ignore"):
        money = np.where(inverse, market.mark * whole, market.mark)
        money = np.maximum(money + moved.pnl[:, scenario] / market.catalogue.unit, 0.0)
        return np.asarray(np.where(inverse, money / (whole + shift), money))
