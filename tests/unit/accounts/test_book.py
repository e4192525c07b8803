"""Books: rows become columns, and cutting and joining columns loses nothing."""

import numpy as np
import pytest

from counterpoise.accounts.book import (
    Book,
    Entries,
    accounts_of,
    book_of,
    concatenated,
    entries_of,
    rows_of,
)
from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.instruments.catalogue import catalogue
from counterpoise.values.assets import asset
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import LOTS_MAX, UNKNOWN

LISTED = catalogue([instrument_of(n, "deribit")
                    for n in ("BTC-PERPETUAL", "BTC-28JUN24", "ETH-PERPETUAL")])
NAMES = np.array(["a", "b"])


def entries(*rows):
    columns = np.array(rows, np.int64).reshape(len(rows), 4)
    return Entries(account=columns[:, 0].copy(), instrument=columns[:, 1].astype(np.int32),
                   lots=columns[:, 2].copy(), entry_cost=columns[:, 3].copy())


def book(*rows, **more):
    return book_of(catalogue=LISTED, accounts=NAMES, positions=entries(*rows), **more)


def test_rows_are_sorted_by_account_and_canonical_order():
    made = book((1, 2, 5, 1), (0, 1, 3, 2), (1, 0, 7, 3))

    assert [0, 1, 3] == made.row_pointer.tolist()
    assert [1, 0, 2] == made.instrument.tolist()
    assert [3, 7, 5] == made.lots.tolist()
    assert [2, 3, 1] == made.entry_cost.tolist()


def test_rows_of_one_instrument_net_with_their_costs():
    made = book((0, 1, 3, 30), (0, 1, -1, -12))

    assert ([2], [18]) == (made.lots.tolist(), made.entry_cost.tolist())


def test_cost_of_a_netted_position_is_unknown_where_one_part_is():
    assert [UNKNOWN] == book((0, 1, 3, 30), (0, 1, -1, UNKNOWN)).entry_cost.tolist()


def test_flat_position_leaves_no_row():
    made = book((0, 1, 3, 30), (0, 1, -3, -30), (1, 0, 0, 0))

    assert (0, [0, 0, 0]) == (len(made.lots), made.row_pointer.tolist())


def test_position_beyond_the_largest_size_is_refused_with_its_account():
    with pytest.raises(BadInput, match="b: a position adds up") as refused:
        book((1, 0, LOTS_MAX, 0), (1, 0, LOTS_MAX, 0))

    assert Reason.ABSURD_QUANTITY == refused.value.failures[0].reason


@pytest.mark.parametrize("lots", [LOTS_MAX + 1024, -LOTS_MAX - 1024, 2**63 - 1, -2**63])
def test_one_row_beyond_the_largest_size_is_refused_with_its_account(lots):
    with pytest.raises(BadInput, match="b: a position adds up"):
        book((0, 1, 5, 0), (1, 0, lots, 0))


def test_orders_are_kept_apart():
    made = book(orders=entries((0, 1, 5, 0), (0, 1, -5, 0), (0, 1, 5, 0)))

    assert [-5, 5, 5] == made.order_lots.tolist()
    assert [0, 3, 3] == made.order_pointer.tolist()


def test_book_of_nobody_is_empty():
    made = book_of(catalogue=LISTED, accounts=np.array([], np.str_), positions=entries())

    assert 0 == len(made)


def test_shard_is_a_book_of_its_rows():
    whole = book((0, 0, 1, 1), (1, 1, 2, 2), (1, 2, 3, 3), orders=entries((1, 0, 9, 0)))
    shard = rows_of(whole, 1, 2)

    assert (["b"], [0, 2], [2, 3], [9]) == (shard.accounts.tolist(), shard.row_pointer.tolist(),
                                            shard.lots.tolist(), shard.order_lots.tolist())


def test_cut_and_joined_book_is_the_book():
    whole = book((0, 0, 1, 1), (1, 1, 2, 2), orders=entries((0, 0, 9, 0)),
                 balances=((asset("BTC"),), np.array([[1], [2]])),
                 given={"equity": np.array([[0.5], [np.nan]])})

    assert whole == concatenated([rows_of(whole, 0, 1), rows_of(whole, 1, 2)])


def test_everything_an_account_states_stays_with_it():
    tables = {"wallets": {"spot": np.array([[1], [2]])}, "loans": np.array([[3], [4]]),
              "roles": np.array([[0], [2]], np.uint8),
              "given": {"fees": np.array([[np.nan], [0.5]])}}
    rows = replaced(entries((0, 0, 1, 1), (1, 1, 2, 2)), given={"delta": np.array([0.5, -0.25])})
    orders = replaced(entries((1, 0, 9, 0)), given={"price": np.array([7.0])})
    whole = replaced(book_of(catalogue=LISTED, accounts=NAMES, positions=rows, orders=orders),
                     assets=(asset("BTC"),), balances=np.array([[5], [6]]), **tables)
    second = accounts_of(whole, np.array([1]))

    assert whole == concatenated([rows_of(whole, 0, 1), rows_of(whole, 1, 2)])
    assert second == rows_of(whole, 1, 2)
    assert ([-0.25], [7.0], [[2]], [[4]], [[2]], [[0.5]]) == (
        second.position_given["delta"].tolist(), second.order_given["price"].tolist(),
        second.wallets["spot"].tolist(), second.loans.tolist(), second.roles.tolist(),
        second.given["fees"].tolist())


def test_stated_amounts_of_netted_positions_add_up_where_they_do():
    rows = replaced(entries((0, 1, 2, 0), (0, 1, 3, 0)), given={
        "delta": np.array([0.5, -0.125]), "leverage": np.array([10.0, 20.0])})
    net = book_of(catalogue=LISTED, accounts=NAMES, positions=rows)

    assert [0.375] == net.position_given["delta"].tolist()
    assert np.isnan(net.position_given["leverage"]).tolist() == [True]


def test_columns_read_back_as_rows():
    made = book((1, 2, 5, 1), (0, 1, 3, 2))
    rows = entries_of(made.row_pointer, made.instrument, made.lots, made.entry_cost)

    assert made == book_of(catalogue=LISTED, accounts=NAMES, positions=rows)


def test_book_cannot_be_changed():
    made = book((0, 0, 1, 1))
    with pytest.raises(ValueError, match="read-only"):
        made.lots[0] = 2
    with pytest.raises(AttributeError, match="immutable"):
        made.lots = made.entry_cost


def test_columns_that_do_not_fit_are_a_mistake_of_the_program():
    made = book((0, 0, 1, 1))
    fields = {name: getattr(made, name) for name in Book.__fields__}
    with pytest.raises(AssertionError):
        Book(**(fields | {"lots": np.zeros(2, np.int64)}))
