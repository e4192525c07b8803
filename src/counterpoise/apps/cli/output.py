"""Where do answers and complaints go, and with which exit code?

Answers go to standard output, complaints to standard error; with `--json` both are one JSON object
on standard output. Exit codes: 0 answered; 1 our mistake; 2 input or usage that cannot be used;
3 answered, but some requirement could not be given.
"""

import os
import sys
from collections.abc import Iterable
from typing import Any, Final, TextIO

from counterpoise.apps.report.document import failure_document, json_text
from counterpoise.values.failure import BadInput

ANSWERED: Final = 0
OUR_MISTAKE: Final = 1
BAD_INPUT: Final = 2
NUMBER_MISSING: Final = 3
SHOWN_MAX: Final = 50
"""Violations shown as text; `--json` lists them all."""


def show(lines: Iterable[str]) -> None:
    """Print lines on standard output."""
    sys.stdout.write("\n".join(lines) + "\n")


def show_json(document: Any) -> None:
    """Print one JSON object on standard output."""
    sys.stdout.write(json_text(document) + "\n")


def complain(wrong: BadInput, *, as_json: bool) -> int:
    """Print every violation and return the exit code for bad input."""
    if as_json:
        show_json({"failures": [failure_document(f) for f in wrong.failures]})
        return BAD_INPUT
    shown = wrong.failures[:SHOWN_MAX]
    lines = [f"counterpoise: {f.subject}: {f.sentence}" for f in shown]
    if len(wrong.failures) > len(shown):
        lines.append(f"counterpoise: and {len(wrong.failures) - len(shown)} more; "
                     "--json lists them all")
    sys.stderr.write("\n".join(_printable(line) for line in lines) + "\n")
    return BAD_INPUT


def confess(error: BaseException) -> int:
    """Say in one sentence that the mistake is ours, and return the exit code for it."""
    sys.stderr.write(_printable(
        f"counterpoise: an unexpected {type(error).__name__} ({str(error)[:200]}); this is our "
        "mistake: run again with --debug and report what it prints") + "\n")
    return OUR_MISTAKE


def wants_bold(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal whose user has not asked for plain text."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
