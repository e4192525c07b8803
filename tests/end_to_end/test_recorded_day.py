"""A recorded day leads to one root: on both backends, with 1 and 2 threads, from every snapshot."""

import json

import pytest

import recorded_day
from counterpoise.adapters.recorded_course import recorded_course
from counterpoise.apps.crowd import Crowd
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS, parse_instant

CRASH = parse_instant("2025-10-10T00:00:00Z")
BEFORE_THE_CRASH = 248
"""Steps of five minutes: until 20:45 UTC."""
FEBRUARY = parse_instant("2026-02-05T00:00:00Z")


def recorded(shared, day, skipped=0):
    course = recorded_course(shared / "data/prices/stress_5m.parquet", coins=("BTC", "ETH"),
                             day=day)
    first = course.first if not skipped else next(course.after(skipped - 1))
    return replaced(course, first=first, after=lambda step: course.after(skipped + step))


def lived(course, folder, server, **size):
    crowd = Crowd(accounts=size["accounts"], events=size["events"], model="deribit_spm", seed=7)
    return recorded_day.compared(course, crowd, folder=folder, steps=size["steps"],
                                 servers=tuple(server.schema() for _ in recorded_day.THREADS),
                                 snapshot_every=size["snapshot_every"])


def check(found):
    print(json.dumps(found, indent=1))
    assert [("SQLite", 1), ("SQLite", 2), ("PostgreSQL", 1), ("PostgreSQL", 2)] == [
        (r["backend"], r["threads"]) for r in found["runs"]]
    assert all(len(r["replays"]) >= 6 for r in found["runs"])
    assert found["one_root"] and len(found["roots"]) == 1
    # A day on which nothing was decided would prove little.
    told = found["runs"][0]["told"]
    assert min(told.get(kind, 0) for kind in (
        "MarginCallIssued", "LiquidationOrdered", "OrderAdmitted")) > 0


def test_recorded_hours_lead_to_one_root_however_they_are_lived(shared, tmp_path, postgres_server):
    crash = recorded(shared, CRASH, skipped=BEFORE_THE_CRASH)
    found = lived(crash, tmp_path, postgres_server, accounts=100, events=30, steps=10,
                  snapshot_every=5)

    check(found)


@pytest.mark.soak
@pytest.mark.parametrize("day", [CRASH, FEBRUARY])
def test_recorded_day_of_ten_thousand_accounts_leads_to_one_root(shared, tmp_path, postgres_server,
                                                                day):
    course = recorded(shared, day)
    found = lived(course, tmp_path, postgres_server, accounts=10_000, events=500, steps=None,
                  snapshot_every=96)

    check(found)
    assert DAY_NS // course.interval_ns - 1 == found["runs"][0]["steps"]
