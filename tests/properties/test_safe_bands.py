"""A status that was not computed again is the status that computing it again gives."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterpoise.accounts.book import Book, Entries, accounts_of, book_of
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.band_nodes import BandGrid
from counterpoise.margin.bands import bands_of, left, place_of
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.excess_columns import excess_columns
from counterpoise.margin.watch import Rules, ticked, watched
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.assets import asset
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS
from markets import AS_OF, market

MARKET = market()
TERMS = MARKET.catalogue
MODEL = model_named("deribit_spm")
VERSION = parameters_of(MODEL, AS_OF)
ASSETS = tuple(asset(code) for code in TERMS.settlements)
GRIDS = (BandGrid(), BandGrid(moves=(-0.03, 0.0, 0.05)),
         BandGrid(moves=(-0.05, 0.0, 0.05), vols=(-0.1, 0.0, 0.1)))
ACCOUNTS = 24


def margins_of(book: Book, where: MarketSnapshot):
    return compute_margin(book, where, model=MODEL, version=VERSION)


def random_book(random: np.random.Generator, *, orders: bool, largest: float) -> Book:
    """Return accounts whose equity lies close to the edges of their status."""
    def rows(most: int) -> Entries:
        count = random.integers(0, most, ACCOUNTS)
        account = np.repeat(np.arange(ACCOUNTS), count)
        coins = np.exp(np.log(largest) * random.random(len(account))) / 10
        sign = np.where(random.random(len(account)) < 0.5, -1, 1)
        instrument = random.integers(0, len(TERMS), len(account)).astype(np.int32)
        dollars = (TERMS.payoff[instrument] == 1) & (TERMS.kind[instrument] != OPTION)
        lots = sign * coins * 1e9 * np.where(dollars, 60_000, 1)
        return Entries(account=account, instrument=instrument, lots=lots.astype(np.int64) + sign,
                       entry_cost=np.zeros(len(account), np.int64))

    bare = book_of(catalogue=TERMS, accounts=np.arange(ACCOUNTS), positions=rows(7),
                   orders=rows(3) if orders else None,
                   balances=(ASSETS, np.ones((ACCOUNTS, len(ASSETS)), np.int64)))
    m = margins_of(bare, MARKET)
    need = m.requirements
    edge = np.choose(random.integers(0, 3, len(need)), [need.initial, need.maintenance, 0])
    wanted = edge + need.initial * random.choice([0.0, 0.003, -0.003, 0.05, -0.05, 1.0], len(need))
    column = np.array([[a.code for a in ASSETS].index(p) for p in need.pools])[need.pool]
    decimals = np.array([10**a.decimals for a in ASSETS])[column]
    balances = bare.balances.copy()
    balances[need.account, column] += np.rint((wanted - m.equity) * decimals).astype(np.int64)
    return replaced(bare, balances=balances)


def step(random: np.random.Generator, was: MarketSnapshot, size: float) -> MarketSnapshot:
    """Return the next market: index, basis, smile and time move, at times a quote fails."""
    n, option = len(TERMS), TERMS.kind == OPTION
    move = np.exp(size * random.standard_normal(len(was.index)))
    own = move[TERMS.underlying] * np.exp(0.05 * size * random.standard_normal(n))
    smile = np.exp(size * (random.standard_normal() + 0.2 * random.standard_normal(n)))
    coin = np.where(TERMS.payoff == 1, 1.0, was.index[TERMS.underlying])
    mark = np.where(option, was.mark + coin * 0.01 * size * random.random(n), was.mark * own)
    quality = np.zeros(n, np.uint16)
    if random.random() < 0.1:
        quality[random.integers(0, n)] = Quality.STALE
    known = dict(zip(TERMS.underlyings, was.index * move, strict=True))
    return replaced(
        was, index=was.index * move, forward=was.forward * own, mark=mark, quality=quality,
        volatility=was.volatility * smile, sequence=was.sequence + 1,
        as_of=was.as_of + int(random.choice([0, 300, 36_000])) * 10**9,
        price=np.array([known.get(a, p) for a, p in zip(was.assets, was.price, strict=True)]))


@given(st.integers(0, 2**32), st.sampled_from(GRIDS), st.sampled_from([1e-4, 3e-3, 0.02]),
       st.booleans(), st.sampled_from([10.0, 1e4]))
@example(874289, GRIDS[0], 1e-4, False, 1e4)  # one account with two coins in three pools
def test_statuses_along_any_path_are_those_of_full_recomputation(seed, grid, size, orders, largest):
    random = np.random.Generator(np.random.PCG64(seed))
    book = random_book(random, orders=orders, largest=largest)
    watch = watched(book, MARKET, Rules(model=MODEL, version=VERSION, wide=grid, narrow=GRIDS[1],
                                        again_share=0.3))
    now = MARKET
    for _ in range(2):
        now = step(random, now, size)
        watch = ticked(watch, now)
        full = margins_of(book, now)
        fresh = watch.computed == now.sequence

        assert full.status.tolist() == watch.status.tolist()
        assert np.array_equal(full.requirements.initial[fresh], watch.initial[fresh],
                              equal_nan=True)


@given(st.integers(0, 2**32), st.sampled_from(GRIDS))
def test_nobody_leaves_a_market_that_stands_still_but_those_without_room(seed, grid):
    random = np.random.Generator(np.random.PCG64(seed))
    book = random_book(random, orders=False, largest=10.0)
    bands = bands_of(book, MARKET, model=MODEL, version=VERSION, grid=grid)
    (arrays,) = priced(MARKET, model=MODEL, version=VERSION)
    still = place_of(bands, excess_columns(MARKET, arrays, VERSION.parameters))
    gone = left(bands, still)
    margins = bands.margins
    near = np.stack([margins.initial_excess, margins.maintenance_excess, margins.margin_balance])
    edge = np.abs(near).min(axis=0)
    clear = (edge > 1e-3 * np.abs(near).max(axis=0)) & (edge > 1e-6) & (margins.status < 4)

    assert not gone[clear].any()


def small_book(equity: float) -> Book:
    """Return one short perpetual of one bitcoin with so much bitcoin of equity."""
    name = "BTC-USD:BTC-PERP"
    k = TERMS.column.get(name, int(np.flatnonzero((TERMS.kind == 1) & (TERMS.payoff == 1))[0]))
    lots = np.array([-int(MARKET.mark[k] * 1e9)])
    cost = np.rint(lots * (-TERMS.unit[k] / MARKET.mark[k]) * 1e8).astype(np.int64)
    cash = np.zeros((1, len(ASSETS)), np.int64)
    cash[0, [a.code for a in ASSETS].index(TERMS.settlements[TERMS.settlement[k]])] = equity * 1e8
    return book_of(catalogue=TERMS, accounts=np.arange(1), balances=(ASSETS, cash),
                   positions=Entries(account=np.zeros(1, np.int64), lots=lots, entry_cost=cost,
                                     instrument=np.array([k], np.int32)))


def recomputed_at(book: Book, move: float) -> int:
    rules = Rules(model=MODEL, version=VERSION)
    option, quotes = TERMS.kind == OPTION, MARKET
    there = replaced(quotes, index=quotes.index * (1 + move), sequence=2,
                     forward=quotes.forward * (1 + move),
                     mark=np.where(option, quotes.mark, quotes.mark * (1 + move)))
    return ticked(watched(book, quotes, rules), there).recomputed


def test_rich_account_is_left_alone_and_a_poor_one_is_computed_again():
    assert 0 == recomputed_at(small_book(5.0), 0.04)
    assert 1 == recomputed_at(small_book(0.17), 0.04)


def test_short_account_is_left_alone_when_the_price_moves_its_way():
    assert 0 == recomputed_at(small_book(0.21), -0.04)


def test_market_beyond_the_outermost_node_computes_everyone_again():
    assert 1 == recomputed_at(small_book(5.0), 0.2)


def test_chosen_accounts_are_the_same_accounts():
    book = random_book(np.random.Generator(np.random.PCG64(3)), orders=True, largest=10.0)
    some = np.array([2, 5, 11, 23], np.int32)
    few, all_of_them = margins_of(accounts_of(book, some), MARKET), margins_of(book, MARKET)
    mine = np.isin(all_of_them.requirements.account, some)

    assert np.array_equal(few.requirements.initial, all_of_them.requirements.initial[mine],
                          equal_nan=True)
    assert few.status.tolist() == all_of_them.status[mine].tolist()


def test_grid_without_today_is_refused():
    with pytest.raises(AssertionError):
        BandGrid(moves=(-0.1, 0.1))


def test_time_that_takes_an_option_over_its_expiry_keeps_statuses_right():
    random = np.random.Generator(np.random.PCG64(8))
    book = random_book(random, orders=False, largest=100.0)
    watch = watched(book, MARKET, Rules(model=MODEL, version=VERSION))
    later = replaced(MARKET, as_of=MARKET.as_of + 2 * DAY_NS, sequence=2)

    assert margins_of(book, later).status.tolist() == ticked(watch, later).status.tolist()
