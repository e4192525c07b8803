"""The published JSON Schema is what the reader enforces."""

import json
from typing import Any

from bad_input_table import STRUCTURE, good
from counterpoise.adapters.portfolio.schema import portfolio_schema

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float)}


def conforms(tree: Any, shape: dict[str, Any]) -> bool:
    """Validate with the few keywords that the schema uses, as JSON Schema defines them."""
    kinds = shape.get("type", list(TYPES))
    kinds = kinds if isinstance(kinds, list) else [kinds]
    fits = any(isinstance(tree, TYPES[k]) and not (k == "number" and isinstance(tree, bool))
               for k in kinds)
    if "anyOf" in shape and not any(conforms(tree, s) for s in shape["anyOf"]):
        return False
    if "oneOf" in shape and sum(conforms(tree, s) for s in shape["oneOf"]) != 1:
        return False
    if "enum" in shape and tree not in shape["enum"]:
        return False
    if isinstance(tree, dict):
        properties, others = shape.get("properties", {}), shape.get("additionalProperties", True)
        return fits and set(shape.get("required", ())) <= tree.keys() and all(
            conforms(child, properties[key]) if key in properties
            else bool(others) and (others is True or conforms(child, others))
            for key, child in tree.items())
    if isinstance(tree, list) and "items" in shape:
        return fits and all(conforms(item, shape["items"]) for item in tree)
    return fits


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
