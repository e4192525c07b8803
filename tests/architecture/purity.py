"""Is a margin number a function of its inputs alone, with the same bits everywhere?

Below `adapters` nothing reads a clock, chance, the environment or a file. From the scenarios on,
nothing calls libm or sums in an order that a library chooses: `counterpoise._core` has exp, log
and power of our own, and the built-in `sum` of floats changed between Python 3.11 and 3.12.
"""

import ast
from typing import Final

from architecture.sources import Source, package_of

BIT_EXACT: Final = frozenset({"scenarios", "pricing", "risk", "margin", "collateral",
                              "liquidation", "settlement", "engine"})
_BUILTINS: Final = frozenset({"open", "print", "input", "exec", "eval", "breakpoint", "compile",
                              "__import__"})
_CLOCK: Final = frozenset({"now", "utcnow", "today", "perf_counter", "perf_counter_ns",
                           "monotonic", "monotonic_ns", "time_ns", "process_time"})
_WORLD: Final = frozenset({"environ", "getenv", "getLogger", "fromfile", "tofile", "loadtxt",
                           "savetxt", "genfromtxt", "memmap", "write_text", "read_text"})
_SEEDED: Final = frozenset({"Generator", "PCG64", "SeedSequence", "default_rng", "BitGenerator"})
_LIBM: Final = frozenset({
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "power", "float_power", "pow", "cbrt",
    "hypot", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arctan2",
    "arcsinh", "arccosh", "arctanh", "asin", "acos", "atan", "atan2", "erf", "erfc", "gamma",
    "lgamma", "logaddexp", "logaddexp2", "dot", "vdot", "inner", "outer", "matmul", "einsum",
    "tensordot", "linalg", "mean", "average", "std", "var", "nanmean", "nansum", "nanstd",
    "convolve", "correlate", "interp", "trapezoid", "fma", "sumprod", "dist", "prod"})
_MATHS: Final = ("np", "numpy", "math", "cmath")


def reads_the_world(source: Source) -> list[str]:
    """Complain about clocks, unseeded chance, environment, logging and files."""
    complaints = []
    for node in ast.walk(source.tree):
        what = _world(node)
        if what:
            complaints.append(f"{source.path} line {node.lineno}: {what} is the adapters' business")
    return complaints


def _world(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in _BUILTINS:
            return f"{name}()"
        case ast.Call(func=ast.Attribute(attr="default_rng") | ast.Name(id="default_rng"),
                      args=[], keywords=[]):
            return "a generator without a seed"
        case ast.Attribute(attr=name) if name in _CLOCK | _WORLD:
            return name
        case ast.Attribute(value=ast.Name(id="time"), attr="time"):
            return "time.time"
        case ast.Attribute(value=ast.Attribute(attr="random"), attr=name) if name not in _SEEDED:
            return f"random.{name}"
        case _:
            return ""


def bits_of_a_library(source: Source) -> list[str]:
    """Complain, in the packages that make numbers, about libm, BLAS and sums of unknown order."""
    if package_of(source.path) not in BIT_EXACT:
        return []
    return [f"{source.path} line {node.lineno}: {what}; take it from counterpoise._core or sum in "
            "canonical order" for node in ast.walk(source.tree) if (what := _library_bits(node))]


def _library_bits(node: ast.AST) -> str:
    match node:
        case ast.Attribute(value=ast.Name(id=module), attr=name) if (
                module in _MATHS and name in _LIBM):
            return f"{module}.{name} has other bits on other machines"
        case ast.Import() | ast.ImportFrom() if "scipy" in _imported(node):
            return "scipy has other bits on other machines"
        case ast.ImportFrom(module=module, names=names) if module in _MATHS:
            wrong = sorted(_LIBM & {a.name for a in names})
            return f"{module}.{wrong[0]} has other bits on other machines" if wrong else ""
        case ast.Call(func=ast.Attribute(attr="dot" | "mean" | "std" | "var" as name)):
            return f".{name}() sums in an order that the library chooses"
        case ast.BinOp(op=ast.MatMult()) | ast.AugAssign(op=ast.MatMult()):
            return "@ sums in an order that the library chooses"
        case ast.BinOp(op=ast.Pow(), left=left, right=right) if not _are_integers(left, right):
            return "** is libm's pow"
        case ast.AugAssign(op=ast.Pow()):
            return "** is libm's pow"
        case ast.Call(func=ast.Name(id="sum")):
            return "the built-in sum of floats differs between versions of Python"
        case _:
            return ""


def _are_integers(*nodes: ast.AST) -> bool:
    return all(isinstance(n, ast.Constant) and type(n.value) is int for n in nodes)


def heavy_imports(source: Source, heavy: frozenset[str]) -> list[str]:
    """Complain about imports at module level that slow the first margin number down."""
    return [f"{source.path} line {node.lineno}: import {name} where it is used; it slows the start"
            for node in source.tree.body if isinstance(node, ast.Import | ast.ImportFrom)
            for name in _imported(node) if name in heavy]


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return [name.split(".")[0] for name in names]
