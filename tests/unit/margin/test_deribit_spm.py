"""What Deribit segregated portfolio margin says of small books, by hand."""

import math
from typing import Any

import numpy as np
import pytest

from counterpoise.accounts.book import Book
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.explain import explain, over_readings, parts, without_each
from counterpoise.margin.models.deribit_spm import MODEL
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from markets import AS_OF, account, market

MARKET = market()
PERP, LINEAR = "BTC-USD:BTC-PERP", "BTC-USDC:USDC-PERP"
FUTURE = "BTC-USD:BTC-20260327"


def option(strike: int, right: str, *, expiry: str = "20260327", coin: str = "BTC",
           linear: bool = False) -> str:
    """Return the canonical id of an option of the test market."""
    paid = "USDC" if linear else coin
    return f"{coin}-{'USDC' if linear else 'USD'}:{paid}-{expiry}-{strike}-{right}"


def margin(book: Book, snapshot: MarketSnapshot = MARKET, **overrides: Any) -> AccountMargin:
    """Return the S:PM margin of a book under dated parameters with overrides."""
    version = parameters_of(MODEL, AS_OF, overrides)
    return compute_margin(book, snapshot, model=MODEL, version=version)


def initial(holdings: dict[str, float], **overrides: Any) -> float:
    """Return the initial margin of an account with one pool."""
    needs = margin(account(MARKET, holdings), **overrides).requirements
    assert len(needs) == 1 and needs.failure[0] < 0
    return float(needs.initial[0])


def test_an_outright_perpetual_needs_its_edge_bucket_and_the_roll_floor() -> None:
    """A long of one coin loses 0.16/0.84 coins at -16 % and pays 1 % roll."""
    worst = round(0.16 / 0.84, 9)

    assert initial({PERP: 65_000.0}) == pytest.approx(worst + 0.01, abs=1e-9)


def test_a_hedged_book_needs_less_than_its_legs() -> None:
    """A perpetual against a dated future keeps the gross roll shock and hardly any scan."""
    legs = {PERP: 65_000.0, FUTURE: -65_000.0}

    assert initial(legs) < 0.12 * sum(initial({n: q}) for n, q in legs.items())


def test_roll_shock_is_gross_over_expiries() -> None:
    """Perpetual and future pay on their own absolute delta."""
    near = "BTC-USD:BTC-20260215"
    book = account(MARKET, {PERP: 65_000.0, near: -65_000.0})
    forward = float(MARKET.forward[MARKET.catalogue.column[near]])

    roll = margin(book).requirements.initial_components["roll_shock"][0]
    assert roll == pytest.approx(0.01 * (1 + 65_000.0 / forward), rel=1e-12)


def test_roll_shock_grows_exponentially_beyond_its_floor() -> None:
    """At 330 days exp(0.075 T) - 1 is above the floor of 1 %."""
    name = "BTC-USD:BTC-20270101"
    column = MARKET.catalogue.column[name]
    years = (int(MARKET.catalogue.expiry[column]) - AS_OF) / (365 * 86_400 * 10**9)
    book = account(MARKET, {name: float(MARKET.mark[column])})

    roll = margin(book).requirements.initial_components["roll_shock"][0]
    assert roll == pytest.approx(math.expm1(0.075 * years), rel=1e-12)


def test_a_coin_settled_box_needs_what_the_same_dollar_claim_needs() -> None:
    """Long box 58,500 / 71,500 = 13,000 USD at expiry = short that many USD of the future."""
    box = {option(58500, "C"): 1.0, option(58500, "P"): -1.0,
           option(71500, "C"): -1.0, option(71500, "P"): 1.0}

    claim = initial({FUTURE: -13_000.0})
    assert initial(box) == pytest.approx(claim, abs=1e-12 + 2e-9)
    exact = {"worst_case", "roll_shock", "delta_shock"}
    parts = [margin(account(MARKET, b)).requirements.initial_components
             for b in (box, {FUTURE: -13_000.0})]
    for name in exact:
        assert parts[0][name][0] == pytest.approx(parts[1][name][0], abs=1e-12)


def test_a_linear_box_needs_next_to_nothing() -> None:
    """A fixed USDC claim moves with nothing."""
    box = {option(58500, "C", linear=True): 1.0, option(58500, "P", linear=True): -1.0,
           option(71500, "C", linear=True): -1.0, option(71500, "P", linear=True): 1.0}

    assert initial(box) <= 1e-6


def test_pools_stay_apart() -> None:
    """A coin-settled long does not pay for a USDC-settled short."""
    book = account(MARKET, {PERP: 65_000.0, LINEAR: -1.0})

    needs = margin(book).requirements
    assert [needs.pools[p] for p in needs.pool] == ["BTC", "USDC"]
    assert needs.initial[0] == pytest.approx(0.16 / 0.84 + 0.01, abs=1e-9)
    assert needs.initial[1] == pytest.approx(65_000 * (0.16 + 0.01), abs=1e-6)


def test_currency_pairs_of_a_pool_add_up_their_own_worst_cases() -> None:
    """Long BTC and short ETH in USDC: each in its own worst direction, no offset."""
    pair = {LINEAR: 1.0, "ETH-USDC:USDC-PERP": -10.0}

    assert initial(pair) == pytest.approx(65_000 * 0.17 + 19_000 * (0.18 + 0.005), abs=1e-6)


def test_gains_are_zeroed_for_btc_and_kept_at_60_percent_for_eth() -> None:
    """`counted` is the vector after pnl_offset and dampener."""
    book = account(MARKET, {PERP: 65_000.0, "ETH-USD:ETH-PERP": 1_900.0})
    version = parameters_of(MODEL, AS_OF)
    arrays = priced(MARKET, model=MODEL, version=version)
    vectors = MODEL.vectors(book, arrays, MARKET, version.parameters)[0]
    top = 1 + 27 - 1
    assert vectors.counted[0, top] == 0 < vectors.summed[0, top]
    assert vectors.counted[1, top] == pytest.approx(0.6 * vectors.summed[1, top], rel=1e-12)


def test_the_dampener_softens_the_extended_table_only() -> None:
    """A short far call loses most at +500 %, less a fixed number of dollars at the edge."""
    book = {option(91000, "C", expiry="20270101"): -1_000.0}
    version = parameters_of(MODEL, AS_OF)
    arrays = priced(MARKET, model=MODEL, version=version)
    vectors = MODEL.vectors(account(MARKET, book), arrays, MARKET, version.parameters)[0]
    moved = vectors.counted[0] - vectors.summed[0]
    assert not np.any(moved[:28][vectors.summed[0, :28] < 0])
    assert moved[35] == pytest.approx((5.0 / 0.16 - 1) * 100_000 / (65_000 * 1.16), rel=1e-9)


def test_delta_shock_starts_beyond_twenty_million_dollars() -> None:
    """1,000 coins: 0.00005 a coin beyond 20m/65,000, capped at 10 %."""
    parts = margin(account(MARKET, {PERP: 65_000_000.0})).requirements.initial_components

    by_hand = 1000 * min(0.00005 * (1000 - 20e6 / 65_000), 0.1)
    assert parts["delta_shock"][0] == pytest.approx(by_hand, rel=1e-12)


def test_long_options_reduce_a_delta_shock_but_never_flip_it() -> None:
    """Long puts against a long delta lower D; long puts alone have none."""
    puts = {option(91000, "P"): 5_000.0}
    alone = margin(account(MARKET, puts)).requirements.initial_components["delta_shock"][0]
    bare = margin(account(MARKET, {PERP: 65e6})).requirements.initial_components["delta_shock"][0]
    both = margin(account(MARKET, {PERP: 65e6} | puts)).requirements.initial_components[
        "delta_shock"][0]

    assert alone == 0.0
    assert 0.0 == both < bare


def test_open_orders_cost_their_worst_side_and_only_initially() -> None:
    """A flat account with orders both ways needs what the larger side would need."""
    book = account(MARKET, {}, orders={PERP: 130_000.0, FUTURE: -65_000.0},
                   balances={"BTC": 1})
    needs = margin(book).requirements

    assert needs.initial[0] == pytest.approx(2 * (0.16 / 0.84 + 0.01), abs=1e-8)
    assert needs.maintenance[0] == 0


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_either_side_of_the_orders_can_be_the_worse_one(side: float) -> None:
    """Two coins on one side, one on the other: the two count, whichever side they are on."""
    book = account(MARKET, {}, orders={PERP: side * 130_000.0, FUTURE: -side * 65_000.0})

    assert margin(book).requirements.initial[0] == pytest.approx(
        initial({PERP: side * 130_000.0}), abs=1e-8)


def test_a_hedging_order_costs_nothing() -> None:
    """Filling it would lower the requirement, so it adds none."""
    book = account(MARKET, {PERP: 65_000.0}, orders={PERP: -65_000.0})

    assert margin(book).requirements.initial_components["open_orders_margin"][0] == 0


def test_contributions_sum_to_the_components() -> None:
    """Euler: positions add up to worst case and roll shock."""
    book = account(MARKET, {PERP: 40_000.0, option(65000, "C"): -3.0, option(58500, "P"): 2.0,
                            FUTURE: -20_000.0})
    parts = margin(book).requirements.initial_components
    shares = explain(book, MARKET, model=MODEL, version=parameters_of(MODEL, AS_OF)).contributions

    for k, name in enumerate(shares.components):
        assert shares.initial[:, k].sum() == pytest.approx(parts[name][0], abs=1e-12)


def test_closing_a_leg_is_a_recomputation_without_it() -> None:
    """The change equals the margin of the book without the leg less that of the book."""
    legs = {PERP: 40_000.0, option(65000, "C"): -3.0, FUTURE: -20_000.0}
    book = account(MARKET, legs)
    told = explain(book, MARKET, model=MODEL, version=parameters_of(MODEL, AS_OF))

    ids = [c.id for c in MARKET.catalogue.instruments]
    for k, column in enumerate(book.instrument):
        rest = {n: q for n, q in legs.items() if n != ids[column]}
        assert told.closing_initial[k] == pytest.approx(initial(rest) - initial(legs), abs=1e-12)
    assert len(without_each(book)) == 3


def test_runs_of_positions_give_the_bits_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large account is closed run by run, in bounded memory, with the same numbers."""
    book = account(MARKET, {PERP: 40_000.0, option(65000, "C"): -3.0, FUTURE: -20_000.0},
                   orders={PERP: 10_000.0})
    version = parameters_of(MODEL, AS_OF)
    at_once = explain(book, MARKET, model=MODEL, version=version)
    monkeypatch.setattr("counterpoise.margin.explain.PART_ROWS_MAX", 8)

    assert [slice(0, 2), slice(2, 3)] == list(parts(book))
    assert at_once == explain(book, MARKET, model=MODEL, version=version)


def test_an_asset_without_parameters_is_a_failure_that_names_them() -> None:
    """Taking ETH's parameters away leaves a reason, not a number."""
    version = parameters_of(MODEL, AS_OF)
    bare = replaced(version, parameters=replaced(version.parameters, currency={
        "btc": version.parameters.currency["btc"]}))
    book = account(MARKET, {"ETH-USD:ETH-PERP": 1_900.0})

    needs = compute_margin(book, MARKET, model=MODEL, version=bare).requirements
    assert math.isnan(needs.initial[0])
    failure = needs.failures[needs.failure[0]]
    assert failure.reason is Reason.NO_PARAMETERS and "BTC" in failure.sentence


def test_futures_do_not_depend_on_the_readings_but_options_do() -> None:
    """The range over the switchable readings is a point for an outright perpetual."""
    version = parameters_of(MODEL, AS_OF)
    plain = over_readings(account(MARKET, {PERP: 65_000.0}), MARKET, model=MODEL, version=version)
    short = over_readings(account(MARKET, {option(91000, "C"): -10.0}), MARKET, model=MODEL,
                          version=version)

    assert plain.readings == 24
    assert plain.initial_low[0] == plain.initial_high[0]
    assert short.initial_low[0] < short.initial_high[0]


def test_given_amounts_replace_our_reading_of_orders() -> None:
    """A stated open_orders_margin wins over the worst side."""
    book = account(MARKET, {PERP: 65_000.0}, orders={PERP: 65_000.0}, balances={"BTC": 1})
    stated = replaced(book, given={"open_orders_margin": np.array([[0.5]])})

    assert margin(stated).requirements.initial_components["open_orders_margin"][0] == 0.5


@pytest.mark.parametrize(("overrides", "names"), [
    ({"general": {"mm_factor": -1}}, "mm_factor"),
    ({"general": {"buckets_count": -1}}, "buckets_count"),
    ({"general": {"buckets_count": 1_000_000}}, "buckets_count"),
    ({"general": {"vol_scenarios_count": 2}}, "vol_scenarios_count"),
    ({"general": {"extended_moves": [-1]}}, "extended_moves"),
    ({"general": {"extended_moves": [0]}}, "extended_moves"),
    ({"currency_pair": {"btc_usd": {"price_range": 0}}}, "price_range"),
    ({"currency_pair": {"btc_usd": {"price_range": 16}}}, "price_range"),
    ({"currency_pair": {"btc_usd": {"max_delta_shock": -1}}}, "max_delta_shock"),
    ({"currency": {"btc": {"extended_dampener": -1e9}}}, "extended_dampener"),
    ({"currency": {"btc": {"haircut": 2}}}, "haircut"),
    ({"currency": {"btc": {"annualised_move_risk": 1e6}}}, "annualised_move_risk"),
    ({"readings": {"roll_option_delta": "bogus"}}, "roll_option_delta"),
    ({"readings": {"relative_vol": "yes"}}, "relative_vol"),
    ({"general": {"buckets_count": 10**5000}}, "buckets_count"),
    ({"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}, "a.b.c"),
])
def test_parameters_without_meaning_are_refused_by_name(overrides: Any, names: str) -> None:
    """Every one is a sentence with the parameter's path, never a number."""
    with pytest.raises(BadInput, match=names):
        parameters_of(MODEL, AS_OF, overrides)


def test_all_wrong_parameters_are_named_at_once() -> None:
    """Two in one section and one in another."""
    with pytest.raises(BadInput) as refused:
        parameters_of(MODEL, AS_OF, {"currency": {"btc": {"haircut": 2, "pnl_offset": -1}},
                                     "general": {"mm_factor": 11}})

    assert len(refused.value.failures) == 3


def test_an_odd_parameter_gives_its_number_and_a_warning_that_names_it() -> None:
    """MM above IM can be computed; the version says that it makes no sense."""
    version = parameters_of(MODEL, AS_OF, {"general": {"mm_factor": 2}})

    assert any("mm_factor 2" in sentence for _, sentence in version.notes)
