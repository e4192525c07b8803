"""Which parameters act at an instant: the dated sections of a model's data file, put together.

A data file lies beside its model, ours or not. It is a list of sections, each with the day on which
it was observed and the day from which it acts. For every section name the latest one in force is
taken. Where none is in force yet, or the day is not the day of observation, the version says so in
its notes: that use is *our reading*. A section `observed_on` "example" is ours: the model says so.
"""

import json
import math
import os
import sys
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin

from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion, oddities_of
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.time import DAY_NS, format_instant, parse_instant

_DEEPEST: Final = 4
FILE: Final = "file"
"""Among the overrides of a portfolio: the path of a dated document to take for the model's own."""


def parameters_of(model: MarginModel, as_of: int,
                  overrides: dict[str, Any] | None = None,
                  file: str | None = None) -> ParameterVersion:
    """Return the version of `model`'s parameters for the instant `as_of`.

    `overrides` is a tree of parameter names that replaces single values. The dated document is that
    in `file` or, where none is given, in the file that the overrides name, else the model's own.

    Raises
    ------
    BadInput
        If an override names no parameter or has a value of the wrong kind, or the file is no dated
        document of this model: every violation is listed.
    """
    changes = dict(overrides or {})
    named = changes.pop(FILE, None)
    document = _document(model) if file is None and named is None else document_in(
        named if file is None else file, model)
    return version_in(document, model=model, as_of=as_of, overrides=changes)


def version_in(document: dict[str, Any], *, model: MarginModel, as_of: int,
               overrides: dict[str, Any] | None = None) -> ParameterVersion:
    """Return the version that a dated document, `number` and `sections`, has for an instant.

    Raises
    ------
    BadInput
        As `parameters_of`.
    """
    chosen = _in_force(document["sections"], as_of)
    tree: dict[str, Any] = {}
    for section in chosen:
        _put(tree, section["section"].split("."), section["values"])
    replaced = _merge(tree, overrides or {})
    wrong: list[Failure] = []
    parameters = _typed(model.parameters_type, tree, "parameters", wrong)
    if wrong:
        raise BadInput(*wrong)
    return ParameterVersion(
        model=model.name, number=document["number"], parameters=parameters,
        sections=tuple((s["section"], s["observed_on"], s["effective_from"]) for s in chosen),
        notes=(*((s["section"], n) for s in chosen
                 if (n := _note(s, as_of)) and not _covered(s, replaced)),
               *oddities_of(parameters)),
        overridden=replaced)


def _document(model: MarginModel) -> dict[str, Any]:
    """Read the dated data beside the model's own module: `parameters/NAME.json`."""
    beside = os.path.dirname(sys.modules[type(model).__module__].__file__ or "")
    folder = os.path.join(beside, "parameters")
    try:
        with open(os.path.join(folder, f"{model.name}.json"), "rb") as file:
            document = dict(json.load(file))
    except FileNotFoundError:
        raise bad_input(Reason.NO_PARAMETERS, model.name, "has no dated parameters; its package "
                        f"should hold parameters/{model.name}.json beside the model") from None
    if not any(section["section"] == "moves" for section in document["sections"]):
        return document
    from counterpoise.adapters.dynamic_file import with_moves  # most models have no arrays

    return with_moves(document, folder)


def document_in(path: Any, model: MarginModel) -> dict[str, Any]:
    """Return the dated document of a model in a file, to be asked by `version_in`.

    Raises
    ------
    BadInput
        If it is none, or one of another model.
    """
    from counterpoise.adapters.dated_document import dated_document  # few portfolios name a file

    if not isinstance(path, str):
        raise bad_input(Reason.BAD_VALUE, "parameters.file", "is not a path of a file")
    document = dated_document(path)
    if document.get("model", model.name) != model.name:
        raise bad_input(Reason.BAD_VALUE, path, f"holds parameters of {document['model']!s:.40}, "
                        f"not of {model.name}")
    return {"number": 0} | document


def _in_force(sections: list[dict[str, Any]], as_of: int) -> list[dict[str, Any]]:
    _refuse_twice(sections)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for section in sections:
        by_name.setdefault(section["section"], []).append(section)
    return [_latest(dated, as_of) for dated in by_name.values()]


def _refuse_twice(sections: list[dict[str, Any]]) -> None:
    """Refuse sections of one name that act from the same day: which of them would?"""
    first: dict[tuple[str, str], int] = {}
    wrong = []
    for k, section in enumerate(sections):
        name, day = section["section"], section["effective_from"]
        before = first.setdefault((name, day), k)
        if before != k:
            wrong.append(Failure(reason=Reason.DUPLICATE, subject=f"sections[{k}]", sentence=(
                f"and sections[{before}] are both {name[:40]!r} from {day}; keep one, or give one "
                "of them another day")))
    if wrong:
        raise BadInput(*wrong[:100])


def _latest(dated: list[dict[str, Any]], as_of: int) -> dict[str, Any]:
    ordered = sorted(dated, key=lambda s: str(s["effective_from"]))
    started = [s for s in ordered if _start(s) <= as_of]
    return started[-1] if started else ordered[0]


def _start(section: dict[str, Any]) -> int:
    return parse_instant(section["effective_from"] + "T00:00:00Z")


def _note(section: dict[str, Any], as_of: int) -> str | None:
    if section["observed_on"] == "example":
        return None
    name, day = section["section"], format_instant(as_of)[:10]
    if section["observed_on"] == "undated":
        return f"{name}: from an undated page, used for {day}"
    if as_of < _start(section):
        return (f"{name}: acts from {section['effective_from']}, used for the earlier {day} for "
                "want of older ones")
    observed = parse_instant(section["observed_on"] + "T00:00:00Z")
    if not 0 <= as_of - observed < DAY_NS:
        return f"{name}: observed on {section['observed_on']}, used for {day}"
    return None


def _covered(section: dict[str, Any], replaced: tuple[str, ...]) -> bool:
    return all(f"{section['section']}.{key}" in replaced for key in section["values"])


def _put(tree: dict[str, Any], path: list[str], values: dict[str, Any]) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = dict(values)


def _merge(tree: dict[str, Any], changes: dict[str, Any], path: str = "") -> tuple[str, ...]:
    """Put `changes` into `tree`; return the dotted names of the leaves that were replaced."""
    if path.count(".") > _DEEPEST:
        raise bad_input(Reason.UNKNOWN_KEY, f"parameters.{path[:60]}", "lies deeper than any "
                        "parameter")
    names: tuple[str, ...] = ()
    for key, value in changes.items():
        name = f"{path}{key}"
        if isinstance(value, dict):
            below = tree.get(key)
            tree[key] = dict(below) if isinstance(below, dict) else {}
            names += _merge(tree[key], value, f"{name}.")
        else:
            tree[key] = value
            names += (name,)
    return names


def typed(kind: Any, tree: Any, path: str) -> Any:
    """Return the value of `kind` that a JSON tree says; `path` is what it is called.

    Raises
    ------
    BadInput
        With every violation: unknown and missing keys, values of another kind, no valid value.
    """
    wrong: list[Failure] = []
    value = _typed(kind, tree, path, wrong)
    if wrong:
        raise BadInput(*wrong)
    return value


def with_changes(value: Any, changes: Any, path: str) -> Any:
    """Return parameters with what a tree of names and values changes in them.

    Raises
    ------
    BadInput
        As `typed`.
    """
    if not hasattr(value, "__fields__") and not isinstance(value, dict):
        raise bad_input(Reason.BAD_VALUE, path, "has no parts to change")
    if not isinstance(changes, dict):
        raise bad_input(Reason.BAD_VALUE, path, "is not a table of names")
    kinds = getattr(type(value), "__types__", {})
    if kinds and (unknown := [key for key in changes if key not in kinds]):
        raise BadInput(*(Failure(reason=Reason.UNKNOWN_KEY, subject=f"{path}.{key}", sentence=(
            "is not a parameter; known here: " + ", ".join(kinds))) for key in unknown))
    made = {key: _changed(value[key] if not kinds else getattr(value, key), item, (
        kinds.get(key), f"{path}.{key}")) if kinds or key in value else _missing(path, key)
        for key, item in changes.items()}
    return _replaced(value, made) if kinds else value | made


def _changed(old: Any, item: Any, place: tuple[Any, str]) -> Any:
    kind, path = place
    if isinstance(item, dict) and (hasattr(old, "__fields__") or isinstance(old, dict)):
        return with_changes(old, item, path)
    return typed(kind or type(old), item, path)


def _missing(path: str, key: str) -> Any:
    raise bad_input(Reason.UNKNOWN_KEY, f"{path}.{key}", "is not in the table that is in force; "
                    "propose parameters that have it as a dated document")


def _replaced(value: Any, made: dict[str, Any]) -> Any:
    return type(value)(**{n: getattr(value, n) for n in value.__fields__} | made)


def _typed(kind: Any, tree: Any, path: str, wrong: list[Failure]) -> Any:
    """Build a value of `kind` from JSON, collecting every violation in `wrong`."""
    if hasattr(kind, "__fields__"):
        ready = type(tree) is kind  # arrays come as values already
        return tree if ready else _typed_value(kind, tree, path, wrong)
    if isinstance(kind, UnionType) and NoneType in get_args(kind):
        one = get_args(kind)[0]
        return None if tree is None else _typed(one, tree, path, wrong)
    if get_origin(kind) is dict:
        if isinstance(tree, dict):
            return {k: _typed(get_args(kind)[1], v, f"{path}.{k}", wrong) for k, v in tree.items()}
        return _refuse(wrong, path, tree, "a table of names")
    if get_origin(kind) is tuple:
        if isinstance(tree, (list, tuple)):
            return tuple(_typed(get_args(kind)[0], v, path, wrong) for v in tree)
        return _refuse(wrong, path, tree, "a list")
    return _scalar(kind, tree, path, wrong)


def _typed_value(kind: Any, tree: Any, path: str, wrong: list[Failure]) -> Any:
    if not isinstance(tree, dict):
        return _refuse(wrong, path, tree, "a table of names")
    before = len(wrong)
    for key in tree:
        if key not in kind.__fields__:
            wrong.append(Failure(reason=Reason.UNKNOWN_KEY, subject=f"{path}.{key}", sentence=(
                "is not a parameter; known here: " + ", ".join(kind.__fields__))))
    fields = {n: _typed(kind.__types__[n], tree[n], f"{path}.{n}", wrong)
              for n in kind.__fields__ if n in tree}
    for name in kind.__fields__:
        if name not in tree and name not in kind.__defaults__:
            wrong.append(Failure(reason=Reason.MISSING_NUMBER, subject=f"{path}.{name}",
                                 sentence="is missing and has no dated value; state it"))
    if len(wrong) > before:
        return None
    try:
        return kind(**fields)
    except BadInput as refused:
        wrong.extend(Failure(reason=f.reason, subject=f"{path}.{f.subject}", sentence=f.sentence)
                     for f in refused.failures)
        return None


def _scalar(kind: Any, given: Any, path: str, wrong: list[Failure]) -> Any:
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    if kinds == (bool,) and not isinstance(given, bool):
        return _refuse(wrong, path, given, "true or false")
    if bool in kinds and isinstance(given, bool) or str in kinds and isinstance(given, str):
        return given
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        return _refuse(wrong, path, given, "a number" if kind is not str else "a text")
    try:
        number = float(given) if not isinstance(given, int) or abs(given) < 10**18 else math.inf
        if int in kinds and number == int(number):
            return int(number)
        if float in kinds and abs(number) < 1e15:
            return number
    except (ValueError, OverflowError):
        pass
    return _refuse(wrong, path, given, "a whole number" if int in kinds else "a finite number")


def _refuse(wrong: list[Failure], path: str, given: Any, wanted: str) -> None:
    huge = isinstance(given, int) and abs(given) >= 10**18
    shown = "a huge integer" if huge else repr(str(given)[:40])
    wrong.append(Failure(reason=Reason.BAD_VALUE, subject=path,
                         sentence=f"{shown} is not {wanted}"))
