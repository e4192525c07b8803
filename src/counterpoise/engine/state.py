"""What does the engine know? One immutable value; a step makes the next one.

Accounts lie in *shards* of at most `SHARD_ACCOUNTS` of one segment. A shard is a book (columns) and
an *overlay*, the rows that changed since the book was made; a step copies the overlays it touches
and nothing else. What an account stands at (requirement, level, calls) is in the shard's
`Standing`. Money that is no account's is in the ledger's house accounts, so that every asset adds
up to zero over accounts and house.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import NO_ENTRIES, Book, book_of
from counterpoise.collateral.borrowing import NO_BORROWING, Borrowing
from counterpoise.collateral.counting import CountingTerms
from counterpoise.collateral.limits import ExposureLimits
from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.engine.board import Board, silent_board
from counterpoise.engine.directory import Directory, new_directory
from counterpoise.engine.levels import Level
from counterpoise.engine.remembered import NOTHING_REMEMBERED, Remembered
from counterpoise.engine.ties import NO_TIES, Ties
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.instruments.contracts import Instrument, Spot
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.scheduled import OwnTerms
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.assets import Asset
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, SECOND_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Codes = np.ndarray[Any, np.dtype[np.uint8]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
SHARD_ACCOUNTS: Final = 512
HOUSE: Final = ("clearing", "dust", "external", "fees", "funding", "interest", "withdrawals")
"""The other side of every posting: gains and premiums; rounding; the world outside; what accounts
paid in fees; funding on its way between accounts; interest; what is set aside for withdrawals."""
FLOWS: Final = ("realised", "funding", "fees", "interest")
"""What is summed up for every account and asset since it was opened: smallest units, received > 0.

Entry `asset * len(FLOWS) + flow` of an account's flows. With what came in and went out they are its
balance: realised P&L less the entry costs of open options, funding, fees, interest."""
REALISED, FUNDING_GOT, FEES_GOT, INTEREST_GOT = range(len(FLOWS))
RESTART_JUMP_MAX_NS: Final = 366 * DAY_NS
"""How far a restart may move the engine's time at once: by an outage of a year."""
NEVER: Final = -1
"""Stands for a snapshot that never was: the account changed since it was margined last."""


@frozen
class Rules:
    """How the engine judges time, ids and prices; docs/methodology/engine.md.

    lateness_ns    an event may be this much older than the engine's time
    ahead_ns       an account event may be this much younger
    jump_max_ns    a market event may move the engine's time this far; a restart up to
                   RESTART_JUMP_MAX_NS where that is further
    ids_kept       how many client ids are remembered, about
    orders_max     open orders per account
    age_max_ns     {underlying, asset or instrument id: how old its price may be}
    other_age_max_ns   the same for any other
    sources_min    how many live sources a price needs before anyone is called or liquidated by it
    calm_ns        how long every price of an account must have been fresh before that
    """

    lateness_ns: int = 60 * SECOND_NS
    ahead_ns: int = 5 * SECOND_NS
    jump_max_ns: int = 3600 * SECOND_NS
    ids_kept: int = 1_000_000
    orders_max: int = 200
    age_max_ns: dict[str, int] = {"BTC": 5 * SECOND_NS, "ETH": 5 * SECOND_NS}
    other_age_max_ns: int = 30 * SECOND_NS
    sources_min: int = 3
    calm_ns: int = 5 * SECOND_NS

    def __post_init__(self) -> None:
        """Refuse rules that could never be kept."""
        least = {"lateness_ns": 0, "ahead_ns": 0, "jump_max_ns": 1, "ids_kept": 2,
                 "orders_max": 1,
                 "other_age_max_ns": 1, "sources_min": 1, "calm_ns": 0}
        wrong = [Failure(reason=Reason.BAD_VALUE, subject=name, sentence=f"is {value}; at least "
                         f"{low}") for name, low in least.items()
                 if (value := getattr(self, name)) < low]
        if wrong:
            raise BadInput(*wrong)


@frozen
class Pending:
    """What acts on a segment from an instant on: parameters, a schedule, terms of borrowing."""

    effective_from: int
    version: ParameterVersion | None = None
    schedule: CollateralSchedule | None = None
    borrowing: Borrowing | None = None
    counting: dict[str, CountingTerms] | None = None


@frozen
class Segment:
    """Accounts that are margined alike.

    `model` names a model of the equipment; `version` are its parameters now, None before any act;
    `schedule` stands for the model's own collateral schedule where not None; `borrowing` are the
    terms on which balances may be negative, `counting` {asset: at which price it counts}; `pending`
    is sorted by time; `limits` {digest: how far the change with it may go}, "" for every other.
    """

    name: str
    model: str
    levels: tuple[Level, ...]
    version: ParameterVersion | None
    schedule: CollateralSchedule | None
    pending: tuple[Pending, ...]
    borrowing: Borrowing = NO_BORROWING
    counting: dict[str, CountingTerms] = {}
    limits: dict[str, ImpactLimits] = {}


def own_terms(segment: Segment) -> OwnTerms:
    """Return what was decreed for a segment in place of its model's own."""
    return OwnTerms(schedule=segment.schedule, borrowing=segment.borrowing,
                    counting=segment.counting)


@frozen
class Exposure:
    """Limits of a segment: those that act, and (from when, limits) that wait, by time."""

    acting: ExposureLimits | None
    waiting: tuple[tuple[int, ExposureLimits], ...]


@frozen
class Equipment:
    """What a step computes with; it is no part of the state's bytes: models by name, threads."""

    models: dict[str, MarginModel]
    threads: int = 1


Order = tuple[int, int, int, int]
"""(catalogue column, lots open, price, price exponent)."""
Held = tuple[int, int]
"""(lots, entry cost)."""


class Row:
    """One account's holdings in the open: never changed once the step that made it is over.

    positions {column: (lots, entry cost)}, orders {id: order}, balances [asset], flows [asset x
    flow] as `FLOWS` says, empty where a row is only asked about; `drawn_by` is the draft that may
    still write here.
    """

    __slots__ = ("balances", "drawn_by", "flows", "orders", "positions")

    def __init__(self, positions: dict[int, Held], orders: dict[str, Order], balances: list[int],
                 drawn_by: object = None, flows: list[int] | None = None) -> None:
        self.positions, self.orders, self.balances = positions, orders, balances
        self.drawn_by, self.flows = drawn_by, flows or []


@frozen
class Standing:
    """Where the accounts of a shard stand, [row] and [row, pool].

    snapshot       sequence of the snapshot margined at, NEVER where the account changed since
    initial, maintenance, balance   pool currency, NaN where there is no requirement row or number
    status         index into `margin.compute.STATUS`
    level          0 for none, else 1 + index into the segment's levels
    call           number of the open margin call, 0 without one
    issued, deadline, amount        of that call: ns, ns, smallest unit
    """

    pools: tuple[str, ...]
    snapshot: Ints
    initial: Floats
    maintenance: Floats
    balance: Floats
    status: Codes
    level: Codes
    call: Ints
    issued: Ints
    deadline: Ints
    amount: Ints


@frozen
class Shard:
    """Some accounts of one segment.

    book       columns of the first accounts; `accounts` are their numbers
    flows      [row of the book, asset x flow], sums since each account was opened, as `FLOWS` says
    orders     {row of the book: its open orders}
    overlay    {row: what it holds now}; rows from `len(book)` to `size` are in it or empty
    numbers    account numbers of all `size` rows
    closed     rows of accounts that ended
    """

    segment: int
    size: int
    numbers: tuple[int, ...]
    closed: frozenset[int]
    book: Book
    flows: Ints
    orders: dict[int, dict[str, Order]]
    overlay: dict[int, Row]
    standing: Standing


@frozen
class Ledger:
    """What is no account's.

    cash      {house account: balance of each asset}
    cleared   {instrument id: (lots, cost, trades) of the clearing account since it held nothing}
    """

    cash: dict[str, tuple[int, ...]]
    cleared: dict[str, tuple[int, int, int]]


@frozen
class State:
    """Everything; build the first with `genesis`, the next with `step.step`.

    position      how many events were seen, refused ones too; no part of the root
    applied       how many were applied
    time          the engine's time, ns
    withdrawals   {id: (account number, column of `assets`, amount)} set aside
    calls         number of the last margin call
    snapshots     sequence of the last snapshot
    restarted_at  when the process began, ns
    owed          [asset] what all accounts owe, smallest units, as counted at the last snapshot;
                  counted where a segment lets somebody borrow
    arrays        {segment: `market` priced for it}; made again when needed, no part of the root
    worths        {instrument id: its `money.Worth`}; likewise
    ties          pockets and linked accounts
    exposure      {segment: limits of what its accounts lean on, and of their size}
    pledged       {asset with a cap on the platform: what all accounts hold, smallest units}
    settled       (underlying, expiry, ns) of contracts that are settled, increasing; kept as long
                  as their instruments are, so that no expiry is settled twice
    """

    equipment: Equipment
    rules: Rules
    catalogue: Catalogue
    edition: int
    assets: tuple[Asset, ...]
    segments: tuple[Segment, ...]
    position: int
    applied: int
    time: int
    directory: Directory
    shards: tuple[Shard, ...]
    ledger: Ledger
    board: Board
    market: MarketSnapshot | None
    remembered: Remembered
    withdrawals: dict[str, tuple[int, int, int]]
    calls: int
    snapshots: int
    restarted_at: int
    owed: tuple[int, ...]
    arrays: dict[int, Any]
    worths: dict[str, Any]
    ties: Ties = NO_TIES
    exposure: dict[int, Exposure] = {}
    pledged: dict[str, int] = {}
    settled: tuple[tuple[str, int], ...] = ()


def genesis(*, catalogue: Catalogue, assets: tuple[Asset, ...], equipment: Equipment,
            rules: Rules | None = None, time: int = 0) -> State:
    """Return the first state: instruments and assets, nobody and nothing else.

    Raises
    ------
    BadInput
        If an asset stands twice, or a contract is settled in one that is not listed.
    """
    codes = [a.code for a in assets]
    paid = {c for i in catalogue.instruments for c in _paid_in(i)}
    wrong = [Failure(reason=Reason.DUPLICATE, subject=c, sentence="stands twice among the assets")
             for c in sorted({c for c in codes if codes.count(c) > 1})]
    wrong += [Failure(reason=Reason.UNKNOWN_ASSET, subject=c, sentence="is paid by a contract and "
                      "no asset of the ledger; list it") for c in sorted(paid - set(codes))]
    if wrong:
        raise BadInput(*wrong)
    held = tuple(sorted(assets, key=lambda a: a.code))
    return State(
        equipment=equipment, rules=rules or Rules(), catalogue=catalogue, edition=0, assets=held,
        segments=(), position=0, applied=0, time=time, directory=new_directory(), shards=(),
        ledger=Ledger(cash={name: (0,) * len(held) for name in HOUSE}, cleared={}),
        board=silent_board(catalogue, held), market=None, remembered=NOTHING_REMEMBERED,
        withdrawals={}, calls=0, snapshots=0, restarted_at=NEVER, owed=(0,) * len(held),
        arrays={}, worths={})


def _paid_in(instrument: Instrument) -> tuple[str, ...]:
    if isinstance(instrument, Spot):
        return (instrument.underlying, instrument.quote)
    return (instrument.settlement,)


def empty_shard(held: Catalogue, assets: tuple[Asset, ...], segment: int,
                pools: tuple[str, ...]) -> Shard:
    """Return a shard of a segment that nobody is in yet."""
    book = book_of(catalogue=held, accounts=np.zeros(0, np.int64), positions=NO_ENTRIES,
                   balances=(assets, np.zeros((0, len(assets)), np.int64)))
    return Shard(segment=segment, size=0, numbers=(), closed=frozenset(), book=book, orders={},
                 flows=np.zeros((0, len(assets) * len(FLOWS)), np.int64), overlay={},
                 standing=no_standing(pools, 0))


def no_standing(pools: tuple[str, ...], rows: int) -> Standing:
    """Return the standing of accounts that were never margined."""
    shape = (rows, len(pools))
    unknown = [np.full(shape, np.nan) for _ in range(3)]
    counts = [np.zeros(shape, np.int64) for _ in range(4)]
    return Standing(pools=pools, snapshot=np.full(rows, NEVER), initial=unknown[0],
                    maintenance=unknown[1], balance=unknown[2], status=np.zeros(shape, np.uint8),
                    level=np.zeros(shape, np.uint8), call=counts[0], issued=counts[1],
                    deadline=counts[2], amount=counts[3])
