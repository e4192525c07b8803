"""How does a reconciliation look? By figure: ours, theirs, the difference and its likely cause."""

from typing import Any, Final

from counterpoise.adapters.venue_reports.venues import Reconciliation
from counterpoise.apps.report.document import number
from counterpoise.apps.report.table import heading, indented, significant, table
from counterpoise.margin.reconciliation import AGREES, Line

Object = dict[str, Any]
_DIGITS: Final = 10


def agrees(found: Reconciliation) -> bool:
    """Return whether every figure agrees; inputs that differ are told, not judged."""
    return all(line.cause == AGREES for line in found.figures)


def reconciliation_document(found: Reconciliation) -> Object:
    """Return the reconciliation as one JSON object; null where we have no such figure."""
    return {"report": found.report.kind, "model": found.model, "agrees": agrees(found),
            "inputs": [_document(line) for line in found.inputs],
            "figures": [{"pool": line.pool, **_document(line)} for line in found.figures],
            "our_readings": list(found.our_readings)}


def reconciliation_text(found: Reconciliation, *, bold: bool = False) -> list[str]:
    """Return the figures as a table, the inputs that differ, and our readings."""
    differing = [line for line in found.inputs if line.cause != AGREES]
    count = sum(line.cause != AGREES for line in found.figures)
    verdict = "every figure agrees" if not count else (
        f"{count} of {len(found.figures)} figures differ")
    lines = [heading(f"{found.report.kind} beside {found.model}: {verdict}", bold=bold), "",
             *indented(_table(found.figures))]
    if differing:
        lines += ["", "Inputs that differ", *indented(_table(tuple(differing)))]
    return [*lines, "", "What to know about these numbers", *indented(
        f"* our reading: {sentence}" for sentence in found.our_readings)]


def _table(lines: tuple[Line, ...]) -> list[str]:
    return table(("figure", "in", "ours", "theirs", "difference", "likely cause"), [
        (line.name, line.pool, significant(line.ours, _DIGITS), significant(line.theirs, _DIGITS),
         significant(line.difference, 3), line.cause) for line in lines], left=(0, 1, 5))


def _document(line: Line) -> Object:
    return {"name": line.name, "ours": number(line.ours), "theirs": number(line.theirs),
            "difference": number(line.difference), "cause": line.cause}
