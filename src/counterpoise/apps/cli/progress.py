"""How far is long work? A bar on the terminal, only where it takes longer than a second."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS: Final = 1.0


def tracked(things: Sequence[T], label: str) -> Iterator[T]:
    """Yield the things, with a bar on standard error once they take long and it is a terminal."""
    start, bar = time.monotonic(), None
    for k, thing in enumerate(things):
        if bar is None and time.monotonic() - start > PATIENCE_SECONDS and sys.stderr.isatty():
            bar = _bar(label, len(things))
        if bar is not None:
            bar[0].update(bar[1], completed=k)
        yield thing
    if bar is not None:
        bar[0].stop()


def _bar(label: str, total: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import Progress

    progress = Progress(console=Console(stderr=True), transient=True)
    progress.start()
    return progress, progress.add_task(label, total=total)
