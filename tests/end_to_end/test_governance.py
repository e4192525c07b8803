"""`counterpoise governance`: a change of a running engine, from proposal to replay."""

import json

import pytest

from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.cli.output import ANSWERED, BAD_INPUT, JUDGED_AGAINST
from price_table import write_prices

LIMITS = {"below_initial": 0.1, "below_maintenance": 0.1, "bankrupt": 0, "extra": 0.12}
TIGHT = [{"path": "currency_pair.*.price_range", "least": 0.05, "most": 0.5, "change_max": 0.5,
          "tighter": "up"}]
CHARTER = {"approvals": 1, "notice_seconds": 60, "bounds": TIGHT, "limits": LIMITS,
           "exceeding_approvals": 2, "emergency": {
               "approvals": 1, "lasts_max_seconds": 600, "bounds": TIGHT,
               "limits": LIMITS | {"extra": 1}}}
WIDER = {"id": "wider", "segment": "all", "reason": "a rough week", "steps": 1,
         "effective_from": "2026-01-14T12:05:00Z",
         "parameters": {"currency_pair": {"btc_usd": {"price_range": 0.2}}}}


@pytest.fixture
def desk(tmp_path, capsys):
    """Return a voice at the desk of an engine that has run two steps."""
    return Desk(tmp_path, capsys)


class Desk:
    """Commands typed one after the other; `says` returns the exit code and the JSON."""

    def __init__(self, folder, capsys):
        self.folder, self.capsys, self.store = folder, capsys, str(folder / "store")
        self.prices = write_prices(folder / "prices.csv", minutes=30)
        self.run(2)

    def run(self, steps, *options):
        assert ANSWERED == answered(["run", self.store, "--accounts", "30", "--steps", str(steps),
                                     "--market", self.prices, "--json", *options])
        return json.loads(self.capsys.readouterr().out.splitlines()[-1])

    def says(self, action, *words, by="ann"):
        code = answered(["governance", action, self.store, *words, "--by", by, "--json"])
        return code, json.loads(self.capsys.readouterr().out)

    def file(self, document):
        path = self.folder / "document.json"
        path.write_text(json.dumps(document))
        return str(path)

    def open(self, **changes):
        code, document = self.says("open", self.file(CHARTER | changes))
        assert ANSWERED == code
        return document

    def pass_through(self, proposal, *options):
        """Propose, weigh, approve and activate."""
        name = proposal["id"]
        codes = [self.says("propose", self.file(proposal), *options)[0],
                 self.says("impact", name, *options)[0],
                 self.says("approve", name, *options, by="bob")[0],
                 self.says("activate", name, *options)[0]]
        assert [ANSWERED] * 4 == codes

    def verified(self):
        """Return where the log diverges from its replay."""
        answered(["verify", self.store, "--json"])
        return json.loads(self.capsys.readouterr().out)["divergence"]


def test_change_that_is_too_large_is_ramped_acts_at_its_time_and_replays(desk, tmp_path):
    opened = desk.open()
    assert [("all", 1, "as found")] == [
        (e["segment"], e["version"], e["proposal"]) for e in opened["in_force"]]
    desk.says("propose", desk.file(WIDER))
    code, report = desk.says("impact", "wider", "--plot", str(tmp_path / "impact.html"))
    page = (tmp_path / "impact.html").read_text()

    assert JUDGED_AGAINST == code and report["beyond_limits"]
    assert "recorded closes of prices.csv" in report["source"] and not report["simulated"]
    assert report["groups"][0]["extra"] == pytest.approx(sum(
        a["initial_after"] - a["initial_before"] for a in report["accounts"]
        if a["pool"] == report["groups"][0]["pool"]))
    assert "<svg" in page and "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert BAD_INPUT == desk.says("approve", "wider", by="bob")[0]

    assert "withdrawn" == desk.says("withdraw", "wider", "--reason", "in steps")[1]["state"]
    desk.pass_through(WIDER | {"id": "slowly", "steps": 4, "step_seconds": 60})
    desk.run(2)
    code, shown = desk.says("show", "slowly")
    assert [(n, True, None) for n in (2, 3, 4, 5)] == [
        (d["version"], d["admitted"], d["reason"]) for d in shown["decided"]]
    assert {"name": "currency_pair.btc_usd.price_range", "from": 0.16, "to": 0.2} in (
        shown["changes"])
    before = desk.says("list")[1]
    desk.run(6)
    after = desk.says("list")[1]
    assert ([1], [5]) == tuple([e["version"] for e in d["in_force"]] for d in (before, after))
    assert desk.verified() is None


def test_engine_refuses_what_its_state_cannot_bear_whoever_decided_it(desk):
    desk.open()
    other = ("--desk", str(desk.folder / "other"))
    assert ANSWERED == desk.says("open", desk.file({"approvals": 1, "notice_seconds": 0,
                                                    "bounds": []}), *other)[0]
    desk.run(1)
    desk.pass_through(WIDER | {"parameters": {"currency_pair": {"btc_usd": {"price_range": 0.5}}}},
                      *other)
    told = desk.run(1, *other)["told"]
    shown = desk.says("show", "wider", *other)[1]

    assert 1 == told["ChangeDecided"] and "ParametersTookEffect" not in told
    assert [False] == [d["admitted"] for d in shown["decided"]]
    assert "more initial margin" in shown["decided"][0]["reason"]
    assert "refused by the engine" == shown["history"][-1]["entry"]
    assert [1] == [e["version"] for e in desk.says("list", *other)[1]["in_force"]]
    assert desk.verified() is None


def test_emergency_tightens_at_once_and_ends_by_itself(desk):
    desk.open()
    storm = {"id": "storm", "segment": "all", "reason": "a storm", "lasts_seconds": 180,
             "parameters": WIDER["parameters"]}
    loose = storm | {"parameters": {"currency_pair": {"btc_usd": {"price_range": 0.15}}}}
    code, refused = desk.says("propose", desk.file(loose))
    assert BAD_INPUT == code and "loosens" in refused["failures"][0]["sentence"]

    desk.pass_through(storm)
    desk.run(1)
    during = desk.says("list")[1]
    desk.run(4)
    after = desk.says("list")[1]
    assert ([2], [3]) == tuple([e["version"] for e in d["in_force"]] for d in (during, after))
    assert (1, 0) == tuple(len(d["ahead"]) for d in (during, after))
    assert during["in_force"][0]["digest"] != after["in_force"][0]["digest"]
    assert after["in_force"][0]["digest"] == desk.says("show", "storm")[1]["history"][1]["digest"]
    assert desk.verified() is None


def test_collateral_schedule_has_no_place_where_margin_is_segregated(desk):
    desk.open()
    code, refused = desk.says("propose", desk.file({
        "id": "s", "segment": "all", "reason": "r", "effective_from": "2026-01-14T12:09:00Z",
        "schedule": {"numeraire": "USD", "assets": {"BTC": {"up_to": [], "weight": [0.8]}}}}))
    assert ANSWERED == code
    code, refused = desk.says("impact", "s")

    assert BAD_INPUT == code
    assert "has no place" in refused["failures"][0]["sentence"]


@pytest.mark.parametrize(("words", "named"), [
    (["open", "absent"], "--by"), (["list", "absent"], "holds no event log"),
    (["propose", "absent", "--by", "ann"], "ID|FILE"), (["withdraw", "absent", "x"], "--reason"),
    (["open", "absent", "charter.json", "--by", "ann"], "charter.json: is no file")])
def test_what_is_missing_is_named(words, named, tmp_path, capsys):
    words = [words[0], str(tmp_path / words[1]), *words[2:]]
    assert BAD_INPUT == answered(["governance", *words])
    assert named in capsys.readouterr().err
    assert not (tmp_path / "absent").exists()
