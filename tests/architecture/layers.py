"""Which packages lie where? Read from the one place that says it: the layers in pyproject.toml."""

import tomllib
from typing import Any

from reference import ROOT


def contracts() -> list[dict[str, Any]]:
    """Return the import contracts of pyproject.toml."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(document["tool"]["importlinter"]["contracts"])


def layers() -> list[list[str]]:
    """Return the layers from high to low, each a list of its packages."""
    rows = next(c["layers"] for c in contracts() if c["type"] == "layers")
    return [[name.strip(" ()") for name in row.split("|")] for row in rows]


def below_adapters() -> frozenset[str]:
    """Return the packages that may not touch the world."""
    rows = layers()
    return frozenset(name for row in rows[rows.index(["adapters"]) + 1:] for name in row)
