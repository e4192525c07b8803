"""How is a factor history kept? One Parquet file with its table of gaps, its source and a digest.

One row per day: `day` (the instant at which the moves end, UTC) and one column of moves per factor,
named as people name it, `BTC basis 30`; null where a day is not known. The file's metadata under
`counterpoise` holds the source, the table of gaps and the SHA-256 of all of it, so that a file that
was cut, edited or put together by hand is refused. A file is replaced as a whole or not at all.
"""

import json
import os
from typing import Any, Final

import numpy as np

from counterpoise.adapters.tables import FilePath
from counterpoise.calibration.factor_levels import (
    MICROSECOND_NS,
    Coverage,
    FactorRecord,
    Gap,
    gaps_of,
)
from counterpoise.scenarios.factors import (
    Factor,
    FactorHistory,
    factor_name,
    factor_named,
)
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.time import DAY_NS, day_text

KEY: Final = b"counterpoise"
FORMAT: Final = "factor history 1"
_DAYS_MAX: Final = 200_000
_FACTORS_MAX: Final = 20_000
_AGREE: Final = 1e-12


def record_digest(record: FactorRecord) -> str:
    """Return the SHA-256 of a history and its table of gaps."""
    history = record.history
    # A missing day has one representation, whatever NaN it came with.
    move = np.where(np.isnan(history.move), np.nan, history.move)
    return sha256_of(json.dumps([FORMAT, history.source, _coverage_tree(record.coverage)]),
                     history.day, move)


def write_factor_record(path: FilePath, record: FactorRecord) -> str:
    """Keep a record at `path` (Parquet) and return its digest.

    Raises
    ------
    BadInput
        If the path cannot be written, or the extra `data` is not installed.
    """
    name = os.fspath(path)
    arrow, parquet = _pyarrow(name)
    history, digest = record.history, record_digest(record)
    day = arrow.array(history.day // MICROSECOND_NS, arrow.timestamp("us", tz="UTC"))
    columns = {"day": day} | {
        factor_name(f): arrow.array(np.ascontiguousarray(move), from_pandas=True)
        for f, move in zip(history.factors, history.move.T, strict=True)}
    about = json.dumps({"format": FORMAT, "source": history.source, "digest": digest,
                        "coverage": _coverage_tree(record.coverage)})
    table = arrow.table(columns).replace_schema_metadata({KEY: about.encode()})
    beside = f"{name}.{os.getpid()}.new"
    try:
        parquet.write_table(table, beside, compression="zstd")
        os.replace(beside, name)
    except (OSError, arrow.ArrowException) as error:
        raise bad_input(Reason.UNREADABLE, name, f"cannot be written ({_first(error)})") from None
    finally:
        if os.path.exists(beside):
            os.remove(beside)
    return digest


def read_factor_record(path: FilePath) -> FactorRecord:
    """Return the record that `write_factor_record` kept, the same to the bit.

    Raises
    ------
    BadInput
        If the file is absent, damaged, too large, edited, or no factor history.
    """
    name = os.fspath(path)
    arrow, parquet = _pyarrow(name)
    try:
        with parquet.ParquetFile(name) as file:
            about = _about(name, file.metadata)
            table = file.read()
    except BadInput:
        raise
    except OSError as error:
        raise bad_input(Reason.UNREADABLE, name, f"cannot be read as a factor history "
                        f"({_first(error)})") from None
    except (arrow.ArrowException, ValueError, TypeError, MemoryError, OverflowError) as error:
        raise bad_input(Reason.UNREADABLE, name, "cannot be read as a factor history; it may be "
                        f"truncated or damaged ({_first(error)})") from None
    try:
        record = _record(table, about)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        if isinstance(error, BadInput):
            raise
        raise bad_input(Reason.UNREADABLE, name, "is a factor history that lacks a part "
                        f"({_first(error)}); build it again") from None
    if record_digest(record) != about.get("digest"):
        raise bad_input(Reason.UNREADABLE, name, "does not have the digest that was written into "
                        "it: it was damaged or edited; build it again")
    return record


def _about(name: str, metadata: Any) -> dict[str, Any]:
    if metadata.num_rows > _DAYS_MAX or metadata.num_columns > _FACTORS_MAX + 1:
        raise bad_input(Reason.TOO_LARGE, name, f"has {metadata.num_rows} days and "
                        f"{metadata.num_columns} columns; at most {_DAYS_MAX} days and "
                        f"{_FACTORS_MAX} factors")
    try:
        about = json.loads((metadata.metadata or {})[KEY])
    except (KeyError, ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise bad_input(Reason.UNREADABLE, name, "is no factor history; make one with: "
                        "counterpoise factors build")
    return about


def _record(table: Any, about: dict[str, Any]) -> FactorRecord:
    names = table.column_names
    columns = [np.asarray(table.column(name).to_numpy(), np.float64) for name in names[1:]]
    history = FactorHistory(
        factors=tuple(factor_named(name) for name in names[1:]), source=str(about["source"]),
        day=table.column("day").cast("int64").to_numpy().astype(np.int64) * MICROSECOND_NS,
        move=np.stack(columns, axis=1) if columns else np.zeros((table.num_rows, 0)))
    return FactorRecord(history=history, coverage=tuple(
        _coverage_row(row, f) for row, f in zip(about["coverage"], history.factors, strict=True)))


def _coverage_tree(coverage: tuple[Coverage, ...]) -> list[dict[str, Any]]:
    return [{"factor": factor_name(c.factor), "first_day": c.first_day, "last_day": c.last_day,
             "known": c.known, "missing": c.missing, "series": [list(s) for s in c.series],
             "gaps": [[g.first_day, g.last_day, g.why] for g in c.gaps]} for c in coverage]


def _coverage_row(row: dict[str, Any], factor: Factor) -> Coverage:
    if row["factor"] != factor_name(factor):
        raise ValueError(f"gaps of {row['factor'][:40]}")
    return Coverage(factor=factor, first_day=row["first_day"], last_day=row["last_day"],
                    known=row["known"], missing=row["missing"],
                    series=tuple((str(s), int(n)) for s, n in row["series"]),
                    gaps=tuple(Gap(first_day=a, last_day=b, why=w) for a, b, w in row["gaps"]))


def appended(old: FactorRecord, new: FactorRecord) -> FactorRecord:
    """Return `old` with the days of `new` after it; what both know must agree.

    A factor that only one of them has is unknown on the other's days. Days between the two that
    neither knows become a gap.

    Raises
    ------
    BadInput
        If a move on a common day differs: history is not rewritten, build it again.
    """
    a, b = old.history, new.history
    factors = (*a.factors, *(f for f in b.factors if f not in set(a.factors)))
    day = np.union1d(a.day, b.day)
    move = np.full((len(day), len(factors)), np.nan)
    _put(move, day, factors, b)
    fresh = move.copy()
    _put(move, day, factors, a)
    wrong = np.isfinite(fresh) & np.isfinite(move) & ~(np.abs(fresh - move) <= _AGREE)
    if wrong.any():
        raise BadInput(*(Failure(
            reason=Reason.BAD_VALUE, subject=f"{factor_name(factors[k])} "
            f"{day_text(int(day[t]))}", sentence=f"is {move[t, k]:.6g} in the store and "
            f"{fresh[t, k]:.6g} in what is added; a recorded day is not rewritten: build the store "
            "anew") for t, k in np.argwhere(wrong)[:20]))
    history = FactorHistory(factors=factors, day=day, move=np.where(np.isfinite(move), move, fresh),
                            source=a.source if a.source == b.source else f"{a.source}; then "
                            f"{b.source}")
    tables = [{c.factor: c for c in r.coverage} for r in (old, new)]
    return FactorRecord(history=history, coverage=tuple(
        _both(tables[0].get(f), tables[1].get(f), history, k) for k, f in enumerate(factors)))


def _put(move: np.ndarray[Any, Any], day: np.ndarray[Any, Any], factors: tuple[Factor, ...],
         history: FactorHistory) -> None:
    rows = np.searchsorted(day, history.day)
    known = np.isfinite(history.move)
    for k, factor in enumerate(history.factors):
        at = rows[known[:, k]]
        move[at, factors.index(factor)] = history.move[known[:, k], k]


def _both(old: Coverage | None, new: Coverage | None, history: FactorHistory, k: int) -> Coverage:
    """Return the coverage of one factor over both records; the reasons of each are kept."""
    rows = [c for c in (old, new) if c is not None]
    if len(rows) == 1:
        return rows[0]
    known = history.day[np.isfinite(history.move[:, k])] // DAY_NS
    why = {day: gap.why for c in reversed(rows) for gap in c.gaps
           for day in range(gap.first_day, gap.last_day + 1)}
    missing = np.setdiff1d(np.arange(known[0], known[-1] + 1), known)
    series = rows[0].series
    if len(known) > rows[0].known:
        series = (*series, ("added later: " + " / ".join(s for s, _ in rows[1].series),
                            len(known) - rows[0].known))
    return Coverage(
        factor=rows[0].factor, first_day=int(known[0]), last_day=int(known[-1]), known=len(known),
        missing=len(missing), series=series, gaps=gaps_of(
            missing, lambda day: why.get(day, "between what was stored and what was added")))


def _pyarrow(name: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, name, "needs pyarrow to be read or written; install "
                        "it with: pip install 'counterpoise[data]'") from None
    return pyarrow, pyarrow.parquet


def _first(error: BaseException) -> str:
    return " ".join(str(error).split("\n", 1)[0].split())[:160]
