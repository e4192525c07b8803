"""Which stress events are there? The named ones of the package, and those that a user writes.

A document is a list of events, or {"events": [...]}; of an event `name` and `moves` are required.
A move names its factor, like `BTC price`, or `other vol` for all that are not named, and says how
far it goes: `before` and `after` of a price, a peg or a volatility; `fraction` of one; or `move`,
the number of `scenarios.factors` itself.
"""

import os
from typing import Any, Final

from counterpoise.scenarios.factors import MOVE_MAX, factor_named
from counterpoise.scenarios.stress_events import EventMove, StressEvent, log_ratio
from counterpoise.values.decimals import parse_float
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input

Tree = dict[str, Any]
_EVENT: Final = ("name", "title", "dates", "confidence", "sources", "note", "still", "moves")
_SIZES: Final = (("before", "after"), ("fraction",), ("move",))
_ORIGINS: Final = ("published", "data", "our reading")
_IN_LOGS: Final = ("price", "peg", "vol")
EVENTS_MAX: Final = 10_000


def named_events() -> tuple[StressEvent, ...]:
    """Return the events of the package, by date."""
    from counterpoise.adapters.portfolio.document import tree_of

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return events_in(tree_of(os.path.join(here, "scenarios", "stress_events.json")))


def read_events(path: str) -> tuple[StressEvent, ...]:
    """Return the events that a user's JSON file describes.

    Raises
    ------
    BadInput
        With every violation found.
    """
    from counterpoise.adapters.portfolio.document import tree_of

    return events_in(tree_of(path))


def events_in(document: Any) -> tuple[StressEvent, ...]:
    """Return the events of a parsed document; raises as `read_events`."""
    listed = document.get("events") if isinstance(document, dict) else document
    if not isinstance(listed, list) or not 0 < len(listed) <= EVENTS_MAX:
        raise bad_input(Reason.UNREADABLE, "events", "must be a list of 1 to "
                        f"{EVENTS_MAX} events, each with `name` and `moves`")
    failures: list[Failure] = []
    events = [_event(tree, f"event {k + 1}", failures) for k, tree in enumerate(listed)]
    names = [event.name for event in events if event is not None]
    failures += [Failure(reason=Reason.DUPLICATE, subject=name, sentence="is the name of several "
                         "events; give each its own")
                 for name in sorted({n for n in names if names.count(n) > 1})]
    if failures:
        raise BadInput(*failures)
    return tuple(event for event in events if event is not None)


def _event(tree: Any, where: str, failures: list[Failure]) -> StressEvent | None:
    if not isinstance(tree, dict) or not isinstance(tree.get("name"), str) \
            or not isinstance(tree.get("moves"), list):
        failures.append(Failure(reason=Reason.UNREADABLE, subject=where, sentence="is an object "
                                "with a text `name` and a list `moves`"))
        return None
    name, before = tree["name"][:60], len(failures)
    failures += [Failure(reason=Reason.UNKNOWN_KEY, subject=f"{name}.{key[:60]}",
                         sentence="is no key of an event; keys are " + ", ".join(_EVENT))
                 for key in tree if key not in _EVENT]
    words = {key: _text(tree, key, name, failures) for key in ("title", "dates", "confidence",
                                                               "note")}
    lists = {key: _texts(tree, key, name, failures) for key in ("sources", "still")}
    moves = [_move(one, f"{name}, move {k + 1}", failures) for k, one in enumerate(tree["moves"])]
    if len(failures) > before:
        return None
    try:
        return StressEvent(name=name, title=words["title"] or name, dates=words["dates"] or "no "
                           "date", confidence=words["confidence"] or "U", note=words["note"],
                           sources=lists["sources"], still=lists["still"],
                           moves=tuple(m for m in moves if m is not None))
    except BadInput as wrong:
        failures += wrong.failures
        return None


def _text(tree: Tree, key: str, name: str, failures: list[Failure]) -> str:
    value = tree.get(key, "")
    if isinstance(value, str) and len(value) <= 2000:
        return value
    failures.append(Failure(reason=Reason.BAD_VALUE, subject=f"{name}.{key}",
                            sentence="must be a text"))
    return ""


def _texts(tree: Tree, key: str, name: str, failures: list[Failure]) -> tuple[str, ...]:
    value = tree.get(key, [])
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    failures.append(Failure(reason=Reason.BAD_VALUE, subject=f"{name}.{key}",
                            sentence="must be a list of texts"))
    return ()


def _move(tree: Any, where: str, failures: list[Failure]) -> EventMove | None:
    sizes = [size for size in _SIZES if isinstance(tree, dict)
             and set(tree) - {"factor", "origin"} == set(size)]
    if not sizes or not isinstance(tree.get("factor"), str):
        failures.append(Failure(reason=Reason.UNREADABLE, subject=where, sentence=(
            "is an object with `factor`, and `before` with `after`, or `fraction`, or `move`")))
        return None
    origin = tree.get("origin", "published")
    try:
        factor = factor_named(tree["factor"][:80])
        numbers = [parse_float(tree[key], subject=f"{where}.{key}") for key in sizes[0]]
        if origin not in _ORIGINS:
            raise bad_input(Reason.BAD_VALUE, f"{where}.origin", "is one of " + ", ".join(_ORIGINS))
        move = _size(sizes[0], numbers, factor.kind, where)
        if not abs(move) <= MOVE_MAX:
            raise bad_input(Reason.BAD_VALUE, where, f"moves by {move:g}; at most {MOVE_MAX:g}")
        return EventMove(factor=factor, move=move, origin=origin)
    except BadInput as wrong:
        failures += wrong.failures
        return None


def _size(size: tuple[str, ...], numbers: list[float], kind: str, where: str) -> float:
    if size == ("move",):
        return numbers[0]
    if kind not in _IN_LOGS:
        raise bad_input(Reason.BAD_VALUE, where, f"a {kind} moves by `move`; `before`, `after` and "
                        "`fraction` are for " + ", ".join(_IN_LOGS))
    before, after = numbers if len(numbers) == 2 else [1.0, 1.0 + numbers[0]]
    return log_ratio(before, after, where)
