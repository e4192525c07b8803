"""What does a whole margin cost beside its bare kernel: everything but the scan of scenarios?

A million accounts with ten positions each, 297 scenarios, S:PM. The bare kernel is `worst_loss`
on the same unit rows with the same transforms and threads; the whole margin adds roll shock, delta
shock, IM, MM and their components, equity and status. Risk arrays are made before. Two questions
are answered: margined again from a layout that is kept while positions stand and prices move (the
engine's case, `whole_over_kernel`), and from the book, layout included (`from_book_over_kernel`).
"""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from typing import Any

import million_accounts

from counterpoise import _core
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin, laid_out, priced
from counterpoise.margin.layout import Layout
from counterpoise.margin.terms.risk_matrix import unit_terms
from counterpoise.market.simulated import simulated_market
from counterpoise.risk.aggregation import grouped, worst_loss

MODEL = model_named("deribit_spm")
REPEATS = 5
GOAL_MAX = 1.25


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    json.dump(measured(parser.parse_args().quick), sys.stdout)


def measured(quick: bool) -> dict[str, Any]:
    """Return ratios to the bare kernel and whether the bits were the same every way."""
    accounts = 5_000 if quick else 1_000_000
    market = simulated_market()
    book = million_accounts.made(market, million_accounts.entries(market, accounts), accounts)
    version = parameters_of(MODEL, market.as_of, million_accounts.GRID)
    arrays = priced(market, model=MODEL, version=version)
    terms = unit_terms(arrays[0], market, version.parameters)
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=terms.units.of)
    layout = laid_out(book, MODEL)
    assert isinstance(layout, Layout)
    digests, found = set(), {}
    for threads in (1, 2):
        kernel, in_blocks, whole, from_book = best({
            "kernel": partial(worst_loss, rows, arrays[0].pnl, terms.transform, threads=threads),
            "in blocks": partial(scanned, layout, arrays, terms, threads),
            "whole": partial(compute_margin, layout, market, model=MODEL, version=version,
                             arrays=arrays, threads=threads),
            "from book": partial(compute_margin, book, market, model=MODEL, version=version,
                                 arrays=arrays, threads=threads)})
        found |= {f"whole_over_kernel_{threads}_threads": round(whole / kernel, 3),
                  f"whole_over_kernel_in_blocks_{threads}_threads": round(whole / in_blocks, 3),
                  f"from_book_over_kernel_{threads}_threads": round(from_book / kernel, 3)}
    for flavour in _core.isa()["available"]:
        before = _core.isa()["active"]
        _core.use_isa(flavour)
        digests.add(million_accounts.digest(compute_margin(
            layout, market, model=MODEL, version=version, arrays=arrays, threads=2)))
        _core.use_isa(before)
    return {"accounts": accounts, "unit_rows": len(rows), "scenarios": 297, "goal_max": GOAL_MAX,
            **found, "same_bits": len(digests) == 1 and worst_agrees(rows, arrays, terms, layout)}


def best(candidates: dict[str, Callable[[], Any]], repeats: int = REPEATS) -> list[float]:
    """Return the best seconds of each candidate; they take turns, so that a busy spell hits all."""
    seconds = {name: float("inf") for name in candidates}
    for _ in range(repeats):
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return list(seconds.values())


def scanned(layout: Layout, arrays: Any, terms: Any, threads: int) -> list[Any]:
    """Return the bare kernel's results block by block."""
    return [worst_loss(b.rows, arrays[0].pnl[b.start:b.stop], terms.transform, threads=threads)[0]
            for b in layout.blocks]


def worst_agrees(rows: Any, arrays: Any, terms: Any, layout: Layout) -> bool:
    """Return whether the scan in blocks has the bits of the scan by account."""
    together, _ = worst_loss(rows, arrays[0].pnl, terms.transform, threads=2)
    apart = scanned(layout, arrays, terms, 2)
    return all(together[terms.units.underlying[rows.key] == k].tobytes() == part.tobytes()
               for k, part in enumerate(apart))


if __name__ == "__main__":
    main()
