"""What bytes do events and effects have? One canonical, versioned form of each kind.

    version (1 byte) | kind (1 byte) | body

The body of a kind whose fields are all integers and texts is packed: the integers (8 bytes,
little-endian), the lengths of the texts (2 bytes), the texts. That of any other kind is its fields
in the form of `engine.forms`. The numbers of the kinds are for ever: a kind may be added, never
renumbered, and changed fields are a new version of the form, read by an upgrade.
"""

import struct
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Final, cast, get_args

from counterpoise.engine import asset_events as of_assets
from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.engine import tie_events as tied
from counterpoise.engine.effects import Effect
from counterpoise.engine.events import AccountEvent, Event, MarketEvent, UnreadableReceived
from counterpoise.engine.forms import (
    Reader,
    Types,
    built,
    named_types,
    read_value,
    unreadable,
    written_all,
)
from counterpoise.margin.model import MarginModel
from counterpoise.values.digest import sha256_of_bytes
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen

FORMAT: Final = 1
TEXT_BYTES_MAX: Final = 200
FRAME_BYTES_MAX: Final = 1 << 28
EVENT_BYTES_MAX: Final = 1 << 26
"""Bytes of one event from outside: what one record of a log takes."""
NAMING: Final = ("account", "to", "owner")
"""The fields by which events and effects name accounts."""
EVENT_KINDS: Final[dict[int, type]] = {
    1: said.Filled, 2: said.OrderPlaced, 3: said.OrderChanged, 4: said.OrderCancelled,
    5: said.Transferred, 6: said.Deposited, 7: said.WithdrawalRequested,
    8: said.WithdrawalApproved, 9: said.WithdrawalRejected, 10: said.FeeCharged,
    11: said.AccountOpened, 12: said.AccountClosed, 13: said.MarketBatch,
    14: said.MarketAssembled, 15: said.FundingApplied, 16: said.ContractsSettled,
    17: said.InstrumentsListed, 18: said.SegmentDefined, 19: said.ParametersActivated,
    20: said.CollateralScheduleChanged, 21: said.ClockAdvanced, 22: said.EngineRestarted,
    23: said.UnreadableReceived, 31: tied.PocketOpened, 32: tied.AccountLinked,
    33: tied.AccountUnlinked, 34: tied.ExposureLimited, 40: said.ImpactLimited,
    41: said.ChangeWithdrawn, 42: said.ConflictReceived, 51: of_assets.BorrowingChanged,
    52: of_assets.CountingChanged, 53: of_assets.IndexRulesChanged, 54: of_assets.VenuesQuoted}
EFFECT_KINDS: Final[dict[int, type]] = {
    129: made.EventRefused, 130: made.EventRepeated, 131: made.OrderAdmitted,
    132: made.OrderRefused, 133: made.WithdrawalDecided, 134: made.TransferDecided,
    135: made.RequirementsChanged, 136: made.InitialBreached, 137: made.LevelChanged,
    138: made.MarginCallIssued, 139: made.MarginCallMet, 140: made.MarginCallEscalated,
    141: made.LiquidationOrdered, 142: made.ContractsDelivered, 143: made.ParametersTookEffect,
    144: made.Alert, 151: made.LinkDecided, 152: made.LossAbsorbed,
    153: made.LimitsTookEffect, 161: made.InterestPosted, 170: made.ChangeDecided}
_HEAD: Final = struct.Struct("<BB")
Decoder = Callable[[bytes, Types], Any]


@frozen
class Batch:
    """Events in the order of their log, and the canonical bytes of each."""

    events: tuple[Event, ...]
    frames: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Check that each event has its bytes; a mistake here is the programmer's."""
        assert len(self.events) == len(self.frames)

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.events)


def batch_of(events: Iterable[Event]) -> Batch:
    """Return the batch of some events, encoded.

    Raises
    ------
    BadInput
        If an event cannot be written: a number beyond 64 bits, a text that is too long.
    """
    held = tuple(events)
    return Batch(events=held, frames=tuple([encoded(event) for event in held]))


def batch_from(frames: Iterable[bytes], types: Types) -> Batch:
    """Return the batch of some encoded events; `types` from `vocabulary`.

    Raises
    ------
    BadInput
        If bytes are no event.
    """
    held = tuple(frames)
    return Batch(events=tuple([decoded_event(frame, types) for frame in held]), frames=held)


def vocabulary(models: Iterable[MarginModel]) -> Types:
    """Return the classes that bytes may name: the engine's, and the parameters of these models."""
    return named_types(*(model.parameters_type for model in models),
                       *EVENT_KINDS.values(), *EFFECT_KINDS.values())


def encoded(value: Event | Effect) -> bytes:
    """Return the canonical bytes of an event or effect.

    Raises
    ------
    BadInput
        If a number is beyond 64 bits, a text beyond `TEXT_BYTES_MAX` or a field of another type.
    """
    return _ENCODERS[type(value)](value)


def decoded_event(frame: bytes, types: Types) -> Event:
    """Return the event of its bytes.

    Raises
    ------
    BadInput
        If they are no event in canonical form.
    """
    return cast(Event, _decoded(frame, types, EVENT_KINDS))


def decoded_effect(frame: bytes, types: Types) -> Effect:
    """Return the effect of its bytes; raises as `decoded_event`."""
    return cast(Effect, _decoded(frame, types, EFFECT_KINDS))


def event_or_unreadable(content: bytes, read: Callable[[bytes], Event], *, time: int) -> Event:
    """Return the event of content from outside, or one that records that it is none.

    `read` reads its form (`decoded_event`, or the reader of a document). None is also an event
    that has no bytes, or whose id, time or accounts no record of a log can name: it would be
    refused, and nothing could say so. `time` is the receiver's, for the record alone.
    """
    try:
        event = read(content)
        _refuse_unnamable(event)
        return event
    except BadInput as wrong:
        return unreadable_received(sha256_of_bytes(content), len(content), str(wrong), time=time)


def unreadable_received(digest: str, size: int, sentence: str, *, time: int) -> UnreadableReceived:
    """Return the event that records content that is none; the same content has the same id."""
    words = sentence.encode(errors="replace")[:TEXT_BYTES_MAX].decode(errors="ignore")
    return UnreadableReceived(client_id=f"unreadable-{digest}", time=time, digest=digest,
                              size=size, sentence=words)


def _refuse_unnamable(event: Event) -> None:
    size = len(encoded(event))
    names = [n for f in NAMING if isinstance(n := getattr(event, f, "x"), str)]
    if not all(0 < len(n.encode()) <= TEXT_BYTES_MAX and n.isprintable()
               for n in (event.client_id, *names)):
        raise unreadable("name an id or an account that is empty, not printable or longer than "
                         f"{TEXT_BYTES_MAX} bytes")
    if abs(event.time) >= 2**63 or size > EVENT_BYTES_MAX:
        raise unreadable(f"have a time beyond 64 bits, or are more than {EVENT_BYTES_MAX}")


def _decoded(frame: bytes, types: Types, kinds: dict[int, type]) -> Any:
    if len(frame) < 2 or len(frame) > FRAME_BYTES_MAX:
        raise unreadable(f"of {len(frame)} bytes are too few or too many")
    version, kind = frame[0], frame[1]
    if version != FORMAT:
        raise unreadable(f"have the version {version} of the form; this engine reads {FORMAT}")
    if kind not in kinds:
        raise unreadable(f"are of the unknown kind {kind}")
    return _DECODERS[kind](frame, types)


def _packed(kind: int, cls: Any) -> tuple[Callable[[Any], bytes], Decoder]:
    """Return how a kind of integers and texts is written and read."""
    numbers = [n for n in cls.__fields__ if cls.__types__[n] is int]
    texts = [n for n in cls.__fields__ if cls.__types__[n] is str]
    form = struct.Struct(f"<BB{len(numbers)}q{len(texts)}H")
    pick_numbers, pick_texts = _picked(numbers), _picked(texts)
    last = 2 + len(numbers)
    # These kinds have no checks of their own and no arrays: their slots are filled directly.
    assert not hasattr(cls, "__post_init__")
    slots = [getattr(cls, name).__set__ for name in (*numbers, *texts)]

    def encode(value: Any) -> bytes:
        try:
            parts = [text.encode() for text in pick_texts(value)]
            lengths = [len(part) for part in parts]
            if max(lengths) > TEXT_BYTES_MAX:
                raise bad_input(Reason.TOO_LARGE, cls.__name__, f"has a text of {max(lengths)} "
                                f"bytes; at most {TEXT_BYTES_MAX} fit")
            head = form.pack(FORMAT, kind, *pick_numbers(value), *lengths)
        except (struct.error, AttributeError, UnicodeEncodeError) as wrong:
            raise bad_input(Reason.BAD_VALUE, cls.__name__, f"cannot be written: {wrong}; numbers "
                            "are integers of 64 bits, the rest is text") from None
        return head + b"".join(parts)

    def decode(frame: bytes, _: Types) -> Any:
        if len(frame) < form.size:
            raise unreadable(f"end at byte {len(frame)} of at least {form.size}")
        head, at = form.unpack_from(frame), form.size
        fields = list(head[2:last])
        for length in head[last:]:
            if length > TEXT_BYTES_MAX:
                raise unreadable(f"have a text of {length} bytes; at most {TEXT_BYTES_MAX} fit")
            fields.append(_text(frame[at:at + length]))
            at += length
        if at != len(frame):
            raise unreadable(f"of {len(frame)} should be {at}")
        value = cls.__new__(cls)
        for put, field in zip(slots, fields, strict=True):
            put(value, field)
        return value

    return encode, decode


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise unreadable("hold text that is not UTF-8") from None


def _picked(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    pick = attrgetter(*names)
    return pick if len(names) > 1 else lambda value: (pick(value),)


def _by_fields(kind: int, cls: Any) -> tuple[Callable[[Any], bytes], Decoder]:
    """Return how any other kind is written and read."""
    def encode(value: Any) -> bytes:
        frame = _HEAD.pack(FORMAT, kind) + written_all(
            [getattr(value, name) for name in cls.__fields__])
        if len(frame) > FRAME_BYTES_MAX:
            raise bad_input(Reason.TOO_LARGE, cls.__name__, f"takes {len(frame)} bytes; at most "
                            f"{FRAME_BYTES_MAX} fit")
        return frame

    def decode(frame: bytes, types: Types) -> Any:
        reader = Reader(frame, types)
        reader.at = _HEAD.size
        value = built(cls, [read_value(reader, 0) for _ in cls.__fields__])
        if reader.at != len(frame) or encode(value) != frame:
            raise unreadable("are not written in the one canonical form")
        return value

    return encode, decode


_FORMS: Final = {kind: (cls, *(_packed if set(cls.__types__.values()) <= {int, str}
                               else _by_fields)(kind, cls))
                 for kind, cls in cast(dict[int, Any], EVENT_KINDS | EFFECT_KINDS).items()}
_ENCODERS: Final = {cls: encode for cls, encode, _ in _FORMS.values()}
_DECODERS: Final = {kind: decode for kind, (_, _, decode) in _FORMS.items()}
assert set(EVENT_KINDS.values()) == {*get_args(AccountEvent), *get_args(MarketEvent)}
assert set(EFFECT_KINDS.values()) == set(get_args(Effect))
