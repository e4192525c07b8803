"""What speaks against a proposed set of parameters, before anybody's margin depends on it?

A number is computed with any parameters that have a meaning; where they make no economic sense, a
warning stands beside it. A *proposal* of the same parameters is refused. Proposed is a whole dated
document, as lies beside a model, or a tree of changes, as `parameters` in a portfolio file.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, Final

from counterpoise.adapters.parameters import parameters_of, version_in
from counterpoise.adapters.portfolio.document import plain, tree_of
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion, oddities_of
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.time import instant_of_day

_TEXTS: Final = ("section", "observed_on", "effective_from")
Tree = dict[str, Any]


def proposed(source: str | bytes) -> Tree:
    """Return the proposal in a file (path) or document (bytes).

    Raises
    ------
    BadInput
        If it is not one JSON object, or a dated document without its parts: all are named.
    """
    tree = plain(tree_of(source))
    if not isinstance(tree, dict):
        raise BadInput(Failure(reason=Reason.BAD_VALUE, subject="proposal", sentence=(
            "is not a JSON object; give dated sections, or a table of changed parameters")))
    failures = _shape(tree) if "sections" in tree else []
    if failures:
        raise BadInput(*failures)
    return tree


def objections(model: MarginModel, proposal: Tree, *, as_of: int) -> tuple[Failure, ...]:
    """Return what speaks against a proposal for `model`, each once; none is the good answer.

    A dated document is judged on every day on which one of its sections begins to act; changes are
    judged on top of the parameters in force at `as_of`.
    """
    if "sections" not in proposal:
        return _against(partial(parameters_of, model, as_of, proposal))
    document: Tree = {"number": 0} | proposal
    days = sorted({_instant(s["effective_from"]) for s in document["sections"]})
    return tuple(dict.fromkeys(failure for day in days for failure in _against(
        partial(version_in, document, model=model, as_of=day))))


def _against(version: Callable[[], ParameterVersion]) -> tuple[Failure, ...]:
    try:
        parameters = version().parameters
    except BadInput as wrong:
        return wrong.failures
    return tuple(Failure(reason=Reason.ODD_PARAMETERS, subject=section, sentence=sentence)
                 for section, sentence in oddities_of(parameters))


def _shape(tree: Tree) -> list[Failure]:
    sections = tree["sections"]
    if not isinstance(sections, list) or not sections:
        return [_bad("sections", "is not a list of dated sections")]
    return [failure for k, section in enumerate(sections)
            for failure in _section(section, f"sections[{k}]")]


def _section(section: Any, path: str) -> list[Failure]:
    if not isinstance(section, dict):
        return [_bad(path, "is not a JSON object")]
    wrong = [_bad(f"{path}.{key}", "is missing or not a text") for key in _TEXTS
             if not isinstance(section.get(key), str)]
    if not isinstance(section.get("values"), dict):
        wrong.append(_bad(f"{path}.values", "is missing or not a table of parameters"))
    wrong += [_bad(f"{path}.{key}", f"{section[key][:40]!r} is not a day; write it like 2026-02-05")
              for key in ("observed_on", "effective_from")
              if isinstance(section.get(key), str) and not _is_day(section[key], key)]
    return wrong


def _is_day(text: str, key: str) -> bool:
    if key == "observed_on" and text in ("undated", "example"):
        return True
    try:
        return len(text) == len("2026-02-05") and 0 <= _instant(text) < 2**62
    except ValueError:
        return False


def _instant(day: str) -> int:
    found = date.fromisoformat(day)
    return instant_of_day(found.year, found.month, found.day)


def _bad(subject: str, sentence: str) -> Failure:
    return Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence)
