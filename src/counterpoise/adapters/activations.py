"""How does the engine hear of decisions on its terms? As one event for each thing it is told."""

from collections.abc import Iterable
from typing import Any

from counterpoise.engine.asset_events import BorrowingChanged, CountingChanged
from counterpoise.engine.events import (
    ChangeWithdrawn,
    CollateralScheduleChanged,
    ImpactLimited,
    ParametersActivated,
)
from counterpoise.engine.tie_events import ExposureLimited
from counterpoise.governance.proposals import Activation, Allowance, Revocation, Told
from counterpoise.governance.subjects import word_of
from counterpoise.margin.parameter_version import ParameterVersion

TermsChanged = (ParametersActivated | CollateralScheduleChanged | BorrowingChanged
                | CountingChanged | ExposureLimited)
Saying = TermsChanged | ImpactLimited | ChangeWithdrawn


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
    word = word_of(one.version.parameters).replace("collateral", "schedule")
    return f"{word} {one.version.number}/{one.effective_from}".strip()


def _event(one: Told, time: int) -> Saying:
    at: dict[str, Any] = {"client_id": activation_id(one), "time": time, "segment": one.segment}
    match one:
        case Allowance():
            return ImpactLimited(**at, digest=one.digest, limits=one.limits)
        case Revocation():
            return ChangeWithdrawn(**at, digest=one.digest, effective_from=one.effective_from)
        case Activation():
            return _terms_changed(one.version, at | {"effective_from": one.effective_from})


def _terms_changed(version: ParameterVersion, at: dict[str, Any]) -> TermsChanged:
    match word_of(version.parameters):
        case "collateral":
            return CollateralScheduleChanged(**at, schedule=version.parameters)
        case "borrowing":
            return BorrowingChanged(**at, borrowing=version.parameters)
        case "counting":
            return CountingChanged(**at, counting=version.parameters)
        case "exposure":
            return ExposureLimited(**at, limits=version.parameters)
    return ParametersActivated(**at, version=version)
