"""The log as a table: one Parquet file, a row per record, for auditors and for keeping elsewhere.

Payloads stay the bytes they are. `hash` is the record's own, so that the table can be held against
any copy of the log.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from counterpoise.adapters.store.records import Mark, Record
from counterpoise.values.failure import Reason, bad_input

_ROWS: Final = 65_536


def export_parquet(path: str | os.PathLike[str], found: Iterable[tuple[Record, Mark]]) -> int:
    """Write records with their marks as a Parquet file and return how many.

    Raises
    ------
    BadInput
        If the path cannot be written, or the extra is not installed.
    """
    name = os.fspath(path)
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, name, "needs pyarrow to be written; install it "
                        "with: pip install 'counterpoise[data]'") from None
    schema = pa.schema([
        ("number", pa.int64()), ("type", pa.string()), ("cause", pa.int64()),
        ("time", pa.int64()), ("kind", pa.string()), ("client_id", pa.string()),
        ("accounts", pa.list_(pa.string())), ("payload", pa.binary()), ("hash", pa.binary(32))])
    count = 0
    try:
        with parquet.ParquetWriter(name, schema) as writer:
            for rows in _chunks(iter(found)):
                writer.write_table(pa.table(_columns(rows), schema=schema))
                count += len(rows)
    except OSError as error:
        raise bad_input(Reason.UNREADABLE, name, f"cannot be written ({error})") from None
    return count


def _chunks(found: Iterator[tuple[Record, Mark]]) -> Iterator[list[tuple[Record, Mark]]]:
    while rows := list(islice(found, _ROWS)):
        yield rows


def _columns(rows: list[tuple[Record, Mark]]) -> dict[str, list[Any]]:
    return {"number": [r.number for r, _ in rows],
            "type": [r.type.name.lower() for r, _ in rows],
            "cause": [r.cause or None for r, _ in rows], "time": [r.time for r, _ in rows],
            "kind": [r.kind for r, _ in rows],
            "client_id": [r.client_id or None for r, _ in rows],
            "accounts": [list(r.accounts) for r, _ in rows],
            "payload": [r.payload for r, _ in rows], "hash": [mark.hash for _, mark in rows]}
