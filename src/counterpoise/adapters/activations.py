"""How does the engine hear of a decision on parameters? As one event per step that is to act."""

from collections.abc import Iterable

from counterpoise.engine.events import ParametersActivated
from counterpoise.governance.proposals import Activation


def activation_events(told: Iterable[Activation], *, time: int) -> tuple[ParametersActivated, ...]:
    """Return the events of activations, said at `time` (ns); an id is made of what it decides.

    Telling the engine twice is harmless: the ids are the same.
    """
    return tuple(ParametersActivated(
        client_id=f"{one.decision}/{one.segment}/{one.version.number}/{one.effective_from}",
        time=time, segment=one.segment, version=one.version, effective_from=one.effective_from)
        for one in told)
