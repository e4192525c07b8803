"""What is one line of parity: a published number, ours, and how far apart they may be.

A case file publishes `expected`; every leaf of it is a field, named by the path to it joined by
dots (`BTC.mr1`, `pnl.0`). Files that hold many cases name the case first (`ID.IM`).
"""

from collections.abc import Callable, Iterator
from typing import Any

from counterpoise.values.frozen import frozen

Leaf = float | str | bool | None
Cases = Callable[[str], Any]


@frozen
class Compared:
    """Our value of one field of one published case beside the venue's.

    case        file below the folder of cases: `okx/mr9_tier_sum.json`
    field       path of the leaf in its `expected`
    absolute, relative   what the case tolerates; the larger of the two bounds counts, relative to
                the published value; 0 and 0 is exact
    reading     which reading of a source that contradicts itself was chosen, and why
    """

    model: str
    case: str
    field: str
    ours: Leaf
    theirs: Leaf
    absolute: float
    relative: float
    reading: str = ""

    def __post_init__(self) -> None:
        if self.absolute < 0 or self.relative < 0:
            raise ValueError(f"{self.case} {self.field}: a tolerance below zero")


def difference(row: Compared) -> float:
    """Return ours less theirs; 0 for equal texts and truths, infinite for unequal ones."""
    if is_number(row.ours) and is_number(row.theirs):
        return float(row.ours) - float(row.theirs)  # type: ignore[arg-type]
    return 0.0 if row.ours == row.theirs else float("inf")


def relative_difference(row: Compared) -> float:
    """Return the size of the difference relative to theirs; to 1 where theirs is zero."""
    gap = abs(difference(row))
    scale = abs(float(row.theirs)) if is_number(row.theirs) else 0.0  # type: ignore[arg-type]
    return gap / scale if scale else gap


def is_within(row: Compared) -> bool:
    """Return whether ours is as near to theirs as the case demands; NaN never is."""
    size = abs(float(row.theirs)) if is_number(row.theirs) else 0.0  # type: ignore[arg-type]
    return abs(difference(row)) <= max(row.absolute, row.relative * size)


def is_number(leaf: Leaf) -> bool:
    """Return whether the leaf is a number; a truth value is none."""
    return isinstance(leaf, int | float) and not isinstance(leaf, bool)


def expected_of(document: Any) -> Any:
    """Return what a case file publishes; by case, where the file holds many."""
    if "cases" in document:
        return {case["id"]: case["expected"] for case in document["cases"]}
    return document["expected"]


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Yield (field, value) of every leaf, in the order of the file."""
    branches = (tree.items() if isinstance(tree, dict)
                else enumerate(tree) if isinstance(tree, list | tuple) else None)
    if branches is None:
        yield path, tree
        return
    for key, branch in branches:
        yield from leaves(branch, f"{path}.{key}" if path else str(key))


def compared_fields(*, model: str, case: str, ours: Any, theirs: Any, absolute: float = 0.0,
                    relative: float = 0.0) -> list[Compared]:
    """Return a line for each leaf of `ours`, which has the shape of the `expected` of the case.

    `ours` may leave out what is not compared here; a leaf that `theirs` (the whole `expected`) does
    not publish is an error.
    """
    published = dict(leaves(theirs))
    return [Compared(model=model, case=case, field=field, ours=own, theirs=published[field],
                     absolute=absolute, relative=relative) for field, own in leaves(ours)]
