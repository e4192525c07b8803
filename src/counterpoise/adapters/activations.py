"""How does the engine hear of decisions on its terms? As one event for each thing it is told."""

from collections.abc import Iterable
from typing import Any

from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.engine.events import (
    ChangeWithdrawn,
    CollateralScheduleChanged,
    ImpactLimited,
    ParametersActivated,
)
from counterpoise.governance.proposals import Activation, Allowance, Revocation, Told

Saying = ParametersActivated | CollateralScheduleChanged | ImpactLimited | ChangeWithdrawn


def activation_events(told: Iterable[Told], *, time: int) -> tuple[Saying, ...]:
    """Return the events of what is told, said at `time` (ns); an id is made of what it decides.

    Whoever tells the engine twice finds the ids in its log: what is said first stands.
    """
    return tuple(_event(one, time) for one in told)


def activation_id(one: Told) -> str:
    """Return the client id of the event of what is told."""
    return f"{one.decision}/{one.segment}/{_what(one)}"


def _what(one: Told) -> str:
    if isinstance(one, Allowance):
        return f"limits {one.digest[:16]}"
    if isinstance(one, Revocation):
        return f"not {one.digest[:16]}/{one.effective_from}"
    schedule = isinstance(one.version.parameters, CollateralSchedule)
    return f"{'schedule ' if schedule else ''}{one.version.number}/{one.effective_from}"


def _event(one: Told, time: int) -> Saying:
    at: dict[str, Any] = {"client_id": activation_id(one), "time": time, "segment": one.segment}
    match one:
        case Allowance():
            return ImpactLimited(**at, digest=one.digest, limits=one.limits)
        case Revocation():
            return ChangeWithdrawn(**at, digest=one.digest, effective_from=one.effective_from)
        case Activation() if isinstance(one.version.parameters, CollateralSchedule):
            return CollateralScheduleChanged(**at, schedule=one.version.parameters,
                                             effective_from=one.effective_from)
        case Activation():
            return ParametersActivated(**at, version=one.version,
                                       effective_from=one.effective_from)
