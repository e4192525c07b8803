"""How many events a second become durable, and how long does a restart take?

`log`: records alone, group commit on SQLite (WAL, synchronous=FULL, fsync before acknowledgement),
four batches on their way; every event has an effect. `engine`: the same with `step` in front: 60 %
fills, 30 % orders that ask for admission, 10 % transfers, over 100,000 accounts that Deribit's S:PM
margins, in one contract; `every_contract`: accounts hold five positions and trade all that is
listed. `one_at_a_time`: orders that wait for their answer, decided and durable. `restart`: a
snapshot and the events after it, read, verified and applied again, with effects compared.

Cyclic garbage collection is off, as in the process of an engine: the state has no cycles.

    python benchmarks/store.py [--quick] [--events N]
"""

import gc
import json
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import deque
from pathlib import Path
from typing import Any

import engine_step
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
BATCH = 2_500
EVENTS = 1_000_000
ALONE = 200
PAYLOAD = bytes(range(120))
MIX = (0.6, 0.3, 0.1)
"""Shares of fills, orders and transfers."""
MODEL = "deribit_spm"


def measured(quick: bool, events: int = EVENTS) -> dict[str, Any]:
    """Return events per second by batch, alone and behind `step`, and the seconds of a restart."""
    size = 10_000 if quick else 200_000
    gc.collect()
    gc.disable()
    try:
        with tempfile.TemporaryDirectory(prefix="counterpoise_store_") as folder:
            alone = {f"batches of {n}": _alone(Path(folder) / f"log{n}", size, n) for n in BATCHES}
            mixed = _every_contract(Path(folder) / "every", 1_000 if quick else 100_000,
                                    4_000 if quick else min(size, events))
            engine = _behind_the_engine(Path(folder) / "engine", 1_000 if quick else 100_000,
                                        4_000 if quick else events)
    finally:
        gc.enable()
    return {"log": alone, "engine": engine, "every_contract": mixed,
            "log_events_over_wanted": alone["batches of 1000"]["events_per_second"]
            / WANTED_A_SECOND,
            "engine_events_over_wanted": engine["events_per_second"] / WANTED_A_SECOND,
            "every_contract_events_over_wanted": mixed["events_per_second"] / WANTED_A_SECOND,
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
    return {"events_per_second": count / took, **_quantiles("acknowledged", latencies)}


def _behind_the_engine(folder: Path, accounts: int, size: int) -> dict[str, Any]:
    market = simulated_market()
    state = _opened(market, accounts)
    sqlite.create(folder)
    journal = open_engine_journal(sqlite.owned(folder), state)
    state, found = _lived(journal, state, _events(market, accounts, size))
    last = journal.head
    journal.close()
    return {"accounts": accounts, **found, **_restarted(folder, state, last.number)}


def _every_contract(folder: Path, accounts: int, size: int) -> dict[str, Any]:
    """Return the pace where accounts hold five positions and trade whatever is listed."""
    said_here = engine_step.Sayings(simulated_market(), accounts)
    state = engine_step.opened(said_here, {})
    sqlite.create(folder)
    journal = open_engine_journal(sqlite.owned(folder), state)
    state, found = _lived(journal, state, [said_here.mixed() for _ in range(size)])
    found |= {"one_at_a_time": _one_at_a_time(journal, state, said_here)}
    journal.close()
    return {"accounts": accounts, **found}


def _lived(journal: Journal, state: State, events: list[Any]) -> tuple[State, dict[str, Any]]:
    """Return the state after some events, each screened, applied and durable, and their pace."""
    batches = [codec.batch_of(events[k:k + BATCH]) for k in range(0, len(events), BATCH)]
    step_seconds, refused, latencies = 0.0, 0, []
    waiting: deque[Any] = deque()

    def acknowledged(left: int) -> None:
        while len(waiting) > left:
            came, ticket = waiting.popleft()
            ticket.wait()
            latencies.append(time.perf_counter() - came)

    start = time.perf_counter()
    for one in batches:
        came, position, entries = time.perf_counter(), state.position, event_entries(one)
        journal.screen(entries)
        at = time.perf_counter()
        state, effects = step(state, one)
        step_seconds += time.perf_counter() - at
        refused += sum(isinstance(e, EventRefused) for e in effects)
        waiting.append((came, journal.submit(Batch(
            events=entries, effects=effect_entries(effects, position)))))
        acknowledged(ON_THEIR_WAY - 1)
    acknowledged(0)
    took = time.perf_counter() - start
    return state, {"events": len(events), "batch": BATCH, "events_per_second": len(events) / took,
                   "step_share": step_seconds / took, "refused_share": refused / len(events),
                   **_quantiles("acknowledged", latencies)}


def _one_at_a_time(journal: Journal, state: State, said_here: engine_step.Sayings,
                   ) -> dict[str, float]:
    """Return how long an order alone takes to be decided, and to be decided and durable."""
    decided, durable = [], []
    while len(decided) < ALONE:
        event = said_here.mixed()
        if not isinstance(event, said.OrderPlaced):
            continue
        one, at, position = codec.batch_of([event]), time.perf_counter(), state.position
        state, effects = step(state, one)
        decided.append(time.perf_counter() - at)
        journal.append(Batch(events=event_entries(one), effects=effect_entries(effects, position)))
        durable.append(time.perf_counter() - at)
    return _quantiles("decided", decided) | _quantiles("durable", durable)


def _quantiles(name: str, seconds: list[float]) -> dict[str, float]:
    return {f"{name}_p{q}_ms": 1e3 * float(np.quantile(seconds, q / 100)) for q in (50, 99)}


def _restarted(folder: Path, state: State, last: int) -> dict[str, Any]:
    """Open again, and replay everything after the first snapshot."""
    start = time.perf_counter()
    journal = open_engine_journal(sqlite.owned(folder), state)
    first: Snapshot = journal.store.snapshots()[0]
    again = replayed(journal.store, machine(state.equipment), start=first)
    took = time.perf_counter() - start
    journal.close()
    return {"restart_events": again.events, "restart_seconds": took,
            "restart_seconds_per_million": took * 1e6 / max(again.events, 1),
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


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--events", type=int, default=EVENTS, help="events before the restart")
    asked = parser.parse_args()
    json.dump(measured(asked.quick, asked.events), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
