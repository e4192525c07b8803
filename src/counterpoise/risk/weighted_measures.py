"""How bad is a bad day, where scenarios are not equally likely? Tail measures under weights.

With losses l_s of weight w_s, W their sum and level p, the tail holds the mass M = W (1 - p):

    value at risk        the smallest loss not exceeded with probability p or more: R type 1, the
                         inverse of the distribution ("inverted_cdf")
    expected shortfall   weighted: (sum of w l beyond the value at risk + the rest of M at it) / M
                         discrete: the mean of the worst scenarios until they hold M, each whole,
                         equal losses in scenario order
                         tail_mean: the mean of all losses >= value at risk

Equal weights give the figures of `risk.measures` with `inverted_cdf`. Weights come from ageing
(Boudoukh, Richardson and Whitelaw, "The best of both worlds", Risk 11, 1998), importance sampling
or judgement; Acerbi and Tasche (2002), equation 4, holds for any distribution.
"""

from typing import Any, Final, Literal

import numpy as np

from counterpoise import _core
from counterpoise.risk.aggregation import IDENTITY, Floats, Rows, UnitTransform
from counterpoise.risk.measures import NEARLY_WHOLE
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

WeightedShortfall = Literal["weighted", "discrete", "tail_mean"]
WEIGHTED_SHORTFALLS: Final = ("weighted", "discrete", "tail_mean")


@frozen
class WeightedTails:
    """The tail of every row at one level, [row], and its mass M.

    at       P&L at the value at risk
    less     weight of the P&Ls lower than `at`
    sum      of weight x P&L of those, in scenario order
    ties     weight of the P&Ls equal to `at`
    reached  `less` and of the ties, in scenario order, as many as it takes to hold M
    """

    mass: float
    at: Floats
    less: Floats
    sum: Floats
    ties: Floats
    reached: Floats


def weighted_tails(rows: Rows, pnl: Floats, transform: UnitTransform = IDENTITY, *,
                   weight: Floats, level: float, threads: int = 1) -> WeightedTails:
    """Return the tails of the rows under `weight` [scenario], that of a `ScenarioSet`.

    `pnl` is [instrument, scenario] per lot, gain > 0. Scenario 0, the unshocked world, does not
    count. NaN where a row holds a failed instrument.

    Raises
    ------
    BadInput
        If the level lies outside (0, 1), a weight is negative or no number, all are zero, or the
        scenarios hold no tail: (1 - level) W^2 / sum of w^2 < 1.
    """
    return _tails(weight[1:], level, {
        "pointer": rows.pointer, "key": rows.key, "instrument": rows.instrument, "lots": rows.lots,
        "pnl": pnl, "weight": transform.weight, "gain_factor": transform.gain_factor,
        "gain_cap": transform.gain_cap, "dampener": transform.dampener,
        "dampen_first": transform.dampen_first, "first": 1, "threads": threads})


def weighted_tails_of(vectors: Floats, *, weight: Floats, level: float,
                      threads: int = 1) -> WeightedTails:
    """Return the tails of P&L vectors [row, scenario] under `weight` [scenario]; all count.

    Raises
    ------
    BadInput
        As `weighted_tails`.
    """
    count = len(vectors)
    return _tails(weight, level, {
        "pointer": np.arange(count + 1), "key": np.zeros(count, np.int32),
        "instrument": np.arange(count, dtype=np.int32), "lots": np.ones(count, np.int64),
        "pnl": vectors, "threads": threads})


def value_at_risk_in(tails: WeightedTails) -> Floats:
    """Return the value at risk [row], loss > 0."""
    return -tails.at + 0.0


def expected_shortfall_in(tails: WeightedTails,
                          variant: WeightedShortfall = "weighted") -> Floats:
    """Return the expected shortfall [row], loss > 0.

    Raises
    ------
    BadInput
        If the variant is unknown.
    """
    if variant not in WEIGHTED_SHORTFALLS:
        raise bad_input(Reason.BAD_VALUE, "variant", f"{variant!r} is unknown; it is one of "
                        + ", ".join(WEIGHTED_SHORTFALLS))
    if variant == "tail_mean":
        return _mean(tails, tails.less + tails.ties, tails.ties)
    if variant == "discrete":
        return _mean(tails, tails.reached, tails.reached - tails.less)
    rest = tails.mass - tails.less
    rest = np.where(np.abs(rest) <= NEARLY_WHOLE * tails.mass, 0.0, rest)
    return _mean(tails, np.full(len(rest), tails.mass), rest)


def _mean(tails: WeightedTails, mass: Floats, at_mass: Floats) -> Floats:
    """Return the mean loss of what lies below `at` and of `at_mass` at it."""
    at = np.where(at_mass > 0, tails.at * at_mass, 0.0)
    return np.where(np.isnan(tails.at), np.nan, -(tails.sum + at) / mass) + 0.0


def _tails(weight: Floats, level: float, call: dict[str, Any]) -> WeightedTails:
    mass = _mass(weight, level)
    at, less, total, ties, reached = _core.weighted_tails(
        **call, probability=np.ascontiguousarray(weight), mass=mass * (1 + NEARLY_WHOLE),
        enough=mass * (1 - NEARLY_WHOLE))
    return WeightedTails(mass=mass, at=at, less=less, sum=total, ties=ties, reached=reached)


def _mass(weight: Floats, level: float) -> float:
    """Return W (1 - p), the weight of the tail."""
    if not 0 < level < 1:
        raise bad_input(Reason.BAD_VALUE, "level", f"{level} is no level; give a fraction between "
                        "0 and 1, like 0.975")
    if not np.all(np.isfinite(weight)) or np.any(weight < 0):
        worst = int(np.argmin(np.isfinite(weight) & (weight >= 0)))
        raise bad_input(Reason.BAD_VALUE, "weight", f"weight {weight[worst]} is none; give finite "
                        "numbers of at least 0")
    whole = float(np.add.reduce(weight))
    if whole <= 0:
        raise bad_input(Reason.BAD_VALUE, "weight", "no scenario has a weight; give at least one "
                        "above 0")
    share = weight / whole
    effective = 1 / float(np.add.reduce(share * share))
    if effective * (1 - level) < 1 - NEARLY_WHOLE:
        raise bad_input(Reason.BAD_VALUE, "level", f"weights worth {effective:.4g} equal scenarios "
                        f"hold no tail of {1 - level:g}; give more scenarios or a lower level")
    return whole * (1 - level)
