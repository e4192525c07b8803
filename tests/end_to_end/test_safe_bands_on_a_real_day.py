"""5 February 2026 in five-minute bars: every status right, few accounts computed again."""

import json
import subprocess
import sys

import pytest

from reference import ROOT

pytest.importorskip("duckdb", reason="real chains are read with the extra `data`")


def test_no_status_differs_on_the_stressed_day_and_twenty_times_fewer_accounts_are_computed(shared):
    printed = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "safe_bands.py"), "--accounts", "2000",
         "--data", str(shared / "data")], check=True, capture_output=True, text=True).stdout
    found = json.loads(printed)

    assert 288 == found["ticks"] == found["ticks_checked"]
    assert 0 == found["statuses_different"]
    assert found["touched_over_recomputed"] >= 20
