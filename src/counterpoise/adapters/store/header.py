"""By what was a log begun? Its first record says which codec and which forms it is written in.

It may tell more, such as whose prices the log lives on. What it tells is shown; what it is written
in must be what the reader reads.
"""

import json
from typing import Any

from counterpoise.adapters.store.records import (
    START,
    Mark,
    Record,
    RecordType,
    frame_of,
    hash_of,
    record_in,
)
from counterpoise.adapters.store.store import Store
from counterpoise.values.failure import Reason, bad_input


def begin(store: Store, header: dict[str, Any]) -> None:
    """Write the first record of a new log."""
    record = Record(1, RecordType.HEADER, 0, 0, "header", "", (), _header_text(header))
    frame = frame_of(record, START.hash)
    store.commit((frame,), Mark(number=1, hash=hash_of(frame)), 0)


def refuse_other_header(store: Store, header: dict[str, Any]) -> None:
    """Refuse a log that was begun by something else.

    Raises
    ------
    BadInput
        Saying by what, and how to upgrade.
    """
    first = record_in(store.frames(0, 1)[0], START)
    found = _header_in(first)
    if first.type != RecordType.HEADER or {n: found.get(n) for n in header} != header:
        raise bad_input(Reason.UNREADABLE, store.place, "was begun by "
                        f"{first.payload[:200].decode(errors='replace')}; this program writes "
                        f"{_header_text(header).decode()}. Upgrade the log with counterpoise "
                        "upgrade, or take the program that wrote it")


def told_by(store: Store) -> dict[str, Any]:
    """Return what the header of a log says, {} where it says nothing or is no longer kept."""
    frames = store.frames(0, 1) if store.foot() == START else []
    return _header_in(record_in(frames[0], START)) if frames else {}


def _header_in(record: Record) -> dict[str, Any]:
    try:
        found = json.loads(record.payload)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _header_text(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
