"""How much faster is expected shortfall than summing sparse rows and partitioning them?

2,000 instruments x 10,000 scenarios, ten positions an account, 97.5 %. The peer is
scipy.sparse @ P and np.partition on as many accounts as fit its memory, per account; results are
compared. Processor time of one thread, least of some runs.
"""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from counterpoise import _core
from counterpoise.risk.aggregation import Rows
from counterpoise.risk.measures import expected_shortfall

LEVEL = 0.975
POSITIONS = 10
SEED = 41


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    json.dump(measured(parser.parse_args().quick), sys.stdout, indent=1)


def measured(quick: bool) -> dict[str, Any]:
    """Return how many times longer the peer takes per account, and the largest difference."""
    instruments, scenarios, accounts = (200, 2_000, 2_100) if quick else (2_000, 10_000, 16_384)
    rows, pnl = book(instruments, scenarios, accounts)
    some = min(accounts, 512)
    theirs, expected = best_of(lambda: sorted_out(rows, pnl, some), 2)
    results: dict[str, Any] = {"scenarios": scenarios, "accounts": accounts,
                               "accounts_of_peer": some}
    active = _core.isa()["active"]
    digests: set[bytes] = set()
    for flavour in _core.isa()["available"]:
        if flavour == "baseline" and not quick:
            continue  # software fma: seconds per account, and its bits are a test's business
        _core.use_isa(flavour)
        ours, figures = best_of(lambda: expected_shortfall(rows, pnl, level=LEVEL), 3)
        digests.add(figures.tobytes())
        times = round((theirs / some) / (ours / accounts), 2)
        results[f"times_scipy_partition{'' if flavour == active else f', {flavour}'}"] = times
        off = np.max(np.abs(figures[:some] - expected) / np.abs(expected))
        results["largest_relative_difference"] = float(off)
    _core.use_isa(active)
    return results | {"same_bits": len(digests) == 1}


def book(instruments: int, scenarios: int, accounts: int) -> tuple[Rows, np.ndarray]:
    """Return random accounts and correlated heavy-tailed P&L, scenario 0 unshocked."""
    random = np.random.Generator(np.random.PCG64(SEED))
    pnl = random.standard_normal((instruments, 20)) @ random.standard_t(4, (20, scenarios + 1))
    pnl += 0.3 * random.standard_normal(pnl.shape)
    pnl[:, 0] = 0.0
    part = instruments // POSITIONS
    held = random.integers(0, part, (accounts, POSITIONS)) + np.arange(POSITIONS) * part
    rows = Rows(pointer=np.arange(0, accounts * POSITIONS + 1, POSITIONS),
                account=np.arange(accounts, dtype=np.int32), key=np.zeros(accounts, np.int32),
                instrument=held.astype(np.int32).ravel(),
                lots=random.integers(-500, 500, accounts * POSITIONS))
    return rows, pnl


def sorted_out(rows: Rows, pnl: np.ndarray, accounts: int) -> np.ndarray:
    """Return the expected shortfall of the first accounts by SciPy and NumPy."""
    stop = rows.pointer[accounts]
    sparse = csr_matrix((rows.lots[:stop].astype(np.float64), rows.instrument[:stop],
                         rows.pointer[:accounts + 1]), shape=(accounts, len(pnl)))
    tail = round((pnl.shape[1] - 1) * (1 - LEVEL))
    vectors = sparse @ pnl
    return -np.partition(vectors[:, 1:], tail - 1, axis=1)[:, :tail].mean(axis=1)


def best_of(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the least processor seconds of the repeats, and the result."""
    least, result = float("inf"), None
    for _ in range(repeats):
        start = time.thread_time()
        result = function()
        least = min(least, time.thread_time() - start)
    return least, result


if __name__ == "__main__":
    main()
