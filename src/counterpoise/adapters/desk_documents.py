"""What do a charter and a proposal look like as JSON? Their fields by name, durations in seconds.

    {"approvals": 2, "notice_seconds": 172800, "exceeding_approvals": 3,
     "bounds": [{"path": "general.*", "least": 0.01, "most": 1, "change_max": 0.25,
                 "tighter": "up"}],
     "limits": {"below_initial": 0.05, "below_maintenance": 0, "bankrupt": 0, "extra": 0.1},
     "emergency": {"approvals": 1, "lasts_max_seconds": 86400, "bounds": [...], "limits": {...}}}

    {"id": "2026-03 scan", "segment": "all", "reason": "...", "effective_from": "2026-03-01T08:00Z",
     "steps": 4, "step_seconds": 86400, "parameters": {"general": {"mm_factor": 0.85}}}

A proposal says `parameters` that change (a tree over those in force), or in their place, whole: a
collateral `schedule`, terms of `borrowing`, how assets count (`counting`) or limits of `exposure`.
One with `lasts_seconds` is an emergency and needs no time. An amendment says a whole `charter`:

    {"id": "2026 charter", "reason": "...", "effective_from": "2026-06-01T00:00Z", "charter": {...}}
"""

import os
from typing import Any, Final

from counterpoise.adapters.parameters import typed, with_changes
from counterpoise.adapters.portfolio.document import plain, tree_of
from counterpoise.collateral.borrowing import Borrowing
from counterpoise.collateral.counting import CountingTerms
from counterpoise.collateral.limits import ExposureLimits
from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.governance.charter import Amendment, Charter
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.governance.history import last_number, standing
from counterpoise.governance.proposals import Desk, Proposal
from counterpoise.governance.subjects import subject_of
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced
from counterpoise.values.time import SECOND_NS, parse_instant

_SECONDS: Final = "_seconds"
_SECONDS_MAX: Final = 3e9
_WHOLE: Final[dict[str, Any]] = {
    "schedule": CollateralSchedule, "borrowing": Borrowing, "counting": dict[str, CountingTerms],
    "exposure": ExposureLimits}
"""Terms that are proposed whole, and what they are."""
_TERMS: Final = ("parameters", *_WHOLE)
"""Keys below which names are those of the terms themselves, and stay as they are."""
_NEEDED: Final = ("id", "segment", "reason")
_KNOWN: Final = ("effective_from", "steps", "step_ns", "lasts_ns", "accepts", *_TERMS)
Object = dict[str, Any]


def read_charter(path: str) -> Charter:
    """Return the charter in a file.

    Raises
    ------
    BadInput
        With every violation.
    """
    made: Charter = typed(Charter, _object(path, "charter"), "charter")
    return made


def read_filed(path: str, desk: Desk, *, by: str, at: int) -> Proposal | Amendment:
    """Return the proposal, or the amendment of the charter, in a file; as `read_proposal`."""
    tree = _object(path, "proposal")
    return _amendment(tree, by) if "charter" in tree else _proposal(tree, desk, by=by, at=at)


def _amendment(tree: Object, by: str) -> Amendment:
    _refuse_keys(tree, ("id", "reason", "effective_from"), ("charter",))
    return Amendment(id=tree["id"], reason=tree["reason"], proposed_by=by,
                     charter=typed(Charter, tree["charter"], "proposal.charter"),
                     effective_from=_effective_from(tree))


def _effective_from(tree: Object) -> int:
    return parse_instant(tree["effective_from"], subject="proposal.effective_from")


def read_proposal(path: str, desk: Desk, *, by: str, at: int) -> Proposal:
    """Return the proposal in a file, over what is in force last on the desk; `at` is now (ns).

    Raises
    ------
    BadInput
        With every violation.
    """
    return _proposal(_object(path, "proposal"), desk, by=by, at=at)


def _proposal(tree: Object, desk: Desk, *, by: str, at: int) -> Proposal:
    _refuse_keys(tree, _NEEDED, _KNOWN)
    if sum(name in tree for name in _TERMS) != 1:
        raise bad_input(Reason.BAD_VALUE, "proposal", "says parameters that change, whole terms, "
                        f"or a charter: one of {', '.join(_TERMS)}, charter")
    whole = next((_whole(name, tree[name]) for name in _WHOLE if name in tree), None)
    subject = tree["segment"] if whole is None else subject_of(tree["segment"], whole)
    steps = typed(int, tree.get("steps", 1), "proposal.steps")
    given = tree.get("effective_from")
    if given is None and not tree.get("lasts_ns"):
        raise bad_input(Reason.MISSING_NUMBER, "proposal.effective_from", "is missing; say from "
                        "when it acts, like 2026-03-01T08:00:00Z")
    if given is not None and not isinstance(given, str):
        raise bad_input(Reason.BAD_VALUE, "proposal.effective_from", "is no text of a time")
    limits = tree.get("accepts")
    return Proposal(
        id=tree["id"], segment=subject, reason=tree["reason"], proposed_by=by,
        version=_version(tree, desk, whole, last_number(desk.history, subject) + steps),
        effective_from=at if given is None else _effective_from(tree),
        steps=steps, **{name: typed(int, tree.get(name, 0), f"proposal.{name}")
                        for name in ("step_ns", "lasts_ns")},
        accepts=None if limits is None else typed(ImpactLimits, limits, "proposal.accepts"))


def _whole(name: str, tree: Any) -> Any:
    """Return terms that are proposed whole."""
    other = {"other": None} if name == "schedule" and isinstance(tree, dict) else {}
    return typed(_WHOLE[name], other | tree if other else tree, name)


def _version(tree: Object, desk: Desk, whole: Any, number: int) -> ParameterVersion:
    parameters = standing(desk.history, tree["segment"])
    if not parameters:
        raise bad_input(Reason.UNKNOWN_SEGMENT, tree["segment"][:60], "has no parameters on this "
                        "desk; it was opened with other segments")
    if whole is not None:
        return ParameterVersion(model=parameters[-1].version.model, number=number,
                                parameters=whole)
    last = parameters[-1].version
    return replaced(last, number=number, overridden=(*last.overridden, *(
        name for name in _names(tree["parameters"]) if name not in last.overridden)),
        parameters=with_changes(last.parameters, tree["parameters"], "parameters"))


def _names(tree: Any, path: str = "") -> list[str]:
    if not isinstance(tree, dict):
        return [path]
    return [name for key, item in tree.items()
            for name in _names(item, f"{path}.{key}" if path else str(key))]


def _object(path: str, what: str) -> Object:
    if not os.path.isfile(path):
        raise bad_input(Reason.UNREADABLE, path, f"is no file; name one with a {what} (JSON)")
    tree = plain(tree_of(path))
    if not isinstance(tree, dict):
        raise bad_input(Reason.BAD_VALUE, what, "is not a JSON object")
    made: Object = _in_ns(tree, what)
    return made


def _in_ns(tree: Any, path: str) -> Any:
    """Return a tree whose durations are in nanoseconds."""
    if isinstance(tree, list):
        return [_in_ns(item, path) for item in tree]
    if not isinstance(tree, dict):
        return tree
    out = {}
    for key, item in tree.items():
        if key.endswith(_SECONDS):
            if isinstance(item, bool) or not isinstance(item, (int, float)) or not (
                    0 <= item <= _SECONDS_MAX):
                raise bad_input(Reason.BAD_VALUE, f"{path}.{key}"[:80], "is no number of seconds "
                                f"from 0 to {_SECONDS_MAX:g}")
            if key.removesuffix(_SECONDS) + "_ns" in tree:
                raise bad_input(Reason.BAD_VALUE, f"{path}.{key}"[:80], "stands there in "
                                "nanoseconds too; say one of them")
            out[key.removesuffix(_SECONDS) + "_ns"] = round(item * SECOND_NS)
        else:
            out[key] = item if key in _TERMS else _in_ns(item, f"{path}.{key}")
    return out


def _refuse_keys(tree: Object, needed: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Refuse what is no part of a document, and texts that are missing or none."""
    all_known = (*needed, *known)
    wrong = [Failure(reason=Reason.UNKNOWN_KEY, subject=f"proposal.{key}"[:80], sentence=(
        "is no part of a proposal; known: " + ", ".join(
            k.replace("_ns", _SECONDS) for k in all_known))) for key in tree
        if key not in all_known]
    wrong += [Failure(reason=Reason.BAD_VALUE, subject=f"proposal.{key}", sentence=(
        "is missing or no text")) for key in needed if not isinstance(tree.get(key), str)]
    if wrong:
        raise BadInput(*wrong)
