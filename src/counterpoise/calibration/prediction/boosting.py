"""Which states make tomorrow's tail heavier than its volatility says? Boosted quantile regression.

For losses in deviations of the volatility forecast, of all coins together and each side by itself,
trees learn the quantile at `level` from the features; the answer is a factor on the deviation,

    m = (quantile the trees give / quantile of all losses so far) ^ shrink

A shrink below 1 is how far a learner of few tails is believed. Trees by scikit-learn's
`HistGradientBoostingRegressor`, which takes unknown features as they are. Source: J. Friedman,
Annals of Statistics 29(5), 2001, with the quantile loss of R. Koenker and G. Bassett, Econometrica
46(1), 1978.
"""

from typing import Any, Final

import numpy as np

from counterpoise.calibration.prediction.parameters import BoostingParameters
from counterpoise.calibration.prediction.walk_forward import blocks
from counterpoise.values.failure import Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
RELATIVE: Final = ("last", "fast", "middle", "slow", "market_last", "market_slow")
"""Logs of variances, seen by the trees against the forecast variance."""
AS_THEY_ARE: Final = ("inside", "implied", "funding", "weekend", "fall", "size", "week", "month")
OBSERVATIONS_MIN: Final = 1500
FACTOR_MIN: Final = 0.25
"""The least factor before shrinking; a tail that vanishes is a failure of the trees."""


def boosting_columns(features: dict[str, Floats], variance: Floats) -> Floats:
    """Return what the trees see, [row + 1, coin, column], of features and variance forecasts."""
    log_variance = np.log(variance)
    columns = [features[name] - log_variance for name in RELATIVE]
    columns += [features[name] for name in AS_THEY_ARE] + [log_variance]
    return np.stack(columns, axis=2)


def boosted_factor(day: Ints, columns: Floats, losses: Floats,
                   parameters: BoostingParameters) -> Floats:
    """Return the walk-forward factors [row + 1, coin] on the deviation; 1 before there is enough.

    Parameters
    ----------
    day : [row] days since 1970-01-01.
    columns : [row + 1, coin, column] of `boosting_columns`.
    losses : [row, coin] in forecast deviations, > 0: a loss; NaN where unknown.

    Raises
    ------
    BadInput
        If the extra is missing.
    """
    factor = np.ones(columns.shape[:2])
    ready = np.isfinite(columns[:, :, -1])
    seen = ready[:-1] & np.isfinite(losses)
    for block in blocks(day, parameters.months):
        past = seen[:block.start]
        if int(past.sum()) < OBSERVATIONS_MIN:
            continue
        target = losses[:block.start][past]
        rows = columns[:block.start][past]
        # A column of which nothing was known yet teaches nothing.
        told = np.isfinite(rows).any(axis=0)
        trees = _learner(parameters).fit(rows[:, told], target)
        ask = ready[block]
        if ask.any():
            found = (trees.predict(columns[block][ask][:, told])
                     / np.quantile(target, parameters.level))
            factor[block][ask] = np.maximum(found, FACTOR_MIN) ** parameters.shrink
    return factor


def _learner(parameters: BoostingParameters) -> Any:
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, "boosted quantiles", "need scikit-learn; install it "
                        "with: pip install 'counterpoise[calibration]'") from None
    return HistGradientBoostingRegressor(
        loss="quantile", quantile=parameters.level, max_iter=parameters.trees,
        learning_rate=parameters.learning_rate, max_leaf_nodes=parameters.leaves,
        min_samples_leaf=parameters.leaf_days, early_stopping=False, random_state=0)
