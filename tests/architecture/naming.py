"""Does everything have a good name and a sentence that says what it is for?

The banned names say nothing; a module, class, type or function that carries one has not found its
word yet. Packages hold no code, so that everything has one path.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from architecture.sources import Source
from architecture.tidy import Function, functions

BANNED: Final = frozenset({"manager", "helper", "util", "utils", "common", "misc", "base",
                           "handler", "processor", "data", "info", "context"})
ALLOWED_NAMES: Final = frozenset({"src/counterpoise/scenarios/scenario_set.py::Base"})
"""The base of a move (index, mark or forward) is a word of the field."""
Documented = Function | ast.ClassDef
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def banned_names(source: Source) -> list[str]:
    """Complain about modules, classes, types and functions with a name that says nothing."""
    complaints = []
    for name, may_say_base in _names(source):
        banned = BANNED - {"base"} if may_say_base else BANNED
        found = sorted(banned & _words(name))
        place = f"{source.path}::{name}"
        if found and place not in ALLOWED_NAMES:
            complaints.append(f"{place} is called {found[0]!r}, which says nothing")
    return complaints


def _names(source: Source) -> list[tuple[str, bool]]:
    # In names of functions "base" is the word of the field: base price, base scenario.
    nodes = [*ast.walk(source.tree)]
    classes = [(n.name, False) for n in nodes if isinstance(n, ast.ClassDef)]
    types = [(t.id, False) for n in source.tree.body if isinstance(n, ast.Assign)
             for t in n.targets if isinstance(t, ast.Name) and t.id[0].isupper()
             and not t.id.isupper()]
    modules = [(part, False) for part in Path(source.path).with_suffix("").parts]
    return [*modules, *classes, *types, *((f.name, True) for _, f in functions(source))]


def _words(name: str) -> set[str]:
    words = {w.lower() for w in _WORD.findall(name)}
    return words | {w[:-1] for w in words if w.endswith("s")}


def undocumented(source: Source) -> list[str]:
    """Complain about a module, public class or public function without a docstring."""
    module = [] if ast.get_docstring(source.tree) else [f"{source.path} has no docstring"]
    return module + [f"{source.path}::{name} has no docstring"
                     for name, node in _public(source.tree, "") if not ast.get_docstring(node)]


def _public(scope: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Documented]]:
    # What is defined inside a function is nobody else's business.
    for node in scope.body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            yield prefix + node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node, f"{prefix}{node.name}.")


def code_in_packages(source: Source) -> list[str]:
    """Complain about an `__init__` that holds more than its docstring.

    The package itself may set names and load those it offers when they are first asked for.
    """
    path = Path(source.path)
    if path.name != "__init__.py":
        return []
    rest = source.tree.body[1:]
    wrong = [n for n in rest if not (_is_the_front(source) and _is_lazy_or_name(n))]
    return [f"{source.path} line {n.lineno}: a package holds its docstring only" for n in wrong]


def _is_the_front(source: Source) -> bool:
    return source.path.endswith("src/counterpoise/__init__.py")


def _is_lazy_or_name(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name in ("__getattr__", "__dir__")
    return isinstance(node, ast.Assign | ast.AnnAssign)


def second_paths(source: Source) -> list[str]:
    """Complain about `import *`, `from a import b as b` and `__all__`: one path to everything."""
    imports = [n for n in ast.walk(source.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    wrong = [n.lineno for n in imports for a in n.names if a.name == "*" or a.name == a.asname]
    wrong += [n.lineno for n in ast.walk(source.tree)
              if isinstance(n, ast.Name) and n.id == "__all__" and not _is_the_front(source)]
    return [f"{source.path} line {line}: everything has one public path" for line in wrong]
