"""What do files say about the daily closes and volatilities of coins?

A table of daily prices has `date`, `symbol`, `close` and, where known, `market` (spot or perp),
`venue`, `quote` and `n_bars`; a row is the close at the end of that day. Of several series of a
coin the first in the order spot before perpetual, more days before fewer, has the day. Volatilities
come, best first, from tables of a volatility index (`date`, `symbol`, `close` in percent), from
fitted surfaces (`date`, `tenor_days`, `moneyness`, `iv`), else from the returns until that day;
funding from a table with `ts`, `symbol` and `rate`.
"""

import os
from typing import Any, Final

import numpy as np

from counterpoise.adapters.tables import (
    FilePath,
    Table,
    number_column,
    opened,
    query,
    require_columns,
)
from counterpoise.backtest.price_world import ORIGINS, PriceHistory
from counterpoise.calibration.factor_levels import JUMP_MAX, jump_words
from counterpoise.scenarios.variance import ewma_variance
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS, day_text

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
_BARS_MIN: Final = 20
_DAY_MAX: Final = 84_000
"""Days since 1970 up to which a date counts; far behind it nanoseconds do not fit an integer."""
_DECAY: Final = 0.97
_WARM_DAYS: Final = 30
_MONTH_DAYS: Final = 30.0


@frozen
class PriceFiles:
    """Where a price history is read from; `coins` are those wanted, with a price on any day."""

    prices: FilePath
    coins: tuple[str, ...]
    volatilities: tuple[FilePath, ...] = ()
    surfaces: FilePath | None = None
    funding: FilePath | None = None


def is_prices(table: Table) -> bool:
    """Say whether a table holds daily prices."""
    return {"date", "symbol", "close"} <= table.columns.keys() and "strike" not in table.columns


def price_history(files: PriceFiles) -> PriceHistory:
    """Return the history that the files hold.

    Raises
    ------
    BadInput
        If a file is none of this kind, or has no price of a coin asked for.
    """
    rows = _price_rows(opened(files.prices))
    coins = tuple(sorted(set(files.coins)))
    missing = [c for c in coins if not (rows["symbol"] == c).any()]
    if missing:
        raise bad_input(Reason.UNKNOWN_ASSET, ", ".join(missing), f"has no price in {files.prices}"
                        "; it has " + ", ".join(sorted(set(rows["symbol"].tolist()))[:40]))
    first, last = int(rows["day"].min()), int(rows["day"].max())
    # The close of a day is known when the day has ended.
    day = (np.arange(first, last + 1, dtype=np.int64) + 1) * DAY_NS
    close, origin = np.full((len(day), len(coins)), np.nan), np.zeros((len(day), len(coins)), int)
    for k, coin in enumerate(coins):
        _fill(rows, coin, first, close[:, k], origin[:, k])
    _refuse_jumps(files, coins, day, close, origin)
    volatility, known = _volatilities(files, coins, day, close, origin)
    return PriceHistory(
        coins=coins, day=day, close=close, origin=origin.astype(np.int64), volatility=volatility,
        volatility_origin=known, funding=_funding(files, coins, day),
        source=f"daily closes of {', '.join(coins)}")


def _price_rows(table: Table) -> dict[str, np.ndarray[Any, Any]]:
    require_columns(table, ("date", "symbol", "close"), "a table of daily prices")
    series = [f"CAST({c} AS VARCHAR)" for c in ("market", "venue", "quote") if c in table.columns]
    name = " || ' ' || ".join(series) if series else "'prices'"
    close = number_column(table, "close")
    bars = (f"WHERE {number_column(table, 'n_bars')} >= {_BARS_MIN}" if "n_bars" in table.columns
            else "")
    rows = query(table, "SELECT date_diff('day', DATE '1970-01-01', CAST(date AS DATE)) AS day, "
                 f"CAST(symbol AS VARCHAR) AS symbol, {name} AS series, {close} AS close "
                 f"FROM {{table}} {bars} ORDER BY symbol, series, day")
    _refuse_no_prices(table, rows)
    return rows


def _refuse_no_prices(table: Table, rows: dict[str, np.ndarray[Any, Any]]) -> None:
    """Refuse closes that are no price, and a series [row, in order] with a day twice."""
    symbol, series, day, close = (rows[c] for c in ("symbol", "series", "day", "close"))
    _refuse(table, rows, (day < 0) | (day > _DAY_MAX), Failure(
        reason=Reason.BAD_TIME, subject="", sentence=f"lies outside {day_text(0)} to "
        f"{day_text(_DAY_MAX * DAY_NS)}; correct the date"))
    _refuse(table, rows, ~((close > 0) & (close < np.inf)), Failure(
        reason=Reason.ABSURD_PRICE, subject="", sentence="has a close that is not a number above "
        "0; correct it, or leave the day out"))
    twice = np.zeros(len(day), bool)
    twice[1:] = (symbol[1:] == symbol[:-1]) & (series[1:] == series[:-1]) & (day[1:] == day[:-1])
    _refuse(table, rows, twice, Failure(reason=Reason.DUPLICATE, subject="", sentence=(
        "stands twice in one series; keep one close")))


def _refuse(table: Table, rows: dict[str, np.ndarray[Any, Any]], wrong: Any,
            why: Failure) -> None:
    if wrong.any():
        raise BadInput(*(replaced(why, subject=(
            f"{rows['symbol'][k]} {np.datetime64(int(rows['day'][k]), 'D')} in {table.path}"))
            for k in np.flatnonzero(wrong)[:20].tolist()))


def _fill(rows: dict[str, np.ndarray[Any, Any]], coin: str, first: int, close: Floats,
          origin: Any) -> None:
    """Put the closes of a coin into its column, those of the best series last."""
    mine = rows["symbol"] == coin
    names, count = np.unique(rows["series"][mine].astype(str), return_counts=True)
    perp = [str(name).startswith("perp") for name in names.tolist()]
    order = sorted(range(len(names)), key=lambda k: (not perp[k], int(count[k])))
    for rank, k in enumerate(order, 1):
        at = mine & (rows["series"] == names[k])
        place = rows["day"][at].astype(np.int64) - first
        close[place], origin[place] = rows["close"][at], rank


def _refuse_jumps(files: PriceFiles, coins: tuple[str, ...], day: Ints, close: Floats,
                  origin: Any) -> None:
    """Refuse closes of one series that are in another unit from one day to the next."""
    ratio = np.where(origin[1:] == origin[:-1], close[1:] / close[:-1], 1.0)
    jumps = np.argwhere((ratio >= JUMP_MAX) | (ratio <= 1 / JUMP_MAX))
    if len(jumps):
        raise BadInput(*(Failure(
            reason=Reason.ABSURD_PRICE, subject=f"{coins[k]} {day_text(int(day[t + 1]) - DAY_NS)} "
            f"in {os.fspath(files.prices)}", sentence=f"{jump_words(float(ratio[t, k]))}; leave "
            "the day out of the table") for t, k in jumps[:20].tolist()))


def _volatilities(files: PriceFiles, coins: tuple[str, ...], day: Ints, close: Floats,
                  origin: Any) -> tuple[Floats, Ints]:
    best = [_index(files, coins, day), _surfaces(files, coins, day), _trailing(close, origin)]
    volatility, known = np.full(close.shape, np.nan), np.zeros(close.shape, np.int64)
    for rank, found in enumerate(best, 1):
        new = np.isnan(volatility) & np.isfinite(found)
        volatility, known = np.where(new, found, volatility), np.where(new, rank, known)
    assert len(ORIGINS) == len(best) + 1
    return volatility, known


def _index(files: PriceFiles, coins: tuple[str, ...], day: Ints) -> Floats:
    out = np.full((len(day), len(coins)), np.nan)
    for path in files.volatilities:
        table = opened(path)
        require_columns(table, ("date", "symbol", "close"), "a table of a volatility index")
        close = number_column(table, "close")
        rows = query(table, "SELECT date_diff('day', DATE '1970-01-01', CAST(date AS DATE)) AS day,"
                     f" CAST(symbol AS VARCHAR) AS symbol, '' AS series, {close} AS close FROM "
                     "{table} ORDER BY symbol, day")
        _refuse_no_prices(table, rows)
        for k, coin in enumerate(coins):
            mine = rows["symbol"] == coin
            _place(out[:, k], day, rows["day"][mine], rows["close"][mine] / 100)
    return out


def _surfaces(files: PriceFiles, coins: tuple[str, ...], day: Ints) -> Floats:
    """Return the 30-day volatility at the money of fitted BTC surfaces, by variance in time."""
    out = np.full((len(day), len(coins)), np.nan)
    if files.surfaces is None or "BTC" not in coins:
        return out
    table = opened(files.surfaces)
    require_columns(table, ("date", "tenor_days", "moneyness", "iv"), "a table of surfaces")
    rows = query(table, "SELECT date_diff('day', DATE '1970-01-01', CAST(date AS DATE)) AS day, "
                 "CAST(tenor_days AS DOUBLE) AS tenor, CAST(iv AS DOUBLE) AS iv FROM {table} "
                 "WHERE abs(CAST(moneyness AS DOUBLE)) < 0.02 ORDER BY day, tenor")
    days = np.unique(rows["day"])
    levels = []
    for one in days:
        tenor, iv = (rows[c][rows["day"] == one] for c in ("tenor", "iv"))
        variance = np.interp(_MONTH_DAYS, tenor, iv * iv * tenor)
        inside = tenor.min() <= _MONTH_DAYS <= tenor.max()
        levels.append(np.sqrt(variance / _MONTH_DAYS) if inside else np.nan)
    _place(out[:, coins.index("BTC")], day, days, np.array(levels))
    return out


def _trailing(close: Floats, origin: Any) -> Floats:
    """Return the volatility of the returns until each day, EWMA(0.97), after 30 of them."""
    log = np.log(close)
    returns = np.diff(log, axis=0, prepend=np.nan)
    returns[1:][origin[1:] != origin[:-1]] = np.nan
    seen = np.cumsum(np.isfinite(returns), axis=0)
    known = (seen >= _WARM_DAYS) & np.isfinite(log)
    return np.where(known, np.sqrt(365 * ewma_variance(returns, _DECAY)[1:]), np.nan)


def _funding(files: PriceFiles, coins: tuple[str, ...], day: Ints) -> Floats:
    """Return the funding of each day, of the first linear series of a coin; NaN without one."""
    out = np.full((len(day), len(coins)), np.nan)
    if files.funding is None:
        return out
    table = opened(files.funding)
    require_columns(table, ("ts", "symbol", "rate", "venue"), "a table of funding rates")
    rows = query(table, "SELECT CAST(symbol AS VARCHAR) AS symbol, CAST(venue AS VARCHAR) AS "
                 "venue, CAST(floor((epoch_ns(ts) - 1) / 86400e9) AS BIGINT) AS day, sum(rate) AS "
                 "rate FROM {table} GROUP BY ALL")
    for k, coin in enumerate(coins):
        mine = rows["symbol"] == coin
        names, count = np.unique(rows["venue"][mine].astype(str), return_counts=True)
        if len(names):
            mine = mine & (rows["venue"] == names[np.argmax(count)])
            _place(out[:, k], day, rows["day"][mine], rows["rate"][mine])
    return out


def _place(column: Floats, day: Ints, days: Any, values: Any) -> None:
    """Put values of days (since 1970) where the column has them, at the end of each."""
    end = (np.asarray(days, np.int64) + 1) * DAY_NS
    place = np.searchsorted(day, end)
    fits = (place < len(day)) & (day[np.minimum(place, len(day) - 1)] == end)
    column[place[fits]] = np.asarray(values, np.float64)[fits]
