"""How do candidates compare that do the same work, in turn, with checked answers?

Every candidate runs in a process of its own, pinned to the cores it may use; they take turns, so
that a slow minute of the machine hits all, and the median over the turns counts.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from counterpoise import _core

HERE = Path(__file__).resolve().parent
POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS",
         "POLARS_MAX_THREADS", "NUMEXPR_NUM_THREADS")


class Work(NamedTuple):
    """One piece of work: the module that holds its candidates, inputs, threads and turns."""

    module: str
    inputs: dict[str, Any]
    threads: int
    turns: int
    budget: float


def compared(work: Work, names: list[str], *, unit: Any) -> list[dict[str, Any]]:
    """Return one row per candidate: seconds, times as slow as the first, difference, version.

    `unit` divides the difference of answers to the first candidate's: one number, or one per row.
    """
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "answers").mkdir()
        for key, array in work.inputs.items():
            np.save(folder / f"{key}.npy", array)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for name in names * work.turns:
            if not any("missing" in run for run in runs[name]):
                runs[name].append(_run(work, name, folder))
        return _rows(runs, folder / "answers", unit)


def other_flavours() -> list[str]:
    """Return the names of our own candidate on the other instruction sets of this CPU."""
    return [f"counterpoise, {name}" for name in _core.isa()["available"][1:] if name != "baseline"]


def environment(threads: int) -> dict[str, str]:
    """Return the variables that hold every thread pool to `threads`, without idle spinning."""
    return os.environ | dict.fromkeys(POOLS, str(threads)) | {
        "OMP_WAIT_POLICY": "passive", "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}


def _run(work: Work, name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", str(HERE / "candidate.py"), work.module, name,
               str(folder), "--threads", str(work.threads), "--budget", str(work.budget)]
    done = subprocess.run(command, env=environment(work.threads), capture_output=True, text=True)
    if done.returncode != 0:
        return {"missing": (done.stderr.strip().splitlines() or ["it was killed"])[-1][:200]}
    # What a package prints while it is imported comes before.
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.rindex("{"):])
    return found


def _rows(runs: dict[str, list[dict[str, Any]]], answers: Path, unit: Any) -> list[dict[str, Any]]:
    first, *_ = runs
    failed = next((run["missing"] for run in runs[first] if "missing" in run), None)
    if failed:
        raise RuntimeError(f"{first} did not run: {failed}")
    own = np.load(answers / f"{first}.npy")
    rows: list[dict[str, Any]] = []
    for name, made in runs.items():
        missing = next((run["missing"] for run in made if "missing" in run), None)
        if missing:
            rows.append({"name": name, "missing": missing})
            continue
        theirs = np.load(answers / f"{name}.npy")
        share = len(theirs) / len(own)
        seconds = statistics.median(run["seconds"] for run in made) / share
        scale = unit if np.ndim(unit) == 0 else np.asarray(unit)[:len(theirs)]
        difference = np.max(np.abs(theirs - own[:len(theirs)]) / scale)
        rows.append({"name": name, "seconds": seconds, "version": made[0]["version"],
                     "times": seconds / rows[0]["seconds"] if rows else 1.0,
                     "difference": float(difference), "share_timed": share})
    return rows
