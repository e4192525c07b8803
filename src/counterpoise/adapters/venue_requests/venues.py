"""Whose what-if requests are answered here, and by which file?"""

from importlib import import_module
from typing import Any, Final

from counterpoise.adapters.portfolio.document import plain, tree_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.values.failure import Reason, bad_input

_VENUES: Final = {"deribit": "counterpoise.adapters.venue_requests.deribit",
                  "okx": "counterpoise.adapters.venue_requests.okx"}


def answer(venue: str, request: str | bytes, portfolio: Portfolio, *,
           method: str | None = None) -> dict[str, Any]:
    """Return what a venue would answer to the request in a file (path) or document (bytes).

    `method` is the endpoint meant, where the venue has several and the request names none.

    Raises
    ------
    BadInput
        If no requests of that venue are known, the request cannot be read, or the account cannot be
        margined.
    """
    if venue not in _VENUES:
        raise bad_input(Reason.BAD_VALUE, "venue", f"{venue[:60]!r} is not simulated here; use "
                        + " or ".join(_VENUES))
    tree = plain(tree_of(request))
    if not isinstance(tree, dict):
        raise bad_input(Reason.BAD_VALUE, "request", "is not a JSON object")
    result: dict[str, Any] = import_module(_VENUES[venue]).answered(tree, portfolio, method)
    return result
