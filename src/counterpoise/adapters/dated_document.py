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


def dated_document(path: str) -> Tree:
    """Return the dated document in a file, with its arrays.

    Raises
    ------
    BadInput
        If it is none, or its arrays are missing or broken: all violations are named.
    """
    tree = plain(tree_of(path))
    if not isinstance(tree, dict) or "sections" not in tree:
        raise bad_input(Reason.BAD_VALUE, path, "holds no dated sections of parameters; "
                        "counterpoise calibrate writes such a file")
    return checked(tree, os.path.dirname(path))


def checked(tree: Tree, folder: str | None) -> Tree:
    """Return a tree with sections once they are what they should be, with the arrays of `folder`.

    Raises
    ------
    BadInput
        As `dated_document`; where no folder is given, sections that name arrays are refused.
    """
    failures = _shape(tree)
    if failures:
        raise BadInput(*failures)
    if not any(section["section"] == "moves" for section in tree["sections"]):
        return tree
    if folder is None:
        raise bad_input(Reason.BAD_VALUE, "moves", "names a file beside this document; give the "
                        "document as a file")
    return with_moves(tree, folder)


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
        return len(text) == len("2026-02-05") and 0 <= instant_in(text) < 2**62
    except ValueError:
        return False


def instant_in(day: str) -> int:
    """Return the instant at which a day like 2026-02-05 begins."""
    found = date.fromisoformat(day)
    return instant_of_day(found.year, found.month, found.day)


def _bad(subject: str, sentence: str) -> Failure:
    return Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence)
