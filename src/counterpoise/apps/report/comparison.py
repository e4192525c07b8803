"""How do the rule books differ on one portfolio? A table with bars, and the same as JSON."""

from itertools import groupby
from typing import Any, Final

from counterpoise.apps.comparison import Comparison, ModelMargin
from counterpoise.apps.report.document import failure_document, number
from counterpoise.apps.report.source import source_line
from counterpoise.apps.report.table import amount, heading, indented, table
from counterpoise.margin.worst import in_words
from counterpoise.values.time import day_text, format_instant

Object = dict[str, Any]
NUMERAIRE: Final = "USD"
BAR_WIDTH: Final = 24
ACCOUNTS_MAX: Final = 20
_SHOWN_FROM: Final = 0.005
"""A component of less than half a cent is left out of the text; JSON has all of them."""


def comparison_document(comparison: Comparison) -> Object:
    """Return the rows as one JSON object; amounts in the numeraire, null where unknown."""
    market = comparison.portfolio.market
    return {"as_of": format_instant(comparison.portfolio.as_of), "numeraire": NUMERAIRE,
            "source": market.source, "simulated": market.simulated,
            "notes": list(comparison.portfolio.notes),
            "rows": [_row_document(row) for row in comparison.rows]}


def comparison_text(comparison: Comparison, *, name: str = "", bold: bool = False) -> list[str]:
    """Return a table for each account, what the margins are made of, and what to know of them."""
    lines = [heading(name, bold=bold)] if name else []
    lines += [source_line(comparison.portfolio.market)]
    accounts = [list(group) for _, group in groupby(comparison.rows, lambda row: row.account)]
    for rows in accounts[:ACCOUNTS_MAX]:
        lines += ["", heading(f"Account {rows[0].account}, {NUMERAIRE} over all pools", bold=bold),
                  *_requirements(rows, bold=bold), "", *_components(rows)]
    if len(accounts) > ACCOUNTS_MAX:
        lines += ["", f"and {len(accounts) - ACCOUNTS_MAX} more accounts; --json has them all"]
    return [*lines, *_readings(comparison.rows), ""]


def _requirements(rows: list[ModelMargin], *, bold: bool) -> list[str]:
    largest = max((row.initial for row in rows if row.initial == row.initial), default=0.0)
    cells = [(row.model, day_text(row.parameters_as_of), amount(row.initial, NUMERAIRE),
              amount(row.maintenance, NUMERAIRE), amount(row.equity, NUMERAIRE),
              amount(row.leverage, NUMERAIRE), _bar(row.initial, largest), _remark(row))
             for row in rows]
    return indented(table(("model", "parameters", "initial", "maintenance", "equity", "leverage",
                           "initial margin", "worst"), cells, bold=bold, left=(0, 1, 6, 7)))


def _bar(value: float, largest: float) -> str:
    if value != value or largest <= 0:
        return ""
    return "#" * max(round(BAR_WIDTH * value / largest), 1 if value > 0 else 0)


def _remark(row: ModelMargin) -> str:
    if row.initial != row.initial:
        return "; ".join(f"{f.subject}: {f.sentence}" for f in row.failures)
    return in_words(row.worst[0]) if row.worst else ""


def _components(rows: list[ModelMargin]) -> list[str]:
    lines = ["made of, initial / maintenance"]
    for row in rows:
        if row.initial == row.initial:
            initial, maintenance = row.components, row.maintenance_components
            parts = {name: (initial.get(name, 0.0), maintenance.get(name, 0.0))
                     for name in (*initial, *maintenance)}
            lines.append(f"{row.model} {day_text(row.parameters_as_of)}: " + (", ".join(
                f"{name.replace('_', ' ')} {amount(needs[0], NUMERAIRE)} / "
                f"{amount(needs[1], NUMERAIRE)}" for name, needs in parts.items()
                if max(abs(needs[0]), abs(needs[1])) > _SHOWN_FROM) or "nothing"))
    return indented(lines)


def _readings(rows: tuple[ModelMargin, ...]) -> list[str]:
    answered = [row for row in rows if row.initial == row.initial]
    said = dict.fromkeys(line for row in answered for line in (
        *(f"* {row.model}: our reading: {sentence}" for sentence in row.our_readings),
        *(f"* {row.model}: {note}" for note in row.notes)))
    return ["", "What to know about these numbers", *indented(said)] if said else []


def _row_document(row: ModelMargin) -> Object:
    return {
        "account": row.account, "model": row.model, "title": row.title,
        "parameters_as_of": format_instant(row.parameters_as_of),
        "initial_margin": number(row.initial), "maintenance_margin": number(row.maintenance),
        "components": {n: number(v) for n, v in row.components.items()},
        "maintenance_components": {n: number(v) for n, v in row.maintenance_components.items()},
        "equity": number(row.equity), "margin_balance": number(row.margin_balance),
        "leverage": number(row.leverage),
        "worst_scenario": in_words(row.worst[0]) if row.worst else None,
        "failures": [failure_document(f) for f in row.failures],
        "our_readings": list(row.our_readings), "notes": list(row.notes)}
