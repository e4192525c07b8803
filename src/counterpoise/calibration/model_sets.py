"""Which of several forecasts may be the best, given how much chance there is in their scores?

The model confidence set keeps, at a stated size, the models that are not significantly worse than
the best; superior predictive ability asks whether any model beats a benchmark at all. Both draw
blocks of days, so that dependence stays. Scores are losses: less is better (`backtest.scoring`).
Sources: P. Hansen, A. Lunde and J. Nason, "The model confidence set", Econometrica 79(2), 2011; P.
Hansen, "A test for superior predictive ability", Journal of Business and Economic Statistics 23(4),
2005; K. Sheppard's package `arch`, which computes them.
"""

from typing import Any, Final

import numpy as np

from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
PATHS: Final = 2000
_DAYS_MIN: Final = 30


@frozen
class ModelSet:
    """The models that may be the best, and {model: p-value} of staying in the set."""

    included: tuple[str, ...]
    p_values: dict[str, float]


def model_confidence_set(scores: dict[str, Floats], *, size: float, block_days: int, seed: int,
                         paths: int = PATHS) -> ModelSet:
    """Return the models whose scores {name: [day]} are not significantly worse than the best.

    Raises
    ------
    BadInput
        If there are fewer than two models or 30 days, scores are not finite, the size is no
        fraction, or the extra is not installed.
    """
    table = _table(scores, block_days)
    if not 0 < size < 1:
        raise bad_input(Reason.BAD_VALUE, "size", f"{size} must lie above 0 and below 1, like 0.10")
    found = _bootstrap().MCS(table, size=size, reps=paths, block_size=block_days, method="max",
                             bootstrap="moving block", seed=seed)
    found.compute()
    names = list(scores)
    return ModelSet(
        included=tuple(names[k] for k in sorted(int(k) for k in found.included)),
        p_values={names[int(k)]: float(p) for k, p in found.pvalues["Pvalue"].items()})


def superior_to(benchmark: Floats, others: dict[str, Floats], *, block_days: int, seed: int,
                paths: int = PATHS) -> float:
    """Return the consistent p-value that no model is better than the benchmark, scores [day].

    Small where at least one is better by more than chance and search explain.

    Raises
    ------
    BadInput
        As `model_confidence_set`.
    """
    table = _table({"benchmark": benchmark} | others, block_days)
    found = _bootstrap().SPA(table[:, 0], table[:, 1:], reps=paths, block_size=block_days,
                             bootstrap="moving block", seed=seed)
    found.compute()
    return float(found.pvalues["consistent"])


def _bootstrap() -> Any:
    try:
        import arch.bootstrap
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, "model sets", "need the extra for calibration: pip "
                        "install 'counterpoise[calibration]'") from None
    return arch.bootstrap


def _table(scores: dict[str, Floats], block_days: int) -> Floats:
    columns = [np.asarray(s, np.float64) for s in scores.values()]
    shapes = {c.shape for c in columns}
    if len(columns) < 2 or len(shapes) > 1 or columns[0].ndim != 1 or len(columns[0]) < _DAYS_MIN:
        raise bad_input(Reason.BAD_VALUE, "scores", f"of {len(columns)} models have shapes "
                        f"{sorted(shapes)}; give two or more of the same {_DAYS_MIN} or more days")
    table = np.stack(columns, axis=1)
    if not np.isfinite(table).all():
        raise bad_input(Reason.NOT_FINITE, "scores", "must be finite on every day; leave days "
                        "without a score out for all models")
    if not 1 <= block_days < len(table):
        raise bad_input(Reason.BAD_VALUE, "block_days", f"{block_days} must be at least 1 and less "
                        f"than the {len(table)} days")
    return table
