"""What speaks against a proposed set of parameters, before anybody's margin depends on it?

A number is computed with any parameters that have a meaning; where they make no economic sense, a
warning stands beside it. A *proposal* of the same parameters is refused. Proposed is a whole dated
document, as lies beside a model, or a tree of changes, as `parameters` in a portfolio file.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from counterpoise.adapters.dated_document import checked, instant_in
from counterpoise.adapters.parameters import parameters_of, version_in
from counterpoise.adapters.portfolio.document import plain, tree_of
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion, oddities_of
from counterpoise.values.failure import BadInput, Failure, Reason

Tree = dict[str, Any]


def proposed(source: str | bytes) -> Tree:
    """Return the proposal in a file (path) or document (bytes).

    Raises
    ------
    BadInput
        If it is not one JSON object, or a dated document without its parts: all are named.
    """
    tree = plain(tree_of(source))
    if not isinstance(tree, dict):
        raise BadInput(Failure(reason=Reason.BAD_VALUE, subject="proposal", sentence=(
            "is not a JSON object; give dated sections, or a table of changed parameters")))
    folder = os.path.dirname(source) if isinstance(source, str) else None
    return checked(tree, folder) if "sections" in tree else tree


def objections(model: MarginModel, proposal: Tree, *, as_of: int) -> tuple[Failure, ...]:
    """Return what speaks against a proposal for `model`, each once; none is the good answer.

    A dated document is judged on every day on which one of its sections begins to act; changes are
    judged on top of the parameters in force at `as_of`.
    """
    if "sections" not in proposal:
        return _against(partial(parameters_of, model, as_of, proposal))
    document: Tree = {"number": 0} | proposal
    days = sorted({instant_in(s["effective_from"]) for s in document["sections"]})
    return tuple(dict.fromkeys(failure for day in days for failure in _against(
        partial(version_in, document, model=model, as_of=day))))


def _against(version: Callable[[], ParameterVersion]) -> tuple[Failure, ...]:
    try:
        parameters = version().parameters
    except BadInput as wrong:
        return wrong.failures
    return tuple(Failure(reason=Reason.ODD_PARAMETERS, subject=section, sentence=sentence)
                 for section, sentence in oddities_of(parameters))
