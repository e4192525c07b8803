"""The recorded figures of the frozen forecasts are what the code finds again on the same days.

Recorded: `prediction_figures.json`, ratios and counts by `counterpoise validate --json`, no prices.
Fits differ in their last digits between machines, hence the tolerance on numbers; the counts of
days, breaches and aims are whole and must be the same.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from counterpoise.adapters.prediction_file import frozen_prediction
from counterpoise.apps.report.validation import document
from counterpoise.apps.validation_run import validation_of

SHORT, WHOLE = "2021-06-30", "2026-03-24"
NUMBERS = 2e-3


@cache
def recorded(until: str) -> Any:
    file = Path(__file__).with_name("prediction_figures.json")
    return json.loads(file.read_text(encoding="utf-8"))[until]


def found(shared: Path, until: str) -> Any:
    pytest.importorskip("arch")
    pytest.importorskip("sklearn")
    return json.loads(json.dumps(document(validation_of(str(shared / "data"), until=until))))


def differences(expected: Any, actual: Any, at: str = "") -> list[str]:
    """Every place where two documents differ by more than rounding of a fit."""
    if isinstance(expected, dict):
        keys = sorted(set(expected) | set(actual))
        return [d for k in keys for d in differences(expected.get(k), actual.get(k), f"{at}/{k}")]
    if isinstance(expected, list) and len(expected) == len(actual):
        return [d for k, (a, b) in enumerate(zip(expected, actual, strict=True))
                for d in differences(a, b, f"{at}/{k}")]
    if isinstance(expected, float) and isinstance(actual, float):
        close = abs(expected - actual) <= NUMBERS * max(1.0, abs(expected))
        both_unknown = expected != expected and actual != actual
        return [] if close or both_unknown else [f"{at}: {expected} became {actual}"]
    return [] if expected == actual else [f"{at}: {expected} became {actual}"]


def test_the_figures_were_made_by_the_frozen_configuration() -> None:
    for until in (SHORT, WHOLE):
        assert recorded(until)["configuration"]["digest"] == frozen_prediction().digest


def test_the_first_years_come_out_as_recorded(shared: Path) -> None:
    assert differences(recorded(SHORT), found(shared, SHORT)) == []


@pytest.mark.soak
def test_all_years_come_out_as_recorded(shared: Path) -> None:
    assert differences(recorded(WHOLE), found(shared, WHOLE)) == []


def test_every_series_is_judged_in_every_period() -> None:
    for period in recorded(WHOLE)["periods"]:
        assert len(period["series"]) == 18 == period["counts"]["series"]


def test_with_the_add_ons_on_no_series_falls_below_99_percent() -> None:
    assert min(row["coverage_charged"] for row in recorded(WHOLE)["add_ons"]) >= 0.99


def test_the_floor_halves_the_peak_over_the_trough_of_bitcoin_and_ether() -> None:
    rows = [r for r in recorded(WHOLE)["add_ons"] if r["coin"] in ("BTC", "ETH")]

    assert len(rows) == 4
    for row in rows:
        assert row["peak_to_trough_calm"] <= row["peak_to_trough_raw"] / 2
