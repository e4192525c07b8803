"""Does a JSON tree conform to a schema? The few keywords that our schemas use."""

from typing import Any

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float),
         "integer": int, "null": type(None)}


def conforms(tree: Any, shape: dict[str, Any]) -> bool:
    """Validate with the few keywords that the schema uses, as JSON Schema defines them."""
    kinds = shape.get("type", list(TYPES))
    kinds = kinds if isinstance(kinds, list) else [kinds]
    fits = any(isinstance(tree, TYPES[k]) and not (k in ("number", "integer") and isinstance(
        tree, bool)) for k in kinds)
    if "anyOf" in shape and not any(conforms(tree, s) for s in shape["anyOf"]):
        return False
    if "oneOf" in shape and sum(conforms(tree, s) for s in shape["oneOf"]) != 1:
        return False
    if isinstance(tree, int) and not shape.get("minimum", tree) <= tree <= shape.get(
            "maximum", tree):
        return False
    if "enum" in shape and tree not in shape["enum"]:
        return False
    if isinstance(tree, dict):
        properties, others = shape.get("properties", {}), shape.get("additionalProperties", True)
        return fits and set(shape.get("required", ())) <= tree.keys() and all(
            conforms(child, properties[key]) if key in properties
            else bool(others) and (others is True or conforms(child, others))
            for key, child in tree.items())
    if isinstance(tree, list) and "prefixItems" in shape:
        return fits and len(tree) == shape["minItems"] == shape["maxItems"] and all(
            conforms(item, part) for item, part in zip(tree, shape["prefixItems"], strict=True))
    if isinstance(tree, list) and "items" in shape:
        return fits and all(conforms(item, shape["items"]) for item in tree)
    return fits
