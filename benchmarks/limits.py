"""What can this machine do at most? `limits.cpp`, built here for this processor and run."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from aggregation import usable_cores

HERE = Path(__file__).resolve().parent
READS = ("L1", "L2", "L3", "DRAM", "rows")
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-std=c++17", "-pthread")


def measured(quick: bool) -> dict[str, Any]:
    """Return by number of threads: FMA in gigaflops; reads in gigabytes per second.

    Raises
    ------
    OSError, subprocess.CalledProcessError
        If there is no C++ compiler named c++.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "limits")
        subprocess.run(["c++", *FLAGS, str(HERE / "limits.cpp"), "-o", program], check=True)
        command = [program, str(usable_cores()), "0.02" if quick else "1"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def show(limits: dict[str, Any]) -> None:
    """Print the limits of this machine."""
    print(f"limits of this machine, vectors of {limits['width']} doubles")
    for threads, rates in limits.items():
        if threads != "width":
            reads = ", ".join(f"{name} {rates[name]:.0f}" for name in READS)
            print(f"  {threads} threads: FMA {rates['FMA']:.1f} GFLOP/s; reads in GB/s: {reads}")
    print()
