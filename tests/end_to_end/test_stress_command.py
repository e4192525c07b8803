"""`counterpoise stress` as a user types it: text, JSON, a page, and sentences for bad input."""

import json
import re
import shutil
from pathlib import Path

import pytest

from counterpoise.apps.cli.dispatch import answered
from counterpoise.margin.models import dynamic as model_module

EXAMPLES = Path(__file__).parents[2] / "examples"
SHORT_GAMMA = str(EXAMPLES / "short_gamma.json")
FEW = ("--only", "covid_2020,ftx_2022")


def test_the_worst_event_stands_first_with_the_margin_that_had_held(capsys):
    assert answered(["stress", SHORT_GAMMA, *FEW]) == 0
    text = capsys.readouterr().out

    assert text.index("Covid (2020-03-12") < text.index("FTX (2022-11-08")
    assert "bankrupt" in text and "x initial" in text and "our reading" in text
    assert "SIMULATED MARKET" in text


def test_json_has_every_part(capsys):
    assert answered(["stress", SHORT_GAMMA, *FEW, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)

    assert [row["scenario"][:5] for row in document["events"]] == ["Covid", "FTX ("]
    worst = document["events"][0]
    assert worst["shortfall"][0] == pytest.approx(
        worst["loss"][0] - document["rows"][0]["margin_balance"], rel=1e-9)
    assert worst["times_initial_that_held"][0] == pytest.approx(
        worst["loss"][0] / document["rows"][0]["initial_margin"], rel=1e-9)
    assert {len(cube["scenarios"]) for cube in document["cube"]} == {15 * 7}
    assert document["sources"][0]["confidence"] == "high"
    for part in ("dependence", "pegs", "closing", "stale_feeds", "venues_down", "late_liquidation",
                 "arbitrage", "notes"):
        assert part in document


def test_every_example_and_another_model_can_be_stressed(capsys):
    files = [str(EXAMPLES / f"{name}.json") for name in ("covered_call", "iron_condor")]

    assert answered(["stress", *files, *FEW, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["portfolios"]) == 2
    assert answered(["stress", SHORT_GAMMA, *FEW, "--model", "standard", "--smile",
                     "sticky_moneyness"]) == 0
    assert "keep their volatility at their strike" in capsys.readouterr().out


def test_the_page_needs_nothing_from_elsewhere(tmp_path, capsys):
    page = tmp_path / "stress.html"

    assert answered(["stress", SHORT_GAMMA, *FEW, "--plot", str(page)]) == 0
    text = page.read_text()
    assert "loss by event" in text and "<script src=" not in text
    assert "SIMULATED MARKET" in text and "our reading: the price path" in text
    assert "margin balance" in text and "maintenance" in text


def test_the_margin_of_today_is_a_line_that_can_be_seen(tmp_path):
    page = tmp_path / "stress.html"
    assert answered(["stress", SHORT_GAMMA, *FEW, "--plot", str(page)]) == 0
    shapes = re.search(r'"shapes":(\[.*?\])', page.read_text())

    (line,) = json.loads(shapes.group(1))
    assert line["line"]["width"] > 0 and line["line"]["dash"] == "dash" and line["opacity"] == 1


def test_a_file_of_parameters_stands_for_the_models_own(tmp_path, capsys):
    """Half the maintenance of a copy of the preset: today's and that of every event."""
    source = Path(model_module.__file__).parent / "parameters"
    document = json.loads((source / "dynamic.json").read_text())
    section = next(s for s in document["sections"] if s["section"] == "maintenance")
    section["values"]["fraction"] = 0.4
    (tmp_path / "mine.json").write_text(json.dumps(document))
    shutil.copy(source / "dynamic.npz", tmp_path)
    found = []
    for more in ([], ["--parameters", str(tmp_path / "mine.json")]):
        asked = ["stress", SHORT_GAMMA, "--model", "dynamic", *FEW, "--json", *more]
        assert answered(asked) == 0
        found.append(json.loads(capsys.readouterr().out))

    own, other = found
    assert other["rows"][0]["maintenance_margin"] == pytest.approx(
        0.5 * own["rows"][0]["maintenance_margin"], rel=1e-12)
    assert other["rows"][0]["initial_margin"] == own["rows"][0]["initial_margin"]
    assert other["late_liquidation"] != own["late_liquidation"]


def test_the_readings_of_the_model_stand_beside_those_of_the_stress(capsys):
    assert answered(["stress", SHORT_GAMMA, "--model", "dynamic", *FEW]) == 0
    text = capsys.readouterr().out

    assert "our reading: the joint moves are simulated, not observed" in text


def test_what_is_not_known_is_a_question_mark(tmp_path, capsys):
    document = json.loads(Path(SHORT_GAMMA).read_text())
    document["account"]["balances"]["SOL"] = "5"
    (tmp_path / "sol.json").write_text(json.dumps(document))

    assert answered(["stress", str(tmp_path / "sol.json"), "--model", "dynamic", *FEW]) == 3
    text = capsys.readouterr().out
    assert "worst ?" in text and "inf" not in text.replace("information", "")


def test_own_events_and_a_measured_path_are_replayed(tmp_path, capsys):
    events, path = tmp_path / "events.json", tmp_path / "path.csv"
    events.write_text(json.dumps([{
        "name": "mine", "title": "Mine", "still": ["basis", "vol", "term", "skew", "peg"],
        "moves": [{"factor": "other price", "fraction": -0.9}]}]))
    path.write_text("minute,share\n1,0.2\n2,1\n5,0.9\n")

    assert answered(["stress", SHORT_GAMMA, "--events", str(events), "--only", "mine", "--path",
                     str(path), "--delays", "0,2", "--json"]) == 0
    late = json.loads(capsys.readouterr().out)["late_liquidation"]
    assert late["event"].startswith("Mine")
    assert [one["delay_minutes"] for one in late["delays"]] == [0.0, 2.0]


@pytest.mark.parametrize(("more", "sentence"), [
    (["--only", "nonsense"], "is no event"), (["--smile", "flat"], "sticky_strike or"),
    (["--size", "7"], "fraction between 0 and 1"), (["--delays", "soon"], "--delays"),
    (["--delays=-1"], "minutes of at least 0"), (["--path", "nowhere.csv"], "cannot be read"),
    (["--plot", "stress.png"], "use .html"), (["--events", "nowhere.json"], "is not a file"),
    (["--only", "jelly_2025"], "nothing to replay")])
def test_bad_input_gets_a_sentence(more, sentence, capsys):
    assert answered(["stress", SHORT_GAMMA, *more]) == 2
    assert sentence in capsys.readouterr().err


def test_a_path_that_goes_back_in_time_is_refused(tmp_path, capsys):
    path = tmp_path / "path.csv"
    path.write_text("minute,share\n2,0.2\n1,1\n")

    assert answered(["stress", SHORT_GAMMA, "--path", str(path)]) == 2
    assert "rise" in capsys.readouterr().err


PRESET = (Path(__file__).parents[2] / "src" / "counterpoise" / "margin" / "models" / "parameters"
          / "dynamic.json")
ONE = ("--only", "covid_2020")


def test_reverse_finds_the_smallest_move_that_breaks_level_by_level(tmp_path, capsys):
    page, book = tmp_path / "stress.html", json.loads(Path(SHORT_GAMMA).read_text())
    book["account"]["positions"] = [{"instrument": "BTC-PERPETUAL", "quantity": "12000000",
                                     "entry_cost": "-135.94"}]
    file = tmp_path / "long.json"
    file.write_text(json.dumps(book))
    typed = ["stress", str(file), *ONE, "--model", "standard", "--reverse", "--parameters",
             str(PRESET), "--json", "--plot", str(page)]

    assert answered(typed) == 0
    reverse = json.loads(capsys.readouterr().out)["reverse"]
    lengths = [limit["moves"][0]["deviations"] for limit in reverse["limits"]]
    assert [limit["limit"] for limit in reverse["limits"]] == [
        "below_initial", "below_maintenance", "bankrupt"]
    assert lengths == sorted(lengths) and lengths[0] > 0
    assert all(limit["moves"][0]["excess_usd"] <= 0 for limit in reverse["limits"])
    assert reverse["simulated"] and any("not certified:" in note for note in reverse["notes"])
    told = {(len(limit["factors"]) <= 2, limit["certified_shortest"])
            for limit in reverse["limits"]}
    assert told <= {(True, True), (False, False)}, "only few factors are certified"
    words = "certified to the grid" if (True, True) in told else "not certified"
    assert "the smallest move that breaks" in page.read_text() and words in page.read_text()
    assert answered([word for word in typed if word not in ("--json", "--plot", str(page))]) == 0
    assert words in capsys.readouterr().out


def test_without_reverse_nothing_is_searched(capsys):
    assert answered(["stress", SHORT_GAMMA, *ONE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reverse"] is None


def test_parameters_of_another_model_are_refused_as_joint_moves(capsys):
    other = str(PRESET.with_name("deribit_spm.json"))

    assert answered(["stress", SHORT_GAMMA, *ONE, "--reverse", "--parameters", other]) != 0
    assert "deribit_spm.json" in capsys.readouterr().err


def test_a_parameter_file_adds_shortfalls_under_broken_dependence(capsys):
    assert answered(["stress", SHORT_GAMMA, *ONE, "--parameters", str(PRESET), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    joint = document["joint_dependence"]
    assert {row["scenario"] for row in document["defaults"]} == {
        "default of ethena", "default of exchange"}

    assert set(joint["accounts"][0]["shortfall_usd"]) == {"estimated", "all_up", "hedge_broken"}
    assert answered(["stress", SHORT_GAMMA, *ONE, "--parameters", str(PRESET)]) == 0
    assert "97.5 % shortfall over 2 days" in capsys.readouterr().out
