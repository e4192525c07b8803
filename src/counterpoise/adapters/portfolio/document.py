"""Is this a JSON document that can be trusted to be small, unambiguous and exact?

The tree that comes out keeps numbers as their decimal text (`Number`), so that nothing is rounded
before its meaning is known. Size, nesting and the number of values are bounded before anything is
built; a key that stands twice in one object is refused, because JSON readers differ on which wins.
"""

import json
import os
from collections import Counter
from typing import Any, Final

from counterpoise.values.failure import BadInput, Failure, Reason, bad_input

BYTES_MAX: Final = 64 * 2**20
CONTAINERS_MAX: Final = 1_000_000
VALUES_MAX: Final = 4_000_000
DEPTH_MAX: Final = 20
DIGITS_MAX: Final = 1000
"""A longer whole number is read as a float: it is none, and Python refuses to build it."""


class Number(str):
    """A JSON number as its own text."""

    __slots__ = ()


def tree_of(source: "str | os.PathLike[str] | bytes") -> Any:
    """Return the JSON tree of a file or of bytes: dict, list, str, Number, bool or None.

    Raises
    ------
    BadInput
        If it cannot be read, is too large or too deep, is not JSON, or repeats keys.
    """
    name = "document" if isinstance(source, bytes) else os.fspath(source)
    document = source if isinstance(source, bytes) else _bytes_of(name)
    _refuse_large(name, len(document))
    containers = document.count(b"{") + document.count(b"[")
    if containers > CONTAINERS_MAX or document.count(b",") > VALUES_MAX:
        raise bad_input(Reason.TOO_LARGE, name, f"holds more than {CONTAINERS_MAX} objects or "
                        f"{VALUES_MAX} values; give positions as CSV or Parquet instead")
    return _parsed(name, document)


def _bytes_of(path: str) -> bytes:
    if not os.path.isfile(path):
        raise bad_input(Reason.UNREADABLE, path, "is not a file; check the path")
    try:
        _refuse_large(path, os.path.getsize(path))
        with open(path, "rb") as file:
            return file.read(BYTES_MAX + 1)
    except OSError as error:
        raise bad_input(Reason.UNREADABLE, path, f"cannot be read ({error.strerror})") from None


def _refuse_large(name: str, size: int) -> None:
    if size > BYTES_MAX:
        raise bad_input(Reason.TOO_LARGE, name, f"has {size / 2**20:.0f} MB; at most "
                        f"{BYTES_MAX // 2**20} MB are read, give positions as CSV or Parquet")
    if size == 0:
        raise bad_input(Reason.UNREADABLE, name, "is empty; write one JSON object into it")


def _parsed(name: str, document: bytes) -> Any:
    twice: list[str] = []

    def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice.extend(key for key, count in counts.items() if count > 1)
        return found

    try:
        tree = json.loads(document.decode("utf-8-sig"), object_pairs_hook=unambiguous,
                          parse_float=Number, parse_int=Number, parse_constant=Number)
        if b"\\ud" in document or b"\\uD" in document:
            json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise bad_input(Reason.UNREADABLE, name, f"is not UTF-8 text (byte {error.start}); save it "
                        "as UTF-8 JSON") from None
    except UnicodeEncodeError as error:
        raise bad_input(Reason.UNREADABLE, name, f"holds \\u{ord(error.object[error.start]):04x}, "
                        "which is half of a character; write the whole character or take it out"
                        ) from None
    except json.JSONDecodeError as error:
        raise bad_input(Reason.UNREADABLE, name, f"is not valid JSON: {error.msg} at line "
                        f"{error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise bad_input(Reason.UNREADABLE, name, "is nested too deeply; such a file has about six "
                        "levels") from None
    if twice:
        raise BadInput(*(Failure(reason=Reason.DUPLICATE, subject=key[:60], sentence="stands "
                                 "twice in one JSON object; keep one of them")
                         for key in sorted(set(twice))[:100]))
    return tree


def plain(tree: Any, *, depth: int = 0) -> Any:
    """Return the tree with each `Number` as the int or float that JSON readers make of it.

    Raises
    ------
    BadInput
        If it is nested more than `DEPTH_MAX` deep.
    """
    if depth > DEPTH_MAX:
        raise bad_input(Reason.UNREADABLE, "parameters", "are nested too deeply; they have about "
                        "three levels")
    if isinstance(tree, dict):
        return {key: plain(child, depth=depth + 1) for key, child in tree.items()}
    if isinstance(tree, list):
        return [plain(child, depth=depth + 1) for child in tree]
    if isinstance(tree, Number):
        whole = tree.lstrip("-").isdigit() and len(tree) < DIGITS_MAX
        return int(tree) if whole else float(tree)
    return tree
