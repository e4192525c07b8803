"""What might a young factor have done on the days before it was known? Drawn, never observed.

A joint scenario needs a move of every factor. Days on which the anchors (the prices with the
longest history) are known are kept; a factor that was not known on such a day is drawn:

    z = b' z_known + e

z are residuals, b the regression on the anchors and on the factors of the same underlying before
it, over the days on which it is known, e the regression's residual of one of those days, drawn with
a seed. Its deviation on such a day is its own long-run one, times what the day was for the anchors.
What is drawn stands in scenarios alone, is counted, and never enters a history: *our reading*, for
no source says how a day that was not observed should look.
"""

from typing import Any, Final

import numpy as np

from counterpoise.scenarios.factors import Factor, FactorHistory, factor_name
from counterpoise.scenarios.paths import Shocks
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
ANCHORS: Final = 2
KNOWN_MIN: Final = 100
"""Known days that a regression and its residuals must rest on."""
REGRESSORS_MAX: Final = 5
YOUNG_DAYS: Final = 1000
_ORDER: Final = ("price", "peg", "vol", "basis", "term", "skew", "funding")


@frozen
class Completed:
    """Shocks of every factor on the days of the anchors.

    shocks    without unknown cells; its history holds mean + excess and says that cells are drawn
    drawn     [day, factor] whether the cell was drawn
    share     [factor] of the regressors in the variance of the residual (R squared), NaN: no cell
              was drawn
    long_run  [factor] daily deviation over the whole history
    """

    shocks: Shocks
    anchors: tuple[Factor, ...]
    drawn: Flags
    share: Floats
    long_run: Floats


def anchors_of(history: FactorHistory) -> tuple[Factor, ...]:
    """Return the prices in USD with the longest history, two where there are two.

    Raises
    ------
    BadInput
        If there is no price.
    """
    known = np.count_nonzero(np.isfinite(history.move), axis=0).tolist()
    prices = [(n, f) for n, f in zip(known, history.factors, strict=True)
              if f.kind == "price" and f.against == "USD"]
    if not prices:
        raise bad_input(Reason.MISSING_PRICE, "factor history", "has no price in USD; give closes "
                        "of at least one coin")
    prices.sort(key=lambda pair: -pair[0])
    return tuple(f for _, f in prices[:ANCHORS])


def rarely_known(shocks: Shocks, anchors: tuple[Factor, ...]) -> dict[Factor, str]:
    """Return {factor: why it cannot be completed} of those known on too few anchored days."""
    history = shocks.history
    at = [history.factors.index(f) for f in anchors]
    known = np.isfinite(shocks.excess / shocks.deviation)
    counts = np.count_nonzero(known[known[:, at].all(axis=1)], axis=0).tolist()
    return {f: f"is known on {n} of the days on which the longest prices are known; at least "
            f"{KNOWN_MIN} are wanted, or leave it out"
            for f, n in zip(history.factors, counts, strict=True) if n < KNOWN_MIN}


def completed(shocks: Shocks, anchors: tuple[Factor, ...], *, years: float,
              seed: int) -> Completed:
    """Return the shocks with every unknown cell of an anchored day drawn.

    The long-run deviation is that of the last `years` of known moves; that of a factor known on
    fewer than 1,000 days is put in proportion to what the anchors did over their whole history.

    Raises
    ------
    BadInput
        If a factor is known on fewer than 100 anchored days, naming each.
    """
    rare = rarely_known(shocks, anchors)
    if rare:
        raise BadInput(*(Failure(reason=Reason.MISSING_NUMBER, subject=factor_name(f), sentence=why)
                         for f, why in rare.items()))
    history = shocks.history
    at = [history.factors.index(f) for f in anchors]
    residual = shocks.excess / shocks.deviation
    rows = np.isfinite(residual[:, at]).all(axis=1)
    known = np.isfinite(residual[rows])
    long_run = _long_run(history, at, years)
    filled, share = _drawn(residual[rows], history.factors, at, seed)
    stress = np.mean(shocks.deviation[rows][:, at] / long_run[at], axis=1)
    deviation = np.where(known, shocks.deviation[rows], stress[:, None] * long_run)
    excess = filled * deviation
    mean = _mean(history.move - shocks.excess, 0)
    count = int(np.count_nonzero(~known))
    source = (f"{history.source}; {count} of {known.size} cells before a factor was known, or in "
              f"its gaps, drawn with seed {seed}" if count else history.source)
    whole = FactorHistory(factors=history.factors, day=history.day[rows], move=mean + excess,
                          source=source)
    return Completed(shocks=Shocks(history=whole, excess=excess, deviation=deviation),
                     anchors=anchors, drawn=~known, share=share, long_run=long_run)


def _long_run(history: FactorHistory, at: list[int], years: float) -> Floats:
    """Return the long-run daily deviation of each factor."""
    last = history.day >= history.day[-1] - int(years * 365 * 86_400 * 1_000_000_000)
    square = history.move[last] ** 2
    variance = _mean(square, 0)
    anchor = _mean(square[:, at], 1)
    for k in range(len(history.factors)):
        days = np.isfinite(square[:, k]) & np.isfinite(anchor)
        if np.count_nonzero(days) < YOUNG_DAYS:
            variance[k] *= float(_mean(anchor, 0)) / float(np.mean(anchor[days]))
    return np.sqrt(variance)


def _mean(values: Floats, axis: int) -> Floats:
    """Return the mean of the known numbers along an axis, NaN where there is none."""
    known = np.isfinite(values)
    count = np.count_nonzero(known, axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def _drawn(residual: Floats, factors: tuple[Factor, ...], at: list[int],
           seed: int) -> tuple[Floats, Floats]:
    """Return residuals without unknown cells, and the R squared of what was drawn."""
    filled, share = residual.copy(), np.full(len(factors), np.nan)
    counts = np.count_nonzero(np.isfinite(residual), axis=0).tolist()
    order = sorted(range(len(factors)), key=lambda k: (
        k not in at, _ORDER.index(factors[k].kind), -counts[k], k))
    ready: list[int] = []
    for k in order:
        known = np.isfinite(residual[:, k])
        if not known.all():
            own = [j for j in ready if j not in at and factors[j].subject == factors[k].subject]
            used = [*at, *own][:REGRESSORS_MAX]
            x = filled[:, used]
            slope = np.linalg.lstsq(x[known], residual[known, k], rcond=None)[0]
            rest = residual[known, k] - x[known] @ slope
            share[k] = 1.0 - float(np.var(rest) / np.var(residual[known, k]))
            name = int.from_bytes(factor_name(factors[k]).encode(), "big")
            chance = np.random.Generator(np.random.PCG64([seed, name]))
            again = rest[chance.integers(len(rest), size=int(np.count_nonzero(~known)))]
            filled[~known, k] = x[~known] @ slope + again
        ready.append(k)
    return filled, share
