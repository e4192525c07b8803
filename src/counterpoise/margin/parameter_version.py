"""Which parameters a number was made with: a dated, immutable version.

A version is never edited; a change is a new version. `observed_on` is the day on which the venue
showed these numbers, `effective_from` the instant from which they act.
"""

from typing import Any

from counterpoise.values.frozen import frozen


@frozen
class ParameterVersion:
    """Parameters of one model with their dates.

    `parameters` is an instance of the model's `parameters_type`; `number` counts versions of the
    model's dated data; `sections` are (section, observed on, effective from) of the parts it was
    put together from; `notes` say which parts are used outside the dates they were observed on;
    `overridden` names the parameters that the user replaced.
    """

    model: str
    number: int
    parameters: Any
    sections: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()


def version_digest(version: ParameterVersion) -> str:
    """Return the SHA-256 of the parameters themselves, names and values."""
    from hashlib import sha256

    return sha256(f"{version.model} {version.parameters!r}".encode()).hexdigest()
