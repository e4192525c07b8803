"""Where do answers and complaints go, and with which exit code?

Answers go to standard output, complaints to standard error; with `--json` both are one JSON object
on standard output. Exit codes: 0 answered; 1 our mistake; 2 input or usage that cannot be used;
3 answered, but a requirement (for `greeks`, a sensitivity) could not be given. An equity that is
not known is said in the answer and changes no exit code. 4 is for what is judged: answered, and
the judgement is against it (a model that breaks its promises, parameters nobody should propose).
"""

import os
import sys
from collections.abc import Iterable
from typing import Any, Final, TextIO

from counterpoise.apps.report.document import failure_document, json_line, json_text
from counterpoise.apps.report.table import BOLD, PLAIN
from counterpoise.values.failure import BadInput

ANSWERED: Final = 0
OUR_MISTAKE: Final = 1
BAD_INPUT: Final = 2
NUMBER_MISSING: Final = 3
JUDGED_AGAINST: Final = 4
EXIT_CODES: Final = (
    "0 answered; 1 our mistake; 2 input that cannot be used, with every violation named; "
    "3 answered, but a requirement (for greeks, a sensitivity) could not be given. An equity that "
    "is not known is said in the answer and changes no exit code. 4 judged, and against it: "
    "check-model, feed (an event was refused), governance impact, parameters check, reconcile, "
    "replay, verify")
SHOWN_MAX: Final = 50
"""Violations shown as text; `--json` lists them all."""


def show(lines: Iterable[str]) -> None:
    """Print lines on standard output; nothing that a file says can move the cursor or colour it.

    Bold is ours and marks whole lines, on a terminal only; every other character that is not
    printable becomes a space.
    """
    styled = wants_bold(sys.stdout)
    sys.stdout.write("\n".join(_tame(line, styled=styled) for line in lines) + "\n")


def show_json(document: Any) -> None:
    """Print one JSON object on standard output."""
    sys.stdout.write(json_text(document) + "\n")


def show_json_line(document: Any) -> None:
    """Print one JSON object on a line of its own, now."""
    sys.stdout.write(json_line(document) + "\n")
    sys.stdout.flush()


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


def _tame(line: str, *, styled: bool) -> str:
    inner = line.removeprefix(BOLD).removesuffix(PLAIN)
    bold = styled and len(line) == len(BOLD) + len(inner) + len(PLAIN)
    return f"{BOLD}{_printable(inner)}{PLAIN}" if bold else _printable(line)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
