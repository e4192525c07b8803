"""Can an instrument still be traded? A fill by its own time, an order by the engine's.

A trade from before the expiry is booked however the engine's time has moved on since, until the
contract is settled: then there is no position left that it could change.
"""

from counterpoise.engine.draft import Draft
from counterpoise.engine.events import Filled
from counterpoise.engine.money import Worth
from counterpoise.values.failure import Reason, bad_input


def fillable(draft: Draft, event: Filled) -> Worth:
    """Return how an instrument's prices become money; BadInput where it had ended at the trade."""
    worth = _listed(draft, event.instrument)
    if 0 < worth.expiry <= event.time:
        raise bad_input(Reason.EXPIRED, event.instrument, "had expired when it was filled; the "
                        "time of a fill is that of the trade, before the expiry")
    if 0 < worth.expiry <= draft.state.time:
        contract = draft.state.catalogue.instruments[worth.column]
        if (contract.underlying, worth.expiry) in draft.state.settled:
            raise bad_input(Reason.EXPIRED, event.instrument, "is settled already; fills from "
                            "before the expiry have to come before the settlement")
    return worth


def orderable(draft: Draft, name: str) -> Worth:
    """Return how a live instrument's prices become money; BadInput where it has expired."""
    worth = _listed(draft, name)
    if 0 < worth.expiry <= draft.state.time:
        raise bad_input(Reason.EXPIRED, name, "has expired; it is settled, not traded")
    return worth


def _listed(draft: Draft, name: str) -> Worth:
    worth = draft.worth(name)
    if worth is None:
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, name[:60], "is not listed; list it first")
    return worth
