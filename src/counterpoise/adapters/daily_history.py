"""Which days does a folder of market data hold? Files of prices, an index and funding -> a panel.

Reads `prices/daily_returns_stitched.parquet` and, from the same market, the day's high and low of
`prices/daily.parquet`; variance inside the day from hourly bars (else bars of four hours); DVOL
from `vol_index/`; BTC funding. Nothing after `until` leaves the files: a configuration that was
chosen with a cut-off has not seen what lies behind it. Nothing is filled forward.
"""

import os
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from counterpoise.adapters.tables import FilePath, opened, query
from counterpoise.calibration.prediction.daily_panel import DailyPanel
from counterpoise.values.failure import Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
HOURLY_MIN: Final = 20
"""Hours a day must have for its realised variance, as for a stitched return."""
FOUR_HOURLY_MIN: Final = 5
_PARKINSON: Final = "4 * ln(2)"

_RETURNS: Final = """SELECT symbol::VARCHAR symbol, epoch_ms(date) // 86400000 AS day,
    market::VARCHAR market, log_return::DOUBLE AS value FROM {table}
    WHERE epoch_ms(date) // 86400000 <= $1 AND list_contains($2, symbol::VARCHAR)"""
_RANGES: Final = f"""SELECT symbol::VARCHAR symbol, epoch_ms(date) // 86400000 AS day,
    market::VARCHAR market, power(ln(high / low), 2) / ({_PARKINSON}) AS value FROM {{table}}
    WHERE epoch_ms(date) // 86400000 <= $1 AND venue = 'binance'
    AND list_contains($2, symbol::VARCHAR)"""
# Ordered: the last bit of a sum must not depend on which thread came first.
_BARS: Final = """SELECT symbol, venue, day,
    sum(move * move ORDER BY began) * $3 / count(*) AS value FROM (
    SELECT symbol::VARCHAR symbol, venue::VARCHAR venue, epoch_ms(ts) // 86400000 AS day,
        epoch_ms(ts) AS began,
        ln(close / lag(close) OVER bar) AS move,
        epoch_ms(ts) - lag(epoch_ms(ts)) OVER bar AS step FROM {table}
    WHERE epoch_ms(ts) // 86400000 <= $1 AND list_contains($2, symbol::VARCHAR)
    WINDOW bar AS (PARTITION BY symbol, venue ORDER BY ts))
    WHERE step = 86400000 / $3 GROUP BY ALL HAVING count(*) >= $4"""
_INDEX: Final = """SELECT symbol::VARCHAR symbol, epoch_ms(date) // 86400000 AS day,
    power(close / 100, 2) / 365 AS value FROM {table} WHERE epoch_ms(date) // 86400000 <= $1"""
_FUNDING: Final = """SELECT 'BTC' AS symbol, epoch_ms(date) // 86400000 AS day,
    funding_mean::DOUBLE AS value FROM {table} WHERE epoch_ms(date) // 86400000 <= $1"""
_SOURCES: Final = (
    ("prices/spot_4h.parquet", "binance", 6, FOUR_HOURLY_MIN),
    ("prices/spot_1h.parquet", "bitstamp", 24, HOURLY_MIN),
    ("prices/perp_1h.parquet", "binance", 24, HOURLY_MIN),
    ("prices/spot_1h.parquet", "binance", 24, HOURLY_MIN),
)
"""Bars per day of each source of variance inside the day; a later one takes the place of an
earlier one."""


def read_daily_panel(folder: FilePath, *, coins: Sequence[str], until: str) -> DailyPanel:
    """Return the panel of `coins` in a folder of market data, up to and with the day `until`.

    Parameters
    ----------
    until : ISO date, for instance 2023-12-31: no later row is read from any file.

    Raises
    ------
    BadInput
        If a file is missing or damaged, a coin is unknown, or the date is none.
    """
    wanted = (_day(until), list(coins))
    returns = _asked(folder, "prices/daily_returns_stitched.parquet", _RETURNS, *wanted)
    absent = sorted(set(coins) - set(returns["symbol"]))
    if absent:
        raise bad_input(Reason.UNKNOWN_ASSET, absent[0], f"has no daily returns up to {until} in "
                        f"{os.fspath(folder)}; leave it out or name a later day")
    first, last = int(returns["day"].min()), int(returns["day"].max())
    shape = _Shape(tuple(coins), first, last)
    markets = shape.table(returns, column="market")
    ranges = _asked(folder, "prices/daily.parquet", _RANGES, *wanted)
    ranges = _rows(ranges, shape.at(ranges, markets) == ranges["market"])
    index = [_asked(folder, f"vol_index/dvol_{coin}_daily.parquet", _INDEX, wanted[0])
             for coin in ("btc", "eth")]
    funding = _asked(folder, "funding/btc_funding_daily_mean.parquet", _FUNDING, wanted[0])
    return DailyPanel(
        coins=tuple(coins), day=np.arange(first, last + 1), log_return=shape.table(returns),
        range_variance=shape.table(ranges), realised_variance=_realised(folder, shape, wanted),
        implied_variance=shape.table(*index), funding=shape.table(funding))


def _realised(folder: FilePath, shape: "_Shape", wanted: tuple[int, list[str]]) -> Floats:
    found = []
    for file, venue, bars, least in _SOURCES:
        rows = _asked(folder, file, _BARS, *wanted, bars, least)
        found.append(_rows(rows, rows["venue"] == venue))
    return shape.table(*found)


class _Shape:
    """Where a row of a file stands in the panel."""

    def __init__(self, coins: tuple[str, ...], first: int, last: int) -> None:
        self.column = {coin: k for k, coin in enumerate(coins)}
        self.first, self.count = first, last - first + 1

    def table(self, *tables: dict[str, np.ndarray[Any, Any]],
              column: str = "value") -> np.ndarray[Any, Any]:
        """Return [day, coin] of one column; a later table takes the place of an earlier one."""
        kind: Any = float if column == "value" else object
        filled = np.full((self.count, len(self.column)), np.nan if kind is float else None, kind)
        for rows in tables:
            inside = _rows(rows, self._inside(rows))
            self._refuse_twice(inside)
            filled[self._places(inside)] = inside[column]
        return filled

    def at(self, rows: dict[str, np.ndarray[Any, Any]],
           filled: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return what a table of the panel's shape holds at each row of a file."""
        found = np.full(len(rows["day"]), None, object)
        inside = self._inside(rows)
        found[inside] = filled[self._places(_rows(rows, inside))]
        return found

    def _refuse_twice(self, rows: dict[str, np.ndarray[Any, Any]]) -> None:
        day, coin = self._places(rows)
        place, count = np.unique(day * len(self.column) + coin, return_counts=True)
        if (count > 1).any():
            twice, k = divmod(int(place[np.argmax(count > 1)]), len(self.column))
            raise bad_input(Reason.DUPLICATE, f"{tuple(self.column)[k]} "
                            f"{np.datetime64(self.first + twice, 'D')}", "stands twice in one "
                            "table of the market data; keep one row for each coin and day")

    def _inside(self, rows: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        known = np.array([symbol in self.column for symbol in rows["symbol"]], bool)
        day = rows["day"]
        return known & (day >= self.first) & (day < self.first + self.count)

    def _places(self, rows: dict[str, np.ndarray[Any, Any]]) -> tuple[Any, Any]:
        return (rows["day"].astype(np.int64) - self.first,
                np.array([self.column[symbol] for symbol in rows["symbol"]], np.int64))


def _rows(table: dict[str, np.ndarray[Any, Any]],
          keep: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: column[keep] for name, column in table.items()}


def _asked(folder: FilePath, file: str, sql: str,
           *parameters: object) -> dict[str, np.ndarray[Any, Any]]:
    return query(opened(os.path.join(folder, file)), sql, *parameters)


def _day(text: str) -> int:
    try:
        return int(np.datetime64(text, "D").astype(np.int64))
    except ValueError:
        raise bad_input(Reason.BAD_TIME, "until", f"{text!r} is no date; write it like "
                        "2023-12-31") from None
