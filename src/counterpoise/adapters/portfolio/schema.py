"""Which keys may a portfolio file have? One JSON Schema, published and enforced.

`pruned` checks a tree against it in one walk, collects every violation and hands back what is
left, so that the values can be checked in the same run.
"""

from typing import Any, Final

from counterpoise.accounts.book import ROLES
from counterpoise.accounts.given import BY_ASSET, BY_POSITION
from counterpoise.adapters.portfolio.document import Number
from counterpoise.adapters.symbols.names import VENUES
from counterpoise.market.conditions import COLUMNS
from counterpoise.values.failure import Failure, Reason

Tree = Any


def _about(shape: dict[str, Any], description: str) -> dict[str, Any]:
    return {**shape, "description": description}


def _exactly(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required),
            "additionalProperties": False}


def _map(shape: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": shape}


_NUMBER: Final = {"type": ["number", "string"]}
_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_FREE: Final = {"type": "object"}
_LABELLED: Final = ("by UNDERLYING (all expiries) or UNDERLYING-EXPIRY, like BTC-28JUN24, "
                    "BTC-240628 or BTC-20240628")

_UNIT: Final = {"enum": ["contracts", "coin", "quote"],
                "description": "of quantity; default contracts"}

_DEFINITION: Final = _exactly({
    "kind": {"enum": ["spot", "perpetual", "future", "option"]},
    "underlying": _about(_TEXT, "asset code"),
    "quote": _about(_TEXT, "asset code of the price"),
    "settlement": _about(_TEXT, "asset code of the P&L; default: the quote"),
    "multiplier": _about(_NUMBER, "underlying (inverse future: quote) units per contract; "
                         "default 1"),
    "lot_exponent": _about(_NUMBER, "a lot is 10**this contracts"),
    "expiry": _about(_TEXT, "ISO 8601 with zone"),
    "strike": _about(_NUMBER, "quote per underlying"),
    "right": {"enum": ["C", "P"]},
    "settlement_window_minutes": _about(_NUMBER, "index averaging before expiry; default 30"),
}, "kind", "underlying", "quote")

_QUOTE: Final = _exactly({
    "mark": _about(_NUMBER, "quote per underlying; options: premium in the settlement asset"),
    "forward": _about(_NUMBER, "options: forward of the expiry; with forward_fixed its variable "
                      "part"),
    "forward_fixed": _about(_NUMBER, "options: part of the forward that is averaged already"),
    "iv": _about(_NUMBER, "options: annualised volatility as a fraction, 0.55 = 55 %"),
    "rate": _about(_NUMBER, "options: continuously compounded discount rate; none: undiscounted"),
    **{name: _about(_NUMBER, sentence) for name, sentence in COLUMNS.items()},
})

_SMILE: Final = _exactly({
    **{name: _about(_NUMBER, "raw SVI of total variance") for name in ("a", "b", "rho", "m",
                                                                        "sigma")},
    "forward": _about(_NUMBER, "forward that it was made for; default: the option's own"),
    "years": _about(_NUMBER, "time to expiry that it was made for; default: the option's own"),
    "width": _about(_NUMBER, "the smile ends at width x sqrt(a + b sigma) on either side (Derive: "
                    "4); default: nowhere"),
}, "a", "b", "rho", "m", "sigma")

_MARKET: Final = _exactly({
    "indices": _about(_map(_NUMBER), "USD index by underlying"),
    "assets": _about(_map(_NUMBER), "USD price by asset; coins default to their index"),
    "instruments": _map(_QUOTE),
    "forwards": _about(_map(_NUMBER), f"forward of options without their own, {_LABELLED}"),
    "rates": _about(_map(_NUMBER), f"discount rate of options without their own, {_LABELLED}"),
    "settlement_averages": _about(_map(_NUMBER), "index average since the settlement window "
                                  f"opened, {_LABELLED}"),
    "surfaces": _about(_map(_SMILE), "smile of options without their own iv, by UNDERLYING-EXPIRY"),
    "confidence": _about(_map(_NUMBER), "0 to 1, by feed: index:BTC, asset:USDC, "
                         f"forward:, volatility: or rate: {_LABELLED}"),
    "borrow_rates": _about(_map(_NUMBER), "by asset, annualised fraction"),
    "source": _about(_TEXT, "where the numbers come from, shown with every result"),
    "simulated": _about(_FLAG, "true: generated, not observed"),
    "sequence": _about(_NUMBER, "of the snapshot"),
    "snapshot": _about(_TEXT, "path of a snapshot or option chain, relative to this file; "
                       "excludes every other key but perpetuals"),
    "perpetuals": _about(_TEXT, "path of perpetual prices, with snapshot only"),
})

_POSITION: Final = _exactly({
    "instrument": _TEXT,
    "quantity": _about(_NUMBER, "long > 0, short < 0"),
    "unit": _UNIT,
    "entry_price": _about(_NUMBER, "options: premium in the settlement asset"),
    "entry_cost": _about(_NUMBER, "instead of entry_price: quantity x contract value at entry in "
                         "the settlement asset"),
    "isolated": _about(_FLAG, "true: margined by itself, as an account of its own"),
    "isolated_margin": _about(_NUMBER, "what an isolated position has to itself, in its settlement "
                              "asset"),
    "given": _about(_exactly({name: _about(_NUMBER, amount.sentence)
                              for name, amount in BY_POSITION.items()}),
                    "amounts of the whole position that only the venue knows"),
}, "instrument", "quantity")

_ORDER: Final = _exactly({
    "instrument": _TEXT,
    "quantity": _about(_NUMBER, "still open; buy > 0, sell < 0, or positive with side"),
    "side": {"enum": ["buy", "sell"]},
    "unit": _UNIT,
    "price": _about(_NUMBER, "limit price in the instrument's quote"),
    "reduce_only": _about(_FLAG, "true is not supported yet"),
}, "instrument", "quantity")

_LOAN: Final = _exactly({
    "amount": _about(_NUMBER, "owed, above 0"),
    "rate": _about(_NUMBER, "annualised fraction"),
}, "amount")
_AMOUNT: Final = {"anyOf": [_NUMBER, _map(_NUMBER)]}
_ACCOUNT: Final = _exactly({
    "id": _TEXT,
    "balances": _about(_map(_NUMBER), "by asset, beside wallets; negative is borrowed"),
    "positions": {"type": "array", "items": _POSITION},
    "orders": {"type": "array", "items": _ORDER},
    "given": _about(_exactly({name: _about(_AMOUNT, amount.sentence)
                              for name, amount in BY_ASSET.items() if name != "equity"}),
                    "amounts that only the venue knows: a number in the account's one pool, or by "
                    "asset"),
    "equity": _about(_map(_NUMBER), "equity as the venue reports it, by asset"),
    "loans": _about(_map(_LOAN), "what is borrowed, by asset; taken off the balances"),
    "wallets": _about(_map(_map(_NUMBER)), "balances by wallet and asset; all count together"),
    "collateral": _about(_map({"enum": list(ROLES)}), "what an asset is used for; default "
                         "collateral. hedge: collateral that also offsets risk"),
})

_SCHEMA: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Counterpoise portfolio file",
    "description": "A market, one or more accounts and a model. Numbers may be JSON numbers or "
                   "strings and are read exactly as written; a missing number is never zero.",
    **_exactly({
        "as_of": _about(_TEXT, "ISO 8601 with zone; may be left out where market is a snapshot"),
        "model": _about(_TEXT, "margin model, like deribit_spm"),
        "parameters": _about(_FREE, "overrides of the model's parameters"),
        "symbols": {"enum": list(VENUES), "description": "whose names instruments have; default "
                    "counterpoise, the canonical ids"},
        "note": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        "instruments": _about(_map(_DEFINITION), "own definitions by name"),
        "market": {"anyOf": [_about(_TEXT, "path of a snapshot, relative to this file"), _MARKET]},
        "account": _ACCOUNT,
        "accounts": {"type": "array", "items": _ACCOUNT},
    }, "market"),
    "oneOf": [{"required": ["account"]}, {"required": ["accounts"]}],
}
_HINTS_MAX: Final = 200
_TYPES: Final[dict[type, str]] = {dict: "object", list: "array", str: "string", Number: "number",
                                  bool: "boolean"}
_NAMES: Final = {"object": "an object in braces", "array": "a list in brackets",
                 "string": "text in quotes", "number": "a number", "boolean": "true or false",
                 "null": "null"}


def portfolio_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the portfolio file, yours to change."""
    from copy import deepcopy

    return deepcopy(_SCHEMA)


def pruned(tree: Tree, failures: list[Failure]) -> Tree:
    """Return the tree without what the schema does not allow; each violation joins `failures`.

    Absent and null are the same. The result of a wrong root is an empty dict.
    """
    kept = _pruned(tree, _SCHEMA, "", failures)
    return {} if kept is None else kept


def _pruned(tree: Tree, shape: dict[str, Any], path: str, failures: list[Failure]) -> Tree:
    found = _TYPES.get(type(tree), "null")
    if "anyOf" in shape:
        shape = next((s for s in shape["anyOf"] if found in s["type"]),
                     {"type": [t for s in shape["anyOf"] for t in _types(s)]})
    if "enum" in shape:
        wrong = f"is {str(tree)[:40]!r}; use one of {', '.join(shape['enum'])}"
        return tree if tree in shape["enum"] else _wrong(failures, path, wrong)
    if found not in shape["type"]:
        wanted = " or ".join(dict.fromkeys(_NAMES[t] for t in _types(shape)))
        return _wrong(failures, path, f"is {_NAMES[found]}; it must be {wanted}")
    if found == "object":
        return _pruned_object(tree, shape, path, failures)
    if found == "array" and "items" in shape:
        return [_pruned(item, shape["items"], f"{path}[{k}]", failures)
                for k, item in enumerate(tree)]
    return tree


def _pruned_object(tree: dict[str, Tree], shape: dict[str, Any], path: str,
                   failures: list[Failure]) -> Tree:
    properties, others = shape.get("properties", {}), shape.get("additionalProperties", True)
    kept = {}
    for key, child in tree.items():
        child_path = f"{path}.{key}" if path else key
        child_shape = properties.get(key, others)
        if child_shape is False:
            failures.append(_unknown_key(key, child_path, properties, len(failures) < _HINTS_MAX))
        elif child_shape is True:
            kept[key] = child
        elif child is not None:
            cleaned = _pruned(child, child_shape, child_path, failures)
            kept |= {} if cleaned is None else {key: cleaned}
    for key in shape.get("required", ()):
        if tree.get(key) is None:
            failures.append(_missing_key(key, path, properties[key]))
    return kept


def _types(shape: dict[str, Any]) -> list[str]:
    kind = shape.get("type", "string")
    return kind if isinstance(kind, list) else [kind]


def _wrong(failures: list[Failure], path: str, sentence: str) -> None:
    failures.append(Failure(reason=Reason.BAD_VALUE, subject=path or "document", sentence=sentence))


def _unknown_key(key: str, path: str, properties: dict[str, Any], hinted: bool) -> Failure:
    from difflib import get_close_matches

    close = get_close_matches(key[:60], properties, n=1) if hinted else []
    right = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(properties)}"
    return Failure(reason=Reason.UNKNOWN_KEY, subject=path[:200],
                   sentence=f"is not a key of the portfolio file; {right}")


def _missing_key(key: str, path: str, shape: dict[str, Any]) -> Failure:
    number = "number" in _types(shape)
    return Failure(reason=Reason.MISSING_NUMBER if number else Reason.BAD_VALUE,
                   subject=f"{path}.{key}" if path else key,
                   sentence="is missing; a missing number is never taken as zero" if number
                   else "is missing; the file cannot be understood without it")
