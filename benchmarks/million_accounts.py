"""How long does it take to margin a million accounts again, and are the bits always the same?

A million accounts with ten positions each, 297 scenarios (49 price buckets on each side x three
volatility states), S:PM, in one `compute_margin` call, pricing included. The digest is over
initial, maintenance and worst loss per unit; it is taken for one and two threads, for positions
added in another order, and for every instruction-set flavour that this CPU can run.
"""

import json
import sys
import time
from argparse import ArgumentParser

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.catalogue import SPOT
from counterpoise.margin.compute import AccountMargin, compute_margin
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.digest import sha256_of

SEED = 31
POSITIONS = 10
GRID = {"general": {"buckets_count": 49, "extended_moves": []}}


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    accounts = parser.parse_args().accounts
    market = simulated_market()
    rows = entries(market, accounts)
    book = made(market, rows, accounts)
    version = parameters_of(model_named("deribit_spm"), market.as_of, GRID)
    seconds, digests = {}, {}
    for threads in (1, 2):
        seconds[threads], margins = timed(book, market, version, threads)
        digests[f"{threads} threads"] = digest(margins)
        peak = peak_bytes()
        del margins
    other = made(market, shuffled(rows), accounts)
    digests["shuffled"] = digest(timed(other, market, version, 2)[1])
    for flavour in _core.isa()["available"]:
        _core.use_isa(flavour)
        digests[flavour] = digest(timed(book, market, version, 2)[1])
    json.dump({"accounts": accounts, "positions": len(book.lots), "scenarios": 297,
               "instruments": len(market.catalogue), "seconds_1_thread": seconds[1],
               "seconds_2_threads": seconds[2], "peak_bytes": peak, "digests": digests},
              sys.stdout)


def entries(market: MarketSnapshot, accounts: int) -> Entries:
    """Return ten random positions for every account, of everything that is listed but spot."""
    random = np.random.Generator(np.random.PCG64(SEED))
    listed = np.flatnonzero(market.catalogue.kind != SPOT).astype(np.int32)
    count = accounts * POSITIONS
    # Ten different contracts each: one out of every tenth of the listing.
    part = len(listed) // POSITIONS
    place = random.integers(0, part, count) + np.tile(np.arange(POSITIONS) * part, accounts)
    instrument = listed[place]
    coins = random.integers(1, 500, count) * np.where(random.random(count) < 0.5, -1, 1)
    dollars = (market.catalogue.payoff == 1) & (market.catalogue.right == 0)
    lots = coins * np.where(dollars[instrument], 10**13, 10**8)
    return Entries(account=np.repeat(np.arange(accounts), POSITIONS), instrument=instrument,
                   lots=lots, entry_cost=np.zeros(count, np.int64))


def shuffled(rows: Entries) -> Entries:
    """Return the same positions in another order."""
    order = np.random.Generator(np.random.PCG64(SEED + 1)).permutation(len(rows.lots))
    return Entries(account=rows.account[order], instrument=rows.instrument[order],
                   lots=rows.lots[order], entry_cost=rows.entry_cost[order])


def made(market: MarketSnapshot, rows: Entries, accounts: int) -> Book:
    """Return the book of the rows, without balances."""
    return book_of(catalogue=market.catalogue, accounts=np.arange(accounts), positions=rows)


def timed(book: Book, market: MarketSnapshot, version: ParameterVersion,
          threads: int) -> tuple[float, AccountMargin]:
    """Return the seconds of one margin call, pricing included, and its result."""
    start = time.perf_counter()
    margins = compute_margin(book, market, model=model_named("deribit_spm"), version=version,
                             threads=threads)
    return time.perf_counter() - start, margins


def digest(margins: AccountMargin) -> str:
    """Return the SHA-256 of every requirement and worst loss."""
    required = margins.requirements
    return sha256_of("", required.initial, required.maintenance, required.worst.loss)


def peak_bytes() -> int:
    """Return the largest memory that this process has had so far."""
    from resource import RUSAGE_SELF, getrusage

    peak = getrusage(RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
