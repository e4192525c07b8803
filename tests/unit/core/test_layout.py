"""A layout against plain Python: every position stands once, in the unit row of its account, every
unit row once among the members of its requirement row; threads change nothing; wrong arguments are
named."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core

UNIT = np.array([0, 1, 0, 2, 3, 3, 2, 5, 4, 5], np.int32)
BLOCK, POOL = np.array([0, 0, 1, 1, 2, 2], np.int32), np.array([1, 0, 0, 2, 1, 2], np.int32)
START = np.array([0, 3, 7], np.int32)
BOOKS = st.lists(st.lists(st.integers(0, 9), unique=True, max_size=8).map(sorted), max_size=8)


def laid(book: list[list[int]], *, held: Any, threads: int = 1,
         **changes: Any) -> tuple[Any, ...]:
    """Return the layout of accounts that hold one lot more of each position than of the last."""
    instrument = np.array([i for account in book for i in account], np.int32)
    call = {"row_pointer": np.cumsum([0, *map(len, book)]), "instrument": instrument,
            "lots": np.arange(1, len(instrument) + 1), "unit": UNIT, "block": BLOCK, "pool": POOL,
            "start": START, "held": np.asarray(held, np.uint8).reshape(-1, 3)}
    return tuple(_core.layout(**call | changes, threads=threads))


@given(BOOKS, st.integers(0, 10**6))
def test_every_position_and_unit_row_stands_once_where_it_belongs(book, seed):
    held = np.random.default_rng(seed).random((len(book), 3)) < 0.3
    account, pool, row_of, members, member, blocks = laid(book, held=held)

    pools = [{p for p in range(3) if held[a, p]} | {int(POOL[UNIT[i]]) for i in own}
             for a, own in enumerate(book)]
    rows = [(a, p) for a, some in enumerate(pools) for p in sorted(some)]
    assert list(zip(account.tolist(), pool.tolist(), strict=True)) == rows
    assert row_of.tolist() == [[rows.index((a, p)) if p in some else -1 for p in range(3)]
                               for a, some in enumerate(pools)]
    lots = iter(range(1, 999))
    positions = [(a, int(UNIT[i]), i, next(lots)) for a, own in enumerate(book) for i in own]
    for b, (pointer, owner, key, at, instrument, size) in enumerate(blocks):
        got = [(int(owner[r]), int(key[r]), int(instrument[p] + START[b]), int(size[p]))
               for r in range(len(key)) for p in range(pointer[r], pointer[r + 1])]
        assert got == sorted(x for x in positions if BLOCK[x[1]] == b)
        assert at.tolist() == [rows.index((a, POOL[k])) for a, k in zip(owner, key, strict=True)]
    mine = sorted((rows.index((a, POOL[u])), u) for a, u in {x[:2] for x in positions})
    assert [(of, unit) for _, _, unit, of in member.tolist()] == mine
    assert members.tolist() == [sum(r < k for r, _ in mine) for k in range(len(rows) + 1)]
    for b, r, u, k in member:
        assert (blocks[b][2][r], blocks[b][3][r]) == (u, k)


def test_threads_change_nothing():
    rng = np.random.default_rng(1)
    book = [sorted(rng.choice(10, rng.integers(0, 7), replace=False).tolist())
            for _ in range(9_000)]
    held = rng.random((9_000, 3)) < 0.1

    def as_bytes(threads: int) -> list[bytes]:
        *rows, blocks = laid(book, held=held, threads=threads)
        return [column.tobytes() for part in (rows, *blocks) for column in part]

    assert as_bytes(1) == as_bytes(2) == as_bytes(5)


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"instrument": np.array([10], np.int32)}, "instrument must index unit"),
    ({"unit": np.full(10, 6, np.int32)}, "unit must index block and pool"),
    ({"block": np.full(6, 3, np.int32)}, "block must index start"),
    ({"pool": np.full(6, 3, np.int32)}, "pool must index the columns of held"),
    ({"pool": np.zeros(2, np.int32)}, "pool must have 6 entries"),
    ({"held": np.zeros((2, 3), np.uint8)}, "held must have one row per account"),
    ({"row_pointer": np.array([0, 2])}, "pointer must"),
])
def test_a_wrong_argument_is_refused_by_name(changes, sentence):

    with pytest.raises(ValueError, match=sentence):
        laid([[1]], **{"held": np.zeros((1, 3))} | changes)
