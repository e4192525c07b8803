"""How fast is the worst scenario of a million accounts found, beside peers and the L2 cache?

Accounts of ten positions in canonical order over 2,000 instruments, P&L given; the worst of 33 and
of 297 scenarios. Bytes are those that a position reads: 8 per scenario but the unshocked one, whose
P&L is zero, filled up to whole vectors of eight. Beside the L2 cache stands the barest loop that
adds up books (`rows` of `limits.cpp`). Then what it costs more to take the worst of three
volatilities by expiry, over eleven prices, than the worst of the same 33 scenarios by coin:
100,000 accounts, two coins of ten expiries.
"""

import os
from typing import Any

import numpy as np
from candidate import best_of
from turns import Work, compared, other_flavours

from counterpoise.risk.aggregation import grouped, worst_loss
from counterpoise.risk.segments import SegmentTransform, segmented, worst_of_segments

INSTRUMENTS, POSITIONS, VECTOR = 2_000, 10, 8
NAMES = {1: ["counterpoise", "scipy.sparse", "sparse_dot_mkl", "numba, fused", "jax"],
         2: ["counterpoise", "sparse_dot_mkl", "torch sparse_csr", "numba, fused"]}
COINS, EXPIRIES, PRICES, VOLATILITIES = 2, 10, 11, 3
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
                        0.1 if quick else 0.7)
            names = NAMES[min(threads, 2)]
            # The other flavours once; every peer where it has most to do.
            others = other_flavours() if threads == 1 else []
            few = quick or scenarios == 33
            names = names[:1] + others + names[1:2 if few else None]
            rows = compared(work, names, unit=size_of(given))
            label = f"worst of {scenarios}, {threads} core{'s' if threads > 1 else ''}"
            found["table"][f"{accounts:,} accounts x {POSITIONS}, {label}"] = rows
            found["ratios"] |= {f"{label}: {row['name']}": row["times"] for row in rows[1:]
                                if "times" in row}
            found["checks"][f"{label}: difference of what stands at risk"] = max(
                (row["difference"] for row in rows if "difference" in row), default=0.0)
            if limits is not None:
                gigabytes = bytes_read(given) / rows[0]["seconds"] / 1e9
                most = limits[str(threads)]
                found["shares"] |= {f"{label}: of L2 read": gigabytes / most["L2"],
                                    f"{label}: of the barest loop": gigabytes / most["rows"]}
    return found | {"segments": by_expiry(quick)}


def by_expiry(quick: bool) -> dict[str, float]:
    """Return times as slow as the plain worst loss, and the largest difference to a plain form."""
    given = workload(1_000 if quick else 100_000, 1 + PRICES * VOLATILITIES)
    expiry = (np.arange(INSTRUMENTS) * COINS * EXPIRIES // INSTRUMENTS).astype(np.int32)
    coin = (np.arange(COINS * EXPIRIES) // EXPIRIES).astype(np.int32)
    book = {"row_pointer": given["pointer"], "lots": given["lots"],
            "instrument": given["instrument"]}
    units, rows = grouped(**book, key=coin[expiry]), segmented(**book, segment=expiry, unit=coin)
    state = np.repeat(np.arange(1 + PRICES), [1] + PRICES * [VOLATILITIES]).astype(np.int32)
    transform = SegmentTransform(state=state)
    budget = 0.1 if quick else 2.0
    plain, _ = best_of(lambda: worst_loss(units, given["pnl"]), budget)
    seconds, (loss, _) = best_of(lambda: worst_of_segments(rows, given["pnl"], transform), budget)
    expected = plain_form(rows, given["pnl"], 500)
    off = np.abs(loss[:500] - expected) / size_of(given)
    return {"worst of 3 volatilities by expiry, 11 prices, times the worst of 33": seconds / plain,
            "largest difference, share of what stands at risk": float(off.max())}


def plain_form(rows: Any, pnl: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """Return the losses of the first rows by plain sums and minima."""
    losses = []
    for first, end in zip(rows.segments[:count], rows.segments[1:count + 1], strict=True):
        total = np.zeros(PRICES)
        for g in range(first, end):
            at = slice(rows.positions[g], rows.positions[g + 1])
            sums = rows.quantity[at] @ pnl[rows.instrument[at], 1:]
            total += sums.reshape(PRICES, VOLATILITIES).min(axis=1)
        losses.append(max(0.0, -total.min()))
    return np.array(losses)


def usable_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def bytes_read(given: dict[str, Any]) -> float:
    """Return the bytes of P&L rows that the positions read."""
    vectors = -(-(given["pnl"].shape[1] - 1) // VECTOR)
    return 8.0 * VECTOR * vectors * len(given["instrument"])


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
