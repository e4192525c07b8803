"""`counterpoise run`: stopped, killed and started again, it leads where an unbroken run leads."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from counterpoise.adapters.store import places
from counterpoise.adapters.store.history import records
from counterpoise.adapters.store.records import RecordType
from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.cli.output import ANSWERED, BAD_INPUT
from price_table import write_prices

MINUTES = 700
"""Of prices: at ten minutes a second more than any of these lives takes."""
OPTIONS = ("--accounts", "240", "--events", "30", "--snapshot-every", "5", "--seed", "11",
           "--json")
JUMPS = tuple(range(3, MINUTES, 4))
"""Minutes at which prices jump, so that something is decided in every life."""
DECISIONS = {"MarginCallIssued", "MarginCallEscalated", "LiquidationOrdered"}


def started(place, *options):
    prices = str(place.parent / "prices.csv")
    return subprocess.Popen(
        [sys.executable, "-m", "counterpoise.apps.cli.main", "run", str(place), "--market", prices,
         *OPTIONS, *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def heard_until(process, step):
    """Return the last document that a process said, once it said that `step` is durable."""
    for line in process.stdout:
        document = json.loads(line)
        if document["step"] >= step:
            return document
    raise AssertionError(process.stderr.read())


def ended(process):
    out, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    return json.loads(out.splitlines()[-1])


def log_of(place):
    with closing(places.opened(str(place))) as store:
        return [record for record, _ in records(store)]


def said_by_source(log):
    return [(r.kind, r.client_id, r.payload) for r in log
            if r.type == RecordType.EVENT and r.kind != "EngineRestarted"]


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    """Return the places of an unbroken run and of a broken one, and what the broken one said."""
    folder = tmp_path_factory.mktemp("runs")
    write_prices(folder / "prices.csv", minutes=MINUTES, jumps=JUMPS)
    unbroken, broken = folder / "unbroken", folder / "broken"
    paced = ("--speed", "600")
    first = started(broken, *paced)
    heard_until(first, 6)
    first.send_signal(signal.SIGINT)
    interrupted = ended(first)
    second = started(broken, *paced)
    acknowledged = heard_until(second, interrupted["step"] + 4)
    second.kill()
    second.communicate(timeout=60)
    third = started(broken, *paced)
    heard_until(third, acknowledged["step"] + 4)
    third.send_signal(signal.SIGTERM)
    terminated = ended(third)
    last = ended(started(broken, "--steps", "6"))
    whole = ended(started(unbroken, "--until", last["time"]))
    return {"unbroken": unbroken, "broken": broken, "whole": whole, "interrupted": interrupted,
            "acknowledged": acknowledged, "terminated": terminated, "last": last}


def test_signals_end_a_run_cleanly_and_the_next_one_goes_on(lives):
    assert [("signal", False), ("signal", True), ("plan", True)] == [
        (lives[k]["ended"], lives[k]["resumed"]) for k in ("interrupted", "terminated", "last")]
    assert 6 <= lives["interrupted"]["step"] < lives["acknowledged"]["step"]
    assert lives["terminated"]["step"] < lives["last"]["step"] == lives["whole"]["step"]


def test_what_was_acknowledged_before_a_kill_is_in_the_log(lives):
    log = log_of(lives["broken"])
    at = lives["acknowledged"]["record"]

    assert at < log[-1].number
    assert lives["acknowledged"]["step"] == sum(
        r.kind == "MarketAssembled" for r in log[:at] if r.type == RecordType.EVENT) - 1


def test_a_broken_run_hears_every_event_once_in_the_order_of_an_unbroken_one(lives):
    whole, broken = log_of(lives["unbroken"]), log_of(lives["broken"])

    assert 3 == sum(r.kind == "EngineRestarted" for r in broken)
    assert said_by_source(whole) == said_by_source(broken)


def test_a_log_of_interruptions_leads_to_the_root_that_one_pass_leads_to(lives, capsys):
    for place, said in ((lives["broken"], lives["last"]), (lives["unbroken"], lives["whole"])):
        for command in (["replay", str(place), "--from", "first", "--json"],
                        ["replay", str(place), "--from", "last", "--threads", "2", "--json"]):
            assert ANSWERED == answered(command)
            again = json.loads(capsys.readouterr().out)
            assert (said["root"], None) == (again["root"], again["divergence"])


def test_after_a_restart_nobody_is_called_or_liquidated_until_prices_are_fresh(lives):
    log = log_of(lives["broken"])
    decided = 0
    for at in [k for k, r in enumerate(log) if r.kind == "EngineRestarted"]:
        later = [r.kind for r in log[at:]]
        fresh = [k for k, kind in enumerate(later) if kind == "MarketAssembled"][1]
        assert not DECISIONS & set(later[:fresh])
        decided += bool(DECISIONS & set(later[fresh:]))
    assert decided


def test_a_log_of_other_options_is_not_gone_on_with(lives, capsys):
    assert BAD_INPUT == answered(["run", str(lives["unbroken"]), "--accounts", "41", "--json"])
    assert "was begun with another market" in capsys.readouterr().out


@pytest.mark.parametrize(("options", "named"), [
    (["--accounts", "1"], "--accounts"), (["--events", "-1"], "--events"),
    (["--interval", "nan"], "--interval"), (["--interval", "0"], "--interval"),
    (["--speed", "-1"], "--speed"), (["--speed", "nan"], "--speed"), (["--steps", "-1"], "--steps"),
    (["--snapshot-every", "0"], "--snapshot-every"), (["--threads", "0"], "--threads"),
    (["--threads", "1025"], "--threads"),
    (["--seed", "-1"], "--seed"), (["--until", "tomorrow"], "--until"),
    (["--model", "nobody"], "nobody"), (["--market", "absent.parquet"], "absent.parquet")])
def test_bad_options_are_refused_by_name_and_leave_no_store(options, named, tmp_path, capsys):
    place = tmp_path / "store"

    assert BAD_INPUT == answered(["run", str(place), *options])
    assert named in capsys.readouterr().err
    assert not place.exists()


def test_without_a_terminal_lines_are_printed(tmp_path, capsys):
    command = ["run", str(tmp_path / "store"), "--accounts", "4", "--steps", "1"]

    assert ANSWERED == answered(command)
    lines = capsys.readouterr().out.splitlines()
    assert "SIMULATED PRICES (simulated, seed 7, not observed)" == lines[0]
    assert any(line.startswith("root ") for line in lines)


def test_on_a_terminal_a_page_shows_who_is_at_risk(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("counterpoise.apps.cli.live.wants_bold", lambda stream: True)

    assert ANSWERED == answered(["run", str(tmp_path / "s"), "--accounts", "4", "--steps", "1"])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("at risk", "margin calls open", "snapshot", "root"))


def test_a_terminal_without_the_extra_shows_lines(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("counterpoise.apps.cli.live.wants_bold", lambda stream: True)
    monkeypatch.setitem(sys.modules, "rich.live", None)

    assert ANSWERED == answered(["run", str(tmp_path / "s"), "--accounts", "4", "--steps", "1"])
    assert "at risk: " in capsys.readouterr().out
