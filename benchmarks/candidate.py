"""How long does one candidate take for one piece of work, in a pinned process of its own?

`candidate.py MODULE NAME FOLDER`: the module's table `PEERS` says how the candidate is prepared;
FOLDER holds the inputs as `.npy` and takes the answer. The first call warms up and does not count;
the best of the following ones, within a budget of seconds, is printed as JSON with the version.
"""

import importlib
import json
import os
import site
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
CALLS_LEAST, CALLS_MOST = 3, 400


class Peer(NamedTuple):
    """A candidate: its package, and what makes (run, answer) of the inputs.

    `run()` is timed; `answer(run())` is an array whose first axis may be shorter than the whole
    work's: then only that share was done, and its time is scaled.
    """

    package: str
    prepare: Callable[[dict[str, Any]], tuple[Callable[[], Any], Callable[[Any], Any]]]


def main() -> None:
    """Measure one candidate and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("name")
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=1.0)
    asked = parser.parse_args()
    pin(asked.threads)
    use_peers()
    peer: Peer = importlib.import_module(asked.module).PEERS[asked.name]
    try:
        found = measured(peer, asked.name, Path(asked.folder), asked.budget)
    # Whatever a stranger's package raises is a line of the table, never the end of the run.
    except Exception as error:
        found = {"missing": f"{type(error).__name__}: {error}"[:200]}
    json.dump(found, sys.stdout)


def pin(threads: int) -> None:
    """Keep this process, and every thread it will start, on the first `threads` cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def use_peers() -> None:
    """Let packages of `benchmarks/.peers` be found after all others."""
    for folder in (HERE / ".peers").glob("lib/python3.*/site-packages"):
        site.addsitedir(str(folder))


def measured(peer: Peer, name: str, folder: Path, budget: float) -> dict[str, Any]:
    """Return seconds and version of a candidate; its answer goes into the folder."""
    import numpy as np

    inputs = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    inputs["threads"] = int(os.environ.get("OMP_NUM_THREADS", "1"))
    run, answer = peer.prepare(inputs)
    seconds, result = best_of(run, budget)
    np.save(folder / "answers" / f"{name}.npy", answer(result))
    return {"seconds": seconds, "version": version_of(peer.package)}


def version_of(package: str) -> str:
    """Return a package's version; Counterpoise's own is the tree's, installed or not."""
    if package != "counterpoise":
        return version(package)
    import counterpoise

    return counterpoise.__version__


def best_of(run: Callable[[], Any], budget: float) -> tuple[float, Any]:
    """Return the least seconds of a call after a warm one, and the last answer."""
    result, least = run(), float("inf")
    end = time.perf_counter() + budget
    for call in range(CALLS_MOST):
        start = time.perf_counter()
        result = run()
        stop = time.perf_counter()
        least = min(least, stop - start)
        if stop > end and call + 1 >= CALLS_LEAST:
            break
    return least, result


if __name__ == "__main__":
    main()
