"""Open orders of single positions: the larger filled side of each instrument, by plain loops."""

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.accounts.book import Entries, book_of
from counterpoise.margin.pools import cross_pools, pool_codes, pool_of_instrument
from counterpoise.margin.terms.orders import (
    accounts_with_orders,
    filled,
    filled_sides,
    worse_side,
)
from counterpoise.values.quantity import UNKNOWN
from markets import market

MARKET = market()
RATE = np.linspace(1.0, 2.0, len(MARKET.catalogue))
rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5),
                          st.integers(-20, 20).filter(bool)), max_size=12)


def entries(of):
    """Return (account, instrument, lots) rows."""
    columns = np.array(of, np.int64).reshape(-1, 3)
    return Entries(account=columns[:, 0], instrument=columns[:, 1].astype(np.int32),
                   lots=columns[:, 2], entry_cost=np.full(len(columns), UNKNOWN, np.int64))


def margin(lots, rate):
    """Return a margin that rises faster than size and falls on one side."""
    return rate * (max(lots, 0) ** 2 + 3 * max(-lots, 0))


@given(rows, rows)
def test_worse_side_is_the_larger_of_all_buys_and_all_sells_filled(held, ordered):
    book = book_of(catalogue=MARKET.catalogue, accounts=np.arange(5), positions=entries(held),
                   orders=entries(ordered))
    own, buys, sells = defaultdict(int), defaultdict(int), defaultdict(int)
    for account, instrument, lots in held:
        own[account, instrument] += lots
    for account, instrument, lots in ordered:
        (buys if lots > 0 else sells)[account, instrument] += lots
    expected = np.zeros(5)
    for cell in {*buys, *sells}:
        account, instrument = cell
        needs = [margin(own[cell] + side, RATE[instrument])
                 for side in (0, buys[cell], sells[cell])]
        expected[account] += max(0.0, needs[1] - needs[0], needs[2] - needs[0])

    pools = cross_pools(book, "USD")
    found = worse_side(book, pools, lambda b: np.array(
        [margin(n, RATE[i]) for n, i in zip(b.lots.tolist(), b.instrument, strict=True)]))
    np.testing.assert_allclose(found, expected[pools.account], rtol=1e-12)


@given(rows, rows)
def test_both_sides_in_one_book_are_the_two_books_where_orders_are_filled(held, ordered):
    book = book_of(catalogue=MARKET.catalogue, accounts=np.arange(5), positions=entries(held),
                   orders=entries(ordered))
    accounts, delta = accounts_with_orders(book), 1.5 - RATE
    codes = pool_codes(book)
    pool = pool_of_instrument(book, codes)
    sides, moves = filled_sides(book, accounts, delta, codes)
    for k, sign in enumerate((1.0, -1.0)):
        whole = filled(book, accounts, sign * delta)
        moved = {(account, pool[instrument]) for account, instrument, lots in ordered
                 if lots * sign * delta[instrument] > 0}
        for a, account in enumerate(accounts.tolist()):
            row = k * len(accounts) + a
            mine = {i: lots for i, lots in holdings(whole, a) if (account, pool[i]) in moved}
            assert {p for p in range(len(codes)) if (account, p) in moved} == {
                *np.flatnonzero(moves[row])}
            assert mine == dict(holdings(sides, row))


def holdings(book, account):
    """Return (instrument, lots) of an account's positions."""
    part = slice(*book.row_pointer[account:account + 2])
    return zip(book.instrument[part].tolist(), book.lots[part].tolist(), strict=True)
