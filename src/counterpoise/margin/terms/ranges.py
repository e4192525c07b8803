"""Which parameters can be computed with at all, and which are odd.

Outside its range a parameter has no meaning (a negative shock, a move below -100 %) and is refused.
Inside, computing with an economically odd set gives its number and a sentence that names it.
"""

from typing import Any

from counterpoise.values.failure import BadInput, Failure, Reason


def require_ranges(parameters: Any, ranges: dict[str, tuple[float, float]]) -> None:
    """Check that every field named lies in its closed range.

    Raises
    ------
    BadInput
        Naming every field that does not.
    """
    wrong = [Failure(reason=Reason.BAD_VALUE, subject=name, sentence=(
        f"{getattr(parameters, name)} must lie between {low:g} and {high:g}"))
        for name, (low, high) in ranges.items()
        if not low <= getattr(parameters, name) <= high]
    if wrong:
        raise BadInput(*wrong)


def require_choice(parameters: Any, name: str, choices: tuple[Any, ...]) -> None:
    """Check that a field is one of `choices`.

    Raises
    ------
    BadInput
        Naming the field and the choices.
    """
    given = getattr(parameters, name)
    if given not in choices:
        raise BadInput(Failure(reason=Reason.BAD_VALUE, subject=name, sentence=(
            f"{str(given)[:40]!r} is unknown; use " + ", ".join(map(str, choices)))))
