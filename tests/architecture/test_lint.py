"""Do the linter and the strict type checker find nothing, and would they?"""

import subprocess
import sys

from reference import ROOT


def run(*command):
    """Run a Python module in the repository; "" if it finds nothing."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_linter_finds_nothing():
    assert "" == run("ruff", "check", "--no-cache")


def test_types_are_strict():
    assert "" == run("mypy")


def test_untyped_function_is_refused(tmp_path):
    (tmp_path / "bad.py").write_text("def f(x):\n    return x\n")

    assert "no-untyped-def" in run("mypy", "--cache-dir", str(tmp_path), str(tmp_path / "bad.py"))


def test_unused_import_is_refused(tmp_path):
    (tmp_path / "bad.py").write_text("import os\n")

    assert "F401" in run("ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml"),
                         str(tmp_path))
