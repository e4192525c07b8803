"""Which JSON objects are events? A JSON Schema, made of the events themselves."""

from enum import Enum
from types import NoneType
from typing import Any, Final, get_args, get_origin

import numpy as np

from counterpoise.engine.codec import EVENT_KINDS
from counterpoise.engine.forms import word_of
from counterpoise.values.quantity import INT64_MAX

Shape = dict[str, Any]
_WORDS: Final = {"enum": ["NaN", "Infinity", "-Infinity"]}
_SCALARS: Final[dict[Any, Shape]] = {
    int: {"type": "integer", "minimum": -INT64_MAX - 1, "maximum": INT64_MAX},
    float: {"anyOf": [{"type": "number"}, _WORDS]}, str: {"type": "string"},
    bool: {"type": "boolean"}, NoneType: {"type": "null"},
    Any: {"type": "object", "required": ["kind"]}}


def event_schema() -> Shape:
    """Return the JSON Schema (draft 2020-12) of one event; what events say is judged later."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Counterpoise event",
        "description": "One line of counterpoise feed. Times are nanoseconds since 1970, amounts "
                       "the asset's smallest unit, lots the contract's; a price is price x "
                       "10**price_exponent.",
        "oneOf": [{**_object(kind, kind.__name__), "title": kind.__name__,
                   "description": (kind.__doc__ or "").split("\n")[0]}
                  for kind in EVENT_KINDS.values()]}


def _object(made: Any, kind: str | None) -> Shape:
    """Return the shape of a class; with a `kind` where its objects must say it."""
    named = {} if kind is None else {"kind": {"enum": [kind]}}
    return {"type": "object", "additionalProperties": False,
            "properties": named | {name: _shape(hint) for name, hint in made.__types__.items()},
            "required": [*named, *(n for n in made.__fields__ if n not in made.__defaults__)]}


def _shape(hint: Any) -> Shape:
    origin, parts = get_origin(hint), get_args(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if origin is np.ndarray:
        floats = np.dtype(get_args(parts[1])[0]).kind == "f"
        return {"type": "array", "items": {"anyOf": [{"type": ["number", "null"]}, _WORDS]}
                if floats else _SCALARS[int]}
    if origin is tuple:
        if parts[-1] is Ellipsis:
            return {"type": "array", "items": _shape(parts[0])}
        return {"type": "array", "prefixItems": [_shape(part) for part in parts],
                "minItems": len(parts), "maxItems": len(parts)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _shape(parts[1])}
    if parts:
        several = sum(hasattr(part, "__fields__") for part in parts) > 1
        return {"anyOf": [_object(part, word_of(part)) if several else _shape(part)
                          for part in parts]}
    if issubclass(hint, Enum):
        return {"enum": [one.value for one in hint]}
    return _object(hint, None)
