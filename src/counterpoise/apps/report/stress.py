"""How does a trader read a stress of his book? Worst first, with the margin that had held."""

from typing import Any, Final

import numpy as np

from counterpoise.apps.answer import PoolMargin
from counterpoise.apps.dependence import Dependences
from counterpoise.apps.report.document import number
from counterpoise.apps.report.reverse import reverse_document, reverse_text
from counterpoise.apps.report.source import source_line
from counterpoise.apps.report.table import amount, heading, indented, table
from counterpoise.apps.stress import DAYS, PRICES, VOLS, StressReport
from counterpoise.margin.compute import STATUS
from counterpoise.margin.stress import StressedMargins, level_that_held, losses, shortfalls
from counterpoise.scenarios.stress_events import (
    CONFIDENCE,
    StressEvent,
    moves_by_origin,
    readings_of,
)
from counterpoise.values.time import format_instant

Object = dict[str, Any]
ROWS_MAX: Final = 12
DETAILED_MAX: Final = 4


def stress_text(report: StressReport, *, name: str = "", bold: bool = False) -> list[str]:
    """Return the stress of a portfolio as text."""
    answer = report.answer
    lines = [heading(f"{name}: {answer.model.title}, "
                     f"{format_instant(report.question.portfolio.as_of)[:16]}Z", bold=bold),
             source_line(report.question.portfolio.market),
             f"volatilities: {report.question.smile.replace('_', ' ')}"]
    for row, pool in enumerate(answer.pools[:DETAILED_MAX]):
        lines += ["", heading(f"{pool.account}, {pool.currency}: initial "
                              f"{amount(pool.initial, pool.currency)}, margin balance "
                              f"{amount(pool.margin_balance, pool.currency)}", bold=bold),
                  *_events_text(report, row, pool, bold), *_worst_cells(report, row, pool),
                  *_failures_text(report, row, pool)]
    if len(answer.pools) > DETAILED_MAX:
        lines += ["", f"and {len(answer.pools) - DETAILED_MAX} more rows; --json has them all"]
    return [*lines, *_joint_text(report, bold), *_closing_text(report, bold), *_down_text(report),
            *_arbitrage_text(report),
            *([] if report.reverse is None else reverse_text(report.reverse, bold=bold)), "",
            "What to know about these numbers",
            *indented([f"* {note}" for note in stress_notes(report)]), ""]


def stress_notes(report: StressReport) -> tuple[str, ...]:
    """Return what to know about the numbers: the stress's own notes, then the model's."""
    return (*report.notes, *(f"our reading: {one}" for one in report.answer.our_readings),
            *report.answer.notes)


def _events_text(report: StressReport, row: int, pool: PoolMargin, bold: bool) -> list[str]:
    found, told = report.events, [e for e in report.question.events if e.moves]
    lost, held = losses(found)[1:, row], level_that_held(found)[1:, row]
    order = np.argsort(-np.nan_to_num(lost, nan=-np.inf), kind="stable")
    cells = [(found.labels[1 + k], told[k].confidence, amount(float(lost[k]), pool.currency),
              amount(float(pool.margin_balance - lost[k]), pool.currency),
              amount(float(found.initial[1 + k, row]), pool.currency),
              _status(report, row, 1 + k, pool), _times(float(held[k]))) for k in order.tolist()]
    return table(("event on today's book", "sure", "loss", "balance after", "initial after",
                  "status after", "held by"), cells, bold=bold, left=(0, 1, 5))


def _times(level: float) -> str:
    if level != level:
        return "?"
    return "any" if level <= 0 else "none" if level == np.inf else f"{level:.2f} x initial"


def _status(report: StressReport, row: int, scenario: int, pool: PoolMargin) -> str:
    if pool.margin_balance != pool.margin_balance:
        return "unknown"
    return STATUS[int(report.events.status[scenario, row])].replace("_", " ")


def _worst_cells(report: StressReport, row: int, pool: PoolMargin) -> list[str]:
    lines = []
    for day, cube in zip(DAYS, report.cube, strict=True):
        lines.append(f"cube, {day:g} days later: " + _worst_of(cube, row, pool))
    pegs = [] if report.pegs is None else [
        "stablecoins off their peg: " + _worst_of(report.pegs, row, pool)]
    defaults = [] if report.defaults is None else [
        "an issuer or venue fails: " + _worst_of(report.defaults, row, pool)]
    return ["", *lines, "hedges between coins: " + _worst_of(report.dependence, row, pool), *pegs,
            *defaults]


def _worst_of(found: StressedMargins, row: int, pool: PoolMargin) -> str:
    lost = np.nan_to_num(losses(found)[:, row], nan=-np.inf)
    at = int(np.argmax(lost))
    if lost[at] == -np.inf:
        return "worst ?: the balance is not known"
    level = float(level_that_held(found)[at, row])
    return (f"worst {amount(float(lost[at]), pool.currency)} at {found.labels[at]}, held by "
            f"{_times(level)}")


def _failures_text(report: StressReport, row: int, pool: PoolMargin) -> list[str]:
    lines = [f"feed of {s.underlying} stale: hides "
             f"{amount(float(s.hidden[row]), pool.currency)} in {s.event}" for s in report.stale]
    called = int(report.late[0].called[row]) if report.late else -1
    if called < 0:
        return [*lines, f"late liquidation, {report.path_event}: never below maintenance"]
    lines.append(f"late liquidation, {report.path_event}, below maintenance at minute "
                 f"{report.path_minutes[called]:g}")
    for late in report.late:
        level = late.lost[row] / late.required[row] if late.required[row] > 0 else np.nan
        lines.append(f"  {late.delay:g} min late: loses "
                     f"{amount(float(late.lost[row]), pool.currency)}, left "
                     f"{amount(float(late.left[row]), pool.currency)}, held by "
                     + (f"{level:.2f} x maintenance" if level == level else "?"))
    return lines


def _joint_text(report: StressReport, bold: bool) -> list[str]:
    joint = report.joint
    if joint is None:
        return []
    names = list(joint.accounts[0].shortfall) if joint.accounts else []
    cells = [(one.account, *([one.refused] if one.refused else
                             [amount(one.shortfall[n], "USD") for n in names]))
             for one in joint.accounts[:ROWS_MAX]]
    return ["", *table((f"{100 * joint.level:g} % shortfall over {joint.horizon_days:g} days, USD",
                        *(n.replace("_", " ") for n in names)), cells, bold=bold),
            *(["SIMULATED joint moves"] if joint.simulated else [])]


def _closing_text(report: StressReport, bold: bool) -> list[str]:
    cells = [(c.account, c.underlying, amount(c.notional, "USD"), amount(c.depth, "USD"),
              amount(c.cost, "USD"), amount(c.stressed, "USD"))
             for c in report.closing[:ROWS_MAX]]
    if not cells:
        return []
    return ["", *table(("closing all of", "in", "gross delta USD", "depth within 1 %", "costs",
                        "in a thin market"), cells, bold=bold, left=(0, 1)),
            "thin: 2 of 89 million of depth were left on 10 October 2025, our reading: of volume "
            "too; ? where the parameters know no volume"]


def _down_text(report: StressReport) -> list[str]:
    accounts = report.question.portfolio.book.accounts.tolist()
    return ["", *(f"venue of {d.settlement} contracts down: {name} "
                  + (f"misses {amount(float(d.unpaid[k]), 'USD')} USD of gains in {d.event}"
                     if d.unpaid[k] > 0 else "gains nothing there in any event")
                  for d in report.down for k, name in enumerate(accounts[:ROWS_MAX]))]


def _arbitrage_text(report: StressReport) -> list[str]:
    if not report.arbitrage:
        return ["no event creates static arbitrage between today's quotes"]
    first = max(report.arbitrage, key=lambda one: one.amount)
    return [f"{len(report.arbitrage)} smiles get a static arbitrage that they do not have today; "
            f"the largest: {first.kind} of {first.amount:.4f}, {first.underlying} in "
            f"{first.label}. Those events move volatilities apart more than quotes allow"]


def stress_document(report: StressReport) -> Object:
    """Return the stress as one JSON object; amounts in each row's currency, null if unknown."""
    market, answer = report.question.portfolio.market, report.answer
    return {
        "as_of": format_instant(report.question.portfolio.as_of), "model": answer.model.name,
        "source": market.source, "simulated": market.simulated, "smile": report.question.smile,
        "rows": [{"account": p.account, "currency": p.currency,
                  "initial_margin": number(p.initial), "maintenance_margin": number(p.maintenance),
                  "margin_balance": number(p.margin_balance)} for p in answer.pools],
        "events": _table(report, report.events),
        "sources": [_event(e) for e in report.question.events],
        "cube": [{"days": day, "prices": list(PRICES), "vols": list(VOLS),
                  "scenarios": _table(report, cube)}
                 for day, cube in zip(DAYS, report.cube, strict=True)],
        "dependence": _table(report, report.dependence),
        "defaults": None if report.defaults is None else _table(report, report.defaults),
        "pegs": None if report.pegs is None else _table(report, report.pegs),
        "closing": [{"account": c.account, "underlying": c.underlying,
                     "gross_delta_usd": number(c.notional), "depth_usd": number(c.depth),
                     "cost_usd": number(c.cost), "cost_in_thin_market_usd": number(c.stressed)}
                    for c in report.closing],
        "stale_feeds": [{"underlying": s.underlying, "event": s.event,
                         "hidden": _numbers(s.hidden)} for s in report.stale],
        "venues_down": [{"settlement": d.settlement, "event": d.event,
                         "unpaid_usd": _numbers(d.unpaid)} for d in report.down],
        "late_liquidation": {"event": report.path_event, "delays": [
            {"delay_minutes": late.delay,
             "called_minute": [float(report.path_minutes[c]) if c >= 0 else None
                               for c in late.called.tolist()],
             "lost": _numbers(late.lost), "left": _numbers(late.left),
             "maintenance_when_called": _numbers(late.required)} for late in report.late]},
        "arbitrage": [{"scenario": a.label, "underlying": a.underlying, "kind": a.kind,
                       "settlement": a.settlement, "expiry": format_instant(a.expiry),
                       "amount": a.amount} for a in report.arbitrage],
        "joint_dependence": None if report.joint is None else _joint(report.joint),
        "reverse": None if report.reverse is None else reverse_document(report.reverse),
        "our_readings": list(answer.our_readings), "notes": [*report.notes, *answer.notes]}


def _joint(joint: Dependences) -> Object:
    return {"level": joint.level, "horizon_days": joint.horizon_days, "source": joint.source,
            "simulated": joint.simulated, "accounts": [
                {"account": one.account, "refused": one.refused or None,
                 "shortfall_usd": {n: number(x) for n, x in one.shortfall.items()}}
                for one in joint.accounts]}


def _event(event: StressEvent) -> Object:
    return {"name": event.name, "title": event.title, "dates": event.dates,
            "confidence": CONFIDENCE[event.confidence], "sources": list(event.sources),
            "note": event.note, "numbers": moves_by_origin(event),
            "our_readings": list(readings_of(event))}


def _table(report: StressReport, found: StressedMargins) -> list[Object]:
    lost, held, owed = losses(found), level_that_held(found), shortfalls(found)
    known = np.array([p.margin_balance == p.margin_balance for p in report.answer.pools], bool)
    return [{"scenario": label, "loss": _numbers(lost[s]),
             "shortfall": _numbers(np.where(known, owed[s], np.nan)),
             "initial_margin": _numbers(found.initial[s]),
             "maintenance_margin": _numbers(found.maintenance[s]),
             "status": [STATUS[k] if know else "unknown" for k, know in
                        zip(found.status[s].tolist(), known.tolist(), strict=True)],
             "times_initial_that_held": _numbers(held[s])}
            for s, label in enumerate(found.labels) if s > 0]


def _numbers(column: Any) -> list[float | None]:
    return [number(float(x)) for x in column]
