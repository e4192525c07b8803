"""Stressed days of February 2026 in five-minute bars: every status right, few accounts computed."""

import json
import subprocess
import sys

import pytest

from reference import ROOT

pytest.importorskip("duckdb", reason="real chains are read with the extra `data`")


def found(shared, *arguments: str) -> dict[str, float]:
    printed = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "safe_bands.py"), "--data",
         str(shared / "data"), *arguments], check=True, capture_output=True, text=True).stdout
    return json.loads(printed)


def test_no_status_differs_on_5_february_and_twenty_times_fewer_accounts_are_computed(shared):
    day = found(shared, "--accounts", "2000")

    assert 288 == day["ticks"] == day["ticks_checked"]
    assert 0 == day["statuses_different"]
    assert day["touched_over_recomputed"] >= 20


@pytest.mark.parametrize("day", ["2026-02-02", "2026-02-06"])
def test_no_status_differs_on_the_days_around_it(shared, day):
    figures = found(shared, "--accounts", "400", "--day", day)

    assert 288 == figures["ticks_checked"] and 0 == figures["statuses_different"]
