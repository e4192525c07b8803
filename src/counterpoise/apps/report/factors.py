"""What is in a factor history? Per factor: first and last day, moves, what is missing and why."""

from typing import Any

import numpy as np

from counterpoise.adapters.factor_store import record_digest
from counterpoise.apps.report.table import heading, significant, table
from counterpoise.calibration.factor_levels import Coverage, FactorRecord
from counterpoise.scenarios.factors import factor_name
from counterpoise.values.time import DAY_NS, day_text

Object = dict[str, Any]
_GAPS_SHOWN = 3


def factors_document(record: FactorRecord) -> Object:
    """Return the contents of a record: every factor with every gap."""
    return {"source": record.history.source, "digest": record_digest(record),
            "days": len(record.history.day), "factors": [
                {**_row(c, _deviation(record, k)),
                 "series": [{"source": s, "moves": n} for s, n in c.series],
                 "gaps": [{"first_day": _day(g.first_day), "last_day": _day(g.last_day),
                           "why": g.why} for g in c.gaps]}
                for k, c in enumerate(record.coverage)]}


def factors_lines(record: FactorRecord, *, bold: bool) -> list[str]:
    """Return the contents of a record as a table, and its longest gaps."""
    rows = [_row(c, _deviation(record, k)) for k, c in enumerate(record.coverage)]
    lines = [f"{record.history.source}; {len(rows)} factors, {len(record.history.day)} days",
             f"digest {record_digest(record)}", "", *table(
                 ("factor", "first day", "last day", "moves", "missing", "deviation"),
                 [(r["factor"], r["first_day"], r["last_day"], f"{r['moves']:,}",
                   f"{r['missing']:,}", significant(r["daily_deviation"], 3)) for r in rows],
                 bold=bold, left=(0, 1, 2))]
    gaps = sorted(((g.last_day - g.first_day + 1, c, g) for c in record.coverage for g in c.gaps),
                  key=lambda gap: -gap[0])
    if gaps:
        lines += ["", heading("longest gaps (--json lists all)", bold=bold)]
        lines += [f"  {factor_name(c.factor)}: {days} days from {_day(g.first_day)} to "
                  f"{_day(g.last_day)}, {g.why}" for days, c, g in gaps[:_GAPS_SHOWN]]
    return lines


def _row(coverage: Coverage, deviation: float) -> Object:
    return {"factor": factor_name(coverage.factor), "first_day": _day(coverage.first_day),
            "last_day": _day(coverage.last_day), "moves": coverage.known,
            "missing": coverage.missing, "daily_deviation": deviation}


def _deviation(record: FactorRecord, column: int) -> float:
    move = record.history.move[:, column]
    known = move[np.isfinite(move)]
    return float(np.std(known)) if len(known) else 0.0


def _day(day: int) -> str:
    return day_text(day * DAY_NS) if day >= 0 else "none"
