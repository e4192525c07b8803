"""Is a file small enough to read? Limits on functions, files, parameters, lines and nesting.

Each check takes a `Source` and returns complaints, one sentence each; none means tidy. A complaint
begins with the place, `path::function` or `path`, which is what the allow list names.
"""

import ast
from collections.abc import Iterator
from typing import Final

from architecture.sources import Source

FUNCTION_LINES: Final = 50
FUNCTION_LINES_HARD: Final = 70
FILE_LINES: Final = 400
FILE_LINES_HARD: Final = 600
PARAMETERS: Final = 6
LINE_LENGTH: Final = 100
NESTING: Final = 3
Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS: Final = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try,
                  ast.TryStar, ast.Match)


def functions(source: Source) -> Iterator[tuple[str, Function]]:
    """Yield every function with its place, `path::Class.function`."""
    yield from _functions(source.tree, f"{source.path}::")


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, Function | ast.ClassDef)
        if isinstance(child, Function):
            yield prefix + child.name, child
        yield from _functions(child, f"{prefix}{child.name}." if named else prefix)


def long_functions(source: Source, limit: int = FUNCTION_LINES) -> list[str]:
    """Complain about functions of more than `limit` lines, signature and docstring included."""
    return [f"{place} has {length} lines; at most {limit}"
            for place, function in functions(source)
            if (length := function.end_lineno - function.lineno + 1) > limit]


def long_files(path: str, text: str, limit: int = FILE_LINES) -> list[str]:
    """Complain about a file of more than `limit` lines."""
    length = len(text.splitlines())
    return [f"{path} has {length} lines; at most {limit}"] if length > limit else []


def long_lines(path: str, text: str) -> list[str]:
    """Complain about lines beyond column `LINE_LENGTH`."""
    return [f"{path} line {number} has {len(line)} columns; at most {LINE_LENGTH}"
            for number, line in enumerate(text.splitlines(), 1) if len(line) > LINE_LENGTH]


def many_parameters(source: Source) -> list[str]:
    """Complain about functions of more than `PARAMETERS` parameters, `self` not counted."""
    return [f"{place} has {count} parameters; at most {PARAMETERS}"
            for place, function in functions(source)
            if (count := _parameter_count(function)) > PARAMETERS]


def _parameter_count(function: Function) -> int:
    a = function.args
    named = [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg) if p]
    return len([name for name in named if name not in ("self", "cls")])


def deep_nesting(source: Source) -> list[str]:
    """Complain about functions whose blocks lie deeper than `NESTING`."""
    return [f"{place} nests {depth} deep; at most {NESTING}"
            for place, function in functions(source)
            if (depth := _depth(function)) > NESTING]


def _depth(node: ast.AST) -> int:
    return max((_step(node, child) + _depth(child) for child in ast.iter_child_nodes(node)
                if not isinstance(child, Function | ast.ClassDef)), default=0)


def _step(parent: ast.AST, child: ast.AST) -> int:
    # An elif is an If in the else of an If, at the same depth for the reader.
    is_elif = (isinstance(parent, ast.If) and isinstance(child, ast.If)
               and parent.orelse == [child] and child.col_offset == parent.col_offset)
    return int(isinstance(child, _BLOCKS) and not is_elif)
