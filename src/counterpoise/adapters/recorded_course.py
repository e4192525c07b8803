"""How did a market move that somebody recorded? A folder of snapshots, or a table of prices.

A folder holds snapshot files (`adapters.snapshot_file`), taken in order of their times. A table has
the columns `ts` (begin of a bar), `symbol`, `close` in USD, and may have `market` (`spot`, `perp`):
the index is the spot price where there is one, a perpetual's mark the perpetual's; BTC and ETH have
perpetuals in coin and in USDC, other coins in USDC. A close is known at the end of its bar. Nothing
is filled: a price that the recording lacks is not quoted, and grows old.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from counterpoise.adapters.snapshot_file import read_snapshot
from counterpoise.adapters.tables import FilePath, number_column, opened, query, require_columns
from counterpoise.instruments.catalogue import Catalogue, catalogue
from counterpoise.instruments.contracts import Instrument
from counterpoise.instruments.listing import Listing, perpetual
from counterpoise.market.assemble import snapshot_of
from counterpoise.market.course import Course
from counterpoise.market.quotes import Quotes, silence
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import DAY_NS, day_text

Rows = dict[str, np.ndarray[Any, Any]]
INVERSE_COINS: Final = ("BTC", "ETH")


def recorded_course(path: FilePath, *, coins: tuple[str, ...], day: int | None = None) -> Course:
    """Return the course of a folder of snapshots, or of a table's prices of `coins`.

    `day` (ns) keeps one day of UTC of a table.

    Raises
    ------
    BadInput
        If there is no such recording, it has fewer than two steps, or lacks a coin.
    """
    if os.path.isdir(path):
        return _of_snapshots(Path(path))
    return _of_prices(path, coins, day)


def _of_snapshots(folder: Path) -> Course:
    paths = sorted(p for p in folder.iterdir() if p.suffix == ".parquet")
    seen = sorted(((read_snapshot(p), p) for p in paths), key=lambda pair: pair[0].as_of)
    times = np.array([snapshot.as_of for snapshot, _ in seen], np.int64)
    _refuse_no_course(str(folder), times)
    listed = {c.id: c for snapshot, _ in seen for c in snapshot.catalogue.instruments}
    order = [p for _, p in seen]

    def after(step: int) -> Iterator[MarketSnapshot]:
        return (read_snapshot(p) for p in order[step + 1:])

    return Course(catalogue=catalogue(list(listed.values())), first=seen[0][0],
                  interval_ns=int(np.diff(times).max()), after=after)


def _of_prices(path: FilePath, coins: tuple[str, ...], day: int | None) -> Course:
    rows = _price_rows(path, coins, day)
    missing = sorted(set(coins) - set(rows["symbol"].tolist()))
    if missing:
        raise bad_input(Reason.UNKNOWN_ASSET, ", ".join(missing), f"has no price in {path}"
                        + (f" on {day_text(day)}" if day is not None else ""))
    times = np.unique(rows["ts"])
    _refuse_no_course(os.fspath(path), times)
    bar = int(np.diff(times).min())
    terms = catalogue(_listed(coins))
    spot, perp = (_grid(rows, times, terms, market) for market in ("spot", "perp"))
    # A close is known at the end of its bar.
    known, name = times + bar, os.path.basename(os.fspath(path))

    def at(step: int) -> MarketSnapshot:
        columns = silence(terms)
        columns["index"] = np.where(np.isnan(spot[step]), perp[step], spot[step])
        columns["mark"] = np.where(np.isnan(perp[step]), spot[step], perp[step])[terms.underlying]
        return snapshot_of(Quotes(catalogue=terms, **columns), as_of=int(known[step]),
                           prices={"USDC": 1.0}, sequence=step + 1,
                           source=f"recorded closes of {name}; USDC taken as a dollar")

    def after(step: int) -> Iterator[MarketSnapshot]:
        return (at(k) for k in range(step + 1, len(times)))

    return Course(catalogue=terms, first=at(0), interval_ns=int(np.diff(times).max()), after=after)


def _refuse_no_course(name: str, times: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    if len(times) < 2:
        raise bad_input(Reason.UNREADABLE, name, f"has {len(times)} steps of a market; a course "
                        "has two or more")
    if bool(np.any(np.diff(times) <= 0)):
        raise bad_input(Reason.DUPLICATE, name, "has two snapshots of one time; keep one of them")


def _price_rows(path: FilePath, coins: tuple[str, ...], day: int | None) -> Rows:
    table = opened(path)
    require_columns(table, ("ts", "symbol", "close"), "a table of recorded prices")
    close = number_column(table, "close")
    market = "CAST(market AS VARCHAR)" if "market" in table.columns else "'spot'"
    begin = "epoch_ns(CAST(ts AS TIMESTAMPTZ))"
    named = ", ".join("'" + coin.replace("'", "''") + "'" for coin in coins)
    wanted = f"AND {begin} >= {day} AND {begin} < {day + DAY_NS}" if day is not None else ""
    return query(table, f"SELECT {begin} AS ts, CAST(symbol AS VARCHAR) AS symbol, {market} AS "
                 f"market, max({close}) AS close FROM {{table}} WHERE {close} > 0 AND "
                 f"CAST(symbol AS VARCHAR) IN ({named}) {wanted} GROUP BY ALL ORDER BY ALL")


def _listed(coins: tuple[str, ...]) -> list[Instrument]:
    listed: list[Instrument] = [perpetual(Listing(underlying=c, quote="USDC", settlement="USDC"))
                                for c in coins]
    return listed + [perpetual(Listing(underlying=c, quote="USD", settlement=c)) for c in coins
                     if c in INVERSE_COINS]


def _grid(rows: Rows, times: np.ndarray[Any, np.dtype[np.int64]], terms: Catalogue,
          market: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the closes of a market, [step, underlying], NaN where the table has none."""
    out = np.full((len(times), len(terms.underlyings)), np.nan)
    for k, coin in enumerate(terms.underlyings):
        mine = (rows["symbol"] == coin) & (rows["market"] == market)
        out[np.searchsorted(times, rows["ts"][mine]), k] = rows["close"][mine]
    return out
