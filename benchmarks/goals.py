"""Which ratio was promised, and what was found? One named line each, in a table and in a chart.

A goal names a part, the path of its figure in what the part finds, and the least (or, with `most`,
the largest) figure that keeps the promise. `results/PART.json` keeps what was found beside it.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

KEPT, MISSED, NOT_MEASURED = "kept", "missed", "not measured"


class Goal(NamedTuple):
    """A promise: a name for people, where its figure stands, and its bound."""

    name: str
    part: str
    path: tuple[str, ...]
    bound: float
    most: bool = False


GOALS = (
    Goal("first result from values over import numpy", "foundation",
         ("times_import_numpy", "library, values in Python"), 1.1, most=True),
    Goal("first result of the command line over import numpy", "foundation",
         ("times_import_numpy", "counterpoise margin, 2 positions"), 1.5, most=True),
    Goal("pricing over NumPy and SciPy's ndtr, one core", "pricing",
         ("ratios", "pricing: numpy + scipy ndtr"), 12.0),
    Goal("pricing over fast-vollib, one core", "pricing", ("ratios", "pricing: fast-vollib"), 10.0),
    Goal("pricing over a QuantLib loop, one core", "pricing",
         ("ratios", "pricing: QuantLib loop"), 130.0),
    Goal("pricing, share of the FMA peak", "pricing",
         ("shares", "pricing, strikes: of FMA peak at 132 flop/price"), 0.65),
    Goal("worst of 297 over scipy.sparse, one core", "aggregation",
         ("ratios", "worst of 297, 1 core: scipy.sparse"), 5.0),
    Goal("worst of 297 over PyTorch sparse, two cores", "aggregation",
         ("ratios", "worst of 297, 2 cores: torch sparse_csr"), 14.0),
    Goal("worst of 297, share of L2 reads, one core", "aggregation",
         ("shares", "worst of 297, 1 core: of L2 read"), 0.85),
    Goal("worst of 33 over scipy.sparse, one core", "aggregation",
         ("ratios", "worst of 33, 1 core: scipy.sparse"), 5.5),
    Goal("whole margin over its bare kernel, two threads", "whole_margin",
         ("whole_over_kernel_2_threads",), 1.25, most=True),
    Goal("a full pass over a tick of one coin in twenty, two threads", "ticks",
         ("settled_in_coin", "full_over_tick_2_threads"), 14.0),
    Goal("expected shortfall of 10,000 over sparse rows and partition", "expected_shortfall",
         ("times_scipy_partition",), 6.0),
    Goal("dynamic, two shortfalls of 10,000 over sparse rows and partition each", "dynamic",
         ("times_scipy_partition_per_shortfall",), 2.0),
    Goal("what-if, worst of a prepared account over an empty call", "whatif",
         ("worst_over_empty_call",), 3.0, most=True),
    Goal("what-if, initial margin of a prepared account over an empty call", "whatif",
         ("initial_over_empty_call",), 3.0, most=True),
    Goal("what-if, recomputed worst over NumPy", "whatif", ("full_times_numpy",), 7.0),
    Goal("implied volatility over vollib", "implied", ("implied", "vollib", "times"), 60.0),
    Goal("implied volatility over QuantLib", "implied",
         ("implied", "QuantLib blackFormulaImpliedStdDev", "times"), 4.5),
    Goal("SVI of a chain over SciPy's least_squares", "implied",
         ("smiles", "scipy least_squares", "times"), 250.0),
    Goal("the slowest rule book over the worst of a grid", "models", ("slowest",), 20.0,
         most=True),
    Goal("400 options under all rule books, share of the time allowed", "models",
         ("compare_share_of_two_s",), 1.0, most=True),
    Goal("durable events of the log alone over 20,000/s", "store",
         ("log_events_over_wanted",), 1.0),
    Goal("durable events through step and store over 20,000/s", "store",
         ("engine_events_over_wanted",), 1.0),
    Goal("re-margin of 10,000 accounts, p99 over 100 ms", "engine_step",
         ("remargin_10000_p99_over_wanted",), 1.0, most=True),
    Goal("re-margin of 100,000 accounts, p99 over 1,000 ms", "engine_step",
         ("remargin_100000_p99_over_wanted",), 1.0, most=True),
    Goal("opening the last tenth of a million accounts over the first", "million_engine",
         ("opening_last_over_first",), 1.5, most=True),
    Goal("bytes per account of a million in one process", "million_engine",
         ("bytes_per_account", "in all"), 4_000, most=True),
    Goal("restart of a million events over a minute", "store",
         ("restart_of_a_million_over_wanted",), 1.0, most=True),
)


def judged(part: str, found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return {name: found, wanted, verdict} of the goals of a part."""
    rows = {}
    for goal in GOALS:
        if goal.part == part:
            figure = at(found, goal.path)
            kept = figure is not None and (figure <= goal.bound if goal.most
                                           else figure >= goal.bound)
            rows[goal.name] = {
                "found": figure, "wanted": f"{'at most' if goal.most else 'at least'} "
                                           f"{goal.bound:g}",
                "verdict": NOT_MEASURED if figure is None else KEPT if kept else MISSED}
    return rows


def at(found: Any, path: tuple[str, ...]) -> float | None:
    """Return the figure at a path, None where there is none."""
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return float(found) if isinstance(found, int | float) else None


def show(rows: dict[str, dict[str, Any]]) -> None:
    """Print one line per goal."""
    for name, row in rows.items():
        figure = "-" if row["found"] is None else f"{row['found']:.3g}"
        print(f"  {name:<66}{figure:>8}  {row['wanted']:<14}  {row['verdict']}")


def draw(folder: Path) -> None:
    """Draw every goal of the results in `folder` as found over wanted, 1 where just kept."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kept = {path.stem: json.loads(path.read_text(encoding="utf-8")).get("goals", {})
            for path in sorted(folder.glob("*.json"))}
    lines = [(goal, kept[goal.part][goal.name]["found"]) for goal in GOALS
             if kept.get(goal.part, {}).get(goal.name, {}).get("found") is not None]
    if not lines:
        return
    times = [goal.bound / figure if goal.most else figure / goal.bound for goal, figure in lines]
    figure, axis = pyplot.subplots(figsize=(9, 0.34 * len(lines) + 1))
    axis.barh(range(len(lines)), times, color=["#2a7f62" if t >= 1 else "#b5483a" for t in times])
    axis.axvline(1.0, color="black", linewidth=1)
    axis.set_yticks(range(len(lines)), [f"{goal.name}: {found:.3g}" for goal, found in lines],
                    fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel("found over promised (at most: promised over found); 1 is just kept")
    figure.tight_layout()
    figure.savefig(folder / "goals.svg", metadata={"Date": None})
