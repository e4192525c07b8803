"""Which configuration of the forecasts is in force, and how is it named beyond doubt?

All choices that a person made, and none of the numbers that a fit finds: those are found again,
by the same rule, at the start of each block of days. The digest covers every choice.
"""

from typing import Final

from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

FORECASTS: Final = ("har_return", "har_range", "garch", "gjr", "ewma")
"""Variance forecasts that can be combined: the pooled regression on squared returns or on range
variance, normal GARCH and GJR-GARCH with Student t innovations of each coin, EWMA(0.97)."""


@frozen
class BoostingParameters:
    """How the trees are grown: see `boosting`.

    level          of the quantile they learn
    shrink         exponent on their factor: 0 not believed, 1 fully
    months         between fits
    trees, learning_rate, leaves, leaf_days    of scikit-learn's learner
    """

    level: float
    shrink: float
    months: int
    trees: int
    learning_rate: float
    leaves: int
    leaf_days: int

    def __post_init__(self) -> None:
        """Refuse numbers outside their range."""
        _refuse({
            "level": (0.5 < self.level < 1, "above 0.5 and below 1"),
            "shrink": (0 <= self.shrink <= 1, "0 to 1"),
            "months": (1 <= self.months <= 120, "1 to 120"),
            "trees": (1 <= self.trees <= 10_000, "1 to 10000"),
            "learning_rate": (0 < self.learning_rate <= 1, "above 0, at most 1"),
            "leaves": (2 <= self.leaves <= 1024, "2 to 1024"),
            "leaf_days": (1 <= self.leaf_days <= 100_000, "1 to 100000")}, "boosting")


@frozen
class PredictionParameters:
    """How a forecast of value at risk and expected shortfall is made.

    level         of both, for instance 0.975
    forecasts     whose geometric mean is the variance, names of `FORECASTS`
    months        between fits of the variance forecasts
    pull          of the pooled regression to equal weights
    window_days   of residuals, and the warm-up of a series
    own_share     weight of the coin's own residuals; the rest is that of all coins
    residual_max  a residual of more deviations counts as this many
    boosting      the factor on the deviation, each side by itself
    """

    level: float
    forecasts: tuple[str, ...]
    months: int
    pull: float
    window_days: int
    own_share: float
    residual_max: float
    boosting: BoostingParameters

    def __post_init__(self) -> None:
        """Refuse unknown forecasts and numbers outside their range."""
        unknown = [name for name in self.forecasts if name not in FORECASTS]
        _refuse({
            "level": (0.5 < self.level < 1, "above 0.5 and below 1"),
            "forecasts": (bool(self.forecasts) and not unknown, "one or more of "
                          + ", ".join(FORECASTS)),
            "months": (1 <= self.months <= 120, "1 to 120"),
            "pull": (0 < self.pull < 1e6, "above 0"),
            "window_days": (200 <= self.window_days <= 10_000, "200 to 10000"),
            "own_share": (0 <= self.own_share <= 1, "0 to 1"),
            "residual_max": (4 <= self.residual_max < 1e6, "4 or more")}, "prediction")


def digest_of(parameters: PredictionParameters) -> str:
    """Return the SHA-256 of every choice."""
    return sha256_of(repr(parameters))


def _refuse(checks: dict[str, tuple[bool, str]], of: str) -> None:
    wrong = [Failure(reason=Reason.BAD_VALUE, subject=f"{of} {name}", sentence=f"must be {right}")
             for name, (fine, right) in checks.items() if not fine]
    if wrong:
        raise BadInput(*wrong)
