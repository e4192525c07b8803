"""Does a log begin as its genesis file says, and with nothing where the file is wrong?"""

import json

import pytest

from counterpoise.adapters.genesis_file import genesis_document, read_genesis
from counterpoise.adapters.models import model_named
from counterpoise.engine.image import state_root
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.engine.state import Equipment
from counterpoise.values.failure import BadInput
from engine_world import MODEL, World

EQUIPMENT = Equipment(models={"standard": model_named("standard"), MODEL.name: MODEL})
PERP = "BTC-USDC:USDC-PERP"
GOOD = {"time": "2026-01-14T08:00:00Z", "assets": {"BTC": 8, "USD": 6, "USDC": 6},
        "instruments": [PERP], "segments": {"retail": {"model": "standard"}}}


def read(document, folder):
    path = folder / "genesis.json"
    path.write_text(json.dumps(document))
    return read_genesis(str(path), EQUIPMENT)


def test_genesis_has_assets_instruments_and_segments_with_their_parameters(tmp_path):
    found = read(GOOD, tmp_path)
    defined, activated = found.events

    assert [("BTC", 8), ("USD", 6), ("USDC", 6)] == [(a.code, a.decimals)
                                                     for a in found.first.assets]
    assert [PERP] == [c.id for c in found.first.catalogue.instruments]
    assert ("retail", "standard", DEFAULT_LEVELS) == (defined.segment, defined.model,
                                                      defined.levels)
    assert "standard" == activated.version.model and 0 == activated.effective_from


def test_state_of_an_engine_comes_back_from_its_genesis_document(tmp_path):
    first = World().state

    assert state_root(first) == state_root(read(genesis_document(first, None), tmp_path).first)


def test_rules_levels_and_parameters_replace_what_is_usual(tmp_path):
    levels = [{"name": "margin", "measure": "maintenance", "at": 1000, "clear_at": 1100,
               "action": "call", "grace_ns": 5}]
    found = read(GOOD | {"rules": {"calm_ns": 7}, "segments": {"retail": {
        "model": "standard", "levels": levels}}}, tmp_path)

    assert 7 == found.first.rules.calm_ns and 200 == found.first.rules.orders_max
    assert ["margin"] == [level.name for level in found.events[0].levels]


@pytest.mark.parametrize(("changes", "words"), [
    ({"time": "soon"}, "is not an ISO 8601 time"), ({"time": -1}, "use 1970 to 2116"),
    ({"time": 1.5}, "must be an integer"), ({"tme": 1}, "tme: is no part of a genesis file"),
    ({"assets": {"btc": 8}}, "is not an asset code"), ({"assets": {"BTC": 99}}, "use 0 to 12"),
    ({"assets": {"BTC": "8"}}, "assets.BTC: is '8'; it must be an integer"),
    ({"assets": ["BTC"]}, "must be an object in braces"),
    ({"assets": {"BTC": 8}}, "USDC: is paid by a contract"),
    ({"instruments": PERP}, "must be a list in brackets"),
    ({"instruments": [PERP, PERP]}, "twice"), ({"instruments": ["X"]}, "X"),
    ({"instruments": [7]}, "must name what it is"),
    ({"instruments": [{"kind": "contracts.Perpetual"}]}, "instruments[0].underlying: is missing"),
    ({"rules": {"calm": 1}}, "rules.calm: is no field of Rules"),
    ({"rules": {"calm_ns": -1}}, "rules.calm_ns: is -1; at least 0"),
    ({"segments": {"retail": {}}}, "needs a model"),
    ({"segments": {"retail": {"model": "none"}}}, "is not a margin model"),
    ({"segments": {"retail": {"model": "standard", "x": 1}}}, "is no part of a segment"),
    ({"segments": {"retail": {"model": "standard", "levels": []}}}, "level"),
    ({"segments": {"retail": {"model": "standard", "parameters": {"x": 1}}}}, "parameters.x"),
    ({"market": "ours"}, "market: is 'ours'; it must be an object"),
    ({"market": {"origin": "made up", "source": ""}}, "use one of simulated, recorded, fed"),
])
def test_bad_genesis_is_refused_by_name(changes, words, tmp_path):
    with pytest.raises(BadInput) as wrong:
        read(GOOD | changes, tmp_path)

    assert words in str(wrong.value)


@pytest.mark.parametrize("key", ["time", "assets", "instruments"])
def test_genesis_without_a_part_is_refused(key, tmp_path):
    with pytest.raises(BadInput, match=f"{key}: is missing"):
        read({k: v for k, v in GOOD.items() if k != key}, tmp_path)


def test_all_violations_are_named_at_once(tmp_path):
    with pytest.raises(BadInput) as wrong:
        read(GOOD | {"time": "soon", "assets": {"btc": 8}, "rules": {"x": 1}}, tmp_path)

    assert 3 == len(wrong.value.failures)
