"""The scan ranges of the NSE preset are those that NSE Clearing states in words."""

import re

import pytest

from clearing_house import NOW, book, future, quoted
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.span import NSE

PRESET = parameters_of(NSE, NOW).parameters.commodity
DAYS_PER_MONTH = 365 / 12


def numbers(sentence: str) -> list[float]:
    return [float(text) for text in re.findall(r"\d+(?:\.\d+)?", sentence)]


def test_minima_of_the_price_scan_range(cases) -> None:
    """Index: 6 sigma x sqrt 2, at least a part up to so many months and another beyond."""
    told = cases("span/nse_marginism__official_parameters.json")["expected"]
    _, _, near, far, months = numbers(told["psr_index"])
    ranges = [100 * tier.price_scan_range for tier in PRESET["nifty_inr"].tiers]

    assert ranges == pytest.approx([near, far], rel=1e-12)
    assert PRESET["nifty_inr"].tiers[0].days == pytest.approx(months * DAYS_PER_MONTH, abs=1)
    assert 100 * PRESET["reliance_inr"].tiers[0].price_scan_range == pytest.approx(
        numbers(told["psr_stock"])[2], rel=1e-12)


def test_an_index_future_needs_its_scan_range_and_exposure(cases) -> None:
    told = cases("span/nse_marginism__official_parameters.json")["expected"]
    scan = numbers(told["psr_index"])[2] / 100
    market = quoted({future("near", days=30, underlying="NIFTY", paid="INR"): 24_000.0},
                    index={"NIFTY": 23_900.0})
    needs = compute_margin(book(market, {"near": 65}), market, model=NSE,
                           version=parameters_of(NSE, NOW)).requirements

    assert needs.maintenance[0] == pytest.approx(
        65 * 24_000 * (scan + told["index_exposure"]), rel=1e-12)
