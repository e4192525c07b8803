"""Do imports point down the layers of the sentence, and only down?"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from architecture.layers import below_adapters, contracts, layers
from reference import ROOT

SENTENCE = [["apps"], ["adapters"], ["backtest", "calibration"], ["engine"],
            ["liquidation", "settlement", "governance"], ["margin"], ["risk"], ["pricing"],
            ["scenarios"], ["collateral"], ["market"], ["accounts"], ["instruments"], ["values"]]
LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def import_complaints(sources):
    """Run the contracts of pyproject.toml on the package below `sources`; "" if all are kept."""
    command = [sys.executable, "-c", LINTER, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    done = subprocess.run(command, cwd=sources, env=os.environ | {"PYTHONPATH": str(sources)},
                          capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    """Return a copy of the package that a test may spoil."""
    shutil.copytree(ROOT / "src", tmp_path, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("*.so", "__pycache__", "parameters"))
    return tmp_path


def spoil(copy, path, line):
    """Put `line` at the end of a module of the copy, made if it is not there."""
    module = Path(copy, "counterpoise", path)
    module.parent.mkdir(parents=True, exist_ok=True)
    old = module.read_text(encoding="utf-8") if module.exists() else '"""A."""\n'
    module.write_text(f"{old}\n{line}\n", encoding="utf-8")


def test_imports_keep_the_contracts():
    assert "" == import_complaints(ROOT / "src")


def test_layers_are_those_of_the_sentence():
    assert layers() == SENTENCE


def test_every_package_below_adapters_is_kept_from_the_world():
    forbidden = next(c for c in contracts() if c["type"] == "forbidden")
    kept = {m.removeprefix("counterpoise.") for m in forbidden["source_modules"]}
    present = {p.parent.name for p in (ROOT / "src/counterpoise").glob("*/__init__.py")}

    # Calibration alone may use statistics libraries that bring a frame library.
    assert (below_adapters() & present) - {"calibration"} == kept


@pytest.mark.parametrize(("path", "line", "words"), [
    ("values/assets.py", "import counterpoise.margin.model", "Layers"),
    ("risk/arrays.py", "def f():\n    import counterpoise.adapters", "Layers"),
    ("stray/__init__.py", "", "stray"),
    ("margin/terms/rounding.py", "import logging", "Below adapters"),
    ("market/snapshot.py", "from os import environ", "Below adapters"),
    ("scenarios/scenario_set.py", "import pandas", "Below adapters"),
])
def test_import_that_points_up_or_out_is_refused(copy, path, line, words):
    spoil(copy, path, line)

    assert words in import_complaints(copy)


def test_model_that_imports_a_model_is_refused(copy):
    spoil(copy, "margin/models/one.py", "")
    spoil(copy, "margin/models/two.py", "import counterpoise.margin.models.one")

    assert "do not import one another" in import_complaints(copy)


def test_cycle_inside_a_package_is_refused(copy):
    spoil(copy, "risk/one.py", "import counterpoise.risk.two")
    spoil(copy, "risk/two.py", "def f():\n    import counterpoise.risk.one")

    assert "No cycles" in import_complaints(copy)
