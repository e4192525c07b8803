"""How fast is it on this machine, and are the bits the same everywhere? `make bench` prints it.

Seconds are printed with the machine's name and never committed; `results/foundation.json` keeps
ratios and whether digests were equal. `--quick` takes small sizes, to see that everything runs.
"""

import json
import os
import platform
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import counterpoise
from counterpoise import _core

HERE = Path(__file__).resolve().parent
LIBRARY_MAX = 1.1
SHELL_MAX = 1.5
LARGE_MAX_SECONDS = 0.5
PEAK_MAX_BYTES = 8 * 2**30


def main() -> int:
    """Run all measurements, print them and write the ratios."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--results", default=str(HERE / "results" / "foundation.json"))
    asked = parser.parse_args()
    accounts = 2_000 if asked.quick else 1_000_000
    print(f"counterpoise {counterpoise.__version__} on {machine()}\n")
    cold = measured("cold_start.py", "--samples", "3" if asked.quick else "15")
    show_cold(cold)
    million = measured("million_accounts.py", "--accounts", str(accounts))
    show_million(million)
    loading = measured("loading.py", "--accounts", str(accounts))
    show_loading(loading)
    results = ratios(cold, million, loading)
    if not asked.quick:
        Path(asked.results).parent.mkdir(parents=True, exist_ok=True)
        Path(asked.results).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0 if results["same_bits"] and results["same_book_from_files"] else 1


def machine() -> str:
    """Return the processor's name, its cores, and the flavours of the core that it runs."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text(encoding="utf-8").splitlines() if names.is_file() else []
    model = next((line.split(":", 1)[1].strip() for line in lines
                  if line.startswith("model name")), platform.processor() or platform.machine())
    return (f"{model}, {os.cpu_count()} cores, {platform.system()}, "
            f"Python {platform.python_version()}, core {', '.join(_core.isa()['available'])}")


def measured(script: str, *arguments: str) -> dict[str, Any]:
    """Return what a measurement in a process of its own prints."""
    done = subprocess.run([sys.executable, str(HERE / script), *arguments], check=True,
                          stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def show_cold(cold: dict[str, float]) -> None:
    """Print the first answers of fresh interpreters."""
    unit = cold["import numpy"]
    print("a fresh interpreter, median          ms  x import numpy")
    for kind, seconds in cold.items():
        print(f"{kind:<34}{1000 * seconds:>6.1f}{seconds / unit:>16.2f}")
    print(f"wanted: library {LIBRARY_MAX}, counterpoise {SHELL_MAX}, 200 options under "
          f"{LARGE_MAX_SECONDS} s\n")


def show_million(million: dict[str, Any]) -> None:
    """Print the great book."""
    print(f"{million['accounts']:,} accounts, {million['positions']:,} positions, "
          f"{million['scenarios']} scenarios, {million['instruments']:,} instruments: S:PM in one "
          "call, pricing included")
    print(f"1 thread {million['seconds_1_thread']:.2f} s, 2 threads "
          f"{million['seconds_2_threads']:.2f} s, peak {million['peak_bytes'] / 2**30:.2f} GiB "
          f"(wanted: at most {PEAK_MAX_BYTES / 2**30:.0f})")
    for what, digest in million["digests"].items():
        print(f"  {what:<12}{digest[:32]}")
    print("  same bits\n" if same_bits(million) else "  BITS DIFFER\n")


def show_loading(loading: dict[str, Any]) -> None:
    """Print the files."""
    times = ", ".join(f"{kind} {seconds:.1f} s" for kind, seconds in loading["seconds"].items())
    print(f"{loading['positions']:,} positions from a file into a book: {times}")


def same_bits(million: dict[str, Any]) -> bool:
    """Return whether every way to the great book's margin gave the same digest."""
    return len(set(million["digests"].values())) == 1


def ratios(cold: dict[str, float], million: dict[str, Any],
           loading: dict[str, Any]) -> dict[str, Any]:
    """Return what may be committed: ratios and equalities, no seconds."""
    unit = cold["import numpy"]
    return {
        "times_import_numpy": {kind: round(seconds / unit, 2) for kind, seconds in cold.items()},
        "two_threads_over_one": round(
            million["seconds_2_threads"] / million["seconds_1_thread"], 2),
        "same_bits": same_bits(million), "digests_of": list(million["digests"]),
        "peak_within_8_gib": million["peak_bytes"] <= PEAK_MAX_BYTES,
        "csv_over_parquet": round(loading["seconds"]["csv"] / loading["seconds"]["parquet"], 1),
        "same_book_from_files": loading["same_book"]}


if __name__ == "__main__":
    sys.exit(main())
