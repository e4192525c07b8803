"""A model from another package: found by its entry point, with its own dated parameters."""

import sys
import textwrap

import pytest

from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.conformance import check_margin_model
from counterpoise.values.failure import BadInput
from markets import AS_OF, market


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package that offers our standard margin under a name of its own."""
    package = tmp_path / "theirs"
    (package / "parameters").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text(textwrap.dedent("""
        from counterpoise.margin.models.standard import Standard

        class Theirs(Standard):
            name = "theirs"

        MODEL = Theirs()
    """))
    (package / "parameters" / "theirs.json").write_text("""{"number": 1, "sections": [
        {"section": "future.btc_btc", "observed_on": "2026-02-05",
         "effective_from": "2026-02-05",
         "values": {"im_base": 0.1, "mm_base": 0.05, "slope_per_coin": 0}},
        {"section": "option", "observed_on": "2026-02-05", "effective_from": "2026-02-05",
         "values": {}}]}""")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[counterpoise.margin_models]\ntheirs = theirs.model:MODEL\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("theirs.model", None)
    sys.modules.pop("theirs", None)


def test_a_third_party_model_is_found_and_runs_the_battery(installed) -> None:
    model = model_named("theirs")
    version = parameters_of(model, AS_OF)

    assert "theirs" in model_names()
    assert version.parameters.future["btc_btc"].im_base == 0.1
    assert version.notes == ()
    assert check_margin_model(model, version, market()) == ()


def test_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(BadInput, match="deribit_spm.*standard"):
        model_named("nobody")
