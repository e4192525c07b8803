"""What bytes does a state have, and what is its root?

A state is written in parts: its head, what can be held, segments, ledger, prices, accounts, ids and
every shard; ties of accounts, limits of exposure and which expiries are settled where there are
some. Each part has a digest; the *root* is the digest of their digests, so that two replicas that
differ can say in which shard. What a state derives (risk arrays), what it computes with and how
many refused events it saw are in no part: a refused event leaves the root as it was.
"""

from itertools import chain, repeat
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.engine.board import Board
from counterpoise.engine.codec import vocabulary
from counterpoise.engine.directory import Directory
from counterpoise.engine.forms import Types, fits, named_types, read, unreadable, written
from counterpoise.engine.remembered import Remembered, own_entries, packed_ids, unpacked_ids
from counterpoise.engine.shards import compacted, flat
from counterpoise.engine.state import (
    FLOWS,
    Equipment,
    Exposure,
    Ledger,
    Order,
    Rules,
    Segment,
    Shard,
    Standing,
    State,
)
from counterpoise.engine.texts import Texts, packed_texts, unpacked_texts
from counterpoise.engine.ties import Ties, ties_of
from counterpoise.instruments.catalogue import Catalogue, catalogue
from counterpoise.instruments.contracts import Instrument
from counterpoise.market.conditions import Conditions
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.assets import Asset
from counterpoise.values.digest import sha256_of_bytes
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import frozen

STATE_FORMAT: Final = 3
_MARKET_FIELDS: Final[tuple[str, ...]] = tuple(
    n for n in vars(MarketSnapshot)["__fields__"] if n != "catalogue")
_BOOK_COLUMNS: Final = ("accounts", "row_pointer", "instrument", "lots", "entry_cost",
                        "order_pointer", "order_instrument", "order_lots", "balances")


@frozen
class _Head:
    """The small numbers of a state."""

    state_format: int
    edition: int
    applied: int
    time: int
    calls: int
    snapshots: int
    restarted_at: int
    owed: tuple[int, ...]
    rules: Rules
    withdrawals: dict[str, tuple[int, int, int]]


@frozen
class _ShardImage:
    """A shard without overlay; its orders stand by row, and in order of ids."""

    segment: int
    closed: tuple[int, ...]
    columns: dict[str, np.ndarray[Any, Any]]
    flows: np.ndarray[Any, np.dtype[np.int64]]
    order_price: np.ndarray[Any, np.dtype[np.float64]]
    order_rows: np.ndarray[Any, np.dtype[np.int64]]
    order_ids: Texts
    orders: np.ndarray[Any, np.dtype[np.int64]]
    standing: Standing


Parts = tuple[tuple[str, bytes], ...]


def state_parts(state: State) -> Parts:
    """Return the (name, bytes) of every part of a state that its root covers, in order."""
    names = packed_texts(own_names(state.directory))
    head = _Head(state_format=STATE_FORMAT, edition=state.edition, applied=state.applied,
                 time=state.time, calls=state.calls, snapshots=state.snapshots,
                 restarted_at=state.restarted_at, owed=state.owed, rules=state.rules,
                 withdrawals=state.withdrawals)
    ids = (packed_ids(state.remembered.older), packed_ids(own_entries(state.remembered)),
           state.remembered.floor)
    market = None if state.market is None else tuple(
        getattr(state.market, name) for name in _MARKET_FIELDS)
    places = flat(chain.from_iterable(state.directory.places[:state.directory.count]),
                  2 * state.directory.count).reshape(-1, 2)
    parts: list[tuple[str, Any]] = [
        ("head", head), ("terms", (state.catalogue.instruments, state.assets)),
        ("segments", state.segments), ("ledger", state.ledger), ("board", state.board),
        ("market", market), ("accounts", (names, places)), ("ids", ids)]
    if state.ties.owner or state.ties.head:
        parts.append(("ties", (state.ties.owner, state.ties.head)))
    if state.exposure:
        parts.append(("exposure", (state.exposure, state.pledged)))
    if state.settled:
        parts.append(("settled", state.settled))
    parts += [(f"shard {k}", _image_of(shard)) for k, shard in enumerate(plain_shards(state))]
    return tuple((name, written(part)) for name, part in parts)


def state_root(state: State) -> str:
    """Return the root of a state: equal roots, equal states."""
    return root_of(part_digests(state_parts(state)))


def part_digests(parts: Parts) -> tuple[tuple[str, str], ...]:
    """Return the (name, digest) of every part: two states differ where these do."""
    return tuple((name, sha256_of_bytes(content)) for name, content in parts)


def root_of(digests: tuple[tuple[str, str], ...]) -> str:
    """Return the root of the digests of all parts."""
    return sha256_of_bytes(*(f"{name} {digest}\n".encode() for name, digest in digests))


def own_names(directory: Directory) -> tuple[str, ...]:
    """Return the names of a directory's accounts by number."""
    return tuple(directory.names[:directory.count])


def plain_shards(state: State) -> tuple[Shard, ...]:
    """Return the shards of a state without overlays."""
    out = list(state.shards)
    for segment in range(len(state.segments)):
        mine = [k for k, shard in enumerate(out) if shard.segment == segment]
        if mine:
            for k, shard in zip(mine, compacted([out[k] for k in mine])[0], strict=True):
                out[k] = shard
    return tuple(out)


def _image_of(shard: Shard) -> _ShardImage:
    book, rows = shard.book, sorted(shard.orders)
    ids = [name for row in rows for name in sorted(shard.orders[row])]
    return _ShardImage(
        segment=shard.segment, closed=tuple(sorted(shard.closed)),
        columns={name: getattr(book, name) for name in _BOOK_COLUMNS}, flows=shard.flows,
        order_price=book.order_given.get("price", np.zeros(0)),
        order_rows=flat(chain.from_iterable([repeat(row, len(shard.orders[row])) for row in rows]),
                        len(ids)),
        order_ids=packed_texts(ids),
        orders=flat(chain.from_iterable([shard.orders[row][name] for row in rows
                                         for name in sorted(shard.orders[row])]),
                    4 * len(ids)).reshape(-1, 4),
        standing=shard.standing)


def encoded_state(state: State) -> bytes:
    """Return the bytes of a state: a snapshot that a run can begin with."""
    return written((state.position, state_parts(state)))


def state_types(equipment: Equipment) -> Types:
    """Return the classes that the bytes of a state may name."""
    return vocabulary(equipment.models.values()) | named_types(
        _Head, _ShardImage, Board, Exposure, Ledger, Segment, Conditions, Instrument, Asset)


def decoded_state(content: bytes, equipment: Equipment) -> State:
    """Return the state of its bytes, computing with `equipment`.

    Raises
    ------
    BadInput
        If they are not the bytes of a state, of this format, whose parts fit together.
    """
    types = state_types(equipment)
    outer = read(content, types)
    if not fits(outer, tuple[int, tuple[tuple[str, bytes], ...]]):
        raise unreadable("are no state")
    position, parts = outer
    try:
        state = _state(position, {name: read(part, types) for name, part in parts}, equipment)
        if encoded_state(state) != content:
            raise unreadable("are not the bytes that their own state has")
        return state
    except BadInput:
        raise
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError, IndexError) as wrong:
        raise unreadable(f"are parts of a state that do not fit together: {wrong}") from None


def _state(position: int, parts: dict[str, Any], equipment: Equipment) -> State:
    head = parts["head"]
    if head.state_format != STATE_FORMAT:
        raise unreadable(f"have the format {head.state_format} of a state; this engine reads "
                         f"{STATE_FORMAT}")
    instruments, assets = parts["terms"]
    assert len(head.owed) == len(assets)
    terms = catalogue(instruments)
    names, places = unpacked_texts(parts["accounts"][0]), parts["accounts"][1]
    older, younger, floor = parts["ids"]
    young = unpacked_ids(*younger)
    shards = len([name for name in parts if name.startswith("shard ")])
    images = [parts[f"shard {k}"] for k in range(shards)]
    market = parts["market"] and MarketSnapshot(
        catalogue=terms, **dict(zip(_MARKET_FIELDS, parts["market"], strict=True)))
    return State(
        equipment=equipment, rules=head.rules, catalogue=terms, edition=head.edition,
        assets=assets, segments=parts["segments"], position=position, applied=head.applied,
        time=head.time, shards=tuple(_shard_of(image, terms, assets) for image in images),
        directory=Directory(names=names, places=[(k, row) for k, row in places.tolist()],
                            count=len(names),
                            numbers={name: k for k, name in enumerate(names)}),
        ledger=parts["ledger"], board=parts["board"], market=market,
        remembered=Remembered(older=unpacked_ids(*older), younger=young, count=len(young),
                              floor=floor),
        withdrawals=head.withdrawals, calls=head.calls, snapshots=head.snapshots,
        restarted_at=head.restarted_at, owed=head.owed, arrays={}, worths={},
        ties=_ties(parts, len(names)), settled=_settled(parts), **_exposure(parts))


def _ties(parts: dict[str, Any], accounts: int) -> Ties:
    part = parts.get("ties", ({}, {}))
    if not fits(part, tuple[dict[int, int], dict[int, int]]) or not all(
            0 <= n < accounts for tied in part for pair in tied.items() for n in pair):
        raise unreadable("tie accounts that are none")
    return ties_of(*part)


def _exposure(parts: dict[str, Any]) -> dict[str, Any]:
    part = parts.get("exposure", ({}, {}))
    if not fits(part, tuple[dict[int, Exposure], dict[str, int]]) or not all(
            0 <= k < len(parts["segments"]) for k in part[0]):
        raise unreadable("limit the exposure of segments that are none")
    return {"exposure": part[0], "pledged": part[1]}


def _settled(parts: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    part: tuple[tuple[str, int], ...] = parts.get("settled", ())
    if not fits(part, tuple[tuple[str, int], ...]):
        raise unreadable("say of what is no expiry that it is settled")
    return part


def _shard_of(image: _ShardImage, terms: Catalogue, assets: tuple[Asset, ...]) -> Shard:
    columns: dict[str, Any] = dict(image.columns)
    book = Book(catalogue=terms, assets=assets, given={},
                order_given={"price": image.order_price}, **columns)
    assert image.flows.shape == (len(book), len(assets) * len(FLOWS))
    orders: dict[int, dict[str, Order]] = {}
    for row, name, order in zip(image.order_rows.tolist(), unpacked_texts(image.order_ids),
                                image.orders.tolist(), strict=True):
        column, lots, price, exponent = order
        orders.setdefault(row, {})[name] = column, lots, price, exponent
    return Shard(segment=image.segment, size=len(book), numbers=tuple(book.accounts.tolist()),
                 closed=frozenset(image.closed), book=book, orders=orders, overlay={},
                 flows=image.flows, standing=image.standing)
