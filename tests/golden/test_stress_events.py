"""The named events have the sizes that their sources give, and the data what we measured on it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.stress_events import named_events
from counterpoise.scenarios.factors import factor_name
from counterpoise.scenarios.stress_events import StressEvent

EVENTS = {event.name: event for event in named_events()}
# Published sizes are rounded to a hundredth; where a source gives prices, to their last digit.
ROUNDED = 0.015


def _fractions(event: StressEvent) -> dict[str, float]:
    return {factor_name(m.factor): float(np.expm1(m.move)) for m in event.moves}


@pytest.mark.parametrize("name", sorted(set(EVENTS) - {"feb_2026"}))
def test_an_event_is_the_published_one(cases: Any, name: str) -> None:

    case = cases(f"backtests/stress_events__{name}.json")
    event, said = EVENTS[name], case["expected"]
    found = _fractions(event)

    assert list(event.sources) == case["source"]
    assert event.dates[:10] == case["inputs"]["date_utc"][:10]
    for coin in ("btc", "eth"):
        size = said.get(f"{coin}_pct", said.get(f"{coin}_pct_24h"))
        if isinstance(size, str):
            size = float(size.split(" ")[0])
        if size is not None:
            assert found[f"{coin.upper()} price"] == pytest.approx(size, abs=ROUNDED)
    if "btc_to" in said:
        assert found["BTC price"] == pytest.approx(said["btc_to"] / said["btc_from"] - 1, rel=1e-9)


@pytest.mark.parametrize(("name", "factor", "keys"), [
    ("ftx_2022", "FTT price", ("ftt_from", "ftt_to")),
    ("terra_2022", "LUNA price", ("luna_from", "luna_to")),
    ("oct_2025", "BTC price", ("btc_from", "btc_low_spot")),
    ("oct_2025", "BTC basis 0", ("btc_low_spot", "btc_low_binance_perp"))])
def test_prices_go_from_and_to_what_the_source_says(cases: Any, name: str, factor: str,
                                                    keys: tuple[str, str]) -> None:

    said = cases(f"backtests/stress_events__{name}.json")["expected"]
    found = {factor_name(m.factor): m.move for m in EVENTS[name].moves}

    # A premium is given as a log with four digits.
    assert found[factor] == pytest.approx(np.log(said[keys[1]] / said[keys[0]]), abs=5e-5)


def test_pegs_fall_to_the_published_lows(cases: Any) -> None:

    stables = cases("backtests/stress_events__usdc_svb_2023.json")["expected"]
    terra = cases("backtests/stress_events__terra_2022.json")["expected"]
    found = _fractions(EVENTS["usdc_svb_2023"])

    for code in ("usdc", "dai"):
        assert 1 + found[f"{code.upper()} peg"] == pytest.approx(stables[f"{code}_low"][0])
    for code in ("frax", "usdd"):
        assert 1 + found[f"{code.upper()} peg"] == pytest.approx(stables[f"{code}_low"])
    assert 1 + _fractions(EVENTS["terra_2022"])["UST peg"] == pytest.approx(
        terra["ust_path"]["05-13"])


def test_the_days_of_ftx_come_one_after_the_other(cases: Any) -> None:

    said = cases("backtests/stress_events__ftx_2022.json")["expected"]
    days = said["btc_pct_by_day"]
    found = _fractions(EVENTS["ftx_2022"])

    assert found["BTC price"] == pytest.approx((1 + days["11-08"]) * (1 + days["11-09"]) - 1)
    assert found["SOL price"] == pytest.approx(said["sol_week"])


def test_volatilities_of_the_events_are_those_of_the_index_that_day(shared: Path) -> None:

    import pyarrow.parquet as parquet

    table = parquet.read_table(shared / "data/vol_index/dvol_btc_daily.parquet").to_pydict()
    by_day = {str(day)[:10]: (close, high) for day, close, high in zip(
        table["date"], table["close"], table["high"], strict=True)}
    eves = {"china_2021": ("2021-05-18", "2021-05-19"), "oct_2025": ("2025-10-09", "2025-10-10"),
            "yen_carry_2024": ("2024-08-04", "2024-08-05")}
    for name, (eve, day) in eves.items():
        move = next(m for m in EVENTS[name].moves if factor_name(m.factor) == "BTC vol")
        assert move.origin == "data"
        assert move.move == pytest.approx(np.log(by_day[day][1] / by_day[eve][0]), abs=2e-3)


def test_lows_of_coins_are_those_of_the_hours(shared: Path) -> None:

    import pyarrow.compute as pc
    import pyarrow.parquet as parquet

    table = parquet.read_table(shared / "data/prices/spot_1h.parquet",
                               filters=[("symbol", "=", "SOL")]).sort_by("ts")
    days = pc.strftime(table["ts"], format="%Y-%m-%d").to_pylist()
    eve = [c for c, d in zip(table["close"].to_pylist(), days, strict=True) if d == "2022-05-06"]
    lows = [x for x, d in zip(table["low"].to_pylist(), days, strict=True)
            if "2022-05-07" <= d <= "2022-05-13"]

    assert _fractions(EVENTS["terra_2022"])["SOL price"] == pytest.approx(
        min(lows) / eve[-1] - 1, rel=1e-6)


def test_every_number_that_no_source_gives_is_called_our_reading_or_measured() -> None:

    for event in EVENTS.values():
        assert event.sources and {m.origin for m in event.moves} <= {
            "published", "data", "our reading"}
    assert EVENTS["jelly_2025"].moves == ()
