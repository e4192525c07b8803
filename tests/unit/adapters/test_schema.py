"""The published JSON Schema is what the reader enforces."""

import json

from bad_input_table import STRUCTURE, good
from counterpoise.adapters.portfolio.schema import portfolio_schema
from json_shapes import conforms


def test_good_portfolio_conforms():
    assert conforms(good(), portfolio_schema())


def test_what_the_reader_refuses_for_its_structure_does_not_conform(tmp_path):
    by_values = {"account id twice", "accounts without ids"}
    for bad in STRUCTURE:
        bad.make(tmp_path / "input")
        document = json.loads((tmp_path / "input").read_text())
        assert (bad.name in by_values) == conforms(document, portfolio_schema()), bad.name


def test_schema_is_json_and_yours_to_change():
    changed = portfolio_schema()
    changed["title"] = "mine"

    assert json.loads(json.dumps(portfolio_schema())) == portfolio_schema() != changed


def test_schema_has_room_for_what_the_rule_books_read():
    properties = portfolio_schema()["properties"]
    account = properties["account"]["properties"]
    market = properties["market"]["anyOf"][1]["properties"]

    assert {"loans", "wallets", "collateral", "given", "equity", "orders"} <= account.keys()
    assert {"rates", "surfaces", "confidence", "settlement_averages", "forwards"} <= market.keys()
    assert {"funding_rate", "forward_fixed", "confidence"} <= (
        market["instruments"]["additionalProperties"]["properties"].keys())


def test_every_number_may_be_text():
    assert '"type": "number"' not in json.dumps(portfolio_schema())
