"""Netting, splitting, merging and cutting of books are exact, whatever the order of rows."""

import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from counterpoise.accounts.book import Entries, book_of, concatenated, entries_of, rows_of
from counterpoise.adapters.portfolio.accounts import entry_cost
from counterpoise.adapters.positions import read_positions
from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.instruments.catalogue import catalogue
from counterpoise.values.assets import asset, decimals_of
from counterpoise.values.decimals import to_lots
from counterpoise.values.failure import BadInput
from counterpoise.values.quantity import INT64_MAX, UNKNOWN

NAMES = ["BTC-PERPETUAL", "BTC-28JUN24", "BTC-28JUN24-70000-C", "BTC_USDC-PERPETUAL",
         "ETH-PERPETUAL", "SOL_USDC-28JUN24-250-P", "XRP_USDC-PERPETUAL"]
LISTED = catalogue([instrument_of(n, "deribit") for n in NAMES])
ACCOUNTS = np.array(["a", "b", "c"])
ROW = st.tuples(st.integers(0, 2), st.integers(0, len(LISTED) - 1), st.integers(-10**15, 10**15),
                st.one_of(st.just(UNKNOWN), st.integers(-10**15, 10**15)))
ROWS = st.lists(ROW, max_size=25)


def entries(rows):
    columns = np.array(rows, np.int64).reshape(len(rows), 4)
    return Entries(account=columns[:, 0].copy(), instrument=columns[:, 1].astype(np.int32),
                   lots=columns[:, 2].copy(), entry_cost=columns[:, 3].copy())


def book(rows, orders=()):
    return book_of(catalogue=LISTED, accounts=ACCOUNTS, positions=entries(rows),
                   orders=entries([(a, i, lots or 1, UNKNOWN) for a, i, lots, _ in orders]),
                   balances=((asset("BTC"),), np.array([[1], [2], [3]])),
                   given={"equity": np.array([[1.0], [np.nan], [3.0]])})


@given(ROWS, ROWS, st.integers(0, 2**32))
def test_order_of_rows_changes_no_bit(rows, orders, seed):
    shuffled, other = list(rows), list(orders)
    random.Random(seed).shuffle(shuffled)
    random.Random(seed).shuffle(other)

    assert book(rows, orders) == book(shuffled, other)


@given(ROWS, st.integers(-10**12, 10**12), st.integers(-10**12, 10**12))
def test_position_in_two_parts_is_the_position_in_one(rows, lots, cost):
    split = [part for a, i, n, c in rows for part in (
        (a, i, n - lots, c if c == UNKNOWN else c - cost),
        (a, i, lots, c if c == UNKNOWN else cost))]

    assert book(rows) == book(split)


@given(ROWS)
def test_book_holds_the_sum_of_its_rows(rows):
    made = book(rows)
    account = np.repeat(np.arange(3), np.diff(made.row_pointer)).tolist()
    held = dict(zip(zip(account, made.instrument.tolist(), strict=True), made.lots.tolist(),
                    strict=True))
    totals: dict[tuple[int, int], int] = {}
    for a, i, lots, _ in rows:
        totals[a, i] = totals.get((a, i), 0) + lots

    assert {key: n for key, n in totals.items() if n} == held


@given(ROWS, ROWS, st.lists(st.integers(0, 3), max_size=3))
def test_shards_join_to_the_book_wherever_it_is_cut(rows, orders, cuts):
    whole = book(rows, orders)
    edges = [0, *sorted(cuts), 3]

    assert whole == concatenated([rows_of(whole, a, b)
                                  for a, b in zip(edges, edges[1:], strict=False)])


@given(ROWS)
def test_netting_twice_is_netting_once(rows):
    made = book(rows)
    again = book_of(catalogue=LISTED, accounts=ACCOUNTS, balances=(made.assets, made.balances),
                    given=made.given, positions=entries_of(
                        made.row_pointer, made.instrument, made.lots, made.entry_cost))

    assert made == again


QUANTITY = st.decimals(-10**6, 10**6, allow_nan=False, allow_infinity=False, places=6)
PRICE = st.decimals("0.0001", 10**6, allow_nan=False, allow_infinity=False, places=8)


@given(st.sampled_from(LISTED.instruments), QUANTITY, PRICE)
def test_entry_cost_is_the_contract_value_rounded_up(instrument, quantity, price):
    lots = to_lots(quantity, lot_exponent=instrument.lot_exponent, subject="x")
    inverse = instrument.id.split("-")[1].startswith("USD:") and not hasattr(instrument, "strike")
    value = Fraction(quantity) * (-1 / Fraction(price) if inverse else Fraction(price))
    exact = value * 10**decimals_of(instrument.settlement)

    assume(abs(exact) < INT64_MAX)
    assert 0 <= entry_cost(instrument, lots, price, "x") - exact < 1


def one_by_one(rows):
    """Return (lots, entry cost) of every row that holds anything, number by number."""
    wanted = []
    for name, quantity, price in rows:
        instrument = instrument_of(name, "deribit")
        lots = to_lots(Decimal(quantity), lot_exponent=instrument.lot_exponent, subject="x")
        cost = UNKNOWN if price is None else entry_cost(instrument, lots, price, "x")
        wanted += [(lots, cost)] if lots else []
    return wanted


@given(st.lists(st.tuples(st.sampled_from(NAMES), QUANTITY, st.one_of(st.none(), PRICE)),
                max_size=6))
@example([("ETH-PERPETUAL", Decimal(-10**6), Decimal("0.0001"))])
def test_column_of_numbers_is_read_like_one_number(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    path.write_text("account,instrument,quantity,entry_price\n" + "".join(
        f"{k:05d},{name},{quantity},{'' if price is None else price}\n"
        for k, (name, quantity, price) in enumerate(rows)))
    try:
        wanted = one_by_one(rows)
    except BadInput:
        with pytest.raises(BadInput):
            read_positions(path, symbols="deribit", listed=LISTED)
        return
    made, _ = read_positions(path, symbols="deribit", listed=LISTED)

    assert wanted == list(zip(made.lots.tolist(), made.entry_cost.tolist(), strict=True))
