"""Which numbers are in parameters, and by which names? The leaves of a tree of values, in order."""

from math import isfinite
from typing import Any

Leaf = float | int | str | bool | None


def leaves_of(value: Any, path: str = "") -> dict[str, Leaf]:
    """Return {dotted name: leaf} of parameters; keys of tables sorted, places in lists as numbers.

    A leaf is a number, a text, a truth value, None, or the name of a choice.
    """
    if hasattr(value, "__fields__"):
        parts = [(name, getattr(value, name)) for name in value.__fields__]
    elif isinstance(value, dict):
        parts = sorted((str(key), item) for key, item in value.items())
    elif isinstance(value, (tuple, list)):
        parts = [(str(k), item) for k, item in enumerate(value)]
    else:
        return {path: value if isinstance(value, Leaf) else str(value)}
    out: dict[str, Leaf] = {}
    for name, part in parts:
        out |= leaves_of(part, f"{path}.{name}" if path else name)
    return out


def between(before: Any, after: Any, share: float) -> Any:
    """Return parameters that lie `share` (0 to 1) of the way from `before` to `after`.

    Finite floats move in a straight line. What is none on both sides, and what has another shape,
    stays as before: it changes with the last step, when `after` itself acts.

    Raises
    ------
    BadInput
        If what lies between is no valid value.
    """
    if type(before) is not type(after):
        return before
    if isinstance(before, float):
        return before + (after - before) * share if isfinite(before) and isfinite(after) else before
    if hasattr(before, "__fields__"):
        return type(before)(**{n: between(getattr(before, n), getattr(after, n), share)
                               for n in before.__fields__})
    if isinstance(before, dict) and before.keys() == after.keys():
        return {key: between(item, after[key], share) for key, item in before.items()}
    if isinstance(before, tuple) and len(before) == len(after):
        return tuple(between(a, b, share) for a, b in zip(before, after, strict=True))
    return before
