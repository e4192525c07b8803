"""Does a run record what it refuses, and go on?"""

import json
import threading
from contextlib import closing

import pytest

from counterpoise.adapters.recorded_course import recorded_course
from counterpoise.adapters.store import places
from counterpoise.adapters.store.history import records
from counterpoise.apps import engine_run
from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.cli.output import ANSWERED
from counterpoise.apps.crowd import Crowd
from counterpoise.apps.engine_run import Plan, run
from counterpoise.apps.engine_writer import equipment_of_all, recovered
from counterpoise.engine.events import Deposited, Filled
from counterpoise.values.frozen import replaced
from counterpoise.values.time import SECOND_NS
from price_table import write_prices


@pytest.fixture
def plan(tmp_path):
    """Return a run of a few accounts and steps."""
    return Plan(place=str(tmp_path / "store"), steps=3,
                course=recorded_course(write_prices(tmp_path / "prices.csv", minutes=9),
                                       coins=("BTC", "ETH")),
                crowd=Crowd(accounts=8, events=20, model="deribit_spm", seed=3))


def log_of(place):
    with closing(places.opened(place)) as store:
        return [record for record, _ in records(store)]


def test_event_under_a_used_id_is_recorded_as_refused_and_the_run_goes_on(plan, monkeypatch,
                                                                         capsys):
    turn, said = engine_run.turn, []

    def conflicting(*given):
        events = turn(*given)
        again = [replaced(e, fee=e.fee + 1) for e in said[:1]] + said[1:2]
        said[:] = [e for e in events if isinstance(e, Filled)][:2]
        return (*events, *again)

    monkeypatch.setattr(engine_run, "turn", conflicting)
    last = run(plan, stop=threading.Event(), seen=lambda _: None)
    log = log_of(plan.place)
    conflicts = [r for r in log if r.kind == "ConflictReceived"]

    assert 3 == last.step and 2 == len(conflicts)
    assert {r.number for r in conflicts} <= {
        r.cause for r in log if r.kind == "EventRefused"}
    assert ANSWERED == answered(["verify", plan.place, "--json"])
    assert json.loads(capsys.readouterr().out)["divergence"] is None


def test_batch_of_which_all_is_in_the_log_is_left_out(plan, monkeypatch):
    deposit = Deposited(client_id="d", time=plan.course.first.as_of, account="account-000001",
                        asset="USDC", amount=5)
    turn = engine_run.turn
    monkeypatch.setattr(engine_run, "turn", lambda *given: (*turn(*given), replaced(
        deposit, time=plan.course.first.as_of + 30 * SECOND_NS)))
    last = run(plan, stop=threading.Event(), seen=lambda _: None)

    assert 3 == last.step and 1 == sum(r.client_id == "d" for r in log_of(plan.place))


def test_a_few_of_the_crowd_keep_pockets_and_are_linked(plan):
    crowd = replaced(plan.crowd, accounts=200)
    last = run(replaced(plan, crowd=crowd, steps=7), stop=threading.Event(), seen=lambda _: None)
    log = log_of(plan.place)
    with closing(places.opened(plan.place)) as store:
        state = recovered(store, equipment_of_all(1)).state
    pockets = [f"account-{n:06d}/isolated" for n in (2, 102)]
    kinds = {name: [r.kind for r in log if name in r.accounts] for name in pockets}

    assert (2, 2, 202) == (last.pockets, last.linked, last.accounts)
    assert {1: 0, 101: 100} == state.ties.head
    assert all(["PocketOpened", "Transferred", "TransferDecided", "Filled", "Filled"]
               == kinds[name][:5] for name in pockets)
    assert not [r for r in log if r.kind == "EventRefused"]


def test_a_running_engine_can_be_asked_and_verified(plan, capsys):
    asked = []

    def seen(now):
        if now.step == 2 and not asked:
            assert ANSWERED == answered(["inspect", plan.place, "--json"])
            asked.append((now.record, json.loads(capsys.readouterr().out)))
            assert ANSWERED == answered(["verify", plan.place, "--json"])
            assert ANSWERED == answered(["inspect", plan.place, "account-000001", "--json"])
            lines = capsys.readouterr().out
            assert '"divergence": null' in lines and "Deposited" in lines

    last = run(replaced(plan, speed=1e6), stop=threading.Event(), seen=seen)
    (record, stands), = asked

    assert record == stands["record"] < last.record
    assert 8 == stands["accounts"] and stands["rows"]
    assert sum(stands["levels"].values()) == len(stands["rows"])
    known = [r["initial"] for r in stands["rows"] if r["status"] == "healthy"]
    assert known and min(known) >= 0
