"""Parameters of `dynamic` come back from their file in every bit; hostile files are refused."""

import io
import json
import zipfile

import numpy as np
import pytest

from counterpoise import margin_of, read_portfolio
from counterpoise.adapters.dynamic_file import moves_in, with_moves, write_dynamic
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of, version_in
from counterpoise.adapters.proposals import objections, proposed
from counterpoise.adapters.simulated_parameters import STATED, simulated_parameters
from counterpoise.apps.cli.dispatch import answered
from counterpoise.margin.terms.dynamic_parameters import DynamicParameters
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import BadInput
from counterpoise.values.time import parse_instant

PRESET = simulated_parameters(count=80)
AS_OF = parse_instant("2026-01-14T12:00:00Z")


class Named:
    """As much of a model as parameters need."""

    name = "dynamic"
    parameters_type = DynamicParameters


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "mine.json"
    write_dynamic(str(path), PRESET, STATED)
    return path


def _read(path, overrides=None):
    document = with_moves(json.loads(path.read_text(encoding="utf-8")), str(path.parent))
    return version_in(document, model=Named, as_of=AS_OF, overrides=overrides)


def _refused(path):
    with pytest.raises(BadInput) as refused:
        _read(path)
    return str(refused.value)


def _rewritten(path, columns):
    """Put other arrays beside the head, with the digest that they have."""
    out = io.BytesIO()
    np.savez_compressed(out, **columns)
    _packed(path, out.getvalue())


def _packed(path, packed):
    path.with_suffix(".npz").write_bytes(packed)
    tree = json.loads(path.read_text(encoding="utf-8"))
    section = next(s for s in tree["sections"] if s["section"] == "moves")
    section["values"]["sha256"] = sha256_of("", np.frombuffer(packed, np.uint8))
    path.write_text(json.dumps(tree), encoding="utf-8")


def _columns(path):
    with np.load(path.with_suffix(".npz")) as found:
        return {name: found[name] for name in found.files}


def test_what_is_written_is_read_back_in_every_bit(written):
    version = _read(written)

    assert PRESET == version.parameters
    assert PRESET.identity() == version.parameters.identity()
    assert {"example"} == {observed for _, observed, _ in version.sections}


def test_the_same_parameters_are_the_same_bytes(written, tmp_path):
    again = tmp_path / "again.json"
    write_dynamic(str(again), PRESET, STATED)

    assert written.with_suffix(".npz").read_bytes() == again.with_suffix(".npz").read_bytes()


def test_single_numbers_and_whole_parts_can_be_overridden(written):
    version = _read(written, {"stress": None, "general": {"level": 0.95}, "wrong_way": None})

    assert version.parameters.stress is None and 0.95 == version.parameters.general.level
    assert version.parameters.wrong_way is None
    assert ("stress", "general.level", "wrong_way") == version.overridden


@pytest.mark.parametrize(("changed", "told"), [
    ({"floor": {"years": 0}}, "floor.years: is 0"),
    ({"floor": {"years": -1}}, "floor.years: -1.0 must lie"),
    ({"wrong_way": {"bnb": {"issuer": "", "recovery": 0}}}, "bnb.issuer: has no name"),
    ({"wrong_way": {"bnb": {"issuer": "  ", "recovery": 0}}}, "bnb.issuer: has no name")])
def test_a_floor_of_no_years_and_an_issuer_without_a_name_are_refused(written, changed, told):
    with pytest.raises(BadInput) as refused:
        _read(written, changed)

    assert told in str(refused.value)


def test_two_sections_of_one_name_and_day_are_refused_and_both_named(written):
    document = json.loads(written.read_text(encoding="utf-8"))
    document["sections"].append(document["sections"][0])
    written.write_text(json.dumps(document), encoding="utf-8")
    last, name = len(document["sections"]) - 1, document["sections"][0]["section"]

    assert f"sections[{last}]: and sections[0] are both '{name}' from" in _refused(written)


def test_moves_are_never_typed_by_hand(written):
    with pytest.raises(BadInput, match=r"moves\.base"):
        _read(written, {"moves": {"base": {"move": [[0.1]], "factors": []}}})


def test_another_file_of_arrays_is_refused_by_its_digest(written):
    arrays = written.with_suffix(".npz")
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"x")

    assert "digest" in _refused(written)


def test_a_missing_file_of_arrays_is_named(written):
    written.with_suffix(".npz").unlink()

    assert "mine.npz" in _refused(written)


def test_pickles_are_never_opened(written):
    columns = _columns(written)
    columns["base.labels"] = np.array(["a", {"b": 1}], object)
    _rewritten(written, columns)

    assert "no file of arrays" in _refused(written)


@pytest.mark.parametrize("packed", [b"PK", b"", b"\x93NUMPY", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_is_refused(written, packed):
    _packed(written, packed)

    assert "arrays" in _refused(written)


@pytest.mark.parametrize("content", [b"\x93NUMPY\x01\x00 {'descr': boom", b"\0" * 4096, b""])
def test_bytes_that_are_no_arrays_are_refused(written, content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in _columns(written):
            archive.writestr(f"{name}.npy", content)
    _packed(written, out.getvalue())

    assert "no file of arrays" in _refused(written)


@pytest.mark.parametrize(("name", "array"), [
    ("base.move", np.zeros((80, 3))), ("base.move", np.zeros((80, 20), np.float32)),
    ("base.weight", np.full(79, 1.0)), ("base.move", np.full((80, 20), np.nan)),
    ("base.weight", np.full(80, -1.0)), ("base.labels", np.zeros(80)),
    ("base.move", np.full((80, 20), 50.0))])
def test_arrays_of_other_shapes_and_numbers_are_refused(written, name, array):
    columns = _columns(written)
    assert columns["base.move"].shape == (80, 20)
    _rewritten(written, columns | {name: array})

    assert _refused(written)


def test_arrays_that_nobody_announced_are_refused(written):
    _rewritten(written, _columns(written) | {"extra.move": np.zeros(3)})

    assert "other arrays" in _refused(written)


@pytest.mark.parametrize("name", ["../mine.npz", "/etc/passwd", "a\\b.npz", "", 7, None])
def test_files_in_other_folders_are_refused(written, name):
    tree = json.loads(written.read_text(encoding="utf-8"))
    values = next(s for s in tree["sections"] if s["section"] == "moves")["values"]

    with pytest.raises(BadInput, match=r"moves\.file"):
        moves_in(values | {"file": name}, str(written.parent))


@pytest.mark.parametrize("sets", [
    None, {}, {"base": 3}, {"base": {"factors": "x"}}, {"odd": {}}, {"breaks.": {}},
    {"base": {"factors": [1], "horizon_days": 2, "method": "m"}},
    {"base": {"factors": ["BTC price"], "horizon_days": True, "method": "m"}},
    {"base": {"factors": ["BTC price"], "horizon_days": 10**400, "method": "m"}},
    {"base": {"factors": ["BTC price"], "horizon_days": 2, "method": "m" * 10**6}},
    {"base": {"factors": ["BTC price"], "horizon_days": 2, "method": "m", "horizon": 1}}])
def test_incomplete_heads_are_refused(written, sets):
    tree = json.loads(written.read_text(encoding="utf-8"))
    values = next(s for s in tree["sections"] if s["section"] == "moves")["values"]

    with pytest.raises(BadInput, match=r"moves\.sets"):
        moves_in(values | {"sets": sets}, str(written.parent))


def test_a_misspelt_key_of_the_moves_is_named(written):
    tree = json.loads(written.read_text(encoding="utf-8"))
    values = next(s for s in tree["sections"] if s["section"] == "moves")["values"]

    with pytest.raises(BadInput, match=r"moves\.weights is unknown|moves\.weights: is unknown"):
        moves_in(values | {"weights": 1}, str(written.parent))


# A file in place of the model's own.


def _portfolio(parameters):
    return {"as_of": "2026-01-14T12:00:00Z", "model": "dynamic", "parameters": parameters,
            "market": {"indices": {"BTC": "90000"}, "assets": {"USDC": "1"}, "instruments": {
                "BTC-USDC:USDC-PERP": {"mark": "90000"}}},
            "account": {"balances": {"USDC": "100000"}, "positions": [
                {"instrument": "BTC-USDC:USDC-PERP", "quantity": "-1", "unit": "coin",
                 "entry_price": "90000"}]}}


def _initial(portfolio, **given):
    return margin_of(portfolio, readings=False, **given).pools[0].initial


def test_a_file_stands_for_the_models_own(written):
    version = parameters_of(model_named("dynamic"), AS_OF, file=str(written))

    assert PRESET == version.parameters
    with pytest.raises(BadInput, match="not of deribit_spm"):
        parameters_of(model_named("deribit_spm"), AS_OF, file=str(written))


def test_a_portfolio_names_its_parameters_beside_it(written, tmp_path):
    path = tmp_path / "portfolio.json"
    path.write_text(json.dumps(_portfolio({"file": "mine.json", "stress": None})))
    named, plain = read_portfolio(str(path)), read_portfolio(
        json.dumps(_portfolio({})).encode())
    own = margin_of(named, readings=False)

    assert "stress" not in own.pools[0].initial_components
    assert _initial(named) != _initial(plain)
    assert _initial(plain, parameters_file=str(written)) > _initial(named)


@pytest.mark.parametrize(("parameters", "told"), [
    ({"file": "absent.json"}, "absent.json"), ({"file": 7}, "parameters.file"),
    ({"file": "mine.npz"}, "mine.npz")])
def test_files_that_are_no_parameters_are_refused(written, tmp_path, parameters, told):
    path = tmp_path / "portfolio.json"
    path.write_text(json.dumps(_portfolio(parameters)))

    with pytest.raises(BadInput, match=told):
        margin_of(read_portfolio(str(path)))


def test_a_document_without_a_folder_names_no_file():
    with pytest.raises(BadInput, match="names a file"):
        read_portfolio(json.dumps(_portfolio({"file": "mine.json"})).encode())


def test_a_proposal_is_judged_with_its_arrays(written):
    assert () == objections(model_named("dynamic"), proposed(str(written)), as_of=AS_OF)
    with pytest.raises(BadInput, match="names a file beside"):
        proposed(written.read_bytes())


def test_the_shipped_preset_is_what_its_seed_says():
    version = parameters_of(model_named("dynamic"), AS_OF)

    assert simulated_parameters() == version.parameters


def test_the_command_line_takes_a_file_and_reports_the_standard_error(written, tmp_path, capsys):
    path = tmp_path / "portfolio.json"
    path.write_text(json.dumps(_portfolio({})))
    asked = ["margin", str(path), "--parameters", str(written)]

    assert 0 == answered([*asked, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["initial_margin"] == _initial(read_portfolio(str(path)),
                                              parameters_file=str(written))
    assert 0 < told["figures"]["standard_error"] < told["figures"]["expected_shortfall"]
    assert "joint" == told["worst_scenario"]["table"]

    assert 0 == answered(["explain", *asked[1:]])
    text = capsys.readouterr().out
    assert "standard error" in text and "worst for the account: draw" in text
    assert "80 joint moves" in text

    assert 0 != answered([*asked, "--model", "deribit_spm"])
    assert "not of deribit_spm" in capsys.readouterr().err
