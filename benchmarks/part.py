"""What does one part of the benchmark find? Its module's `measured(quick)`, in its own process.

Prints what the part prints, then one line of JSON: so that threads, pins and memory of one part
never reach the next.
"""

import importlib
import inspect
import json
import sys
from argparse import ArgumentParser
from typing import Any

from candidate import use_peers


def main() -> None:
    """Run one part; the last line of the output is its finding."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--turns", type=int, default=1, help="for parts that take turns themselves")
    parser.add_argument("--limits", default="null", help="JSON of limits.py")
    asked = parser.parse_args()
    use_peers()
    part = importlib.import_module(asked.module)
    given: dict[str, Any] = {"quick": asked.quick}
    offered = {"limits": json.loads(asked.limits), "turns": asked.turns}
    known = inspect.signature(part.measured).parameters
    given |= {name: value for name, value in offered.items() if name in known}
    found = part.measured(**given)
    sys.stdout.flush()
    print("\n" + json.dumps(found, default=float))


if __name__ == "__main__":
    main()
