"""How fast is it on this machine, beside others and beside what the machine can do at most?

`make bench` runs every part, each in a process of its own, and prints tables with seconds and the
machine's name; `results/` keeps ratios, shares, differences and equalities, never seconds.
`--quick` takes small sizes and commits nothing, `--only NAME` runs one part.
"""

import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import growth
import limits as machine_limits
import peers
from turns import environment

import counterpoise
from counterpoise import _core

HERE = Path(__file__).resolve().parent
PARTS = ("foundation", "pricing", "aggregation", "whole_margin", "ticks", "expected_shortfall",
         "whatif", "implied", "bands", "growth")
KEPT_OUT = re.compile("second|machine|_(ms|us|ns)$")


def main() -> int:
    """Run the parts that were asked for; 1 if any says that bits differ or breaks."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few peers")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone")
    parser.add_argument("--results", default=str(HERE / "results"))
    asked = parser.parse_args()
    print(f"counterpoise {counterpoise.__version__} on {machine()}\n")
    if not asked.quick:
        peers.install()
        print("".join(f"not installed: {name}\n" for name in peers.missing()))
    limits = limits_of(asked.quick)
    wrong = []
    for name in asked.only or PARTS:
        print(f"== {name}")
        if importlib.util.find_spec(name) is None:
            print("not there yet\n")
            continue
        found = finding(name, asked.quick, limits)
        show(found)
        wrong += [name] if broken(found) else []
        if not asked.quick and "failed" not in found:
            keep(name, found, Path(asked.results))
    print("".join(f"{name}: failed or bits differ\n" for name in wrong), end="")
    return 1 if wrong else 0


def machine() -> str:
    """Return the processor's name, its cores, and the flavours of the core that it runs."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text(encoding="utf-8").splitlines() if names.is_file() else []
    model = next((line.split(":", 1)[1].strip() for line in lines
                  if line.startswith("model name")), platform.processor() or platform.machine())
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (f"{model}, {os.cpu_count()} cores{busy}, {platform.system()}, "
            f"Python {platform.python_version()}, core {', '.join(_core.isa()['available'])}")


def limits_of(quick: bool) -> dict[str, Any] | None:
    """Return and print the machine's limits; None where they cannot be measured."""
    try:
        limits = machine_limits.measured(quick)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the limits of this machine could not be measured: {error}\n")
        return None
    machine_limits.show(limits)
    return limits


def finding(name: str, quick: bool, limits: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a part found, after printing what it prints."""
    command = [sys.executable, str(HERE / "part.py"), name, "--limits", json.dumps(limits)]
    cores = os.cpu_count() or 1
    done = subprocess.run([*command, *(["--quick"] if quick else [])], text=True,
                          stdout=subprocess.PIPE, env=environment(cores))
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
    for kind in ("ratios", "shares", "checks"):
        for what, number in found.get(kind, {}).items():
            if kind != "ratios" or "table" not in found:
                print(f"  {what}: {number if not isinstance(number, float) else f'{number:.3g}'}")
    for note in found.get("notes", ()):
        print(f"  {note}")
    for key in ("growth", "bytes_per_account", "failed"):
        if key in found:
            print(f"  {key}: {found[key]}")
    print()


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
    """Write ratios, shares, checks and growth, no seconds; draw the growth."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = without_seconds({key: value for key, value in found.items() if key != "notes"})
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
