"""What is one record of the log? Bytes with a checksum, chained to the record before.

    frame = length (4) | type (1) | version (1) | number (8) | cause (8) | time (8)
          | lengths of kind (1), client id (2), accounts (2) | kind | client id | accounts | payload
          | CRC-32 of all of that (4) | SHA-256 of the previous frame (32)

Integers are little-endian; `length` counts what follows it. Numbers are consecutive from 1.
Events, their effects and state roots stand in one chain, in the order in which they became durable.
The hash of a record is the SHA-256 of its whole frame, so that one hash vouches for all before.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from enum import IntEnum
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

FORMAT: Final = 1
"""Version of the frame's layout, in every frame and in the header of the store."""
NO_HASH: Final = bytes(32)
"""Stands before the first record."""
PAYLOAD_MAX: Final = 1 << 26
KIND_MAX: Final = 80
CLIENT_ID_MAX: Final = 200
ACCOUNTS_MAX: Final = 65_535
INT64_MAX: Final = 2**63 - 1
_HEAD: Final = struct.Struct("<IBBQQqBHH")
_TAIL: Final = 36
_LENGTH: Final = 4
_UTF8_MAX: Final = 4
"""Bytes of a character."""


class RecordType(IntEnum):
    """What a record says; the value is the byte in its frame."""

    HEADER = 0
    EVENT = 1
    EFFECT = 2
    ROOT = 3


class Record(NamedTuple):
    """One record: a tuple, since a restart reads millions of them.

    `cause` is the number of the event that an effect follows from, 0 where there is none; `time`
    is the event's own, in nanoseconds; `accounts` are those whose life it belongs to. `payload`
    is the engine's business.
    """

    number: int
    type: RecordType
    cause: int
    time: int
    kind: str
    client_id: str
    accounts: tuple[str, ...]
    payload: bytes


@frozen
class Mark:
    """A place in the log: the number of a record and its hash; number 0 is before the first."""

    number: int
    hash: bytes

    def __post_init__(self) -> None:
        """Refuse a negative number and a hash that is none."""
        if self.number < 0 or len(self.hash) != len(NO_HASH):
            raise bad_input(Reason.BAD_VALUE, "mark", f"number {self.number} with a hash of "
                            f"{len(self.hash)} bytes is no place in a log")


START: Final = Mark(number=0, hash=NO_HASH)
Fields = tuple[int, RecordType, int, int, str, str, tuple[str, ...], bytes]
"""The fields of a `Record`, in their order."""
_TYPES: Final = {int(t): t for t in RecordType}


def frame_of(record: "Record | Fields", previous: bytes) -> bytes:
    """Return the bytes of a record that follows one with the hash `previous`."""
    number, kind_of, cause, time, kind, client_id, accounts, payload = record
    k, c, a = kind.encode(), client_id.encode(), "\n".join(accounts).encode()
    head = _HEAD.pack(_HEAD.size + len(k) + len(c) + len(a) + len(payload) + _TAIL - _LENGTH,
                      kind_of, FORMAT, number, cause, time, len(k), len(c), len(a))
    body = head + k + c + a + payload
    return body + zlib.crc32(body).to_bytes(4, "little") + previous


def chained(entries: "Sequence[Entry]", after: Mark) -> tuple[list[bytes], Mark]:
    """Return the frames of the entries of a batch that follow a mark, and the last one's mark."""
    frames, previous, first = list[bytes](), after.hash, after.number + 1
    for number, (kind_of, kind, payload, time, name, accounts, cause) in enumerate(entries, first):
        frame = frame_of((number, kind_of, first + cause if cause >= 0 else 0, time, kind, name,
                          accounts, payload), previous)
        previous = hashlib.sha256(frame).digest()
        frames.append(frame)
    return frames, Mark(number=after.number + len(frames), hash=previous)


def hash_of(frame: bytes) -> bytes:
    """Return the hash of a record from its frame."""
    return hashlib.sha256(frame).digest()


def record_in(frame: bytes, previous: Mark) -> Record:
    """Return the record in a frame that must follow `previous`.

    Raises
    ------
    BadInput
        If it is of an unknown version, damaged, or does not follow: nothing after it can be used.
    """
    wanted = previous.number + 1
    if len(frame) < _HEAD.size + _TAIL:
        raise _damaged(wanted, f"is cut off after {len(frame)} bytes")
    length, kind_of, version, number, cause, time, k, c, a = _HEAD.unpack_from(frame)
    body = memoryview(frame)[:-_TAIL]
    if zlib.crc32(body) != int.from_bytes(frame[-_TAIL:_LENGTH - _TAIL], "little"):
        raise _damaged(wanted, "does not match its checksum")
    if version != FORMAT:
        raise _unknown_version(f"record {wanted}", version)
    if frame[_LENGTH - _TAIL:] != previous.hash:
        raise _damaged(wanted, "does not follow the record before it: the chain of hashes breaks")
    names_at = _HEAD.size + k + c
    if length != len(frame) - _LENGTH or number != wanted or names_at + a > len(body):
        raise _damaged(wanted, f"says that it is number {number} of {length} bytes")
    names = frame[names_at:names_at + a].decode()
    return Record(number, _TYPES[kind_of], cause, time,
                  frame[_HEAD.size:_HEAD.size + k].decode(),
                  frame[_HEAD.size + k:names_at].decode(),
                  tuple(names.split("\n")) if names else (), frame[names_at + a:-_TAIL])


def _damaged(number: int, what: str) -> BadInput:
    return bad_input(Reason.UNREADABLE, f"record {number} of the log", f"{what}; the log is "
                     "damaged here, nothing after it is used: restore a backup")


def _unknown_version(subject: str, version: int) -> BadInput:
    return bad_input(Reason.UNREADABLE, subject, f"has log format {version}; this program reads "
                     f"{FORMAT}. Upgrade the log with counterpoise upgrade, or take the program "
                     "that wrote it")


def refuse_unknown_format(place: str, version: int, formats: tuple[int, ...]) -> None:
    """Refuse a store whose log has none of the formats that can be read.

    Raises
    ------
    BadInput
        Saying how to upgrade.
    """
    if version not in formats:
        raise _unknown_version(place, version)


class Entry(NamedTuple):
    """What is to be recorded: an event, an effect or a root, before it has a number.

    `cause` is, for an effect, the position of its event among the events of the batch, -1 for
    none.
    """

    type: RecordType
    kind: str
    payload: bytes
    time: int = 0
    client_id: str = ""
    accounts: tuple[str, ...] = ()
    cause: int = -1


TYPE, CLIENT_ID, CAUSE = (itemgetter(Entry._fields.index(name))
                          for name in ("type", "client_id", "cause"))


def refuse_unlike_a_batch(events: tuple[Entry, ...], effects: tuple[Entry, ...]) -> None:
    """Refuse what no record can hold, wrong types, effects of absent events, an id twice.

    Raises
    ------
    BadInput
        If there is any.
    """
    refuse_unfit(events, effects)
    if len(set(map(CLIENT_ID, events))) != len(events):
        raise bad_input(Reason.DUPLICATE, "batch", "has a client id twice; each event has its own")
    causes = [*map(CAUSE, effects)]
    if (not {RecordType.EVENT}.issuperset(map(TYPE, events))
            or not {RecordType.EFFECT}.issuperset(map(TYPE, effects))
            or min(causes, default=-1) < -1 or max(causes, default=-1) >= len(events)):
        raise bad_input(Reason.BAD_VALUE, "batch", "has an entry of another type among its "
                        "events or effects, or an effect of an event that it does not have")


def content_of(entry: Entry | Record) -> bytes:
    """Return 16 bytes that say what an event claims: the same id must always bring the same."""
    said = b"%d %d %b%b" % (entry.time, len(entry.kind), entry.kind.encode(), entry.payload)
    return hashlib.sha256(said).digest()[:16]


def refuse_unfit(*parts: "Sequence[Entry]") -> None:
    """Refuse entries that no frame can hold; events and effects are parts of their own.

    Raises
    ------
    BadInput
        With every violation.
    """
    if all(map(_surely_fit, parts)):
        return
    wrong = [failure for entry in chain(*parts) if not _fits(entry) for failure in _misfits(entry)]
    if wrong:
        raise BadInput(*wrong)


def _surely_fit(entries: "Sequence[Entry]") -> bool:
    """Return whether all entries fit, as all of them together tell; else they are asked singly."""
    if not entries:
        return True
    types, kinds, payloads, times, ids, of, _ = zip(*entries, strict=True)
    names = [*chain.from_iterable(of)]
    return (all(0 < len(kind) <= KIND_MAX and kind.isascii() for kind in set(kinds))
            and "".join(ids).isprintable() and max(map(len, ids)) <= CLIENT_ID_MAX // _UTF8_MAX
            and ("" not in ids or RecordType.EVENT not in types)
            and min(times) >= -INT64_MAX and max(times) <= INT64_MAX
            and max(map(len, payloads)) <= PAYLOAD_MAX
            and all(names) and "".join(names).isprintable()
            and max(map(len, of)) * (max(map(len, names), default=0) + 1)
            <= ACCOUNTS_MAX // _UTF8_MAX)


def _fits(entry: Entry) -> bool:
    names = entry.accounts
    return (0 < len(entry.kind) <= KIND_MAX and len(entry.client_id) <= CLIENT_ID_MAX
            and entry.kind.isascii() and entry.client_id.isprintable()
            and len(entry.client_id.encode("utf-8", "replace")) <= CLIENT_ID_MAX
            and (entry.type != RecordType.EVENT or entry.client_id != "")
            and -INT64_MAX <= entry.time <= INT64_MAX and len(entry.payload) <= PAYLOAD_MAX
            and all(n and n.isprintable() for n in names)
            and (not names or len("\n".join(names).encode("utf-8", "replace")) <= ACCOUNTS_MAX))


def _misfits(entry: Entry) -> list[Failure]:
    subject = f"{entry.kind[:KIND_MAX] or 'record'} {entry.client_id[:60]}".strip()
    said = {
        f"needs a kind of 1 to {KIND_MAX} ASCII characters":
            0 < len(entry.kind) <= KIND_MAX and entry.kind.isascii(),
        f"needs a printable client id of 1 to {CLIENT_ID_MAX} bytes":
            entry.client_id.isprintable()
            and len(entry.client_id.encode("utf-8", "replace")) <= CLIENT_ID_MAX
            and (entry.type != RecordType.EVENT or entry.client_id != ""),
        "needs a time within 64 bits": -INT64_MAX <= entry.time <= INT64_MAX,
        f"has a payload above {PAYLOAD_MAX} bytes": len(entry.payload) <= PAYLOAD_MAX,
        f"needs printable account names of together at most {ACCOUNTS_MAX} bytes":
            all(n and n.isprintable() for n in entry.accounts)
            and len("\n".join(entry.accounts).encode("utf-8", "replace")) <= ACCOUNTS_MAX}
    return [Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence)
            for sentence, kept in said.items() if not kept]
