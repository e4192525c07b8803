"""By which volatility is each factor filtered, day by day, and why? Its recursion, or the forecast.

Where the frozen forecast of `prediction` has won, it takes the place of the recursion (the plain
average of GJR-GARCH-t and EWMA) of a coin's price:

    residual of day t = (x_t - mean) / (c s_t),     scenarios start from c s_now

s_t is the deviation that was forecast for day t with the days before it, s_now that for tomorrow; c
puts the forecast at the level of the moves: its residuals have a mean square of one. A residual of
more than `residual_max` deviations counts as that many. Days before the first forecast keep the
recursion, and so does every factor that the forecast says nothing of. The forecast is made for one
day, while horizons and parameter files reach further: s_now is that of a working day, for the calm
of a weekend does not last, and beyond tomorrow the recursion runs on from it (*our reading*).

It has won where its mean QLIKE over the last 500 days is below that of EWMA(0.97) *and* below that
of the recursion which it would replace, whose terms were even fitted to those days.
"""

from typing import Any, Final

import numpy as np

from counterpoise.calibration.prediction.daily_panel import panel_digest
from counterpoise.calibration.prediction.now import (
    PastVariances,
    VolatilityNow,
    as_known,
    compared_rows,
    mean_qlike,
    volatility_now,
)
from counterpoise.scenarios.factors import Factor, factor_name
from counterpoise.scenarios.paths import Shocks
from counterpoise.scenarios.paths import VolatilityNow as State
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS, day_text

Floats = np.ndarray[Any, np.dtype[np.float64]]
RECURSION: Final = "gjr_ewma"
PREDICTION: Final = "prediction"
COMPARED_MIN: Final = 250
"""Days of forecasts below which nothing is said about who won."""
AGREEMENT_MIN: Final = 0.9
"""Correlation of the coin's returns in the panel with its moves in the history: they are the same
days of the same coin, or a forecast for a day would be laid against another one."""


@frozen
class PriceForecasts:
    """The forecasts that may filter prices, and how they are named beyond doubt.

    past          walk-forward variances; what was made after the history's last day is not used
    residual_max  a residual of more deviations counts as this many
    digest        of the frozen configuration
    """

    past: PastVariances
    residual_max: float
    digest: str


@frozen
class FactorFilter:
    """What filters one factor.

    name    `prediction` or `gjr_ewma`; `why` it is not the forecast, empty where it is
    days    known moves that were filtered by the forecast
    level   c, 1 for the recursion
    qlike   {combination, ewma, gjr_ewma: mean QLIKE} over `compared` days, empty without forecasts
    """

    name: str
    why: str = ""
    days: int = 0
    level: float = 1.0
    compared: int = 0
    qlike: dict[str, float] = {}


@frozen
class Filters:
    """What filters every factor of a history; the digests are empty without forecasts.

    digest of the frozen configuration; data_digest of the days that the forecasts rest on
    """

    factors: tuple[FactorFilter, ...]
    digest: str = ""
    data_digest: str = ""


def filtered_by(forecasts: PriceForecasts | None, shocks: Shocks,
                state: State) -> tuple[Shocks, State, Filters]:
    """Return the shocks and the volatility of now with the forecast where it won, and what won.

    Raises
    ------
    BadInput
        If the panel of the forecasts ends before the history, or its returns are not those of the
        history.
    """
    factors = shocks.history.factors
    if forecasts is None:
        return shocks, state, Filters(factors=(FactorFilter(name=RECURSION),) * len(factors))
    past = _known_with(shocks, forecasts.past)
    now = {one.coin: one for one in volatility_now(past)}
    deviation, variance = shocks.deviation.copy(), state.variance.copy()
    filters = []
    for k, factor in enumerate(factors):
        found, column = _of_factor(replaced(forecasts, past=past), now, shocks, k)
        if found.name == PREDICTION:
            deviation[:, k] = column
            coin = past.panel.coins.index(factor.subject)
            variance[:, k] = found.level ** 2 * past.working[-1, coin]
        filters.append(found)
    return (replaced(shocks, deviation=deviation), replaced(state, variance=variance),
            Filters(factors=tuple(filters), digest=forecasts.digest,
                    data_digest=panel_digest(past.panel)))


def filter_words(filters: Filters, factors: tuple[Factor, ...]) -> str:
    """Return which factors the forecast filters, and which one it is; empty where it filters none.

    Part of the method of the moves, which a parameter file holds and every answer shows.
    """
    named = [factor_name(f) for f, one in zip(factors, filters.factors, strict=True)
             if one.name == PREDICTION]
    if not named:
        return ""
    return (f"volatility of {', '.join(named)} by the forecast {PREDICTION}, frozen set "
            f"{filters.digest[:16]}, on data {filters.data_digest[:16]}, where it won; of other "
            f"factors {RECURSION}")


def _known_with(shocks: Shocks, past: PastVariances) -> PastVariances:
    """Return the forecasts that had been made when the history ends."""
    ends, known = int(past.panel.day[-1]), int(shocks.history.day[-1]) // DAY_NS
    if ends < known:
        raise bad_input(Reason.BAD_TIME, "--data", f"ends on {day_text(ends * DAY_NS)}, the factor "
                        f"history on {day_text(known * DAY_NS)}; a forecast for tomorrow needs all "
                        "days: end the history there (--until), or give the days that are missing")
    if known < int(past.panel.day[0]):
        raise bad_input(Reason.BAD_TIME, "--data", "begins on "
                        f"{day_text(int(past.panel.day[0]) * DAY_NS)}, after the factor history "
                        f"ends ({day_text(known * DAY_NS)}); leave --forecast out there")
    return as_known(past, known)


def _of_factor(forecasts: PriceForecasts, now: dict[str, VolatilityNow], shocks: Shocks,
               k: int) -> tuple[FactorFilter, Floats]:
    """Return what filters a factor, and its deviations [day]."""
    own, past = shocks.deviation[:, k], forecasts.past
    factor = shocks.history.factors[k]
    why = _unasked(factor, now)
    if why:
        return FactorFilter(name=RECURSION, why=why), own
    coin, state = past.panel.coins.index(factor.subject), now[factor.subject]
    move, excess = shocks.history.move[:, k], shocks.excess[:, k]
    rows = shocks.history.day // DAY_NS - int(past.panel.day[0])
    _refuse_other_returns(past.panel.log_return[:, coin], move, rows, factor)
    forecast = np.sqrt(_on(rows, past.combination[:-1, coin]))
    compared = np.isin(rows, compared_rows(past, coin))
    qlike = state.qlike | {RECURSION: mean_qlike(own[compared] ** 2, move[compared])}
    known = np.isfinite(excess) & np.isfinite(forecast)
    unfit = _unfit(state, qlike, np.isfinite(move[-1] + past.panel.log_return[-1, coin]))
    told = FactorFilter(name=RECURSION, why=unfit, compared=state.compared, qlike=qlike)
    if unfit:
        return told, own
    widest = np.fmax(forecast, np.abs(excess) / forecasts.residual_max)
    level = float(np.sqrt(np.mean((excess[known] / widest[known]) ** 2)))
    return (replaced(told, name=PREDICTION, days=int(np.count_nonzero(known)), level=level),
            np.where(np.isfinite(forecast), level * widest, own))


def _unasked(factor: Factor, now: dict[str, VolatilityNow]) -> str:
    if factor.kind != "price" or factor.against != "USD":
        return "the forecast is of prices in USD"
    return "" if factor.subject in now else "the frozen set has no such coin"


def _unfit(state: VolatilityNow, qlike: dict[str, float], last_known: Any) -> str:
    """Return why a coin's forecast is not taken, an empty text where it has won."""
    if not last_known or not np.isfinite(state.deviation):
        return "no forecast for tomorrow: the coin is not known on the last day"
    if state.compared < COMPARED_MIN:
        return (f"forecast on {state.compared} of the last days, at least {COMPARED_MIN} are "
                "compared")
    better = [name for name in ("ewma", RECURSION) if not qlike["combination"] < qlike[name]]
    return f"no better than {' and '.join(better)} over {state.compared} days" if better else ""


def _on(rows: Any, column: Floats) -> Floats:
    """Return a column [row] of the panel on the days of the history, NaN where it has none."""
    inside = (rows >= 0) & (rows < len(column))
    return np.where(inside, column[np.where(inside, rows, 0)], np.nan)


def _refuse_other_returns(returns: Floats, move: Floats, rows: Any, factor: Factor) -> None:
    theirs = _on(rows, returns)
    both = np.isfinite(theirs) & np.isfinite(move)
    if np.count_nonzero(both) < COMPARED_MIN:
        return
    a, b = theirs[both] - np.mean(theirs[both]), move[both] - np.mean(move[both])
    scale = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    alike = float(np.sum(a * b)) / scale if scale > 0 else 0.0
    if not alike >= AGREEMENT_MIN:
        raise bad_input(Reason.BAD_VALUE, factor_name(factor), "moves otherwise in the market data "
                        f"than in the factor history (correlation {alike:.2f}, at least "
                        f"{AGREEMENT_MIN:g} is wanted); give prices of the same days")
