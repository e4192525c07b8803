"""How fast is the worst scenario of a million accounts found, beside peers and the L2 cache?

Accounts of ten positions in canonical order over 2,000 instruments, P&L given; the worst of 33 and
of 297 scenarios. Bytes are those of the rows that a position reads: 8 per scenario, scenarios
filled up to whole blocks of 40.
"""

import os
from typing import Any

import numpy as np
from turns import Work, compared, other_flavours

INSTRUMENTS, POSITIONS, BLOCK = 2_000, 10, 40
NAMES = {1: ["counterpoise", "scipy.sparse", "sparse_dot_mkl", "numba, fused", "jax"],
         2: ["counterpoise", "sparse_dot_mkl", "torch sparse_csr", "numba, fused", "jax"]}
NOT_SENSIBLE = "polars and duckdb would join 10 M positions with 297 columns: not tried"


def measured(quick: bool, limits: dict[str, Any] | None = None,
             turns: int = 3) -> dict[str, Any]:
    """Return the rows of the tables, ratios, and the share of the measured L2 bandwidth."""
    accounts, cores = 2_000 if quick else 1_000_000, usable_cores()
    found: dict[str, Any] = {"table": {}, "ratios": {}, "shares": {}, "checks": {},
                             "notes": [NOT_SENSIBLE]}
    for scenarios in (33, 297):
        given = workload(accounts, scenarios)
        for threads in (1, cores) if cores > 1 else (1,):
            work = Work("aggregation_peers", given, threads, 1 if quick else turns,
                        0.1 if quick else 1.5)
            names = NAMES[min(threads, 2)]
            names = names[:1] + other_flavours() + names[1:2 if quick else None]
            rows = compared(work, names, unit=size_of(given))
            label = f"worst of {scenarios}, {threads} core{'s' if threads > 1 else ''}"
            found["table"][f"{accounts:,} accounts x {POSITIONS}, {label}"] = rows
            found["ratios"] |= {f"{label}: {row['name']}": row["times"] for row in rows[1:]
                                if "times" in row}
            found["checks"][f"{label}: difference of what stands at risk"] = max(
                (row["difference"] for row in rows if "difference" in row), default=0.0)
            if limits is not None:
                gigabytes = bytes_read(given) / rows[0]["seconds"] / 1e9
                found["shares"][f"{label}: of L2 read"] = gigabytes / limits[str(threads)]["L2"]
    return found


def usable_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def bytes_read(given: dict[str, Any]) -> float:
    """Return the bytes of P&L rows that the positions read."""
    blocks = -(-given["pnl"].shape[1] // BLOCK)
    return 8.0 * BLOCK * blocks * len(given["instrument"])


def size_of(given: dict[str, Any]) -> float:
    """Return the largest sum of absolute P&L of an account, what a rounding is measured by."""
    most = np.abs(given["pnl"]).max(axis=1)
    each = np.abs(given["lots"]) * most[given["instrument"]]
    return float(np.add.reduceat(each, given["pointer"][:-1]).max())


def workload(accounts: int, scenarios: int, positions: int = POSITIONS) -> dict[str, Any]:
    """Return a book as pointer [account + 1], instrument and lots [position], and pnl [I, S]."""
    random = np.random.Generator(np.random.PCG64(11))
    count = accounts * positions
    instrument = random.integers(0, INSTRUMENTS, (accounts, positions), dtype=np.int32)
    lots = random.integers(1, 500, count) * np.where(random.random(count) < 0.5, -1, 1)
    pnl = random.normal(0, 100, (INSTRUMENTS, scenarios))
    pnl[:, 0] = 0.0
    return {"pointer": np.arange(0, count + 1, positions), "lots": lots, "pnl": pnl,
            "instrument": np.sort(instrument, axis=1).ravel()}
