"""Addends are summed in one order, whatever the number of rows."""

import numpy as np

from counterpoise.margin.terms.rounding import added_rows, added_up

TWELVE = np.array([1e16, 1.0, -1e16, 1.0, 3.0, 1e15, 0.1, -1e15, 0.7, 1e-3, 2.0, 5.0])


def test_one_account_is_summed_as_it_is_among_others() -> None:
    many = np.stack([TWELVE, TWELVE[::-1], TWELVE], axis=1)
    alone, among = added_rows(np.ascontiguousarray(many[:, :1])), added_rows(many)

    assert alone[0] == among[0] == added_up({str(k): row for k, row in enumerate(many)})[0]
    assert among[0] != np.add.reduce(np.ascontiguousarray(TWELVE))


def test_nothing_adds_up_to_nothing() -> None:
    assert added_rows(np.zeros((0, 3))).tolist() == [0.0, 0.0, 0.0]
