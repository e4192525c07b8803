"""What does a whole dynamic requirement cost: 10,000 joint scenarios x 2,000 instruments?

10,000 accounts of ten positions with collateral in three assets, under 10,000 joint scenarios; one
call of `compute_margin`: expected shortfall of positions and collateral together and of positions
alone, worst scenario, equity, status. Then the same with floor, stress and two broken dependences,
liquidity, concentration and default of issuers: 41,000 scenarios. Pricing is a pass before. The
peer is scipy.sparse @ P and np.partition for one shortfall on the same dollar array, on as many
accounts as fit its memory, per account: the requirement needs two of them. Processor time of one
thread, least of some runs; the figures are compared.
"""

import json
import resource
import sys
import time
from argparse import ArgumentParser
from typing import Any

import numpy as np
from expected_shortfall import best_of, sorted_out

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.simulated_parameters import simulated_parameters
from counterpoise.apps.examples import only
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.conformance import random_book
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.terms.dynamic_holdings import holdings_of, staking_rows
from counterpoise.margin.terms.dynamic_parameters import DynamicParameters
from counterpoise.margin.terms.dynamic_sets import dollar_sets
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import replaced

MODEL = model_named("dynamic")
SEED = 29
POSITIONS = 10


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    json.dump(measured(parser.parse_args().quick), sys.stdout, indent=1)


def measured(quick: bool) -> dict[str, Any]:
    """Return ratios to the peer, seconds, peak memory and the largest difference."""
    instruments, scenarios, accounts = (200, 1_000, 500) if quick else (2_000, 10_000, 10_000)
    whole = simulated_market()
    market = only(whole, np.linspace(0, len(whole.catalogue) - 1, instruments).astype(np.intp))
    book = accounts_of(market, accounts)
    full = simulated_parameters(count=scenarios)
    core = replaced(full, floor=None, stress=None, correlation=None, impact=None, wrong_way={})
    found: dict[str, Any] = {"instruments": instruments, "scenarios": scenarios,
                             "accounts": accounts, "entries": len(book.lots)}
    found |= one_call(book, market, core, "shortfall", against_peer=True)
    found |= one_call(book, market, full, "all_add_ons", against_peer=False)
    dollars = (instruments + len(book.assets)) * (scenarios + 1) * 8 / 2**20
    return found | {"peak_memory_mb_machine": peak_mb(),
                    "peak_memory_over_one_dollar_array": round(peak_mb() / dollars, 2)}


def accounts_of(market: MarketSnapshot, accounts: int) -> Book:
    """Return accounts of ten positions and three balances, without orders."""
    book = random_book(market, seed=SEED, accounts=accounts, positions=POSITIONS)
    return replaced(book, order_pointer=0 * book.order_pointer, order_lots=book.order_lots[:0],
                    order_instrument=book.order_instrument[:0])


def one_call(book: Book, market: MarketSnapshot, parameters: DynamicParameters, name: str, *,
             against_peer: bool) -> dict[str, Any]:
    """Return what one requirement of the book takes, and where asked what the peer takes."""
    version = ParameterVersion(model=MODEL.name, number=1, parameters=parameters)
    start = time.thread_time()
    arrays = priced(market, model=MODEL, version=version)
    pricing = time.thread_time() - start
    seconds, margins = best_of(lambda: compute_margin(
        book, market, model=MODEL, version=version, arrays=arrays), 2)
    needs = margins.requirements
    assert not needs.failures
    count = sum(len(one.scenarios) - 1 for one in arrays)
    found: dict[str, Any] = {f"{name}_scenarios": count, f"{name}_seconds": round(seconds, 3),
                             f"{name}_pricing_seconds": round(pricing, 3)}
    if not against_peer:
        return found
    return found | beside(book, market, parameters, arrays, (seconds, needs))


def beside(book: Book, market: MarketSnapshot, parameters: DynamicParameters, arrays: Any,
           ours: tuple[float, Any]) -> dict[str, Any]:
    """Return how many times longer the peer takes for one shortfall of each account."""
    seconds, needs = ours
    holdings = holdings_of(book, market, parameters.collateral)
    base = next(dollar_sets(arrays, market, parameters, holdings.units))
    rows, some = staking_rows(book, holdings.staked), min(len(book), 512)
    theirs, expected = best_of(lambda: sorted_out(rows, base.usd, some), 2)
    shortfall = needs.initial_components["core"] + needs.initial_components["collateral"]
    off = np.abs(shortfall[:some] - np.maximum(expected, 0.0)) / np.maximum(np.abs(expected), 1.0)
    return {"peer_shortfall_seconds_of_all": round(theirs / some * len(book), 3),
            "times_scipy_partition": round((theirs / some) / (seconds / len(book)), 2),
            "times_scipy_partition_per_shortfall": round(
                2 * (theirs / some) / (seconds / len(book)), 2),
            "largest_relative_difference": float(off.max())}


def peak_mb() -> float:
    """Return the largest resident memory of this process, MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0)


if __name__ == "__main__":
    main()
