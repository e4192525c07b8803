"""What could happen to OKX's risk units: four scenario sets, each a candidate of its own.

    0, 1   MR1: moves of the index x volatility up, same, down; shifts in points and in percent
    2      MR2: a day passes
    3      MR6: the extreme move both ways

Moves are fractions of the index in the contract's own quote, which is the USD index divided by the
USD price of that quote. So there is one factor for each underlying, quote and expiry; the first of
an underlying is in dollars, has no expiry and bears the published moves.
"""

from typing import Any, Final

import numpy as np

from counterpoise.collateral.cross import prices_in
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.interpolated import interpolated
from counterpoise.margin.terms.merged_unit_parameters import (
    MIDDLE_SPOT,
    MergedUnitParameters,
    group_of,
)
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.scenarios.scenario_set import ScenarioSet, VolRule
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS

POINTS: Final = 0
PERCENT: Final = 1
THETA: Final = 2
EXTREME: Final = 3
NUMERAIRE: Final = "USD"
VOL_STATES: Final = ("up", "same", "down")
_SIGN: Final = np.array([1.0, 0.0, -1.0])


@frozen
class Factors:
    """What moves: `of` [instrument] is the factor; the rest is [factor].

    `first` [underlying] is the factor of an underlying in dollars without expiry; `quote` the USD
    price of the factor's quote, one where moves in it cannot be said; `days` to expiry.
    """

    names: tuple[str, ...]
    underlying: Indices
    quote: Floats
    days: Floats
    of: Indices
    first: Indices


def merged_unit_scenarios(market: MarketSnapshot,
                          parameters: MergedUnitParameters) -> tuple[ScenarioSet, ...]:
    """Return the sets of MR1 (points, percent), MR2 and MR6."""
    factors = factors_of_quotes(market, parameters)
    coins = market.catalogue.underlyings or ("",)
    near = np.array([parameters.spot[group_of(parameters, c, MIDDLE_SPOT)].up_to for c in coins])
    moves = np.concatenate((-near[:, ::-1], np.zeros((len(near), 1)), near), axis=1).T
    grid = np.concatenate((np.zeros((1, len(coins))), np.repeat(moves, len(VOL_STATES), axis=0)))
    sign = np.concatenate(([0.0], np.tile(_SIGN, len(moves))))
    count = near.shape[1]
    labels = ("unshocked", *(f"price {j:+d}/{count}, vol {state}"
                             for j in range(-count, count + 1) for state in VOL_STATES))
    table = parameters.volatility
    shifts = [interpolated(factors.days, table.days, column)
              for column in (table.points, table.percent)]
    far = np.array([parameters.extreme[group_of(parameters, c)].move for c in coins])
    return (*(_set(factors, labels, grid, vol_shift=sign[:, None] * shift, relative=relative)
              for shift, relative in zip(shifts, (False, True), strict=True)),
            _set(factors, ("unshocked", "time passes"), np.zeros((2, len(coins))),
                 days=parameters.options.theta_days),
            _set(factors, ("unshocked", "extreme move down", "extreme move up"),
                 np.stack([0 * far, -far, far])))


def factors_of_quotes(market: MarketSnapshot, parameters: MergedUnitParameters) -> Factors:
    """Return the factors of a market."""
    terms = market.catalogue
    coins = terms.underlyings or ("",)
    codes = sorted({c.quote for c in terms.instruments} | {NUMERAIRE})
    price = dict(zip(codes, prices_in(market, tuple(codes), NUMERAIRE).tolist(), strict=True))
    keys: dict[tuple[int, str, int], int] = {}
    first = [keys.setdefault((u, NUMERAIRE, 0), len(keys)) for u in range(len(coins))]
    of = [keys.setdefault((int(u), c.quote, int(e)), len(keys)) for c, u, e in zip(
        terms.instruments, terms.underlying, terms.expiry, strict=True)]
    farthest = largest_move(parameters)
    expiry = np.array([e for _, _, e in keys], np.int64)
    return Factors(
        names=tuple(coins[u] if k < len(coins) else f"{coins[u]} {quote} {expires}"
                    for k, (u, quote, expires) in enumerate(keys)),
        underlying=np.array([u for u, _, _ in keys], np.int32),
        quote=np.array([price[q] if price[q] > farthest else 1.0 for _, q, _ in keys]),
        days=np.where(expiry > 0, np.maximum(expiry - market.as_of, 0), 0) / DAY_NS,
        of=np.array(of, np.int32), first=np.array(first, np.int32))


def largest_move(parameters: MergedUnitParameters) -> float:
    """Return the largest move of any group: a quote must be worth more than that in dollars."""
    return max(*(extreme.move for extreme in parameters.extreme.values()),
               *(moves.up_to[-1] for moves in parameters.spot.values()))


def _set(factors: Factors, labels: tuple[str, ...], moves: Floats, *,
         vol_shift: Floats | None = None, relative: bool = False,
         days: float = 0.0) -> ScenarioSet:
    """Return a set from `moves` [scenario, underlying] of the dollar index."""
    count = len(labels)
    passed: Any = np.zeros(count)
    passed[1:] = days
    rule = VolRule(relative=relative, power_short=0.0, power_long=0.0, switch_days=0.0,
                   days_floor=1.0, whole_days=False, floor_up=0.0)
    still = np.zeros((count, len(factors.names)))
    return ScenarioSet(
        labels=labels, factors=factors.names,
        move=moves[:, factors.underlying] / factors.quote,
        vol_shift=still if vol_shift is None else vol_shift,
        vol_rules=(rule,) * len(factors.names), time_shift_days=passed,
        weight=np.concatenate(([0.0], np.ones(count - 1))), base_spot="index",
        base_delta_one="index", base_option="index", numeraire="quote", factor_of=factors.of)
