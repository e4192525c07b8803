"""How many accounts must be computed again at a tick, when statuses that are certain stand?

The path is 5 February 2026 in 288 five-minute bars (`stressed_path`), the book `realistic_book`;
both coins move at every bar, so that every account is touched at every tick. The watch starts with
one full pass and new bands are made when more than 4 % of accounts are out of theirs. At every
checked tick all statuses are compared with those of a full recomputation.

    python benchmarks/safe_bands.py --data ../shared/data [--accounts 1000000] [--check 1]
"""

import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from realistic_book import realistic_book
from stressed_path import markets

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.watch import Rules, ticked, watched
from counterpoise.values.time import parse_instant

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
QUICK_ACCOUNTS, SUITE_ACCOUNTS = 1_000, 100_000
"""Counts do not depend on the machine and little on the accounts: the suite needs no million."""
ACCOUNTS = 1_000_000


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--check", type=int, default=1, help="compare at every n-th tick")
    parser.add_argument("--day", default="2026-02-05", help="2026-02-02 to 2026-02-06")
    parser.add_argument("--bars", type=int, default=288)
    asked = parser.parse_args()
    json.dump(on_path(asked.data, asked.accounts, check=asked.check, bars=asked.bars,
                      day=asked.day), sys.stdout, indent=1)


def measured(quick: bool) -> dict[str, Any]:
    """Return the figures for the table; `available` is False where there is no market data."""
    if not DATA.is_dir():
        return {"available": False}
    return on_path(DATA, QUICK_ACCOUNTS if quick else SUITE_ACCOUNTS, check=1 if quick else 12,
                   bars=24 if quick else 288)


def on_path(data: Path, accounts: int, *, check: int, bars: int,
            day: str = "2026-02-05") -> dict[str, Any]:
    """Return counts and times of one day with `accounts` accounts.

    `touched_over_recomputed` leaves out the nodes of bands, `touched_over_everything` counts the
    full pass and each node of every band as one computation of the account.
    """
    path = markets(data, start=parse_instant(f"{day}T00:00:00Z"), bars=bars)
    model = model_named("deribit_spm")
    version = parameters_of(model, path[0].as_of)
    book = realistic_book(path[0], version, accounts)
    start = time.perf_counter()
    watch = watched(book, path[0], Rules(model=model, version=version))
    first_seconds, first_nodes = time.perf_counter() - start, watch.at_nodes
    recomputed, at_nodes, wrong, checked, most = 0, 0, 0, 0, 0
    seconds, full_seconds, batches = 0.0, 0.0, 0
    for k, market in enumerate(path[1:], 1):
        start = time.perf_counter()
        watch = ticked(watch, market)
        seconds += time.perf_counter() - start
        recomputed += watch.recomputed
        at_nodes += watch.at_nodes
        most, batches = max(most, watch.recomputed), max(batches, len(watch.batches))
        if k % check == 0:
            start = time.perf_counter()
            full = compute_margin(book, market, model=model, version=version)
            full_seconds += time.perf_counter() - start
            checked += 1
            wrong += int(np.count_nonzero(full.status != watch.status))
    touched = accounts * bars
    return {
        "available": True, "accounts": accounts, "positions": len(book.lots), "ticks": bars,
        "touched_over_recomputed": round(touched / recomputed, 1),
        "touched_over_everything": round(
            touched / (recomputed + at_nodes + accounts + first_nodes), 1),
        "largest_tick_share": round(most / accounts, 3), "batches_max": batches,
        "ticks_checked": checked, "statuses_different": wrong,
        "first_bands_over_full_pass": round(first_seconds / (full_seconds / checked), 1),
        "full_pass_over_tick": round((full_seconds / checked) / (seconds / bars), 2)}


if __name__ == "__main__":
    main()
