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

    def __init__(self, folder, capsys, model="deribit_spm"):
        self.folder, self.capsys, self.store = folder, capsys, str(folder / "store")
        self.prices, self.model = write_prices(folder / "prices.csv", minutes=30), model
        self.run(2)

    def run(self, steps, *options):
        assert ANSWERED == answered(["run", self.store, "--accounts", "30", "--steps", str(steps),
                                     "--market", self.prices, "--model", self.model, "--json",
                                     *options])
        return json.loads(self.capsys.readouterr().out.splitlines()[-1])

    def says(self, action, *words, by="ann"):
        code = answered(["governance", action, self.store, *words, "--by", by, "--json"])
        return code, json.loads(self.capsys.readouterr().out)

    def file(self, document):
        path = self.folder / "document.json"
        path.write_text(json.dumps(document))
        return str(path)

    def stands(self):
        """Return {account: margin balance} as `inspect` shows it, where it is known."""
        assert ANSWERED == answered(["inspect", self.store, "--json"])
        document = json.loads(self.capsys.readouterr().out)
        return {row["account"]: row["balance"] for row in document["rows"]
                if row["balance"] is not None}

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


def test_what_was_decided_is_said_to_an_engine_that_is_fed(desk, capsys):
    desk.open()
    desk.pass_through(WIDER | {"id": "slowly", "steps": 4, "step_seconds": 60})
    assert ANSWERED == answered(["inspect", desk.store, "--events"])
    *_, last = map(json.loads, capsys.readouterr().out.splitlines())
    line = {"kind": "Deposited", "client_id": "fed", "time": last["time"], "amount": 5,
            "account": "account-000001", "asset": "USDC"}
    fed = answered(["feed", desk.store, desk.file(line)])
    capsys.readouterr()

    assert ANSWERED == fed and 4 == len(desk.says("show", "slowly")[1]["decided"])
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


@pytest.fixture
def cross(tmp_path, capsys):
    """Return a voice at the desk of an engine whose accounts are margined over all assets."""
    voice = Desk(tmp_path, capsys, model="deribit_xsm")
    voice.open(bounds=[{"path": "assets.*.weight.*", "least": 0.1, "most": 1, "change_max": 0.5,
                        "tighter": "down"}], limits=LIMITS | {"extra": 10}, emergency=None)
    return voice


def terms(name, minute, **what):
    return {"id": name, "segment": "all", "reason": "a rough week",
            "effective_from": f"2026-01-14T12:{minute:02d}:00Z", **what}


def weights(**of):
    return {"numeraire": "USD", "assets": {code: {"up_to": [], "weight": [weight]}
                                           for code, weight in of.items()}}


def test_collateral_schedule_is_proposed_weighed_approved_and_acts_at_its_time(cross, tmp_path):
    cross.says("propose", cross.file(terms("half", 6, schedule=weights(BTC=0.5, USDC=1, ETH=1))))
    assert BAD_INPUT == cross.says("approve", "half", by="bob")[0]
    code, report = cross.says("impact", "half", "--plot", str(tmp_path / "impact.html"))
    known = [a for a in report["accounts"] if None not in (a["balance_before"], a["balance_after"])]

    assert ANSWERED == code and report["segment"] == "all collateral"
    assert report["groups"][0]["balance_change"] == pytest.approx(sum(
        a["balance_after"] - a["balance_before"] for a in known))
    assert report["groups"][0]["balance_change"] < 0 == report["groups"][0]["extra"]
    assert "balance" in (tmp_path / "impact.html").read_text()

    assert BAD_INPUT == cross.says("approve", "half", by="ann")[0]
    assert ANSWERED == cross.says("approve", "half", by="bob")[0]
    assert ANSWERED == cross.says("activate", "half")[0]
    told = cross.run(2)["told"]
    assert (1, None) == (told["ChangeDecided"], told.get("ParametersTookEffect"))
    assert [] == [e for e in cross.says("list")[1]["in_force"] if e["segment"] != "all"]
    before = cross.stands()
    told = cross.run(2)["told"]
    after = cross.stands()
    assert 1 == told["ParametersTookEffect"]
    both = before.keys() & after.keys()
    assert 10 < len(both)
    assert sum(after[n] for n in both) < 0.9 * sum(before[n] for n in both)
    assert [(1, True)] == [(d["version"], d["admitted"])
                           for d in cross.says("show", "half")[1]["decided"]]
    assert ["all", "all collateral"] == [
        e["segment"] for e in cross.says("list")[1]["in_force"]]
    assert cross.verified() is None


def test_next_schedule_keeps_the_bounds_and_is_withdrawn_before_it_acts(cross):
    cross.pass_through(terms("half", 5, schedule=weights(BTC=0.5, USDC=1, ETH=1)))
    cross.run(3)
    code, refused = cross.says("propose", cross.file(
        terms("less", 15, schedule=weights(BTC=0.2, USDC=1, ETH=1))))
    assert BAD_INPUT == code
    assert "assets.BTC.weight.0 moves from 0.5 to 0.2 in one step" in (
        refused["failures"][0]["sentence"])

    cross.pass_through(terms("less", 15, schedule=weights(BTC=0.4, USDC=1, ETH=1)))
    cross.run(1)
    assert ANSWERED == cross.says("withdraw", "less", "--reason", "calm again")[0]
    cross.run(10)
    found = cross.says("list")[1]
    assert [("all", 1), ("all collateral", 1)] == [(e["segment"], e["version"])
                                                   for e in found["in_force"]]
    assert [] == found["ahead"]
    assert cross.verified() is None


OWED = {"account_max": 10**9, "platform_max": 10**12, "rate": 10, "rate_exponent": -2,
        "initial": 0.2, "maintenance": 0.1}


@pytest.mark.parametrize("what", [
    {"borrowing": {"assets": {"USDC": OWED}}},
    {"counting": {"BTC": {"confidence_min": 0.5, "gains": 0.5}}}])
def test_terms_of_borrowing_and_counting_change_by_the_same_verbs(cross, what):
    word, = what
    cross.pass_through(terms("new", 5, **what))
    told = cross.run(4)["told"]
    shown = cross.says("show", "new")[1]

    assert (1, 1) == (told["ChangeDecided"], told["ParametersTookEffect"])
    assert (f"all {word}", True) == (shown["segment"], shown["decided"][0]["admitted"])
    assert ["all", f"all {word}"] == [e["segment"] for e in cross.says("list")[1]["in_force"]]
    assert BAD_INPUT == cross.says("propose", cross.file(terms("same", 15, **what)))[0]
    other = ("--desk", str(cross.folder / "other"))
    opened = cross.says("open", cross.file(CHARTER), *other)[1]
    assert ["all", f"all {word}"] == [e["segment"] for e in opened["in_force"]]
    assert cross.verified() is None


def test_limits_of_exposure_are_weighed_by_who_is_beyond_them_and_by_how_much(cross, tmp_path):
    first = {"gross_max": 20_000, "platform": {"USDC": 100_000},
             "counterparties": {"issuer": {"assets": ["USDC"], "share_max": 0.3}}}
    cross.says("propose", cross.file(terms("limits", 6, exposure=first)))
    code, report = cross.says("impact", "limits", "--plot", str(tmp_path / "impact.html"))
    found = {use["limit"]: use for use in report["exposure"]}
    gross = found["gross"]

    assert code in (ANSWERED, JUDGED_AGAINST)
    assert ["gross", "issuer", "platform USDC"] == sorted(found)
    assert (0, "USD") == (gross["beyond_before"], gross["unit"])
    assert 0 < gross["beyond_after"] == sum(
        a["used_after"] > 20_000 for a in gross["accounts"]) < gross["rows"] == 30
    assert gross["amount_after"] == pytest.approx(sum(
        max(a["used_after"] - 20_000, 0) for a in gross["accounts"]))
    whole, = found["platform USDC"]["accounts"]
    assert ("all accounts", 100_000) == (whole["account"], whole["limit_after"])
    assert whole["beyond_after"] == whole["used_after"] - 100_000 > 0
    assert report["groups"][0]["balance_change"] < 0
    page = (tmp_path / "impact.html").read_text()
    assert "Who is beyond them" in page and "all accounts" in page


def test_limits_of_exposure_act_and_are_withdrawn_like_other_terms(cross):
    cross.pass_through(terms("small", 5, exposure={"gross_max": 1_000}))
    told = cross.run(6)["told"]
    shown = cross.says("show", "small")[1]
    assert (1, True) == (told["LimitsTookEffect"], shown["decided"][0]["admitted"])
    assert told["OrderRefused"] > 0

    cross.pass_through(terms("large", 20, exposure={"gross_max": 1e9}))
    cross.run(1)
    assert ANSWERED == cross.says("withdraw", "large", "--reason", "not yet")[0]
    assert "LimitsTookEffect" not in cross.run(15)["told"]
    assert [1] == [e["version"] for e in cross.says("list")[1]["in_force"]
                   if e["segment"] == "all exposure"]
    assert cross.verified() is None


def test_limits_that_have_no_place_are_refused_when_they_are_weighed(desk):
    desk.open()
    desk.says("propose", desk.file(terms("caps", 6, exposure={"platform": {"BTC": 1, "GOLD": 1}})))
    code, refused = desk.says("impact", "caps")

    assert BAD_INPUT == code
    assert ["GOLD", "deribit_spm"] == [f["subject"] for f in refused["failures"]]
    desk.says("propose", desk.file(terms("size", 6, exposure={"gross_max": 5e3})))
    report = desk.says("impact", "size")[1]
    assert report["exposure"][0]["beyond_after"] > 0


def test_charter_is_amended_by_the_one_in_force_and_the_engine_keeps_the_new_limits(desk):
    desk.open()
    amended = {"id": "charter 2", "reason": "larger steps", "charter": CHARTER | {
        "limits": LIMITS | {"extra": 5}, "notice_seconds": 120},
        "effective_from": "2026-01-14T12:04:00Z"}
    assert ANSWERED == desk.says("propose", desk.file(amended))[0]
    code, refused = desk.says("impact", "charter 2")
    assert BAD_INPUT == code and "amends the charter" in refused["failures"][0]["sentence"]
    assert BAD_INPUT == desk.says("approve", "charter 2", by="ann")[0]
    desk.says("approve", "charter 2", by="bob")
    code, shown = desk.says("approve", "charter 2", by="cid")
    assert (ANSWERED, 2, ["bob", "cid"]) == (code, shown["approvals_needed"], shown["approved_by"])
    assert [("limits.extra", 0.12, 5), ("notice_seconds", 60, 120)] == [
        tuple(change.values()) for change in shown["changes"]]
    code, refused = desk.says("activate", "charter 2")
    assert BAD_INPUT == code and "activate it then" in refused["failures"][0]["sentence"]

    desk.says("propose", desk.file(WIDER))
    assert JUDGED_AGAINST == desk.says("impact", "wider")[0]
    desk.run(2)
    assert ANSWERED == desk.says("activate", "charter 2")[0]
    found = desk.says("list")[1]
    assert (5, 120) == (found["charter"]["limits"]["extra"], found["charter"]["notice_seconds"])
    assert ["as found", "charter 2"] == [c["amendment"] for c in found["charters"]]
    desk.says("withdraw", "wider", "--reason", "too early")
    desk.pass_through(WIDER | {"id": "again", "effective_from": "2026-01-14T12:08:00Z"})
    desk.run(5)
    assert [True] == [d["admitted"] for d in desk.says("show", "again")[1]["decided"]]
    assert [2] == [e["version"] for e in desk.says("list")[1]["in_force"]]
    assert desk.verified() is None
    assert ANSWERED == answered(["governance", "list", desk.store])
    assert "Amendments" in desk.capsys.readouterr().out
    assert ANSWERED == answered(["governance", "show", desk.store, "charter 2"])
    assert "notice_seconds" in desk.capsys.readouterr().out


def test_charter_that_nobody_could_satisfy_opens_no_desk_and_amends_none(desk):
    far = {"bounds": [TIGHT[0] | {"least": 0.4, "change_max": 0.1}]}
    code, refused = desk.says("open", desk.file(CHARTER | far))
    assert BAD_INPUT == code
    assert "brings it within 0.4 to 0.5" in refused["failures"][0]["sentence"]
    desk.open()
    amended = {"id": "a", "reason": "r", "charter": CHARTER | far,
               "effective_from": "2026-01-14T12:09:00Z"}
    assert BAD_INPUT == desk.says("propose", desk.file(amended))[0]
    assert BAD_INPUT == desk.says("propose", desk.file(amended | {"segment": "all"}))[0]
    amended.pop("effective_from")
    assert BAD_INPUT == desk.says("propose", desk.file(amended))[0]
    assert [] == desk.says("list")[1]["amendments"]


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
