"""Which events tie accounts together, or limit what they may lean on?

A part of the closed union of `engine.events`, where its rules stand.
"""

from counterpoise.collateral.limits import ExposureLimits
from counterpoise.values.frozen import frozen


@frozen
class PocketOpened:
    """An account begins for isolated positions of its `owner`, ring-fenced, in the same segment."""

    client_id: str
    time: int
    account: str
    owner: str


@frozen
class AccountLinked:
    """An account asks to be margined as one with account `to` and all that are linked to it."""

    client_id: str
    time: int
    account: str
    to: str


@frozen
class AccountUnlinked:
    """A linked account asks to be margined by itself again."""

    client_id: str
    time: int
    account: str


@frozen
class ExposureLimited:
    """Accounts of a segment lean on assets, and are large, within `limits` from an instant on."""

    client_id: str
    time: int
    segment: str
    limits: ExposureLimits
    effective_from: int
