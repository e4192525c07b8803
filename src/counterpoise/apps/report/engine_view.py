"""What does a run look like while it runs? A line, a document, or a page on the terminal."""

from typing import Any, Final

from counterpoise.apps.engine_run import Progress
from counterpoise.values.time import SECOND_NS, format_instant

_LIQUIDATED: Final = "LiquidationOrdered"
_AT_RISK: Final = ("warning", "maintenance", "liquidation", "bankrupt")


def progress_line(now: Progress) -> str:
    """Return where a run is on one line."""
    levels = ", ".join(f"{now.levels[n]} {n}" for n in _AT_RISK if n in now.levels) or "none"
    return (f"{format_instant(now.time)[:19]}Z  step {now.step}  record {now.record}  "
            f"{_pace(now):,.0f} events/s  snapshot {now.sequence}, {_age(now)} old  at risk: "
            f"{levels}  calls open {now.open_calls}  liquidations {_told(now, _LIQUIDATED)}")


def progress_document(now: Progress) -> dict[str, Any]:
    """Return where a run is for `--json`."""
    return {"step": now.step, "record": now.record, "time": format_instant(now.time),
            "sequence": now.sequence, "snapshot_age_seconds": now.snapshot_age_ns / SECOND_NS,
            "accounts": now.accounts, "events": now.events,
            "events_per_second": _pace(now), "levels": now.levels, "open_calls": now.open_calls,
            "pockets": now.pockets, "linked": now.linked,
            "told": now.told, "root": now.root or None, "rooted_at": now.rooted or None,
            "lost_snapshots": now.lost_snapshots, "resumed": now.resumed}


def summary(now: Progress, place: str) -> list[str]:
    """Return what a run leaves behind, as text."""
    return [progress_line(now),
            f"{now.events:,} events of {now.accounts:,} accounts, {now.pockets:,} pockets and "
            f"{now.linked:,} linked among them, in {now.seconds:.1f} s; orders "
            f"{_told(now, 'OrderAdmitted')} admitted, {_told(now, 'OrderRefused')} refused; margin "
            f"calls {_told(now, 'MarginCallIssued')} issued, {_told(now, 'MarginCallMet')} met, "
            f"{_told(now, 'MarginCallEscalated')} escalated; {_told(now, 'EventRefused')} events "
            "refused",
            f"root {now.root} after record {now.rooted}",
            f"all of it is durable in {place}; the same command goes on from here, counterpoise "
            "verify checks it"]


def page(now: Progress, source: str) -> Any:
    """Return the page as something that `rich` draws."""
    from rich.panel import Panel
    from rich.table import Table

    table = Table.grid(padding=(0, 3))
    table.add_column(justify="left", style="bold")
    table.add_column(justify="right")
    for name, value in _rows(now):
        table.add_row(name, value)
    return Panel(table, title=f"counterpoise run: {source}", subtitle="Ctrl-C stops it; nothing "
                 "acknowledged is lost", expand=False)


def _rows(now: Progress) -> list[tuple[str, str]]:
    at_risk = sum(now.levels.get(name, 0) for name in _AT_RISK)
    return [
        ("time", format_instant(now.time)[:19] + "Z"), ("step", f"{now.step:,}"),
        ("snapshot", f"{now.sequence}, {_age(now)} old"),
        ("events", f"{now.events:,}, {_pace(now):,.0f} a second"), ("record", f"{now.record:,}"),
        ("accounts", f"{now.accounts:,}"), ("  pockets", f"{now.pockets:,}"),
        ("  linked", f"{now.linked:,}"), ("at risk", f"{at_risk:,}"),
        *((f"  {name}", f"{now.levels.get(name, 0):,}") for name in _AT_RISK),
        ("margin calls open", f"{now.open_calls:,}"),
        *((name, f"{_told(now, kind):,}") for name, kind in (
            ("calls issued", "MarginCallIssued"), ("calls met", "MarginCallMet"),
            ("calls escalated", "MarginCallEscalated"), ("liquidations", _LIQUIDATED),
            ("orders admitted", "OrderAdmitted"), ("orders refused", "OrderRefused"),
            ("events refused", "EventRefused"))),
        ("root", f"{now.root[:16] or 'not yet'} at record {now.rooted}")]


def _told(now: Progress, kind: str) -> int:
    return now.told.get(kind, 0)


def _pace(now: Progress) -> float:
    return now.events / now.seconds if now.seconds > 0 else 0.0


def _age(now: Progress) -> str:
    return f"{now.snapshot_age_ns / SECOND_NS:.0f} s"
