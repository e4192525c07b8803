"""A backtest as its user runs it: the same for any processes, resumed, told, written."""

import csv
import json
from html.parser import HTMLParser

import numpy as np
import pytest

from counterpoise.adapters.worlds import Place
from counterpoise.apps.backtest import Trial, run
from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.report.backtest import backtest_document, backtest_text, told
from counterpoise.apps.report.backtest_page import backtest_page
from counterpoise.apps.report.disclosure import FIELDS, disclosure, write_disclosure
from counterpoise.apps.report.lines import Line, picture
from counterpoise.backtest.series import Terms
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS

PLACE = Place(market=None, coins=(), perpetuals=None, volatilities=(), surfaces=None, funding=None,
              seed=11, days=90)
SMALL = Trial(place=PLACE, models=("standard",), parameters={}, begin=0, end=0, horizon_days=1,
              portfolios=("BTC long", "ETH short straddle", "BTC short straddle"))
TERMS = Terms(margin="initial", level=0.99, horizon_days=1)


@pytest.fixture(scope="module")
def found():
    return told(run(SMALL), TERMS)


def test_number_of_processes_changes_no_number(found):
    two = run(SMALL, processes=2)

    assert found.run.seen == two.seen and found.run.digest == two.digest


def test_resumed_run_is_the_whole_run(tmp_path, found):
    kept = tmp_path / "kept.jsonl"
    run(SMALL, kept=str(kept))
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(lines[:30]) + lines[30][:25])

    assert found.run.seen == run(SMALL, kept=str(kept)).seen
    assert len(lines) == len(kept.read_text().splitlines())


def test_another_question_does_not_resume(tmp_path):
    kept = str(tmp_path / "kept.jsonl")
    run(SMALL, kept=kept)

    with pytest.raises(BadInput, match="another question"):
        run(Trial(place=PLACE, models=("deribit_spm",), parameters={}, begin=0, end=0,
                  horizon_days=1, portfolios=SMALL.portfolios), kept=kept)


@pytest.mark.parametrize("asked", [("no such portfolio",), ("BTC long", "no such portfolio")])
def test_portfolio_that_no_day_has_is_refused_not_passed(asked):
    with pytest.raises(BadInput, match="no such portfolio.*BTC short straddle 30d") as refused:
        run(replaced(SMALL, portfolios=asked))

    assert len(refused.value.failures) == 1


def test_every_report_says_that_the_market_is_simulated(found):
    assert any("SIMULATED MARKET" in line for line in backtest_text(found))
    assert "SIMULATED MARKET" in backtest_page(found)
    assert backtest_document(found)["simulated"] and disclosure(found)["header"]["simulated"]


def test_document_is_json_without_nan_and_counts_what_the_table_counts(found):
    tree = json.loads(json.dumps(backtest_document(found), allow_nan=False))
    row = tree["models"]["standard"]["portfolios"][0]

    assert {"BTC long", "BTC long, ETH short", "BTC short straddle 30d",
            "ETH short straddle 30d"} == {
        p["portfolio"] for p in tree["models"]["standard"]["portfolios"]}
    assert row["exceptions"]["final"] == len(row["exceedances"]) > 0


class _Outside(HTMLParser):
    """Collects what a page would fetch, and that its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.fetched += [v for k, v in attrs if k in ("src", "href") and v]
        if tag not in ("meta", "line", "circle", "rect", "path", "th", "td", "tr", "p", "html"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.fetched += [v for k, v in attrs if k in ("src", "href") and v]

    def handle_endtag(self, tag):
        if tag in self.open:
            self.open.remove(tag)


def test_page_fetches_nothing_and_draws_what_it_tells(found):
    page = backtest_page(found)
    parser = _Outside()
    parser.feed(page)

    assert [] == parser.fetched == parser.open
    assert page.count("<svg") == 4 and "exceeded" in page


def test_disclosure_has_decimals_as_text_and_the_digest_of_what_was_asked(tmp_path, found):
    write_disclosure(found, str(tmp_path / "d.csv"))
    write_disclosure(found, str(tmp_path / "d.json"))
    with open(tmp_path / "d.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    tree = json.loads((tmp_path / "d.json").read_text())

    assert found.run.digest == rows[0]["input_digest"] == tree["header"]["input_digest"]
    assert all(isinstance(row[name], str) for row in tree["rows"] for name in FIELDS)
    assert [r["number_of_exceptions"] for r in rows] == [
        r["number_of_exceptions"] for r in tree["rows"]]


def test_picture_stays_inside_its_frame_and_breaks_at_unknown_days():
    at = np.arange(5, dtype=np.int64) * DAY_NS
    drawn = picture([Line(name="a<b", at=at, y=np.array([1.0, 2, np.nan, 4, 5]), colour="#000")],
                    unit="USD")

    assert 2 == drawn.count("M") and "a&lt;b" in drawn and "nan" not in drawn
    assert "" == picture([Line(name="x", at=at, y=np.full(5, np.nan), colour="#000")], unit="USD")


def test_command_answers_on_a_fresh_clone(capsys, tmp_path):
    page = tmp_path / "report.html"
    code = answered(["backtest", "--days", "60", "--portfolio", "BTC long", "--model",
                     "deribit_spm,standard", "--processes", "1", "--html", str(page), "--json"])
    tree = json.loads(capsys.readouterr().out)

    assert 0 == code and {"deribit_spm", "standard"} == tree["models"].keys()
    assert "Would the margin have held?" in page.read_text()


@pytest.mark.parametrize("typed, word", [
    (["--level", "1.5"], "--level"), (["--horizon", "0"], "--horizon"),
    (["--processes", "0"], "--processes"), (["--days", "5"], "--days"),
    (["--model", "nobody"], "nobody"), (["--model", ","], "--model"),
    (["--from", "2030-01-01"], "--from"), (["--disclosure", "x.pdf"], "x.pdf"),
    (["--model", "standard,tims", "--parameters", "f.json"], "--parameters"),
    (["--parameters", "absent.json"], "absent.json"), (["absent.parquet"], "absent.parquet"),
    (["--from", "yesterday"], "--from")])
def test_what_cannot_be_run_is_named(capsys, typed, word):
    assert 2 == answered(["backtest", "--seed", "1", *typed])
    assert word in capsys.readouterr().err


def test_real_chains_of_a_week_have_numbers_for_every_portfolio_with_a_price(shared):
    place = Place(market=str(shared / "data/options/deribit_chain_2026-02.parquet"), coins=(),
                  perpetuals=str(shared / "data/options/deribit_perp_at_snapshots.parquet"),
                  volatilities=(), surfaces=None, funding=None, seed=0, days=0)
    from counterpoise.values.time import parse_instant

    seen = run(Trial(place=place, models=("deribit_spm",), parameters={}, horizon_days=1,
                     portfolios=("BTC", "60/40"), begin=parse_instant("2026-02-04T00:00:00Z"),
                     end=parse_instant("2026-02-06T00:00:00Z"))).seen["deribit_spm"]
    fifth = seen[0]

    assert 2 == len(seen) and set(fifth.failure) == {""}
    assert (fifth.initial > fifth.maintenance).all()
    long = fifth.portfolios.index("BTC long")
    assert 0.6 < fifth.loss[long] / fifth.initial[long] < 1


def test_last_day_is_included_whole(capsys, shared):
    chain = str(shared / "data/options/deribit_chain_2026-02.parquet")
    answered(["backtest", chain, "--from", "2026-02-05", "--to", "2026-02-05", "--portfolio",
              "BTC short straddle", "--processes", "1", "--json"])
    tree = json.loads(capsys.readouterr().out)

    assert 1 == tree["models"]["deribit_spm"]["portfolios"][0]["number_of_observations"]


def test_digest_of_the_question_is_over_what_the_files_hold(tmp_path):
    from counterpoise.apps.backtest import _digest

    (tmp_path / "a").write_text("1")
    first = _digest(str(tmp_path))
    (tmp_path / "a").write_text("2")

    assert first != _digest(str(tmp_path))


def test_parameters_of_later_days_are_never_used_for_earlier_ones(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps({"model": "standard", "number": 1, "sections": [
        {"section": "general", "observed_on": "example", "effective_from": "2023-02-01",
         "values": {}}]}))
    asked = Trial(place=PLACE, models=("standard",), parameters={"standard": str(tmp_path)},
                  begin=0, end=0, horizon_days=1, portfolios=SMALL.portfolios)

    with pytest.raises(BadInput, match="later ones are never used"):
        run(asked)


@pytest.mark.parametrize(("files", "words"), [
    ({"a": "2023-01-02", "b": "2023-01-02"}, "a.json and b.json; keep one"),
    ({"a": "2023-W01-1"}, "'2023-W01-1' is not a day"),
])
def test_a_folder_of_parameters_leaves_no_doubt_which_file_acts(tmp_path, files, words):
    for name, day in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"model": "standard", "sections": [
            {"section": "general", "observed_on": "example", "effective_from": day,
             "values": {}}]}))
    asked = Trial(place=PLACE, models=("standard",), parameters={"standard": str(tmp_path)},
                  begin=0, end=0, horizon_days=1, portfolios=SMALL.portfolios)

    with pytest.raises(BadInput, match=words):
        run(asked)


def test_a_file_of_parameters_nested_without_end_is_refused(tmp_path):
    (tmp_path / "deep.json").write_text('{"sections": ' + "[" * 100_000 + "]" * 100_000 + "}")
    asked = Trial(place=PLACE, models=("standard",), parameters={"standard": str(tmp_path)},
                  begin=0, end=0, horizon_days=1, portfolios=SMALL.portfolios)

    with pytest.raises(BadInput, match="nested too deeply"):
        run(asked)
