"""What-if: the prepared figure lies within its bound, the decision is the margin, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.whatif import (
    Prepared,
    after_order,
    effects,
    largest_that_fits,
    prepare,
    ready_market,
    with_position,
)
from counterpoise.risk.aggregation import grouped, worst_loss
from counterpoise.values.assets import asset
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import UNKNOWN
from markets import AS_OF, market

MARKET = market()
MODEL = model_named("deribit_spm")
VERSION = parameters_of(MODEL, AS_OF)
ARRAYS = priced(MARKET, model=MODEL, version=VERSION)
ASSETS = tuple(asset(code) for code in MARKET.catalogue.settlements)
READY = ready_market(MARKET, model=MODEL, version=VERSION, arrays=ARRAYS)
COUNT = len(MARKET.catalogue)
LOTS = st.integers(-10**14, 10**14) | st.sampled_from((1, -1, 10**17, -(10**17)))
LEGS = st.lists(st.tuples(st.integers(0, COUNT - 1), LOTS.filter(bool)), max_size=8)


def entries(rows: list[tuple[int, int]]) -> Entries:
    return Entries(account=np.zeros(len(rows), np.int64),
                   instrument=np.array([k for k, _ in rows], np.int32),
                   lots=np.array([q for _, q in rows], np.int64),
                   entry_cost=np.full(len(rows), UNKNOWN, np.int64))


def account(rows: list[tuple[int, int]], orders: list[tuple[int, int]] = (),
            given_amounts: dict[str, float] | None = None) -> Book:
    stated = {name: np.full((1, len(ASSETS)), amount) for name, amount in
              (given_amounts or {}).items()}
    return book_of(catalogue=MARKET.catalogue, accounts=np.array(["test"]),
                   positions=entries(rows), orders=entries(orders),
                   balances=(ASSETS, np.zeros((1, len(ASSETS)), np.int64)), given=stated)


def made_ready(book: Book) -> Prepared:
    return prepare(book, READY)


def recomputed(book: Book, column: int) -> tuple[float, float]:
    """Return IM and MM of the pool of an instrument, by the one path to a margin number."""
    needs = compute_margin(book, MARKET, model=MODEL, version=VERSION, arrays=ARRAYS).requirements
    pool = MARKET.catalogue.settlements[MARKET.catalogue.settlement[column]]
    mine = [k for k, p in enumerate(needs.pool) if needs.pools[p] == pool]
    return (needs.initial[mine[0]], needs.maintenance[mine[0]]) if mine else (0.0, 0.0)


GIVEN = st.sampled_from((None, {"mmp_margin": 0.5}, {"open_orders_margin": 0.25},
                         {"open_orders_margin": np.nan, "spot_margin": 2.0}))


@given(LEGS, LEGS, GIVEN, st.integers(0, COUNT - 1), LOTS)
def test_the_prepared_figure_lies_within_its_bound(rows, orders, stated, column, lots):
    book = account(rows, orders[:3], stated)
    screen = effects(made_ready(book), np.array([column], np.int32), np.array([lots]), sequence=1)
    initial, maintenance = recomputed(with_position(book, column, lots), column)

    assert abs(screen.initial[0] - initial) <= screen.initial_error[0]
    assert abs(screen.maintenance[0] - maintenance) <= screen.maintenance_error[0]


@given(LEGS, st.integers(0, COUNT - 1), LOTS)
def test_the_bound_is_small(rows, column, lots):
    """Eleven digits of what the legs would need alone, and the venue's own rounding."""
    screen = effects(made_ready(account(rows)), np.array([column], np.int32), np.array([lots]),
                     sequence=1)
    gross = sum(abs(q) * np.abs(ARRAYS[0].pnl[k]).max() for k, q in [*rows, (column, lots)])

    assert screen.initial_error[0] <= 1e-8 + 1e-11 * (gross + screen.initial[0])


@given(LEGS, st.integers(0, COUNT - 1), LOTS)
def test_the_recomputed_unit_has_the_bits_of_the_kernel(rows, column, lots):
    ready = made_ready(account(rows))
    terms = ready.units.market.terms
    book = with_position(account(rows), column, lots)
    unit_rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                        key=terms.units.of)
    loss, _ = worst_loss(unit_rows, ARRAYS[0].pnl, terms.transform)
    of_unit = loss[unit_rows.key == terms.units.of[column]]

    found = ready.units.engine.worst_again(column, lots, 1)
    assert found == (of_unit[0] if len(of_unit) else 0.0)


@given(LEGS, LEGS, st.integers(0, COUNT - 1), LOTS)
def test_the_decision_is_the_margin_bit_for_bit(rows, orders, column, lots):
    book = account(rows, orders[:2])
    decision = after_order(made_ready(book), column, lots, sequence=1).requirements
    again = account([*rows, (column, lots)], orders[:2])
    needs = compute_margin(again, MARKET, model=MODEL, version=VERSION).requirements

    assert decision.initial.tobytes() == needs.initial.tobytes()
    assert decision.maintenance.tobytes() == needs.maintenance.tobytes()


@given(LEGS, st.integers(0, COUNT - 1), st.sampled_from((1, -1)), st.floats(0.01, 1e4))
def test_the_largest_that_fits_fits_and_one_lot_more_does_not(rows, column, sign, limit):
    ready = made_ready(account(rows))
    wanted = sign * 10**13
    size = largest_that_fits(ready, instrument=column, wanted=wanted, limit=limit, sequence=1)

    assert size * sign >= 0 and abs(size) <= abs(wanted)
    if size:
        assert recomputed(with_position(ready.book, column, size), column)[0] <= limit
    if size and size != wanted:
        assert recomputed(with_position(ready.book, column, size + sign), column)[0] > limit


@pytest.mark.parametrize(("column", "lots", "sentence"), [
    (-1, 1, "must be a column of the catalogue"), (COUNT, 1, "must be a column of the catalogue"),
    (0, 2**63, "exceeds the limit"), (0, -2**63, "exceeds the limit"), (0, 2**62, "adds up to")])
def test_an_order_that_cannot_be_is_refused_in_a_sentence(column, lots, sentence):
    with pytest.raises(BadInput, match=sentence):
        after_order(made_ready(account([(0, 2**61)])), column, lots, sequence=1)


def test_an_account_prepared_at_another_snapshot_is_refused():
    ready = made_ready(account([(0, 5)]))
    sentence = "was prepared at snapshot 1, the market is at 2; prepare it again"
    with pytest.raises(BadInput, match=sentence):
        effects(ready, np.zeros(1, np.int32), np.ones(1, np.int64), sequence=2)
    with pytest.raises(BadInput, match=sentence):
        after_order(ready, 0, 1, sequence=2)
    with pytest.raises(BadInput, match=sentence):
        largest_that_fits(ready, instrument=0, wanted=1, limit=1.0, sequence=2)
    for call in (ready.units.engine.initial, ready.units.engine.maintenance,
                 ready.units.engine.worst, ready.units.engine.worst_again):
        with pytest.raises(ValueError, match=sentence):
            call(0, 1, 2)


def test_one_call_and_many_agree():
    ready = made_ready(account([(0, 10**10), (3, -(10**9))], [(4, 10**9)]))
    at = np.arange(COUNT, dtype=np.int32)
    lots = np.linspace(-10**10, 10**10, COUNT).astype(np.int64)
    many = effects(ready, at, lots, sequence=1, threads=2)
    engine = ready.units.engine

    assert many.initial.tolist() == [engine.initial(k, int(q), 1) for k, q in enumerate(lots)]
    assert many.maintenance.tolist() == [
        engine.maintenance(k, int(q), 1) for k, q in enumerate(lots)]
    assert many.worst.tolist() == [engine.worst(k, int(q), 1) for k, q in enumerate(lots)]


def test_a_contract_without_a_number_has_no_prepared_figure():
    blind = np.array(MARKET.mark)
    blind[7] = np.nan
    quality = np.array(MARKET.quality)
    quality[7] = 1
    dark = replaced(MARKET, mark=blind, forward=blind, quality=quality)
    arrays = priced(dark, model=MODEL, version=VERSION)
    ready = ready_market(dark, model=MODEL, version=VERSION, arrays=arrays)
    held, free = prepare(account([(7, 1)]), ready), prepare(account([(0, 1)]), ready)

    same_pool = int(np.flatnonzero((MARKET.catalogue.settlement == MARKET.catalogue.settlement[7])
                                   & ~arrays[0].failed)[0])
    assert np.isnan(held.units.engine.initial(same_pool, 1, 1))
    assert np.isnan(free.units.engine.initial(7, 1, 1)) and np.isnan(free.units.engine.worst(
        7, 1, 1))


def test_a_model_without_a_prepared_form_is_refused():
    model = model_named("standard")
    with pytest.raises(BadInput, match="has no prepared figures; compute the margin"):
        ready_market(MARKET, model=model, version=parameters_of(model, AS_OF))


@given(st.integers(1, 10**12), st.sampled_from((-1, 1)))
def test_an_order_nets_with_open_orders_before_it_protects(lots, side):
    """A large short order and a long of the same option: what nets is no protection."""
    book = account([], [(14, -side * 10**17), (45, side * 6_837_434)])
    screen = effects(made_ready(book), np.array([14], np.int32), np.array([side * lots]),
                     sequence=1)
    initial, _ = recomputed(with_position(book, 14, side * lots), 14)

    assert abs(screen.initial[0] - initial) <= screen.initial_error[0]
