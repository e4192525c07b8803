"""Is this a dated document of parameters: sections with their days, their arrays beside them?"""

import os
from datetime import date
from typing import Any, Final

from counterpoise.adapters.dynamic_file import with_moves
from counterpoise.adapters.portfolio.document import plain, tree_of
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.time import instant_of_day

Tree = dict[str, Any]
_TEXTS: Final = ("section", "observed_on", "effective_from")
_HEAD: Final = ("model", "number", "sections")
_SECTION: Final = (*_TEXTS, "source", "values")
_NUMBER_MAX: Final = 10**9


def dated_document(path: str) -> Tree:
    """Return the dated document in a file, with its arrays.

    Raises
    ------
    BadInput
        If it is none, or its arrays are missing or broken: all violations are named.
    """
    return checked(_read(path), os.path.dirname(path))


def acts_from(path: str) -> int:
    """Return the instant from which every section of a file of dated parameters acts.

    The arrays beside it are not read.

    Raises
    ------
    BadInput
        If it is no dated document: all violations are named.
    """
    first: dict[str, int] = {}
    for section in _sound(_read(path))["sections"]:
        name, day = section["section"], instant_in(section["effective_from"])
        first[name] = min(first.get(name, day), day)
    return max(first.values())


def _read(path: str) -> Tree:
    tree = plain(tree_of(path))
    if not isinstance(tree, dict) or "sections" not in tree:
        raise bad_input(Reason.BAD_VALUE, path, "holds no dated sections of parameters; "
                        "counterpoise calibrate writes such a file")
    return tree


def checked(tree: Tree, folder: str | None) -> Tree:
    """Return a tree with sections once they are what they should be, with the arrays of `folder`.

    Raises
    ------
    BadInput
        As `dated_document`; where no folder is given, sections that name arrays are refused.
    """
    _sound(tree)
    if not any(section["section"] == "moves" for section in tree["sections"]):
        return tree
    if folder is None:
        raise bad_input(Reason.BAD_VALUE, "moves", "names a file beside this document; give the "
                        "document as a file")
    return with_moves(tree, folder)


def _sound(tree: Tree) -> Tree:
    """Return the tree; refuse one that is not of the form, with every violation."""
    failures = _shape(tree)
    if failures:
        raise BadInput(*failures[:100])
    return tree


def _shape(tree: Tree) -> list[Failure]:
    sections, wrong = tree["sections"], _unknown(tree, _HEAD, "")
    number = tree.get("number", 0)
    if type(number) is not int or not 0 <= number <= _NUMBER_MAX:
        wrong.append(_bad("number", "is not a whole number from 0 to a billion"))
    if not isinstance(tree.get("model", ""), str):
        wrong.append(_bad("model", "is not the name of a model"))
    if not isinstance(sections, list) or not sections:
        return [*wrong, _bad("sections", "is not a list of dated sections")]
    wrong += [failure for k, section in enumerate(sections)
              for failure in _section(section, f"sections[{k}]")]
    return wrong or _inside_others(sections)


def _unknown(tree: Tree, known: tuple[str, ...], path: str) -> list[Failure]:
    return [Failure(reason=Reason.UNKNOWN_KEY, subject=f"{path}{key[:40]}", sentence=(
        "is unknown; known here: " + ", ".join(known))) for key in tree if key not in known]


def _inside_others(sections: list[Tree]) -> list[Failure]:
    """Return sections that state anew what another one holds: which of them would act?"""
    values = [(s["section"], key) for s in sections for key in s["values"]]
    held = {f"{name}.{key}": name for name, key in values}
    wrong = []
    for k, name in enumerate(s["section"] for s in sections):
        parts = name.split(".")
        above = next((held[path] for n in range(len(parts), 0, -1)
                      if (path := ".".join(parts[:n])) in held), None)
        if above is not None:
            wrong.append(_bad(f"sections[{k}]", f"{name[:40]!r} is a value of the section "
                              f"{above[:40]!r}; state it in one of them"))
    return wrong


def _section(section: Any, path: str) -> list[Failure]:
    if not isinstance(section, dict):
        return [_bad(path, "is not a JSON object")]
    wrong = _unknown(section, _SECTION, f"{path}.")
    wrong += [_bad(f"{path}.{key}", "is missing or not a text") for key in _TEXTS
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
        # Sections are put in order by these texts: 2026-W06-4 is a day too, but not written so.
        return date.fromisoformat(text).isoformat() == text and 0 <= instant_in(text) < 2**62
    except ValueError:
        return False


def instant_in(day: str) -> int:
    """Return the instant at which a day like 2026-02-05 begins."""
    found = date.fromisoformat(day)
    return instant_of_day(found.year, found.month, found.day)


def _bad(subject: str, sentence: str) -> Failure:
    return Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence)
