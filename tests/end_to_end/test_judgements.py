"""`check-model` and `parameters check` as a user types them."""

import json
import sys
import textwrap

import pytest

from counterpoise.apps.cli.dispatch import answered

RATES = {"future": {"im_base": 0.02, "mm_base": 0.01, "slope_per_coin": 0},
         "option": {"im_factor": 0.15, "im_minimum": 0.1, "mm_factor": 0.075}}
SPM = "counterpoise.margin.models.deribit_spm:DeribitSpm"


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """Write a module with a broken model into the working directory."""
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "spoiled.json").write_text(json.dumps({"number": 1, "sections": [
        {"section": name, "observed_on": "2026-01-14", "effective_from": "2026-01-14",
         "values": {"btc_btc": values}} for name, values in RATES.items()]}))
    (tmp_path / "their_models.py").write_text(textwrap.dedent("""
        from counterpoise.margin.models.standard import Standard

        class Spoiled(Standard):
            name = "spoiled"
            laws = frozenset({"subadditive", "made_up"})

            def contributions(self, *given):
                raise KeyError("lost")

        class Hollow:
            name = "hollow"

        class Stubborn:
            def __init__(self):
                raise RuntimeError("no")
    """))
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("their_models", None)


def test_our_own_model_keeps_its_promises(capsys):
    assert 0 == answered(["check-model", SPM])
    assert "keeps every promise" in capsys.readouterr().out


def test_a_broken_model_is_judged_with_every_reason(theirs, capsys):
    assert 4 == answered(["check-model", "their_models:Spoiled", "--json"])

    broken = " ".join(json.loads(capsys.readouterr().out)["broken"])
    assert "unknown laws ['made_up']" in broken
    assert "raises KeyError ('lost') where 'contributions sum' is tried" in broken


def test_a_model_that_covers_nothing_of_a_market_is_not_called_good(capsys):
    place = "counterpoise.margin.models.binance_options:BinanceOptions"
    assert 4 == answered(["check-model", place])
    text = capsys.readouterr().out
    assert 2 == answered(["check-model", place, "--market", "nowhere.parquet"])

    assert "covers no instrument of this market" in text
    assert "nowhere.parquet" in capsys.readouterr().err


def test_a_model_without_members_is_told_which(theirs, capsys):
    assert 4 == answered(["check-model", "their_models:Hollow"])

    text = capsys.readouterr().out
    assert "hollow: has no `requirement`" in text and "has no `laws`" in text


@pytest.mark.parametrize(("place", "words"), [
    ("nowhere", "module:Class"), ("no_such_module:Model", "cannot be imported"),
    ("their_models:Nobody", "has no Nobody"), ("their_models:Stubborn", "RuntimeError: no")])
def test_what_is_no_model_is_bad_input(theirs, place, words, capsys):
    assert 2 == answered(["check-model", place])
    assert words in capsys.readouterr().err


def test_parameters_are_judged(tmp_path, capsys):
    changes = tmp_path / "changes.json"
    changes.write_text(json.dumps({"general": {"mm_factor": 1.2}}))
    assert 4 == answered(["parameters", "check", str(changes), "--model", "deribit_spm"])
    text = capsys.readouterr().out
    changes.write_text(json.dumps({"general": {"mm_factor": 0.7}}))
    assert 0 == answered(["parameters", "check", str(changes), "--model", "deribit_spm", "--json"])

    assert "mm_factor 1.2" in text
    assert [] == json.loads(capsys.readouterr().out)["objections"]


def test_parameters_of_nobody_are_bad_input(tmp_path, capsys):
    changes = tmp_path / "changes.json"
    changes.write_text("{}")

    assert 2 == answered(["parameters", "check", str(changes)])
    assert "--model" in capsys.readouterr().err
