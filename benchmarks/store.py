"""How many events a second become durable, and how long does a restart take?

`log`: records alone, group commit on SQLite (WAL, synchronous=FULL, fsync before acknowledgement),
four batches on their way; every event has an effect. `engine`: the same with `step` in front: 60 %
fills, 30 % orders that ask for admission, 10 % transfers, over accounts that Deribit's S:PM
margins. `restart`: a snapshot and the events after it, read, verified and applied again.

    python benchmarks/store.py [--quick]
"""

import json
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.store import sqlite
from counterpoise.adapters.store.engine_log import (
    effect_entries,
    event_entries,
    machine,
    open_engine_journal,
    root_of,
)
from counterpoise.adapters.store.journal import Batch, Journal, open_journal
from counterpoise.adapters.store.records import Entry, RecordType
from counterpoise.adapters.store.replay import replayed
from counterpoise.adapters.store.store import Snapshot
from counterpoise.engine import codec
from counterpoise.engine import events as said
from counterpoise.engine.effects import EventRefused
from counterpoise.engine.image import encoded_state
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.engine.state import Equipment, Rules, State, genesis
from counterpoise.engine.step import step
from counterpoise.instruments.catalogue import PERPETUAL
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.assets import asset
from counterpoise.values.time import SECOND_NS

SEED = 19
ON_THEIR_WAY = 4
WANTED_A_SECOND = 20_000
WANTED_RESTART_SECONDS = 60
BATCHES = (100, 1_000, 5_000)
PAYLOAD = bytes(range(120))
MIX = (0.6, 0.3, 0.1)
"""Shares of fills, orders and transfers."""
MODEL = "deribit_spm"


def measured(quick: bool) -> dict[str, Any]:
    """Return events per second by batch, alone and behind `step`, and the seconds of a restart."""
    size = 10_000 if quick else 200_000
    with tempfile.TemporaryDirectory(prefix="counterpoise_store_") as folder:
        alone = {f"batches of {n}": _alone(Path(folder) / f"log{n}", size, n) for n in BATCHES}
        engine = _behind_the_engine(Path(folder), quick)
    return {"log": alone, "engine": engine,
            "log_events_over_wanted": alone["batches of 1000"]["events_per_second"]
            / WANTED_A_SECOND,
            "engine_events_over_wanted": engine["events_per_second"] / WANTED_A_SECOND,
            "restart_of_a_million_over_wanted":
                engine["restart_seconds_per_million"] / WANTED_RESTART_SECONDS}


def _alone(folder: Path, size: int, batch: int) -> dict[str, float]:
    sqlite.create(folder)
    journal = open_journal(sqlite.owned(folder), header={"codec": "benchmark"})
    batches = [Batch(
        events=tuple(Entry(RecordType.EVENT, "Filled", PAYLOAD, k, f"client-{k:09d}",
                           (f"account-{k * 7919 % 100_000:06d}",))
                     for k in range(start, start + batch)),
        effects=tuple(Entry(RecordType.EFFECT, "OrderAdmitted", PAYLOAD[:40], 0, "", (), k)
                      for k in range(batch))) for start in range(0, size, batch)]
    took = _written(journal, batches)
    journal.close()
    return took


def _written(journal: Journal, batches: list[Batch]) -> dict[str, float]:
    waiting: deque[Any] = deque()
    latencies = []
    start = time.perf_counter()
    for batch in batches:
        waiting.append((time.perf_counter(), journal.submit(batch)))
        while len(waiting) >= ON_THEIR_WAY:
            at, ticket = waiting.popleft()
            ticket.wait()
            latencies.append(time.perf_counter() - at)
    for at, ticket in waiting:
        ticket.wait()
        latencies.append(time.perf_counter() - at)
    took = time.perf_counter() - start
    count = sum(len(b.events) for b in batches)
    return {"events_per_second": count / took,
            "acknowledged_p50_ms": 1e3 * float(np.quantile(latencies, 0.5)),
            "acknowledged_p99_ms": 1e3 * float(np.quantile(latencies, 0.99))}


def _behind_the_engine(folder: Path, quick: bool) -> dict[str, Any]:
    accounts, size, batch = (1_000, 4_000, 500) if quick else (100_000, 200_000, 1_000)
    market = simulated_market()
    state = _opened(market, accounts)
    sqlite.create(folder / "engine")
    journal = open_engine_journal(sqlite.owned(folder / "engine"), state)
    events = _events(market, accounts, size)
    batches = [codec.batch_of(events[k:k + batch]) for k in range(0, size, batch)]
    step_seconds, refused = 0.0, 0
    waiting: deque[Any] = deque()
    start = time.perf_counter()
    for one in batches:
        journal.screen(event_entries(one))
        at, position = time.perf_counter(), state.position
        state, effects = step(state, one)
        step_seconds += time.perf_counter() - at
        refused += sum(isinstance(e, EventRefused) for e in effects)
        waiting.append(journal.submit(Batch(events=event_entries(one),
                                            effects=effect_entries(effects, position))))
        while len(waiting) >= ON_THEIR_WAY:
            waiting.popleft().wait()
    for ticket in waiting:
        ticket.wait()
    took = time.perf_counter() - start
    last = journal.head
    journal.close()
    return {"accounts": accounts, "batch": batch, "events_per_second": size / took,
            "step_share": step_seconds / took, "refused_share": refused / size,
            **_restarted(folder / "engine", state, last.number)}


def _restarted(folder: Path, state: State, last: int) -> dict[str, Any]:
    """Open again, and replay everything after the first snapshot."""
    start = time.perf_counter()
    journal = open_engine_journal(sqlite.owned(folder), state)
    first: Snapshot = journal.store.snapshots()[0]
    again = replayed(journal.store, machine(state.equipment), start=first)
    took = time.perf_counter() - start
    journal.close()
    return {"restart_events": again.events, "restart_seconds_per_million":
            took * 1e6 / max(again.events, 1),
            "restart_root_equal": again.divergence is None and again.root == root_of(state)
            and again.mark.number == last, "state_bytes_per_account":
            len(encoded_state(state)) / max(state.directory.count, 1)}


def _opened(market: MarketSnapshot, accounts: int) -> State:
    """Return a state with accounts that own coins, at a market that is trusted."""
    model = model_named(MODEL)
    state = genesis(catalogue=market.catalogue, time=market.as_of,
                    assets=tuple(asset(c) for c in _assets(market)), rules=Rules(
                        calm_ns=0, other_age_max_ns=10**6 * SECOND_NS, age_max_ns={},
                        sources_min=1, ids_kept=4_000_000),
                    equipment=Equipment(models={MODEL: model}))
    now = {"time": market.as_of}
    setting = [said.SegmentDefined(client_id="s", **now, segment="all", model=MODEL,
                                   levels=DEFAULT_LEVELS),
               said.ParametersActivated(client_id="p", **now, segment="all", effective_from=0,
                                        version=parameters_of(model, market.as_of))]
    state, _ = step(state, codec.batch_of(setting))
    begun = [e for k in range(accounts) for e in (
        said.AccountOpened(client_id=f"o{k}", **now, account=_name(k), segment="all"),
        said.Deposited(client_id=f"d{k}", **now, account=_name(k), asset="BTC",
                       amount=100 * 10**8))]
    for k in range(0, len(begun), 20_000):
        state, _ = step(state, codec.batch_of(begun[k:k + 20_000]))
    state, _ = step(state, codec.batch_of([_quotes(market), said.MarketAssembled(
        client_id="m", time=market.as_of, segments=())]))
    return state


def _assets(market: MarketSnapshot) -> list[str]:
    terms = market.catalogue
    return sorted({*market.assets, *terms.settlements, *terms.underlyings, "USD", "USDC"})


def _quotes(market: MarketSnapshot) -> said.MarketBatch:
    n, names = len(market.catalogue), market.catalogue.underlyings
    at, one = np.full(n, market.as_of), np.ones(n, np.uint16)

    def prices(who: tuple[str, ...], price: Any) -> said.PriceQuotes:
        return said.PriceQuotes(names=who, price=price, at=np.full(len(who), market.as_of),
                                sources=np.ones(len(who), np.uint16))

    return said.MarketBatch(
        client_id="q", time=market.as_of, sequence=1, edition=0, quotes=said.InstrumentQuotes(
            column=np.arange(n, dtype=np.int32), mark=market.mark, forward=market.forward,
            volatility=market.volatility, at=at, sources=one),
        indices=prices(names, market.index), assets=prices(market.assets, market.price))


def _events(market: MarketSnapshot, accounts: int, size: int) -> list[Any]:
    """Return fills, orders and transfers of the mix, in a seeded order."""
    random = np.random.Generator(np.random.PCG64(SEED))
    terms = market.catalogue
    columns = [k for k in np.flatnonzero(terms.kind == PERPETUAL)
               if terms.instruments[k].settlement == "BTC"]
    perpetual = terms.instruments[int(columns[0])].id
    price = round(float(market.mark[columns[0]]))
    kinds = random.choice(3, size, p=MIX).tolist()
    who, other = random.integers(0, accounts, (2, size)).tolist()
    lots = random.integers(-20, 21, size).tolist()
    out: list[Any] = []
    for k, kind in enumerate(kinds):
        own = {"client_id": f"e{k}", "time": market.as_of, "account": _name(who[k])}
        trade = {"instrument": perpetual, "price": price, "price_exponent": 0,
                 "lots": lots[k] or 1}
        match kind:
            case 0:
                out.append(said.Filled(**own, **trade, order="", fee=1))
            case 1:
                out.append(said.OrderPlaced(**own, **trade, order=f"r{k}"))
            case _:
                out.append(said.Transferred(**own, to=_name((other[k] + (other[k] == who[k]))
                                                            % accounts), asset="BTC", amount=1000))
    return out


def _name(k: int) -> str:
    return f"account-{k:06d}"


if __name__ == "__main__":
    json.dump(measured("--quick" in sys.argv[1:]), sys.stdout, indent=1)
