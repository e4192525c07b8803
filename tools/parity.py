"""How far are our margins from the published cases? Prints every line, writes docs/parity.md.

Needs the reference cases (`COUNTERPOISE_SHARED`, default `../shared`); the exit code is 1 where a
field is further off than its case tolerates.
"""

import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Print the table, write the page, return the exit code."""
    sys.path.insert(0, str(ROOT / "tests"))
    code: int = import_module("golden.parity").main(ROOT)
    return code


if __name__ == "__main__":
    sys.exit(main())
