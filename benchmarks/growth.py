"""How does the cost grow with accounts, positions, scenarios and threads, and what memory is it?

Every series changes one size of the worst-loss call and keeps the others; figures are costs per
unit of work (accounts x positions x scenarios), over the cheapest of the series: 1 everywhere is
perfectly linear growth. Memory is what the book and the results hold per account, in bytes.
"""

import time
from typing import Any

import aggregation
import numpy as np

from counterpoise import _core

ACCOUNTS, POSITIONS, SCENARIOS = 100_000, 10, 297
SERIES = {"accounts": [1_000, 10_000, 100_000, 1_000_000, 3_000_000],
          "positions": [1, 3, 10, 30, 100, 300, 1_000],
          "scenarios": [33, 99, 297, 1_000, 3_000, 10_000]}


def measured(quick: bool) -> dict[str, Any]:
    """Return each series as {size: cost per unit over the least}, speed-up by threads, memory."""
    shrink = 100 if quick else 1
    series: dict[str, dict[int, float]] = {}
    for name, sizes in SERIES.items():
        costs = {size: cost(name, size, shrink) for size in (sizes[:2] if quick else sizes)}
        least = min(costs.values())
        series[name] = {size: round(value / least, 3) for size, value in costs.items()}
    given = aggregation.workload(ACCOUNTS // shrink, SCENARIOS)
    most = aggregation.usable_cores()
    threads = {n: seconds_of(given, n) for n in range(1, most + 1)}
    series["threads"] = {n: round(threads[1] / (n * value), 3) for n, value in threads.items()}
    return {"growth": series, "bytes_per_account": memory(given),
            "notes": ["growth: cost per account, position and scenario over the cheapest; "
                      "threads: speed-up per thread"]}


def cost(name: str, size: int, shrink: int) -> float:
    """Return seconds per account, position and scenario where `name` has this size."""
    sizes = {"accounts": ACCOUNTS, "positions": POSITIONS, "scenarios": SCENARIOS} | {name: size}
    # The same amount of work where something else than the accounts grows.
    if name == "positions":
        sizes["accounts"] = min(ACCOUNTS, ACCOUNTS * 20 // size)
    if name == "scenarios":
        # Enough of them that the packing of the P&L, which all share, is not what is measured.
        sizes["accounts"] = max(30_000, min(ACCOUNTS, ACCOUNTS * 300 // size))
    if name != "accounts" or size > 10_000:
        sizes["accounts"] = max(100, sizes["accounts"] // shrink)
    given = aggregation.workload(sizes["accounts"], sizes["scenarios"], sizes["positions"])
    work = sizes["accounts"] * sizes["positions"] * sizes["scenarios"]
    return seconds_of(given, 1) / work


def seconds_of(given: dict[str, Any], threads: int, budget: float = 0.6) -> float:
    """Return the least seconds of a worst-loss call after a first one that does not count."""
    keys = np.zeros(len(given["pointer"]) - 1, np.int32)
    names = ("pointer", "instrument", "lots", "pnl")
    arguments = {name: given[name] for name in names} | {"key": keys, "threads": threads}
    _core.worst_loss(**arguments)
    least, end, calls = float("inf"), time.perf_counter() + budget, 0
    while calls < 2 or time.perf_counter() < end:
        start = time.perf_counter()
        _core.worst_loss(**arguments)
        least, calls = min(least, time.perf_counter() - start), calls + 1
    return least


def memory(given: dict[str, Any]) -> dict[str, float]:
    """Return bytes per account of the book's columns and of the results."""
    accounts = len(given["pointer"]) - 1
    book = sum(given[name].nbytes for name in ("pointer", "instrument", "lots"))
    loss, scenario = _core.worst_loss(
        pointer=given["pointer"], key=np.zeros(accounts, np.int32), pnl=given["pnl"],
        instrument=given["instrument"], lots=given["lots"])
    return {"book": round(book / accounts, 1),
            "worst loss and scenario": (loss.nbytes + scenario.nbytes) / accounts}


def draw(series: dict[str, dict[Any, float]], path: str) -> None:
    """Draw the series as a chart, one panel each."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(series), figsize=(3.2 * len(series), 2.8), sharey=True)
    for axis, (name, costs) in zip(axes, series.items(), strict=True):
        axis.plot([float(size) for size in costs], list(costs.values()), marker="o")
        axis.set(xlabel=name, ylim=(0, None), xscale="linear" if name == "threads" else "log")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("cost per unit over least;\nthreads: speed-up per thread")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.endswith("svg") else None)
