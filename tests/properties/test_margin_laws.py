"""Laws that hold for every book: empty, order, splitting, sums, collateral, declared laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.accounts.book import Book, Entries, book_of, concatenated, rows_of
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.values.assets import asset
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import UNKNOWN
from markets import AS_OF, market

MARKET = market()
NAMES = ("deribit_spm", "span", "standard", "tims")
# Standard margin publishes no linear ETH rates: its books leave those contracts out.
USABLE = np.array([k for k, c in enumerate(MARKET.catalogue.instruments)
                   if not c.id.startswith("ETH-USDC")])
MODELS = {name: model_named(name) for name in NAMES}
VERSIONS = {name: parameters_of(MODELS[name], AS_OF) for name in NAMES}
ARRAYS = {name: priced(MARKET, model=MODELS[name], version=VERSIONS[name]) for name in NAMES}
ASSETS = tuple(asset(code) for code in MARKET.catalogue.settlements)

model_names = st.sampled_from(NAMES)


def keeping(law: str) -> st.SearchStrategy[str]:
    """Return the names of our models that declare a law."""
    return st.sampled_from([name for name in NAMES if law in MODELS[name].laws])


legs = st.lists(st.tuples(st.integers(0, len(USABLE) - 1),
                          st.integers(-10**13, 10**13).filter(bool)), max_size=8)


def book(rows: list[tuple[int, int]], orders: list[tuple[int, int]] = (), cash: int = 0) -> Book:
    """Return one account holding (usable instrument, lots) rows."""
    return book_of(catalogue=MARKET.catalogue, accounts=np.arange(1), positions=entries(rows),
                   orders=entries(orders),
                   balances=(ASSETS, np.full((1, len(ASSETS)), cash, np.int64)))


def entries(rows: list[tuple[int, int]]) -> Entries:
    """Return rows of account 0."""
    at = USABLE[[k for k, _ in rows]] if rows else []
    return Entries(account=np.zeros(len(rows), np.int64), instrument=np.array(at, np.int32),
                   lots=np.array([q for _, q in rows], np.int64),
                   entry_cost=np.full(len(rows), UNKNOWN, np.int64))


def margin(name: str, b: Book, threads: int = 1) -> AccountMargin:
    """Return the margin of a book under a model of ours."""
    return compute_margin(b, MARKET, model=MODELS[name], version=VERSIONS[name],
                          arrays=ARRAYS[name], threads=threads)


def bits(m: AccountMargin) -> bytes:
    """Return every requirement column as bytes."""
    needs = m.requirements
    return b"".join(c.tobytes() for c in (
        needs.account, needs.pool, needs.initial, needs.maintenance,
        *needs.initial_components.values(), *needs.maintenance_components.values()))


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_book_needs_nothing(name: str) -> None:
    assert len(margin(name, book([])).requirements) == 0
    assert not margin(name, book([], cash=10**9)).requirements.initial.any()


@given(model_names, legs, legs, st.randoms(use_true_random=False))
def test_order_and_splitting_change_no_bit(name, rows, orders, random) -> None:
    pieces = [(k, part) for k, q in rows for part in (q // 3, q - q // 3) if part]
    random.shuffle(pieces)
    mixed = random.sample(orders, len(orders))

    assert bits(margin(name, book(rows, orders))) == bits(margin(name, book(pieces, mixed)))


@given(model_names, st.lists(legs, min_size=2, max_size=5), st.integers(2, 4))
def test_accounts_threads_and_shards_change_no_bit(name, accounts, threads) -> None:
    shards = [book(rows) for rows in accounts]
    together = concatenated(shards)
    whole = margin(name, together, threads).requirements

    apart = [margin(name, s).requirements for s in shards]
    assert whole.initial.tobytes() == np.concatenate([a.initial for a in apart]).tobytes()
    again = concatenated([rows_of(together, 0, 1), rows_of(together, 1, len(together))])
    assert bits(margin(name, again)) == bits(margin(name, together))


@given(model_names, legs, legs)
def test_components_sum_to_totals(name, rows, orders) -> None:
    needs = margin(name, book(rows, orders)).requirements

    for total, parts in ((needs.initial, needs.initial_components),
                         (needs.maintenance, needs.maintenance_components)):
        np.testing.assert_allclose(np.add.reduce(list(parts.values())), total,
                                   rtol=1e-13, atol=1e-12)
        # Rounding is defined as the gap, so it may not be larger than the printed digits allow.
        size = np.maximum.reduce([np.abs(total), *map(np.abs, parts.values())])
        assert np.all(np.abs(parts["rounding"]) <= 2e-9 + 1e-15 * size * len(parts))


@given(model_names, legs, st.integers(0, 10**12), st.integers(1, 10**12))
def test_adding_collateral_never_worsens_status(name, rows, cash, more) -> None:
    priced_rows = [(k, q) for k, q in rows]
    poor, rich = book(priced_rows, cash=cash), book(priced_rows, cash=cash + more)
    stated = {"equity": poor.balances * 1e-8}, {"equity": rich.balances * 1e-8}
    before, after = (margin(name, replaced(b, given=g))
                     for b, g in zip((poor, rich), stated, strict=True))

    known = dict(zip(zip(before.requirements.account, before.requirements.pool, strict=True),
                     before.status, strict=True))
    for a, p, s in zip(after.requirements.account, after.requirements.pool, after.status,
                       strict=True):
        assert s <= known.get((a, p), 4)


@given(model_names, legs, legs)
def test_requirements_are_not_negative_and_initial_covers_maintenance(name, rows, orders) -> None:
    needs = margin(name, book(rows, orders)).requirements

    assert {"non_negative", "initial_at_least_maintenance"} <= MODELS[name].laws
    assert np.all(needs.maintenance >= 0)
    before_rounding = [total - parts["rounding"] for total, parts in (
        (needs.initial, needs.initial_components),
        (needs.maintenance, needs.maintenance_components))]
    assert np.all(before_rounding[0] >= before_rounding[1])


def test_published_rounding_can_leave_dust_with_less_initial_than_maintenance() -> None:
    """IM is rounded to 9 decimals and MM to 12, as Deribit prints them; the law is before that."""
    needs = margin("deribit_spm", book([(0, 4063)])).requirements

    assert needs.initial[0] == 0 < needs.maintenance[0] == 1e-12


FUTURES = [k for k, column in enumerate(USABLE)
           if MARKET.catalogue.instruments[column].id.startswith("BTC-USD:BTC")
           and MARKET.catalogue.kind[column] in (1, 2)]


@given(keeping("hedge_never_raises_scan"), st.sampled_from(FUTURES), st.sampled_from(FUTURES),
       st.integers(1, 10**15), st.floats(0, 1), st.sampled_from([1, -1]))
def test_a_hedge_by_another_future_never_raises_the_scan(name, a, b, lots, share, side) -> None:
    """Up to the same size of the other expiry: charges on spreads may add, the scan may not."""
    outright = margin(name, book([(a, side * lots)])).requirements
    hedge = int(lots * share * MARKET.mark[USABLE[b]] / MARKET.mark[USABLE[a]])
    hedged = margin(name, book([(a, side * lots), *([(b, -side * hedge)] if hedge else [])]
                               )).requirements

    part = "worst_case" if name == "deribit_spm" else "scan"
    scan = [r.initial_components[part][0] if len(r) else 0.0 for r in (outright, hedged)]
    assert scan[1] <= scan[0] * (1 + 1e-9) + 1e-9


@given(keeping("homogeneous_scan"), legs)
def test_three_times_the_book_needs_three_times(name, rows) -> None:
    one, three = (margin(name, book([(k, n * q) for k, q in rows])).requirements.maintenance
                  for n in (1, 3))

    np.testing.assert_allclose(three, 3 * one, rtol=1e-9, atol=1e-6)


@given(keeping("subadditive"), legs, legs)
def test_two_accounts_together_need_no_more_than_apart(name, rows, others) -> None:
    together, *apart = (margin(name, book(held)).requirements
                        for held in (rows + others, rows, others))
    needed = np.zeros(len(together.pools))
    for alone in apart:
        needed[alone.pool] += alone.initial

    assert np.all(together.initial <= needed[together.pool] * (1 + 1e-9) + 1e-6)


def test_standard_margin_charges_a_hedge_like_any_position() -> None:
    """Not declared: there are no offsets, so the second leg adds its own margin."""
    one, two = (margin("standard", book([(FUTURES[0], 10**12), *more])).requirements.initial[0]
                for more in ([], [(FUTURES[1], -10**12)]))

    assert "hedge_never_raises_scan" not in MODELS["standard"].laws
    assert two > one


@given(keeping("continuous"), legs, st.floats(-1e-9, 1e-9))
def test_requirements_are_continuous_in_prices(name, rows, nudge) -> None:
    b = book(rows)
    moved_market = replaced(MARKET, index=MARKET.index * (1 + nudge), mark=MARKET.mark * (
        1 + nudge), forward=MARKET.forward * (1 + nudge))
    here = margin(name, b).requirements.initial
    there = compute_margin(b, moved_market, model=MODELS[name],
                           version=VERSIONS[name]).requirements.initial

    assert "continuous" in MODELS[name].laws
    np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-5)


@given(keeping("long_option_at_most_premium"), st.integers(0, len(USABLE) - 1),
       st.integers(1, 10**13))
def test_a_long_option_needs_at_most_its_premium(name, k, lots) -> None:
    column = int(USABLE[k])
    if MARKET.catalogue.kind[column] != 3:
        return
    needs = margin(name, book([(k, lots)])).requirements

    premium = lots * MARKET.catalogue.unit[column] * MARKET.mark[column]
    assert needs.initial[0] <= premium


def test_portfolio_margin_breaks_the_premium_bound_by_its_roll_shock() -> None:
    """Not declared: a deep long call pays roll on a delta near one beside its worst case."""
    at = MARKET.catalogue.column["BTC-USD:BTC-20270101-45500-C"]
    k = int(np.flatnonzero(at == USABLE)[0])
    needs = margin("deribit_spm", book([(k, 10**9)])).requirements
    scan = needs.initial_components["worst_case"][0]

    assert "long_option_at_most_premium" not in MODELS["deribit_spm"].laws
    assert scan <= MARKET.mark[at] < scan + needs.initial_components["roll_shock"][0] + MARKET.mark[
        at]


def test_portfolio_margin_is_not_homogeneous_for_its_dampener_and_delta_shock() -> None:
    """Not declared: 400 coins of delta pay a shock that 100 coins do not."""
    k = int(np.flatnonzero(MARKET.catalogue.column["BTC-USD:BTC-PERP"] == USABLE)[0])
    one, four = (margin("deribit_spm", book([(k, n * 6_500_000 * 10**9)])).requirements.initial[0]
                 for n in (1, 10))

    assert "homogeneous_scan" not in MODELS["deribit_spm"].laws
    assert four > 10 * one


@pytest.mark.parametrize("name", ["deribit_spm", "standard"])
def test_merging_accounts_can_need_more_for_size_charges(name: str) -> None:
    """Not declared: the size slope (standard) and the delta shock (portfolio) are convex."""
    k = int(np.flatnonzero(MARKET.catalogue.column["BTC-USD:BTC-PERP"] == USABLE)[0])
    one, two = (margin(name, book([(k, n * 13_000_000 * 10**9)])).requirements.initial[0]
                for n in (1, 2))

    assert "subadditive" not in MODELS[name].laws
    assert two > 2 * one
