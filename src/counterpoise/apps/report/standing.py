"""Where do all accounts of an engine stand? The riskiest first, as text and as one JSON object."""

from typing import Any, Final

import numpy as np

from counterpoise.apps.report.document import number
from counterpoise.apps.report.table import heading, indented, table
from counterpoise.engine.image import own_names
from counterpoise.engine.shards import grown
from counterpoise.engine.state import NEVER, Shard, State
from counterpoise.margin.compute import STATUS
from counterpoise.values.time import format_instant

SHOWN_MAX: Final = 30
_AMOUNTS: Final = ("initial", "maintenance", "balance")


def standing_document(state: State, record: int) -> dict[str, Any]:
    """Return every account and pool that has a requirement, and how many stand where.

    Accounts that changed since they were margined say so (`margined_at` null).
    """
    rows = [row for shard in state.shards for row in _rows(state, shard)]
    rows.sort(key=_risk)
    levels: dict[str, int] = {}
    for row in rows:
        levels[row["level"] or "none"] = levels.get(row["level"] or "none", 0) + 1
    market = state.market
    return {"record": record, "time": format_instant(state.time),
            "snapshot": None if market is None else market.sequence,
            "accounts": state.directory.count, "levels": levels,
            "rows": [{name: cell for name, cell in row.items() if name not in ("excess", "rank")}
                     for row in rows]}


def _risk(row: dict[str, Any]) -> tuple[Any, ...]:
    unknown = row["status"] == "unknown"
    return (-STATUS.index(row["status"]), -row["rank"], unknown or row["excess"], row["account"])


def _rows(state: State, shard: Shard) -> list[dict[str, Any]]:
    standing, names = grown(shard.standing, shard.size), own_names(state.directory)
    segment = state.segments[shard.segment]
    held = (standing.initial != 0) | (standing.level > 0) | (standing.balance < 0)
    row, pool = np.nonzero(held) if standing.pools else ((), ())
    out = []
    for r, p in zip(np.asarray(row).tolist(), np.asarray(pool).tolist(), strict=True):
        level, snapshot = int(standing.level[r, p]), int(standing.snapshot[r])
        balance, maintenance = float(standing.balance[r, p]), float(standing.maintenance[r, p])
        out.append({
            "account": names[shard.numbers[r]], "segment": segment.name,
            "pool": standing.pools[p], "status": STATUS[int(standing.status[r, p])],
            "level": segment.levels[level - 1].name if level else None, "rank": level,
            **{name: number(float(getattr(standing, name)[r, p])) for name in _AMOUNTS},
            "open_call": bool(standing.call[r, p] > 0), "excess": balance - maintenance,
            "margined_at": None if snapshot == NEVER else snapshot})
    return out


def standing_text(state: State, record: int, *, bold: bool = False) -> list[str]:
    """Return how many stand where, and the riskiest accounts."""
    told = standing_document(state, record)
    levels = ", ".join(f"{count} {name}" for name, count in told["levels"].items()) or "nobody"
    rows = [(row["account"], row["segment"], row["pool"], row["status"].replace("_", " "),
             row["level"] or "", *("?" if row[n] is None else f"{row[n]:,.2f}" for n in _AMOUNTS),
             "open" if row["open_call"] else "",
             "changed since" if row["margined_at"] is None else f"snapshot {row['margined_at']}")
            for row in told["rows"][:SHOWN_MAX]]
    more = len(told["rows"]) - len(rows)
    return [heading(f"{told['accounts']} accounts at {told['time'][:19]}Z, record {record}",
                    bold=bold), f"by level: {levels}",
            *indented(table(("account", "segment", "pool", "status", "level", *_AMOUNTS, "call",
                             "margined at"), rows, bold=bold, left=(0, 1, 2, 3, 4, 8, 9))),
            *([f"and {more} more; --json has them all"] if more > 0 else [])]
