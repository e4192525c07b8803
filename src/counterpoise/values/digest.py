"""What is the SHA-256 of something? The interpreter's own implementation, without OpenSSL.

`hashlib` would load OpenSSL, which costs a fresh process as much time as the margin itself
(docs/decisions/0003-cold-start.md); the digests are the same.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np

_HOMES: Final = ("_sha2", "_sha256", "hashlib")
"""Where the function lives in Python 3.12 and later, in 3.11, and in any other build."""


def sha256_of(text: str, *columns: np.ndarray[Any, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of a text followed by the bytes of some arrays."""
    digest = _sha256()(text.encode())
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    return str(digest.hexdigest())


def sha256_of_bytes(*parts: bytes) -> str:
    """Return the SHA-256, in hexadecimal, of some bytes one after the other."""
    digest = _sha256()(b"")
    for part in parts:
        digest.update(part)
    return str(digest.hexdigest())


def sha256_digest(content: bytes) -> bytes:
    """Return the SHA-256 of some bytes, 32 bytes."""
    return bytes(_sha256()(content).digest())


def text_of(value: Any) -> str:
    """Return a text that equal values share, in whatever order their tables were filled."""
    if isinstance(value, dict):
        pairs = sorted((text_of(key), text_of(item)) for key, item in value.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    if type(value) is tuple:
        return "(" + ", ".join(map(text_of, value)) + (",)" if len(value) == 1 else ")")
    if hasattr(value, "__fields__"):
        parts = ", ".join(f"{n}={text_of(getattr(value, n))}" for n in value.__fields__)
        return f"{type(value).__name__}({parts})"
    return repr(value)


@cache
def _sha256() -> Callable[[bytes], Any]:
    from importlib import import_module

    for name in _HOMES[:-1]:
        try:
            found: Callable[[bytes], Any] = import_module(name).sha256
            return found
        except ImportError:
            continue
    found = import_module(_HOMES[-1]).sha256
    return found
