"""Does the engine's log lead a replay to the same root, and does the command line say so?"""

import json
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from counterpoise.adapters.store import places
from counterpoise.adapters.store.engine_log import (
    HEADER,
    Market,
    Origin,
    effect_entries,
    event_entries,
    life_of,
    machine,
    market_of,
    open_engine_journal,
    root_of,
    starts,
)
from counterpoise.adapters.store.journal import Batch, open_journal
from counterpoise.adapters.store.replay import replayed
from counterpoise.apps.cli import logs
from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.cli.output import ANSWERED, BAD_INPUT, JUDGED_AGAINST
from counterpoise.apps.engine_writer import recovered
from counterpoise.engine import codec
from counterpoise.engine import events as said
from counterpoise.engine.codec import batch_of
from counterpoise.engine.image import encoded_state
from counterpoise.engine.state import Equipment
from counterpoise.engine.step import step
from counterpoise.values.frozen import replaced
from engine_world import MODEL, World
from store_places import in_folders, on_server

PERP = {"instrument": "BTC-USDC:USDC-PERP", "price": 70_000, "price_exponent": 0}


@pytest.fixture(scope="module")
def story():
    """Return the events of a short day: deposits, orders, fills, transfers, a fall, a deposit."""
    world = World()
    world.begin("alice", "bob")
    world.say(said.Deposited, account="alice", asset="USDC", amount=100_000 * 10**6)
    world.say(said.Deposited, account="bob", asset="BTC", amount=2 * 10**8)
    world.calm()
    world.say(said.OrderPlaced, account="alice", order="a", lots=10**9, **PERP)
    world.say(said.OrderPlaced, account="alice", order="b", lots=30 * 10**9, **PERP)
    world.say(said.Filled, account="alice", order="a", lots=10**9, fee=7, **PERP)
    world.say(said.Transferred, account="bob", to="alice", asset="BTC", amount=10**7)
    world.calm({"BTC": 20_000.0})
    world.say(said.Deposited, account="alice", asset="USDC", amount=10**6)
    world.say(said.WithdrawalRequested, account="bob", withdrawal="w", asset="BTC", amount=10**12)
    return world.log


def kept(store, events, *, cut=3, spoil=None):
    """Live through events with a journal; return the place and the last root."""
    state = World().state
    journal = open_engine_journal(store, state)
    for k in range(0, len(events), cut):
        batch = batch_of(events[k:k + cut])
        position = state.position
        state, effects = step(state, batch)
        entries = effect_entries(effects, position)
        entries = spoil(entries) if spoil else entries
        mark = journal.append(Batch(events=event_entries(batch), effects=entries,
                                    root=root_of(state)))
        if k in (3 * cut, 5 * cut):
            journal.keep_snapshot(mark, root_of(state), encoded_state(state))
    journal.close()
    return journal.store.place, root_of(state)


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 200, "é" * 100, "a\u2028b", " "])
@pytest.mark.parametrize("field", ["client_id", "account", "to"])
def test_what_comes_from_outside_can_always_be_recorded(name, field):
    move = {"client_id": "c", "account": "a", "to": "b"} | {field: name}
    frame = codec.encoded(said.Transferred(time=1, asset="BTC", amount=1, **move))
    heard = codec.event_or_unreadable(frame, partial(codec.decoded_event, types={}), time=1)

    assert 1 == len(Batch(events=event_entries(batch_of([heard]))).events)


def test_replay_of_the_engine_has_one_root_whatever_backend_cut_threads_and_start(
        story, tmp_path, postgres_server):
    roots, compared = set(), 0
    for backend in (in_folders(tmp_path), on_server(postgres_server)):
        for cut in (1, 4):
            place, root = kept(backend.fresh(), story, cut=cut)
            roots.add(root)
            with closing(places.opened(place)) as store:
                for start in starts(store):
                    for threads in (1, 2):
                        engine = machine(Equipment(models={MODEL.name: MODEL}, threads=threads))
                        again = replayed(store, engine, start=start)
                        assert again.divergence is None
                        roots.add(again.root)
                        compared += again.effects

    assert 1 == len(roots) and compared > 100


def test_life_of_an_account_is_found_whatever_the_index_has(story, tmp_path):
    place, _ = kept(in_folders(tmp_path).fresh(), story)
    with closing(places.opened(place)) as store:
        found = [r.kind for r in life_of(store, "bob")]
        store.numbers_of, store.indexed = (lambda *given: []), (lambda: 0)
        again = [r.kind for r in life_of(store, "bob")]

    assert found == again
    assert ["AccountOpened", "Deposited", "Transferred"] == [
        kind for kind in found if kind in ("AccountOpened", "Deposited", "Transferred")]
    assert "WithdrawalDecided" == found[-1]


@pytest.fixture
def place(story, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "_equipment", lambda threads: Equipment(
        models={MODEL.name: MODEL}, threads=threads))
    return kept(in_folders(tmp_path).fresh(), story)[0]


def document(capsys):
    return json.loads(capsys.readouterr().out)


def test_commands_carry_verify_and_replay_a_log(place, tmp_path, capsys):
    backup, restored = str(tmp_path / "backup"), str(tmp_path / "again")

    assert ANSWERED == answered(["verify", place, "--json"])
    head = document(capsys)
    assert head["divergence"] is None and head["effects"] > 5 and head["market"] is None
    witness = f"{head['head']['record']}:{head['head']['hash']}"
    assert ANSWERED == answered(["backup", place, backup])
    assert ANSWERED == answered(["restore", backup, restored, "--json"])
    assert ANSWERED == answered(["verify", restored, "--witness", witness, "--threads", "2"])
    assert "the log leads where it says" in capsys.readouterr().out
    assert ANSWERED == answered(["replay", restored, "--from", "last", "--json"])
    assert head["root"] == document(capsys)["root"]
    assert ANSWERED == answered(["replay", restored])
    assert ANSWERED == answered(["export", place, str(tmp_path / "log.parquet")])


def test_logs_of_before_headers_told_whose_prices_are_gone_on_with(tmp_path):
    open_journal(in_folders(tmp_path).fresh(), header=HEADER).close()
    place, = tmp_path.iterdir()
    journal = open_engine_journal(places.owned(str(place)), World().state, Market(
        origin=Origin.FED, source="late"))

    assert market_of(journal.store) is None
    journal.close()


def test_run_begins_after_damage_before_its_snapshot_that_verify_finds(place, capsys):
    with closing(places.opened(place)) as store:
        before = recovered(store, Equipment(models={MODEL.name: MODEL})).root
    with closing(sqlite3.connect(f"{place}/log.sqlite")) as log:
        frame, = log.execute("SELECT frame FROM log WHERE number = 3").fetchone()
        flipped = frame[:-40] + bytes([frame[-40] ^ 1]) + frame[-39:]
        log.execute("UPDATE log SET frame = ? WHERE number = 3", (flipped,))
        log.commit()
    with closing(places.opened(place)) as store:
        after = recovered(store, Equipment(models={MODEL.name: MODEL})).root

    assert before == after
    assert ANSWERED != answered(["verify", place, "--json"])
    assert "record 3" in capsys.readouterr().out


def test_commands_show_a_life_and_forget_what_is_old(place, capsys):
    assert ANSWERED == answered(["inspect", place, "alice", "--json"])
    kinds = [line["kind"] for line in document(capsys)["records"]]
    assert {"AccountOpened", "OrderAdmitted", "OrderRefused", "Filled"} <= set(kinds)
    assert ANSWERED == answered(["inspect", place, "alice"])
    assert "OrderAdmitted" in capsys.readouterr().out
    assert ANSWERED == answered(["retain", place, "--snapshots", "1", "--json"])
    assert document(capsys)["forgotten"] > 10
    assert ANSWERED == answered(["verify", place])


def test_inspect_shows_what_an_account_has_and_what_it_was_paid(place, capsys):
    assert ANSWERED == answered(["inspect", place, "alice", "--json"])
    stands = document(capsys)["stands"]["assets"]

    assert {"BTC": "0.10000000", "USDC": "100000.999993"} == {
        code: held["balance"] for code, held in stands.items()}
    assert ("-0.000007", "0.000000") == (stands["USDC"]["fees"], stands["USDC"]["realised"])
    assert ANSWERED == answered(["inspect", place, "alice"])
    assert "flows since the account was opened" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "complaint"), [
    (["inspect", "{}", "nobody"], "is named by no record of this log"),
    (["verify", "{}", "--witness", "7"], "is no mark; write it as NUMBER:HASH"),
    (["verify", "{}", "--witness", "7:" + "0" * 64], "the log was cut or replaced"),
    (["replay", "{}", "--from", "77777"], "is no snapshot; there are 1,"),
    (["backup", "{}", "{}"], "is not empty"),
    (["upgrade", "{}", "new"], "there is nothing to upgrade"),
    (["retain", "{}", "--snapshots", "0"], "keep at least 1"),
    (["replay", "nowhere"], "holds no event log; check the path"),
])
def test_commands_say_what_is_wrong(place, capsys, typed, complaint):
    assert BAD_INPUT == answered([word.format(place) for word in typed])
    assert complaint in capsys.readouterr().err


def test_verify_judges_against_a_log_that_leads_elsewhere(story, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(logs, "_equipment", lambda threads: Equipment(
        models={MODEL.name: MODEL}, threads=threads))

    def spoil(entries):
        return tuple(e._replace(payload=e.payload + b"!") if e.kind == "OrderAdmitted" else e
                     for e in entries)

    place, _ = kept(in_folders(tmp_path).fresh(), story, spoil=spoil)

    assert JUDGED_AGAINST == answered(["verify", place])
    assert "first divergence at record" in capsys.readouterr().out
    assert JUDGED_AGAINST == answered(["replay", place, "--json"])
    assert document(capsys)["divergence"]["what"].startswith("effect of the event of record")


def test_divergence_names_the_fields_that_differ(story, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(logs, "_equipment", lambda threads: Equipment(
        models={MODEL.name: MODEL}, threads=threads))
    types = codec.vocabulary([MODEL])

    def spoil(entries):
        return tuple(_with_more(e, types) if e.kind == "RequirementsChanged" else e
                     for e in entries)

    place, _ = kept(in_folders(tmp_path).fresh(), story, spoil=spoil)

    assert JUDGED_AGAINST == answered(["verify", place, "--json"])
    found = document(capsys)["divergence"]
    assert found["logged"].startswith("RequirementsChanged balance [0] ")
    assert float(found["logged"].split()[-1]) == float(found["replayed"].split()[-1]) + 1


def _with_more(entry, types):
    told = codec.decoded_effect(entry.payload, types)
    return entry._replace(payload=codec.encoded(replaced(told, balance=told.balance + [
        1.0, *[0.0] * (len(told.balance) - 1)])))
