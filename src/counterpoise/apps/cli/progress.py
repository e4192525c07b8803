"""How far is long work? A line on the terminal, only where it takes longer than a second."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS: Final = 1.0
_WIDTH: Final = 30
_OFTEN: Final = 2048


def tracked(things: Sequence[T], label: str) -> Iterator[T]:
    """Yield the things, with a bar on standard error once they take long and it is a terminal."""
    return _shown(things, label, len(things), every=1)


def counted(things: Iterable[T], label: str, total: int, *, every: int = _OFTEN) -> Iterator[T]:
    """Yield many small things as `tracked` does; `total` is how many there may be.

    The bar is looked at with every `every`th of them.
    """
    return _shown(things, label, total, every=every)


def _shown(things: Iterable[T], label: str, total: int, *, every: int) -> Iterator[T]:
    start, drawn = time.monotonic(), False
    for k, thing in enumerate(things):
        if k % every == 0 and sys.stderr.isatty() and time.monotonic() - start > PATIENCE_SECONDS:
            drawn = True
            sys.stderr.write(f"\r{bar(label, k, total)}")
            sys.stderr.flush()
        yield thing
    if drawn:
        sys.stderr.write("\r\x1b[K")


def bar(label: str, done: int, total: int) -> str:
    """Return the bar as text: `margin  ######........  3 of 7`."""
    filled = _WIDTH * done // max(total, 1)
    return f"{label}  {'#' * filled}{'.' * (_WIDTH - filled)}  {done} of {total}"
