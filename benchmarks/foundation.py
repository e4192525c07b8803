"""How soon is the first answer there, how long do a million accounts take, are the bits the same?

Three measurements in processes of their own: `cold_start.py`, `million_accounts.py`, `loading.py`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LIBRARY_MAX = 1.1
SHELL_MAX = 1.5
LARGE_MAX_SECONDS = 0.5
PEAK_MAX_BYTES = 8 * 2**30


def measured(quick: bool) -> dict[str, Any]:
    """Run all three, print them and return ratios and equalities, no seconds."""
    accounts = 2_000 if quick else 1_000_000
    cold = printed("cold_start.py", "--samples", "3" if quick else "15")
    show_cold(cold)
    million = printed("million_accounts.py", "--accounts", str(accounts))
    show_million(million)
    loading = printed("loading.py", "--accounts", str(accounts))
    show_loading(loading)
    return ratios(cold, million, loading)


def printed(script: str, *arguments: str) -> dict[str, Any]:
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
