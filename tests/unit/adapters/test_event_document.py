"""Has an event one form in JSON that reads back bit by bit, and is nothing else an event?"""

import hashlib
import io
import json
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoise.adapters import event_lines
from counterpoise.adapters.event_document import event_document, event_in
from counterpoise.adapters.event_lines import line_batches
from counterpoise.adapters.event_schema import event_schema
from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.parameters import parameters_of
from counterpoise.apps.report.document import json_line
from counterpoise.engine import codec
from counterpoise.engine.events import Deposited, ParametersActivated, UnreadableReceived
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from engine_events import effects, events
from json_shapes import conforms
from rule_books.gross_cross import GrossCross

TYPES = codec.vocabulary([GrossCross()])
GOOD = {"kind": "Deposited", "client_id": "d", "time": 1, "account": "a", "asset": "USDC",
        "amount": 5}


@pytest.mark.parametrize("event", events(), ids=lambda e: type(e).__name__)
def test_event_comes_back_from_its_document_to_the_last_bit(event):
    line = json_line(event_document(event)).encode()

    assert codec.encoded(event) == codec.encoded(event_in(line, TYPES))


@pytest.mark.parametrize("name", model_names())
def test_parameters_of_every_model_come_back_to_the_last_bit(name):
    model = model_named(name)
    given = next(e for e in events() if isinstance(e, ParametersActivated))
    try:
        version = parameters_of(model, 1_768_377_600 * 10**9)
    except BadInput:
        pytest.skip("has no parameters of its own")
    event = replaced(given, version=version)
    line = json_line(event_document(event)).encode()

    assert codec.encoded(event) == codec.encoded(event_in(line, codec.vocabulary([model])))


@pytest.mark.parametrize("effect", effects(), ids=lambda e: type(e).__name__)
def test_effect_is_a_document_with_its_own_field_names(effect):
    document = json.loads(json_line(event_document(effect)))

    assert ["kind", *type(effect).__fields__] == list(document)


def test_schema_has_every_event_and_no_other():
    schema = event_schema()
    spoiled = [GOOD | {"amount": "5"}, GOOD | {"more": 1}, GOOD | {"kind": "Nothing"},
               GOOD | {"amount": 2**63}, {k: v for k, v in GOOD.items() if k != "asset"}]

    assert all(conforms(json.loads(json_line(event_document(e))), schema) for e in events())
    assert not any(conforms(one, schema) for one in spoiled)


HOSTILE = {
    "nothing": (b"", "is empty"),
    "not JSON": (b"{kind: Deposited}", "is not valid JSON"),
    "a list": (b"[]", "not an object"),
    "a number": (b"7", "not an object"),
    "no kind": (GOOD | {"kind": None}, "which is no event"),
    "kind that is missing": ({"client_id": "d"}, "say which event it is"),
    "kind that is a list": (GOOD | {"kind": ["Deposited"]}, "which is no event"),
    "an effect": (GOOD | {"kind": "OrderAdmitted"}, "which is no event"),
    "unknown field": (GOOD | {"size": 1}, "size: is no field of Deposited; it has client_id"),
    "missing field": ({k: v for k, v in GOOD.items() if k != "asset"}, "asset: is missing"),
    "text for a number": (GOOD | {"amount": "5"}, "amount: is '5'; it must be an integer"),
    "number for a text": (GOOD | {"asset": 5}, "asset: is 5; it must be a text"),
    "truth for a number": (GOOD | {"amount": True}, "amount: is true"),
    "null for a number": (GOOD | {"amount": None}, "amount: is null"),
    "fraction of an integer": (GOOD | {"amount": 5.0}, "amount: is 5.0; it must be an integer"),
    "number beyond 64 bits": (GOOD | {"amount": 2**63}, "beyond 64 bits"),
    "number of a thousand digits": (GOOD | {"amount": 10**999}, "it must be an integer"),
    "NaN": (b'{"kind": "Deposited", "time": NaN}', "time: is NaN"),
    "Infinity": (b'{"kind": "Deposited", "time": -Infinity}', "time: is -Infinity"),
    "key that stands twice": (b'{"kind": "Deposited", "time": 1, "time": 1}', "stands twice"),
    "text that is not UTF-8": (b'{"kind": "\xff"}', "is not UTF-8"),
    "half of a character": (b'{"kind": "\\ud800"}', "half of a character"),
    "deep lists": (b"[" * 100_000, "nested too deeply"),
    "deep objects": (b'{"kind":' * 100_000, "nested too deeply"),
    "megabyte of digits": (b"7" * 2**20, "not an object"),
    "megabyte of text": (GOOD | {"account": "a" * 2**20}, "at most 200 fit"),
    "empty id": (GOOD | {"client_id": ""}, "empty, not printable"),
    "id that is not printable": (GOOD | {"client_id": "a\x00"}, "empty, not printable"),
    "account that is not printable": (GOOD | {"account": "a\nb"}, "empty, not printable"),
    "choice that is none": (b'{"kind": "SegmentDefined", "client_id": "d", "time": 1, "segment": '
                            b'"s", "model": "m", "levels": [{"name": "n", "measure": "bad", "at": '
                            b'1, "clear_at": 2, "action": "note"}]}', "use one of initial"),
    "value that is none": (b'{"kind": "SegmentDefined", "client_id": "d", "time": 1, "segment": '
                           b'"s", "model": "m", "levels": [{"name": "", "measure": "zero", "at": '
                           b'1, "clear_at": 2, "action": "note"}]}', "needs a name"),
    "class that nobody named": (b'{"kind": "InstrumentsListed", "client_id": "d", "time": 1, '
                                b'"instruments": [{"kind": "os.Path"}]}', "must name what it is"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_lines_are_recorded_as_unreadable_with_a_reason(name):
    line, words = HOSTILE[name]
    content = line if isinstance(line, bytes) else json.dumps(line).encode()
    event = codec.event_or_unreadable(content, partial(event_in, types=TYPES), time=3)

    assert isinstance(event, UnreadableReceived) and words in event.sentence
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (event.digest, event.size)
    assert event == codec.decoded_event(codec.encoded(event), TYPES)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["NaN", "Infinity", "contracts.Spot", "Deposited"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["kind", "time", "up_to", "weight", "assets", "x"]), inner, max_size=3), max_leaves=6)


def places_in(tree, path=()):
    yield path
    for key, item in (tree.items() if isinstance(tree, dict) else
                      enumerate(tree) if isinstance(tree, list) else ()):
        yield from places_in(item, (*path, key))


@settings(max_examples=300)
@given(st.sampled_from(events()), st.data())
def test_spoiled_documents_are_events_with_bytes_or_refused(event, data):
    document = json.loads(json_line(event_document(event)))
    *path, last = data.draw(st.sampled_from([p for p in places_in(document) if p]))
    spot = document
    for key in path:
        spot = spot[key]
    spot[last] = data.draw(TREES)
    heard = codec.event_or_unreadable(json.dumps(document).encode(), partial(
        event_in, types=TYPES), time=3)

    assert heard == codec.decoded_event(codec.encoded(heard), TYPES)


def test_integers_are_kept_to_the_last_digit_and_floats_as_written():
    line = json.dumps(GOOD | {"time": 2**63 - 1, "amount": -2**63}).encode()
    event = event_in(line, TYPES)

    assert (2**63 - 1, -2**63) == (event.time, event.amount) and isinstance(event, Deposited)


def test_lines_come_as_they_are_completed_and_blank_ones_are_left_out():
    parts = iter([b"a", b"b\nc\n\n  \nd", b"", b"never read"])
    batches = list(line_batches(lambda size: next(parts)))

    assert [[], [(1, b"ab"), (2, b"c")], [(5, b"d")]] == [
        [(line.number, line.content) for line in batch] for batch in batches]


def test_a_line_that_is_too_long_is_digested_and_not_held(monkeypatch):
    monkeypatch.setattr(event_lines, "LINE_BYTES_MAX", 10)
    monkeypatch.setattr(event_lines, "READ_BYTES", 4)
    content = b"x" * 11 + b"\nshort\n" + b"y" * 30
    lines = [line for batch in line_batches(io.BytesIO(content).read) for line in batch]

    assert [(1, None, 11), (2, b"short", 5), (3, None, 30)] == [
        (line.number, line.content, line.size) for line in lines]
    assert hashlib.sha256(b"x" * 11).hexdigest() == lines[0].digest
