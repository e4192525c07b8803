"""Which terms of a segment change by themselves? Its parameters, and four kinds beside them.

Each kind has a history and version numbers of its own: that of the parameters stands under the
segment's name, that of the others under the name and a word:

    NAME    NAME collateral    NAME borrowing    NAME counting    NAME exposure
"""

from typing import Any, Final

from counterpoise.collateral.borrowing import Borrowing
from counterpoise.collateral.limits import ExposureLimits
from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.margin.parameter_version import ParameterVersion, version_digest
from counterpoise.margin.scheduled import digest_of_terms

BESIDE: Final[dict[type, str]] = {CollateralSchedule: "collateral", Borrowing: "borrowing",
                                  dict: "counting", ExposureLimits: "exposure"}
"""The word of each kind of terms; a table {asset: CountingTerms} is how assets count."""


def word_of(terms: Any) -> str:
    """Return which terms beside the parameters these are, "" for parameters."""
    return BESIDE.get(type(terms), "")


def subject_of(segment: str, terms: Any) -> str:
    """Return what the history of such terms stands under."""
    return f"{segment} {word_of(terms)}".strip()


def segment_of(subject: str, terms: Any) -> str:
    """Return the engine's segment of what a history stands under."""
    return subject.removesuffix(f" {word_of(terms)}") if word_of(terms) else subject


def terms_named(version: ParameterVersion) -> str:
    """Return the digest by which the engine knows parameters, or the terms in their place."""
    own = version.parameters
    return digest_of_terms(own) if word_of(own) else version_digest(version)
