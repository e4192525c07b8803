"""What happened? The closed union of events that the engine applies, one after the other.

An event is what somebody said, representable but not yet true: `step` judges it, applies it or
refuses it with every reason. Each carries a client id (`client_id`, applied at most once) and its
own time (`time`, ns). Amounts are integers: lots, or the asset's smallest unit; a price is
`price * 10**price_exponent` in quote per unit of underlying, exactly as it was said.

Account events touch the accounts they name. Market events are the marks of the run: prices, the
clock, expiries, parameters; only they move the engine's time (docs/methodology/engine.md).
"""

from typing import Any

import numpy as np

from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.engine.asset_events import AssetEvent
from counterpoise.engine.levels import Level
from counterpoise.engine.tie_events import (
    AccountLinked,
    AccountUnlinked,
    ExposureLimited,
    PocketOpened,
)
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.instruments.contracts import Instrument
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Columns = np.ndarray[Any, np.dtype[np.int32]]
Counts = np.ndarray[Any, np.dtype[np.uint16]]


@frozen
class Filled:
    """An account traded `lots` (buy > 0) at a price; `fee` > 0 is paid, in the settlement asset.

    `order` is the open order that was filled, "" where there was none. The other side is the
    engine's `clearing` account until its own fill arrives.
    """

    client_id: str
    time: int
    account: str
    instrument: str
    order: str
    lots: int
    price: int
    price_exponent: int
    fee: int


@frozen
class OrderPlaced:
    """An account asks to have an order of `lots` (buy > 0) open; admitted by its margin."""

    client_id: str
    time: int
    account: str
    order: str
    instrument: str
    lots: int
    price: int
    price_exponent: int


@frozen
class OrderChanged:
    """An account asks to change what is open of an order to `lots`, of the same side, and price."""

    client_id: str
    time: int
    account: str
    order: str
    lots: int
    price: int
    price_exponent: int


@frozen
class OrderCancelled:
    """An order is gone."""

    client_id: str
    time: int
    account: str
    order: str


@frozen
class Transferred:
    """An account asks to move an amount of an asset to another account; admitted by its margin."""

    client_id: str
    time: int
    account: str
    to: str
    asset: str
    amount: int


@frozen
class Deposited:
    """An amount of an asset came in."""

    client_id: str
    time: int
    account: str
    asset: str
    amount: int


@frozen
class WithdrawalRequested:
    """An account asks to take an amount out; where its margin admits that, it is set aside."""

    client_id: str
    time: int
    account: str
    withdrawal: str
    asset: str
    amount: int


@frozen
class WithdrawalApproved:
    """What was set aside leaves."""

    client_id: str
    time: int
    account: str
    withdrawal: str


@frozen
class WithdrawalRejected:
    """What was set aside goes back to the account."""

    client_id: str
    time: int
    account: str
    withdrawal: str


@frozen
class FeeCharged:
    """An account pays `amount` of an asset in fees; a rebate is negative."""

    client_id: str
    time: int
    account: str
    asset: str
    amount: int


@frozen
class AccountOpened:
    """An account begins, margined by the rules of a segment."""

    client_id: str
    time: int
    account: str
    segment: str


@frozen
class AccountClosed:
    """An account without positions, orders and balances ends."""

    client_id: str
    time: int
    account: str


@frozen
class InstrumentQuotes:
    """Quotes by row: `column` of the catalogue, numbers as in `market.quotes`, NaN where silent.

    `at` is the time of the quote (ns), `sources` how many live venues stand behind it.
    """

    column: Columns
    mark: Floats
    forward: Floats
    volatility: Floats
    at: Ints
    sources: Counts


@frozen
class PriceQuotes:
    """Prices by name, USD: indices of underlyings or prices of assets; `at`, `sources` as above."""

    names: tuple[str, ...]
    price: Floats
    at: Ints
    sources: Counts


@frozen
class MarketBatch:
    """What feeds saw since the last batch; nothing is margined until a snapshot is assembled.

    `sequence` rises strictly; `edition` is the edition of the catalogue that columns count in.
    """

    client_id: str
    time: int
    sequence: int
    edition: int
    quotes: InstrumentQuotes
    indices: PriceQuotes
    assets: PriceQuotes


@frozen
class MarketAssembled:
    """The latest quotes become a snapshot as of `time`, and accounts are margined at it.

    `segments` are those margined now, all where empty; the others stay at an older snapshot and
    say so.
    """

    client_id: str
    time: int
    segments: tuple[str, ...]


@frozen
class FundingApplied:
    """Holders of a perpetual pay size x `rate` x `price` (rate > 0: longs pay)."""

    client_id: str
    time: int
    instrument: str
    rate: int
    rate_exponent: int
    price: int
    price_exponent: int


@frozen
class ContractsSettled:
    """All contracts of an underlying and expiry end at the delivery price.

    `price` is the venue's published one, 0 where the engine's own average is to be used.
    """

    client_id: str
    time: int
    underlying: str
    expiry: int
    price: int
    price_exponent: int


@frozen
class InstrumentsListed:
    """More instruments can be held; the catalogue has a new edition."""

    client_id: str
    time: int
    instruments: tuple[Instrument, ...]


@frozen
class SegmentDefined:
    """Accounts may be margined by this model from now on; its first version comes by an event."""

    client_id: str
    time: int
    segment: str
    model: str
    levels: tuple[Level, ...]


@frozen
class ParametersActivated:
    """A segment's parameters are `version` from `effective_from` (ns) on and not before."""

    client_id: str
    time: int
    segment: str
    version: ParameterVersion
    effective_from: int


@frozen
class CollateralScheduleChanged:
    """A segment's collateral counts by `schedule` from `effective_from` (ns) on."""

    client_id: str
    time: int
    segment: str
    schedule: CollateralSchedule
    effective_from: int


@frozen
class ImpactLimited:
    """Changes of a segment's terms are admitted within `limits`.

    `digest` is "" for the limits of every change, else that of the parameters or schedule whose
    impact was accepted as far as these limits.
    """

    client_id: str
    time: int
    segment: str
    digest: str
    limits: ImpactLimits


@frozen
class ChangeWithdrawn:
    """Parameters or a schedule with this digest, decreed for `effective_from`, never act."""

    client_id: str
    time: int
    segment: str
    digest: str
    effective_from: int


@frozen
class ClockAdvanced:
    """It is `time` now; deadlines are looked at."""

    client_id: str
    time: int


@frozen
class EngineRestarted:
    """The process began again, `engine` being its version: no price is fresh until seen again."""

    client_id: str
    time: int
    engine: str


@frozen
class UnreadableReceived:
    """Bytes came that are no event: their SHA-256, how many, and why. Always refused, recorded."""

    client_id: str
    time: int
    digest: str
    size: int
    sentence: str


@frozen
class ConflictReceived:
    """An event came under the id `taken`, which stands for another: the SHA-256 of its bytes.

    Always refused, recorded.
    """

    client_id: str
    time: int
    taken: str
    digest: str


AccountEvent = (Filled | OrderPlaced | OrderChanged | OrderCancelled | Transferred | Deposited
                | WithdrawalRequested | WithdrawalApproved | WithdrawalRejected | FeeCharged)
"""Events between two marks of a run; those of different accounts do not see one another."""
MarketEvent = (AccountOpened | AccountClosed | PocketOpened | AccountLinked | AccountUnlinked
               | MarketBatch | MarketAssembled | FundingApplied | ContractsSettled
               | InstrumentsListed | SegmentDefined | ParametersActivated
               | CollateralScheduleChanged | ClockAdvanced | EngineRestarted | UnreadableReceived
               | AssetEvent | ImpactLimited | ChangeWithdrawn | ConflictReceived | ExposureLimited)
Event = AccountEvent | MarketEvent
