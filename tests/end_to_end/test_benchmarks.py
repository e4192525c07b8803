"""`make bench` runs, and the bits are the same every way."""

import json
import subprocess
import sys

import pytest

from reference import ROOT

BENCHMARKS = ROOT / "benchmarks"


def measured(script: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, str(BENCHMARKS / script), *arguments], check=True,
                          capture_output=True, text=True).stdout


def test_quick_benchmark_runs_and_commits_nothing():
    pytest.importorskip("pyarrow")
    before = (BENCHMARKS / "results" / "foundation.json").read_bytes()
    printed = measured("run.py", "--quick")

    assert "same bits" in printed and "x import numpy" in printed
    assert before == (BENCHMARKS / "results" / "foundation.json").read_bytes()


def test_committed_results_hold_ratios_and_equalities_only():
    results = json.loads((BENCHMARKS / "results" / "foundation.json").read_text())

    assert results["same_bits"] and results["peak_within_8_gib"]
    assert not any("second" in key for key in results)
    assert max(results["times_import_numpy"].values()) < 10


@pytest.mark.soak
def test_first_answers_stay_within_a_few_imports_of_numpy():
    seconds = json.loads(measured("cold_start.py", "--samples", "15"))
    unit = seconds["import numpy"]

    assert seconds["counterpoise margin, 200 options"] < 0.5
    assert seconds["counterpoise margin, 2 positions"] <= 1.5 * unit
    assert seconds["counterpoise margin, 200 options"] <= 1.5 * unit
