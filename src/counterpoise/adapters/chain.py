"""What did a whole option chain look like at one stamp?

Reads files with one row per option and collection run (Deribit's inverse options: mark price in
coin, mark volatility, forward of the expiry, index) into a `MarketSnapshot` by the rule of
`market.assemble`. The catalogue is the options of the stamp, a perpetual per currency, and the
dated futures that the rows name as their underlying; `SYN.BTC-7JAN26` (a synthetic forward) and
`index_price` (the index itself, near expiry) are no instruments. Perpetual prices stand in a file
of their own; without it, or without a row of the stamp, the perpetual exists and its mark is
missing.
"""

import os
import re
from typing import Any, Final

import numpy as np

from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.adapters.tables import (
    FilePath,
    Table,
    not_numbers,
    number_column,
    opened,
    query,
    require_columns,
)
from counterpoise.instruments.catalogue import Catalogue, catalogue
from counterpoise.instruments.contracts import Instrument
from counterpoise.instruments.listing import Listing, perpetual
from counterpoise.market.assemble import QuoteRows, quotes_of, snapshot_of
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.time import SECOND_NS, format_instant, parse_instant

_NUMBERS: Final = ("mark_price", "mark_iv", "underlying_price", "index_price")
_WANTED: Final = ("snapshot_ts", "instrument", *_NUMBERS)
_PERPETUAL_WANTED: Final = ("snapshot_ts", "instrument", "perp_price")
_FUTURE: Final = re.compile(r"[A-Z0-9]+-\d{1,2}[A-Z]{3}\d\d", re.ASCII)
_SHOWN_MAX: Final = 20
_OLD_NS: Final = 12 * 3600 * SECOND_NS
"""Chains are collected every six hours; who asks for a time more than two of those after the last
snapshot means another file."""


def read_market(path: FilePath, *, at: int | None = None,
                perpetuals: FilePath | None = None) -> MarketSnapshot:
    """Return the market in a file: one of our own snapshots or an option chain.

    Raises
    ------
    BadInput
        As `read_chain` and `snapshot_file.read_snapshot`.
    """
    from counterpoise.adapters.snapshot_file import is_snapshot, snapshot_in

    table = opened(path)
    if is_snapshot(table):
        return snapshot_in(table)
    return _chain_in(table, at, perpetuals)


def market_at(path: FilePath, at: int, perpetuals: FilePath | None = None) -> MarketSnapshot:
    """Return the market in a file that stands for the time `at` (ns), not long before, not after.

    Raises
    ------
    BadInput
        As `read_market`, and if its last snapshot at or before `at` is older than 12 hours.
    """
    market = read_market(path, at=at, perpetuals=perpetuals)
    failures = untimely(market, path=path, at=at)
    if failures:
        raise BadInput(*failures)
    return market


def untimely(market: MarketSnapshot, *, path: FilePath, at: int) -> list[Failure]:
    """Return why the market of the file at `path` cannot stand for the time `at` (ns), if so."""
    asked, found = format_instant(at), format_instant(market.as_of)
    if market.as_of > at:
        return [Failure(reason=Reason.BAD_TIME, subject=os.fspath(path), sentence=(
            f"is of {found}, after the time asked for, {asked}; ask for {found} or take another"))]
    if at - market.as_of > _OLD_NS:
        return [Failure(reason=Reason.STALE, subject=os.fspath(path), sentence=(
            f"has no snapshot in the 12 hours before {asked}; the last one is of {found}: ask for "
            "that time"))]
    return []


def read_chain(path: FilePath, *, at: int | None = None,
               perpetuals: FilePath | None = None) -> MarketSnapshot:
    """Return the last snapshot of a chain file at or before `at` (ns); the last one without `at`.

    Raises
    ------
    BadInput
        If the file is no chain, or has no snapshot so early.
    """
    return _chain_in(opened(path), at, perpetuals)


def snapshots(path: FilePath) -> tuple[int, ...]:
    """Return the instants (ns) of the snapshots in a chain file, in order."""
    table = opened(path)
    require_columns(table, _WANTED, "an option chain")
    return tuple(sorted(_stamps(table)))


def _stamps(table: Table) -> dict[int, object]:
    """Return {instant: what selects its rows} of a table with a snapshot_ts column."""
    kind = table.columns["snapshot_ts"]
    if kind == "TIMESTAMP WITH TIME ZONE":
        found = query(table, "SELECT DISTINCT epoch_ns(snapshot_ts) AS t FROM {table} "
                      "WHERE snapshot_ts IS NOT NULL")["t"]
        return {int(t): int(t) for t in found}
    if kind != "VARCHAR":
        raise bad_input(Reason.BAD_TIME, table.path, f"has snapshot_ts of type {kind}, which says "
                        "no time zone; write it in UTC with a zone")
    texts = query(table, "SELECT DISTINCT snapshot_ts AS t FROM {table} "
                  "WHERE snapshot_ts IS NOT NULL")["t"]
    return {parse_instant(text.strip(), subject="snapshot_ts"): text for text in texts}


def _selection(table: Table) -> str:
    text = table.columns["snapshot_ts"] == "VARCHAR"
    return "snapshot_ts = ?" if text else "epoch_ns(snapshot_ts) = ?"


def _chain_in(table: Table, at: int | None, perpetuals: FilePath | None) -> MarketSnapshot:
    require_columns(table, _WANTED, "an option chain")
    stamps = _stamps(table)
    stamp = max((t for t in stamps if at is None or t <= at), default=None)
    if stamp is None:
        first = f"; its first is of {format_instant(min(stamps))}" if stamps else ""
        raise bad_input(Reason.STALE, table.path, f"has no snapshot at or before "
                        f"{format_instant(at) if at is not None else 'any time'}{first}")
    rows = _rows(table, stamps[stamp])
    options, names = _instruments(rows["instrument"], table.path)
    coins = sorted({c.underlying for c in options})
    perps = [perpetual(Listing(underlying=c, quote="USD", settlement=c)) for c in coins]
    futures = _futures(rows)
    instruments = catalogue([*dict.fromkeys(options), *perps, *futures.values()])
    quotes = _quote_rows(rows, names, futures, instruments)
    if perpetuals is not None:
        quotes = _joined(quotes, _perpetual_rows(opened(perpetuals), stamp, instruments))
    return snapshot_of(quotes_of(quotes, instruments), as_of=stamp, prices={},
                       sequence=stamp // 1_000_000,
                       source=f"option chain {os.path.basename(table.path)}, observed "
                       f"{format_instant(stamp)}")


def _rows(table: Table, selector: object) -> dict[str, np.ndarray[Any, Any]]:
    _refuse_non_numbers(table, selector)
    numbers = ", ".join(f"{number_column(table, c)} AS {c}" for c in _NUMBERS)
    underlying = "underlying_name" if "underlying_name" in table.columns else "NULL::VARCHAR"
    return query(table, f"SELECT trim(instrument) AS instrument, {underlying} AS underlying_name, "
                 f"{numbers} FROM {{table}} WHERE {_selection(table)}", selector)


def _refuse_non_numbers(table: Table, selector: object) -> None:
    failures: list[Failure] = []
    for column in _NUMBERS:
        wrong = not_numbers(table, column)
        if wrong is None:
            continue
        found = query(table, f"SELECT instrument, {column} AS text FROM {{table}} "
                      f"WHERE {_selection(table)} AND {wrong} LIMIT {_SHOWN_MAX}", selector)
        failures.extend(Failure(
            reason=Reason.NOT_A_NUMBER, subject=f"{name} {column}",
            sentence=f"{text[:40]!r} is not a number; write decimals with a point and no "
            "thousands separator") for name, text in zip(found["instrument"], found["text"],
                                                         strict=True))
    if failures:
        raise BadInput(*failures)


def _instruments(symbols: Any, path: str) -> tuple[list[Instrument], dict[str, Instrument]]:
    names: dict[str, Instrument] = {}
    failures: list[Failure] = []
    for symbol in dict.fromkeys(symbols.tolist()):
        try:
            names[symbol] = instrument_of(symbol or "", "deribit")
        except BadInput as wrong:
            failures.extend(wrong.failures)
    if failures:
        rest = len(failures) - _SHOWN_MAX
        more = [Failure(reason=Reason.UNKNOWN_INSTRUMENT, subject=path,
                        sentence=f"and {rest} more names that are none")] if rest > 0 else []
        raise BadInput(*failures[:_SHOWN_MAX], *more)
    return list(names.values()), names


def _futures(rows: dict[str, np.ndarray[Any, Any]]) -> dict[str, Instrument]:
    names = {n for n in rows["underlying_name"].tolist() if n and _FUTURE.fullmatch(n)}
    return {name: instrument_of(name, "deribit") for name in sorted(names)}


def _quote_rows(rows: dict[str, np.ndarray[Any, Any]], names: dict[str, Instrument],
                futures: dict[str, Instrument], instruments: Catalogue) -> QuoteRows:
    column = {name: instruments.column[c.id] for name, c in names.items()}
    quotes = QuoteRows(
        instrument=np.array([column[n] for n in rows["instrument"].tolist()], np.int64),
        mark=rows["mark_price"], forward=rows["underlying_price"], volatility=rows["mark_iv"],
        index=rows["index_price"], age_ns=np.zeros(len(rows["mark_price"]), np.int64))
    places = [instruments.column[c.id] for c in futures.values()]
    marks = [_median_forward(rows, name) for name in futures]
    return _joined(quotes, _delta_one_rows(places, marks, [0] * len(places)))


def _median_forward(rows: dict[str, np.ndarray[Any, Any]], future: str) -> float:
    forwards = rows["underlying_price"][rows["underlying_name"] == future]
    return float(np.median(forwards[np.isfinite(forwards)])) if np.isfinite(forwards).any() else (
        float("nan"))


def _delta_one_rows(places: list[int], marks: list[float], ages_ns: list[int]) -> QuoteRows:
    silent = np.full(len(places), np.nan)
    return QuoteRows(instrument=np.array(places, np.int64), mark=np.array(marks, np.float64),
                     forward=silent, volatility=silent, index=silent,
                     age_ns=np.array(ages_ns, np.int64))


def _joined(first: QuoteRows, second: QuoteRows) -> QuoteRows:
    return QuoteRows(**{name: np.concatenate([getattr(first, name), getattr(second, name)])
                        for name in ("instrument", "mark", "forward", "volatility", "index",
                                     "age_ns")})


def _perpetual_rows(table: Table, stamp: int, instruments: Catalogue) -> QuoteRows:
    require_columns(table, _PERPETUAL_WANTED, "a table of perpetual prices")
    stamps = _stamps(table)
    if stamp not in stamps:
        return _delta_one_rows([], [], [])
    timed = table.columns.get("candle_open_ts") == "TIMESTAMP WITH TIME ZONE"
    opened_at = "epoch_ns(candle_open_ts)" if timed else str(stamp)
    rows = query(table, f"SELECT trim(instrument) AS instrument, "
                 f"{number_column(table, 'perp_price')} AS mark, {opened_at} AS opened_at "
                 f"FROM {{table}} WHERE {_selection(table)}", stamps[stamp])
    _, names = _instruments(rows["instrument"], table.path)
    places, marks, ages = [], [], []
    for name, mark, moment in zip(rows["instrument"].tolist(), rows["mark"].tolist(),
                                  rows["opened_at"].tolist(), strict=True):
        if names[name].id in instruments.column:
            places.append(instruments.column[names[name].id])
            marks.append(mark)
            ages.append(max(stamp - moment, 0))
    return _delta_one_rows(places, marks, ages)
