"""What must a backend do so that nothing acknowledged is ever lost? The protocol of stores.

A backend keeps frames in order and knows nothing of what they say. `commit` is the one promise that
counts: when it returns, all of it is durable; when it raises, all or none of it is, and the store
takes nothing more until it is opened again. Everything else (chain, ids, groups, copies) is
written once, above this protocol. `adapters.store.conformance` tests any backend, ours or not.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from counterpoise.adapters.store.records import Mark
from counterpoise.values.frozen import frozen


class StoreStopped(RuntimeError):
    """The store takes nothing more: a write failed, and what it left is known only on reopening."""


class SnapshotLost(RuntimeError):
    """A snapshot could not be kept; the log is untouched and goes on."""


class Known(NamedTuple):
    """Where the event of a client id stands, and 16 bytes of what it said."""

    number: int
    content: bytes


@frozen
class Snapshot:
    """A state that was kept: after which record, its root, and the SHA-256 of its bytes."""

    mark: Mark
    root: bytes
    length: int
    digest: bytes


@frozen
class IndexRows:
    """What the index learns: client ids, and the records of accounts, up to record `upto`."""

    ids: tuple[tuple[str, int, bytes], ...]
    touched: tuple[tuple[str, int], ...]
    upto: int


@runtime_checkable
class Store(Protocol):
    """A place that keeps a log, its snapshots and its index.

    `place` is what a person calls it. One process at a time may write; any number read, also
    while it writes. `foot` is the mark before the first record that is still kept, `head` that of
    the last. Marks and index follow the log: the index may lag behind it, never lead.
    """

    place: str

    def format(self) -> int:
        """Return the version of the log's format that this place was written with."""

    def head(self) -> Mark:
        """Return the mark of the last durable record."""

    def foot(self) -> Mark:
        """Return the mark before the first record that is kept."""

    def commit(self, frames: Sequence[bytes], head: Mark, sent: int) -> None:
        """Append frames, the last of which is `head`, and the outbox's mark, all in one; durable.

        Raises
        ------
        StoreStopped
            If it failed. Nothing of it may be acknowledged, and the store takes nothing more.
        """

    def frames(self, after: int, limit: int) -> list[bytes]:
        """Return at most `limit` frames of the records after number `after`, in order."""

    def sent(self) -> int:
        """Return the number up to which effects were said to be sent."""

    def index(self, rows: IndexRows) -> None:
        """Add to the index, durably, and remember how far it reaches; again is harmless."""

    def unindex(self, ids: Sequence[str]) -> None:
        """Forget, durably, what the index has of these ids and of all records after `foot`.

        It reaches to `foot` then: whoever writes next reads the rest from the log.
        """

    def indexed(self) -> int:
        """Return the number of the last record that the index has."""

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Return what the index knows of these client ids."""

    def numbers_of(self, account: str, after: int, limit: int) -> list[int]:
        """Return numbers of records of an account, ascending, as far as the index reaches."""

    def id_rows(self, after: str, limit: int) -> list[tuple[str, int, bytes]]:
        """Return rows of the index by client id, ascending, after an id."""

    def keep(self, snapshot: Snapshot, state: bytes) -> None:
        """Keep a snapshot, durably and whole or not at all.

        Raises
        ------
        SnapshotLost
            If it could not be kept.
        """

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return the snapshots that are kept, oldest first."""

    def state(self, snapshot: Snapshot) -> bytes:
        """Return the bytes of a snapshot as they were kept, not verified."""

    def drop(self, snapshot: Snapshot) -> None:
        """Forget a snapshot."""

    def forget(self, foot: Mark) -> None:
        """Forget the records up to and with `foot`; their client ids stay known."""

    def close(self) -> None:
        """Let go of the place."""
