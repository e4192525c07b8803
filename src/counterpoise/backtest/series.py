"""What did one portfolio need and lose, day after day?

Observations are kept by day, as they are seen; judgements are made by portfolio. A day without a
number is left out of the columns and counted with its reason.
"""

from typing import Any

import numpy as np

from counterpoise.backtest.law import COLUMNS
from counterpoise.backtest.replay import Observation
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class Terms:
    """What is judged: `margin` initial or maintenance, `level` of coverage, days of the horizon.

    `forecast_level` is that of the shortfall that the observations hold.
    """

    margin: str
    level: float
    horizon_days: int
    forecast_level: float = 0.975


@frozen
class Series:
    """One portfolio over the days it has numbers on, [day]; USD at the prices of each day.

    `failures` are {sentence: days} of the days without, `no_law` of those without a distribution;
    `tail` is [day, step].
    """

    at: Ints
    until: Ints
    margin: Floats
    raw: Floats
    buffered: Floats
    loss: Floats
    shortfall: Floats
    worst: tuple[str, ...]
    failures: dict[str, int]
    quantile: Floats
    tail_mean: Floats
    transform: Floats
    beyond: Floats
    tail: Floats
    no_law: dict[str, int]


def series_of(observations: tuple[Observation, ...], margin: str) -> dict[str, Series]:
    """Return {portfolio: series} of observations in the order of their days."""
    rows: dict[str, list[tuple[Observation, int]]] = {}
    for seen in sorted(observations, key=lambda o: o.at):
        for k, name in enumerate(seen.portfolios):
            rows.setdefault(name, []).append((seen, k))
    return {name: _series(found, margin) for name, found in rows.items()}


def _series(found: list[tuple[Observation, int]], margin: str) -> Series:
    short = "shortfall" if margin == "initial" else "shortfall_maintenance"
    column = {name: np.array([getattr(o, name)[k] for o, k in found], np.float64)
              for name in (margin, "raw", "buffered", "loss", short, "tail", *COLUMNS)}
    told = (np.isfinite(column[margin]) & np.isfinite(column["loss"])
            & np.array([not o.failure[k] for o, k in found], bool))
    seen = [(o, k) for (o, k), good in zip(found, told.tolist(), strict=True) if good]
    without = [o.failure[k] or "a number is missing"
               for (o, k), good in zip(found, told.tolist(), strict=True) if not good]
    return Series(
        at=np.array([o.at for o, _ in seen], np.int64),
        until=np.array([o.until for o, _ in seen], np.int64),
        margin=column[margin][told], raw=column["raw"][told], buffered=column["buffered"][told],
        loss=column["loss"][told], shortfall=column[short][told],
        worst=tuple(o.worst[k] for o, k in seen), failures=_counted(without),
        no_law=_counted([o.no_law for o, _ in seen if o.no_law]), tail=column["tail"][told],
        **{name: column[name][told] for name in COLUMNS})


def _counted(sentences: list[str]) -> dict[str, int]:
    return {sentence: sentences.count(sentence) for sentence in dict.fromkeys(sentences)}
