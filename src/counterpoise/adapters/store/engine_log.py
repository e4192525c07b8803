"""What does the engine's life look like in a log? Its events and effects as entries, and back.

A log of the engine begins with a header (which codec, which forms, whose prices) and the snapshot
of its first state after that; everything else is an event. Replay applies the events with the
engine's own `step`, so that a log is read by exactly what wrote it.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final

import numpy as np

from counterpoise.adapters.store.header import told_by
from counterpoise.adapters.store.history import CHUNK, record_at, state_at
from counterpoise.adapters.store.journal import Journal, open_journal
from counterpoise.adapters.store.records import START, Entry, Record, RecordType
from counterpoise.adapters.store.replay import Machine, Said, told_apart
from counterpoise.adapters.store.store import Snapshot, Store
from counterpoise.engine import codec, image
from counterpoise.engine.codec import Batch
from counterpoise.engine.effects import Effect
from counterpoise.engine.forms import Types, written
from counterpoise.engine.state import Equipment, State
from counterpoise.engine.step import step
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen

HEADER: Final = {"log": "counterpoise engine", "codec": codec.FORMAT, "state": image.STATE_FORMAT}
FIRST: Final = 1
"""The header's number: the first state is the snapshot after it."""
_WORDS_MAX: Final = 400


class Origin(StrEnum):
    """How the prices of a log came to be."""

    SIMULATED = "simulated"
    RECORDED = "recorded"
    FED = "fed"


@frozen
class Market:
    """Whose prices a log lives on: how they came to be, and `source` in words."""

    origin: Origin
    source: str


def _accounts_of(kind: Any) -> Callable[[Any], tuple[str, ...]]:
    """Return how events or effects of a kind name accounts, each once."""
    fields = [name for name in codec.NAMING if kind.__types__.get(name) is str]
    if not fields:
        return lambda said: ()
    pick: Any = attrgetter(*fields)
    if len(fields) == 1:
        return lambda said: (pick(said),)
    return lambda said: tuple(dict.fromkeys(pick(said)))


_ACCOUNTS: Final[dict[type, Callable[[Any], tuple[str, ...]]]] = {
    kind: _accounts_of(kind) for kind in (codec.EVENT_KINDS | codec.EFFECT_KINDS).values()}


def machine(equipment: Equipment) -> Machine[State]:
    """Return the engine as what a log is replayed with; `equipment` is no part of its states."""
    types = codec.vocabulary(equipment.models.values())

    def applied(state: State, events: list[Record]) -> tuple[State, list[tuple[str, bytes]]]:
        after, effects = step(state, codec.batch_from((e.payload for e in events), types))
        return after, [(type(e).__name__, codec.encoded(e)) for e in effects]

    return Machine(begun=_no_first_state, read=lambda content: image.decoded_state(
        content, equipment), bytes_of=image.encoded_state, step=applied, root=root_of,
                   apart=lambda logged, found: fields_apart(logged, found, types))


def fields_apart(logged: Said, found: Said, types: Types) -> tuple[str, str]:
    """Return what sets two effects apart: the fields that differ, in arrays the first such place.

    Of different kinds, or where bytes cannot be read, each side says what it is.
    """
    try:
        sides: list[Any] = [None if s is None else codec.decoded_effect(s[1], types)
                            for s in (logged, found)]
    except BadInput:
        return told_apart(logged, found)
    one, other = sides
    if one is None or other is None or type(one) is not type(other):
        return _whole(one), _whole(other)
    names = [n for n in one.__fields__ if written(getattr(one, n)) != written(getattr(other, n))]
    pairs = [(n, *_first_apart(getattr(one, n), getattr(other, n))) for n in names]
    kind = type(one).__name__
    return (" ".join([kind, *(f"{n} {a}" for n, a, _ in pairs)])[:_WORDS_MAX],
            " ".join([kind, *(f"{n} {b}" for n, _, b in pairs)])[:_WORDS_MAX])


def _whole(effect: Any) -> str:
    if effect is None:
        return "no effect"
    return " ".join([type(effect).__name__, *(f"{n} {getattr(effect, n)!r}" for n in
                                              effect.__fields__)])[:_WORDS_MAX]


def _first_apart(one: Any, other: Any) -> tuple[str, str]:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.shape == other.shape:
        at = int(np.flatnonzero(~((one == other) | ((one != one) & (other != other))))[0])
        return f"[{at}] {one[at].item()!r}", f"[{at}] {other[at].item()!r}"
    return repr(one), repr(other)


def root_of(state: State) -> bytes:
    """Return the root of a state as the log keeps it."""
    return bytes.fromhex(image.state_root(state))


def _no_first_state(header: bytes) -> State:
    raise bad_input(Reason.UNREADABLE, f"snapshot after record {FIRST}", "is missing: the log's "
                    "first state; replay from a later snapshot")


def event_entries(batch: Batch) -> tuple[Entry, ...]:
    """Return the entries of a batch of events."""
    return tuple([Entry(RecordType.EVENT, type(event).__name__, frame, event.time,
                        event.client_id, _ACCOUNTS[type(event)](event))
                  for event, frame in zip(batch.events, batch.frames, strict=True)])


def effect_entries(effects: Iterable[Effect], first: int) -> tuple[Entry, ...]:
    """Return the entries of what a step gave out; `first` is the position of its first event."""
    return tuple([Entry(RecordType.EFFECT, type(effect).__name__, codec.encoded(effect),
                        effect.time, "", _ACCOUNTS[type(effect)](effect),
                        effect.position - first)
                  for effect in effects])


def open_engine_journal(store: Store, first: State, market: Market | None = None) -> Journal:
    """Return the writer of an engine's log.

    A new log begins with the state `first` and says whose prices it lives on, where that is given.

    Raises
    ------
    BadInput
        If the log is damaged or another program's.
    """
    journal = open_journal(store, header=HEADER, told={"market": market_document(market)})
    if journal.head.number == FIRST and not store.snapshots():
        journal.keep_snapshot(journal.head, root_of(first), image.encoded_state(first))
    return journal


def market_document(market: Market | None) -> dict[str, str] | None:
    """Return whose prices a log lives on as its header has it, None where it does not say."""
    if market is None:
        return None
    return {"origin": market.origin.value, "source": market.source}


def market_of(store: Store) -> Market | None:
    """Return whose prices a log lives on.

    None where it does not say: older logs do not, nor do those whose first record was forgotten.
    """
    told = told_by(store).get("market")
    if not isinstance(told, dict) or told.get("origin") not in set(Origin):
        return None
    return Market(origin=Origin(told["origin"]), source=str(told.get("source", "")))


def starts(store: Store) -> tuple[Snapshot, ...]:
    """Return the sound snapshots that a replay can begin with, oldest first.

    Raises
    ------
    BadInput
        If there is none.
    """
    found = tuple(s for s in store.snapshots() if s.mark.number >= store.foot().number)
    if not found:
        raise bad_input(Reason.UNREADABLE, store.place, "keeps no snapshot to begin with"
                        + ("; it has no record yet" if store.head() == START else ""))
    state_at(store, found[0])
    return found


def life_of(store: Store, account: str) -> list[Record]:
    """Return the records of an account, in order; what the index lacks is read from the log."""
    numbers: list[int] = []
    while more := store.numbers_of(account, numbers[-1] if numbers else 0, CHUNK):
        numbers += more
    reach = max(store.indexed(), store.foot().number)
    found = [record_at(store, number) for number in numbers if number > store.foot().number]
    end = store.head().number
    return found + [record for number in range(reach + 1, end + 1)
                    if account in (record := record_at(store, number)).accounts]
