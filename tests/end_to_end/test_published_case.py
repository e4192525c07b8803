"""Deribit's own example, asked for at the command line.

Source: docs.deribit.com, private/pme/simulate, response example of 2024-06-17 (currency BTC).
"""

import json

import pytest

from counterpoise.apps.cli.main import answered

EXAMPLE = {
    "as_of": "2024-06-17T10:22:20Z", "model": "deribit_spm", "symbols": "deribit",
    "market": {"indices": {"BTC": "65666.19"}, "instruments": {
        "BTC-PERPETUAL": {"mark": "65910.57"}, "BTC-28JUN24": {"mark": "67371.75"}}},
    "account": {"given": {"mmp_margin": "0.06", "open_orders_margin": "0.000018212"}, "positions": [
        {"instrument": "BTC-PERPETUAL", "quantity": "0.314538364", "unit": "coin"},
        {"instrument": "BTC-28JUN24", "quantity": "-0.001187534", "unit": "coin"}]},
}


def test_published_example_comes_out_of_the_command_line(tmp_path, capsys):
    path = tmp_path / "example.json"
    path.write_text(json.dumps(EXAMPLE))
    assert 0 == answered(["margin", str(path), "--json"])

    document = json.loads(capsys.readouterr().out)
    worst = document["worst_scenario"]
    assert document["initial_margin"] == pytest.approx(0.122861343, abs=1e-12)
    assert document["maintenance_margin"] == pytest.approx(0.050274504784, abs=1e-12)
    assert worst["loss"] == pytest.approx(0.05968587238095239, abs=1e-12)
    roll = document["components"]["roll_shock"]["initial"]
    assert roll == pytest.approx(0.00315725898, abs=1e-12)
    assert ("standard", 1, 1, "left") == (worst["table"], worst["index"], worst["bucket"],
                                          worst["side"])
