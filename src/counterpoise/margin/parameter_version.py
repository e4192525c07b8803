"""Which parameters a number was made with: a dated, immutable version.

A version is never edited; a change is a new version. `observed_on` is the day on which the venue
showed these numbers, `effective_from` the instant from which they act.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.values.frozen import frozen


@frozen
class ParameterVersion:
    """Parameters of one model with their dates.

    `parameters` is an instance of the model's `parameters_type`; `number` counts versions of the
    model's dated data; `sections` are (section, observed on, effective from) of the parts it was
    put together from; `notes` are (section, sentence) for the parts used outside the dates they
    were observed on; `overridden` names the parameters that the user replaced.
    """

    model: str
    number: int
    parameters: Any
    sections: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    overridden: tuple[str, ...] = ()


@runtime_checkable
class ExaminedParameters(Protocol):
    """Parameters that know what of them makes no economic sense; a model's may."""

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""


@runtime_checkable
class IdentifiedParameters(Protocol):
    """Parameters that hold arrays: `repr` does not say all of an array, `identity` does."""

    def identity(self) -> str:
        """Return a text that is equal for equal parameters alone."""


def oddities_of(parameters: Any) -> tuple[tuple[str, str], ...]:
    """Return the (section, sentence) oddities of parameters; none where they are not examined."""
    return parameters.oddities() if isinstance(parameters, ExaminedParameters) else ()


def notes_on(version: ParameterVersion, book: Book) -> tuple[str, ...]:
    """Return the notes on sections that concern the underlyings and settlements held or ordered.

    A section is named `table` or `table.key`, a key made of asset codes: `btc`, `btc_usd`.
    """
    terms = book.catalogue
    columns = np.concatenate((book.instrument, book.order_instrument))
    count = np.bincount(terms.underlying[columns], minlength=len(terms.underlyings))
    held = {name.lower() for name, n in zip(terms.underlyings, count, strict=True) if n}
    return tuple(sentence for section, sentence in version.notes
                 if "." not in section or section.split(".")[1].split("_")[0] in held)


def version_digest(version: ParameterVersion) -> str:
    """Return the SHA-256 of the parameters themselves, names and values."""
    from counterpoise.values.digest import sha256_of, text_of  # no margin number needs it

    own = version.parameters
    text = own.identity() if isinstance(own, IdentifiedParameters) else text_of(own)
    return sha256_of(f"{version.model} {text}")
