"""How long does one what-if question take from Python, beside NumPy and an empty native call?

One account of 50 positions and one order, 297 scenarios and the unshocked one. *Cached*: the row
of the order is added to the account's summed vector; *full*: all positions are summed again. NumPy
does the same sums and a minimum, without transforms, roll shock, delta shock or the check of the
snapshot's sequence, all of which ours include. Least of many short runs.
"""

import json
import sys
import timeit
from argparse import ArgumentParser
from typing import Any

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.catalogue import SPOT
from counterpoise.margin.compute import priced
from counterpoise.margin.whatif import after_order, effects, prepare, ready_market
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.quantity import UNKNOWN

GRID = {"general": {"buckets_count": 49, "extended_moves": []}}
POSITIONS = 50
SEED = 43
ORDER = 10**8


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats")
    json.dump(measured(parser.parse_args().quick), sys.stdout, indent=1)


def measured(quick: bool) -> dict[str, Any]:
    """Return ratios to NumPy and to an empty call, and whether the figures agree."""
    market, model = simulated_market(), model_named("deribit_spm")
    version = parameters_of(model, market.as_of, GRID)
    arrays = priced(market, model=model, version=version)
    book, column = account(market)
    ready = prepare(book, ready_market(market, model=model, version=version, arrays=arrays))
    engine, now, repeats = ready.units.engine, market.sequence, 3 if quick else 200
    pnl, lots = arrays[0].pnl, book.lots.astype(np.float64)
    vector, row, held = lots @ pnl[book.instrument], pnl[column], book.instrument
    questions = {
        "empty": lambda: engine.sequence(),
        "worst": lambda: engine.worst(column, ORDER, now),
        "initial": lambda: engine.initial(column, ORDER, now),
        "full": lambda: engine.worst_again(column, ORDER, now),
        "numpy cached": lambda: (vector + ORDER * row).min(),
        "numpy full": lambda: (lots @ pnl[held] + ORDER * row).min()}
    cost = {name: least(question, repeats) for name, question in questions.items()}
    nothing = least(lambda: None, repeats)
    cost = {name: seconds - nothing for name, seconds in cost.items()}
    return {
        "worst_over_empty_call": round(cost["worst"] / cost["empty"], 2),
        "initial_over_empty_call": round(cost["initial"] / cost["empty"], 2),
        "cached_times_numpy": round(cost["numpy cached"] / cost["worst"], 1),
        "full_times_numpy": round(cost["numpy full"] / cost["full"], 1),
        **many(ready, column, cost["initial"], repeats),
        **agreement(ready, column)}


def many(ready: Any, column: int, alone: float, repeats: int) -> dict[str, float]:
    """Return what an order among ten thousand costs beside one asked alone."""
    lots = np.arange(1, 10_001) * 10**7
    at = np.full(len(lots), column, np.int32)
    engine, now = ready.units.engine, ready.sequence
    seconds = min(timeit.repeat(lambda: engine.effects(at, lots, now), number=1,
                                repeat=max(repeats // 10, 2)))
    return {"one_of_many_over_one_alone": round(seconds / len(lots) / alone, 2)}


def agreement(ready: Any, column: int) -> dict[str, Any]:
    """Return how far the screen is from the decision, and whether that is within its bound."""
    screen = effects(ready, np.array([column], np.int32), np.array([ORDER]),
                     sequence=ready.sequence)
    decided = after_order(ready, column, ORDER, sequence=ready.sequence).requirements
    off = abs(float(screen.initial[0] - decided.initial[0]))
    engine, now = ready.units.engine, ready.sequence
    return {"screen_off_by": off, "within_bound": off <= float(screen.initial_error[0]),
            "worst_difference": abs(engine.worst(column, ORDER, now)
                                    - engine.worst_again(column, ORDER, now))}


def account(market: MarketSnapshot) -> tuple[Book, int]:
    """Return fifty random positions settled in coin, and a contract to order."""
    terms = market.catalogue
    coin = terms.settlements.index("BTC")
    mine = np.flatnonzero((terms.settlement == coin) & (terms.kind != SPOT)).astype(np.int32)
    random = np.random.Generator(np.random.PCG64(SEED))
    chosen = np.sort(random.choice(mine, POSITIONS + 1, replace=False))
    lots = random.integers(1, 100, POSITIONS) * np.where(random.random(POSITIONS) < 0.5, -1, 1)
    rows = Entries(account=np.zeros(POSITIONS, np.int64), instrument=chosen[:POSITIONS],
                   lots=lots * ORDER, entry_cost=np.full(POSITIONS, UNKNOWN, np.int64))
    return book_of(catalogue=terms, accounts=np.arange(1), positions=rows), int(chosen[-1])


def least(question: Any, repeats: int) -> float:
    """Return the least seconds of one question over short runs."""
    return min(timeit.repeat(question, number=500, repeat=repeats)) / 500


if __name__ == "__main__":
    main()
