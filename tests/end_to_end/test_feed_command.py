"""`counterpoise feed`: events of one's own into a log, each once, and nothing by what is none."""

import json
import os
import subprocess
import sys

import pytest

from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.cli.output import ANSWERED, BAD_INPUT, JUDGED_AGAINST
from counterpoise.market.simulated import simulated_market
from reference import ROOT

TIME = 1_768_377_600 * 10**9
GENESIS = {"time": TIME, "assets": {"BTC": 8, "USD": 6, "USDC": 6},
           "instruments": ["BTC-USDC:USDC-PERP"], "segments": {"retail": {"model": "standard"}},
           "market": {"origin": "fed", "source": "the desk of a test"}}
PAGE = ROOT / "docs" / "methodology" / "running.md"


def said(kind, name, **fields):
    return {"kind": kind, "client_id": name, "time": TIME, **fields}


OPENED = said("AccountOpened", "o-1", account="alice", segment="retail")
PAID = said("Deposited", "d-1", account="alice", asset="USDC", amount=5_000_000)
HOSTILE = [
    b"garbage", b"\xff\xfe", b"[" * 50_000, b"{}", b'"text"', b"7" * 2**20, b'{"kind": "Nothing"}',
    json.dumps(PAID | {"client_id": ""}).encode(), json.dumps(PAID | {"account": "a\x07"}).encode(),
    json.dumps(PAID | {"amount": 2**70}).encode(), json.dumps(PAID | {"amount": 1.5}).encode(),
    json.dumps(PAID | {"amount": float("nan")}).encode(),
    json.dumps(PAID | {"more": 1}).encode(), b'{"kind": "Deposited", "kind": "Deposited"}',
    json.dumps(PAID | {"amount": 6}).encode(),
    json.dumps(PAID | {"client_id": "d-2", "account": "nobody"}).encode(),
    json.dumps(PAID | {"client_id": "d-3", "amount": -(2**63)}).encode(),
    json.dumps(PAID | {"client_id": "d-4", "time": 2**63 - 1}).encode(),
    json.dumps(said("ClockAdvanced", "t", time=2**63 - 1) | {"time": -1}).encode()]


@pytest.fixture
def begun(tmp_path):
    """Return a folder with a genesis file, and the command that feeds a log in it."""
    (tmp_path / "genesis.json").write_text(json.dumps(GENESIS))

    def feed(name, lines, *more):
        (tmp_path / name).write_bytes(b"\n".join(
            line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
        return answered(["feed", feed.log, str(tmp_path / name), *more])

    def name(log):
        feed.log = str(tmp_path / log)

    feed.folder, feed.name = tmp_path, name
    name("log")
    feed.new = ("--new", str(tmp_path / "genesis.json"))
    return feed


def last(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_log_of_a_run_fed_to_an_empty_engine_leads_to_the_same_root(tmp_path, capsys):
    run, again = str(tmp_path / "run"), str(tmp_path / "again")
    for steps in ("3", "2"):
        assert ANSWERED == answered(["run", run, "--accounts", "12", "--steps", steps, "--json"])
    root = last(capsys)["root"]
    assert ANSWERED == answered(["inspect", run, "--genesis"])
    (tmp_path / "genesis.json").write_text(capsys.readouterr().out)
    assert ANSWERED == answered(["inspect", run, "--events"])
    (tmp_path / "events.jsonl").write_text(capsys.readouterr().out)
    code = answered(["feed", again, str(tmp_path / "events.jsonl"), "--json", "--threads", "2",
                     "--new", str(tmp_path / "genesis.json")])
    fed = last(capsys)

    assert root == fed["root"] and fed["events"] == fed["lines"] > 60
    assert code == (JUDGED_AGAINST if fed["refused"] else ANSWERED)
    assert ANSWERED == answered(["verify", again, "--json"])
    verified = json.loads(capsys.readouterr().out)
    assert root == verified["root"] and "simulated" == verified["market"]["origin"]


def test_hostile_lines_are_recorded_as_refused_and_change_nothing(begun, capsys):
    good = [OPENED, PAID]
    assert ANSWERED == begun("good", good, *begun.new, "--json")
    root = last(capsys)["root"]
    begun.name("other")
    assert JUDGED_AGAINST == begun("hostile", good + HOSTILE, *begun.new, "--json")
    *effects, fed = map(json.loads, capsys.readouterr().out.splitlines())
    refused = [effect for effect in effects if effect["kind"] == "EventRefused"]

    assert [len(HOSTILE), root] == [fed["refused"], fed["root"]] and len(refused) == len(HOSTILE)
    assert fed["lines"] == fed["events"] == len(good) + len(HOSTILE)
    assert all(effect["record"] > effect["cause"] > 0 for effect in effects)
    assert ANSWERED == answered(["verify", begun.log])


def test_what_is_no_event_does_not_even_restart_the_engine(begun, capsys):
    begun("good", [OPENED, PAID], *begun.new, "--json")
    root = last(capsys)["root"]
    assert JUDGED_AGAINST == begun("garbage", HOSTILE[:14], "--json")
    fed = last(capsys)

    assert [14, root] == [fed["refused"], fed["root"]]


def test_a_file_that_is_fed_again_adds_nothing(begun, capsys):
    lines = [OPENED, PAID, *HOSTILE, PAID, HOSTILE[0]]
    assert JUDGED_AGAINST == begun("lines", lines, *begun.new, "--json")
    first = last(capsys)
    assert ANSWERED == begun("lines", lines, *begun.new, "--json")
    again = last(capsys)

    assert [first["record"], first["root"]] == [again["record"], again["root"]]
    assert [0, 2, len(lines)] == [again["events"], first["repeated"], again["repeated"]]


def test_a_feed_that_goes_on_says_that_the_engine_restarted(begun, capsys):
    begun("one", [OPENED], *begun.new)
    begun("two", [OPENED, PAID])
    capsys.readouterr()
    assert ANSWERED == answered(["inspect", begun.log, "--events"])
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]

    assert ["SegmentDefined", "ParametersActivated", "AccountOpened", "EngineRestarted",
            "Deposited"] == kinds


DAY = 86_400 * 10**9


def test_log_of_any_age_comes_up_after_an_outage_that_is_expected(begun, capsys):
    assert ANSWERED == begun("a.jsonl", [OPENED, PAID], *begun.new)
    later = TIME + 1_000 * DAY
    clock = said("ClockAdvanced", "t-1") | {"time": later}
    paid = PAID | {"client_id": "d-9", "time": later}
    assert ANSWERED == begun("before.jsonl", [OPENED])
    capsys.readouterr()
    for days, words in (("999", "an outage of 1000.0 days"), ("0", "use more than 0"),
                        ("nan", "use more than 0"), ("36501", "at most 36,500")):
        assert BAD_INPUT == begun("b.jsonl", [clock, paid], "--after-outage", days)
        assert words in capsys.readouterr().err
    assert ANSWERED == begun("b.jsonl", [clock, paid], "--after-outage", "1000")
    capsys.readouterr()
    assert ANSWERED == answered(["inspect", begun.log, "--events"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    restarts = [e["time"] for e in told if e["kind"] == "EngineRestarted"]

    assert [TIME + 366 * DAY, TIME + 732 * DAY, later] == restarts
    assert ["ClockAdvanced", "Deposited"] == [e["kind"] for e in told[-2:]]
    assert ANSWERED == answered(["verify", begun.log])
    begun.name("other")
    assert ANSWERED == begun("a.jsonl", [OPENED, PAID], *begun.new)
    assert JUDGED_AGAINST == begun("b.jsonl", [clock, paid])
    assert "restart the engine after an outage" in capsys.readouterr().out


def test_refused_events_are_shown_with_their_lines_and_reasons(begun, capsys):
    assert JUDGED_AGAINST == begun("lines", [
        OPENED, b"", b"garbage", PAID, PAID | {"amount": 6}, PAID | {"amount": 7}], *begun.new)
    shown = capsys.readouterr().out

    assert "5 lines: 5 events recorded, 3 of them refused; 0 were in the log already" in shown
    for line, words in ((3, "is not valid JSON"), (5, "was the id of another event"),
                        (6, "was the id of another event")):
        assert any(row.split()[:1] == [str(line)] and words in row for row in shown.splitlines())


def test_standard_input_is_answered_as_lines_come(begun):
    process = subprocess.Popen(
        [sys.executable, "-m", "counterpoise.apps.cli.main", "feed", begun.log, "-", "--json",
         *begun.new], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=dict(os.environ))
    told = []
    for line in ("garbage 1", "garbage 2"):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        effects = map(json.loads, process.stdout)
        told.append(next(e for e in effects if e["kind"] == "EventRefused"))
    process.stdin.write(json.dumps(OPENED))
    rest, _ = process.communicate(timeout=120)

    assert told[0]["record"] < told[1]["record"]
    assert 3 == json.loads(rest.splitlines()[-1])["events"]
    assert JUDGED_AGAINST == process.returncode


def test_commands_say_whose_prices_a_log_lives_on(begun, capsys):
    begun("good", [OPENED, PAID], *begun.new)
    for command in (["inspect"], ["inspect", "alice"], ["verify"], ["replay"]):
        capsys.readouterr()
        assert ANSWERED == answered([command[0], begun.log, *command[1:]])
        assert "prices fed from outside (the desk of a test)" in capsys.readouterr().out
        assert ANSWERED == answered([command[0], begun.log, *command[1:], "--json"])
        assert GENESIS["market"] == json.loads(capsys.readouterr().out)["market"]


@pytest.mark.parametrize(("typed", "complaint"), [
    (["{log}"], "needs the LOG, and a FILE of events"),
    ([], "needs the LOG, and a FILE of events"),
    (["{log}", "{folder}/absent"], "absent: cannot be read"),
    (["{folder}/nowhere", "{folder}/genesis.json"], "holds no event log"),
    (["{log}", "--new", "{folder}/other.json"], "is a log that began otherwise"),
    (["{log}", "--new", "{folder}/absent"], "is not a file"),
])
def test_feed_says_what_is_wrong_and_changes_nothing(begun, capsys, typed, complaint):
    begun("good", [OPENED], *begun.new)
    (begun.folder / "other.json").write_text(json.dumps(GENESIS | {"time": TIME + 1}))
    before = sorted(os.listdir(begun.folder))
    command = ["feed", *(word.format(log=begun.log, folder=begun.folder) for word in typed)]

    assert BAD_INPUT == answered(command)
    assert complaint in capsys.readouterr().err
    assert before == sorted(os.listdir(begun.folder))


@pytest.mark.parametrize("threads", ["0", "-1", "1025"])
@pytest.mark.parametrize("command", [["feed", "{log}", "{more}"], ["replay", "{log}"],
                                     ["verify", "{log}"]])
def test_threads_no_engine_can_have_are_refused_by_name(begun, capsys, command, threads):
    begun("good", [OPENED, PAID], *begun.new)
    typed = [word.format(log=begun.log, more=begun.folder / "good") for word in command]

    assert BAD_INPUT == answered([*typed, "--threads", threads])
    assert f"--threads: {threads}; use 1 to 1024" in capsys.readouterr().err


def test_amounts_are_printed_without_powers_of_ten(begun, capsys):
    begun("good", [OPENED, said("Deposited", "d-1", account="alice", asset="BTC", amount=1)],
          *begun.new)
    capsys.readouterr()

    answered(["inspect", begun.log, "alice", "--json"])

    stands = json.loads(capsys.readouterr().out)["stands"]["assets"]["BTC"]
    assert {"balance": "0.00000001", "realised": "0.00000000", "funding": "0.00000000",
            "fees": "0.00000000", "interest": "0.00000000"} == stands


def test_inspect_shows_positions_with_their_entry_prices_and_open_orders(begun, capsys):
    perp = "BTC-USDC:USDC-PERP"
    terms = market_terms(perp)
    fills = [said("Filled", f"f-{price}", account="alice", order="", instrument=perp, lots=lots,
                  price=price, price_exponent=0, fee=0)
             for price, lots in ((70_000, 3 * terms), (71_000, -terms), (60_000, terms))]
    begun("good", [OPENED, PAID, *fills], *begun.new)
    capsys.readouterr()

    assert ANSWERED == answered(["inspect", begun.log, "alice", "--json"])
    stands = json.loads(capsys.readouterr().out)["stands"]
    # Two of three bought at 70,000 are left, one is bought at 60,000.
    entry = float(stands["positions"][0].pop("entry_price"))
    assert 200_000 / 3 == pytest.approx(entry, rel=1e-9)
    assert ([{"instrument": perp, "quantity": "3"}], []) == (stands["positions"], stands["orders"])
    answered(["inspect", begun.log, "alice"])
    assert "entry price" in capsys.readouterr().out


def market_terms(name):
    """Return the lots of one contract."""
    found = next(c for c in simulated_market().catalogue.instruments if c.id == name)
    return 10 ** -found.lot_exponent


def test_an_account_whose_records_are_forgotten_still_shows_where_it_stands(begun, capsys):
    begun("good", [OPENED, PAID], *begun.new)
    answered(["retain", begun.log, "--snapshots", "1"])
    capsys.readouterr()

    assert ANSWERED == answered(["inspect", begun.log, "alice"])
    assert "5.000000" in capsys.readouterr().out
    assert BAD_INPUT == answered(["inspect", begun.log, "nobody"])


def test_a_run_refuses_a_log_that_was_fed_whatever_its_models(begun, capsys):
    begun("good", [OPENED, PAID], *begun.new)

    assert BAD_INPUT == answered(["run", begun.log, "--accounts", "4", "--steps", "1"])
    assert "was begun with another market" in capsys.readouterr().err


def test_schema_of_events_is_printed(capsys):
    assert ANSWERED == answered(["feed", "--schema"])
    assert "Deposited" in [one["title"] for one in json.loads(capsys.readouterr().out)["oneOf"]]


def test_worked_example_of_the_page_does_what_the_page_says(tmp_path, capsys):
    blocks = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        name = next((n for n in ("genesis.json", "events.jsonl") if line == f"`{n}`:"), None)
        if name:
            blocks[name] = []
        elif line.startswith("    {") and blocks:
            next(reversed(blocks.values())).append(line.strip())
    for name, lines in blocks.items():
        (tmp_path / name).write_text("\n".join(lines))
    code = answered(["feed", str(tmp_path / "log"), str(tmp_path / "events.jsonl"), "--new",
                     str(tmp_path / "genesis.json"), "--json"])
    *effects, fed = map(json.loads, capsys.readouterr().out.splitlines())
    kinds = [effect["kind"] for effect in effects]

    assert (JUDGED_AGAINST, 10, 1) == (code, fed["lines"], fed["refused"])
    assert 1 == kinds.count("OrderAdmitted") == kinds.count("EventRefused")
