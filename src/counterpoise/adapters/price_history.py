"""What do files say about the daily closes and volatilities of coins?

Closes, and volatility indices in percent, are read as for calibration (`adapters.factor_sources`).
Of several series of a coin the first in the order spot before perpetual, more days before fewer,
has the day. Volatilities come, best first, from tables of a volatility index, from fitted surfaces
(`date`, `tenor_days`, `moneyness`, `iv`), else from the returns until that day; funding from a
table with `ts`, `symbol` and `rate`.
"""

import os
from typing import Any, Final

import numpy as np

from counterpoise.adapters.factor_sources import read_closes, read_index_percents
from counterpoise.adapters.tables import FilePath, Table, opened, query, require_columns
from counterpoise.backtest.price_world import ORIGINS, PriceHistory
from counterpoise.calibration.closes import preferred
from counterpoise.calibration.factor_levels import JUMP_MAX, jump_words
from counterpoise.scenarios.variance import ewma_variance
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, day_text

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
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
    """Say whether a table holds closes of coins, by day or by bar."""
    names = table.columns.keys()
    return ({"symbol", "close"} <= names and bool({"date", "ts"} & names)
            and "strike" not in names)


def price_history(files: PriceFiles) -> PriceHistory:
    """Return the history that the files hold.

    Raises
    ------
    BadInput
        If a file is none of this kind, or has no price of a coin asked for.
    """
    series = read_closes(os.fspath(files.prices))
    coins = tuple(sorted(set(files.coins)))
    symbols = sorted({one.symbol for one in series})
    missing = [c for c in coins if c not in symbols]
    if missing:
        raise bad_input(Reason.UNKNOWN_ASSET, ", ".join(missing), f"has no price in {files.prices}"
                        "; it has " + ", ".join(symbols[:40]))
    first, last = (int(end(end(one.day) for one in series)) for end in (min, max))
    # The close of a day is known when the day has ended.
    day = (np.arange(first, last + 1, dtype=np.int64) + 1) * DAY_NS
    close, origin = np.full((len(day), len(coins)), np.nan), np.zeros((len(day), len(coins)), int)
    for k, coin in enumerate(coins):
        mine = [one for one in preferred(series) if one.symbol == coin]
        for rank, one in enumerate(reversed(mine), 1):
            # What is preferred comes last and has the day.
            close[one.day - first, k], origin[one.day - first, k] = one.close, rank
    _refuse_jumps(files, coins, day, close, origin)
    volatility, known = _volatilities(files, coins, day, close, origin)
    return PriceHistory(
        coins=coins, day=day, close=close, origin=origin.astype(np.int64), volatility=volatility,
        volatility_origin=known, funding=_funding(files, coins, day),
        source=f"daily closes of {', '.join(coins)}")


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
        for symbol, days, percent in read_index_percents(os.fspath(path)):
            if symbol in coins:
                _place(out[:, coins.index(symbol)], day, days, percent / 100)
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
