"""How a published case becomes portfolio files, and how its inputs are read back from them.

The cases print no account and often no date; what is added to make a complete file is chosen in the
converters and changes none of the published inputs. There is one file per venue beside this one; it
holds `CONVERTERS = {case: (to files, inputs from portfolios)}` and, for cases that describe no
account (parameter sets), `WITHOUT_ACCOUNT = {case: reason}`.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from counterpoise.adapters.portfolio.portfolio import Portfolio

_VENUES = [import_module(f"golden.convert.{path.stem}")
           for path in sorted(Path(__file__).parent.glob("*.py")) if path != Path(__file__)]
CONVERTERS: dict[str, Any] = {
    name: pair for venue in _VENUES for name, pair in venue.CONVERTERS.items()}
WITHOUT_ACCOUNT: dict[str, str] = {
    name: reason for venue in _VENUES
    for name, reason in getattr(venue, "WITHOUT_ACCOUNT", {}).items()}


def to_files(name: str, case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the portfolio documents of a case by example."""
    return CONVERTERS[name][0](case)


def from_files(name: str, portfolios: dict[str, Portfolio]) -> Any:
    """Return the case's inputs as the portfolios hold them; inverse of `to_files`."""
    return CONVERTERS[name][1](portfolios)
