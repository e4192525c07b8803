"""What a venue's own report says, in our words."""

import math
from typing import Any

from counterpoise.margin.reconciliation import Reported, Tolerance
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen

Object = dict[str, Any]


@frozen
class Report:
    """Figures of one account, and the inputs that the venue used for them where it says so.

    `kind` names the endpoint, `symbols` the dialect of the names, `model` the rule book here that
    reproduces it. `indices` {underlying: USD}, `marks` {name: mark}, `sizes` {name: signed size in
    `unit`}; `parameters` is a tree of overrides; `stated` {name of `accounts.given`: {asset:
    amount}} is what only the venue computes and no figure shows. Inputs that the report does not
    hold are empty.
    """

    kind: str
    symbols: str
    model: str
    figures: tuple[Reported, ...]
    tolerance: Tolerance
    indices: dict[str, float]
    marks: dict[str, float]
    sizes: dict[str, str]
    unit: str
    parameters: Object
    stated: dict[str, dict[str, float]] = {}


def number(given: Any, path: str, wrong: list[Failure]) -> float:
    """Return a number written as number or text; where it is none, NaN, and `wrong` grows."""
    try:
        found = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        wrong.append(Failure(reason=Reason.BAD_VALUE, subject=path[:80], sentence=(
            f"{str(given)[:40]!r} is not a number")))
    return found


def table(given: Any, path: str, wrong: list[Failure]) -> Object:
    """Return a JSON object; where it is none, an empty one, and `wrong` grows."""
    if isinstance(given, dict):
        return given
    wrong.append(Failure(reason=Reason.BAD_VALUE, subject=path[:80],
                         sentence="is not a JSON object"))
    return {}
