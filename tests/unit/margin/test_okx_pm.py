"""OKX's risk units by hand: each measure, spot in use, dates, loans, failures; BTC at 65,000."""

import math
from typing import Any

import numpy as np
import pytest

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.conformance import check_margin_model
from counterpoise.margin.figures import figures_of
from counterpoise.margin.terms.merged_units import UnitCharges, unit_charges, unit_terms
from counterpoise.margin.terms.rounding import added_up
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from counterpoise.values.time import parse_instant
from markets import AS_OF, account, market

MODEL: Any = model_named("okx_pm")
MARKET = market(cash="USDT")
PERP, COIN_PERP, ETH = "BTC-USDT:USDT-PERP", "BTC-USD:BTC-PERP", "ETH-USDT:USDT-PERP"
DATED = "BTC-USDT:USDT-20260327"
CALL, PUT = "BTC-USD:BTC-20260327-65000-C", "BTC-USD:BTC-20260327-65000-P"
FAR = "BTC-USD:BTC-20270101-65000-C"
Overrides = dict[str, Any]
FREE: Overrides = {"basis": {"btc_eth": {"flat": 0}}, "minimum": {"btc_eth": {"rate": 0}}}
"""Without MR4 and MR7."""
BEFORE, AFTER = (parse_instant(f"2025-01-0{day}T12:00:00Z") for day in (5, 7))


def held(holdings: dict[str, float], balances: dict[str, int] | None = None,
         orders: dict[str, float] | None = None, at: MarketSnapshot = MARKET) -> Book:
    """Return an account that entered everything for nothing, so that P&L is the contract value."""
    book = account(at, holdings, orders, balances)
    return replaced(book, entry_cost=np.zeros(len(book.lots), np.int64))


def charges(book: Book, overrides: Overrides | None = None, *, at: MarketSnapshot = MARKET,
            on: int = AS_OF) -> UnitCharges:
    """Return the measures of every unit."""
    version = parameters_of(MODEL, on, overrides)
    arrays = priced(at, model=MODEL, version=version)
    return unit_charges(book, unit_terms(arrays, at, version.parameters))


def margins(book: Book, overrides: Overrides | None = None, *, at: MarketSnapshot = MARKET,
            on: int = AS_OF) -> AccountMargin:
    """Return the margin of a book."""
    return compute_margin(book, at, model=MODEL, version=parameters_of(MODEL, on, overrides))


def black(name: str, *, move: float = 0.0, shift: float = 0.0, days: float = 0.0,
          at: MarketSnapshot = MARKET) -> Any:
    """Return Black's numbers of an option when the index moves and volatility and time pass."""
    k = at.catalogue.column[name]
    contract: Any = at.catalogue.instruments[k]
    years = (contract.expiry - at.as_of) / (365 * 86_400e9) - days / 365
    return black76(forward=np.array([at.forward[k] + move * 65_000]),
                   strike=np.array([contract.strike]), years=np.array([years]),
                   volatility=np.array([max(at.volatility[k] + shift, 0.0)]),
                   right=np.array([at.catalogue.right[k]], np.int8), rate=np.zeros(1))


def days_to(name: str) -> float:
    """Return the days to expiry of a contract."""
    return float((MARKET.catalogue.expiry[MARKET.catalogue.column[name]] - AS_OF) / 86_400e9)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("general", [{}, {"unit": "quote"}, {"basis": "annualised"}])
def test_the_model_passes_the_battery(seed: int, general: Overrides) -> None:
    """No promise is broken on random books, before the merge and with either form of MR4."""
    version = parameters_of(MODEL, AS_OF, {"general": general})

    assert check_margin_model(MODEL, version, MARKET, seed=seed) == ()


@pytest.mark.parametrize(("day", "mr1", "mr6"), [(BEFORE, 0.15, 0.15), (AFTER, 0.12, 0.12)])
def test_moves_changed_between_the_fifth_and_the_seventh_of_january_2025(
        day: int, mr1: float, mr6: float) -> None:
    """15 % and half of 30 % before, 12 % and half of 24 % after."""
    found = charges(held({PERP: -10.0}), on=day)

    assert found.mr1[0] == pytest.approx(650_000 * mr1, rel=1e-12)
    assert found.mr6[0] == pytest.approx(650_000 * mr6, rel=1e-12)


@pytest.mark.parametrize(("day", "rate"), [
    ("2023-07-11", 0.015), ("2023-07-13", 0.006), ("2024-05-12", 0.002), ("2025-02-01", 0.002)])
def test_the_flat_basis_rate_has_its_dates(day: str, rate: float) -> None:
    """Every leg is charged, a lone one too."""
    on = parse_instant(f"{day}T00:00:00Z")

    assert charges(held({PERP: -2.0}), on=on).mr4[0] == pytest.approx(rate * 130_000, rel=1e-12)


def test_a_unit_holds_all_quotes_since_the_merge_and_one_before() -> None:
    """Coin-settled against USDT-settled: the moves cancel in one unit, in two they add."""
    book = held({PERP: 1.0, COIN_PERP: -65_000.0})
    one, two = charges(book), charges(book, on=parse_instant("2024-12-01T00:00:00Z"))

    assert one.mr1.tolist() == pytest.approx([0.0], abs=1e-6)
    assert two.mr1.tolist() == pytest.approx([9_750.0, 9_750.0], rel=1e-9)
    assert not two.mr9.any()


def test_mr1_of_an_option_is_the_worst_of_points_and_percent() -> None:
    """Shifts on the line between 30 points at day 0, 20 at 30 and 10 at 180; 50, 30, 20 %."""
    days, sigma = days_to(CALL), MARKET.volatility[MARKET.catalogue.column[CALL]]
    away = (days - 30) / 150
    shifts = (0.2 - 0.1 * away, sigma * (0.3 - 0.1 * away))
    losses = [black(CALL, move=m, shift=s * x).value[0] - black(CALL).value[0]
              for m in (-0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.12)
              for x in (-1, 0, 1) for s in shifts]

    assert charges(held({CALL: -2.0})).mr1[0] == pytest.approx(2 * max(losses), rel=1e-9)
    assert charges(held({CALL: 2.0})).mr1[0] == pytest.approx(-2 * min(losses), rel=1e-9)


def test_mr2_is_what_a_day_costs_and_mr6_half_of_the_extreme_move() -> None:
    """Volatility stays in both."""
    found = charges(held({CALL: 3.0}))
    now = black(CALL).value[0]

    assert found.mr2[0] == pytest.approx(3 * (now - black(CALL, days=1).value[0]), rel=1e-9)
    assert found.mr6[0] == pytest.approx(1.5 * (now - black(CALL, move=-0.24).value[0]), rel=1e-9)


def test_mr3_charges_vega_that_nets_between_expiries() -> None:
    """Long the near, short the far: twice the smaller vega, at five points."""
    near, far = (black(name).vega[0] for name in (CALL, FAR))
    assert near < far

    assert charges(held({CALL: 1.0, FAR: -1.0})).mr3[0] == pytest.approx(0.05 * 2 * near, rel=1e-9)
    assert charges(held({CALL: 1.0, FAR: 1.0})).mr3[0] == pytest.approx(0.0, abs=1e-8)
    assert charges(held({CALL: 1.0, PUT: -1.0})).mr3[0] == pytest.approx(0.0, abs=1e-8)


def test_mr5_is_a_move_of_the_rate_of_all_options() -> None:
    """One percent x |sum of rho|; futures have none."""
    rho = black(CALL).rho[0] - black(FAR).rho[0]

    assert charges(held({CALL: 1.0, FAR: -1.0, PERP: 5.0})).mr5[0] == pytest.approx(
        0.01 * abs(rho), rel=1e-9)


def test_options_of_one_expiry_are_one_leg_of_the_basis() -> None:
    """A call against a put is a future of that expiry: one cash delta, at the forward."""
    forward = MARKET.forward[MARKET.catalogue.column[CALL]]

    found = charges(held({CALL: 1.0, PUT: -1.0, PERP: -1.0}))
    assert found.mr4[0] == pytest.approx(0.002 * (forward + 65_000), rel=1e-9)


def test_the_annualised_basis_charges_distance_in_time() -> None:
    """5 % a year on cash delta x years; perpetuals have no time, equal expiries none between."""
    overrides = {"general": {"basis": "annualised"}}
    value = MARKET.mark[MARKET.catalogue.column[DATED]]
    found = charges(held({PERP: 1.0, DATED: -1.0}), overrides)

    assert found.mr4[0] == pytest.approx(0.05 * value * days_to(DATED) / 365, rel=1e-9)
    assert charges(held({PERP: 1.0}), overrides).mr4[0] == 0


@pytest.mark.parametrize(("coins", "day", "charge"), [
    (10.0, AFTER, 2_925.0), (100.0, AFTER, 10_000 + 2 * 19_250.0),
    (1_000.0, AS_OF, 250_000 + 2 * 42_500.0)])
def test_mr7_multiplies_the_raw_charge_tier_by_tier(coins: float, day: int, charge: float) -> None:
    """0.45 % of gross cash delta: 2,925, 29,250 and 292,500; wider tiers since 2025-01-15."""
    assert charges(held({PERP: coins}), on=day).mr7[0] == pytest.approx(charge, rel=1e-9)


def test_the_minimum_charge_binds_a_hedged_unit() -> None:
    """Without MR4 nothing else is left; the whole requirement is the minimum, IM 1.3 x it."""
    needs = margins(held({PERP: 1.0, COIN_PERP: -65_000.0}), {
        "basis": {"btc_eth": {"flat": 0}}, "stablecoin": {"rate": [[0, 0, 0]] * 3}}).requirements

    assert needs.maintenance_components["mr7_minimum"][0] == pytest.approx(585.0, rel=1e-6)
    assert needs.maintenance[0] == pytest.approx(585.0, rel=1e-6)
    assert (needs.initial - needs.initial_components["mr8_borrowing"])[0] == pytest.approx(760.5)


def test_mr9_charges_one_dollar_token_against_another() -> None:
    """1,300,000 in USDT against the coin-settled in USD: 0.5 % of a million, 1 % of the rest."""
    book = held({PERP: 20.0, COIN_PERP: -1_300_000.0})
    cheap = replaced(MARKET, price=np.array([65_000.0, 1_900.0, 0.895]))

    assert charges(book).mr9[0] == pytest.approx(5_000 + 3_000, rel=1e-9)
    assert charges(book, at=cheap).mr9[0] == pytest.approx(
        0.5 * (0.4 + 0.005) * 1e6 + 0.5 * (0.4 + 0.015) * (1_300_000 * 0.895 - 1e6), rel=1e-9)
    assert charges(held({PERP: 20.0})).mr9[0] == 0


def test_a_spot_holding_hedges_as_far_as_the_derivatives_are_short() -> None:
    """Two coins against one sold: one is in use, and pays basis as a leg."""
    found = charges(held({PERP: -1.0}, {"BTC": 2}))

    assert found.spot[0] == pytest.approx(1.0)
    assert found.mr1[0] == pytest.approx(0.0, abs=1e-6)
    assert found.mr4[0] == pytest.approx(2 * 130.0, rel=1e-9)
    assert charges(held({PERP: 1.0}, {"BTC": 2})).spot[0] == 0
    assert charges(held({PERP: -5.0}, {"BTC": 2})).mr1[0] == pytest.approx(0.12 * 195_000)


def test_a_coin_that_is_owed_hedges_derivatives_that_are_long() -> None:
    """Three long, two owed: two in use below zero."""
    found = charges(held({PERP: 3.0}, {"BTC": -2}))

    assert found.spot[0] == -2
    assert found.mr1[0] == pytest.approx(0.12 * 65_000, rel=1e-9)


@pytest.mark.parametrize(("given", "used"), [
    ({"spot_in_use_max": 0.25}, 0.25), ({"spot_in_use": 0.75}, 0.75),
    ({"spot_in_use_max": 9.0}, 1.0)])
def test_an_account_may_cap_or_state_its_spot_in_use(given: dict[str, float],
                                                     used: float) -> None:
    """The cap is an upper end, the statement stands for ours."""
    book = replaced(held({PERP: -1.0}, {"BTC": 2}),
                    given={name: np.array([[amount]]) for name, amount in given.items()})

    assert charges(book).spot[0] == pytest.approx(used)


@pytest.mark.parametrize(("offset", "used"), [
    ("USDT", [0, 1]), ("USD", [1, 0]), ("none", [0, 0])])
def test_before_the_merge_spot_joins_the_unit_that_was_chosen(offset: str,
                                                              used: list[float]) -> None:
    """Units in the order of their quotes: USD, USDT."""
    found = charges(held({PERP: -1.0, COIN_PERP: -65_000.0}, {"BTC": 1}),
                    {"general": {"unit": "quote", "spot_offset": offset}})

    assert found.spot.tolist() == pytest.approx(used)


def test_spot_in_use_is_a_component_beside_the_positions() -> None:
    """The positions lose 12 %, the coin saves it; both pay basis."""
    parts = margins(held({PERP: -1.0}, {"BTC": 2})).requirements.maintenance_components

    assert parts["worst_case"][0] + parts["spot_in_use"][0] == pytest.approx(130.0, abs=1e-6)
    assert parts["mr4_basis"][0] == pytest.approx(130.0)


def test_what_is_owed_needs_margin_and_the_ratio_counts_a_fee() -> None:
    """Negative equity of USDT counts whole: 2 % and 10 %; fee 0.1 % of 1.02 x the debt."""
    book = held({ETH: 1.0}, {"USDT": -51_900, "BTC": 1})
    found = margins(book)
    shown = figures_of(MODEL, found, book, (), MARKET, parameters_of(MODEL, AS_OF).parameters)

    assert shown["borrow_mmr"][0] == pytest.approx(1_000.0)
    assert shown["borrow_imr"][0] == pytest.approx(5_000.0)
    assert found.margin_balance[0] == pytest.approx(0.98 * 65_000 - 50_000)
    assert shown["margin_ratio"][0] == pytest.approx(
        13_700 / (found.requirements.maintenance[0] + 51.0), rel=1e-12)


def test_larger_debts_and_stated_loans_take_their_tiers() -> None:
    """Tiers by amount; a loan beside a balance is margined though the equity is positive."""
    tiers = {"borrow": {"usdt": {"up_to": [1_000], "mmr": [0.02, 0.05], "imr": [0.1, 0.2]}}}
    book = replaced(held({}, {"USDT": 7_000}), loans=np.array([[3_000 * 10**6]]))
    needs = margins(book, tiers).requirements

    assert needs.maintenance[0] == pytest.approx(20 + 0.05 * 2_000)
    assert needs.initial[0] == pytest.approx(100 + 0.2 * 2_000)


def test_collateral_counts_by_its_discount_tiers_and_other_assets_nothing() -> None:
    """20 BTC at 98 %, the rest at 97.75 %; the state of an account with no position."""
    assert margins(held({}, {"BTC": 30})).margin_balance[0] == pytest.approx(
        65_000 * (20 * 0.98 + 10 * 0.9775))
    known = replaced(MARKET, assets=("BTC", "ETH", "SOL", "USDT"),
                     price=np.array([65_000.0, 1_900.0, 100.0, 1.0]))
    assert margins(held({}, {"SOL": 5}), at=known).margin_balance[0] == 0


def test_orders_add_their_worse_side_initially_only() -> None:
    """Selling what is held costs nothing; buying as much again doubles the unit, at 1.3 x."""
    needs = [margins(held({PERP: 1.0}, None, {PERP: q})).requirements for q in (-1.0, 1.0)]
    alone = margins(held({PERP: 1.0})).requirements

    assert needs[0].initial[0] == alone.initial[0]
    assert needs[1].initial[0] == pytest.approx(2 * alone.initial[0], rel=1e-12)
    assert needs[1].maintenance[0] == alone.maintenance[0]


def test_a_stated_margin_of_open_orders_stands_for_ours() -> None:
    """By asset, turned into USD."""
    book = replaced(held({PERP: 1.0}, {"BTC": 1}, {PERP: 1.0}),
                    given={"open_orders_margin": np.array([[0.01]])})

    assert margins(book).requirements.initial_components["open_orders_margin"][0] == 650


def test_the_price_of_the_quote_currency_enters_and_moves_stay_those_of_the_index() -> None:
    """USDT at 0.9: a position at 65,000 USDT is worth 58,500; its index moves as in dollars."""
    cheap = replaced(MARKET, price=np.array([65_000.0, 1_900.0, 0.9]))
    found = charges(held({PERP: -1.0}), at=cheap)

    assert found.delta[0] == pytest.approx(-58_500.0)
    assert found.mr1[0] == pytest.approx(0.12 * 65_000, rel=1e-12)


def test_vectors_are_those_of_the_measures() -> None:
    """MR1 in two sets, MR2, MR6; spot in use among the sums."""
    version = parameters_of(MODEL, AS_OF)
    book = held({CALL: -2.0, PERP: -1.0}, {"BTC": 1})
    arrays = priced(MARKET, model=MODEL, version=version)
    vectors = MODEL.vectors(book, arrays, MARKET, version.parameters)
    found = charges(book)

    assert -min(v.counted.min() for v in vectors[:2]) == pytest.approx(found.mr1[0], rel=1e-12)
    assert -vectors[3].counted.min() == pytest.approx(found.mr6[0], rel=1e-12)
    assert found.spot[0] == 1


@pytest.mark.parametrize(("at", "reason"), [
    (replaced(MARKET, price=np.array([65_000.0, 1_900.0, math.nan])), Reason.MISSING_PRICE),
    (replaced(MARKET, price=np.array([65_000.0, 1_900.0, 0.4])), Reason.NOT_APPLICABLE),
    (replaced(MARKET, index=np.array([math.nan, 1_900.0])), Reason.MISSING_INDEX)])
def test_a_market_that_cannot_be_moved_is_a_failure(at: MarketSnapshot, reason: Reason) -> None:
    """No number, and the reason."""
    needs = margins(held({PERP: 1.0}), at=at).requirements

    assert math.isnan(needs.initial[0])
    assert needs.failures[needs.failure[0]].reason is reason


def test_currencies_that_are_not_covered_are_a_failure() -> None:
    """Only USDT, USDC and USD are matched in a unit."""
    other = market(cash="EURT")
    needs = margins(held({"BTC-EURT:EURT-PERP": 1.0}, at=other), at=other).requirements

    assert needs.failures[needs.failure[0]].reason is Reason.NOT_APPLICABLE


def test_an_unknown_entry_leaves_the_debt_unknown() -> None:
    """Negative equity is a loan, so nobody can say what is borrowed."""
    needs = margins(account(MARKET, {PERP: 1.0})).requirements

    assert needs.failures[needs.failure[0]].reason is Reason.MISSING_ENTRY


@pytest.mark.parametrize(("overrides", "named"), [
    ({"spot": {"btc_eth": {"up_to": [0.04, 0.08, 1.2]}}}, "up_to"),
    ({"spot": {"btc_eth": {"up_to": [0.04, 0.08]}}}, "as many moves"),
    ({"extreme": {"other": {"move": 1.5}}}, "move"),
    ({"general": {"basis": "both"}}, "basis"),
    ({"minimum": {"middle": {"multiplier": [1]}}}, "multiplier"),
    ({"borrow": {"usdt": {"up_to": [5, 3], "mmr": [0, 0, 0], "imr": [0, 0, 0]}}}, "up_to"),
    ({"volatility": {"points": [0.3]}}, "points"),
    ({"stablecoin": {"price": [1.0, 0.9, 0.8]}}, "price"),
    ({"stablecoin": {"rate": [[0.1]]}}, "rate")])
def test_parameters_without_meaning_are_refused(overrides: Overrides, named: str) -> None:
    """Each is named."""
    with pytest.raises(BadInput, match=named):
        parameters_of(MODEL, AS_OF, overrides)


@pytest.mark.parametrize(("overrides", "section"), [
    ({"general": {"imr_factor": 0.9}}, "general"),
    ({"borrow": {"usdt": {"up_to": [], "mmr": [0.2], "imr": [0.1]}}}, "borrow.usdt"),
    ({"minimum": {"other": {"multiplier": [2, 1, 4, 6, 8, 10, 12]}}}, "minimum.other"),
    ({"extreme": {"btc_eth": {"move": 0.1}}}, "extreme.btc_eth")])
def test_odd_parameters_are_named(overrides: Overrides, section: str) -> None:
    """They compute, with a warning."""
    odd = parameters_of(MODEL, AS_OF, overrides).parameters.oddities()

    assert [place for place, _ in odd] == [section]


def test_what_is_ours_is_said_where_it_counts() -> None:
    """Options bring their measures, orders their rule; a lone balance brings the collateral's."""
    parameters = parameters_of(MODEL, AS_OF).parameters

    def said(book: Book) -> str:
        return " | ".join(MODEL.our_readings(book, MARKET, parameters))

    assert "MR3" in said(held({CALL: 1.0})) and "MR3" not in said(held({PERP: 1.0}))
    assert "open orders" in said(held({PERP: 1.0}, None, {PERP: 1.0}))
    assert said(held({}, {"USDT": 1})) == MODEL.equity(parameters).reading
    assert MODEL.reading_variants(held({}), parameters) == ()
    assert len(MODEL.reading_variants(held({PERP: 1.0}), parameters)[0]) == 2


def test_tiers_make_twice_the_size_cost_more_than_twice() -> None:
    """Not declared: homogeneous, subadditive. The minimum charge of a hedged unit is convex."""
    one, two = (margins(held({PERP: n * 500.0, COIN_PERP: -n * 32_500_000.0})
                        ).requirements.maintenance[0] for n in (1, 2))

    assert MODEL.laws.isdisjoint({"homogeneous_scan", "subadditive"})
    assert two > 2.04 * one


def test_a_hedge_can_cost_more_than_it_saves() -> None:
    """Not declared: a perpetual that takes away little of the worst case pays basis in full."""
    small = {"spot": {"btc_eth": {"up_to": [0.0001, 0.0002, 0.0005]}},
             "extreme": {"btc_eth": {"move": 0.001}}, "minimum": {"btc_eth": {"rate": 0}}}
    alone, hedged = (margins(held(legs), small).requirements.maintenance[0]
                     for legs in ({PERP: 1.0}, {PERP: 1.0, DATED: -0.5}))

    assert "hedge_never_raises_scan" not in MODEL.laws
    assert hedged > alone


def test_a_long_option_can_need_more_than_its_premium() -> None:
    """Not declared: a call far out of the money can lose all it is worth, and pays 1.3 x."""
    name = "BTC-USD:BTC-20260215-91000-C"
    premium = 65_000 * MARKET.mark[MARKET.catalogue.column[name]]

    assert "long_option_at_most_premium" not in MODEL.laws
    assert margins(held({name: 1.0})).requirements.initial[0] > premium


FUTURES = [PERP, COIN_PERP, *(f"BTC-USD:BTC-{day}" for day in ("20260206", "20260327")),
           "BTC-USDT:USDT-20260215", DATED]


def plainly(sizes: dict[str, float], coins: float, usdt: float) -> float:
    """Return the MMR of a unit of futures and a balance in coins, one thing after another."""
    marks = {name: MARKET.mark[MARKET.catalogue.column[name]] for name in sizes}
    linear = {name: "USDT" in name for name in sizes}
    delta = {n: q if linear[n] else q / marks[n] for n, q in sizes.items()}
    cash = {n: d * marks[n] * (usdt if linear[n] else 1.0) for n, d in delta.items()}
    need = -sum(delta.values())
    spot = min(need, coins) if need > 0 else 0.0
    slope = 65_000 * (sum(delta.values()) + spot)
    scan = max(0.12 * abs(slope), 0.5 * 0.24 * abs(slope))
    basis = 0.002 * (sum(abs(c) for c in cash.values()) + spot * 65_000)
    raw, charge, start = 0.0045 * sum(abs(c) for c in cash.values()), 0.0, 0.0
    for end, times in ((250e3, 1), (500e3, 2), (1e6, 4), (2e6, 6), (3e6, 8), (4e6, 10),
                       (1e18, 12)):
        charge += times * max(min(raw, end) - start, 0.0)
        start = end
    token, dollar = (sum(c for n, c in cash.items() if linear[n] is which)
                     for which in (True, False))
    matched = min(abs(token), abs(dollar)) if token * dollar < 0 else 0.0
    hedge = (0.005 * min(matched, 1e6) + 0.01 * max(min(matched, 5e6) - 1e6, 0)
             + 0.015 * max(matched - 5e6, 0))
    return max(scan + basis + hedge, charge)


@pytest.mark.parametrize("seed", range(8))
def test_random_units_of_futures_are_what_plain_arithmetic_says(seed: int) -> None:
    """Forty accounts of six futures in two quotes, with and without coins, USDT off par."""
    rng = np.random.default_rng(seed)
    usdt = 0.9975
    at = replaced(MARKET, price=np.array([65_000.0, 1_900.0, usdt]))
    for _ in range(40):
        size = rng.choice([0.1, 10.0, 1_000.0])
        sizes = {n: float(np.round(rng.normal() * size, 6)) * (1 if "USDT" in n else 65_000)
                 for n in FUTURES}
        coins = int(rng.choice([0, 1, 20]))
        found = charges(held(sizes, {"BTC": coins}, at=at), at=at)

        assert found.mmr[0] == pytest.approx(plainly(sizes, coins, usdt), rel=1e-9)


def test_addends_add_up_the_same_alone_and_among_others() -> None:
    """One row of nine addends has the bits of the same row beside another."""
    rng = np.random.default_rng(4)
    table = {str(k): rng.normal(size=50) * 10.0 ** rng.integers(-6, 6, 50) for k in range(9)}

    together = added_up(table)
    alone = [added_up({k: v[j:j + 1] for k, v in table.items()})[0] for j in range(50)]
    assert together.tolist() == alone
