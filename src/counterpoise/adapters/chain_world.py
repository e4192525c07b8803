"""Recorded option chains as a world to replay: one snapshot per day, the last one of the day.

Contracts that expire inside a margin period settle at the index of the snapshot nearest to their
expiry, at most half a day off: *our reading*, since the average of the settlement window is not
recorded. Markets are read when they are asked for; the last few are kept.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np

from counterpoise.adapters.chain import read_chain, snapshots
from counterpoise.adapters.tables import FilePath, number_column, opened, query, require_columns
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Path = tuple[Ints, Floats]
"""Instants (ns), increasing, and a number at each."""
_KEPT: Final = 4
_OFF_NS: Final = DAY_NS // 2


@frozen
class ChainWorld:
    """A world (`backtest.world`) of recorded chains; build it with `chain_world`.

    `read` returns the market of a stamp; `indices` {coin: path of the index over all snapshots};
    `rates` {coin: path of funding rates}.
    """

    source: str
    stamps: Ints
    read: Callable[[int], MarketSnapshot]
    indices: dict[str, Path]
    rates: dict[str, Path]
    simulated: bool = False

    def days(self) -> Ints:
        """Return the last snapshot of each day (UTC)."""
        last = np.append(self.stamps[1:] // DAY_NS != self.stamps[:-1] // DAY_NS, True)
        return np.asarray(self.stamps[last])

    def market(self, at: int) -> MarketSnapshot:
        """Return the snapshot of a stamp."""
        return self.read(int(at))

    def again(self, held: MarketSnapshot, at: int) -> MarketSnapshot:
        """Return the snapshot of another stamp, with all that it lists."""
        return self.read(int(at))

    def delivery_price(self, underlying: str, expiry: int) -> float:
        """Return the index nearest to the expiry; NaN where none is within half a day."""
        when, level = self.indices.get(underlying, (np.zeros(0, np.int64), np.zeros(0)))
        if not len(when):
            return float("nan")
        place = int(np.argmin(np.abs(when - expiry)))
        near = abs(int(when[place]) - expiry) <= _OFF_NS
        return float(level[place]) if near else float("nan")

    def funding(self, underlying: str, begin: int, end: int) -> float:
        """Return the sum of funding rates in (begin, end]; NaN where none is recorded."""
        when, rate = self.rates.get(underlying, (np.zeros(0, np.int64), np.zeros(0)))
        inside = rate[(when > begin) & (when <= end)]
        return float(inside.sum()) if len(inside) else float("nan")


def chain_world(files: tuple[FilePath, ...], *, perpetuals: FilePath | None = None,
                funding: FilePath | None = None) -> ChainWorld:
    """Return the world of one or several chain files.

    Raises
    ------
    BadInput
        If a file is no chain, or there is none.
    """
    where = {stamp: file for file in files for stamp in snapshots(file)}
    if not where:
        raise bad_input(Reason.UNREADABLE, ", ".join(map(str, files)) or "chains", "has no "
                        "snapshot; give files of option chains")

    @lru_cache(maxsize=_KEPT)
    def read(stamp: int) -> MarketSnapshot:
        return read_chain(where[stamp], at=stamp, perpetuals=perpetuals)

    return ChainWorld(
        source=f"{len(files)} files of recorded option chains, the last snapshot of each day",
        stamps=np.array(sorted(where), np.int64), read=read, indices=_indices(files),
        rates={} if funding is None else funding_rates(funding))


def _indices(files: tuple[FilePath, ...]) -> dict[str, Path]:
    rows: dict[str, list[tuple[int, float]]] = {}
    for file in files:
        table = opened(file)
        text = table.columns["snapshot_ts"] == "VARCHAR"
        instant = ("epoch_ns(CAST(snapshot_ts AS TIMESTAMPTZ))" if text
                   else "epoch_ns(snapshot_ts)")
        found = query(table, f"SELECT {instant} AS at, split_part(trim(instrument), '-', 1) AS "
                      f"coin, median({number_column(table, 'index_price')}) AS level FROM {{table}}"
                      " WHERE index_price IS NOT NULL AND snapshot_ts IS NOT NULL GROUP BY ALL")
        for at, coin, level in zip(found["at"].tolist(), found["coin"].tolist(),
                                   found["level"].tolist(), strict=True):
            rows.setdefault(coin, []).append((at, level))
    return {coin: _path(found) for coin, found in rows.items()}


def funding_rates(file: FilePath) -> dict[str, Path]:
    """Return {coin: path of rates per interval}, of the venue that has most of a coin.

    Raises
    ------
    BadInput
        If the file is no table of funding rates.
    """
    table = opened(file)
    require_columns(table, ("ts", "symbol", "venue", "rate"), "a table of funding rates")
    found = query(table, "SELECT epoch_ns(ts) AS at, CAST(symbol AS VARCHAR) AS symbol, "
                  "CAST(venue AS VARCHAR) AS venue, CAST(rate AS DOUBLE) AS rate FROM {table}")
    paths = {}
    for coin in np.unique(found["symbol"].astype(str)).tolist():
        mine = found["symbol"] == coin
        names, count = np.unique(found["venue"][mine].astype(str), return_counts=True)
        mine = mine & (found["venue"] == names[np.argmax(count)])
        paths[coin] = _path(list(zip(found["at"][mine].tolist(), found["rate"][mine].tolist(),
                                     strict=True)))
    return paths


def _path(rows: list[tuple[int, float]]) -> Path:
    ordered = sorted(dict(rows).items())
    return (np.array([at for at, _ in ordered], np.int64),
            np.array([number for _, number in ordered], np.float64))
