"""Is a desk kept whole: chained, judged again when read, by one writer, in strict documents?"""

import json
import sqlite3
from contextlib import closing

import pytest

from counterpoise.adapters.desk import DeskWatch, desk_place, filed, kept_at
from counterpoise.adapters.desk_documents import read_charter, read_proposal
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of, with_changes
from counterpoise.adapters.store import places
from counterpoise.governance.charter import Charter
from counterpoise.governance.deeds import Approved, DeskOpened, Proposed, Weighed
from counterpoise.governance.proposals import Proposal
from counterpoise.market.simulated import AS_OF
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced

CHARTER = Charter(approvals=1, notice_ns=0, bounds=())
FIRST = parameters_of(model_named("bybit"), AS_OF)
OPENED = DeskOpened(at=AS_OF, by="ann", charter=CHARTER, terms=(("all", FIRST),))
PROPOSED = Proposed(at=AS_OF + 1, proposal=Proposal(
    id="p", segment="all", proposed_by="ann", version=replaced(
        FIRST, number=FIRST.number + 1, parameters=with_changes(
            FIRST.parameters, {"general": {"im_factor": 1.3}}, "parameters")),
    reason="a test", effective_from=AS_OF + 10))


@pytest.fixture
def place(tmp_path):
    """Return a desk on which a proposal is open."""
    path = str(tmp_path / "desk")
    filed(path, lambda _: (OPENED,), new=True)
    filed(path, lambda _: (PROPOSED,))
    return path


def test_desk_comes_back_as_it_was_filed(place):
    kept = kept_at(place)

    assert (OPENED, PROPOSED) == kept.deeds
    assert ["p"] == [f.proposal.id for f in kept.desk.filed]
    assert [(), ()] == list(kept.told)


def test_deed_that_something_speaks_against_is_not_kept_nor_those_with_it(place):
    good = Weighed(at=AS_OF + 2, proposal="p", impact="r", record=3, beyond=())
    with pytest.raises(BadInput, match="somebody other than its author"):
        filed(place, lambda _: (good, Approved(at=AS_OF + 2, proposal="p", by="ann")))

    assert (OPENED, PROPOSED) == kept_at(place).deeds


def test_deed_that_could_not_be_read_again_is_not_filed(place):
    half = replaced(PROPOSED.proposal, id="half", steps=2, step_ns=1.5)

    with pytest.raises(BadInput, match="step_ns"):
        filed(place, lambda _: (Proposed(at=AS_OF + 2, proposal=half),))

    assert (OPENED, PROPOSED) == kept_at(place).deeds


def test_deed_that_was_edited_is_found(place):
    with closing(sqlite3.connect(f"{place}/log.sqlite")) as log:
        frame, = log.execute("SELECT frame FROM log WHERE number = 3").fetchone()
        log.execute("UPDATE log SET frame = ? WHERE number = 3", (frame.replace(b"ann", b"eve"),))
        log.commit()

    with pytest.raises(BadInput, match="does not match its checksum"):
        kept_at(place)


def test_two_do_not_file_at_once(place):
    with closing(places.owned(place)), pytest.raises(BadInput, match="written by another process"):
        filed(place, lambda _: ())


def test_where_no_desk_is_it_says_how_to_open_one(tmp_path):
    for asked in (kept_at, lambda place: filed(place, lambda _: (PROPOSED,))):
        with pytest.raises(BadInput, match="open one with: counterpoise governance open STORE"):
            asked(str(tmp_path / "desk"))

    assert not (tmp_path / "desk").exists()


def test_empty_charter_is_called_an_empty_file_and_no_portfolio(tmp_path):
    (tmp_path / "charter.json").write_bytes(b"")
    with pytest.raises(BadInput, match="is empty; write one JSON object into it") as refused:
        read_charter(str(tmp_path / "charter.json"))

    assert "portfolio" not in str(refused.value)


def test_other_log_is_no_desk(tmp_path):
    from counterpoise.adapters.store.journal import open_journal

    path = str(tmp_path / "x")
    places.create(path)
    open_journal(places.owned(path), header={"log": "another"}).close()
    with pytest.raises(BadInput, match="is no desk"):
        kept_at(path)
    with pytest.raises(BadInput, match="was begun by"):
        filed(path, lambda _: (OPENED,), new=True)
    places.owned(path).close()


def test_watch_tells_once_what_changed_and_a_desk_may_come_later(tmp_path):
    path = str(tmp_path / "desk")
    watch = DeskWatch(path)
    assert () == watch.news(5)
    limits = {"below_initial": 0.1, "below_maintenance": 0, "bankrupt": 0, "extra": 1}
    charter = written(tmp_path, {"approvals": 1, "notice_seconds": 0, "bounds": [],
                                 "limits": limits})
    filed(path, lambda _: (replaced(OPENED, charter=read_charter(charter)),), new=True)

    assert [("as found/all/limits ", 5)] == [(e.client_id, e.time) for e in watch.news(5)]
    assert () == watch.news(6)
    watch.close()


def test_desk_of_a_server_is_named():
    assert "store/desk" == desk_place("store", None).replace("\\", "/")
    assert "there" == desk_place("postgresql://u@h/d", "there")
    with pytest.raises(BadInput, match="--desk"):
        desk_place("postgresql://u@h/d", None)


def written(folder, document):
    path = folder / "document.json"
    path.write_text(json.dumps(document))
    return str(path)


ASKED = {"id": "p2", "segment": "all", "reason": "why", "effective_from": "2027-01-01T00:00:00Z"}


@pytest.mark.parametrize(("document", "words"), [
    ([], "is not a JSON object"), ({**ASKED}, "says parameters that change, whole terms"),
    ({**ASKED, "parameters": {}, "schedule": {}}, "one of parameters, schedule, borrowing"),
    ({**ASKED, "parameters": {}, "colour": 1}, "proposal.colour: is no part of a proposal"),
    ({**ASKED, "parameters": {}, "reason": 3}, "proposal.reason: is missing or no text"),
    ({**ASKED, "parameters": {}, "segment": "x"}, "x: has no parameters on this desk"),
    ({**ASKED, "parameters": {"nonsense": 1}}, "parameters.nonsense: is not a parameter"),
    ({**ASKED, "parameters": 3}, "parameters: is not a table of names"),
    ({**ASKED, "parameters": {}, "steps": "many"}, "proposal.steps"),
    ({**ASKED, "parameters": {}, "step_seconds": -1}, "is no number of seconds"),
    ({**ASKED, "parameters": {}, "steps": 2, "step_ns": 1.5}, "proposal.step_ns"),
    ({**ASKED, "parameters": {}, "lasts_ns": "x"}, "proposal.lasts_ns"),
    ({**ASKED, "parameters": {}, "lasts_ns": [1]}, "proposal.lasts_ns"),
    ({**ASKED, "parameters": {}, "step_seconds": 1, "step_ns": 1}, "say one of them"),
    ({**ASKED, "parameters": {}, "lasts_seconds": True}, "is no number of seconds"),
    ({**ASKED, "parameters": {}, "effective_from": "soon"}, "proposal.effective_from"),
    ({k: v for k, v in ASKED.items() if k != "effective_from"} | {"parameters": {}},
     "proposal.effective_from: is missing"),
    ({**ASKED, "parameters": {}, "id": "x" * 61}, "has a id of 61 characters"),
    ({**ASKED, "parameters": {}, "accepts": {"extra": 2}}, "proposal.accepts.below_initial"),
    ({**ASKED, "schedule": {"numeraire": "USD", "assets": {"BTC": {"weight": [2, "x"]}}}},
     "schedule.assets.BTC")])
def test_bad_proposal_is_refused_by_name(place, tmp_path, document, words):
    with pytest.raises(BadInput) as refused:
        read_proposal(written(tmp_path, document), kept_at(place).desk, by="ann", at=AS_OF)

    assert words in str(refused.value)


@pytest.mark.parametrize(("changed", "words"), [
    ({"approvals": 0}, "charter"), ({"approvals": "two"}, "charter.approvals"),
    ({"notice_seconds": None}, "charter.notice_seconds"), ({"bounds": [{}]}, "charter.bounds"),
    ({"limits": {"extra": -1}}, "charter.limits"), ({"surprise": 1}, "charter.surprise"),
    ({"bounds": [{"path": "a", "least": 0, "most": 1, "change_max": 1, "tighter": "left"}]},
     "'left' is no direction")])
def test_bad_charter_is_refused_by_name(tmp_path, changed, words):
    good = {"approvals": 2, "notice_seconds": 60, "bounds": []}
    with pytest.raises(BadInput) as refused:
        read_charter(written(tmp_path, good | changed))

    assert words in str(refused.value)
    assert Charter(approvals=2, notice_ns=60 * 10**9, bounds=()) == read_charter(
        written(tmp_path, good))
