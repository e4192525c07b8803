"""Does a recorded day lead to one root, whichever way it is lived? Every way, compared.

    python tools/recorded_day.py PRICES --day 2025-10-10 [--accounts 10000] [--server ADDRESS]

The day is run into a store in a temporary folder, with one thread and with two, and into a
PostgreSQL store where an address is given. Each log is then replayed from its first state and from
every snapshot, with one thread and with two. All roots must be the one of the first run; figures
are printed as JSON, and the exit code says whether they are.
"""

import itertools
import json
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from counterpoise.adapters.models import model_named
from counterpoise.adapters.recorded_course import recorded_course
from counterpoise.adapters.store import places
from counterpoise.adapters.store.engine_log import machine, starts
from counterpoise.adapters.store.replay import replayed
from counterpoise.apps.crowd import Crowd
from counterpoise.apps.engine_run import Plan, run
from counterpoise.engine.state import Equipment
from counterpoise.market.course import Course
from counterpoise.values.time import parse_instant

THREADS: Final = (1, 2)


def compared(course: Course, crowd: Crowd, *, folder: Path, servers: tuple[str, ...] = (),
             steps: int | None = None, snapshot_every: int = 72) -> dict[str, Any]:
    """Return the roots of every way to live the steps of a course, and how long each took.

    `servers` are addresses of empty PostgreSQL schemas, one for each number of threads.
    """
    runs: list[dict[str, Any]] = []
    homes = [(str(folder / f"threads{n}"), "SQLite", n) for n in THREADS]
    homes += [(address, "PostgreSQL", n) for address, n in zip(servers, THREADS, strict=False)]
    for place, backend, threads in homes:
        began = time.perf_counter()
        last = run(Plan(place=place, course=course, crowd=crowd, threads=threads, steps=steps,
                        snapshot_every=snapshot_every), stop=threading.Event(), seen=_nothing)
        took = time.perf_counter() - began
        runs.append({"backend": backend, "threads": threads, "seconds": took, "root": last.root,
                     "events": last.events, "steps": last.step, "told": last.told,
                     "replays": _replays(place, crowd)})
    roots = {r["root"] for r in runs} | {a["root"] for r in runs for a in r["replays"]}
    agreed = all(a["divergence"] is None for r in runs for a in r["replays"])
    return {"accounts": crowd.accounts, "market": course.first.source, "one_root": len(roots) == 1
            and agreed, "roots": sorted(roots), "runs": runs}


def _nothing(_: Any) -> None:
    """Watch nothing."""


def _replays(place: str, crowd: Crowd) -> list[dict[str, Any]]:
    out = []
    with closing(places.opened(place)) as store:
        for k, (start, threads) in enumerate(itertools.product(starts(store), THREADS)):
            equipment = Equipment(models={crowd.model: model_named(crowd.model)}, threads=threads)
            began = time.perf_counter()
            again = replayed(store, machine(equipment), start=start)
            out.append({"from": "scratch" if k < len(THREADS) else start.mark.number,
                        "threads": threads, "events": again.events, "effects": again.effects,
                        "root": again.root.hex(), "seconds": time.perf_counter() - began,
                        "divergence": again.divergence and again.divergence.number})
    return out


def main() -> int:
    """Live a day of a table of prices in every way and print what came of it."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("prices")
    parser.add_argument("--day", required=True)
    parser.add_argument("--coins", default="BTC,ETH")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--server", action="append", default=[])
    given = parser.parse_args()
    course = recorded_course(given.prices, coins=tuple(sorted(given.coins.split(","))),
                             day=parse_instant(f"{given.day}T00:00:00Z"))
    crowd = Crowd(accounts=given.accounts, events=given.events, model="deribit_spm", seed=7)
    with tempfile.TemporaryDirectory(prefix="counterpoise_day_") as folder:
        found = compared(course, crowd, folder=Path(folder), servers=tuple(given.server),
                         steps=given.steps)
    json.dump(found, sys.stdout, indent=1)
    return 0 if found["one_root"] else 1


if __name__ == "__main__":
    sys.exit(main())
