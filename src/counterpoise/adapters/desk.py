"""Where does a desk lie? In a log of its own beside the engine's: deeds, chained, only ever added.

It is a store like the engine's (`adapters.store`), so that what was filed is durable, checked and
backed up by the same means. A folder store has its desk in the folder `desk` inside; for one on a
server the place is named.
"""

import os
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

from counterpoise.adapters.activations import Saying, activation_events
from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.store import places
from counterpoise.adapters.store.history import records
from counterpoise.adapters.store.journal import Batch, open_journal
from counterpoise.adapters.store.records import Entry, RecordType
from counterpoise.adapters.store.store import Store
from counterpoise.collateral.borrowing import Borrowing
from counterpoise.collateral.counting import CountingTerms
from counterpoise.collateral.limits import ExposureLimits
from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.engine.forms import Types, fits, named_types, read, written
from counterpoise.governance.deeds import Deed, done
from counterpoise.governance.proposals import Desk, Told
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen

DESK_FORMAT: Final = 1
HEADER: Final = {"log": "counterpoise desk", "desk": DESK_FORMAT}
FOLDER: Final = "desk"
OPEN_ONE: Final = "open one with: counterpoise governance open STORE CHARTER --by NAME"


@frozen
class Kept:
    """A desk as it is kept: deeds in order, where they led, and what the engine is told of each."""

    desk: Desk | None
    deeds: tuple[Deed, ...]
    told: tuple[tuple[Told, ...], ...]


def desk_place(store: str, named: str | None) -> str:
    """Return where the desk of an engine's store lies.

    Raises
    ------
    BadInput
        If the store is on a server and no place is named.
    """
    if named is not None:
        return named
    if "://" in store:
        raise bad_input(Reason.BAD_VALUE, "--desk", "is not named; a store on a server has its "
                        "desk elsewhere: in a folder, or at an address with another schema")
    return os.path.join(store, FOLDER)


def desk_types() -> Types:
    """Return the classes that a desk's bytes may name."""
    models = (model_named(name).parameters_type for name in model_names())
    return named_types(Deed, CollateralSchedule, Borrowing, CountingTerms, ExposureLimits, *models)


def kept_at(place: str) -> Kept:
    """Return the desk at a place, every record checked and every deed judged again.

    Raises
    ------
    BadInput
        If there is none, or it is damaged.
    """
    _refuse_none(place)
    with closing(places.opened(place)) as store:
        return _kept(store)


def _refuse_none(place: str) -> None:
    # A server is only known by trying, and says more about why it cannot be reached.
    if "://" not in place and not places.holds_log(place):
        raise bad_input(Reason.NOT_APPLICABLE, place, f"holds no desk; {OPEN_ONE}")


def _kept(store: Store) -> Kept:
    types = desk_types()
    deeds: list[Deed] = []
    told: list[tuple[Told, ...]] = []
    desk: Desk | None = None
    for record, _ in records(store):
        if record.type == RecordType.EVENT:
            deed = read(record.payload, types)
            if not fits(deed, Deed):
                raise bad_input(Reason.UNREADABLE, f"record {record.number} of the desk", "is no "
                                "deed; restore a backup")
            desk, said = done(desk, deed)
            deeds.append(deed)
            told.append(said)
        elif record.payload and b"counterpoise desk" not in record.payload:
            raise bad_input(Reason.UNREADABLE, store.place, "is no desk; name the folder of one")
    return Kept(desk=desk, deeds=tuple(deeds), told=tuple(told))


def filed(place: str, wanted: Callable[[Kept], tuple[Deed, ...]], *, new: bool = False) -> Kept:
    """Add the deeds that `wanted` makes of the desk as it is, all or none; return the desk then.

    Raises
    ------
    BadInput
        If something speaks against a deed, another process files, or there is no desk and `new`
        does not ask for one.
    """
    if not new:
        _refuse_none(place)
    store = places.owned_or_new(place) if new else places.owned(place)
    try:
        journal = open_journal(store, header=HEADER)
    except BadInput:
        store.close()
        raise
    try:
        kept = _kept(store)
        first = len(kept.deeds)
        for deed in wanted(kept):
            _refuse_unreadable(deed)
            desk, said = done(kept.desk, deed)
            kept = Kept(desk=desk, deeds=(*kept.deeds, deed), told=(*kept.told, said))
        new_ones = kept.deeds[first:]
        if new_ones:
            journal.append(Batch(events=tuple(
                Entry(RecordType.EVENT, type(deed).__name__, written(deed), deed.at,
                      f"deed-{number}") for number, deed in enumerate(new_ones, first + 1))))
        return kept
    finally:
        journal.close()


def _refuse_unreadable(deed: Deed) -> None:
    """Refuse a deed that would not be read again as it is filed: the desk would be lost with it."""
    again = read(written(deed), desk_types())
    if not fits(again, Deed) or again != deed:
        raise bad_input(Reason.BAD_VALUE, type(deed).__name__, "would not be read again as it is "
                        "filed")


class DeskWatch:
    """What a desk tells the engine, looked at while both live; a desk may come later."""

    def __init__(self, place: str) -> None:
        self._place, self._seen = place, -1
        self._store: Store | None = None

    def news(self, time: int) -> tuple[Saying, ...]:
        """Return all that was ever told, as events said at `time`, where the desk has changed.

        Raises
        ------
        BadInput
            If the desk is damaged.
        """
        if self._store is None:
            if not places.holds_log(self._place):
                return ()
            self._store = places.opened(self._place)
        head = self._store.head().number
        if head == self._seen:
            return ()
        kept, self._seen = _kept(self._store), head
        return activation_events((one for said in kept.told for one in said), time=time)

    def close(self) -> None:
        """Let go of the desk."""
        if self._store is not None:
            self._store.close()


def newest_record(store: Store) -> Any:
    """Return the last record of a log whose time is the engine's, None without any."""
    number = store.head().number
    while number > store.foot().number:
        first = max(number - 256, store.foot().number)
        for record in reversed(_some(store, first, number)):
            if record.type == RecordType.EFFECT or record.kind in _CLOCKS:
                return record
        number = first
    return None


_CLOCKS: Final = frozenset({"MarketBatch", "MarketAssembled", "ClockAdvanced", "EngineRestarted",
                            "FundingApplied", "ContractsSettled"})


def _some(store: Store, after: int, upto: int) -> list[Any]:
    from counterpoise.adapters.store.history import record_at

    return [record_at(store, number) for number in range(after + 1, upto + 1)]
