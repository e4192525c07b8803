"""How fast is it on this machine, beside others and beside what the machine can do at most?

`make bench` runs every part, each in a process of its own, and prints tables with seconds and the
machine's name; `results/` keeps ratios, shares, differences and equalities, never seconds.
`--quick` takes small sizes and commits nothing, `--only NAME` runs one part and leaves the results
of the others. Every promised ratio has a line of its own with its bound (`goals.py`).
"""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import goals
import growth
import limits as machine_limits
import peers
from turns import environment

import counterpoise
from counterpoise import _core

HERE = Path(__file__).resolve().parent
PARTS = ("foundation", "pricing", "aggregation", "whole_margin", "ticks", "expected_shortfall",
         "dynamic", "whatif", "implied", "safe_bands", "models", "engine_step",
         "million_engine", "growth", "store", "gpu")
ONCE = ("foundation", "pricing", "aggregation", "safe_bands", "engine_step", "million_engine",
        "growth", "store", "gpu")
"""Parts that take turns themselves or count what no machine changes; the others run three times
and the median counts."""
PEERLESS = ("foundation", "whole_margin", "ticks", "safe_bands", "models", "engine_step",
            "million_engine", "growth", "store", "gpu")
"""Parts that stand beside no other library."""
ONE_THREAD = ("expected_shortfall", "dynamic", "whatif", "implied")
"""Parts that compare what one thread does: the pools of every library are held to one."""
TURNS = 3
KEPT_OUT = re.compile("second|machine|_(ms|us|ns)$")


def main() -> int:
    """Run the parts that were asked for; 1 if any says that bits differ or breaks."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few peers")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone")
    parser.add_argument("--turns", type=int, default=TURNS, help="runs whose median counts")
    parser.add_argument("--results", default=str(HERE / "results"))
    asked = parser.parse_args()
    print(f"counterpoise {counterpoise.__version__} on {machine()}\n")
    if busy():
        print("this machine is busy: shares and ratios of short calls come out too high\n")
    chosen = asked.only or PARTS
    if not asked.quick and not set(PEERLESS).issuperset(chosen):
        peers.install()
        print("".join(f"not installed: {name}\n" for name in peers.missing()))
    limits = limits_of(asked.quick)
    wrong = []
    for name in chosen:
        print(f"== {name}")
        if not written(name):
            print("not there yet\n")
            continue
        turns = 1 if asked.quick or name in ONCE else asked.turns
        start = time.monotonic()
        found = middle([finding(name, asked, limits) for _ in range(turns)])
        show(found)
        goals.show(goals.judged(name, found))
        print(f"  took {time.monotonic() - start:.0f} s\n")
        wrong += [name] if broken(found) else []
        if not asked.quick and not {"failed", "absent"} & set(found):
            keep(name, found, Path(asked.results))
    if not asked.quick:
        goals.draw(Path(asked.results))
    print("".join(f"{name}: failed or bits differ\n" for name in wrong), end="")
    return 1 if wrong else 0


def machine() -> str:
    """Return the processor, the system, and the flavours of the core that it runs."""
    return (f"{cpu()}, {platform.system()}, Python {platform.python_version()}, "
            f"core {', '.join(_core.isa()['available'])}")


def cpu() -> str:
    """Return what kind of processor this is, and how many cores it has."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text(encoding="utf-8").splitlines() if names.is_file() else []
    model = next((line.split(":", 1)[1].strip() for line in lines
                  if line.startswith("model name")), platform.processor() or platform.machine())
    return f"{model}, {os.cpu_count()} cores, {_core.isa()['available'][0]}"


def busy() -> bool:
    """Return whether other work stood on the cores in the last minute."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5 * (os.cpu_count() or 1)


def limits_of(quick: bool) -> dict[str, Any] | None:
    """Return and print the machine's limits; None where they cannot be measured."""
    try:
        limits = machine_limits.measured(quick)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the limits of this machine could not be measured: {error}\n")
        return None
    machine_limits.show(limits)
    return limits


def written(name: str) -> bool:
    """Return whether a part is there, with its `measured`."""
    path = HERE / f"{name}.py"
    return path.is_file() and "def measured(" in path.read_text(encoding="utf-8")


def middle(found: list[Any]) -> Any:
    """Return the median of every number; what is equal or true must be so in every run."""
    first = found[0]
    if isinstance(first, dict) and all(isinstance(one, dict) for one in found):
        failed = [one for one in found if "failed" in one]
        return failed[0] if failed else {
            key: middle([one[key] for one in found if key in one]) for key in first}
    if isinstance(first, bool):
        return all(found)
    return statistics.median(found) if isinstance(first, int | float) else first


def finding(name: str, asked: Namespace, limits: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a part found, after printing what it prints."""
    command = [sys.executable, str(HERE / "part.py"), name, "--limits", json.dumps(limits),
               "--turns", str(asked.turns)]
    threads = 1 if name in ONE_THREAD else os.cpu_count() or 1
    done = subprocess.run([*command, *(["--quick"] if asked.quick else [])], text=True,
                          stdout=subprocess.PIPE, env=environment(threads))
    told, _, last = done.stdout.rstrip().rpartition("\n")
    if done.returncode != 0:
        return {"failed": f"part {name} ended with {done.returncode}"}
    print(told)
    found: dict[str, Any] = json.loads(last)
    return found


def show(found: dict[str, Any]) -> None:
    """Print tables of candidates and whatever else a part found."""
    for title, rows in found.get("table", {}).items():
        print(f"{title:<54}{'ms':>10}{'times':>9}{'difference':>12}  version")
        for row in rows:
            print(f"  {row['name']:<52}" + (
                f"not measured: {row['missing']}" if "missing" in row else
                f"{1000 * row['seconds']:>10.2f}{row['times']:>9.2f}{row['difference']:>12.1e}"
                f"  {row['version']}" + (f", {row['share_timed']:.0%} timed"
                                         if row["share_timed"] < 1 else "")))
    tables = {"table", "notes"} | ({"ratios"} if "table" in found else set())
    for path, value in leaves({k: v for k, v in found.items() if k not in tables}):
        print(f"  {path[1:]}: {f'{value:.3g}' if isinstance(value, float) else value}")
    for note in found.get("notes", ()):
        print(f"  {note}")


def broken(found: dict[str, Any]) -> bool:
    """Return whether a part failed or says that something which must be equal is not."""
    return "failed" in found or any(value is False for _, value in leaves(found))


def leaves(found: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of nested dictionaries with its path."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from leaves(value, f"{path}/{key}")
    else:
        yield path, found


def keep(name: str, found: dict[str, Any], folder: Path) -> None:
    """Write ratios, shares, checks, growth and goals, no seconds; draw the growth."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"cpu": cpu(), "day": datetime.now(UTC).date().isoformat(),
            "goals": without_seconds(goals.judged(name, found))} | without_seconds(
                {key: value for key, value in found.items() if key != "notes"})
    text = json.dumps(kept, indent=1, sort_keys=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    if "growth" in found:
        growth.draw(found["growth"], str(folder / f"{name}.svg"))


def without_seconds(found: Any) -> Any:
    """Return the finding without anything that names seconds, numbers to three digits."""
    if isinstance(found, dict):
        return {key: without_seconds(value) for key, value in found.items()
                if not KEPT_OUT.search(str(key))}
    if isinstance(found, list):
        return [without_seconds(value) for value in found]
    return float(f"{found:.3g}") if isinstance(found, float) else found


if __name__ == "__main__":
    sys.exit(main())
