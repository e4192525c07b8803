"""A move of some underlyings gives the bits of a full computation, in every touched row and in all
others, whatever the book, the move and the model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.accounts.book import Book, Entries, book_of, positions_of
from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import (
    AccountMargin,
    compute_margin,
    laid_out,
    priced_market,
)
from counterpoise.margin.conformance import covered, random_book
from counterpoise.margin.tick import all_rows, margined, moved, moved_underlyings
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import repriced, risk_arrays
from counterpoise.values.frozen import replaced
from markets import AS_OF, market

MARKET = market()
TERMS = MARKET.catalogue
NAMES = ("deribit_spm", "standard")
MODELS = {name: model_named(name) for name in NAMES}
VERSIONS = {name: parameters_of(MODELS[name], AS_OF) for name in NAMES}

shares = st.sampled_from([0.0, 0.9, 1.01])
moves = st.lists(st.tuples(st.sampled_from(TERMS.underlyings), shares, shares, shares), min_size=1,
                 max_size=3)


def after(before: MarketSnapshot, coin: str, price: float, sigma: float,
          usdc: float) -> MarketSnapshot:
    """Return a market where one coin has moved; a factor of zero leaves that number alone."""
    terms = before.catalogue
    mine = np.take(np.array(terms.underlyings) == coin, terms.underlying)
    by = np.where(mine, price or 1.0, 1.0)
    own = np.array([a in (coin, "USDC") for a in before.assets])
    factor = np.array([price or 1.0 if a == coin else usdc or 1.0 for a in before.assets])
    return replaced(before, mark=before.mark * by, forward=before.forward * by,
                    volatility=before.volatility * np.where(mine, sigma or 1.0, 1.0),
                    index=before.index * np.where(np.array(terms.underlyings) == coin,
                                                  price or 1.0, 1.0),
                    price=np.where(own, before.price * factor, before.price),
                    sequence=before.sequence + 1)


def rows(margins: AccountMargin) -> dict[tuple[int, int], tuple[bytes, ...]]:
    """Return every number of every row as bytes, by account and pool."""
    needs = margins.requirements
    columns = (needs.initial, needs.maintenance, *needs.initial_components.values(),
               *needs.maintenance_components.values(), margins.equity, margins.margin_balance,
               margins.initial_excess, margins.maintenance_excess, margins.status,
               margins.no_entry)
    worst: dict[int, bytes] = {}
    for k in np.argsort(needs.worst.row, kind="stable"):
        row = int(needs.worst.row[k])
        worst[row] = worst.get(row, b"") + b"".join(
            c[k].tobytes() for c in (needs.worst.unit, needs.worst.scenario, needs.worst.loss))
    subject = [needs.failures[f].subject.encode() if f >= 0 else b"" for f in needs.failure]
    return {(int(a), int(p)): (*(c[k].tobytes() for c in columns), worst.get(k, b""), subject[k])
            for k, (a, p) in enumerate(zip(needs.account, needs.pool, strict=True))}


@given(st.sampled_from(NAMES), st.integers(0, 10**6), moves, st.integers(1, 3))
def test_every_row_has_the_bits_of_a_full_computation(name, seed, path, threads):
    model, version = MODELS[name], VERSIONS[name]
    book = random_book(MARKET, seed=seed, accounts=7)
    state = margined(laid_out(book, model), MARKET, model=model, version=version)
    known = rows(state.margins)

    for coin, price, sigma, usdc in path:
        there = after(state.now.market, coin, price, sigma, usdc)
        state = moved(state.now, there, threads=threads)
        known |= rows(state.margins)
        expected = compute_margin(book, there, model=model, version=version)
        assert known == rows(expected)
        assert rows(all_rows(state.now)) == known


def test_a_missing_quote_and_its_return_touch_the_rows_that_need_it() -> None:
    model, version = MODELS["deribit_spm"], VERSIONS["deribit_spm"]
    book = random_book(MARKET, seed=3, accounts=40)
    gone = np.where(np.arange(len(TERMS)) == book.instrument[0], np.nan, MARKET.mark)
    bits = np.where(np.isnan(gone), 1, MARKET.quality).astype(np.uint16)
    blind = replaced(MARKET, mark=gone, quality=bits)
    state = margined(laid_out(book, model), MARKET, model=model, version=version)
    known = rows(state.margins)

    for there in (blind, MARKET):
        state = moved(state.now, there)
        known |= rows(state.margins)
        assert known == rows(compute_margin(book, there, model=model, version=version))


def test_only_the_rows_of_the_moved_underlying_are_touched() -> None:
    model, version = MODELS["deribit_spm"], VERSIONS["deribit_spm"]
    book = random_book(MARKET, seed=1, accounts=30)
    state = margined(laid_out(book, model), MARKET, model=model, version=version)
    there = after(MARKET, "ETH", 0.9, 0.0, 0.0)

    touched = moved(state.now, there).margins.requirements
    pools = [touched.pools[p] for p in touched.pool]
    assert moved_underlyings(MARKET, there).tolist() == [u == "ETH" for u in TERMS.underlyings]
    assert set(pools) == {"ETH", "USDC"}
    assert 0 < len(touched) < len(state.margins.requirements)


def test_nothing_moved_touches_nothing() -> None:
    model, version = MODELS["deribit_spm"], VERSIONS["deribit_spm"]
    book = random_book(MARKET, seed=1, accounts=5)
    state = margined(laid_out(book, model), MARKET, model=model, version=version)

    assert len(moved(state.now, replaced(MARKET, sequence=9)).margins.requirements) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_market_priced_once_gives_the_bits_of_pricing_again(name: str, threads: int) -> None:
    model, version = MODELS[name], VERSIONS[name]
    now = priced_market(MARKET, model=model, version=version, threads=threads)
    for seed in range(3):
        book = random_book(MARKET, seed=seed, accounts=20)
        again = compute_margin(book, MARKET, model=model, version=version, arrays=now,
                               threads=threads)
        assert rows(again) == rows(compute_margin(book, MARKET, model=model, version=version))


@pytest.mark.parametrize("coin", TERMS.underlyings)
def test_pricing_one_underlying_again_has_the_bits_of_pricing_all(coin: str) -> None:
    scenarios = MODELS["deribit_spm"].scenarios(MARKET, VERSIONS["deribit_spm"].parameters)[0]
    there = after(MARKET, coin, 1.01, 0.9, 0.0)

    again = repriced(risk_arrays(MARKET, scenarios), there, moved_underlyings(MARKET, there))
    assert again == risk_arrays(there, scenarios)


def one_coin_each(where: MarketSnapshot, of: np.ndarray, seed: int) -> Book:
    """Return accounts that hold contracts of one underlying and few assets."""
    full = random_book(where, seed=seed, accounts=9, positions=5, among=of)
    rows, terms = positions_of(full), where.catalogue
    mine = terms.underlying[rows.instrument] == rows.account % len(terms.underlyings)
    few = full.balances * (np.arange(full.balances.size).reshape(full.balances.shape) % 3 == 0)
    return book_of(catalogue=terms, accounts=np.arange(9), balances=(full.assets, few),
                   positions=Entries(**{name: getattr(rows, name)[mine] for name in (
                       "account", "instrument", "lots", "entry_cost")}))


@pytest.mark.parametrize("name", model_names())
def test_a_tick_of_any_rule_book_is_a_full_computation(name: str) -> None:
    model = model_named(name)
    version = parameters_of(model, AS_OF)
    tried = 0
    for cash in ("USDC", "USDT"):
        here = market(cash=cash, indices={"BTC": 65_000.0, "ETH": 1_900.0, "SOL": 90.0})
        known_to_it = covered(model, version, here)
        for seed in range(3 if known_to_it.any() else 0):
            book = one_coin_each(here, known_to_it, seed)
            state = margined(laid_out(book, model), here, model=model, version=version)
            known = rows(state.margins)
            for coin, price, sigma, usdc in (("BTC", 0.9, 0.0, 0.0), ("ETH", 0.0, 1.2, 0.97)):
                there = after(state.now.market, coin, price, sigma, usdc)
                state = moved(state.now, there)
                known |= rows(state.margins)
                assert known == rows(compute_margin(book, there, model=model, version=version))
                tried += len(state.margins.requirements)
    if not tried:
        pytest.skip("covers no contract of these markets")
