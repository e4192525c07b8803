"""Is a record read back as it was, and refused when a single bit of it is not?"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.adapters.store.records import (
    NO_HASH,
    START,
    Entry,
    Mark,
    Record,
    RecordType,
    content_of,
    frame_of,
    hash_of,
    record_in,
    refuse_unfit,
)
from counterpoise.values.failure import BadInput

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2ff, exclude_categories=["C", "Z"]),
                min_size=1, max_size=20)
RECORD = Record(1, RecordType.EVENT, 0, 5, "transfer", "client-1", ("alice", "bob"), b"payload")


@given(st.builds(Record, number=st.just(1), type=st.sampled_from(RecordType),
                 cause=st.integers(0, 2**40), time=st.integers(-2**62, 2**62),
                 kind=st.just("deposit"), client_id=NAMES,
                 accounts=st.lists(NAMES, max_size=4).map(tuple), payload=st.binary(max_size=300)))
def test_record_comes_back_as_it_was(record):
    assert record == record_in(frame_of(record, NO_HASH), START)


def test_every_flipped_bit_is_refused():
    frame = frame_of(RECORD, NO_HASH)
    for bit in range(8 * len(frame)):
        bad = bytearray(frame)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadInput):
            record_in(bytes(bad), START)


def test_every_cut_is_refused():
    frame = frame_of(RECORD, NO_HASH)
    for length in range(len(frame)):
        with pytest.raises(BadInput):
            record_in(frame[:length], START)


def test_record_of_another_place_in_the_chain_is_refused():
    frame = frame_of(RECORD, NO_HASH)

    with pytest.raises(BadInput, match="the chain of hashes breaks"):
        record_in(frame, Mark(number=0, hash=b"x" * 32))
    with pytest.raises(BadInput, match="says that it is number 1"):
        record_in(frame, Mark(number=4, hash=NO_HASH))


def test_unknown_version_is_refused_with_what_to_do():
    import zlib

    frame = bytearray(frame_of(RECORD, NO_HASH))
    frame[5] = 7
    frame[-36:-32] = zlib.crc32(frame[:-36]).to_bytes(4, "little")

    with pytest.raises(BadInput, match="has log format 7; this program reads 1"):
        record_in(bytes(frame), START)


def test_random_bytes_are_no_record():
    chance = random.Random(7)
    for _ in range(2000):
        with pytest.raises(BadInput):
            record_in(chance.randbytes(chance.randrange(300)), START)


def test_hash_vouches_for_all_before():
    first, other = (frame_of(RECORD._replace(payload=p), NO_HASH) for p in (b"a", b"b"))
    second = RECORD._replace(number=2)

    assert hash_of(frame_of(second, hash_of(first))) != hash_of(frame_of(second, hash_of(other)))


@pytest.mark.parametrize("change", [{"kind": "transfers"}, {"payload": b"other"}, {"time": 6}])
def test_other_content_is_told_apart(change):
    entry = Entry(RecordType.EVENT, "transfer", b"payload", 5, "client-1")

    assert content_of(entry) == content_of(RECORD)
    assert content_of(entry) != content_of(entry._replace(**change))


@pytest.mark.parametrize("change", [
    {"kind": ""}, {"kind": "é"}, {"kind": "k" * 81}, {"client_id": ""}, {"client_id": "a\nb"},
    {"client_id": "é" * 101}, {"time": 2**63}, {"payload": bytes((1 << 26) + 1)},
    {"accounts": ("a\nb",)}, {"accounts": ("",)}, {"accounts": ("a" * 65_536,)},
])
def test_entry_that_no_frame_can_hold_is_refused(change):
    entry = Entry(RecordType.EVENT, "transfer", b"", 5, "client-1")

    refuse_unfit([entry])
    with pytest.raises(BadInput):
        refuse_unfit([entry._replace(**change)])
