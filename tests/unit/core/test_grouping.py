"""Grouping of positions: rows by (account, key), canonical inside, nothing copied without need."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core


def group(pointer, instrument, key):
    return _core.group(row_pointer=np.array(pointer, np.int64),
                       instrument=np.array(instrument, np.int32), key=np.array(key, np.int32))


def test_rows_are_the_changes_of_key_inside_an_account():
    pointer, account, key, order = group([0, 3, 3, 5], [0, 1, 2, 1, 2], [0, 0, 1])

    assert pointer.tolist() == [0, 2, 3, 4, 5]
    assert account.tolist() == [0, 0, 2, 2]
    assert key.tolist() == [0, 1, 0, 1]
    assert order is None


def test_keys_against_the_canonical_order_move_positions_but_keep_their_order():
    pointer, account, key, order = group([0, 4], [0, 1, 2, 3], [1, 0, 1, 0])

    assert (pointer.tolist(), account.tolist(), key.tolist()) == ([0, 2, 4], [0, 0], [0, 1])
    assert order.tolist() == [1, 3, 0, 2]


def test_negative_keys_are_left_out():
    pointer, account, key, order = group([0, 2, 3], [0, 1, 0], [-1, 5])

    assert (pointer.tolist(), account.tolist(), key.tolist()) == ([0, 1], [0], [5])
    assert order.tolist() == [1]


BOOKS = st.lists(st.lists(st.integers(0, 9), unique=True, max_size=8).map(sorted), max_size=8)


@given(BOOKS, st.lists(st.integers(-2, 4), min_size=10, max_size=10))
def test_every_kept_position_stands_once_in_the_row_of_its_account_and_key(book, keys):
    lengths = [len(account) for account in book]
    instrument = [i for account in book for i in account]
    owner = [a for a, account in enumerate(book) for _ in account]

    pointer, account, key, order = group(np.cumsum([0, *lengths]), instrument, keys)
    places = np.arange(len(instrument)) if order is None else order

    rows = [(account[r], key[r], p) for r in range(len(key))
            for p in places[pointer[r]:pointer[r + 1]]]
    assert rows == sorted((owner[p], keys[i], p) for p, i in enumerate(instrument) if keys[i] >= 0)
    assert len(set(zip(account.tolist(), key.tolist(), strict=True))) == len(key)
