"""Recorded prices become a course as they are: nothing filled, nothing early."""

import math

import pytest

from counterpoise.adapters.recorded_course import recorded_course
from counterpoise.adapters.snapshot_file import write_snapshot
from counterpoise.market.simulated import AS_OF, simulated_market
from counterpoise.values.failure import BadInput
from counterpoise.values.time import DAY_NS, SECOND_NS, parse_instant

BAR = 300 * SECOND_NS
ROWS = (("10:00:00", "BTC", "spot", 100), ("10:00:00", "BTC", "perp", 101),
        ("10:00:00", "ETH", "spot", 10), ("10:05:00", "BTC", "spot", 99),
        ("10:05:00", "ETH", "perp", 11), ("10:10:00", "BTC", "spot", 98),
        ("10:10:00", "BTC", "perp", 97), ("10:10:00", "ETH", "spot", 9))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("ts,symbol,market,close\n" + "".join(
        f"2025-10-10 {t}+00,{s},{m},{c}\n" for t, s, m, c in ROWS))
    return path


def test_closes_are_known_at_the_end_of_their_bars_and_never_filled(table):
    course = recorded_course(table, coins=("BTC", "ETH"))
    second, third = course.after(0)
    marks = dict(zip((c.id for c in course.catalogue.instruments), second.mark, strict=True))

    assert parse_instant("2025-10-10T10:05:00Z") == course.first.as_of
    assert (BAR, [100, 10], [99, 11], [98, 9]) == (
        course.interval_ns, course.first.index.tolist(), second.index.tolist(),
        third.index.tolist())
    assert {99.0, 11.0} == set(marks.values())
    assert [third.as_of] == [s.as_of for s in course.after(1)]


def test_a_price_that_the_recording_lacks_is_missing(table):
    table.write_text("".join(line + "\n" for line in table.read_text().splitlines()
                             if "10:05:00+00,ETH" not in line))
    second = next(recorded_course(table, coins=("BTC", "ETH")).after(0))

    assert math.isnan(second.index[1])


def test_a_day_of_a_table_is_chosen_by_its_date(table):
    day = parse_instant("2025-10-10T00:00:00Z")

    assert 2 == len(list(recorded_course(table, coins=("BTC",), day=day).after(0)))
    with pytest.raises(BadInput, match="BTC: has no price .* on 2025-10-11"):
        recorded_course(table, coins=("BTC",), day=day + DAY_NS)


def test_a_coin_that_is_not_recorded_is_named(table):
    with pytest.raises(BadInput, match="DOGE"):
        recorded_course(table, coins=("BTC", "DOGE"))


def test_snapshots_of_a_folder_come_in_order_of_their_times(tmp_path):
    for name, seed, hours in (("b", 1, 0), ("a", 2, 1), ("c", 3, 2)):
        write_snapshot(tmp_path / f"{name}.parquet",
                       simulated_market(seed=seed, as_of=AS_OF + hours * 12 * BAR))
    course = recorded_course(tmp_path, coins=())
    seeds = [s.sequence // 2 for s in (course.first, *course.after(0))]

    assert [1, 2, 3] == seeds
    assert {c.id for c in course.first.catalogue.instruments} < set(course.catalogue.column)


def test_a_folder_without_snapshots_is_refused(tmp_path):
    with pytest.raises(BadInput, match="has 0 steps of a market"):
        recorded_course(tmp_path, coins=())
