"""How does a trader read a margin answer? Requirement against equity, parts, worst case, causes.

Everything shown is in the answer; the only arithmetic here is shares and differences of its rows.
"""

from typing import Final

from counterpoise.apps.answer import Answer, PoolMargin, equity_unknown, no_balances
from counterpoise.apps.report.document import provenance
from counterpoise.apps.report.source import source_line
from counterpoise.apps.report.table import amount, heading, indented, percent, table
from counterpoise.margin.compute import by_risk
from counterpoise.margin.worst import WHOLE, WorstScenario, in_words
from counterpoise.values.time import format_instant

DETAILED_MAX: Final = 4
"""Up to so many rows are shown in full; more become a list, the riskiest first."""
LISTED_MAX: Final = 40


def header(answer: Answer, *, name: str = "", bold: bool = False) -> list[str]:
    """Return what was asked: file, model, time, and whether the market is simulated."""
    market = answer.portfolio.market
    lines = [heading(name, bold=bold)] if name else []
    if market.simulated:
        lines.append(heading(source_line(market), bold=bold))
    return [*lines, f"{answer.model.title}, {format_instant(answer.portfolio.as_of)}"]


def pools_text(answer: Answer, standard: Answer | None, *, bold: bool = False) -> list[str]:
    """Return the rows of an answer: each in full if they are few, else a list by risk.

    `standard` is the same portfolio under standard margin, for comparison; None leaves it out.
    """
    order = by_risk(answer.margins).tolist()
    if len(order) > DETAILED_MAX:
        return _list(answer, order, bold=bold)
    if not order:
        names = answer.portfolio.book.accounts[equity_unknown(answer.portfolio)].tolist()
        return ["", "Nothing is held: no margin is needed.",
                *(f"{f.subject}: {f.sentence}" for f in map(no_balances, map(str, names)))]
    return [line for row in order
            for line in ("", *_pool(answer.pools[row], _same_row(standard, row), bold=bold))]


def readings_text(answer: Answer) -> list[str]:
    """Return the lines that say which parts of the numbers the venue does not publish."""
    lines = [f"* our reading: {sentence}" for sentence in answer.our_readings]
    lines += [f"* {note}" for note in answer.notes]
    lines += [f"* note in the file: {note}" for note in answer.portfolio.notes]
    return ["", "What to know about these numbers", *indented(lines)] if lines else []


def provenance_text(answer: Answer) -> list[str]:
    """Return the lines that let the number be recomputed."""
    origin = provenance(answer)
    digests = {"snapshot": [origin["snapshot_digest"]], "scenarios": origin["scenario_digest"],
               "parameters": [origin["parameter_digest"]]}
    shown = [f"{what} {d[:12]}" for what, each in digests.items() for d in each]
    dates = sorted({section["effective_from"] for section in origin["parameter_sections"]})
    replaced = ", ".join(origin["overridden"])
    lines = [f"Provenance: {origin['engine']}, {', '.join(shown)}; {answer.model.name} parameters "
             f"no. {origin['parameter_number']} in force from {', '.join(dates)}",
             f"Source of the market: {source_line(answer.portfolio.market)}"]
    return ["", *lines, f"Replaced by the file: {replaced}"] if replaced else ["", *lines]


def _same_row(other: Answer | None, row: int) -> PoolMargin | None:
    return other.pools[row] if other is not None else None


def _pool(pool: PoolMargin, standard: PoolMargin | None, *, bold: bool) -> list[str]:
    title = heading(f"Account {pool.account}, pool {pool.currency}: "
                    f"{pool.status.replace('_', ' ')}", bold=bold)
    lines = [*_against_equity(pool), *_components(pool), *_worst(pool), *_compared(pool, standard),
             *_range(pool)]
    if pool.initial != pool.initial:
        lines = []
    failures = [f"{f.subject}: {f.sentence}" for f in pool.failures]
    return [title, *indented(failures), *indented(lines)]


def _against_equity(pool: PoolMargin) -> list[str]:
    c = pool.currency
    rows = table(("", f"{c} needed", "margin balance", "excess"), [
        ("initial margin", amount(pool.initial, c), amount(pool.margin_balance, c),
         amount(pool.initial_excess, c)),
        ("maintenance margin", amount(pool.maintenance, c), amount(pool.margin_balance, c),
         amount(pool.maintenance_excess, c))])
    known = pool.leverage == pool.leverage
    figures = [f"{name.replace('_', ' ')} {figure:,.4f}" for name, figure in pool.figures.items()
               if figure == figure]
    return [*rows, *([f"leverage {pool.leverage:,.2f}: gross delta over margin balance"]
                     if known else []), *([f"the model's own figures: {', '.join(figures)}"]
                                          if figures else [])]


def _components(pool: PoolMargin) -> list[str]:
    c = pool.currency
    parts = {n: (pool.initial_components.get(n, 0.0), pool.maintenance_components.get(n, 0.0))
             for n in (*pool.initial_components, *pool.maintenance_components)}
    rows = [(n.replace("_", " "), amount(initial, c), amount(maintenance, c))
            for n, (initial, maintenance) in parts.items() if max(abs(initial), abs(maintenance))
            > 5e-7]
    rows += [(f"lost to it: {n.replace('_', ' ')}", amount(v, c), "")
             for n, v in pool.candidates.items()]
    return ["", *table(("made of", "initial", "maintenance"), rows)] if rows else []


def _worst(pool: PoolMargin) -> list[str]:
    lines = [f"worst for {_unit(cell)}: {in_words(cell)} ({cell.table} table, row {cell.index}), "
             f"loses {amount(cell.loss, pool.currency)} {pool.currency}" for cell in pool.worst]
    return ["", *lines] if lines else []


def _unit(cell: WorstScenario) -> str:
    return f"the {WHOLE}" if cell.unit == WHOLE else cell.unit.split("_")[0].upper()


def _compared(pool: PoolMargin, standard: PoolMargin | None) -> list[str]:
    if standard is None or standard.initial != standard.initial:
        return []
    c, alone = pool.currency, standard.initial
    saved = f"; netting saves {percent(1 - pool.initial / alone)}" if alone > pool.initial else ""
    return [f"standard margin, position by position: {amount(alone, c)} {c} initial, "
            f"{amount(standard.maintenance, c)} maintenance{saved}"]


def _range(pool: PoolMargin) -> list[str]:
    if pool.range is None:
        return []
    if all(low == high for low, high in (pool.range.initial, pool.range.maintenance)):
        return [f"the readings that can be switched ({pool.range.readings} combinations) do not "
                "move it; those that cannot be are named below"]
    low, high = (amount(x, pool.currency) for x in pool.range.initial)
    return [f"over all {pool.range.readings} combinations of our readings: initial {low} to {high}"]


def _list(answer: Answer, order: list[int], *, bold: bool) -> list[str]:
    rows = [_row(answer.pools[k]) for k in order[:LISTED_MAX]]
    lines = ["", *table(("account", "pool", "status", "initial", "maintenance", "balance",
                         "over maint.", "worst"), rows, bold=bold, left=(0, 1, 2, 7))]
    left = len(order) - LISTED_MAX
    return [*lines, f"and {left} safer rows; --json shows them all"] if left > 0 else lines


def _row(pool: PoolMargin) -> tuple[str, ...]:
    c = pool.currency
    why = in_words(pool.worst[0]) if pool.worst else ""
    if pool.initial != pool.initial:
        why = "; ".join(f"{f.subject}: {f.sentence}" for f in pool.failures)
    return (pool.account, c, pool.status.replace("_", " "), amount(pool.initial, c),
            amount(pool.maintenance, c), amount(pool.margin_balance, c),
            amount(pool.maintenance_excess, c), why)
