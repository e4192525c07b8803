"""What came from outside, line by line? Bytes as they arrive, cut into lines of bounded size.

All lines that one reading completes come together, so that what arrives slowly is not waited for
and what arrives fast is taken in large batches. A line that is too long to be any event is counted
and digested as it passes, never held.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from counterpoise.engine.codec import EVENT_BYTES_MAX

READ_BYTES: Final = 1 << 20
LINE_BYTES_MAX: Final = EVENT_BYTES_MAX


class Line(NamedTuple):
    """A line without its end, `number` from 1; `content` is None where it was too long to hold.

    `digest` is then the SHA-256 of its `size` bytes, "" otherwise.
    """

    number: int
    content: bytes | None
    size: int
    digest: str


class _Open:
    """A line that has not ended yet."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.digest: Any = None

    def add(self, part: bytes) -> None:
        self.size += len(part)
        self.parts.append(part)
        if self.digest is None and self.size > LINE_BYTES_MAX:
            self.digest = hashlib.sha256()
        if self.digest is not None:
            self.digest.update(b"".join(self.parts))
            self.parts = []

    def ended(self, number: int) -> Line:
        if self.digest is not None:
            return Line(number, None, self.size, self.digest.hexdigest())
        content = b"".join(self.parts)
        return Line(number, content, self.size, "")


def line_batches(read: Callable[[int], bytes]) -> Iterator[tuple[Line, ...]]:
    """Yield the lines that each reading completes, blank ones left out; `read` ends with b""."""
    number, line = 1, _Open()
    while part := read(READ_BYTES):
        ended = []
        *whole, rest = part.split(b"\n")
        for piece in whole:
            line.add(piece)
            ended.append(line.ended(number))
            number, line = number + 1, _Open()
        line.add(rest)
        yield tuple(one for one in ended if one.content is None or one.content.strip())
    last = line.ended(number)
    if last.content is None or last.content.strip():
        yield (last,)
