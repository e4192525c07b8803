"""Where does a backtest keep what it has seen, so that it can be resumed and audited?

JSON lines: first what was asked, with a digest of it; then one line per model and day. Numbers are
written so that they come back bit for bit. A line that was not finished is left out.
"""

import json
import os
from typing import Any, Final

import numpy as np

from counterpoise.backtest.law import COLUMNS, STEPS
from counterpoise.backtest.replay import Observation
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import Reason, bad_input

Seen = dict[str, tuple[Observation, ...]]
"""{model: observations}."""
_COLUMNS: Final = ("initial", "maintenance", "raw", "buffered", "loss", "shortfall",
                   "shortfall_maintenance", *COLUMNS)


def begin(path: str, asked: dict[str, Any]) -> Seen:
    """Return what the file holds of the same question; begin it where there is none.

    Raises
    ------
    BadInput
        If the file answers another question, or cannot be read or written.
    """
    digest = question_digest(asked)
    try:
        if not os.path.exists(path):
            with open(path, "x", encoding="utf-8") as file:
                file.write(json.dumps({"asked": asked, "digest": digest}) + "\n")
            return {}
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
    except OSError as error:
        raise bad_input(Reason.UNREADABLE, path, f"cannot be used ({error.strerror})") from None
    head = _parsed(lines[0]) or {}
    if head.get("digest") != digest:
        raise bad_input(Reason.BAD_VALUE, path, "holds the answer to another question (model "
                        "versions, dates, portfolios or files differ); name another file")
    return _seen(path, lines[1:])


def append(path: str, model: str, observations: tuple[Observation, ...]) -> None:
    """Add observations to a file that was begun."""
    with open(path, "r+b") as file:
        whole = file.read()
        # What was cut off in the middle of a line is written again.
        file.seek(whole.rfind(b"\n") + 1)
        file.truncate()
        file.write("".join(json.dumps(_document(model, o)) + "\n"
                           for o in observations).encode())


def question_digest(asked: dict[str, Any]) -> str:
    """Return the SHA-256 of what was asked."""
    return sha256_of(json.dumps(asked, sort_keys=True))


def _document(model: str, seen: Observation) -> dict[str, Any]:
    told = {name: _listed(getattr(seen, name)) for name in _COLUMNS}
    return {"model": model, "at": seen.at, "until": seen.until,
            "portfolios": list(seen.portfolios), "worst": list(seen.worst),
            "failure": list(seen.failure), "no_law": seen.no_law,
            "tail": None if seen.no_law else [_listed(row) for row in seen.tail]} | told


def _listed(column: Any) -> list[float | None]:
    return [None if x != x else x for x in column.tolist()]


def _seen(path: str, lines: list[str]) -> Seen:
    """Return what the lines hold; the last may be cut off, every other is whole and stands once."""
    found: dict[str, dict[int, Observation]] = {}
    for place, line in enumerate(lines[:-1], 2):
        try:
            tree = _parsed(line) or {}
            seen, days = _observation(tree), found.setdefault(str(tree["model"]), {})
        except (KeyError, TypeError, ValueError, OverflowError):
            raise bad_input(Reason.UNREADABLE, f"{path} line {place}", "is no day of a backtest; "
                            "take the line out, and its day is worked out again") from None
        if seen.at in days:
            raise bad_input(Reason.DUPLICATE, f"{path} line {place}", "is a second one of its "
                            "model and day; keep one of them")
        days[seen.at] = seen
    return {model: tuple(days.values()) for model, days in found.items()}


def _observation(tree: dict[str, Any]) -> Observation:
    columns = {name: _column(tree[name]) for name in _COLUMNS}
    width = len(tree["portfolios"])
    tail = (np.full((width, STEPS), np.nan) if tree["tail"] is None else
            np.array([_column(row) for row in tree["tail"]]).reshape(width, STEPS))
    if {len(tree[name]) for name in (*_COLUMNS, "worst", "failure")} != {width}:
        raise ValueError("columns of different lengths")
    return Observation(at=int(tree["at"]), until=int(tree["until"]),
                       portfolios=tuple(tree["portfolios"]), worst=tuple(tree["worst"]),
                       failure=tuple(tree["failure"]), no_law=str(tree["no_law"]), tail=tail,
                       **columns)


def _column(cells: list[float | None]) -> Any:
    return np.array([np.nan if x is None else x for x in cells], np.float64)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        tree = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None
