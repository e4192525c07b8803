"""What follows? The closed union of effects that a step returns: decisions, calls, refusals.

Effects stand in the order of their events: `position` is the event's place in the log, `time` the
engine's time at which it was decided. Nothing happens outside until the effects are stored.
"""

from enum import StrEnum
from typing import Any

import numpy as np

from counterpoise.governance.impact import Group
from counterpoise.values.failure import Failure
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Columns = np.ndarray[Any, np.dtype[np.int32]]
Codes = np.ndarray[Any, np.dtype[np.uint8]]


class AlertTopic(StrEnum):
    """What an alert is about."""

    PRICES_DEGRADED = "prices_degraded"
    QUOTES_REFUSED = "quotes_refused"
    DECISIONS_HELD = "decisions_held"
    NO_MARGIN = "no_margin"
    OLDER_SNAPSHOT = "older_snapshot"
    DELIVERY_DIFFERS = "delivery_differs"
    OWED_TOO_MUCH = "owed_too_much"


@frozen
class EventRefused:
    """An event changed nothing; every reason."""

    position: int
    time: int
    client_id: str
    failures: tuple[Failure, ...]


@frozen
class EventRepeated:
    """An event with this id and content was applied before; nothing changed."""

    position: int
    time: int
    client_id: str


@frozen
class OrderAdmitted:
    """An order is open, or changed."""

    position: int
    time: int
    account: str
    order: str


@frozen
class OrderRefused:
    """An order is not let in; `largest` signed lots would be, at most what was asked."""

    position: int
    time: int
    account: str
    order: str
    largest: int
    failures: tuple[Failure, ...]


@frozen
class WithdrawalDecided:
    """A withdrawal is set aside, or refused with every reason; `largest` amount would pass."""

    position: int
    time: int
    account: str
    withdrawal: str
    admitted: bool
    largest: int
    failures: tuple[Failure, ...]


@frozen
class TransferDecided:
    """A transfer is made, or refused with every reason; `largest` amount would pass."""

    position: int
    time: int
    account: str
    to: str
    admitted: bool
    largest: int
    failures: tuple[Failure, ...]


@frozen
class LinkDecided:
    """An account is linked to another, or (`linked` False) unlinked, or that is refused."""

    position: int
    time: int
    account: str
    to: str
    linked: bool
    admitted: bool
    failures: tuple[Failure, ...]


@frozen
class LossAbsorbed:
    """A pocket ended owing an `amount` of an asset: the world outside bears it, not its owner."""

    position: int
    time: int
    account: str
    asset: str
    amount: int


@frozen
class RequirementsChanged:
    """Requirement rows of a segment that differ from before, at a snapshot.

    account               the engine's numbers of accounts, [row]
    pool                  index into `pools`, [row]
    initial, maintenance  pool currency, NaN where `status` is unknown, [row]
    balance               what they are compared with, [row]
    status                index into `margin.compute.STATUS`, [row]
    """

    position: int
    time: int
    segment: str
    snapshot: int
    pools: tuple[str, ...]
    account: Ints
    pool: Columns
    initial: Floats
    maintenance: Floats
    balance: Floats
    status: Codes


@frozen
class InitialBreached:
    """An account's balance fell below its initial requirement: its risk may not grow."""

    position: int
    time: int
    account: str
    pool: str
    initial: float
    balance: float


@frozen
class LevelChanged:
    """An account stands at another level of its segment's ladder; "" is none."""

    position: int
    time: int
    account: str
    pool: str
    before: str
    after: str


@frozen
class MarginCallIssued:
    """Collateral is called. Names follow FINOS CDM (MarginCallIssuance).

    call_identifier        unique, "account/pool/number"
    call_amount            in `base_currency`'s smallest unit; what restores the initial requirement
    reg_margin_type        "NonRegIM": margin of a venue, not of a bilateral rule
    eligible_collateral    (asset, weight of its first tier) that counts for this call
    deadline               ns; not met by then, the call is escalated
    snapshot, version      what it was computed with
    """

    position: int
    time: int
    account: str
    call_identifier: str
    base_currency: str
    call_amount: int
    reg_margin_type: str
    eligible_collateral: tuple[tuple[str, float], ...]
    deadline: int
    snapshot: int
    version: int


@frozen
class MarginCallMet:
    """A call is met: the account left its level, hysteresis included."""

    position: int
    time: int
    account: str
    call_identifier: str
    open_ns: int


@frozen
class MarginCallEscalated:
    """A call was not met by its deadline, or the account fell to a level without grace."""

    position: int
    time: int
    account: str
    call_identifier: str
    level: str


@frozen
class LiquidationOrdered:
    """An account is to be liquidated; `lead_ns` after the call was issued, -1 without a call."""

    position: int
    time: int
    account: str
    pool: str
    level: str
    maintenance: float
    balance: float
    snapshot: int
    version: int
    lead_ns: int


@frozen
class ContractsDelivered:
    """Contracts ended at a delivery price; `covered` is the share of the window that was seen."""

    position: int
    time: int
    underlying: str
    expiry: int
    price: int
    price_exponent: int
    covered: float


@frozen
class InterestPosted:
    """What accounts of a segment owed of an asset was charged for `instants` intervals.

    `accounts` paid `amount` together, smallest units, into the house account "interest".
    """

    position: int
    time: int
    segment: str
    asset: str
    instants: int
    accounts: int
    amount: int


@frozen
class ParametersTookEffect:
    """Parameters act from now on; `digest` of what they say."""

    position: int
    time: int
    segment: str
    version: int
    digest: str


@frozen
class ChangeDecided:
    """Parameters or a schedule will act from `effective_from` on, or never, with every reason.

    version    number of the parameters, 0 for a schedule; `digest` of either
    impact     digest of `governance.impact`, "" where there was nothing to weigh; its `groups`
    """

    position: int
    time: int
    segment: str
    version: int
    digest: str
    effective_from: int
    admitted: bool
    impact: str
    groups: tuple[Group, ...]
    failures: tuple[Failure, ...]


@frozen
class LimitsTookEffect:
    """Limits of exposure act on a segment from now on; `digest` of their bytes."""

    position: int
    time: int
    segment: str
    digest: str


@frozen
class Alert:
    """Somebody should look."""

    position: int
    time: int
    topic: AlertTopic
    subject: str
    sentence: str


Effect = (EventRefused | EventRepeated | OrderAdmitted | OrderRefused | WithdrawalDecided
          | TransferDecided | RequirementsChanged | InitialBreached | LevelChanged
          | MarginCallIssued | MarginCallMet | MarginCallEscalated | LiquidationOrdered
          | ContractsDelivered | ParametersTookEffect | Alert | LinkDecided | LossAbsorbed
          | InterestPosted | ChangeDecided | LimitsTookEffect)
