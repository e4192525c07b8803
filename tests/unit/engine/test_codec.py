"""Does every event and effect have one form of bytes, and does nothing else?"""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.engine import codec
from counterpoise.engine.events import Deposited, Filled, UnreadableReceived
from counterpoise.engine.forms import read, written
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from engine_events import effects, events
from rule_books.gross_cross import GrossCross

TYPES = codec.vocabulary([GrossCross()])
BINARY = partial(codec.decoded_event, types=TYPES)
PACKED = [e for e in (*events(), *effects())
          if set(type(e).__types__.values()) <= {int, str}]
NUMBERS = st.integers(-(2**63), 2**63 - 1)
SIMPLE = (st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True)
          | st.text(max_size=20) | st.binary(max_size=20))
VALUES = st.recursive(SIMPLE, lambda inner: st.lists(inner, max_size=4).map(tuple)
                      | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4),
                      max_leaves=12)


def test_every_kind_has_an_example():
    assert set(codec.EVENT_KINDS.values()) == {type(e) for e in events()}
    assert set(codec.EFFECT_KINDS.values()) == {type(e) for e in effects()}


@pytest.mark.parametrize("event", events(), ids=lambda e: type(e).__name__)
def test_event_comes_back_from_its_bytes(event):
    frame = codec.encoded(event)

    assert codec.decoded_event(frame, TYPES) == event
    assert codec.encoded(codec.decoded_event(frame, TYPES)) == frame


@pytest.mark.parametrize("effect", effects(), ids=lambda e: type(e).__name__)
def test_effect_comes_back_from_its_bytes(effect):
    assert codec.decoded_effect(codec.encoded(effect), TYPES) == effect


@given(st.data())
def test_any_numbers_and_texts_come_back(data):
    kind = type(data.draw(st.sampled_from(PACKED)))
    value = kind(**{name: data.draw(NUMBERS if hint is int else st.text(max_size=40))
                    for name, hint in kind.__types__.items()})
    frame = codec.encoded(value)
    decode = codec.decoded_event if frame[1] < 128 else codec.decoded_effect

    assert decode(frame, TYPES) == value


@given(VALUES)
def test_any_value_comes_back_bit_by_bit(value):
    content = written(value)

    assert written(read(content, {})) == content


@given(st.sampled_from(events()), st.data())
def test_spoiled_bytes_are_an_event_in_canonical_form_or_refused(event, data):
    frame = bytearray(codec.encoded(event))
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(frame[:data.draw(st.integers(0, len(frame)))])
    for spoiled in (bytes(frame), cut, bytes(frame) + b"\0"):
        try:
            assert codec.encoded(codec.decoded_event(spoiled, TYPES)) == spoiled
        except BadInput as wrong:
            assert wrong.failures[0].sentence


@given(st.binary(max_size=200))
def test_noise_is_recorded_as_unreadable(noise):
    event = codec.event_or_unreadable(bytes([9]) + noise, BINARY, time=3)

    assert isinstance(event, UnreadableReceived) and event.size == len(noise) + 1
    assert codec.decoded_event(codec.encoded(event), TYPES) == event


@pytest.mark.parametrize("changes", [
    {"client_id": ""}, {"client_id": "a\0b"}, {"account": ""}, {"account": "a\nb"},
    {"time": -(2**63)}])
def test_event_that_no_record_can_name_is_recorded_as_unreadable(changes):
    frame = codec.encoded(replaced(events()[0], **changes))
    event = codec.event_or_unreadable(frame, BINARY, time=3)

    assert isinstance(event, UnreadableReceived) and f"unreadable-{event.digest}" == event.client_id
    assert Filled is type(codec.event_or_unreadable(codec.encoded(events()[0]), BINARY, time=3))


HOSTILE = {
    "nothing": b"",
    "another version": b"\x02\x01" + bytes(80),
    "unknown kind": b"\x01\xc8" + bytes(80),
    "an effect": codec.encoded(effects()[1]),
    "tuple of four billion": b"\x01\x0e" + b"s\1\0\0\0c" + b"i" + bytes(8) + b"t\xff\xff\xff\xff",
    "array beyond its bytes": b"\x01\x0d" + b"a\0\1\xff\xff\xff\x7f",
    "array of no shape": b"\x01\x0d" + b"a\0\2" + b"\0\0\0\0" + b"\xff" * 4 + b"s\0\0\0\0",
    "array of sizes beyond any memory": b"\x01\x0d" + b"a\0\4" + b"\0\0\0\0" + b"\xff" * 12,
    "deep nesting": b"\x01\x0e" + b"t\1\0\0\0" * 5000,
    "class that nobody named": b"\x01\x13" + b"v\7\0\0\0os.Path",
    "key that is a list": b"\x01\x13" + b"d\1\0\0\0d\0\0\0\0n",
    "text that is no text": codec.encoded(events()[0])[:-1] + b"\xff",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_refused_with_a_reason(name):
    with pytest.raises(BadInput) as wrong:
        codec.decoded_event(HOSTILE[name], TYPES)

    assert len(wrong.value.failures[0].sentence) > 9


def test_field_of_another_type_is_refused():
    good = events()[13]

    with pytest.raises(BadInput, match="holds a str as time"):
        codec.decoded_event(codec.encoded(replaced(good, time="soon")), TYPES)


@pytest.mark.parametrize("changes", [{"lots": 2**63}, {"lots": "many"}, {"account": 7},
                                     {"account": "a" * 201}, {"price": 1.5}])
def test_event_that_has_no_bytes_is_refused(changes):
    with pytest.raises(BadInput):
        codec.encoded(replaced(events()[0], **changes))


def test_text_without_bytes_is_refused():
    with pytest.raises(BadInput, match="no UTF-8"):
        codec.encoded(replaced(events()[13], segments=("\ud800",)))


def test_batch_is_the_same_from_events_and_from_bytes():
    batch = codec.batch_of(events())
    again = codec.batch_from(batch.frames, TYPES)

    assert batch.frames == again.frames and batch.events == again.events


def test_arrays_keep_their_bits():
    marks = np.array([np.nan, -0.0, 5e-324, np.inf])

    assert read(written(marks), {}).tobytes() == marks.tobytes()


def test_kinds_keep_their_numbers():
    assert codec.encoded(Deposited(client_id="a", time=1, account="b", asset="c", amount=2)) == (
        b"\x01\x06" + (1).to_bytes(8, "little") + (2).to_bytes(8, "little")
        + b"\1\0\1\0\1\0" + b"abc")
    assert codec.EVENT_KINDS[1] is Filled
