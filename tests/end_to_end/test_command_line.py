"""The command line as a user types it."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bad_input_table import good
from counterpoise.adapters.models import model_names
from counterpoise.apps.cli.dispatch import answered
from unit.apps.asked import missing_volatility, two_pools


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "portfolio.json"
    path.write_text(json.dumps(good()))
    return str(path)


def written(folder: Path, name: str, document: dict) -> str:
    path = folder / name
    path.write_text(json.dumps(document))
    return str(path)


def test_margin_json_is_one_object_with_what_a_script_needs(file, capsys):
    assert 0 == answered(["margin", file, "--json"])

    document = json.loads(capsys.readouterr().out)
    assert {"initial_margin", "maintenance_margin", "currency", "components",
            "worst_scenario"} <= set(document)
    assert sum(document["components"].values()) == pytest.approx(
        document["initial_margin"], abs=1e-15)
    assert document["our_readings"] and document["pools"][0]["readings_range"]["initial"]


def test_straight_way_and_parsed_way_print_the_same(file, capsys):
    answered(["margin", file, "--json"])
    straight = capsys.readouterr().out
    answered(["margin", "--json", "--threads", "2", file])

    assert straight == capsys.readouterr().out


def test_margin_text_has_the_requirement_the_cause_and_the_comparison(file, capsys):
    assert 0 == answered(["margin", file])

    text = capsys.readouterr().out
    for words in ("initial margin", "worst for BTC", "biggest contributors", "standard margin",
                  "our reading", "combinations of our readings", "Provenance: counterpoise"):
        assert words in text, words
    assert "\x1b" not in text


def test_range_of_a_future_says_that_no_reading_moves_it(tmp_path, capsys):
    document = good()
    document["account"] |= {"orders": [], "positions": [
        {"instrument": "BTC-PERPETUAL", "quantity": "1000", "entry_price": "65000"}]}
    assert 0 == answered(["margin", written(tmp_path, "p.json", document)])

    text = capsys.readouterr().out
    assert "the readings that can be switched (24 combinations) do not move it" in text
    assert "over all" not in text and "our reading:" in text


def test_several_files_are_a_list(file, tmp_path, capsys):
    other = written(tmp_path, "two.json", two_pools())
    assert 0 == answered(["margin", file, other, "--json"])

    portfolios = json.loads(capsys.readouterr().out)["portfolios"]
    assert [file, other] == [p["file"] for p in portfolios]
    assert 3 == len(portfolios[1]["pools"])


def test_missing_number_exits_three_and_names_what_to_add(tmp_path, capsys):
    path = written(tmp_path, "p.json", missing_volatility())
    assert 3 == answered(["margin", path])
    text = capsys.readouterr().out
    assert 3 == answered(["margin", path, "--json"])

    assert "has no implied volatility; add it" in text
    assert json.loads(capsys.readouterr().out)["initial_margin"] is None


def test_other_model_can_be_asked_for(file, capsys):
    assert 0 == answered(["margin", file, "--model", "standard", "--json"])

    document = json.loads(capsys.readouterr().out)
    assert "standard" == document["model"]
    assert {"futures", "options"} <= set(document["components"])


def test_explain_shows_every_leg_and_what_closing_changes(file, capsys):
    assert 0 == answered(["explain", file, "--json"])
    legs = json.loads(capsys.readouterr().out)["positions"]
    assert 0 == answered(["explain", file])

    text = capsys.readouterr().out
    assert {"BTC-PERPETUAL", "BTC-28JUN24-70000-C"} == {leg["instrument"] for leg in legs}
    assert all(leg["closing_changes_initial"] is not None for leg in legs)
    assert "positions together" in text and "closing: initial" in text


def test_compare_lays_models_and_dates_side_by_side(file, tmp_path, capsys):
    dates = ["--parameters-as-of", "2025-01-05", "--parameters-as-of", "2025-01-07"]
    picture = tmp_path / "models.png"
    pytest.importorskip("matplotlib")
    assert 0 == answered(["compare", file, "--models", "deribit_spm, standard", *dates, "--json",
                          "--plot", str(picture)])

    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(m, f"2025-01-0{d}T00:00:00Z") for m in ("deribit_spm", "standard") for d in (5, 7)
            ] == [(row["model"], row["parameters_as_of"]) for row in rows]
    assert all(row["initial_margin"] > 0 for row in rows)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_margin_takes_the_parameters_of_one_date(file, capsys):
    assert 0 == answered(["margin", file, "--parameters-as-of", "2025-01-05", "--json"])
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert 2 == answered(["margin", file, *["--parameters-as-of", "2025-01-05"] * 2])

    assert any("parameters in force at 2025-01-05" in note for note in notes)
    assert "side by side" in capsys.readouterr().err


def test_simulate_answers_in_the_shape_of_the_venue(file, tmp_path, capsys):
    request = written(tmp_path, "request.json", {"currency": "BTC", "simulated_positions": {
        "BTC-PERPETUAL": 0.5}})
    assert 0 == answered(["simulate", file, request])
    engine = json.loads(capsys.readouterr().out)
    assert 0 == answered(["simulate", file, request, "--method", "private/simulate_portfolio"])

    assert {"margins", "model_params", "aggregated_risk_vectors", "portfolio"} <= set(engine)
    assert engine["margins"]["btc"]["initial_margin"] == json.loads(
        capsys.readouterr().out)["initial_margin"]


def test_reconcile_exits_four_where_a_figure_differs(file, tmp_path, capsys):
    request = written(tmp_path, "request.json", {"currency": "BTC"})
    assert 0 == answered(["simulate", file, request])
    report = json.loads(capsys.readouterr().out)
    same = written(tmp_path, "same.json", report)
    report["margins"]["btc"]["initial_margin"] += 1
    other = written(tmp_path, "other.json", report)

    assert 0 == answered(["reconcile", file, same])
    assert 4 == answered(["reconcile", file, other, "--json"])
    assert "every figure agrees" in capsys.readouterr().out


def test_greeks_say_their_units(file, capsys):
    assert 0 == answered(["greeks", file, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert 0 == answered(["greeks", file])

    assert "USD per vol point" == document["units"]["vega_usd"]
    assert [None, "2024-06-28T08:00:00Z"] == [row["expiry"] for row in document["rows"]]
    assert "adj. delta" in capsys.readouterr().out


def test_greeks_of_an_unpriced_option_exit_three(tmp_path, capsys):
    path = written(tmp_path, "p.json", missing_volatility())

    assert 3 == answered(["greeks", path])
    assert "has no implied volatility" in capsys.readouterr().out


def test_chain_without_a_path_is_the_simulated_market_and_says_so(capsys):
    assert 0 == answered(["chain"])
    text = capsys.readouterr().out
    assert 0 == answered(["chain", "--json"])

    document = json.loads(capsys.readouterr().out)
    assert text.startswith("SIMULATED MARKET")
    assert document["simulated"] and 2 == len(document["underlyings"])
    assert 0.2 < document["underlyings"][0]["expiries"][0]["atm_volatility"] < 1.0


def test_chain_shows_a_snapshot_of_our_own(tmp_path, capsys):
    pytest.importorskip("duckdb")
    from counterpoise.adapters.snapshot_file import write_snapshot
    from counterpoise.market.simulated import simulated_market

    write_snapshot(tmp_path / "market.parquet", simulated_market())
    answered(["chain", "--json"])
    expected = json.loads(capsys.readouterr().out)
    assert 0 == answered(["chain", str(tmp_path / "market.parquet"), "--json"])

    document = json.loads(capsys.readouterr().out)
    assert expected["digest"] == document["digest"] and expected["underlyings"] == document[
        "underlyings"]


def test_schema_is_json_schema(capsys):
    assert 0 == answered(["schema"])

    assert "$schema" in json.loads(capsys.readouterr().out)


def test_models_list_dates_and_readings(capsys):
    assert 0 == answered(["models", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert 0 == answered(["models", "--at", "2024-07-01T00:00:00Z"])

    assert list(model_names()) == [m["name"] for m in document["models"]]
    assert all(m["sections"] and m["our_readings"] for m in document["models"])
    assert "2024-06-17" in capsys.readouterr().out


def test_positions_on_a_market_are_margined(tmp_path, capsys):
    pytest.importorskip("duckdb")
    positions = tmp_path / "positions.csv"
    positions.write_text("account,instrument,quantity,entry_price\na,BTC-28JUN24-70000-C,-2,\n")
    market = tmp_path / "chain.csv"
    market.write_text("snapshot_ts,instrument,mark_price,mark_iv,underlying_price,index_price\n"
                      "2024-06-17T10:22:20Z,BTC-28JUN24-70000-C,0.021,0.55,67371.75,65666.19\n")

    assert 0 == answered(["margin", "--positions", str(positions), "--market", str(market),
                          "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["initial_margin"] > 0 and "unknown" == document["status"]


@pytest.fixture
def chain(tmp_path: Path) -> str:
    path = tmp_path / "chain.csv"
    path.write_text("snapshot_ts,instrument,mark_price,mark_iv,underlying_price,index_price\n"
                    "2024-06-17T10:22:20Z,BTC-28JUN24-70000-C,0.021,0.55,67371.75,65666.19\n")
    return str(path)


@pytest.mark.parametrize(("at", "code"), [("2024-06-17T22:22:20Z", 0),
                                          ("2024-06-17T22:22:21Z", 2)])
def test_time_long_after_the_last_snapshot_is_refused(at, code, chain, tmp_path, capsys):
    pytest.importorskip("duckdb")
    positions = tmp_path / "positions.csv"
    positions.write_text("account,instrument,quantity\na,BTC-28JUN24-70000-C,-2\n")

    for typed in (["margin", "--positions", str(positions), "--market", chain], ["chain", chain]):
        assert code == answered([*typed, "--at", at])
        said = capsys.readouterr().err
        assert (code == 2) is ("the last one is of 2024-06-17T10:22:20Z" in said)


def test_plot_is_drawn_beside_the_answer(file, tmp_path, capsys):
    picture = tmp_path / "risk.png"

    assert 0 == answered(["margin", file, "--plot", str(picture)])
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("command", ["margin", "explain"])
def test_missing_plot_extra_is_found_before_anything_is_computed(command, file, monkeypatch,
                                                                 capsys):
    def computed(*_: object, **__: object) -> None:
        raise AssertionError("computed for nothing")

    monkeypatch.setattr("counterpoise.apps.cli.margin.margin_of", computed)
    monkeypatch.setattr("counterpoise.apps.legs.explain", computed)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert 2 == answered([command, file, "--plot", "a.png"])

    said = capsys.readouterr()
    assert "pip install counterpoise[plot]" in said.err and "" == said.out


def test_picture_that_cannot_be_drawn_leaves_no_half_answer(file, tmp_path, capsys):
    assert 2 == answered(["margin", file, "--plot", str(tmp_path / "no" / "a.png")])

    assert "" == capsys.readouterr().out


def test_standard_input_is_a_file_too(file, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(file).read_bytes())))

    assert 0 == answered(["margin", "-", "--json"])
    assert json.loads(capsys.readouterr().out)["initial_margin"] > 0


@pytest.mark.parametrize(("typed", "words"), [
    (["margin"], "give portfolio files"),
    (["margin", "a.json", "--positions", "b.csv"], "give portfolio files, or --positions"),
    (["margin", "--positions", "b.csv"], "go together"),
    (["margin", "a.json", "--at", "2026-01-01T00:00:00Z"], "goes with --market"),
    (["margin", "a.json", "b.json", "--plot", "a.png"], "draws one portfolio; 2 files"),
    (["margin", "a.json", "--threads", "0"], "use 1 to 1024"),
    (["models", "--at", "yesterday"], "is not an ISO 8601 time"),
    (["chain", "nowhere.parquet"], "nowhere.parquet"),
    (["chain", "--perpetuals", "a.parquet"], "goes with a market"),
])
def test_contradictions_are_refused_with_a_sentence(typed, words, capsys):
    assert 2 == answered(typed)

    assert words in capsys.readouterr().err


@pytest.mark.parametrize("typed", [["margn"], ["margin", "--treads", "2"], []])
def test_usage_errors_exit_two(typed, capsys):
    with pytest.raises(SystemExit) as left:
        answered(typed)

    assert 2 == left.value.code
    assert "usage: counterpoise" in capsys.readouterr().err


def test_our_own_mistake_is_confessed_in_one_sentence(file, monkeypatch, capsys):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("counterpoise.apps.cli.margin.margin_of", broken)
    assert 1 == answered(["margin", file])
    said = capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        answered(["margin", file, "--debug"])

    assert "this is our mistake" in said and "Traceback" not in said


def test_process_leaves_with_the_exit_code_of_the_answer(file, tmp_path):
    missing = written(tmp_path, "p.json", missing_volatility())
    codes = [subprocess.run([sys.executable, "-m", "counterpoise.apps.cli.main", *typed],
                            capture_output=True).returncode
             for typed in (["margin", file], ["margin", missing, "--json"],
                           ["margin", "nowhere.json"], ["--version"])]

    assert [0, 3, 2, 0] == codes


def test_reader_that_leaves_early_is_no_mistake(file):
    typed = f"{sys.executable} -m counterpoise.apps.cli.main chain | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", typed], capture_output=True, text=True)

    assert "" == done.stderr
    assert 1 == len(done.stdout.splitlines())
