"""Is anything acknowledged ever lost, or applied twice, when processes and servers really die?

A writer in a process of its own says through a pipe what was acknowledged; it is killed at random
points, its disk fails, its server restarts. After each death the log must hold every acknowledged
event, each event once and in order; in the end the root is that of the same events without a store.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from counterpoise.adapters.store import places, sqlite
from counterpoise.adapters.store.history import latest_state, records
from counterpoise.adapters.store.records import RecordType
from counterpoise.adapters.store.replay import replayed
from counterpoise.values.failure import BadInput
from failing_system import AVAILABLE
from store_workload import LEDGER, root_after

TESTS = Path(__file__).resolve().parents[1]
SEED = 2026


class Writer:
    """The nursery of writers, and what they said."""

    def __init__(self, place):
        self.place, self.lives = place, random.Random(SEED)
        self.acknowledged, self.mark, self.found = 0, (0, ""), 0
        path = os.pathsep.join([str(TESTS), *sys.path])
        self.nursery = subprocess.Popen(
            [sys.executable, str(TESTS / "store_writer.py"),
             *(["server"] if place.startswith("postgresql") else [])], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path})

    def live(self, seconds, *, failing=0):
        """Live once, killed after `seconds`, None for never; return the last words.

        The seconds count from the start in every other life, from the opened store in the rest.
        """
        start = self.acknowledged
        said = {"place": self.place, "seed": SEED, "start": start,
                "chance_seed": self.lives.randrange(1 << 30), "failing": failing}
        self.nursery.stdin.write(json.dumps(said) + "\n")
        self.nursery.stdin.flush()
        last, killer, child, early = "", None, 0, self.lives.random() < 0.5
        for line in iter(self.nursery.stdout.readline, ""):
            word, *rest = line.split()
            if word == "pid":
                child = int(rest[0])
            if word == ("pid" if early else "open") and seconds is not None:
                killer = threading.Timer(seconds, kill, (child,))
                killer.start()
            if word == "open":
                self.found = int(rest[0])
                assert self.found >= start, f"{start} were acknowledged, {self.found} are there"
            elif word == "ack":
                self.acknowledged = max(self.acknowledged, int(rest[0]))
                self.mark = (int(rest[1]), rest[2])
            elif word in ("stopped", "failed"):
                last = line
            elif word == "ended":
                break
        if killer is not None:
            killer.cancel()
        return last

    def close(self):
        """End the nursery."""
        self.nursery.stdin.close()
        self.nursery.wait()
        self.nursery.stdout.close()


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def judged(writer):
    """Check the log against what was acknowledged; return the number of its events."""
    with closing(places.opened(writer.place)) as store:
        found = [(record, mark) for record, mark in records(store)]
        names = [r.client_id for r, _ in found if r.type == RecordType.EVENT]
        assert [f"c-{k}" for k in range(len(names))] == names
        assert len(names) >= writer.acknowledged
        number, seen = writer.mark
        assert not number or found[number - 1][1].hash.hex() == seen
        # All of them would take a long life hours; the ends of it are what restarts use.
        starts = [None, *store.snapshots()[:1], *store.snapshots()[-2:]]
        again = [replayed(store, LEDGER, start=start) for start in starts]
    assert all(a.divergence is None for a in again)
    assert {root_after(SEED, len(names))} == {a.root for a in again}
    return len(names)


def died(writer, kills, longest):
    """Kill writers at random points of their lives, some before they have opened the store."""
    chance = random.Random(SEED + 1)
    start = time.monotonic()
    for turn in range(kills):
        last = writer.live(chance.random() * longest)
        assert "failed" not in last, last
        if turn % 100 == 99:
            judged(writer)
    events = judged(writer)
    print(f"\n{kills} kills: {writer.acknowledged} events acknowledged, {events} in the log, none "
          f"lost, none twice, {time.monotonic() - start:.0f} s")
    assert writer.acknowledged > kills


@pytest.fixture
def folder_writer(tmp_path):
    place = str(tmp_path / "store")
    sqlite.create(place)
    writer = Writer(place)
    yield writer
    writer.close()


@pytest.fixture
def server_writer(postgres_server):
    place = postgres_server.schema()
    places.create(place)
    writer = Writer(place)
    yield writer
    writer.close()


def test_a_hundred_kills_lose_nothing_and_apply_nothing_twice(folder_writer):
    died(folder_writer, 100, 0.12)


@pytest.mark.soak
def test_a_thousand_kills_lose_nothing_and_apply_nothing_twice(folder_writer):
    died(folder_writer, 1000, 0.3)


def test_kills_of_a_servers_client_lose_nothing(server_writer):
    died(server_writer, 15, 0.8)


@pytest.mark.soak
def test_many_kills_of_a_servers_client_lose_nothing(server_writer):
    died(server_writer, 300, 0.8)


def restarted(writer, server, times):
    """Crash the server under load, as a power cut would, and bring it back."""
    chance = random.Random(SEED + 2)
    stops = 0
    for _ in range(times):
        crash = threading.Timer(0.3 + chance.random(), server.restart)
        crash.start()
        last = writer.live(None)
        crash.join()
        # A server that ends while the store is being opened is told as bad input.
        assert last.startswith("stopped") or "cannot be re" in last, last
        stops += last.startswith("stopped")
    writer.live(1.0)
    events = judged(writer)
    print(f"\n{stops} crashes of the server: {writer.acknowledged} events acknowledged, {events} "
          "in the log, none lost, none twice")
    assert stops and writer.acknowledged > times


def test_server_restarted_under_load_loses_nothing(server_writer, postgres_server):
    restarted(server_writer, postgres_server, 3)


@pytest.mark.soak
def test_server_restarted_many_times_loses_nothing(server_writer, postgres_server):
    restarted(server_writer, postgres_server, 40)


@pytest.mark.skipif(not AVAILABLE, reason="the filter of system calls is that of Linux on x86-64")
def test_failing_fsync_acknowledges_nothing_more_and_loses_nothing(folder_writer):
    for failing in (1, 3, 8):
        last = folder_writer.live(None, failing=failing)
        assert last.startswith("stopped") and "disk I/O error" in last, last
        judged(folder_writer)


def test_recovery_starts_from_the_latest_snapshot(folder_writer):
    while True:
        folder_writer.live(0.5)
        with closing(places.opened(folder_writer.place)) as store:
            if store.snapshots():
                snapshot, _, wrong = latest_state(store)
                break

    assert snapshot is not None and wrong == ()


def test_store_whose_maker_was_killed_anywhere_is_made_by_the_next_start(tmp_path):
    path = os.pathsep.join([str(TESTS), *sys.path])
    made = subprocess.run([sys.executable, str(TESTS / "store_maker.py")], text=True, timeout=60,
                          input=f"{tmp_path}\n", stdout=subprocess.PIPE, check=True,
                          env=os.environ | {"PYTHONPATH": path})
    died = int(made.stdout)

    assert died >= 8
    for count in range(1, died + 2):
        with closing(places.owned_or_new(str(tmp_path / str(count)))) as store:
            assert 0 == store.head().number and () == store.snapshots()


def test_folder_with_something_of_others_in_it_is_no_store_in_the_making(tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "holiday.jpg").touch()

    assert not sqlite.unmade(tmp_path)
    with pytest.raises(BadInput, match="is not empty; name a new folder"):
        places.create(str(tmp_path))
