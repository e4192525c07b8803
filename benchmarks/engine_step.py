"""How many events a second does a step take, and how long is a margin pass of every account?

Accounts under S:PM, five random fills each, then a mixed load: 60 % fills, 30 % orders with
admission, 10 % transfers, in batches, on one thread and without a store; then a batch of quotes and
a snapshot at which every account is margined, overlays to columns included. The same mixed load cut
otherwise and computed with two threads has to give the same root. `remargin`: again and again a
thousand events, then quotes and a snapshot at which every account is margined, of 10,000 and of
100,000 accounts; `all_changed` is the same straight after every account changed. `bytes` is what
the process grew by, per account with its positions in the open and in columns.

Cyclic garbage collection is off, as the process of an engine should have it.
"""

import gc
import json
import resource
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import million_accounts
import numpy as np
from whole_margin import MODEL

from counterpoise.adapters.parameters import parameters_of
from counterpoise.engine import events as said
from counterpoise.engine.codec import Batch, batch_of
from counterpoise.engine.image import state_root
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.engine.state import Equipment, Rules, State, genesis
from counterpoise.engine.step import step
from counterpoise.instruments.catalogue import OPTION, SPOT
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.assets import asset
from counterpoise.values.frozen import replaced
from counterpoise.values.time import SECOND_NS

FILLS = 5
BATCH = 5_000
PACE = 250_000
SEED = 7
ACCOUNTS = 100_000
PASSES = 120
EVENTS_BETWEEN = 1_000
WANTED_SECONDS = {10_000: 0.1, 100_000: 1.0}
"""How long a pass over so many accounts may take, 99 times in a hundred."""


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help="a million takes minutes")
    asked = parser.parse_args()
    json.dump(measured(asked.quick, asked.accounts), sys.stdout)


def measured(quick: bool, accounts: int = ACCOUNTS) -> dict[str, Any]:
    """Return events and passes a second, and whether cuts and threads leave the root."""
    gc.collect()
    gc.disable()
    try:
        found = _measured(2_000, 2_000) if quick else _measured(accounts, 100_000)
        found["remargin"] = {f"{n} accounts": _remargined(n, 20 if quick else PASSES)
                             for n in ((500, 1_000) if quick else WANTED_SECONDS)}
    finally:
        gc.enable()
    if not quick:
        found |= {f"remargin_{n}_p99_over_wanted":
                  found["remargin"][f"{n} accounts"]["p99_seconds"] / wanted
                  for n, wanted in WANTED_SECONDS.items()}
    return found


def _remargined(accounts: int, passes: int) -> dict[str, float]:
    """Return how long a pass over all accounts takes, batch of quotes and snapshot included."""
    said_here = Sayings(simulated_market(), accounts)
    state, seconds = opened(said_here, {}), []
    for _ in range(passes):
        state, _ = applied(state, [said_here.mixed() for _ in range(EVENTS_BETWEEN)], BATCH)
        state, took = timed(state, batch_of(said_here.quotes()))
        seconds.append(took)
    state, _ = applied(state, [said_here.fill(k) for k in range(accounts)], BATCH)
    _, after_all = timed(state, batch_of(said_here.quotes()))
    return {"passes": passes, "events_between": EVENTS_BETWEEN,
            "p50_seconds": float(np.quantile(seconds, 0.5)),
            "p99_seconds": float(np.quantile(seconds, 0.99)), "all_changed_seconds": after_all}


def _measured(accounts: int, events: int) -> dict[str, Any]:
    said_here, before = Sayings(simulated_market(), accounts), resident()
    state = opened(said_here)
    gc.collect()
    columns = resident() - before
    load = [said_here.mixed() for _ in range(events)]
    after, mixed = applied(state, load, BATCH)
    moved, _ = applied(after, (said_here.fill(k) for k in range(accounts)), BATCH)
    in_the_open = resident() - before - columns
    del moved
    margined, full = timed(after, batch_of(said_here.quotes()))
    short = load[:max(events // 20, 500)]
    two = replaced(state, equipment=Equipment(models=state.equipment.models, threads=2))
    same = (state_root(applied(state, short, BATCH)[0]) == state_root(applied(two, short, 373)[0]))
    return {"accounts": accounts, "events": events, "batch": BATCH,
            "events_per_second": round(events / mixed), "margin_pass_seconds": round(full, 4),
            "bytes_per_account_in_columns": round(columns / accounts),
            "bytes_per_account_more_in_the_open": round(in_the_open / accounts),
            "rows": int(sum(s.size for s in margined.shards)), "same_bits": same}


class Sayings:
    """Events with ids of their own, seeded."""

    def __init__(self, market: MarketSnapshot, accounts: int) -> None:
        self.market, self.accounts, self.time, self.count = market, accounts, market.as_of, 0
        self.random = np.random.Generator(np.random.PCG64(SEED))
        self.live = np.flatnonzero(market.catalogue.kind != SPOT).tolist()
        self.marks = [max(int(mark * 10**6), 1) for mark in market.mark.tolist()]

    def event(self, kind: Any, **fields: Any) -> Any:
        """Return an event with the next id."""
        self.count += 1
        return kind(client_id=f"client-{self.count}", time=self.time, **fields)

    def fill(self, account: int) -> Any:
        """Return a fill of a random contract near its mark."""
        k = self.live[int(self.random.integers(len(self.live)))]
        lots = int(self.random.integers(1, 1000)) * 10**6 * (1 - 2 * int(self.random.integers(2)))
        return self.event(said.Filled, account=f"a{account}", order="", lots=lots, fee=3,
                          instrument=self.market.catalogue.instruments[k].id,
                          price=self.marks[k], price_exponent=-6)

    def mixed(self) -> Any:
        """Return the next event of the mixed load."""
        share, account = float(self.random.random()), int(self.random.integers(self.accounts))
        if share < 0.6:
            return self.fill(account)
        if share < 0.9:
            k = self.live[int(self.random.integers(len(self.live)))]
            return self.event(said.OrderPlaced, account=f"a{account}", order=f"o{self.count}",
                              instrument=self.market.catalogue.instruments[k].id, price_exponent=-6,
                              lots=int(self.random.integers(1, 100)) * 10**6, price=self.marks[k])
        to = (account + 1) % self.accounts
        return self.event(said.Transferred, account=f"a{account}", to=f"a{to}", asset="USDC",
                          amount=1_000)

    def quotes(self) -> list[Any]:
        """Return a batch that quotes everything a second later, and a snapshot."""
        self.time += SECOND_NS
        market, n = self.market, len(self.market.catalogue)
        three, option = np.full(n, 3, np.uint16), self.market.catalogue.kind == OPTION
        coins = len(market.catalogue.underlyings)
        return [self.event(
            said.MarketBatch, sequence=self.count, edition=0, quotes=said.InstrumentQuotes(
                column=np.arange(n, dtype=np.int32), mark=market.mark, sources=three,
                forward=np.where(option, market.forward, np.nan), volatility=market.volatility,
                at=np.full(n, self.time)),
            indices=said.PriceQuotes(names=market.catalogue.underlyings, price=market.index,
                                     at=np.full(coins, self.time), sources=three[:coins]),
            assets=said.PriceQuotes(names=("USDC",), price=np.ones(1), sources=three[:1],
                                    at=np.full(1, self.time))),
            self.event(said.MarketAssembled, segments=())]


def resident() -> int:
    """Return the bytes of this process in memory; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def opened(sayings: Sayings, grid: dict[str, Any] | None = None) -> State:
    """Return a state with its accounts, their cash and fills, margined; 297 scenarios unless told.

    `grid` are overrides of the venue's parameters.
    """
    state = begun(sayings, grid)
    for some in beginnings(sayings).values():
        state, _ = paced(state, sayings, some)
    return applied(state, sayings.quotes(), BATCH)[0]


def paced(state: State, sayings: Sayings, events: Iterable[Any]) -> tuple[State, list[float]]:
    """Return the state after some events, and the seconds of every batch of them.

    Time goes on: after every `PACE` events come quotes and a snapshot, so that rows become columns
    and ids may be forgotten, as they would.
    """
    seconds, coming = list[float](), iter(events)
    while some := list(islice(coming, BATCH)):
        state, took = timed(state, batch_of(some))
        seconds.append(took)
        if len(seconds) % (PACE // BATCH) == 0:
            state, _ = applied(state, sayings.quotes(), BATCH)
    return state, seconds


def begun(sayings: Sayings, grid: dict[str, Any] | None = None) -> State:
    """Return a state with a segment that nobody is in yet."""
    state = genesis(
        catalogue=sayings.market.catalogue, assets=tuple(map(asset, ("BTC", "ETH", "USDC"))),
        time=sayings.time, rules=Rules(calm_ns=0), equipment=Equipment(models={MODEL.name: MODEL}))
    version = parameters_of(MODEL, sayings.time, million_accounts.GRID if grid is None else grid)
    return applied(state, [
        sayings.event(said.SegmentDefined, segment="pm", model=MODEL.name, levels=DEFAULT_LEVELS),
        sayings.event(said.ParametersActivated, segment="pm", version=version, effective_from=0)],
        BATCH)[0]


def beginnings(sayings: Sayings) -> dict[str, Iterable[Any]]:
    """Return the events with which all accounts begin, by kind, made when they are asked for."""
    say, accounts = sayings.event, range(sayings.accounts)
    return {
        "openings": (say(said.AccountOpened, account=f"a{k}", segment="pm") for k in accounts),
        "deposits": (say(said.Deposited, account=f"a{k}", asset=code, amount=10**13)
                     for k in accounts for code in ("BTC", "ETH", "USDC")),
        "fills": (sayings.fill(k) for k in accounts for _ in range(FILLS))}


def applied(state: State, events: Iterable[Any], size: int) -> tuple[State, float]:
    """Return the state after some events in batches of that size, and the seconds of the steps."""
    seconds, coming = 0.0, iter(events)
    while some := list(islice(coming, size)):
        state, took = timed(state, batch_of(some))
        seconds += took
    return state, seconds


def timed(state: State, batch: Batch) -> tuple[State, float]:
    """Return the state after a batch and the seconds of its step."""
    start = time.perf_counter()
    state, _ = step(state, batch)
    return state, time.perf_counter() - start


if __name__ == "__main__":
    main()
