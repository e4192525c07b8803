"""What does an event look like in JSON? One form, printed by `inspect` and read by `feed`.

    {"kind": "Deposited", "client_id": "d-1", "time": 1768377600000000000,
     "account": "alice", "asset": "USDC", "amount": 5000000}

`kind` is the event's name, the rest are its fields under their own names: integers are JSON
integers of 64 bits, arrays and tuples lists, choices their words, values of several fields objects
(with a `kind` where the field may hold one of several). A number that nobody said is null in an
array; elsewhere what is not finite is a text, "Infinity". What is printed reads back as the very
same event, to the last bit; what reads otherwise is refused, with every reason.
"""

import math
from enum import Enum
from types import NoneType
from typing import Any, Final, cast, get_args, get_origin

import numpy as np

from counterpoise.adapters.portfolio.document import Number, tree_of
from counterpoise.engine.codec import EVENT_KINDS
from counterpoise.engine.effects import Effect
from counterpoise.engine.events import Event
from counterpoise.engine.forms import Types, word_of
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import INT64_MAX

Object = dict[str, Any]
_KIND: Final = "kind"
_EVENTS: Final[dict[str, Any]] = {kind.__name__: kind for kind in EVENT_KINDS.values()}
_NOT_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_DIGITS_MAX: Final = 400
_WRONG_MAX: Final = 100


def event_document(said: Event | Effect) -> Object:
    """Return an event or effect as a JSON object; of an event, `event_in` is the inverse."""
    return {_KIND: type(said).__name__, **fields_document(said)}


def value_document(value: Any) -> Any:
    """Return a value of several fields as an object that says its `kind`."""
    return {_KIND: word_of(type(value)), **fields_document(value)}


def fields_document(value: Any) -> Object:
    """Return a value of several fields as an object of them alone."""
    return {name: _tree(getattr(value, name), hint) for name, hint in value.__types__.items()}


def _tree(value: Any, hint: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _list_of(value.tolist())
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "__fields__"):
        return value_document(value) if len(_classes(hint)) != 1 else fields_document(value)
    if isinstance(value, tuple):
        parts = _one_of(hint, tuple)
        return [_tree(item, parts[0 if parts[-1] is Ellipsis else k])
                for k, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _tree(item, _one_of(hint, dict)[1]) for key, item in value.items()}
    return value if not isinstance(value, float) or math.isfinite(value) else _word(value)


def _list_of(item: Any) -> Any:
    if isinstance(item, list):
        return [_list_of(one) for one in item]
    if isinstance(item, float) and not math.isfinite(item):
        return None if math.isnan(item) else _word(item)
    return item


def _word(number: float) -> str:
    return next(word for word, one in _NOT_FINITE.items() if one == number or
                math.isnan(one) and math.isnan(number))


def _choices(hint: Any) -> tuple[Any, ...]:
    """Return what an annotation allows, one by one."""
    args = get_args(hint)
    return args if args and get_origin(hint) not in (tuple, dict, np.ndarray) else (hint,)


def _classes(hint: Any) -> list[Any]:
    """Return the classes of values that an annotation allows; none where it allows any."""
    return [one for one in _choices(hint) if hasattr(one, "__fields__")]


def _one_of(hint: Any, origin: Any) -> tuple[Any, ...]:
    return next(get_args(one) for one in _choices(hint) if get_origin(one) is origin)


@frozen
class _Reading:
    """What may be named, and what was found wrong so far."""

    types: Types
    wrong: list[Failure]

    def refuse(self, path: str, sentence: str, reason: Reason = Reason.BAD_VALUE) -> None:
        """Note what is wrong at a place."""
        self.wrong.append(Failure(reason=reason, subject=path[:80] or "event", sentence=sentence))


def event_in(content: bytes, types: Types) -> Event:
    """Return the event of a JSON object; `types` from `codec.vocabulary`.

    Raises
    ------
    BadInput
        If it is none: every violation is named.
    """
    reading = _Reading(types=types, wrong=[])
    tree = tree_of(content)
    event = None
    if not isinstance(tree, dict):
        reading.refuse("event", f"is {_shown(tree)}, not an object in braces")
    elif type(tree.get(_KIND)) is not str or tree[_KIND] not in _EVENTS:
        reading.refuse(_KIND, _unknown_kind(tree))
    else:
        event = _made(_EVENTS[tree.pop(_KIND)], tree, "", reading)
    return cast(Event, _finished(event, reading))


def value_in(hint: Any, tree: Any, path: str, types: Types) -> Any:
    """Return the value of an annotation that a tree (of `tree_of`) says.

    Raises
    ------
    BadInput
        As `event_in`; `path` is what the tree is called.
    """
    reading = _Reading(types=types, wrong=[])
    return _finished(_value(hint, tree, path, reading), reading)


def _finished(value: Any, reading: _Reading) -> Any:
    if reading.wrong:
        raise BadInput(*reading.wrong[:_WRONG_MAX])
    return value


def _unknown_kind(tree: Object) -> str:
    if _KIND not in tree:
        return "is missing; say which event it is, like Deposited"
    return f"is {_shown(tree[_KIND])}, which is no event; counterpoise feed --schema lists them"


def _shown(tree: Any) -> str:
    if isinstance(tree, (dict, list)):
        return "an object" if isinstance(tree, dict) else "a list"
    return {None: "null", True: "true", False: "false"}[tree] if tree is None or isinstance(
        tree, bool) else str(tree)[:40] if isinstance(tree, Number) else repr(tree[:40])


def _value(hint: Any, tree: Any, path: str, reading: _Reading) -> Any:
    choices = _choices(hint)
    if hint is Any or len(_classes(hint)) > 1:
        return _tagged(choices, tree, path, reading)
    if NoneType in choices:
        if tree is None:
            return None
        hint, = [one for one in choices if one is not NoneType]
    if hasattr(hint, "__fields__"):
        if not isinstance(tree, dict):
            return reading.refuse(path, f"is {_shown(tree)}; it must be an object in braces")
        return _made(hint, tree, path, reading)
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint), tree, path, reading)
    if get_origin(hint) is dict:
        if not isinstance(tree, dict):
            return reading.refuse(path, f"is {_shown(tree)}; it must be an object in braces")
        return {key: _value(get_args(hint)[1], item, f"{path}.{key}", reading)
                for key, item in tree.items()}
    if get_origin(hint) is np.ndarray:
        return _array(hint, tree, path, reading)
    return _scalar(hint, tree, path, reading)


def _tagged(choices: tuple[Any, ...], tree: Any, path: str, reading: _Reading) -> Any:
    """Return a value of one of several classes, which its `kind` names."""
    allowed = {word_of(one): one for one in choices if hasattr(one, "__fields__")} or reading.types
    word = tree.get(_KIND) if isinstance(tree, dict) else None
    made = allowed.get(word) if type(word) is str else None
    if made is None or not hasattr(made, "__fields__"):
        known = ", ".join(sorted(allowed)) if len(allowed) < 9 else "like deribit_spm.Parameters"
        return reading.refuse(f"{path}.{_KIND}" if path else _KIND, "must name what it is: "
                              + known)
    return _made(made, {key: item for key, item in tree.items() if key != _KIND}, path, reading)


def _made(made: Any, tree: Object, path: str, reading: _Reading) -> Any:
    """Return the value of a class from an object with its fields, None where one is wrong."""
    before, dot = len(reading.wrong), f"{path}." if path else ""
    for key in tree:
        if key not in made.__types__:
            reading.refuse(f"{dot}{key}", f"is no field of {made.__name__}; it has "
                           + ", ".join(made.__fields__), Reason.UNKNOWN_KEY)
    for name in made.__fields__:
        if name not in tree and name not in made.__defaults__:
            reading.refuse(f"{dot}{name}", f"is missing; {made.__name__} needs it",
                           Reason.MISSING_NUMBER)
    fields = {name: _value(hint, tree[name], f"{dot}{name}", reading)
              for name, hint in made.__types__.items() if name in tree}
    if len(reading.wrong) > before:
        return None
    try:
        return made(**fields)
    except BadInput as refused:
        reading.wrong.extend(Failure(reason=f.reason, subject=f"{dot}{f.subject}",
                                     sentence=f.sentence) for f in refused.failures)
    except (AssertionError, TypeError, ValueError, OverflowError) as wrong:
        reading.refuse(path, f"is no {made.__name__}: {wrong}")
    return None


def _tuple(parts: tuple[Any, ...], tree: Any, path: str, reading: _Reading) -> Any:
    if not isinstance(tree, list):
        return reading.refuse(path, f"is {_shown(tree)}; it must be a list in brackets")
    if parts[-1] is Ellipsis:
        parts = parts[:1] * len(tree)
    if len(parts) != len(tree):
        return reading.refuse(path, f"has {len(tree)} items; it must have {len(parts)}")
    return tuple([_value(part, item, f"{path}[{k}]", reading)
                  for k, (part, item) in enumerate(zip(parts, tree, strict=True))])


def _array(hint: Any, tree: Any, path: str, reading: _Reading) -> Any:
    if not isinstance(tree, list):
        return reading.refuse(path, f"is {_shown(tree)}; it must be a list in brackets")
    dtype = np.dtype(get_args(get_args(hint)[1])[0])
    before = len(reading.wrong)
    items = _items(tree, dtype.kind == "f", path, reading)
    if len(reading.wrong) > before:
        return None
    try:
        return np.array(items, dtype)
    except (ValueError, OverflowError):
        return reading.refuse(path, "is ragged, or holds a number beyond what fits in "
                              f"{dtype.itemsize * 8} bits")


def _items(tree: list[Any], floats: bool, path: str, reading: _Reading) -> list[Any]:
    out: list[Any] = []
    for k, item in enumerate(tree):
        if isinstance(item, list):
            out.append(_items(item, floats, f"{path}[{k}]", reading))
        elif item is None and floats:
            out.append(math.nan)
        else:
            out.append(_scalar(float if floats else int, item, f"{path}[{k}]", reading))
    return out


def _scalar(hint: Any, tree: Any, path: str, reading: _Reading) -> Any:
    if isinstance(hint, type) and issubclass(hint, Enum):
        if type(tree) is str and tree in {one.value for one in hint}:
            return hint(tree)
        return reading.refuse(path, f"is {_shown(tree)}; use one of "
                              + ", ".join(str(one.value) for one in hint))
    if hint is str or hint is bool:
        if type(tree) is hint:
            return tree
        wanted = "a text in quotes" if hint is str else "true or false"
        return reading.refuse(path, f"is {_shown(tree)}; it must be {wanted}")
    return _number(hint, tree, path, reading)


def _number(hint: Any, tree: Any, path: str, reading: _Reading) -> Any:
    """Return an integer, or where a float is due either: as it is written, so it is kept."""
    assert hint in (int, float), hint
    if type(tree) is str and hint is float and tree in _NOT_FINITE:
        return _NOT_FINITE[tree]
    wanted = "an integer" if hint is int else "a number"
    if type(tree) is not Number or len(tree) > _DIGITS_MAX:
        return reading.refuse(path, f"is {_shown(tree)}; it must be {wanted}",
                              Reason.NOT_A_NUMBER)
    if tree.removeprefix("-").isdecimal():
        number = int(tree)
        if -INT64_MAX - 1 <= number <= INT64_MAX:
            return number
        return reading.refuse(path, f"is {tree[:40]}, which is beyond 64 bits",
                              Reason.ABSURD_QUANTITY)
    if hint is float and math.isfinite(float(tree)):
        return float(tree)
    return reading.refuse(path, f"is {tree[:40]}; it must be {wanted}"
                          + ("" if hint is int else " that is finite"), Reason.NOT_A_NUMBER)
