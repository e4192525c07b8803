"""What follows from values that stay the same from call to call, such as a catalogue: made once.

Values are immutable, so that one and the same value always has the same answer.
"""

from collections.abc import Callable
from operator import is_
from typing import Any, Final, TypeVar

T = TypeVar("T")
_KEPT: Final = 4


def of_latest(make: Callable[..., T]) -> Callable[..., T]:
    """Return `make`, a pure function of values, remembering what it made of the last few.

    Values are told apart by identity. Answers are shared: return immutable ones.
    """
    known: tuple[tuple[tuple[Any, ...], T], ...] = ()

    def answer(*values: Any) -> T:
        nonlocal known
        for asked, made in known:
            if all(map(is_, asked, values)):
                return made
        new = make(*values)
        known = ((values, new), *known[:_KEPT - 1])
        return new

    answer.__doc__, answer.__name__ = make.__doc__, make.__name__
    return answer
